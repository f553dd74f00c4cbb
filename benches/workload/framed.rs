//! The stream as Kafka messages: Avro in Confluent framing, written by hand because a generator must be much cheaper than
//! what it measures. Predictions have about 159 bytes and labels 49.

use super::{Arrival, label, latency_ms, request_id, score, series, share, time};

/// Schema id of predictions.
pub const PREDICTION_ID: u32 = 1;
/// Schema id of labels.
pub const LABEL_ID: u32 = 2;
/// Numeric features; 5 % are missing.
const NUMBERS: u64 = 8;
/// Text features: name, beginning of the values, and how many there are.
const TEXTS: [(&str, &str, u64); 2] = [("channel", "web", 5), ("merchant", "shop", 50)];

/// The schema of predictions.
pub fn prediction_schema() -> String {
    let field = |name: &str, kind: &str| format!(r#"{{"name":"{name}","type":{kind}}}"#);
    let numbers = (0..NUMBERS).map(|feature| field(&format!("f{feature}"), r#"["null","double"]"#));
    let texts = TEXTS.map(|(name, ..)| field(name, r#"["null","string"]"#));
    let features: Vec<String> = numbers.chain(texts).collect();
    let features = format!(r#"{{"type":"record","name":"Features","fields":[{}]}}"#, features.join(","));
    let fields = [
        field("request_id", r#""string""#),
        field("model_id", r#""string""#),
        field("model_version", r#""string""#),
        field("ts", r#""long""#),
        field("score", r#""double""#),
        field("features", &features),
        field("latency_ms", r#""double""#),
        field("country", r#""string""#),
    ];
    format!(r#"{{"type":"record","name":"Prediction","fields":[{}]}}"#, fields.join(","))
}

/// The schema of labels.
pub const LABEL_SCHEMA: &str = r#"{"type":"record","name":"Label","fields":[{"name":"request_id","type":"string"},
    {"name":"ts","type":"long"},{"name":"label","type":"int"}]}"#;

/// Avro's integers: zigzag, seven bits a byte.
fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_long(out, text.len() as i64);
    out.extend_from_slice(text.as_bytes());
}

/// A short text and a number behind it, below 100.
fn put_numbered(out: &mut Vec<u8>, text: &str, number: u64) {
    let digits = if number < 10 { 1 } else { 2 };
    put_long(out, text.len() as i64 + digits);
    out.extend_from_slice(text.as_bytes());
    if digits == 2 {
        out.push(b'0' + (number / 10) as u8);
    }
    out.push(b'0' + (number % 10) as u8);
}

fn frame(out: &mut Vec<u8>, schema_id: u32) {
    out.clear();
    out.push(0);
    out.extend_from_slice(&schema_id.to_be_bytes());
}

/// Writes the key and the value of a prediction.
pub fn prediction(number: u64, key: &mut String, value: &mut Vec<u8>) {
    *key = request_id(number);
    let (model, version, country) = series(number);
    frame(value, PREDICTION_ID);
    put_text(value, key);
    put_numbered(value, "model", model);
    put_numbered(value, "v", version);
    put_long(value, time(number));
    value.extend_from_slice(&score(number).to_le_bytes());
    for feature in 0..NUMBERS {
        if share(number, 20 + feature) < 0.05 {
            put_long(value, 0);
        } else {
            put_long(value, 1);
            value.extend_from_slice(&(100.0 * share(number, 40 + feature)).to_le_bytes());
        }
    }
    for (_, text, distinct) in TEXTS {
        put_long(value, 1);
        put_numbered(value, text, (share(number, 60 + distinct) * distinct as f64) as u64);
    }
    value.extend_from_slice(&latency_ms(number).to_le_bytes());
    put_numbered(value, "C", country);
}

/// Writes the key and the value of a label.
pub fn arrived_label(arrival: &Arrival, key: &mut String, value: &mut Vec<u8>) {
    *key = request_id(arrival.number);
    frame(value, LABEL_ID);
    put_text(value, key);
    put_long(value, time(arrival.after));
    put_long(value, i64::from(label(arrival.number).unwrap_or(false)));
}
