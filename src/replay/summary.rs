//! What a replay did, for the last lines on the terminal.

use super::ReplayError;
use super::output::Written;
use crate::event::{Millis, Reason, Reject};
use crate::join::Accounting;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a replay did.
#[derive(Debug, Default)]
pub struct Summary {
    /// Records read and taken to the join, or left out by time.
    pub records: u64,
    /// Earliest and newest event time of those that were taken.
    pub span: Option<(Millis, Millis)>,
    /// What became of them.
    pub accounting: Accounting,
    /// Predictions that could not be decoded or were not valid.
    pub undecoded_predictions: u64,
    /// Labels likewise.
    pub undecoded_labels: u64,
    /// Dead letters by reason.
    pub reasons: BTreeMap<Reason, u64>,
    /// Models that have rows.
    pub models: Vec<Arc<str>>,
    /// Changes that came when their windows were final, or windows that are compared with theirs.
    pub late_rows: u64,
    /// Outcomes that no detector of concept drift has read, because they came too late for their order.
    pub skipped_outcomes: u64,
    /// Series and windows that alerts had no room for.
    pub over_cap: u64,
    /// Features that are larger than a record of the `profiles` topic, and are in no profile: once per window and series.
    pub left_out_features: u64,
    /// How often an alert fired that had not been firing.
    pub fired_alerts: u64,
    /// Memory held by waiting records at the end.
    pub held_bytes: usize,
    /// It was stopped before the end.
    pub interrupted: bool,
    /// Files written.
    pub written: Vec<Written>,
    /// Files that could not be read to their end.
    pub failures: Vec<ReplayError>,
}

impl Summary {
    /// Takes note of event times.
    pub fn note_times(&mut self, times: impl Iterator<Item = Millis>) {
        for time in times {
            self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        }
    }

    /// Takes note of dead letters.
    pub fn count_reasons(&mut self, rejects: &[Reject]) {
        for reject in rejects {
            *self.reasons.entry(reject.reason).or_default() += 1;
        }
    }
}
