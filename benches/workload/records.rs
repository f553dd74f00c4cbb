//! The stream as files: NDJSON and Avro containers, in the default layout.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark writes its own input")]

use super::{Arrival, START, STEP, label, latency_ms, request_id, score, series, share};
use apache_avro::types::Value;
use apache_avro::{Schema, Writer};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Numeric features, `f0` and so on; 5 % are missing.
const NUMBERS: u64 = 8;
/// Text features: name and distinct values.
const TEXTS: [(&str, u64); 2] = [("channel", 5), ("merchant", 50)];

fn number_feature(number: u64, feature: u64) -> Option<f64> {
    (share(number, 20 + feature) >= 0.05).then(|| 100.0 * share(number, 40 + feature))
}

fn text_feature(number: u64, (name, distinct): (&str, u64)) -> String {
    format!("{name}{}", (share(number, 60 + distinct) * distinct as f64) as u64)
}

/// Writes the first `count` predictions and their labels as NDJSON.
pub fn write_json(predictions: &Path, labels: &Path, count: u64, arrivals: &[Arrival]) -> std::io::Result<()> {
    let mut writer = BufWriter::new(File::create(predictions)?);
    let mut line = String::new();
    for number in 0..count {
        prediction_line(number, &mut line);
        writer.write_all(line.as_bytes())?;
    }
    writer.flush()?;
    let mut writer = BufWriter::new(File::create(labels)?);
    for Arrival { after, number } in arrivals {
        let (id, time) = (request_id(*number), START + *after as i64 * STEP);
        let label = u8::from(label(*number).unwrap_or(false));
        writeln!(writer, r#"{{"request_id":"{id}","timestamp":{time},"label":{label}}}"#)?;
    }
    writer.flush()
}

fn prediction_line(number: u64, line: &mut String) {
    let (model, version, country) = series(number);
    let (id, time) = (request_id(number), START + number as i64 * STEP);
    line.clear();
    let mut write = |text: std::fmt::Arguments| line.write_fmt(text).expect("text can always be written to");
    write(format_args!(r#"{{"request_id":"{id}","model_id":"model{model}","model_version":"v{version}","#));
    write(format_args!(r#""timestamp":{time},"score":{},"features":{{"#, score(number)));
    for feature in 0..NUMBERS {
        match number_feature(number, feature) {
            Some(value) => write(format_args!(r#""f{feature}":{value},"#)),
            None => write(format_args!(r#""f{feature}":null,"#)),
        }
    }
    for (i, text) in TEXTS.into_iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        write(format_args!(r#"{comma}"{}":"{}""#, text.0, text_feature(number, text)));
    }
    write(format_args!(r#"}},"latency_ms":{},"attributes":{{"country":"C{country}"}}}}"#, latency_ms(number)));
    line.push('\n');
}

fn prediction_schema() -> String {
    let field = |name: &str, kind: &str| format!(r#"{{"name":"{name}","type":{kind}}}"#);
    let numbers = (0..NUMBERS).map(|feature| field(&format!("f{feature}"), r#"["null","double"]"#));
    let texts = TEXTS.map(|(name, _)| field(name, r#""string""#));
    let features: Vec<String> = numbers.chain(texts).collect();
    let record = |name: &str, fields: &[String]| {
        format!(r#"{{"type":"record","name":"{name}","fields":[{}]}}"#, fields.join(","))
    };
    let fields = [
        field("request_id", r#""string""#),
        field("model_id", r#""string""#),
        field("model_version", r#""string""#),
        field("timestamp", r#""long""#),
        field("score", r#""double""#),
        field("features", &record("Features", &features)),
        field("latency_ms", r#""double""#),
        field("attributes", &record("Attributes", &[field("country", r#""string""#)])),
    ];
    record("Prediction", &fields)
}

const LABEL_SCHEMA: &str = r#"{"type":"record","name":"Label","fields":[{"name":"request_id","type":"string"},
    {"name":"timestamp","type":"long"},{"name":"label","type":"int"}]}"#;

/// Writes the first `count` predictions and their labels as Avro container files, uncompressed.
pub fn write_avro(predictions: &Path, labels: &Path, count: u64, arrivals: &[Arrival]) -> std::io::Result<()> {
    let prediction = |number: u64| {
        let (model, version, country) = series(number);
        let numbers = (0..NUMBERS).map(|feature| {
            let value = match number_feature(number, feature) {
                Some(value) => Value::Union(1, Box::new(Value::Double(value))),
                None => Value::Union(0, Box::new(Value::Null)),
            };
            (format!("f{feature}"), value)
        });
        let texts = TEXTS.map(|text| (text.0.to_owned(), Value::String(text_feature(number, text))));
        let country = ("country".to_owned(), Value::String(format!("C{country}")));
        record([
            ("request_id", Value::String(request_id(number))),
            ("model_id", Value::String(format!("model{model}"))),
            ("model_version", Value::String(format!("v{version}"))),
            ("timestamp", Value::Long(START + number as i64 * STEP)),
            ("score", Value::Double(score(number))),
            ("features", Value::Record(numbers.chain(texts).collect())),
            ("latency_ms", Value::Double(latency_ms(number))),
            ("attributes", Value::Record(vec![country])),
        ])
    };
    write_container(predictions, &prediction_schema(), (0..count).map(prediction))?;
    let label = |arrival: &Arrival| {
        record([
            ("request_id", Value::String(request_id(arrival.number))),
            ("timestamp", Value::Long(START + arrival.after as i64 * STEP)),
            ("label", Value::Int(i32::from(label(arrival.number).unwrap_or(false)))),
        ])
    };
    write_container(labels, LABEL_SCHEMA, arrivals.iter().map(label))
}

fn record<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Record(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn write_container(path: &Path, schema: &str, records: impl Iterator<Item = Value>) -> std::io::Result<()> {
    let schema = Schema::parse_str(schema).expect("a schema");
    let mut writer = Writer::new(&schema, BufWriter::new(File::create(path)?)).expect("a writer");
    for record in records {
        writer.unvalidated_append_value(record).map_err(std::io::Error::other)?;
    }
    writer.into_inner().map_err(std::io::Error::other)?.flush()
}
