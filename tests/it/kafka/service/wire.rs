//! Records as they are in topics: JSON, or Avro in Confluent framing by the schemas that the package ships.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// How a service reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Json,
    Avro,
}

/// Ids of the schemas, as a registry would give them. By input: predictions, labels.
pub const INPUT_IDS: [i32; 2] = [7, 700];
/// Of the metrics.
pub const METRICS_ID: i32 = 41;
/// Of the dead letters.
pub const DEAD_LETTERS_ID: i32 = 42;
/// Of the alerts.
pub const ALERTS_ID: i32 = 43;

/// A schema file of the package.
pub fn schema_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(format!("{name}.avsc"))
}

/// One of the schemas of the package.
pub fn schema(name: &str) -> Schema {
    Schema::parse_str(&std::fs::read_to_string(schema_file(name)).unwrap()).unwrap()
}

/// Confluent framing.
pub fn frame(id: i32, datum: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], datum].concat()
}

/// Bytes of a JSON record by a schema, without a frame.
pub fn encode(schema: &Schema, record: &Value) -> Vec<u8> {
    GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(avro(schema, record)).unwrap()
}

/// The record in bytes without a frame, of which nothing may be left over.
pub fn decode(schema: &Schema, mut datum: &[u8]) -> Avro {
    let value = GenericDatumReader::builder(schema).build().unwrap().read_value(&mut datum).unwrap();
    assert!(datum.is_empty(), "bytes are left over");
    value
}

fn avro(schema: &Schema, value: &Value) -> Avro {
    match schema {
        Schema::Record(record) => {
            let field = |field: &apache_avro::schema::RecordField| {
                let found = value.get(&field.name).or(field.default.as_ref()).unwrap_or(&Value::Null);
                (field.name.clone(), avro(&field.schema, found))
            };
            Avro::Record(record.fields.iter().map(field).collect())
        }
        Schema::Union(union) => {
            let fits = |schema: &&Schema| match value {
                Value::Null => matches!(schema, Schema::Null),
                Value::Bool(_) => matches!(schema, Schema::Boolean),
                Value::String(_) => matches!(schema, Schema::String),
                Value::Object(_) => matches!(schema, Schema::Map(_)),
                // A whole number is a `long` where the union has one.
                Value::Number(number) if number.is_i64() => matches!(schema, Schema::Long | Schema::TimestampMillis),
                _ => matches!(schema, Schema::Double),
            };
            let variants = union.variants();
            let place = variants.iter().position(|schema| fits(&schema));
            let place = place.or_else(|| variants.iter().position(|schema| matches!(schema, Schema::Double)));
            let place = place.unwrap_or_else(|| panic!("{value} fits no variant of {union:?}"));
            Avro::Union(place as u32, Box::new(avro(&variants[place], value)))
        }
        Schema::Map(map) => {
            let values = value.as_object().unwrap().iter();
            Avro::Map(values.map(|(name, value)| (name.clone(), avro(&map.types, value))).collect())
        }
        Schema::Null => Avro::Null,
        Schema::Boolean => Avro::Boolean(value.as_bool().unwrap()),
        Schema::Double => Avro::Double(value.as_f64().unwrap()),
        Schema::Long => Avro::Long(value.as_i64().unwrap()),
        Schema::TimestampMillis => Avro::TimestampMillis(value.as_i64().unwrap()),
        Schema::String => Avro::String(value.as_str().unwrap().to_owned()),
        other => panic!("the schemas of inputs have no {other:?}"),
    }
}

/// Reads the rows of an output topic.
pub struct RowReader {
    avro: Option<(Schema, i32)>,
}

impl RowReader {
    /// Of the topic whose schema has that name; `id` is what its rows must be framed with.
    pub fn new(wire: Wire, schema_name: &str, id: i32) -> RowReader {
        RowReader { avro: (wire == Wire::Avro).then(|| (schema(schema_name), id)) }
    }

    /// A row, as JSON has it; what is null is left out.
    pub fn read(&self, bytes: &[u8]) -> Map<String, Value> {
        let row = match &self.avro {
            None => serde_json::from_slice(bytes).unwrap(),
            Some((schema, id)) => {
                let datum = bytes.strip_prefix(&frame(*id, &[])[..]).expect("framing with the configured id");
                json(decode(schema, datum))
            }
        };
        without_nulls(row)
    }
}

/// A row without its nulls.
pub fn without_nulls(row: Value) -> Map<String, Value> {
    let Value::Object(mut row) = row else { panic!("a row is an object: {row}") };
    row.retain(|_, value| !value.is_null());
    row
}

fn json(value: Avro) -> Value {
    match value {
        Avro::Record(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, json(value))).collect()),
        Avro::Union(_, value) => json(*value),
        Avro::Null => Value::Null,
        Avro::Boolean(value) => value.into(),
        Avro::Int(value) => value.into(),
        Avro::Long(value) | Avro::TimestampMillis(value) => value.into(),
        Avro::Double(value) => {
            assert!(value.is_finite(), "{value} in a row");
            value.into()
        }
        Avro::String(value) => value.into(),
        Avro::Bytes(value) => BASE64_STANDARD.encode(value).into(),
        other => panic!("the schemas of outputs have no {other:?}"),
    }
}

#[test]
fn a_record_comes_back_from_avro_as_it_was() {
    let text = r#"{"request_id":"a","model_id":"m","timestamp":12,"score":0.1,"predicted_label":1,"features":{"x":3,"y":"t","z":true,"n":null}}"#;
    let schema = schema("prediction");
    let bytes = encode(&schema, &serde_json::from_str(text).unwrap());
    let back = without_nulls(decode(&schema, &bytes).try_into().unwrap());
    assert_eq!(back["features"]["x"], 3.0);
    assert_eq!((&back["score"], &back["predicted_label"]), (&0.1.into(), &1.into()));
}

#[test]
#[should_panic(expected = "framing with the configured id")]
fn another_schema_id_is_seen() {
    RowReader::new(Wire::Avro, "metrics", METRICS_ID).read(&frame(METRICS_ID + 1, &[0]));
}
