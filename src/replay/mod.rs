//! Replay: files straight through both tasks, no broker. Back-tests on history, and the quickest way to try Postdict on
//! one's own data.
//!
//! ```text
//!   file ─► lane (read, decode on all cores) ─┐
//!                                             ├─► merge by time ─► JOIN ─► ASSESS ─► metrics.ndjson
//!   file ─► lane ─────────────────────────────┘                              (its own thread)
//! ```
//!
//! Two runs on the same files write the same bytes, whatever the number of cores: commits fall after fixed numbers of
//! records, and the clock that the tasks are handed is the event time of the records.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the shell: reads and writes files, starts threads"
)]

mod features;
mod lane;
mod line;
mod merge;
mod output;
mod progress;
mod publish;
mod reference;
mod spool;
mod summary;

pub use features::{feature_names, read_predictions};
pub use lane::{Layout, check_readable};
pub use output::{Listener, OutputFiles};
pub use progress::Progress;
pub use spool::Spool;
pub use summary::Summary;

use crate::assess::Revisions;
use crate::event::{Millis, Reject, Role, Settings};
use crate::task::{JoinInput, JoinOutput, JoinTask};
use lane::{Batch, Lane};
use merge::Merge;
use publish::Publication;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What happens when the files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    /// Nothing more comes: everything is expired and final.
    Close,
    /// More may come: what was held back is published, nothing expires.
    Hold,
}

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Files with predictions, in order of precedence.
    pub predictions: Vec<PathBuf>,
    /// Files with labels, likewise.
    pub labels: Vec<PathBuf>,
    /// How records are read.
    pub layout: Layout,
    /// The models.
    pub settings: Arc<Settings>,
    /// At the end of the files.
    pub at_end: AtEnd,
    /// What is published of windows that are not final.
    pub revisions: Revisions,
    /// Write `labelled.ndjson`.
    pub with_labelled: bool,
    /// Commit also where event time passes a multiple of this, so that alerts are found about when the service would; `None`:
    /// after fixed numbers of records alone.
    pub commit_every_ms: Option<Millis>,
    /// Leave out records before this time.
    pub from: Option<Millis>,
    /// Leave out records after this time.
    pub to: Option<Millis>,
    /// Stop after this many records of both inputs together.
    pub limit: Option<u64>,
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file could not be read to its end.
    #[error("{}: {message}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in it.
        message: String,
    },
    /// A schema cannot be used.
    #[error("{message}")]
    Schema {
        /// What is wrong with it.
        message: String,
    },
    /// Output could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Output {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Records between two commits of the join.
const COMMIT_RECORDS: usize = 8_192;
/// Memory for chunks of all files together.
const CHUNK_BUDGET_BYTES: usize = 128 << 20;

impl Replay {
    /// Problems with the input files, all of them.
    pub fn check_inputs(&self) -> Vec<String> {
        self.files().filter_map(|(_, path)| lane::check_readable(path).err()).collect()
    }

    fn files(&self) -> impl Iterator<Item = (Role, &PathBuf)> {
        let predictions = self.predictions.iter().map(|path| (Role::Predictions, path));
        predictions.chain(self.labels.iter().map(|path| (Role::Labels, path)))
    }

    /// Replays the files into `output`, until the end or until `stop` is set.
    ///
    /// A file that cannot be read to its end does not stop the others: what was readable is processed, and the summary
    /// names the file.
    pub fn run(self, output: OutputFiles, progress: &Progress, stop: &Arc<AtomicBool>) -> Result<Summary, ReplayError> {
        let mut summary = Summary::default();
        let mut publication = Publication::start(Arc::clone(&self.settings), self.revisions, output, Arc::clone(stop));
        self.join(progress, stop, &mut summary, &mut |commit, rejects, now| publication.send(commit, rejects, now))?;
        publication.finish(if summary.interrupted { None } else { Some(self.at_end) }, &mut summary)?;
        Ok(summary)
    }

    /// The first half: takes the files through the join and gives `send` its commits, with rejects and the newest time.
    fn join<E>(
        &self,
        progress: &Progress,
        stop: &AtomicBool,
        summary: &mut Summary,
        send: &mut impl FnMut(JoinOutput, Vec<Reject>, Option<Millis>) -> Result<(), E>,
    ) -> Result<(), E> {
        let layout = Arc::new(self.layout.clone());
        let chunk_bytes = (CHUNK_BUDGET_BYTES / (4 * self.files().count().max(1))).clamp(16 << 10, 512 << 10);
        let start = |(role, path): (Role, &PathBuf)| {
            Lane::start(role, path.clone(), Arc::clone(&layout), progress.counter(), chunk_bytes)
        };
        let mut merge = Merge::new(self.files().map(start).collect());
        let mut join = JoinTask::new(0, Arc::clone(&self.settings), self.with_labelled);
        let mut since_commit = 0;
        let mut rejects: Vec<Reject> = Vec::new();

        while !stop.load(Ordering::Relaxed) {
            let room = self.limit.map_or(usize::MAX, |limit| (limit - summary.records) as usize);
            let Some((chunk, rows)) = merge.next().filter(|_| room > 0) else { break };
            let rows = rows.start..rows.end.min(rows.start.saturating_add(room.min(COMMIT_RECORDS)));
            let (crosses, rows) = self.until_commit(&chunk.batch, rows, join.newest());
            if crosses && since_commit > 0 {
                since_commit = 0;
                send(join.commit(), std::mem::take(&mut rejects), join.newest())?;
            }
            for kept in self.kept(&chunk.batch, rows.clone()) {
                summary.note_times(kept.clone().map(|row| chunk.batch.time(row)));
                let late = match &mut chunk.batch {
                    Batch::Predictions(reader) => join.step(JoinInput::Predictions(reader, kept)),
                    Batch::Labels(batch) => join.step(JoinInput::Labels(batch, kept)),
                };
                rejects.extend(late.into_iter().map(|reject| Reject { value: chunk.raw(&reject), ..reject }));
            }
            merge.take(rows.len());
            summary.records += rows.len() as u64;
            since_commit += rows.len();
            if since_commit >= COMMIT_RECORDS {
                since_commit = 0;
                rejects.append(&mut undecoded(&mut merge, summary));
                summary.count_reasons(&rejects);
                send(join.commit(), std::mem::take(&mut rejects), join.newest())?;
                progress.update(summary.records, join.newest());
            }
        }
        rejects.append(&mut undecoded(&mut merge, summary));
        summary.count_reasons(&rejects);
        if self.at_end == AtEnd::Close && !stop.load(Ordering::Relaxed) {
            while join.close_oldest() {
                send(join.commit(), std::mem::take(&mut rejects), join.newest())?;
            }
        }
        if self.at_end == AtEnd::Hold {
            for role in [Role::Predictions, Role::Labels] {
                join.step(JoinInput::Idle(role, true));
            }
        }
        while join.join().is_expiring() {
            send(join.commit(), std::mem::take(&mut rejects), join.newest())?;
        }
        let last = join.commit();
        summary.accounting = last.accounting;
        send(last, rejects, join.newest())?;
        summary.interrupted = stop.load(Ordering::Relaxed);
        summary.held_bytes = join.join().bytes();
        summary.failures = merge.into_errors();
        Ok(())
    }

    /// The first of `rows`, up to the one before which there is to be a commit; true if there is to be one before them all.
    fn until_commit(&self, batch: &Batch, rows: Range<usize>, newest: Option<Millis>) -> (bool, Range<usize>) {
        let Some(every) = self.commit_every_ms.filter(|_| !rows.is_empty()) else { return (false, rows) };
        let part = |row: usize| batch.time(row).div_euclid(every);
        let first = newest.map_or(part(rows.start), |newest| newest.div_euclid(every));
        let last = first.max(part(rows.start));
        let end = rows.clone().find(|row| part(*row) > last).unwrap_or(rows.end);
        (last > first, rows.start..end)
    }

    /// The parts of `rows` that are not left out by `from` and `to`.
    fn kept(&self, batch: &Batch, rows: Range<usize>) -> Vec<Range<usize>> {
        if self.from.is_none() && self.to.is_none() {
            return vec![rows];
        }
        let is_kept = |row: usize| {
            let time = batch.time(row);
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
        };
        rows.filter(|row| is_kept(*row)).map(|row| row..row + 1).collect()
    }
}

/// Records that the codec rejected, counted.
fn undecoded(merge: &mut Merge, summary: &mut Summary) -> Vec<Reject> {
    let rejects = merge.take_rejects();
    let labels = rejects.iter().filter(|reject| reject.origin.role == Role::Labels).count() as u64;
    summary.undecoded_labels += labels;
    summary.undecoded_predictions += rejects.len() as u64 - labels;
    rejects
}
