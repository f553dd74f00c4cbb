//! Snapshots of ASSESS: when one is taken, and its way into the log.

use super::assess_log::{Entry, PART_BYTES, piece};

/// When snapshots are taken, and how much is written at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssessPace {
    /// What a restart may have to do again is at most about what taking in so many bytes of partials is, or twice as many
    /// as the state has.
    pub repeated_bytes: usize,
    /// How much of a snapshot is written with one commit.
    pub bytes_per_commit: usize,
    /// How many rows are published with one commit, about; the next one follows at once if there are more.
    pub rows_per_commit: usize,
}

impl Default for AssessPace {
    /// 16 MiB of partials are taken in again within seconds. What a commit publishes is in memory twice for a moment: some
    /// 10 MB.
    fn default() -> Self {
        AssessPace { repeated_bytes: 16 << 20, bytes_per_commit: 4 << 20, rows_per_commit: 10_000 }
    }
}

/// A snapshot on its way into the log.
#[derive(Debug)]
pub struct Snapshot {
    bytes: Vec<u8>,
    /// How many of them were written.
    written: usize,
}

impl Snapshot {
    /// Of these bytes.
    pub fn new(bytes: Vec<u8>) -> Snapshot {
        Snapshot { bytes, written: 0 }
    }

    /// Appends the next parts, of so many bytes together; true once all are written.
    pub fn write(&mut self, mut budget: usize, delta: &mut Vec<Vec<u8>>) -> bool {
        while budget > 0 && self.written < self.bytes.len() {
            let rest = &self.bytes[self.written..];
            let part = &rest[..rest.len().min(PART_BYTES).min(budget)];
            let mut piece = piece(Entry::SnapshotPart, part.len() as i64);
            piece.extend_from_slice(part);
            self.written += part.len();
            budget = budget.saturating_sub(part.len());
            delta.push(piece);
        }
        self.written == self.bytes.len()
    }
}
