//! A made-up stream of predictions and labels, and what the process costs while it runs through. Everything is a
//! function of a record's number, so every run sees the same records.
//!
//! Predictions of 5 models with 2 versions each, from 20 countries, 6 ms apart (10,000 a minute), with request ids of 36
//! characters. 90 % get a label: *near*, an exponential number of predictions (mean 10,000) after their own, or *far*,
//! shuffled, after all predictions.

#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod framed;
pub mod process;
pub mod records;

use arrow_array::types::UInt32Type;
use arrow_array::{BooleanArray, DictionaryArray, Float64Array, StringArray, UInt32Array};
use postdict::event::prediction::TextColumn;
use postdict::event::{LabelBatch, ModelSettings, Origin, PredictionBatch, Role, SegmentSet, Settings, WindowSpec};
use std::sync::Arc;

/// Models.
pub const MODELS: u64 = 5;
/// Versions of each.
pub const VERSIONS: u64 = 2;
/// Countries.
pub const COUNTRIES: u64 = 20;
/// Time of the first prediction: 2025-10-09, midnight.
pub const START: i64 = 1_759_968_000_000;
/// Distance between predictions, in ms.
pub const STEP: i64 = 6;
/// A minute in ms.
pub const MINUTE: i64 = 60_000;
/// A day in ms.
pub const DAY: i64 = 86_400_000;
/// Predictions between a prediction and its near label, on average.
const NEAR: f64 = 10_000.0;

/// 64 bits that look random (the finalizer of SplitMix64).
pub fn mixed(number: u64, salt: u64) -> u64 {
    let mut mixed = number.wrapping_add(salt << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// A number in [0, 1).
pub fn share(number: u64, salt: u64) -> f64 {
    (mixed(number, salt) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Draws below `bound`.
pub fn below(bound: u64, number: u64, salt: u64) -> u64 {
    ((u128::from(mixed(number, salt)) * u128::from(bound)) >> 64) as u64
}

/// The request id of a prediction: time first, then random bits, as UUIDv7.
pub fn request_id(number: u64) -> String {
    let (time, random) = (START as u64 + number * STEP as u64, mixed(number, 1));
    let tail = mixed(number, 2) & 0xffff_ffff_ffff;
    format!("{:08x}-{:04x}-7{:03x}-{:04x}-{tail:012x}", time >> 16, time & 0xffff, random & 0xfff, random >> 48)
}

/// Its series: model, version and country.
pub fn series(number: u64) -> (u64, u64, u64) {
    (below(MODELS, number, 3), below(VERSIONS, number, 4), below(COUNTRIES, number, 5))
}

/// Its score.
pub fn score(number: u64) -> f64 {
    share(number, 6)
}

/// How long the model took.
pub fn latency_ms(number: u64) -> f64 {
    5.0 + 45.0 * share(number, 7)
}

/// When it was made.
pub fn time(number: u64) -> i64 {
    START + number as i64 * STEP
}

/// What came true, in proportion to the score; 10 % never become known.
pub fn label(number: u64) -> Option<bool> {
    (share(number, 8) < 0.9).then(|| share(number, 9) < score(number))
}

/// A label on its way: how many predictions were made before it came, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    pub after: u64,
    pub number: u64,
}

/// The label of a prediction, if it has one, soon after.
pub fn near_label(number: u64) -> Option<Arrival> {
    let distance = (-NEAR * (1.0 - share(number, 10)).ln()) as u64;
    label(number).map(|_| Arrival { after: number + 1 + distance, number })
}

/// Labels of the first `count` predictions in the order of their arrival, soon after their predictions.
pub fn near_labels(count: u64) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = (0..count).filter_map(near_label).collect();
    arrivals.sort_unstable();
    arrivals
}

/// Labels of the first `count` predictions, shuffled, after all predictions.
pub fn far_labels(count: u64) -> Vec<Arrival> {
    let mut numbers: Vec<u64> = (0..count).filter(|number| label(*number).is_some()).collect();
    numbers.sort_unstable_by_key(|number| mixed(*number, 11));
    (count..).zip(numbers).map(|(after, number)| Arrival { after, number }).collect()
}

/// One model's settings for all: windows of `window_ms`, with or without a segment per country.
pub fn settings(window_ms: i64, correction_horizon_ms: i64, by_country: bool) -> Arc<Settings> {
    let model = ModelSettings {
        windows: vec![WindowSpec { size_ms: window_ms, advance_ms: window_ms }],
        pane_ms: window_ms,
        correction_horizon_ms,
        segments: if by_country { vec![SegmentSet { columns: vec!["country".into()] }] } else { Vec::new() },
        ..ModelSettings::default()
    };
    Arc::new(Settings { defaults: Arc::new(model), ..Settings::default() })
}

/// A text column from a code per row.
fn column(name: &str, codes: impl Iterator<Item = u64>, distinct: u64) -> TextColumn {
    let keys: UInt32Array = codes.map(|code| code as u32).collect();
    let values: StringArray = (0..distinct).map(|code| Some(format!("{name}{code}"))).collect();
    DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(values)).expect("codes are below their number")
}

fn no_text(rows: usize) -> TextColumn {
    let keys: UInt32Array = (0..rows).map(|_| None).collect();
    DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(StringArray::from(Vec::<&str>::new()))).expect("no codes")
}

fn origin(role: Role) -> Origin {
    Origin { role, topic: role.name().into(), partition: 0 }
}

/// Predictions with these numbers, at these times, decoded.
pub fn prediction_batch(numbers: std::ops::Range<u64>, time: impl Fn(u64) -> i64, by_country: bool) -> PredictionBatch {
    let rows = (numbers.end - numbers.start) as usize;
    let each = || numbers.clone();
    PredictionBatch {
        origin: origin(Role::Predictions),
        offset: each().map(|number| Some(number as i64)).collect(),
        request_id: each().map(|number| Some(request_id(number))).collect(),
        model_id: column("model", each().map(|number| series(number).0), MODELS),
        model_version: column("v", each().map(|number| series(number).1), VERSIONS),
        time: each().map(|number| Some(time(number))).collect(),
        score: each().map(|number| Some(score(number))).collect(),
        predicted_label: no_text(rows),
        scores: None,
        predicted_value: Float64Array::new_null(rows),
        latency_ms: each().map(|number| Some(latency_ms(number))).collect(),
        failed: BooleanArray::from(vec![false; rows]),
        segments: if by_country {
            vec![column("C", each().map(|number| series(number).2), COUNTRIES)]
        } else {
            Vec::new()
        },
        features: Vec::new(),
        unknown: postdict::event::unknown::UnknownFeatures::default(),
    }
}

/// Labels of the predictions with these numbers, at these times, decoded; `first_offset` is the first one's place.
pub fn label_batch(labels: &[(u64, i64)], first_offset: i64) -> LabelBatch {
    let rows = labels.len();
    LabelBatch {
        origin: origin(Role::Labels),
        offset: (first_offset..).take(rows).collect::<Vec<_>>().into(),
        request_id: labels.iter().map(|(number, _)| Some(request_id(*number))).collect(),
        time: labels.iter().map(|(_, time)| *time).collect::<Vec<_>>().into(),
        number: labels.iter().map(|(number, _)| Some(f64::from(label(*number).unwrap_or(false)))).collect(),
        text: no_text(rows),
        deleted: BooleanArray::from(vec![false; rows]),
        model_id: no_text(rows),
        weight: Float64Array::new_null(rows),
    }
}

/// Batches of both topics in the order in which they are read.
#[derive(Debug)]
pub enum Run {
    Predictions(Box<PredictionBatch>),
    Labels(Box<LabelBatch>),
}

/// The stream as batches of at most `rows` predictions, each followed by the labels that came meanwhile; and at last
/// those that came after all predictions. Batches are made when they are asked for.
pub fn runs(count: u64, arrivals: &[Arrival], rows: u64, by_country: bool) -> impl Iterator<Item = Run> + '_ {
    let mut rest = arrivals;
    let mut offset = 0;
    let mut next = 0;
    let mut predictions_are_next = true;
    std::iter::from_fn(move || {
        if predictions_are_next && next < count {
            predictions_are_next = false;
            let numbers = next..(next + rows).min(count);
            next = numbers.end;
            return Some(Run::Predictions(Box::new(prediction_batch(numbers, time, by_country))));
        }
        predictions_are_next = true;
        let arrived = if next < count { rest.partition_point(|arrival| arrival.after <= next) } else { rest.len() };
        let (now, later) = rest.split_at(arrived.min(rows as usize));
        if now.is_empty() && next == count {
            return None;
        }
        rest = later;
        let labels: Vec<(u64, i64)> = now.iter().map(|arrival| (arrival.number, time(arrival.after))).collect();
        offset += labels.len() as i64;
        Some(Run::Labels(Box::new(label_batch(&labels, offset - labels.len() as i64))))
    })
}

/// Rows of a batch, and records between two commits, unless something else is said.
pub const BATCH_ROWS: u64 = 8192;
