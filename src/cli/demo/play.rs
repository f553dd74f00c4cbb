//! The four weeks of flights, played through the real tasks tick by tick of simulated time.

use crate::assess::Revisions;
use crate::codec::compression::decompressed;
use crate::codec::{LabelDecoder, LineChunk, LineReader, PredictionDecoder};
use crate::config::{self, Config};
use crate::event::{LabelBatch, MetricRow, Millis, Origin, Role};
use crate::join::PredictionReader;
use crate::task::{AssessTask, JoinInput, JoinTask};
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

const PREDICTIONS: &[u8] = include_bytes!("../../../data/flights/predictions.ndjson.gz");
const LABELS: &[u8] = include_bytes!("../../../data/flights/labels.ndjson.gz");
const CONFIG: &str = include_str!("../../../data/flights/postdict.yaml");

/// Simulated time between two commits.
pub const TICK: Millis = 3_600_000;
/// The smallest window.
pub const DAY: Millis = 24 * TICK;

/// Flights on their way through JOIN and ASSESS.
pub struct Playback {
    predictions: PredictionReader,
    labels: LabelBatch,
    next_prediction: usize,
    next_label: usize,
    join: JoinTask,
    assess: AssessTask,
    now: Millis,
    is_closed: bool,
}

/// What one tick published.
pub struct Step {
    /// Simulated time.
    pub now: Millis,
    /// Rows of `metrics`.
    pub rows: Vec<MetricRow>,
}

impl Playback {
    /// Decodes the built-in files; nothing is played yet.
    pub fn new() -> Self {
        let config = config::parse(CONFIG, "postdict.yaml", &|_| unreachable!("it names no other file"))
            .expect("the built-in configuration is valid");
        let Config { settings, predictions, labels, .. } = config;
        let settings = Arc::new(settings);
        let mut decoder = PredictionDecoder::try_new(&predictions.format, &predictions.fields, &settings.columns())
            .expect("JSON needs no schema");
        let predictions = decoder.decode(&origin(Role::Predictions), &lines(PREDICTIONS).messages());
        let mut decoder = LabelDecoder::try_new(&labels.format, &labels.fields).expect("JSON needs no schema");
        let labels = decoder.decode(&origin(Role::Labels), &lines(LABELS).messages());
        debug_assert!(predictions.rejects.is_empty() && labels.rejects.is_empty());
        let first = predictions.batch.time(0);
        Playback {
            predictions: PredictionReader::new(predictions.batch),
            labels: labels.batch,
            next_prediction: 0,
            next_label: 0,
            join: JoinTask::new(0, Arc::clone(&settings), false),
            assess: AssessTask::new(settings, 1, Revisions::All),
            now: first - first.rem_euclid(DAY),
            is_closed: false,
        }
    }

    /// Predictions of each day, by its start.
    pub fn flights_per_day(&self) -> BTreeMap<Millis, u64> {
        let mut days = BTreeMap::new();
        for time in self.predictions.batch().time.values() {
            *days.entry(time - time.rem_euclid(DAY)).or_default() += 1;
        }
        days
    }

    /// Plays one tick; once all records are read, one last step closes everything; then `None`.
    ///
    /// Inside a tick predictions go before labels: the join does not care which topic is read first.
    pub fn advance(&mut self) -> Option<Step> {
        if self.is_closed {
            return None;
        }
        if self.next_prediction == self.predictions.batch().len() && self.next_label == self.labels.len() {
            self.is_closed = true;
            return Some(Step { now: self.now, rows: self.assess.close(self.now).metrics });
        }
        self.now += TICK;
        let predictions = before(self.predictions.batch().time.values(), self.next_prediction, self.now);
        let labels = before(self.labels.time.values(), self.next_label, self.now);
        (self.next_prediction, self.next_label) = (predictions.end, labels.end);
        let late = [
            self.join.step(JoinInput::Predictions(&mut self.predictions, predictions)),
            self.join.step(JoinInput::Labels(&self.labels, labels)),
        ];
        debug_assert!(late.iter().all(Vec::is_empty), "the built-in files are in order");
        let commit = self.join.commit();
        Some(Step { now: self.now, rows: self.assess.step([&commit.partials], self.now).metrics })
    }
}

/// Rows from `next` on whose time is before `end`.
fn before(times: &[Millis], next: usize, end: Millis) -> Range<usize> {
    next..next + times[next..].iter().take_while(|time| **time < end).count()
}

fn origin(role: Role) -> Origin {
    Origin { role, topic: role.name().into(), partition: 0 }
}

/// All lines of a built-in file.
fn lines(compressed: &'static [u8]) -> LineChunk {
    let mut text = Vec::new();
    decompressed(compressed, "built-in.gz")
        .and_then(|mut reader| reader.read_to_end(&mut text))
        .expect("the built-in file is whole");
    LineReader::new(&text[..], text.len())
        .next_chunk()
        .expect("memory can be read")
        .expect("the built-in file has lines")
}
