//! Fields of an Avro record that no column takes are named although they are not decoded.

use super::*;
use crate::event::unknown::NameSet;
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;

const SCHEMA: &str = r#"{"type":"record","name":"P","fields":[
    {"name":"request_id","type":"string"},{"name":"model_id","type":"string"},{"name":"timestamp","type":"long"},
    {"name":"score","type":"double"},
    {"name":"features","type":{"type":"record","name":"F","fields":[
        {"name":"age","type":"double"},{"name":"fresh","type":["null","double"]},{"name":"also","type":"string"}]}}]}"#;

fn named(known: &[&str]) -> (Vec<String>, usize) {
    let schema = Schema::parse_str(SCHEMA).unwrap();
    let features = Value::Record(vec![
        ("age".to_owned(), Value::Double(1.0)),
        ("fresh".to_owned(), Value::Union(0, Box::new(Value::Null))),
        ("also".to_owned(), Value::String("x".to_owned())),
    ]);
    let record = Value::Record(vec![
        ("request_id".to_owned(), Value::String("r".to_owned())),
        ("model_id".to_owned(), Value::String("m".to_owned())),
        ("timestamp".to_owned(), Value::Long(1)),
        ("score".to_owned(), Value::Double(0.5)),
        ("features".to_owned(), features),
    ]);
    let datum = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(record).unwrap();
    let features: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    let columns = PredictionColumns { features, unknown: true, ..PredictionColumns::default() };
    let format = Format::AvroPlain { schema: SCHEMA.to_owned() };
    let mut decoder = PredictionDecoder::try_new(&format, &prediction_fields(), &columns).unwrap();
    let decoded = decoder.decode(&origin(Role::Predictions), &messages(&[datum]));
    let names = decoded.batch.unknown.of(0).into_iter().flat_map(NameSet::names).map(|name| name.to_string());
    (names.collect(), decoded.batch.len())
}

#[test]
fn a_record_names_its_fields_whether_any_of_them_has_a_column_or_not() {
    assert_eq!(named(&["age"]), (vec!["also".to_owned(), "fresh".to_owned()], 1));
    assert_eq!(named(&["age", "also", "fresh"]), (vec![], 1));
    assert_eq!(named(&[]), (vec!["age".to_owned(), "also".to_owned(), "fresh".to_owned()], 1));
}
