//! The same rows give the same batch in JSON, plain Avro and framed Avro, however they are cut into batches.

use super::*;
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

const SCHEMA: &str = r#"{"type":"record","name":"P","namespace":"a.b","fields":[
    {"name":"unused","type":{"type":"array","items":["null","double"]},"default":[]},
    {"name":"request_id","type":{"type":"string","logicalType":"uuid"}},
    {"name":"model_id","type":{"type":"enum","name":"Model","symbols":["m","n"]}},
    {"name":"model_version","type":["string","null"]},
    {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"score","type":["null","double"]},
    {"name":"predicted_label","type":["null","string","long","boolean"]},
    {"name":"scores","type":["null",{"type":"map","values":"double"}]},
    {"name":"predicted_value","type":["null","float"]},
    {"name":"features","type":{"type":"map","values":["null","double","string","boolean"]}},
    {"name":"attributes","type":["null",{"type":"record","name":"Attributes","fields":[
        {"name":"skipped","type":"string"},{"name":"country","type":["null","string"]}]}]},
    {"name":"latency_ms","type":["null","int"]},
    {"name":"error","type":["null","string"]}]}"#;

/// A value in both worlds.
#[derive(Debug, Clone)]
enum Field {
    Null,
    Bool(bool),
    Long(i64),
    Int(i32),
    Double(f64),
    Float(f32),
    Text(String),
    Map(BTreeMap<String, Field>),
}

impl Field {
    fn json(&self) -> serde_json::Value {
        match self {
            Field::Null => serde_json::Value::Null,
            Field::Bool(value) => (*value).into(),
            Field::Long(value) => (*value).into(),
            Field::Int(value) => (*value).into(),
            Field::Double(value) => (*value).into(),
            Field::Float(value) => f64::from(*value).into(),
            Field::Text(value) => value.as_str().into(),
            Field::Map(map) => map.iter().map(|(name, value)| (name.clone(), value.json())).collect(),
        }
    }

    fn avro(&self, branches: &[&str]) -> Value {
        let (name, value) = match self {
            Field::Null => ("null", Value::Null),
            Field::Bool(value) => ("boolean", Value::Boolean(*value)),
            Field::Long(value) => ("long", Value::Long(*value)),
            Field::Int(value) => ("int", Value::Int(*value)),
            Field::Double(value) => ("double", Value::Double(*value)),
            Field::Float(value) => ("float", Value::Float(*value)),
            Field::Text(value) => ("string", Value::String(value.clone())),
            Field::Map(map) => {
                let values: HashMap<_, _> = map.iter().map(|(name, value)| (name.clone(), value.avro(&[]))).collect();
                ("map", Value::Map(values))
            }
        };
        match branches.iter().position(|branch| *branch == name) {
            Some(branch) => Value::Union(branch as u32, Box::new(value)),
            None => value,
        }
    }
}

/// The members of a prediction, and its form in both worlds.
#[derive(Debug, Clone)]
struct Row(BTreeMap<&'static str, Field>);

impl Row {
    fn json(&self) -> Vec<u8> {
        let members: serde_json::Map<_, _> =
            self.0.iter().map(|(name, value)| ((*name).to_owned(), value.json())).collect();
        serde_json::to_vec(&members).unwrap()
    }

    fn avro(&self, schema: &Schema) -> Vec<u8> {
        let field = |name: &str, branches: &[&str]| (name.to_owned(), self.0[name].avro(branches));
        let Field::Text(model) = &self.0["model_id"] else { unreachable!("a text") };
        let attributes = match &self.0["attributes"] {
            Field::Map(map) => {
                let fields = vec![
                    ("skipped".to_owned(), Value::String("s".to_owned())),
                    ("country".to_owned(), map["country"].avro(&["null", "string"])),
                ];
                Value::Union(1, Box::new(Value::Record(fields)))
            }
            _ => Value::Union(0, Box::new(Value::Null)),
        };
        let Field::Map(features) = &self.0["features"] else { unreachable!("a map") };
        let features = features
            .iter()
            .map(|(name, value)| (name.clone(), value.avro(&["null", "double", "string", "boolean"])))
            .collect();
        let Field::Text(id) = &self.0["request_id"] else { unreachable!("a text") };
        let Field::Long(time) = &self.0["timestamp"] else { unreachable!("a long") };
        let record = Value::Record(vec![
            ("unused".to_owned(), Value::Array(vec![Value::Union(1, Box::new(Value::Double(1.0)))])),
            ("request_id".to_owned(), Value::Uuid(id.parse().unwrap())),
            ("model_id".to_owned(), Value::Enum(u32::from(model == "n"), model.clone())),
            field("model_version", &["string", "null"]),
            ("timestamp".to_owned(), Value::TimestampMillis(*time)),
            field("score", &["null", "double"]),
            field("predicted_label", &["null", "string", "long", "boolean"]),
            field("scores", &["null", "map"]),
            field("predicted_value", &["null", "float"]),
            ("features".to_owned(), Value::Map(features)),
            ("attributes".to_owned(), attributes),
            field("latency_ms", &["null", "int"]),
            field("error", &["null", "string"]),
        ]);
        GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(record).unwrap()
    }
}

fn text() -> BoxedStrategy<Field> {
    "[a-z\\n\"é]{0,6}".prop_map(Field::Text).boxed()
}

fn or_null(field: impl Strategy<Value = Field> + 'static) -> BoxedStrategy<Field> {
    prop_oneof![1 => Just(Field::Null), 3 => field].boxed()
}

/// Mostly good values, some of each kind of bad one.
fn row() -> impl Strategy<Value = Row> {
    let score = prop_oneof![9 => 0.0..=1.0, 1 => -1.0..3.0f64].prop_map(Field::Double);
    let label = prop_oneof![text(), (-3..3i64).prop_map(Field::Long), any::<bool>().prop_map(Field::Bool)];
    // One class: the order of a map's entries is up to the encoder.
    let class = ("[a-c]", prop_oneof![9 => 0.0..1.0, 1 => -1.0..0.0f64])
        .prop_map(|(class, score)| Field::Map(BTreeMap::from([(class, Field::Double(score))])));
    let feature = or_null(prop_oneof![
        (0..3i32).prop_map(|x| Field::Double(x.into())),
        text(),
        any::<bool>().prop_map(Field::Bool)
    ]);
    let features = prop::collection::btree_map("country|tier|other", feature, 0..3).prop_map(Field::Map);
    let attributes = or_null(text()).prop_map(|country| Field::Map(BTreeMap::from([("country".to_owned(), country)])));
    let value = prop_oneof![9 => -1e6..1e6f32, 1 => Just(1e30f32)].prop_map(Field::Float);
    (
        ("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}").prop_map(Field::Text),
        ("[mn]").prop_map(Field::Text),
        or_null(text()),
        prop_oneof![9 => 0..2_000_000_000_000i64, 1 => any::<i64>()].prop_map(Field::Long),
        (or_null(score), or_null(label), or_null(class), or_null(value)),
        (features, or_null(attributes)),
        or_null((-1..100i32).prop_map(Field::Int)),
        prop_oneof![4 => Just(Field::Null), 1 => text()],
    )
        .prop_map(|(id, model, version, time, outputs, (features, attributes), latency, error)| {
            Row(BTreeMap::from([
                ("request_id", id),
                ("model_id", model),
                ("model_version", version),
                ("timestamp", time),
                ("score", outputs.0),
                ("predicted_label", outputs.1),
                ("scores", outputs.2),
                ("predicted_value", outputs.3),
                ("features", features),
                ("attributes", attributes),
                ("latency_ms", latency),
                ("error", error),
            ]))
        })
}

proptest! {
    #[test]
    fn formats_agree_and_batch_splits_do_not_matter(rows in prop::collection::vec(row(), 0..20), split in 0usize..20) {
        let schema = Schema::parse_str(SCHEMA).unwrap();
        let json: Vec<Vec<u8>> = rows.iter().map(Row::json).collect();
        let plain: Vec<Vec<u8>> = rows.iter().map(|row| row.avro(&schema)).collect();
        let framed: Vec<Vec<u8>> = plain.iter().map(|datum| [&[0, 0, 0, 0, 5], &datum[..]].concat()).collect();
        let role = origin(Role::Predictions);
        let decode = |format: &Format, parts: &[&[Message<'_>]]| {
            let mut decoder = PredictionDecoder::try_new(format, &prediction_fields(), &columns()).unwrap();
            parts.iter().map(|part| decoder.decode(&role, part)).collect::<Vec<_>>()
        };
        let split = split.min(rows.len());
        let formats = [
            (Format::Json, &json),
            (Format::AvroPlain { schema: SCHEMA.to_owned() }, &plain),
            (Format::AvroConfluent { schemas: BTreeMap::from([(5, SCHEMA.to_owned())]) }, &framed),
        ];
        let mut seen = Vec::new();
        for (format, values) in &formats {
            let messages = messages(values);
            let whole = decode(format, &[&messages]);
            prop_assert_eq!(whole[0].batch.len() + whole[0].rejects.len(), rows.len());
            let halves = decode(format, &[&messages[..split], &messages[split..]]);
            let joined: Vec<_> = halves.iter().flat_map(reasons).collect();
            prop_assert_eq!(reasons(&whole[0]), joined);
            prop_assert_eq!(halves.iter().map(|half| half.batch.len()).sum::<usize>(), whole[0].batch.len());
            seen.push((shown(&whole[0].batch), reasons(&whole[0]), halves.iter().map(|half| shown(&half.batch)).collect::<Vec<_>>()));
        }
        prop_assert_eq!(&seen[0], &seen[1]);
        prop_assert_eq!(&seen[0], &seen[2]);
    }
}
