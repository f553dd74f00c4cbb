//! The ASSESS task: partials in, metric rows out.

use crate::aggregate::partial::PartialBatch;
use crate::assess::{Assess, Outlet, Revisions, SnapshotError, Told};
use crate::event::alert::Control;
use crate::event::{MetricRow, Millis, Settings};
use std::sync::Arc;

/// What one step gives out.
#[derive(Debug, Default)]
pub struct AssessOutput {
    /// Rows for `metrics`, in a fixed order.
    pub metrics: Vec<MetricRow>,
}

/// ASSESS of one partition of the partials: all of some models.
#[derive(Debug)]
pub struct AssessTask {
    assess: Assess,
    revisions: Revisions,
}

impl AssessTask {
    /// A task that has seen nothing, fed by `partition_count` JOIN partitions.
    pub fn new(settings: Arc<Settings>, partition_count: usize, revisions: Revisions) -> Self {
        AssessTask { assess: Assess::new(settings, partition_count), revisions }
    }

    /// A task that goes on from a snapshot.
    ///
    /// # Errors
    /// If the snapshot cannot be used.
    pub fn restored(
        snapshot: &[u8],
        settings: Arc<Settings>,
        partition_count: usize,
        revisions: Revisions,
    ) -> Result<Self, SnapshotError> {
        Ok(AssessTask { assess: Assess::decode(snapshot, settings, partition_count)?, revisions })
    }

    /// Everything that it knows, as bytes to go on from.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.assess.encode(&mut bytes);
        bytes
    }

    /// Goes on under other settings: see [`Assess::change_settings`].
    ///
    /// # Errors
    /// If the state cannot be used under them.
    pub fn change_settings(&mut self, settings: Arc<Settings>) -> Result<(), SnapshotError> {
        self.assess.change_settings(settings)
    }

    /// Publishes the metrics with these names only, as another version of the program did; `None`: all.
    pub fn publish_only(&mut self, metrics: Option<&[Arc<str>]>) {
        match metrics {
            Some(metrics) => self.assess.publish_only(metrics),
            None => self.assess.publish_all(),
        }
    }

    /// From now on, people have said this of alerts.
    pub fn set_control(&mut self, control: Arc<Control>) {
        let _ = control;
    }

    /// Somebody takes the work up at `now`, after it was left: what was not awaited meanwhile is not missed.
    pub fn resume(&mut self, now: Millis) {
        let _ = now;
    }

    /// Takes in a batch and publishes nothing yet.
    pub fn merge(&mut self, batch: &PartialBatch) {
        self.assess.merge(batch);
    }

    /// Takes in batches and publishes what is final or due at `now`.
    pub fn step<'b>(&mut self, batches: impl IntoIterator<Item = &'b PartialBatch>, now: Millis) -> AssessOutput {
        batches.into_iter().for_each(|batch| self.assess.merge(batch));
        AssessOutput { metrics: self.assess.publish(now, self.revisions) }
    }

    /// The inputs are at their end and silent: publishes everything that was held back. Nothing expires by this.
    pub fn flush(&mut self, now: Millis) -> AssessOutput {
        AssessOutput { metrics: self.assess.flush(now) }
    }

    /// Nothing more comes, ever: everything is expired and final.
    pub fn close(&mut self, now: Millis) -> AssessOutput {
        AssessOutput { metrics: self.assess.close(now) }
    }

    /// [`AssessTask::step`], row by row, about `room` of them: where a step has more rows than should be held. Windows that are
    /// final go out as profiles too, if `outlet` takes them.
    pub fn step_to<'b>(
        &mut self,
        batches: impl IntoIterator<Item = &'b PartialBatch>,
        now: Millis,
        room: usize,
        outlet: &mut dyn Outlet,
    ) -> Told {
        batches.into_iter().for_each(|batch| self.assess.merge(batch));
        self.assess.publish_to(now, self.revisions, room, outlet)
    }

    /// [`AssessTask::flush`], row by row, about `room` of them.
    pub fn flush_to(&mut self, now: Millis, room: usize, outlet: &mut dyn Outlet) -> Told {
        self.assess.flush_to(now, room, outlet)
    }

    /// [`AssessTask::close`], row by row.
    pub fn close_to(&mut self, now: Millis, outlet: &mut dyn Outlet) -> Told {
        self.assess.close_to(now, outlet)
    }

    /// The state, to look at.
    pub fn assess(&self) -> &Assess {
        &self.assess
    }
}
