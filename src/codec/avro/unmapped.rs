//! What of a writer schema is in the watched object although no column takes it: known once per schema, except the keys of
//! a map.

use super::super::unknown::Watched;
use crate::event::unknown::NameSet;
use serde_json::Value;

/// What is noted of the records of one schema.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unmapped {
    /// Fields that no column takes: every record has them.
    pub fields: NameSet,
    /// The watched object, if it may be a map: each row has its own keys.
    pub map: Option<Watched>,
}

impl Unmapped {
    /// Of the writer schema `schema` (JSON text); nothing of what is no schema.
    pub(super) fn of(schema: &str, watched: Option<&Watched>) -> Unmapped {
        let mut found = Unmapped::default();
        if let (Some(watched), Ok(schema)) = (watched, serde_json::from_str::<Value>(schema)) {
            Search { schema: &schema, watched, found: &mut found }.walk(&schema, &watched.path);
        }
        found
    }
}

/// True of a type that is a map, or may be one.
pub(super) fn is_map(kind: &Value) -> bool {
    match kind {
        Value::Array(branches) => branches.iter().any(is_map),
        Value::Object(object) => object.get("type").is_some_and(|inner| inner == "map" || is_map(inner)),
        _ => false,
    }
}

struct Search<'s> {
    /// The whole, which types may be defined anywhere in.
    schema: &'s Value,
    watched: &'s Watched,
    found: &'s mut Unmapped,
}

impl Search<'_> {
    /// Looks at the type `kind`; `path` leads on from there to the watched object.
    fn walk(&mut self, kind: &Value, path: &[String]) {
        match kind {
            Value::Array(branches) => branches.iter().for_each(|branch| self.walk(branch, path)),
            Value::Object(object) => match (object.get("type"), path.split_first()) {
                (Some(Value::String(name)), rest) => match (name.as_str(), rest) {
                    ("record" | "error", None) => {
                        let names = fields(kind).iter().filter_map(|field| field.get("name")?.as_str());
                        names.filter(|name| !self.watched.knows(name)).for_each(|name| self.found.fields.add(name));
                    }
                    ("record" | "error", Some((first, rest))) => {
                        let field =
                            fields(kind).iter().find(|field| field.get("name").is_some_and(|name| name == first));
                        // In some old schemas a field and its record are one object.
                        let inner = field.map(|field| if fields(field).is_empty() { &field["type"] } else { field });
                        inner.into_iter().for_each(|inner| self.walk(inner, rest));
                    }
                    ("map", None) => self.found.map = Some(self.watched.clone()),
                    ("map", Some((_, rest))) => {
                        object.get("values").into_iter().for_each(|values| self.walk(values, rest));
                    }
                    _ => self.walk_named(name, path),
                },
                (Some(nested), _) => self.walk(nested, path),
                (None, _) => {}
            },
            Value::String(name) => self.walk_named(name, path),
            _ => {}
        }
    }

    /// Looks at a record that is defined elsewhere in the schema.
    fn walk_named(&mut self, name: &str, path: &[String]) {
        let short = name.rsplit('.').next().unwrap_or(name);
        if let Some(record) = record(self.schema, short) {
            self.walk(record, path);
        }
    }
}

fn fields(record: &Value) -> &[Value] {
    record.get("fields").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The first record of that name, without its namespace.
fn record<'s>(schema: &'s Value, short: &str) -> Option<&'s Value> {
    let is_record = schema.get("type").is_some_and(|kind| kind == "record") && schema.get("fields").is_some();
    let name = schema.get("name").and_then(Value::as_str).and_then(|name| name.rsplit('.').next());
    if is_record && name == Some(short) {
        return Some(schema);
    }
    match schema {
        Value::Array(items) => items.iter().find_map(|item| record(item, short)),
        Value::Object(members) => members.values().find_map(|member| record(member, short)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(schema: &str, path: &[&str]) -> (Vec<String>, bool) {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        let found = Unmapped::of(schema, Some(&Watched { path, known: vec!["a".to_owned()] }));
        (found.fields.names().iter().map(|name| name.to_string()).collect(), found.map.is_some())
    }

    #[test]
    fn fields_are_found_behind_unions_and_names() {
        let inner = r#"{"type":"record","name":"n.In","fields":[{"name":"a","type":"int"},{"name":"z","type":"int"},{"name":"b","type":["null","int"]}]}"#;
        let outer = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
        let direct = outer(&format!(r#"{{"name":"f","type":["null",{inner}]}},{{"name":"x","type":"int"}}"#));
        assert_eq!(found(&direct, &["f"]), (vec!["b".to_owned(), "z".to_owned()], false));
        assert_eq!(found(&direct, &["g"]), (vec![], false));
        assert_eq!(found(&direct, &["x", "y"]), (vec![], false));
        let named = outer(&format!(r#"{{"name":"e","type":{inner}}},{{"name":"f","type":"n.In"}}"#));
        assert_eq!(found(&named, &["f"]).0, ["b", "z"]);
        let deep = outer(&format!(r#"{{"name":"p","type":{}}}"#, outer(&format!(r#"{{"name":"f","type":{inner}}}"#))));
        assert_eq!(found(&deep, &["p", "f"]).0, ["b", "z"]);
        let map = outer(r#"{"name":"f","type":["null",{"type":"map","values":"double"}]}"#);
        assert_eq!(found(&map, &["f"]), (vec![], true));
    }
}
