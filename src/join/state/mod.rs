//! The join's state as a log of changes: what a restart needs to go on as if nothing had happened.
//!
//! Each commit logs what changed since the last one, net: a prediction whose label comes before the commit costs nothing
//! where nothing of it has to be remembered. Rows that came since the last commit are not written down one by one: they
//! are the last of their tables, and are read from there. When the log has grown past a multiple of what it describes, a
//! snapshot is written, a part with each commit; then everything before it is not needed any more.
//!
//! ```text
//! entry     one change as bytes          journal   changes that wait for the commit
//! names     models, series, texts        restore   from entries to a join
//! ```

pub(super) mod entry;
pub(super) mod journal;
mod names;
mod restore;

pub use restore::{JoinRestore, RestoreError};

use super::Join;
use crate::aggregate::wire::{put_signed, put_varint};
use entry::Tag;
use journal::Journal;
use names::{LoggedNames, Names};

/// What is known of the log while a join runs.
#[derive(Debug, Default)]
pub struct StateLog {
    names: LoggedNames,
    /// Nothing was logged yet.
    is_new: bool,
    /// Length of what was logged since the last snapshot began.
    bytes: usize,
    /// The last progress that was logged: a join to which nothing comes logs nothing.
    progress: Vec<u8>,
    snapshot: SnapshotState,
    pace: SnapshotPace,
}

/// How far a snapshot has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum SnapshotState {
    /// None is wanted.
    #[default]
    None,
    /// What it will hold is settled: what was logged with the last commit. It begins with the next.
    Settled,
    /// It has begun.
    Begun,
}

/// How the state changed in one commit.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct JoinDelta {
    /// Entries in pieces, to be applied in this order.
    pub pieces: Vec<Vec<u8>>,
    /// A snapshot begins in these pieces, or is complete after them.
    pub snapshot: Option<SnapshotMark>,
}

/// Where a snapshot begins or ends: with a complete one, a restart needs nothing from before the commit in which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotMark {
    /// It begins in this commit: once it is complete, nothing before is needed.
    Start,
    /// It is complete with this commit.
    End,
    /// Both.
    Whole,
}

impl SnapshotMark {
    /// True if one begins.
    pub fn starts(self) -> bool {
        self != SnapshotMark::End
    }

    /// True if one is complete.
    pub fn ends(self) -> bool {
        self != SnapshotMark::Start
    }
}

/// When snapshots are written, and how much of them at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPace {
    /// A log shorter than this needs none.
    pub small_log_bytes: usize,
    /// Rows per commit.
    pub rows_per_commit: usize,
}

impl Default for SnapshotPace {
    /// From 32 MiB on, which are read in a fraction of a second; some 3 MB with each commit.
    fn default() -> Self {
        SnapshotPace { small_log_bytes: 32 << 20, rows_per_commit: 1 << 16 }
    }
}

/// What a commit takes in the log beside its pieces: one that says only where the inputs are, or that they are silent, is
/// this long.
pub(super) const COMMIT_BYTES: usize = 100;

/// A row of the log, about.
const ROW_BYTES: usize = 48;

impl Join {
    /// How the state changed since the last call. Empty pieces where changes are not logged.
    pub fn delta(&mut self) -> JoinDelta {
        let Some(mut log) = self.log.take() else { return JoinDelta::default() };
        let mut journal = Journal::default();
        if std::mem::take(&mut log.is_new) {
            journal.append(Tag::Genesis, false, |_| {});
        }
        let mut mark = None;
        if log.snapshot == SnapshotState::Settled {
            log.snapshot = SnapshotState::Begun;
            log.bytes = 0;
            journal.append(Tag::SnapshotStart, true, |_| {});
            LoggedNames::default().log_up_to(&log.names, self.names(), true, &mut journal);
            mark = Some(SnapshotMark::Start);
        }
        let names = LoggedNames::all(self.names());
        log.names.log_up_to(&names, self.names(), false, &mut journal);
        log.names = names;
        self.pending.take_journal(&mut journal);
        self.labels.take_journal(&mut journal);
        let progress = self.progress();
        // A snapshot holds it too.
        if log.snapshot != SnapshotState::None || log.progress != progress {
            journal.append(Tag::Progress, false, |out| out.extend_from_slice(&progress));
            log.progress = progress;
        }
        match log.snapshot {
            SnapshotState::Begun if self.continue_snapshot(log.pace.rows_per_commit, &mut journal) => {
                log.snapshot = SnapshotState::None;
                // Of a small state, it begins and ends in one commit.
                mark = Some(mark.map_or(SnapshotMark::End, |_| SnapshotMark::Whole));
            }
            SnapshotState::None if self.wants_snapshot(log.pace, log.bytes + journal.bytes()) => {
                log.snapshot = SnapshotState::Settled;
                self.pending.start_snapshot();
                self.labels.start_snapshot();
            }
            _ => {}
        }
        log.bytes += COMMIT_BYTES + journal.bytes();
        self.log = Some(log);
        JoinDelta { pieces: journal.take(), snapshot: mark }
    }

    /// True once the log of `bytes` is a multiple of what it describes.
    fn wants_snapshot(&self, pace: SnapshotPace, bytes: usize) -> bool {
        bytes >= pace.small_log_bytes.max(2 * ROW_BYTES * (self.pending.len() + self.labels.len()))
    }

    /// Writes the next part; true once the snapshot is complete.
    fn continue_snapshot(&mut self, rows_per_commit: usize, journal: &mut Journal) -> bool {
        let rows = self.pending.continue_snapshot(rows_per_commit, journal);
        let is_complete = rows && self.labels.continue_snapshot(rows_per_commit, journal);
        if is_complete {
            journal.append(Tag::SnapshotEnd, true, |_| {});
        }
        is_complete
    }

    /// How far the join is, and where every record went.
    fn progress(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in self.time.to_numbers() {
            put_signed(&mut out, number);
        }
        for number in self.accounting().to_numbers() {
            put_varint(&mut out, number);
        }
        out
    }

    fn names(&self) -> Names<'_> {
        Names { registry: &self.registry, texts: &self.texts, sources: &self.sources }
    }
}
