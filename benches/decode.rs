//! What a record costs to decode, beside the bare parser on the same bytes.
//!
//! The record is a prediction of 18 fields: ids, time, score, eight nullable numbers and two nullable texts as features,
//! latency and country (about 150 bytes as Avro). Run with `cargo bench --bench decode`; divide by `RECORDS` for the
//! time of one.

use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use arrow_avro::reader::{DecoderMode, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, SchemaStore};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use postdict::codec::{FieldPath, Format, Message, PredictionDecoder, PredictionFields};
use postdict::event::{Origin, PredictionColumns, Role};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::hint::black_box;

const RECORDS: usize = 8192;

/// Nullable features: name, whether it is text.
const FEATURES: [(&str, bool); 10] = [
    ("f0", false),
    ("f1", false),
    ("f2", false),
    ("f3", false),
    ("f4", false),
    ("f5", false),
    ("f6", false),
    ("f7", false),
    ("channel", true),
    ("merchant", true),
];

/// The schema, with all fields or only those that are mapped.
fn schema(mapped_only: bool) -> String {
    let field = |name: &str, kind: &str| format!(r#"{{"name":"{name}","type":{kind}}}"#);
    let features: Vec<String> = FEATURES
        .iter()
        .map(|(name, text)| field(name, if *text { r#"["null","string"]"# } else { r#"["null","double"]"# }))
        .collect();
    let record = format!(r#"{{"type":"record","name":"Features","fields":[{}]}}"#, features.join(","));
    let mut fields = vec![
        field("request_id", r#""string""#),
        field("model_id", r#""string""#),
        field("model_version", r#""string""#),
        field("ts", r#""long""#),
        field("score", r#""double""#),
        field("features", &record),
        field("latency_ms", r#""double""#),
        field("country", r#""string""#),
    ];
    if mapped_only {
        fields.remove(5);
    }
    format!(r#"{{"type":"record","name":"Prediction","fields":[{}]}}"#, fields.join(","))
}

/// A number in [0, 1) that looks random and is the same in every run.
fn noise(index: usize, salt: usize) -> f64 {
    let mixed = (index as u64 * 31 + salt as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1_u64 << 53) as f64
}

fn text(kind: &str, index: usize, salt: usize, count: usize) -> String {
    format!("{kind}{}", (noise(index, salt) * count as f64) as usize)
}

fn record(index: usize) -> Vec<(String, Value)> {
    let features = FEATURES.iter().enumerate().map(|(at, (name, is_text))| {
        let value = match (noise(index, 100 + at) < 0.05, is_text) {
            (true, _) => Value::Union(0, Box::new(Value::Null)),
            (false, true) => {
                Value::Union(1, Box::new(Value::String(text(name, index, at, if at == 8 { 5 } else { 50 }))))
            }
            (false, false) => Value::Union(1, Box::new(Value::Double(noise(index, at) * 100.0))),
        };
        ((*name).to_owned(), value)
    });
    let field = |name: &str, value: Value| (name.to_owned(), value);
    vec![
        field("request_id", Value::String(format!("01890000-0000-7000-8000-{index:012x}"))),
        field("model_id", Value::String(text("model", index, 20, 5))),
        field("model_version", Value::String(text("v", index, 21, 2))),
        field("ts", Value::Long(1_700_000_000_000 + index as i64 * 6)),
        field("score", Value::Double(noise(index, 22))),
        field("features", Value::Record(features.collect())),
        field("latency_ms", Value::Double(noise(index, 23) * 50.0)),
        field("country", Value::String(text("C", index, 24, 20))),
    ]
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Union(_, inner) => json(inner),
        Value::String(text) => text.as_str().into(),
        Value::Double(number) => (*number).into(),
        Value::Long(number) => (*number).into(),
        Value::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
        _ => serde_json::Value::Null,
    }
}

fn fields() -> PredictionFields {
    let path = |name: &str| FieldPath::Value(vec![name.to_owned()]);
    PredictionFields {
        request_id: path("request_id"),
        model_id: path("model_id"),
        model_version: Some(path("model_version")),
        timestamp: path("ts"),
        score: Some(path("score")),
        predicted_label: None,
        scores: None,
        predicted_value: None,
        features: Some(path("features")),
        attributes: None,
        latency_ms: Some(path("latency_ms")),
        error: None,
        segments: BTreeMap::from([("country".to_owned(), path("country"))]),
    }
}

/// arrow-avro alone: bytes to its own columns.
fn bare_avro(values: &[Vec<u8>], mapped_only: bool) -> usize {
    let mut store = SchemaStore::new();
    let fingerprint = store.register(AvroSchema::new(schema(false))).expect("a schema");
    let mut builder = ReaderBuilder::new()
        .with_decoder_mode(DecoderMode::UnframedDatum)
        .with_batch_size(RECORDS)
        .with_writer_schema_store(store)
        .with_active_fingerprint(fingerprint);
    if mapped_only {
        builder = builder.with_reader_schema(AvroSchema::new(schema(true)));
    }
    let mut decoder = builder.build_decoder().expect("a decoder");
    for value in values {
        decoder.decode(value).expect("a record");
    }
    decoder.flush().expect("columns").expect("rows").num_rows()
}

fn decode(c: &mut Criterion) {
    let avro_schema = Schema::parse_str(&schema(false)).expect("a schema");
    let writer = GenericDatumWriter::builder(&avro_schema).build().expect("a writer");
    let records: Vec<Value> = (0..RECORDS).map(|index| Value::Record(record(index))).collect();
    let avro: Vec<Vec<u8>> =
        records.iter().map(|value| writer.write_value_to_vec(value.clone()).expect("fits")).collect();
    let text: Vec<Vec<u8>> = records.iter().map(|value| json(value).to_string().into_bytes()).collect();
    let messages = |values: &'static [Vec<u8>]| {
        (0..).zip(values).map(|(at, value)| Message::of_file(at, value)).collect::<Vec<_>>()
    };
    let (avro, text): (&'static [Vec<u8>], &'static [Vec<u8>]) = (avro.leak(), text.leak());
    let origin = Origin { role: Role::Predictions, topic: "predictions".into(), partition: 0 };
    let columns = PredictionColumns { segments: vec!["country".to_owned()], ..PredictionColumns::default() };

    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("json, bare parser", |b| {
        b.iter(|| text.iter().filter(|value| serde_json::from_slice::<IgnoredAny>(black_box(value)).is_ok()).count());
    });
    group.bench_function("json", |b| {
        let mut decoder = PredictionDecoder::try_new(&Format::Json, &fields(), &columns).expect("a decoder");
        let messages = messages(text);
        b.iter(|| decoder.decode(&origin, black_box(&messages)).batch.len());
    });
    group.bench_function("avro, bare parser", |b| b.iter(|| bare_avro(black_box(avro), false)));
    group.bench_function("avro, bare parser, mapped fields only", |b| b.iter(|| bare_avro(black_box(avro), true)));
    group.bench_function("avro", |b| {
        let format = Format::AvroPlain { schema: schema(false) };
        let mut decoder = PredictionDecoder::try_new(&format, &fields(), &columns).expect("a decoder");
        let messages = messages(avro);
        b.iter(|| decoder.decode(&origin, black_box(&messages)).batch.len());
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
