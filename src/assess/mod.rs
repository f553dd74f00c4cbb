//! ASSESS: partials of all JOIN partitions become panes, panes become windows, windows become metric rows that are
//! revised until nothing can change them any more.
//!
//! What has expired, what is an orphan and what is final is decided here and nowhere else, from linear facts and one
//! watermark over all partitions. All rows of a pane expire together, when the watermark passes the pane's end by the
//! label horizon.

mod cells;
mod closed;
mod detected;
mod detection;
mod detection_state;
#[cfg(test)]
mod detection_tests;
mod expectations;
mod features;
mod identity;
mod merged;
mod model;
mod moving;
mod names;
mod outlet;
mod past;
mod past_errors;
mod promise;
mod publish;
mod rows;
mod state;
mod watermark;
mod window;

pub use identity::row_id;
pub use model::Revisions;
pub use outlet::Outlet;
pub use state::SnapshotError;
pub use watermark::Watermark;

use crate::aggregate::partial::PartialBatch;
use crate::event::{MetricRow, Millis, ModelSettings, Settings, WindowSpec};
use model::{ModelAssess, Moment};
use rows::{Rows, Texts};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use window::Windows;

/// The settings by which the windows of `model` are kept. A label that names no model may still meet a prediction of any,
/// so model `""` waits for its unmet labels as long as the most patient model does.
fn window_settings(settings: &Settings, model: &str) -> Arc<ModelSettings> {
    let own = settings.model(model);
    if !model.is_empty() {
        return Arc::clone(own);
    }
    let most = |of: fn(&ModelSettings) -> Millis| settings.all().map(of).max().unwrap_or(0);
    Arc::new(ModelSettings {
        allowed_lateness_ms: most(|model| model.allowed_lateness_ms),
        early_label_retention_ms: most(|model| model.early_label_retention_ms),
        ..ModelSettings::clone(own)
    })
}

/// All models of one partition of the partials.
#[derive(Debug)]
pub struct Assess {
    settings: Arc<Settings>,
    models: BTreeMap<Arc<str>, ModelAssess>,
    watermark: Watermark,
    late_rows: u64,
    /// Where publishing goes on, if there was no room for all.
    next_model: Option<Arc<str>>,
    texts: Texts,
}

/// What became of one publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// It looked at a window, even if nothing in it had changed.
    pub has_looked: bool,
    /// There was no room for more, and there may be more.
    pub has_more: bool,
    /// Series of windows that became final while nobody knew the reference in whose bins their features were counted:
    /// nothing is said of them.
    pub unknown_references: u64,
}

impl Assess {
    /// Of partials that come from `partition_count` JOIN partitions.
    pub fn new(settings: Arc<Settings>, partition_count: usize) -> Self {
        Assess {
            settings,
            models: BTreeMap::new(),
            watermark: Watermark::new(partition_count),
            late_rows: 0,
            next_model: None,
            texts: Texts::new(),
        }
    }

    /// Adds a batch of partials.
    pub fn merge(&mut self, batch: &PartialBatch) {
        let mut rows = batch.rows.as_slice();
        while let Some(first) = rows.first() {
            let of_series = rows.partition_point(|row| row.series <= first.series);
            let (series_rows, rest) = rows.split_at(of_series);
            rows = rest;
            let series = &batch.series[first.series as usize];
            let name = &batch.models[series.model as usize];
            let caps = self.settings.caps;
            let settings = &self.settings;
            let model = (self.models.entry(Arc::clone(&name.id)))
                .or_insert_with(|| ModelAssess::new(Arc::clone(&name.id), window_settings(settings, &name.id), caps));
            self.late_rows += model.merge(name, series, series_rows) as u64;
        }
        self.watermark.update(batch);
    }

    /// Publishes what is final and what is due.
    pub fn publish(&mut self, now: Millis, revisions: Revisions) -> Vec<MetricRow> {
        collected(|outlet| self.publish_to(now, revisions, usize::MAX, outlet))
    }

    /// Publishes everything that changed and was held back.
    pub fn flush(&mut self, now: Millis) -> Vec<MetricRow> {
        collected(|outlet| self.flush_to(now, usize::MAX, outlet))
    }

    /// Declares that nothing more comes: everything is expired and final.
    pub fn close(&mut self, now: Millis) -> Vec<MetricRow> {
        collected(|outlet| self.close_to(now, outlet))
    }

    /// [`Assess::publish`], row by row, about `room` of them, and profiles of windows that are final.
    pub fn publish_to(&mut self, now: Millis, revisions: Revisions, room: usize, outlet: &mut dyn Outlet) -> Told {
        let moment = self.moment(now);
        self.tell(room, outlet, |model, rows| model.publish(moment, revisions, rows))
    }

    /// [`Assess::flush`], row by row, likewise.
    pub fn flush_to(&mut self, now: Millis, room: usize, outlet: &mut dyn Outlet) -> Told {
        let moment = self.moment(now);
        self.tell(room, outlet, |model, rows| {
            model.publish(moment, Revisions::Final, rows);
            model.flush(moment, rows);
        })
    }

    /// [`Assess::close`], row by row.
    pub fn close_to(&mut self, now: Millis, outlet: &mut dyn Outlet) -> Told {
        let moment = Moment { reached: Some(Millis::MAX), ..self.moment(now) };
        self.tell(usize::MAX, outlet, |model, rows| model.publish(moment, Revisions::Final, rows))
    }

    /// Lets each model publish until there is no room left; the next time begins with the model after the last one, so
    /// that none waits for ever.
    fn tell(
        &mut self,
        room: usize,
        outlet: &mut dyn Outlet,
        mut publish: impl FnMut(&mut ModelAssess, &mut Rows<'_>),
    ) -> Told {
        let mut rows = Rows::new(&self.texts, room, outlet);
        let first = self.next_model.take().unwrap_or_default();
        let turns: [(Bound<&str>, Bound<&str>); 2] =
            [(Bound::Included(&first), Bound::Unbounded), (Bound::Unbounded, Bound::Excluded(&first))];
        for turn in turns {
            for (id, model) in self.models.range_mut::<str, _>(turn) {
                if rows.is_full() {
                    self.next_model = Some(Arc::clone(id));
                    return rows.told(true);
                }
                publish(model, &mut rows);
            }
        }
        rows.told(rows.is_full())
    }

    /// Partial rows that changed nothing because their windows were final, or not all that they bear on because windows that
    /// are compared with theirs were.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Outcomes that no detector has read: they came behind the watermark, or there was no room for them.
    pub fn skipped_outcomes(&self) -> u64 {
        self.models.values().filter_map(|model| model.detection.as_ref()).map(|detection| detection.skipped()).sum()
    }

    /// There was no room for all models the last time: the next publication goes on with the one after.
    pub fn is_between_models(&self) -> bool {
        self.next_model.is_some()
    }

    /// How many models have rows.
    pub fn model_count(&self) -> usize {
        self.models.len()
    }

    /// Models that have rows.
    pub fn model_ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.models.keys()
    }

    /// How far all inputs have come.
    pub fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    /// How far a model has come: its watermark (`Millis::MIN` while an input has shown nothing), and by window size the start of
    /// the oldest window that is not final, where there is one.
    pub fn progress(&self, model: &str) -> (Millis, Vec<(WindowSpec, Millis)>) {
        let Some(model) = self.models.get(model) else { return (Millis::MIN, Vec::new()) };
        let lateness = model.settings.allowed_lateness_ms;
        let watermark = self.watermark.reached().map_or(Millis::MIN, |reached| reached.saturating_sub(lateness));
        let oldest = |windows: &Windows| windows.open.first_key_value().map(|(start, _)| (windows.spec, *start));
        (watermark, model.windows.iter().filter_map(oldest).collect())
    }

    /// Gives `tell` what has come since the last time: a model, those of its versions that had predictions, and whether labels
    /// came.
    pub fn arrivals(&mut self, mut tell: impl FnMut(&Arc<str>, &[&Arc<str>], bool)) {
        for (id, model) in &mut self.models {
            let arrived = std::mem::take(&mut model.arrived);
            if !arrived.versions.is_empty() || arrived.has_labels {
                let versions: Vec<&Arc<str>> =
                    arrived.versions.iter().map(|version| model.names.version(*version)).collect();
                tell(id, &versions, arrived.has_labels);
            }
        }
    }

    /// Open windows and panes, over all models.
    pub fn held(&self) -> (usize, usize) {
        self.models.values().map(ModelAssess::held).fold((0, 0), |(windows, panes), (w, p)| (windows + w, panes + p))
    }

    fn moment(&self, now: Millis) -> Moment {
        Moment {
            reached: self.watermark.reached(),
            event_time: self.watermark.newest().unwrap_or(now),
            now,
            emit_interval_ms: self.settings.emit_interval_ms,
        }
    }
}

/// All rows that `publish` gives out.
fn collected(publish: impl FnOnce(&mut dyn Outlet) -> Told) -> Vec<MetricRow> {
    let mut rows = Vec::new();
    publish(&mut |row: &MetricRow| rows.push(row.clone()));
    rows
}
