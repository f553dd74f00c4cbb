//! One time segment of the pending buffer: a live part for what arrives, a sealed part for what has settled down.

use super::payload::{Payload, PayloadHeap};
use super::row::{PendingRow, Settled};
use super::sealed::SealedTable;
use super::table::LiveTable;
use crate::join::request::RequestKey;

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
        self.live.retain(&mut keep);
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
        self.compacted_len = 0;
        self.sealed = (!rows.is_empty()).then(|| SealedTable::seal(rows));
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
