//! The published schemas: documented, flat where a table is to be made of them, and true to their examples.

use apache_avro::schema::{RecordField, Schema, UnionSchema};
use apache_avro::types::Value;
use apache_avro::{reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use postdict::event::Reason;
use postdict::event::alert::{AlertCause, AlertState, Severity};
use serde_json::{Map, Value as Json};
use std::fs;
use std::path::{Path, PathBuf};

const INPUTS: [&str; 2] = ["label", "prediction"];
const OUTPUTS: [&str; 4] = ["alerts", "dead_letters", "labelled", "metrics"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn schema(name: &str) -> Schema {
    let text = fs::read_to_string(folder().join(format!("{name}.avsc"))).unwrap();
    Schema::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn fields(schema: &Schema) -> &[RecordField] {
    match schema {
        Schema::Record(record) => &record.fields,
        other => panic!("not a record: {other:?}"),
    }
}

/// The example's members in the order of the file.
fn example(name: &str) -> Vec<(String, Json)> {
    let text = fs::read_to_string(folder().join("examples").join(format!("{name}.json"))).unwrap();
    let members: Map<String, Json> = serde_json::from_str(&text).unwrap();
    let mut members: Vec<_> = members.into_iter().collect();
    // serde_json sorts members, so the order comes from the text: one member per line, indented by two spaces.
    members.sort_by_key(|(key, _)| text.find(&format!("\n  \"{key}\":")).expect("one member per line"));
    members
}

fn names(folder: &Path, extension: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// The type of a value that may be null: the other branch of a union with null.
fn nullable(union: &UnionSchema) -> Option<&Schema> {
    match union.variants() {
        [Schema::Null, other] => Some(other),
        _ => None,
    }
}

fn is_primitive(schema: &Schema) -> bool {
    matches!(
        schema,
        Schema::Boolean
            | Schema::Int
            | Schema::Long
            | Schema::Double
            | Schema::String
            | Schema::Bytes
            | Schema::TimestampMillis
    )
}

fn is_flat(schema: &Schema) -> bool {
    match schema {
        Schema::Union(union) => nullable(union).is_some_and(is_primitive),
        other => is_primitive(other),
    }
}

/// Reads JSON as `schema`; `None` where it is of another type.
fn from_json(json: &Json, schema: &Schema) -> Option<Value> {
    Some(match (schema, json) {
        (Schema::Null, Json::Null) => Value::Null,
        (Schema::Boolean, Json::Bool(value)) => Value::Boolean(*value),
        (Schema::Int, Json::Number(value)) => Value::Int(value.as_i64()?.try_into().ok()?),
        (Schema::Long, Json::Number(value)) => Value::Long(value.as_i64()?),
        (Schema::TimestampMillis, Json::Number(value)) => Value::TimestampMillis(value.as_i64()?),
        // An integer stays one where the union has a place for it.
        (Schema::Double, Json::Number(value)) => Value::Double(value.as_f64().filter(|_| value.is_f64())?),
        (Schema::String, Json::String(value)) => Value::String(value.clone()),
        (Schema::Bytes, Json::String(value)) => Value::Bytes(BASE64.decode(value).ok()?),
        (Schema::Map(map), Json::Object(members)) => {
            let read = |(key, value): (&String, &Json)| Some((key.clone(), from_json(value, &map.types)?));
            Value::Map(members.iter().map(read).collect::<Option<_>>()?)
        }
        (Schema::Union(union), json) => {
            let mut branches = union.variants().iter().zip(0..);
            branches.find_map(|(branch, index)| Some(Value::Union(index, Box::new(from_json(json, branch)?))))?
        }
        _ => return None,
    })
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Long(value) | Value::TimestampMillis(value) => Json::from(*value),
        Value::Double(value) => Json::from(*value),
        Value::String(value) => Json::from(value.as_str()),
        Value::Bytes(value) => Json::from(BASE64.encode(value)),
        Value::Map(members) => members.iter().map(|(key, value)| (key.clone(), to_json(value))).collect(),
        Value::Union(_, value) => to_json(value),
        other => panic!("not used in our schemas: {other:?}"),
    }
}

#[test]
fn every_schema_is_known_and_has_an_example() {
    let mut expected = [INPUTS.as_slice(), OUTPUTS.as_slice()].concat();
    expected.sort();
    assert_eq!(names(&folder(), "avsc"), expected);
    assert_eq!(names(&folder().join("examples"), "json"), expected);
}

#[test]
fn every_schema_and_field_is_documented_and_well_named() {
    for name in names(&folder(), "avsc") {
        let schema = schema(&name);
        assert_eq!(schema.namespace(), Some("io.postdict"), "{name}");
        let Schema::Record(record) = &schema else { panic!("{name} is not a record") };
        assert!(record.doc.as_ref().is_some_and(|doc| !doc.is_empty()), "{name} says nothing about itself");
        for field in fields(&schema) {
            let place = format!("{name}.{}", field.name);
            assert!(field.doc.as_ref().is_some_and(|doc| !doc.is_empty()), "{place} has no doc");
            assert!(field.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{place} is not snake_case");
        }
    }
}

#[test]
fn outputs_are_flat() {
    for name in OUTPUTS {
        for field in fields(&schema(name)) {
            assert!(is_flat(&field.schema), "{name}.{} cannot be a column", field.name);
        }
    }
}

#[test]
fn what_may_be_null_is_null_by_default() {
    for name in names(&folder(), "avsc") {
        for field in fields(&schema(&name)) {
            if let Schema::Union(union) = &field.schema {
                assert_eq!(union.variants().first(), Some(&Schema::Null), "{name}.{}", field.name);
                assert_eq!(field.default, Some(Json::Null), "{name}.{}", field.name);
            }
        }
    }
}

#[test]
fn examples_have_the_fields_of_their_schema_in_its_order() {
    for name in names(&folder(), "avsc") {
        let schema = schema(&name);
        let expected: Vec<_> = fields(&schema).iter().map(|field| field.name.as_str()).collect();
        let example = example(&name);
        let found: Vec<_> = example.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn examples_survive_avro() {
    for name in names(&folder(), "avsc") {
        let schema = schema(&name);
        let example = example(&name);
        let members = fields(&schema).iter().zip(&example).map(|(field, (key, json))| {
            let value = from_json(json, &field.schema).unwrap_or_else(|| panic!("{name}.{key} cannot be {json}"));
            (key.clone(), value)
        });
        let record = Value::Record(members.collect());

        let writer = GenericDatumWriter::builder(&schema).build().unwrap();
        let bytes = writer.write_value_to_vec(record).unwrap_or_else(|error| panic!("{name}: {error}"));
        let reader = GenericDatumReader::builder(&schema).build().unwrap();
        let decoded = reader.read_value(&mut bytes.as_slice()).unwrap();

        let Value::Record(decoded) = decoded else { panic!("{name} did not come back as a record") };
        let decoded: Vec<_> = decoded.iter().map(|(key, value)| (key.clone(), to_json(value))).collect();
        assert_eq!(decoded, example, "{name}");
    }
}

#[test]
fn dead_letters_document_every_reason() {
    let schema = schema("dead_letters");
    let reason = fields(&schema).iter().find(|field| field.name == "reason").unwrap();
    let (_, listed) = reason.doc.as_ref().unwrap().trim_end_matches('.').split_once(": ").unwrap();
    assert_eq!(listed.split(", ").collect::<Vec<_>>(), Reason::ALL.map(Reason::as_str));
}

#[test]
fn alerts_document_every_severity_state_and_cause() {
    let schema = schema("alerts");
    let doc = |name: &str| fields(&schema).iter().find(|field| field.name == name).unwrap().doc.clone().unwrap();
    let listed = |names: &[&str]| {
        let (last, others) = names.split_last().unwrap();
        format!("{} or {last}", others.join(", "))
    };
    assert!(doc("severity").starts_with(&listed(&Severity::ALL.map(Severity::name))));
    assert!(doc("state").starts_with(&listed(&AlertState::ALL.map(AlertState::name))));
    assert!(doc("cause").starts_with(&listed(&AlertCause::ALL.map(AlertCause::name))));
}

#[test]
fn what_is_not_flat_is_seen() {
    for text in [r#"["string", "null"]"#, r#"{"type": "map", "values": "long"}"#, r#"["null", "string", "long"]"#] {
        assert!(!is_flat(&Schema::parse_str(text).unwrap()), "{text}");
    }
}

/// Reads an example as the type that is written, and writes it again.
fn written<R: serde::de::DeserializeOwned + serde::Serialize>(name: &str) -> (serde_json::Value, String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/examples/{name}.json"));
    let text = std::fs::read_to_string(path).unwrap();
    let row: R = serde_json::from_str(&text).unwrap();
    (serde_json::from_str(&text).unwrap(), serde_json::to_string(&row).unwrap())
}

#[test]
fn what_is_written_has_the_columns_of_its_schema_in_their_order() {
    let rows = [
        ("metrics", written::<postdict::event::MetricRow>("metrics")),
        ("alerts", written::<postdict::event::AlertRow>("alerts")),
        ("dead_letters", written::<postdict::event::DeadLetterRow>("dead_letters")),
        ("labelled", written::<postdict::event::LabelledRow>("labelled")),
    ];
    for (name, (example, line)) in rows {
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), example, "{name}");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.avsc"));
        let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut rest = line.as_str();
        for field in schema["fields"].as_array().unwrap() {
            let key = format!("\"{}\":", field["name"].as_str().unwrap());
            let (_, after) = rest.split_once(&key).unwrap_or_else(|| panic!("{name}: no {key} in its place in {line}"));
            rest = after;
        }
    }
}
