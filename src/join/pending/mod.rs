//! The pending buffer: predictions that wait for a label, or that have one which may still be corrected.
//!
//! Rows lie in time segments by the event time of the prediction. The newest are live tables; a segment whose time has
//! passed is sealed into sorted rows behind a filter; expiry drops a whole segment. There are no timers and no per-row
//! expiry. A lookup asks every segment of the times that can matter, because several predictions may share a request id: a
//! few times [`PendingBuffer::SEGMENTS`], however far one topic is ahead of the other; and the filters refuse almost all.
//!
//! Callers see rows through [`RowRef`], never tables, so that a segment may later be a memory-mapped file.

mod payload;
mod row;
mod sealed;
mod segment;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;

pub use payload::Payload;
pub use row::{PayloadAt, PendingRow, RowKind, Settled};
pub use snapshot::Snapshot;
pub use table::{Keyed, LiveTable};

use super::request::RequestKey;
use super::state::entry::{self, RowName, Tag};
use super::state::journal::Journal;
use crate::aggregate::ClassId;
use crate::event::Millis;
use segment::{RowAt, Segment};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

impl Keyed for PendingRow {
    fn key(&self) -> RequestKey {
        self.key
    }
    fn is_removed(&self) -> bool {
        self.settled == Settled::REMOVED
    }
    fn set_removed(&mut self) {
        self.settled = Settled::REMOVED;
    }
}

/// Place of a row; valid until a row is added or anything is expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRef {
    segment: i64,
    at: RowAt,
}

/// All predictions of one partition that a label can still meet.
#[derive(Debug)]
pub struct PendingBuffer {
    /// By segment number: event time divided by the span.
    segments: BTreeMap<i64, Segment>,
    /// Length of event time that a segment covers.
    span_ms: Millis,
    /// How long after its event time a row may be needed at most.
    retention_ms: Millis,
    /// Segments below were sealed.
    first_live: i64,
    /// The oldest segment, if it is being dropped part by part, and where that goes on in it.
    leaving: Option<(i64, (usize, u32))>,
    waiting: usize,
    /// What the log of the state lacks, if there is one.
    journal: Option<Journal>,
    /// A snapshot that is being written: rows keep their places until it is complete.
    snapshot: Option<Snapshot>,
    scores: Vec<(ClassId, f64)>,
}

impl PendingBuffer {
    /// Segments that the retention is divided into. More would drop rows sooner, fewer would make lookups cheaper.
    pub const SEGMENTS: Millis = 8;

    /// A buffer for rows that are needed at most `retention_ms` after their event time.
    pub fn new(retention_ms: Millis) -> Self {
        PendingBuffer {
            segments: BTreeMap::new(),
            span_ms: (retention_ms / Self::SEGMENTS).max(1_000),
            retention_ms,
            first_live: 0,
            leaving: None,
            waiting: 0,
            journal: None,
            snapshot: None,
            scores: Vec::new(),
        }
    }

    /// Adds a waiting row. `forget` names rows that may be dropped when space is needed.
    pub fn insert(&mut self, row: PendingRow, payload: Payload, forget: impl Fn(&PendingRow) -> bool) {
        let segment = self.segments.entry(row.time.div_euclid(self.span_ms)).or_default();
        if segment.is_full() {
            if let Some(journal) = &mut self.journal {
                segment.log_fresh(journal, &mut self.scores);
            }
            segment.seal(&forget);
            self.leaving = None;
        } else if segment.wants_compaction() && self.snapshot.is_none() {
            segment.compact(&forget);
            self.leaving = None;
        }
        self.waiting += usize::from(row.is_waiting());
        segment.insert(row, payload);
    }

    /// Adds the places of the rows of `key` that can be of `times` to `found`, oldest segment first.
    pub fn find(&self, key: RequestKey, times: RangeInclusive<Millis>, found: &mut Vec<RowRef>) {
        let numbers = times.start().div_euclid(self.span_ms)..=times.end().div_euclid(self.span_ms);
        for (number, segment) in self.segments.range(numbers) {
            segment.find(key, |at| found.push(RowRef { segment: *number, at }));
        }
    }

    /// The row at `place`.
    pub fn get(&self, place: RowRef) -> &PendingRow {
        self.segment(place).get(place.at)
    }

    /// Reads the class scores of the row at `place` into `scores`.
    pub fn scores(&self, place: RowRef, scores: &mut Vec<(ClassId, f64)>) {
        let segment = self.segment(place);
        segment.payloads().scores(segment.get(place.at).payload, scores);
    }

    /// The request id of the row at `place`; empty if it was not kept.
    pub fn request_id(&self, place: RowRef) -> String {
        let segment = self.segment(place);
        segment.payloads().request_id(segment.get(place.at).payload)
    }

    /// Gives the row at `place` a label with `label_time`.
    pub fn settle(&mut self, place: RowRef, label_time: Millis) {
        let row = self.segment_mut(place).get_mut(place.at);
        let was_waiting = row.is_waiting();
        row.settle(label_time);
        self.waiting -= usize::from(was_waiting);
        self.log_change(place);
    }

    /// Makes the row at `place` wait again.
    pub fn unsettle(&mut self, place: RowRef) {
        let row = self.segment_mut(place).get_mut(place.at);
        let was_waiting = row.is_waiting();
        row.unsettle();
        self.waiting += usize::from(!was_waiting);
        self.log_change(place);
    }

    /// Forgets the row at `place`.
    pub fn remove(&mut self, place: RowRef) {
        let was_waiting = self.get(place).is_waiting();
        self.segment_mut(place).remove(place.at);
        self.waiting -= usize::from(was_waiting);
        self.log_change(place);
    }

    fn log_change(&mut self, place: RowRef) {
        let Some(segment) = self.segments.get(&place.segment) else { return };
        if let Some(journal) = self.journal.as_mut().filter(|_| segment.is_logged(place.at)) {
            let row = segment.get(place.at);
            journal.append(Tag::RowChanged, false, |out| {
                entry::put_row_name(out, RowName::of(row));
                entry::put_settled(out, row.settled);
            });
        }
    }

    /// Drops every segment that `watermark` has passed by the retention, handing each to `dropped` row by row with its
    /// request id, and seals those whose time has passed. Of a segment with more than `budget` rows, so many that wait are
    /// dropped, and the rest another time; true then.
    pub fn expire(
        &mut self,
        watermark: Millis,
        mut budget: usize,
        forget: impl Fn(&PendingRow) -> bool,
        mut dropped: impl FnMut(&PendingRow, &dyn Fn() -> String),
    ) -> bool {
        let first_kept = (watermark - self.retention_ms).div_euclid(self.span_ms);
        let mut has_more = false;
        while !has_more && self.segments.first_key_value().is_some_and(|(number, _)| *number < first_kept) {
            has_more = !self.drop_of_oldest(&mut budget, &mut dropped);
        }
        let first_live = watermark.div_euclid(self.span_ms);
        if first_live > self.first_live && self.snapshot.is_none() {
            for segment in self.segments.range_mut(..first_live).map(|(_, segment)| segment) {
                if segment.wants_sealing() {
                    if let Some(journal) = &mut self.journal {
                        segment.log_fresh(journal, &mut self.scores);
                    }
                    segment.seal(&forget);
                    self.leaving = None;
                }
            }
            self.first_live = first_live;
        }
        has_more
    }

    /// Drops the oldest segments until no more than `cap` rows are held, handing each row to `dropped`; of large ones
    /// `budget` rows that wait, and what is over the cap then another time; true if there is such.
    pub fn shrink(
        &mut self,
        cap: usize,
        mut budget: usize,
        mut dropped: impl FnMut(&PendingRow, &dyn Fn() -> String),
    ) -> bool {
        let mut has_room = true;
        while has_room && self.len() > cap {
            has_room = self.drop_of_oldest(&mut budget, &mut dropped);
        }
        self.len() > cap
    }

    /// Drops the oldest segment if it is no larger than `budget`, else so many of its rows that wait; true once it is gone.
    fn drop_of_oldest(
        &mut self,
        budget: &mut usize,
        dropped: &mut impl FnMut(&PendingRow, &dyn Fn() -> String),
    ) -> bool {
        let Some((&number, segment)) = self.segments.first_key_value() else { return false };
        if segment.len() <= *budget {
            *budget -= segment.len();
            self.drop_oldest(dropped);
            return true;
        }
        let begun = self.leaving.take().filter(|(leaving, _)| *leaving == number);
        let mut next = begun.map_or((0, 0), |(_, next)| next);
        while *budget > 0 {
            let place = RowRef { segment: number, at: RowAt::Live(0) };
            let segment = self.segment(place);
            let Some(at) = segment.next_waiting(&mut next) else {
                self.drop_oldest(dropped);
                return true;
            };
            let row = *segment.get(at);
            dropped(&row, &|| segment.payloads().request_id(row.payload));
            self.remove(RowRef { at, ..place });
            *budget -= 1;
        }
        self.leaving = Some((number, next));
        false
    }

    fn drop_oldest(&mut self, dropped: &mut impl FnMut(&PendingRow, &dyn Fn() -> String)) {
        let Some((number, segment)) = self.segments.pop_first() else { return };
        self.leaving = None;
        if let Some(journal) = &mut self.journal {
            let time = (number + 1) * self.span_ms;
            journal.append(Tag::RowsDropped, false, |out| out.extend_from_slice(&time.to_le_bytes()));
        }
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.skip(number);
        }
        for row in segment.rows() {
            self.waiting -= usize::from(row.is_waiting());
            dropped(row, &|| segment.payloads().request_id(row.payload));
        }
    }

    /// Keeps rows for `retention_ms` after their event time.
    pub fn keep_for(&mut self, retention_ms: Millis) {
        self.retention_ms = retention_ms;
    }

    /// Adds a row from the log.
    pub fn restore_row(&mut self, row: PendingRow, payload: Payload) {
        self.waiting += usize::from(row.is_waiting());
        self.segments.entry(row.time.div_euclid(self.span_ms)).or_default().restore(row, payload);
    }

    /// Changes what has become of the row called `name`, as the log says; false if it is not held.
    pub fn restore_change(&mut self, name: RowName, settled: Settled) -> bool {
        let segment = name.time.div_euclid(self.span_ms);
        let mut found = None;
        let Some(held) = self.segments.get_mut(&segment) else { return false };
        held.restored();
        held.find(name.key, |at| found = found.or((RowName::of(held.get(at)) == name).then_some(at)));
        let Some(at) = found else { return false };
        let was_waiting = held.get(at).is_waiting();
        if settled == Settled::REMOVED {
            held.remove(at);
        } else {
            held.get_mut(at).settled = settled;
        }
        self.waiting -= usize::from(was_waiting);
        self.waiting += usize::from(settled.is_waiting());
        true
    }

    /// Forgets rows of times before `time`, as the log says.
    pub fn restore_dropped(&mut self, time: Millis) {
        for segment in self.segments.range_mut(..=time.div_euclid(self.span_ms)).map(|(_, segment)| segment) {
            self.waiting -= segment.restore_dropped(|row| row.time < time);
        }
        self.segments.retain(|_, segment| !segment.is_empty());
    }

    /// From now on, keeps what changes for the log, which has everything that is held now.
    pub fn log_changes(&mut self) {
        self.journal = Some(Journal::default());
        for segment in self.segments.values_mut() {
            segment.restored();
            segment.mark_logged();
        }
    }

    /// What the log lacks.
    pub fn take_journal(&mut self, into: &mut Journal) {
        let Some(journal) = &mut self.journal else { return };
        self.segments.values_mut().for_each(|segment| segment.log_fresh(journal, &mut self.scores));
        into.extend(journal);
    }

    /// Begins a snapshot of everything that the log has, which is all: call after [`Self::take_journal`].
    pub fn start_snapshot(&mut self) {
        self.snapshot = Some(Snapshot::new(self.segments.iter().map(|(number, segment)| (*number, segment.extent()))));
    }

    /// Writes the next `budget` rows of the snapshot; true once it is complete.
    pub fn continue_snapshot(&mut self, budget: usize, journal: &mut Journal) -> bool {
        let Some(snapshot) = &mut self.snapshot else { return true };
        let is_complete = snapshot.advance(budget, |rows| {
            if let Some(segment) = self.segments.get(&rows.segment) {
                segment.log_snapshot(rows.sealed, rows.live, journal, &mut self.scores);
            }
        });
        if is_complete {
            self.snapshot = None;
        }
        is_complete
    }

    /// Rows held, waiting or settled.
    pub fn len(&self) -> usize {
        self.segments.values().map(Segment::len).sum()
    }

    /// True if no row is held.
    pub fn is_empty(&self) -> bool {
        self.segments.values().all(Segment::is_empty)
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &PendingRow> {
        self.segments.values().flat_map(Segment::rows)
    }

    /// Rows that have no label.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        self.segments.values().map(Segment::bytes).sum::<usize>() + self.journal.as_ref().map_or(0, Journal::bytes)
    }

    /// Event time of the oldest segment that is held.
    pub fn oldest(&self) -> Option<Millis> {
        self.segments.iter().find(|(_, segment)| !segment.is_empty()).map(|(number, _)| number * self.span_ms)
    }

    fn segment(&self, place: RowRef) -> &Segment {
        self.segments.get(&place.segment).expect("a place outlived its segment")
    }

    fn segment_mut(&mut self, place: RowRef) -> &mut Segment {
        self.segments.get_mut(&place.segment).expect("a place outlived its segment")
    }
}
