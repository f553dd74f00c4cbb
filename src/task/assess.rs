//! The ASSESS task: partials in; metric rows, closed windows and changes of alerts out.

use crate::aggregate::partial::PartialBatch;
use crate::aggregate::wire::{put_varint, take_bytes, take_length};
use crate::alert::{Alerts, Progress};
use crate::assess::{Assess, Outlet, Revisions, SnapshotError, Told};
use crate::event::alert::{AlertRow, Control};
use crate::event::{MetricRow, Millis, Profile, ProfileWindow, Settings};
use std::sync::Arc;

/// What one step gives out.
#[derive(Debug, Default)]
pub struct AssessOutput {
    /// Rows for `metrics`, in a fixed order.
    pub metrics: Vec<MetricRow>,
    /// Rows for `alerts`, in the order in which they were found.
    pub alerts: Vec<AlertRow>,
}

impl Outlet for AssessOutput {
    fn row(&mut self, row: &MetricRow) {
        self.metrics.push(row.clone());
    }

    fn alert(&mut self, alert: &AlertRow) {
        self.alerts.push(alert.clone());
    }
}

/// ASSESS of one partition of the partials: all of some models.
#[derive(Debug)]
pub struct AssessTask {
    assess: Assess,
    alerts: Alerts,
    revisions: Revisions,
}

impl AssessTask {
    /// A task that has seen nothing, fed by `partition_count` JOIN partitions.
    pub fn new(settings: Arc<Settings>, partition_count: usize, revisions: Revisions) -> Self {
        let alerts = Alerts::new(&settings);
        AssessTask { assess: Assess::new(settings, partition_count), alerts, revisions }
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
        let mut input = snapshot;
        let length = take_length(&mut input)?;
        let of_assess = take_bytes(&mut input, length)?;
        let alerts = Alerts::decode(&mut input, &settings)?;
        if !input.is_empty() {
            return Err(SnapshotError::trailing());
        }
        Ok(AssessTask { assess: Assess::decode(of_assess, settings, partition_count)?, alerts, revisions })
    }

    /// Everything that it knows, but what people have said of alerts, as bytes to go on from.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut of_assess = Vec::new();
        self.assess.encode(&mut of_assess);
        let mut bytes = Vec::with_capacity(of_assess.len() + 16);
        put_varint(&mut bytes, of_assess.len() as u64);
        bytes.append(&mut of_assess);
        self.alerts.encode(&mut bytes);
        bytes
    }

    /// Goes on under other settings: see [`Assess::change_settings`]. Alerts whose rules are gone end.
    ///
    /// # Errors
    /// If the state cannot be used under them.
    pub fn change_settings(&mut self, settings: Arc<Settings>) -> Result<(), SnapshotError> {
        self.assess.change_settings(Arc::clone(&settings))?;
        self.alerts.change_settings(&settings);
        Ok(())
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
        self.alerts.set_control(control);
    }

    /// Somebody takes the work up at `now`, after it was left: what did not come meanwhile is not missed.
    pub fn resume(&mut self, now: Millis) {
        self.alerts.resume(now);
    }

    /// Leaves it to the task of another partition to say that nothing comes at all, of any model.
    pub fn leave_source(&mut self) {
        self.alerts.leave_source();
    }

    /// Takes in a batch and publishes nothing yet.
    pub fn merge(&mut self, batch: &PartialBatch) {
        self.assess.merge(batch);
    }

    /// Takes in batches and publishes what is final or due at `now`.
    pub fn step<'b>(&mut self, batches: impl IntoIterator<Item = &'b PartialBatch>, now: Millis) -> AssessOutput {
        let mut output = AssessOutput::default();
        self.step_to(batches, now, usize::MAX, &mut output);
        output
    }

    /// The inputs are at their end and silent: publishes everything that was held back. Nothing expires by this.
    pub fn flush(&mut self, now: Millis) -> AssessOutput {
        let mut output = AssessOutput::default();
        self.flush_to(now, usize::MAX, &mut output);
        output
    }

    /// Nothing more comes, ever: everything is expired and final.
    pub fn close(&mut self, now: Millis) -> AssessOutput {
        let mut output = AssessOutput::default();
        self.close_to(now, &mut output);
        output
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
        let mut watched = Watched { alerts: &mut self.alerts, outlet };
        let told = self.assess.publish_to(now, self.revisions, room, &mut watched);
        self.evaluate(now, told, outlet)
    }

    /// [`AssessTask::flush`], row by row, about `room` of them.
    pub fn flush_to(&mut self, now: Millis, room: usize, outlet: &mut dyn Outlet) -> Told {
        let mut watched = Watched { alerts: &mut self.alerts, outlet };
        let told = self.assess.flush_to(now, room, &mut watched);
        self.evaluate(now, told, outlet)
    }

    /// [`AssessTask::close`], row by row.
    pub fn close_to(&mut self, now: Millis, outlet: &mut dyn Outlet) -> Told {
        let mut watched = Watched { alerts: &mut self.alerts, outlet };
        let told = self.assess.close_to(now, &mut watched);
        self.note_arrivals(now);
        self.alerts.evaluate(
            now,
            |_| Progress { watermark: Millis::MAX, oldest_open: Vec::new() },
            |alert| {
                outlet.alert(&alert);
            },
        );
        told
    }

    /// Judges what was published. What becomes of alerts is part of the publication, also where nothing else is.
    fn evaluate(&mut self, now: Millis, told: Told, outlet: &mut dyn Outlet) -> Told {
        self.note_arrivals(now);
        let assess = &self.assess;
        let progress = |model: &str| {
            let (watermark, oldest_open) = assess.progress(model);
            Progress { watermark, oldest_open }
        };
        let changed = self.alerts.evaluate(now, progress, |alert| outlet.alert(&alert));
        Told { has_looked: told.has_looked || changed > 0, ..told }
    }

    fn note_arrivals(&mut self, now: Millis) {
        let alerts = &mut self.alerts;
        alerts.note_newest(self.assess.watermark().newest(), now);
        self.assess.arrivals(|model, versions, has_labels| alerts.note(model, versions, has_labels, now));
    }

    /// The state, to look at.
    pub fn assess(&self) -> &Assess {
        &self.assess
    }

    /// The alerts, to look at.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }
}

/// What is published on its way out: alerts look at the rows.
struct Watched<'w> {
    alerts: &'w mut Alerts,
    outlet: &'w mut dyn Outlet,
}

impl Outlet for Watched<'_> {
    fn row(&mut self, row: &MetricRow) {
        self.alerts.take(row);
        self.outlet.row(row);
    }

    fn takes_profiles(&self) -> bool {
        self.outlet.takes_profiles()
    }

    fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        self.outlet.profile(profile, window);
    }
}
