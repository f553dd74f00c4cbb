//! What is fed: the records of a set in the order of time, among them some of every outcome, and some that cannot be used.

use super::wire::{INPUT_IDS, Wire, encode, frame, schema};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Number of the predictions among inputs.
pub const PREDICTIONS: usize = 0;
/// Number of the labels.
pub const LABELS: usize = 1;

/// The header that every record has that cannot be used: the reason that its dead letter must have.
pub const REASON: &str = "expected-reason";

/// A model of records that are repeated, corrected, taken back, failed, without a partner.
pub const ODD: &str = "odd";

/// A record that can be used.
#[derive(Debug, Clone)]
pub struct Good {
    /// Which input.
    pub input: usize,
    pub id: String,
    pub time: i64,
    /// JSON.
    pub text: String,
}

impl Good {
    pub fn new(input: usize, record: &Value) -> Good {
        Good::of(input, record, record.to_string())
    }

    fn of(input: usize, record: &Value, text: String) -> Good {
        let id = record["request_id"].as_str().unwrap().to_owned();
        Good { input, id, time: record["timestamp"].as_i64().unwrap(), text }
    }
}

/// Turns records into bytes.
pub struct Encoder {
    schemas: Option<[apache_avro::Schema; 2]>,
}

impl Encoder {
    pub fn new(wire: Wire) -> Encoder {
        Encoder { schemas: (wire == Wire::Avro).then(|| ["prediction", "label"].map(schema)) }
    }

    pub fn bytes(&self, record: &Good) -> Vec<u8> {
        match &self.schemas {
            None => record.text.clone().into_bytes(),
            Some(schemas) => {
                let datum = encode(&schemas[record.input], &serde_json::from_str(&record.text).unwrap());
                frame(INPUT_IDS[record.input], &datum)
            }
        }
    }
}

/// Reads the files of a set, at most `limit` predictions and their labels, and puts the odd ones among them.
pub fn records(files: &[PathBuf; 2], limit: usize) -> Vec<Good> {
    let mut predictions = lines(&files[PREDICTIONS], PREDICTIONS);
    let is_cut = predictions.len() > limit;
    predictions.truncate(limit);
    let ids: BTreeSet<&str> = predictions.iter().map(|record| record.id.as_str()).collect();
    let mut labels = lines(&files[LABELS], LABELS);
    labels.retain(|label| !is_cut || ids.contains(label.id.as_str()));
    let (first_prediction, first_label) = (predictions[0].time, labels[0].time);
    // Both near the beginning, where they cannot be late.
    let mut odd_predictions = odd_predictions(first_prediction);
    odd_predictions.append(&mut predictions);
    let mut odd_labels = odd_labels(first_prediction, first_label);
    odd_labels.append(&mut labels);
    merged(odd_predictions, odd_labels)
}

fn lines(path: &Path, input: usize) -> Vec<Good> {
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    let record = |line: std::io::Result<String>| {
        let line = line.unwrap();
        Good::of(input, &serde_json::from_str(&line).unwrap(), line)
    };
    lines.map(record).collect()
}

/// By time; each in its own order.
fn merged(predictions: Vec<Good>, labels: Vec<Good>) -> Vec<Good> {
    let mut merged = Vec::with_capacity(predictions.len() + labels.len());
    let mut labels = labels.into_iter().peekable();
    for prediction in predictions {
        while let Some(label) = labels.next_if(|label| label.time < prediction.time) {
            merged.push(label);
        }
        merged.push(prediction);
    }
    merged.extend(labels);
    merged
}

fn odd_predictions(time: i64) -> Vec<Good> {
    let prediction = |number: i64| json!({"request_id": format!("odd-{number}"), "model_id": ODD, "model_version": "7", "timestamp": time, "score": 0.05 * number as f64, "latency_ms": 3});
    let failed = json!({"request_id": "odd-failed", "model_id": ODD, "timestamp": time, "error": "timed out"});
    // The first and the third come twice; a shadow model says something about the second.
    let shadow = json!({"request_id": "odd-1", "model_id": ODD, "model_version": "8", "timestamp": time, "score": 0.5});
    let all = (0..12).map(prediction).chain([prediction(0), prediction(2), failed, shadow]);
    all.map(|record| Good::new(PREDICTIONS, &record)).collect()
}

fn odd_labels(predicted: i64, first: i64) -> Vec<Good> {
    // After the predictions, and not after the first label of the set, so that the order of time stands.
    let time = (predicted + 1).min(first);
    let label = |id: &str, label: i64| json!({"request_id": id, "timestamp": time, "label": label});
    let deleted = json!({"request_id": "odd-3", "timestamp": time, "deleted": true});
    let labels = [
        label("odd-0", 1),
        label("odd-1", 0),
        label("odd-1", 0),
        label("odd-2", 0),
        label("odd-2", 1),
        label("odd-3", 1),
        deleted,
        label("odd-orphan", 1),
        label("odd-4", 1),
        label("odd-5", 0),
    ];
    labels.iter().map(|record| Good::new(LABELS, record)).collect()
}

/// A record that cannot be used.
#[derive(Debug, Clone)]
pub struct Bad {
    /// Which input.
    pub input: usize,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub reason: &'static str,
}

/// Every kind of record that cannot be read in that form.
pub fn bad(wire: Wire) -> Vec<Bad> {
    let bad = |input: usize, value: Option<Vec<u8>>, reason| Bad { input, key: Some(b"bad".to_vec()), value, reason };
    let mut all = vec![bad(PREDICTIONS, None, "undecodable"), bad(LABELS, None, "undecodable")];
    let prediction = json!({"request_id": "bad", "model_id": ODD, "timestamp": 1_500_000_000_000_i64, "score": 0.5});
    let label = json!({"request_id": "bad", "timestamp": 1_500_000_000_000_i64, "label": 1});
    let with = |record: &Value, name: &str, value: Value| {
        let mut record = record.clone();
        record[name] = value;
        record
    };
    let wrong = [
        (PREDICTIONS, with(&prediction, "request_id", "".into()), "missing_request_id"),
        (PREDICTIONS, with(&prediction, "score", 1.5.into()), "score_out_of_range"),
        (PREDICTIONS, with(&prediction, "timestamp", 99_999_999_999_999_i64.into()), "absurd_time"),
        (PREDICTIONS, with(&prediction, "score", Value::Null), "missing_value"),
        (LABELS, with(&label, "request_id", "".into()), "missing_request_id"),
        (LABELS, with(&label, "label", Value::Null), "missing_value"),
    ];
    let encoder = Encoder::new(wire);
    for (input, record, reason) in wrong {
        let record = Good::new(input, &record);
        all.push(bad(input, Some(encoder.bytes(&record)), reason));
    }
    let whole = encoder.bytes(&Good::new(PREDICTIONS, &prediction));
    let cut = whole[..whole.len() / 2].to_vec();
    match wire {
        Wire::Json => {
            let text = |record: Value| Some(record.to_string().into_bytes());
            all.push(bad(PREDICTIONS, Some(cut), "undecodable"));
            all.push(bad(LABELS, Some(b"no \xff json".to_vec()), "undecodable"));
            all.push(bad(PREDICTIONS, text(with(&prediction, "score", "high".into())), "wrong_type"));
            all.push(bad(LABELS, text(with(&label, "timestamp", json!([1]))), "wrong_type"));
        }
        Wire::Avro => {
            let other = |magic: u8, id: i32| [&[magic], &id.to_be_bytes()[..], &whole[5..]].concat();
            all.push(bad(PREDICTIONS, Some(cut), "undecodable"));
            all.push(bad(PREDICTIONS, Some(other(1, INPUT_IDS[PREDICTIONS])), "bad_framing"));
            all.push(bad(PREDICTIONS, Some(other(0, 999)), "unknown_schema"));
            all.push(bad(LABELS, Some(Vec::new()), "bad_framing"));
        }
    }
    // One without a key.
    all[0].key = None;
    all
}
