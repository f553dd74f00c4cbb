//! Labels that wait for a prediction, or that a repetition, a correction or a shadow model's prediction may still meet.
//!
//! All labels of a request id are kept in arrival order, so that a prediction which is read after them comes to the same
//! result as one that was read before.

use super::accounting::LabelOutcome;
use super::pending::{Keyed, LiveTable, Snapshot};
use super::request::RequestKey;
use super::series::ModelId;
use super::state::entry::{self, LabelName, Tag};
use super::state::journal::Journal;
use crate::event::Millis;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

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
    /// How many labels came before it: offsets of several files are no order.
    pub arrival: u64,
    /// What it is, as bits whose meaning is `kind`.
    truth: u64,
    /// Weight that it carried; NaN for none.
    weight: f64,
    /// Its place in the file or partition that `source` numbers.
    offset: i64,
    /// Only this model's predictions may use it; `u32::MAX` for none.
    model: u32,
    source: u16,
    kind: TruthKind,
    /// What has become of it so far.
    pub outcome: LabelOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum TruthKind {
    Number,
    Text,
    Deleted,
    /// The row was removed and only takes space until the table is compacted.
    Removed,
}

/// Where a label came from, for a dead letter that is written later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelPlace {
    /// Its file or partition, as a number of [`super::sources::Sources`].
    pub source: u16,
    /// Offset in it.
    pub offset: i64,
}

impl LabelRow {
    /// A label that nothing has become of yet.
    pub fn new(
        key: RequestKey,
        time: Millis,
        (arrival, place): (u64, LabelPlace),
        truth: LabelTruth,
        model: Option<ModelId>,
        weight: Option<f64>,
    ) -> Self {
        let (kind, truth) = match truth {
            LabelTruth::Number(number) => (TruthKind::Number, number.to_bits()),
            LabelTruth::Text(text) => (TruthKind::Text, u64::from(text)),
            LabelTruth::Deleted => (TruthKind::Deleted, 0),
        };
        LabelRow {
            key,
            time,
            arrival,
            truth,
            weight: weight.unwrap_or(f64::NAN),
            offset: place.offset,
            model: model.map_or(u32::MAX, |ModelId(model)| model),
            source: place.source,
            kind,
            outcome: LabelOutcome::Waiting,
        }
    }

    /// The same label with what has become of it.
    pub fn with_outcome(self, outcome: LabelOutcome) -> Self {
        LabelRow { outcome, ..self }
    }

    /// What it is.
    pub fn truth(&self) -> LabelTruth {
        match self.kind {
            TruthKind::Number => LabelTruth::Number(f64::from_bits(self.truth)),
            TruthKind::Text => LabelTruth::Text(self.truth as u32),
            TruthKind::Deleted | TruthKind::Removed => LabelTruth::Deleted,
        }
    }

    /// What tells it from all other labels of its partition.
    pub fn name(&self) -> LabelName {
        LabelName { key: self.key, time: self.time, arrival: self.arrival }
    }

    /// Everything but its name, for the log of the state.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.truth.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.weight.to_bits().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.offset.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.model.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.source.to_le_bytes());
        bytes[30] = self.kind as u8;
        bytes[31] = self.outcome as u8;
        bytes
    }

    /// From what [`Self::to_bytes`] gave; `None` if nothing gives these bytes.
    pub fn from_bytes(name: LabelName, bytes: [u8; 32]) -> Option<Self> {
        fn part<const N: usize>(bytes: &[u8; 32], at: usize) -> [u8; N] {
            let mut part = [0; N];
            part.copy_from_slice(&bytes[at..at + N]);
            part
        }
        Some(LabelRow {
            key: name.key,
            time: name.time,
            arrival: name.arrival,
            truth: u64::from_le_bytes(part(&bytes, 0)),
            weight: f64::from_bits(u64::from_le_bytes(part(&bytes, 8))),
            offset: i64::from_le_bytes(part(&bytes, 16)),
            model: u32::from_le_bytes(part(&bytes, 24)),
            source: u16::from_le_bytes(part(&bytes, 28)),
            kind: *[TruthKind::Number, TruthKind::Text, TruthKind::Deleted].get(usize::from(bytes[30]))?,
            outcome: *LabelOutcome::ALL.get(usize::from(bytes[31]))?,
        })
    }

    /// The model whose predictions alone may use it.
    pub fn model(&self) -> Option<ModelId> {
        (self.model != u32::MAX).then_some(ModelId(self.model))
    }

    /// The weight that it carried.
    pub fn weight(&self) -> Option<f64> {
        (!self.weight.is_nan()).then_some(self.weight)
    }

    /// Where it came from.
    pub fn place(&self) -> LabelPlace {
        LabelPlace { source: self.source, offset: self.offset }
    }

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
        self.kind == TruthKind::Removed
    }
    fn set_removed(&mut self) {
        self.kind = TruthKind::Removed;
    }
}

/// Labels of one span of time.
#[derive(Debug, Default)]
struct LabelSegment {
    table: LiveTable<LabelRow>,
    /// Rows with lower numbers are in the log.
    logged: u32,
}

/// Labels of one partition, in time segments that are dropped whole.
#[derive(Debug)]
pub struct LabelStore {
    segments: BTreeMap<i64, LabelSegment>,
    /// What the log of the state lacks, if there is one.
    journal: Option<Journal>,
    /// A snapshot that is being written: rows keep their places until it is complete.
    snapshot: Option<Snapshot>,
    span_ms: Millis,
    retention_ms: Millis,
    first_segment: i64,
    unmet: usize,
}

impl LabelSegment {
    /// Rebuilds a table that is mostly holes.
    fn tidy(&mut self) {
        if self.table.occupied() > 4096 && self.table.len() < self.table.occupied() / 2 {
            self.logged = self.table.retain(self.logged, |_| true);
        }
    }

    /// Logs the rows that came since the last time and are still held.
    fn log_fresh(&mut self, journal: &mut Journal) {
        for row in self.table.rows_from(self.logged) {
            journal.append(Tag::Label, false, |out| entry::put_label(out, row));
        }
        self.logged = self.table.occupied() as u32;
    }
}

impl LabelStore {
    /// Most labels that are remembered for one request id; further ones are rejected.
    pub const MAX_PER_REQUEST: usize = 64;
    const SEGMENTS: Millis = 8;

    /// A store for labels that are needed at most `retention_ms` after their time.
    pub fn new(retention_ms: Millis) -> Self {
        LabelStore {
            segments: BTreeMap::new(),
            journal: None,
            snapshot: None,
            // Whole seconds: rows know their label's time to the second, so those of one second go together.
            span_ms: (retention_ms / (Self::SEGMENTS * 1_000)).max(1) * 1_000,
            retention_ms,
            first_segment: 0,
            unmet: 0,
        }
    }

    /// Remembers a label.
    pub fn insert(&mut self, row: LabelRow) {
        self.unmet += usize::from(!row.is_met());
        self.segments.entry(row.time.div_euclid(self.span_ms)).or_default().table.insert(row);
    }

    /// Reads the labels of `key` that can be of `times` into `found`, in arrival order.
    pub fn find(&self, key: RequestKey, times: RangeInclusive<Millis>, found: &mut Vec<LabelRow>) {
        found.clear();
        let numbers = times.start().div_euclid(self.span_ms)..=times.end().div_euclid(self.span_ms);
        for (_, LabelSegment { table, .. }) in self.segments.range(numbers) {
            found.extend(table.find(key).map(|number| *table.get(number)));
        }
        found.sort_unstable_by_key(|row| row.arrival);
    }

    /// Notes what has become of a label: more than that it waits.
    pub fn set_outcome(&mut self, label: &LabelRow, outcome: LabelOutcome) {
        self.change(label.name(), Some(outcome));
    }

    /// Forgets a label.
    pub fn remove(&mut self, label: &LabelRow) {
        self.change(label.name(), None);
    }

    /// Notes what has become of the label called `name`, or forgets it (`None`); false if it is not held.
    pub fn change(&mut self, name: LabelName, outcome: Option<LabelOutcome>) -> bool {
        let Some(segment) = self.segments.get_mut(&name.time.div_euclid(self.span_ms)) else { return false };
        let table = &mut segment.table;
        let found = table.find(name.key).find(|number| table.get(*number).arrival == name.arrival);
        let Some(number) = found else { return false };
        let was_met = table.get(number).is_met();
        match outcome {
            Some(outcome) => table.get_mut(number).outcome = outcome,
            None => table.remove(number),
        }
        self.unmet -= usize::from(!was_met && outcome != Some(LabelOutcome::Waiting));
        if let Some(journal) = &mut self.journal
            && number < segment.logged
        {
            journal.append(Tag::LabelChanged, false, |out| {
                entry::put_label_name(out, name);
                entry::put_outcome(out, outcome);
            });
        }
        if outcome.is_none() && self.snapshot.is_none() {
            segment.tidy();
        }
        true
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
        self.drop_below(first_kept)
    }

    /// Drops the oldest segments until no more than `cap` labels are held; returns how many no prediction had met.
    pub fn shrink(&mut self, cap: usize) -> usize {
        let mut orphans = 0;
        while self.len() > cap {
            let Some((number, _)) = self.segments.first_key_value() else { break };
            let first_kept = number + 1;
            self.first_segment = self.first_segment.max(first_kept);
            orphans += self.drop_below(first_kept);
        }
        orphans
    }

    fn drop_below(&mut self, first_kept: i64) -> usize {
        let kept = self.segments.split_off(&first_kept);
        let dropped = std::mem::replace(&mut self.segments, kept);
        if let Some(snapshot) = &mut self.snapshot {
            dropped.keys().for_each(|number| snapshot.skip(*number));
        }
        if let Some(journal) = self.journal.as_mut().filter(|_| !dropped.is_empty()) {
            let time = first_kept * self.span_ms;
            journal.append(Tag::LabelsDropped, false, |out| out.extend_from_slice(&time.to_le_bytes()));
        }
        let rows = dropped.values().flat_map(|segment| segment.table.rows());
        let orphans = rows.filter(|row| !row.is_met()).count();
        self.unmet -= orphans;
        orphans
    }

    /// Forgets labels of times before `time`, as the log says.
    pub fn restore_dropped(&mut self, time: Millis) {
        for segment in self.segments.range_mut(..=time.div_euclid(self.span_ms)).map(|(_, segment)| segment) {
            self.unmet -= segment.table.rows().filter(|row| row.time < time && !row.is_met()).count();
            segment.table.retain(0, |row| row.time >= time);
        }
        self.segments.retain(|_, segment| !segment.table.is_empty());
    }

    /// From now on, keeps what changes for the log, which has everything that is held now.
    pub fn log_changes(&mut self) {
        self.journal = Some(Journal::default());
        self.segments.values_mut().for_each(|segment| segment.logged = segment.table.occupied() as u32);
    }

    /// What the log lacks.
    pub fn take_journal(&mut self, into: &mut Journal) {
        let Some(journal) = &mut self.journal else { return };
        self.segments.values_mut().for_each(|segment| segment.log_fresh(journal));
        into.extend(journal);
    }

    /// Keeps labels for `retention_ms` after their time.
    pub fn keep_for(&mut self, retention_ms: Millis) {
        self.retention_ms = retention_ms;
    }

    /// Notes what `watermark` had passed when the log was written.
    pub fn restore_passed(&mut self, watermark: Millis) {
        self.first_segment = self.first_segment.max((watermark - self.retention_ms).div_euclid(self.span_ms));
    }

    /// Begins a snapshot of everything that the log has, which is all: call after [`Self::take_journal`].
    pub fn start_snapshot(&mut self) {
        let extents = self.segments.iter().map(|(number, segment)| (*number, (0, segment.table.occupied() as u32)));
        self.snapshot = Some(Snapshot::new(extents));
    }

    /// Writes the next `budget` labels of the snapshot; true once it is complete.
    pub fn continue_snapshot(&mut self, budget: usize, journal: &mut Journal) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return true };
        let is_complete = snapshot.advance(budget, |rows| {
            let Some(segment) = self.segments.get(&rows.segment) else { return };
            for label in rows.live.map(|number| segment.table.get(number)).filter(|label| !label.is_removed()) {
                journal.append(Tag::Label, true, |out| entry::put_label(out, label));
            }
        });
        if is_complete {
            self.snapshot = None;
        }
        is_complete
    }

    /// Labels held, met or not.
    pub fn len(&self) -> usize {
        self.segments.values().map(|segment| segment.table.len()).sum()
    }

    /// Labels that no prediction has met.
    pub fn unmet(&self) -> usize {
        self.unmet
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        self.segments.values().map(|segment| segment.table.bytes()).sum::<usize>()
            + self.journal.as_ref().map_or(0, Journal::bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: LabelPlace = LabelPlace { source: 9, offset: -3 };

    fn label(id: &str, time: Millis, arrival: u64) -> LabelRow {
        LabelRow::new(RequestKey::of(id), time, (arrival, PLACE), LabelTruth::Number(1.0), None, None)
    }

    #[test]
    fn a_row_is_64_bytes_and_gives_back_what_it_was_made_of() {
        assert_eq!(size_of::<LabelRow>(), 64);
        let truths = [LabelTruth::Number(-0.5), LabelTruth::Text(7), LabelTruth::Deleted];
        for (truth, model) in truths.into_iter().zip([None, Some(ModelId(0)), Some(ModelId(3))]) {
            let row = LabelRow::new(RequestKey::of("a"), 1, (2, PLACE), truth, model, Some(2.0));
            assert_eq!((row.truth(), row.model(), row.weight(), row.place()), (truth, model, Some(2.0), PLACE));
        }
        assert_eq!(label("a", 1, 2).weight(), None);
    }

    #[test]
    fn labels_come_in_arrival_order_whatever_their_times() {
        let mut store = LabelStore::new(80_000);
        for (time, arrival) in [(50_000, 0), (10_000, 1), (30_000, 2)] {
            store.insert(label("a", time, arrival));
        }
        store.insert(label("b", 1, 3));
        let mut found = Vec::new();
        store.find(RequestKey::of("a"), 0..=80_000, &mut found);
        assert_eq!(found.iter().map(|label| label.arrival).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn what_is_dropped_without_a_prediction_is_counted_once() {
        let mut store = LabelStore::new(8_000);
        store.insert(label("a", 500, 0));
        store.insert(label("b", 600, 1));
        store.insert(label("c", 9_000, 2));
        store.set_outcome(&label("a", 500, 0), LabelOutcome::Used);
        assert_eq!(store.unmet(), 2);
        assert_eq!(store.expire(8_999), 0, "the segment of the first second is needed until 8,999");
        assert_eq!(store.expire(9_000), 1);
        assert_eq!((store.unmet(), store.is_past(999), store.is_past(1_000)), (1, true, false));
        assert_eq!(store.shrink(0), 1);
    }
}
