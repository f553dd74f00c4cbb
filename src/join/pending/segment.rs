//! One time segment of the pending buffer: a live part for what arrives, a sealed part for what has settled down.

use super::payload::{Payload, PayloadHeap};
use super::row::{PayloadAt, PendingRow, Settled};
use super::sealed::SealedTable;
use super::table::LiveTable;
use crate::aggregate::ClassId;
use crate::join::request::RequestKey;
use crate::join::state::entry::{self, Tag};
use crate::join::state::journal::Journal;

/// Where a row is inside its segment; valid until the segment is changed other than through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAt {
    Live(u32),
    Sealed(usize),
}

/// Rows whose event time lies in one span.
#[derive(Debug, Default)]
pub struct Segment {
    live: LiveTable<PendingRow>,
    sealed: Option<SealedTable>,
    payloads: PayloadHeap,
    /// Rows that the live part held when it was last compacted.
    compacted_len: usize,
    /// Live rows with lower numbers are in the log, and so are all sealed ones.
    logged: u32,
}

/// Fewer rows than this are neither compacted nor sealed: it would cost more than it saves.
const SMALL: usize = 4096;

impl Segment {
    /// Adds a row with its payload.
    pub fn insert(&mut self, mut row: PendingRow, payload: Payload) {
        row.payload = self.payloads.push(payload);
        self.live.insert(row);
    }

    /// Calls `visit` with the place of each row with `key`.
    pub fn find(&self, key: RequestKey, mut visit: impl FnMut(RowAt)) {
        if let Some(sealed) = &self.sealed {
            sealed
                .find(key)
                .filter(|at| sealed.get(*at).settled != Settled::REMOVED)
                .for_each(|at| visit(RowAt::Sealed(at)));
        }
        self.live.find(key).for_each(|number| visit(RowAt::Live(number)));
    }

    /// The row at `at`.
    pub fn get(&self, at: RowAt) -> &PendingRow {
        match (at, &self.sealed) {
            (RowAt::Sealed(position), Some(sealed)) => sealed.get(position),
            (RowAt::Sealed(_), None) => panic!("a place in the sealed part outlived that part"),
            (RowAt::Live(number), _) => self.live.get(number),
        }
    }

    /// The row at `at`, to be changed.
    pub fn get_mut(&mut self, at: RowAt) -> &mut PendingRow {
        match (at, &mut self.sealed) {
            (RowAt::Sealed(position), Some(sealed)) => sealed.get_mut(position),
            (RowAt::Sealed(_), None) => panic!("a place in the sealed part outlived that part"),
            (RowAt::Live(number), _) => self.live.get_mut(number),
        }
    }

    /// Takes the row at `at` out.
    pub fn remove(&mut self, at: RowAt) {
        match (at, &mut self.sealed) {
            (RowAt::Sealed(position), Some(sealed)) => sealed.remove(position),
            (RowAt::Sealed(_), None) => {}
            (RowAt::Live(number), _) => self.live.remove(number),
        }
    }

    /// The payloads that the rows refer to.
    pub fn payloads(&self) -> &PayloadHeap {
        &self.payloads
    }

    /// True once the live part has doubled since it was last compacted, so that compacting costs constant time per row.
    pub fn wants_compaction(&self) -> bool {
        self.live.occupied() >= SMALL.max(2 * self.compacted_len)
    }

    /// Drops the rows that `forget` names and frees what removed rows occupied.
    pub fn compact(&mut self, forget: impl Fn(&PendingRow) -> bool) {
        let old = std::mem::take(&mut self.payloads);
        let payloads = &mut self.payloads;
        let mut keep = |row: &mut PendingRow| {
            let stays = !forget(row);
            if stays {
                row.payload = payloads.copy_from(&old, row.payload);
            }
            stays
        };
        self.logged = self.live.retain(self.logged, &mut keep);
        self.compacted_len = self.live.len();
        if let Some(sealed) = self.sealed.take() {
            let rows = sealed.rows().filter_map(|row| {
                let mut row = *row;
                keep(&mut row).then_some(row)
            });
            self.sealed = Some(SealedTable::seal(rows.collect()));
        }
    }

    /// True if the live part is worth sealing: it is large, or large beside what is sealed.
    pub fn wants_sealing(&self) -> bool {
        let sealed_len = self.sealed.as_ref().map_or(0, SealedTable::occupied);
        self.live.occupied() >= SMALL.max(sealed_len / 8)
    }

    /// Merges the live part into the sealed part, dropping the rows that `forget` names.
    pub fn seal(&mut self, forget: impl Fn(&PendingRow) -> bool) {
        let old = std::mem::take(&mut self.payloads);
        let mut rows = Vec::with_capacity(self.len());
        let sealed = self.sealed.take();
        for row in sealed.iter().flat_map(SealedTable::rows).chain(self.live.rows()).filter(|row| !forget(row)) {
            rows.push(PendingRow { payload: self.payloads.copy_from(&old, row.payload), ..*row });
        }
        self.live = LiveTable::default();
        self.logged = 0;
        self.compacted_len = 0;
        self.sealed = (!rows.is_empty()).then(|| SealedTable::seal(rows));
    }

    /// True if the log has the row at `at`, so that it must be told of changes.
    pub fn is_logged(&self, at: RowAt) -> bool {
        match at {
            RowAt::Sealed(_) => true,
            RowAt::Live(number) => number < self.logged,
        }
    }

    /// Declares that the log has everything.
    pub fn mark_logged(&mut self) {
        self.logged = self.live.occupied() as u32;
    }

    /// Logs the rows that came since the last time and are still held. To be called before they are sealed: then nothing
    /// tells them from others any more.
    pub fn log_fresh(&mut self, journal: &mut Journal, scores: &mut Vec<(ClassId, f64)>) {
        for row in self.live.rows_from(self.logged) {
            log_row(journal, false, row, &self.payloads, scores);
        }
        self.mark_logged();
    }

    /// Adds a row of the log, which is not found before [`Self::restored`].
    pub fn restore(&mut self, mut row: PendingRow, payload: Payload) {
        row.payload = self.payloads.push(payload);
        self.live.append(row);
    }

    /// Has all rows of the log found.
    pub fn restored(&mut self) {
        self.live.index_appended();
    }

    /// Forgets the rows that `is_dropped` names; returns how many of them waited.
    pub fn restore_dropped(&mut self, is_dropped: impl Fn(&PendingRow) -> bool) -> usize {
        let waiting = self.rows().filter(|row| is_dropped(row) && row.is_waiting()).count();
        self.compact(&is_dropped);
        waiting
    }

    /// Logs the rows of a part of the segment for a snapshot: `sealed` positions and `live` numbers.
    pub fn log_snapshot(
        &self,
        sealed: std::ops::Range<usize>,
        live: std::ops::Range<u32>,
        journal: &mut Journal,
        scores: &mut Vec<(ClassId, f64)>,
    ) {
        let sealed = self.sealed.iter().flat_map(|table| sealed.clone().map(|position| table.get(position)));
        let live = live.map(|number| self.live.get(number));
        for row in sealed.chain(live).filter(|row| row.settled != Settled::REMOVED) {
            log_row(journal, true, row, &self.payloads, scores);
        }
    }

    /// Sealed positions and live numbers in use.
    pub fn extent(&self) -> (usize, u32) {
        (self.sealed.as_ref().map_or(0, SealedTable::occupied), self.live.occupied() as u32)
    }

    /// Place of the next row that waits, from the sealed position and the live number in `next` on, which are moved behind it.
    pub fn next_waiting(&self, next: &mut (usize, u32)) -> Option<RowAt> {
        let (sealed_end, live_end) = self.extent();
        loop {
            let at = if next.0 < sealed_end {
                next.0 += 1;
                RowAt::Sealed(next.0 - 1)
            } else if next.1 < live_end {
                next.1 += 1;
                RowAt::Live(next.1 - 1)
            } else {
                return None;
            };
            if self.get(at).is_waiting() {
                return Some(at);
            }
        }
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &PendingRow> {
        self.sealed.iter().flat_map(SealedTable::rows).chain(self.live.rows())
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.live.len() + self.sealed.as_ref().map_or(0, SealedTable::len)
    }

    /// True if no row is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the live part cannot number more rows.
    pub fn is_full(&self) -> bool {
        self.live.occupied() >= LiveTable::<PendingRow>::MAX_ROWS
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        self.live.bytes() + self.sealed.as_ref().map_or(0, SealedTable::bytes) + self.payloads.bytes()
    }
}

fn log_row(
    journal: &mut Journal,
    in_snapshot: bool,
    row: &PendingRow,
    payloads: &PayloadHeap,
    scores: &mut Vec<(ClassId, f64)>,
) {
    if row.payload == PayloadAt::NONE {
        return journal.append(Tag::Row, in_snapshot, |out| entry::put_row(out, row));
    }
    payloads.scores(row.payload, scores);
    let id = payloads.request_id(row.payload);
    journal.append(Tag::RowWithPayload, in_snapshot, |out| {
        entry::put_row(out, row);
        entry::put_payload(out, Payload { scores, request_id: (!id.is_empty()).then_some(&id) });
    });
}
