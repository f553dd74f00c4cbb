//! The JOIN task of one partition: records in; partials, rejects and joined rows out.

use crate::aggregate::partial::{ModelName, PartialBatch, PartialRow, Progress, SeriesName};
use crate::event::{LabelBatch, LabelledRow, Millis, Reject, Role, Settings};
use crate::join::state::{JoinDelta, JoinRestore, RestoreError};
use crate::join::{Accounting, Deviation, Join, ModelId, PredictionReader, TermsId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One run of records of one topic, in partition order.
#[derive(Debug)]
pub enum JoinInput<'b> {
    /// Predictions of a batch that is read row range by row range.
    Predictions(&'b mut PredictionReader, Range<usize>),
    /// Labels of a batch.
    Labels(&'b LabelBatch, Range<usize>),
    /// It is asked now whether a silent topic is at its log's end: what was taken in so far came before the answer.
    BeforeLook(Role),
    /// A topic was found at its log's end and silent for the idle time-out, for the first time or once more; or it is so no
    /// longer.
    Idle(Role, bool),
}

/// What one commit gives out.
#[derive(Debug)]
pub struct JoinOutput {
    /// What changed.
    pub partials: PartialBatch,
    /// Changes of labels, if they were asked for.
    pub labelled: Vec<LabelledRow>,
    /// What became of every record so far.
    pub accounting: Accounting,
    /// How the state changed, if it is logged.
    pub delta: JoinDelta,
}

/// JOIN of one partition.
#[derive(Debug)]
pub struct JoinTask {
    partition: i32,
    join: Join,
}

impl JoinTask {
    /// A task that has seen nothing.
    pub fn new(partition: i32, settings: Arc<Settings>, with_labelled: bool) -> Self {
        JoinTask { partition, join: Join::new(settings, with_labelled) }
    }

    /// A task that goes on where the log of another ended, and logs its own changes. Of an empty log, one that has seen
    /// nothing.
    ///
    /// # Errors
    /// If the log lacks a part.
    pub fn restored(partition: i32, log: JoinRestore) -> Result<Self, RestoreError> {
        Ok(JoinTask { partition, join: log.finish()? })
    }

    /// Takes in one run of records and drops what time has passed. Returns the records that are to be dead letters, whose
    /// raw bytes the caller knows; nothing else goes out before [`Self::commit`].
    pub fn step(&mut self, input: JoinInput) -> Vec<Reject> {
        match input {
            JoinInput::Predictions(reader, rows) => self.join.predictions(reader, rows),
            JoinInput::Labels(batch, rows) => self.join.labels(batch, rows),
            JoinInput::BeforeLook(role) => self.join.before_look(role),
            JoinInput::Idle(role, idle) => self.join.set_idle(role, idle),
        }
        // Not only on commit: where records are far apart in time, a commit's worth of them spans thousands of segments.
        self.join.expire();
        self.join.take_rejects()
    }

    /// Nothing more comes: what waits has expired, part by part. False once nothing is held.
    pub fn close_oldest(&mut self) -> bool {
        self.join.close_oldest()
    }

    /// Gives out everything since the last commit.
    pub fn commit(&mut self) -> JoinOutput {
        if self.join.is_expiring() {
            self.join.expire();
        }
        let accounting = self.join.accounting();
        debug_assert_eq!(accounting.check(), Ok(()));
        let partials = self.partials();
        JoinOutput { partials, labelled: self.join.take_labelled(), accounting, delta: self.join.delta() }
    }

    /// Goes on with the references that `settings` have: see [`Join::change_references`].
    pub fn change_references(&mut self, settings: Arc<Settings>) {
        self.join.change_references(settings);
    }

    /// References that come into force later than declared: see [`Join::take_deviations`].
    pub fn take_deviations(&mut self) -> Vec<(Arc<str>, Deviation)> {
        self.join.take_deviations()
    }

    /// The join, to look at.
    pub fn join(&self) -> &Join {
        &self.join
    }

    /// Names everything that the changed cells refer to, so that a batch can be read by itself.
    fn partials(&mut self) -> PartialBatch {
        let changes = self.join.partials().take();
        let mut first_matches = self.join.first_matches().take();
        let registry = self.join.registry();
        let mut batch = PartialBatch {
            partition: self.partition,
            predictions: self.progress(Role::Predictions),
            labels: self.progress(Role::Labels),
            models: Vec::new(),
            series: Vec::new(),
            rows: Vec::with_capacity(changes.len()),
        };
        let mut models: BTreeMap<(ModelId, TermsId), u32> = BTreeMap::new();
        let mut last = None;
        for ((id, pane), change) in changes {
            if last.replace(id) != Some(id) {
                let series = registry.series(id);
                let model = *models.entry((series.model, series.terms)).or_insert_with(|| {
                    let model = registry.model(series.model);
                    let sets = &registry.terms(series.terms).segments;
                    batch.models.push(ModelName {
                        id: Arc::clone(&model.name),
                        classes: model.classes.names().to_vec(),
                        segment_keys: sets.iter().map(|set| set.key().into()).collect(),
                    });
                    batch.models.len() as u32 - 1
                });
                let (version, segments) = (Arc::clone(&series.version), series.segments.clone());
                batch.series.push(SeriesName { model, version, segments });
            }
            let first_matches = first_matches.remove(&(id, pane)).unwrap_or_default();
            batch.rows.push(PartialRow { series: batch.series.len() as u32 - 1, pane, change, first_matches });
        }
        debug_assert!(first_matches.is_empty(), "what is matched changes a cell");
        batch
    }

    fn progress(&self, role: Role) -> Progress {
        let time = self.join.time();
        Progress { newest: time.newest(role), idle_checks: time.idle_checks(role) }
    }

    /// Largest event time of either topic.
    pub fn newest(&self) -> Option<Millis> {
        let time = self.join.time();
        time.newest(Role::Predictions).max(time.newest(Role::Labels))
    }
}
