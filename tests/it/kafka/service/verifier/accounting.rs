//! Every input record has its outcome: counted from the input topics by a model of the contract that knows no batches,
//! states or windows but the smallest, and held against the accounting metrics.

use super::super::Service;
use super::super::fold::{Folding, Row};
use super::super::stream::{LABELS, PREDICTIONS};
use super::super::wire::{INPUT_IDS, Wire, decode, frame, schema};
use super::{Inputs, reason};
use crate::kafka::reader::Record;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A model and the start of a window.
type Place = (String, i64);

#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    predictions: u64,
    duplicates: u64,
    errors: u64,
    matched: u64,
}

/// Checks that what came in has come out.
pub fn check(service: &Service, inputs: &Inputs, published: &Folding) {
    let rows = smallest_windows(published);
    let size = rows[0]["window_size_ms"].as_i64().unwrap();
    let Expected { windows: expected, waiting, uses } = count(service, inputs, size);
    let mut found: BTreeMap<Place, Counted> = BTreeMap::new();
    let (mut labels, mut orphans) = (0, 0);
    for row in rows {
        let model = row["model_id"].as_str().unwrap().to_owned();
        let place = (model, row["window_start"].as_i64().unwrap());
        let value = || row["value"].as_f64().unwrap() as u64;
        let counted = found.entry(place).or_default();
        match row["metric"].as_str().unwrap() {
            "predictions" => counted.predictions = value(),
            "duplicate_predictions" => counted.duplicates = value(),
            "matched" => counted.matched = value(),
            // Requests, of which predictions are those that did not fail.
            "throughput_per_second" => counted.errors = row["count"].as_u64().unwrap(),
            "labels" => labels += value(),
            "orphan_labels" => orphans += value(),
            "late_predictions" | "late_labels" | "dead_letters" => assert_eq!(value(), 0, "{}: {row:?}", service.name),
            _ => {}
        }
    }
    found.values_mut().for_each(|counted| counted.errors -= counted.predictions);
    found.retain(|_, counted| *counted != Counted::default());
    let different = expected.iter().find(|(place, counted)| found.get(place) != Some(counted));
    assert_eq!(different.map(|(place, counted)| (place, Some(counted), found.get(place))), None, "{}", service.name);
    assert_eq!(found.len(), expected.len(), "{}: windows with predictions", service.name);
    let came_in = |input: usize| inputs.0[input].iter().flatten().filter(|record| reason(record).is_none()).count();
    let outcomes: u64 =
        expected.values().map(|counted| counted.predictions + counted.duplicates + counted.errors).sum();
    assert_eq!(came_in(PREDICTIONS) as u64, outcomes, "{}: prediction records", service.name);
    // Labels that wait show nowhere until they are orphans.
    assert!(orphans == 0 || orphans == waiting, "{}: {orphans} orphans, {waiting} without partners", service.name);
    let label_records = came_in(LABELS) as u64;
    assert_eq!(labels - orphans, uses, "{}: labels, by the predictions that they met", service.name);
    assert!(waiting < label_records && uses >= label_records - waiting, "{}: {uses} uses", service.name);
}

/// Rows of whole models, all versions together, in their smallest windows.
fn smallest_windows(published: &Folding) -> Vec<&Row> {
    let is_whole = |row: &&Row| row["segment_key"] == "" && row["model_version"] == "";
    let whole: Vec<&Row> = published.last_rows().filter(is_whole).collect();
    let size = whole.iter().map(|row| row["window_size_ms"].as_i64()).min().expect("rows");
    whole.into_iter().filter(|row| row["window_size_ms"].as_i64() == size).collect()
}

/// What the input topics say.
struct Expected {
    windows: BTreeMap<Place, Counted>,
    /// Label records that no prediction has met.
    waiting: u64,
    /// Predictions of a label record, over all others: one that several predictions share counts with each of them.
    uses: u64,
}

fn count(service: &Service, inputs: &Inputs, size: i64) -> Expected {
    let read = |input: usize, partition: usize| {
        let decoder = Decoder::new(service.wire, input);
        let usable = inputs.0[input][partition].iter().filter(|record| reason(record).is_none());
        usable.map(move |record| decoder.record(record)).collect::<Vec<Value>>()
    };
    let (mut counted, mut waiting, mut uses) = (BTreeMap::<Place, Counted>::new(), 0, 0);
    for partition in 0..service.partitions {
        // Whether the last label of an id stands; all of these come within the horizon.
        let mut truths: BTreeMap<String, bool> = BTreeMap::new();
        let mut label_ids = Vec::new();
        for label in read(LABELS, partition) {
            let id = label["request_id"].as_str().unwrap().to_owned();
            truths.insert(id.clone(), label["deleted"] != true);
            label_ids.push(id);
        }
        let mut seen = BTreeSet::new();
        let mut accepted: BTreeMap<String, u64> = BTreeMap::new();
        for prediction in read(PREDICTIONS, partition) {
            let text = |name: &str| prediction[name].as_str().unwrap_or_default().to_owned();
            let (id, model) = (text("request_id"), text("model_id"));
            let start = prediction["timestamp"].as_i64().unwrap().div_euclid(size) * size;
            let place = counted.entry((model.clone(), start)).or_default();
            let is_matched = truths.get(&id).copied().unwrap_or_default();
            if !prediction["error"].is_null() {
                place.errors += 1;
            } else if seen.insert((id.clone(), model, text("model_version"))) {
                *accepted.entry(id).or_default() += 1;
                place.predictions += 1;
                place.matched += u64::from(is_matched);
            } else {
                place.duplicates += 1;
            }
        }
        for id in label_ids {
            match accepted.get(&id) {
                Some(predictions) => uses += predictions,
                None => waiting += 1,
            }
        }
    }
    Expected { windows: counted, waiting, uses }
}

/// Reads input records.
struct Decoder(Option<(apache_avro::Schema, Vec<u8>)>);

impl Decoder {
    fn new(wire: Wire, input: usize) -> Decoder {
        let name = ["prediction", "label"][input];
        Decoder((wire == Wire::Avro).then(|| (schema(name), frame(INPUT_IDS[input], &[]))))
    }

    fn record(&self, record: &Record) -> Value {
        let bytes = record.value.as_deref().unwrap();
        match &self.0 {
            None => serde_json::from_slice(bytes).unwrap(),
            Some((schema, frame)) => decode(schema, bytes.strip_prefix(&frame[..]).unwrap()).try_into().unwrap(),
        }
    }
}
