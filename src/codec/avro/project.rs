//! Schemas as the decoder is given them: the writer's without what only documents it, and the reader's with only the
//! mapped fields, so that the others are skipped over.

use super::super::trie::Trie;
use super::unmapped;
use serde_json::{Map, Value};

/// What decoding needs to know of a writer schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Projection {
    /// The writer schema, of the same binary form.
    pub writer: String,
    /// The same with the mapped fields only; `None` where everything is to be decoded.
    pub reader: Option<String>,
}

/// Projects a writer schema (JSON text) on the paths of `trie`. Errors if it is not JSON.
pub(super) fn project(writer: &str, trie: &Trie) -> Result<Projection, String> {
    let mut schema: Value = serde_json::from_str(writer).map_err(|error| format!("not JSON: {error}"))?;
    normalise(&mut schema);
    // A name refers to a definition that the projection might drop or change: such a schema is decoded whole.
    let mut reader = None;
    if !refers_to_names(&schema) {
        let pruned = prune(&schema, trie, 0);
        reader = (pruned != schema).then(|| pruned.to_string());
    }
    Ok(Projection { writer: schema.to_string(), reader })
}

/// Drops what does not change the binary form: documentation, aliases, defaults (nothing is ever filled in), and that
/// a text is a UUID, so that it stays text.
fn normalise(schema: &mut Value) {
    match schema {
        Value::Array(branches) => branches.iter_mut().for_each(normalise),
        Value::Object(object) => {
            for key in ["doc", "aliases", "default", "order"] {
                object.remove(key);
            }
            if object.get("logicalType").is_some_and(|logical| logical == "uuid") {
                object.remove("logicalType");
            }
            for key in ["type", "items", "values"] {
                object.get_mut(key).map(normalise).unwrap_or_default();
            }
            if let Some(Value::Array(fields)) = object.get_mut("fields") {
                fields.iter_mut().for_each(normalise);
            }
        }
        _ => {}
    }
}

const PRIMITIVES: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const COMPLEX: [&str; 6] = ["record", "error", "enum", "array", "map", "fixed"];

fn refers_to_names(schema: &Value) -> bool {
    match schema {
        Value::String(name) => !PRIMITIVES.contains(&name.as_str()),
        Value::Array(branches) => branches.iter().any(refers_to_names),
        Value::Object(object) => {
            let own_type = match object.get("type") {
                Some(Value::String(name)) => !COMPLEX.contains(&name.as_str()) && !PRIMITIVES.contains(&name.as_str()),
                Some(nested) => refers_to_names(nested),
                None => false,
            };
            let inner = ["items", "values"].iter().filter_map(|key| object.get(*key)).any(refers_to_names);
            let fields = object.get("fields").and_then(Value::as_array);
            own_type || inner || fields.is_some_and(|fields| fields.iter().any(refers_to_names))
        }
        _ => false,
    }
}

/// The part of `schema` that the paths from node `at` lead to.
fn prune(schema: &Value, trie: &Trie, at: usize) -> Value {
    let node = trie.node(at);
    match schema {
        Value::Array(branches) => Value::Array(branches.iter().map(|branch| prune(branch, trie, at)).collect()),
        Value::Object(object) if object.get("type").is_some_and(|kind| !kind.is_string()) => {
            with(object, "type", prune(&object["type"], trie, at))
        }
        // A slot may want every member.
        Value::Object(object) if node.slot.is_none() || at == 0 => match object.get("fields").and_then(Value::as_array)
        {
            Some(fields) => {
                let kept: Vec<Value> = fields.iter().filter_map(|field| prune_field(field, trie, at)).collect();
                if kept.is_empty() { schema.clone() } else { with(object, "fields", Value::Array(kept)) }
            }
            None => schema.clone(),
        },
        _ => schema.clone(),
    }
}

fn prune_field(field: &Value, trie: &Trie, at: usize) -> Option<Value> {
    let child = trie.child(at, field.get("name")?.as_str()?)?;
    let node = trie.node(child);
    // Of a record that is only watched, the schema says all that is noted; of a map, its keys.
    if node.slot.is_none() && node.children.is_empty() && !unmapped::is_map(field.get("type")?) {
        return None;
    }
    let pruned = match field.get("type")? {
        // `{"name": …, "type": "record", "fields": …}` is one object for the field and its type in some old schemas;
        // its type is a plain string and it is kept as it is.
        Value::String(_) => return Some(field.clone()),
        kind => prune(kind, trie, child),
    };
    Some(with(field.as_object()?, "type", pruned))
}

fn with(object: &Map<String, Value>, key: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed.insert(key.to_owned(), value);
    Value::Object(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn projected(schema: &str, paths: &[&str]) -> Projection {
        let paths: Vec<Vec<String>> = paths.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect();
        project(schema, &Trie::new(&paths)).expect("a schema")
    }

    const NESTED: &str = r#"{"type":"record","name":"R","doc":"text","fields":[
        {"name":"id","type":{"type":"string","logicalType":"uuid"},"default":"x"},
        {"name":"skipped","type":"double"},
        {"name":"in","type":["null",{"type":"record","name":"In","fields":[
            {"name":"a","type":"int"},{"name":"b","type":"int"}]}],"default":null}]}"#;

    #[test]
    fn only_mapped_fields_stay_also_within_nullable_records() {
        let reader = projected(NESTED, &["id", "in.b"]).reader.expect("a projection");
        let expected: Value = serde_json::from_str(
            r#"{"type":"record","name":"R","fields":[{"name":"id","type":{"type":"string"}},
            {"name":"in","type":["null",{"type":"record","name":"In","fields":[{"name":"b","type":"int"}]}]}]}"#,
        )
        .unwrap();
        assert_eq!(serde_json::from_str::<Value>(&reader).unwrap(), expected);
    }

    #[test]
    fn a_schema_that_is_needed_whole_or_refers_to_names_is_not_projected() {
        assert_eq!(projected(NESTED, &["id", "skipped", "in"]).reader, None);
        assert_eq!(projected(NESTED, &["nowhere"]).reader, None);
        let named = r#"{"type":"record","name":"R","fields":[
            {"name":"a","type":{"type":"enum","name":"E","symbols":["x"]}},{"name":"b","type":"E"}]}"#;
        assert_eq!(projected(named, &["b"]).reader, None);
    }
}
