//! Labels that wait for a prediction, or that a repetition, a correction or a shadow model's prediction may still meet.
//!
//! All labels of a request id are kept in arrival order, so that a prediction which is read after them comes to the same
//! result as one that was read before.

use super::accounting::LabelOutcome;
use super::pending::{Keyed, LiveTable};
use super::request::RequestKey;
use super::series::ModelId;
use crate::event::Millis;
use std::collections::BTreeMap;

/// What a remembered label says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LabelTruth {
    /// A number, or a class written as one.
    Number(f64),
    /// A class, by its number among the texts of the partition.
    Text(u32),
    /// The label is taken back.
    Deleted,
}

/// A remembered label: 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelRow {
    /// Hash of the request id.
    pub key: RequestKey,
    /// When the truth became known.
    pub time: Millis,
    /// What it is.
    pub truth: LabelTruth,
    /// How many labels came before it: offsets of several files are no order.
    pub arrival: u64,
    /// Only this model's predictions may use it.
    pub model: Option<ModelId>,
    /// What has become of it so far.
    pub outcome: LabelOutcome,
    /// It was taken out and only takes space.
    pub removed: bool,
}

impl LabelRow {
    /// A prediction has met it.
    pub fn is_met(&self) -> bool {
        self.outcome != LabelOutcome::Waiting
    }
}

impl Keyed for LabelRow {
    fn key(&self) -> RequestKey {
        self.key
    }
    fn is_removed(&self) -> bool {
        self.removed
    }
    fn set_removed(&mut self) {
        self.removed = true;
    }
}

/// Labels of one partition, in time segments that are dropped whole.
#[derive(Debug)]
pub struct LabelStore {
    segments: BTreeMap<i64, LiveTable<LabelRow>>,
    span_ms: Millis,
    retention_ms: Millis,
    first_segment: i64,
    unmet: usize,
}

impl LabelStore {
    /// Most labels that are remembered for one request id; further ones are not, and are counted.
    pub const MAX_PER_REQUEST: usize = 64;
    const SEGMENTS: Millis = 8;

    /// A store for labels that are needed at most `retention_ms` after their time.
    pub fn new(retention_ms: Millis) -> Self {
        LabelStore {
            segments: BTreeMap::new(),
            span_ms: (retention_ms / Self::SEGMENTS).max(1_000),
            retention_ms,
            first_segment: 0,
            unmet: 0,
        }
    }

    /// Remembers a label.
    pub fn insert(&mut self, row: LabelRow) {
        self.unmet += usize::from(!row.is_met());
        self.segments.entry(row.time.div_euclid(self.span_ms)).or_default().insert(row);
    }

    /// Reads all labels of `key` into `found`, in arrival order.
    pub fn find(&self, key: RequestKey, found: &mut Vec<LabelRow>) {
        found.clear();
        for table in self.segments.values() {
            found.extend(table.find(key).map(|number| *table.get(number)));
        }
        found.sort_unstable_by_key(|row| row.arrival);
    }

    /// Notes what has become of a label: more than that it waits.
    pub fn set_outcome(&mut self, label: &LabelRow, outcome: LabelOutcome) {
        self.at(label, |table, number| table.get_mut(number).outcome = outcome);
        self.unmet -= usize::from(!label.is_met());
    }

    /// Forgets a label.
    pub fn remove(&mut self, label: &LabelRow) {
        self.at(label, LiveTable::remove);
        self.unmet -= usize::from(!label.is_met());
        if let Some(table) = self.segments.get_mut(&label.time.div_euclid(self.span_ms))
            && table.occupied() > 4096
            && table.len() < table.occupied() / 2
        {
            table.retain(|_| true);
        }
    }

    fn at(&mut self, label: &LabelRow, change: impl FnOnce(&mut LiveTable<LabelRow>, u32)) {
        if let Some(table) = self.segments.get_mut(&label.time.div_euclid(self.span_ms)) {
            let number = table.find(label.key).find(|number| table.get(*number).arrival == label.arrival);
            if let Some(number) = number {
                change(table, number);
            }
        }
    }

    /// True if a label of `time` would be dropped at once.
    pub fn is_past(&self, time: Millis) -> bool {
        time.div_euclid(self.span_ms) < self.first_segment
    }

    /// Drops the segments that `watermark` has passed by the retention; returns how many labels no prediction had met.
    pub fn expire(&mut self, watermark: Millis) -> usize {
        let first_kept = (watermark - self.retention_ms).div_euclid(self.span_ms);
        if first_kept <= self.first_segment {
            return 0;
        }
        self.first_segment = first_kept;
        let kept = self.segments.split_off(&first_kept);
        let dropped = std::mem::replace(&mut self.segments, kept);
        let orphans = dropped.values().flat_map(LiveTable::rows).filter(|row| !row.is_met()).count();
        self.unmet -= orphans;
        orphans
    }

    /// Labels that no prediction has met.
    pub fn unmet(&self) -> usize {
        self.unmet
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        self.segments.values().map(LiveTable::bytes).sum()
    }
}
