//! One window to rows: panes are merged, metrics read out, and published where they changed.

use super::cells::{GroupId, Pane, VersionId};
use super::detection::Detection;
use super::features;
use super::merged::{GroupWindow, PaneState, SeriesWindow};
use super::names::{EXPECTATIONS, FEATURES, Group, GroupKind, Names, WHOLE};
use super::past::Past;
use super::past_errors::PastErrors;
use super::rows::{RowNames, Rows, Texts};
use super::window::{PublishedSeries, Window};
use crate::aggregate::binary::BinaryConfusion;
use crate::aggregate::{Cell, Count};
use crate::event::{Comparison, MetricRow, Millis, ModelSettings, Reference, SegmentColumn, TaskKind, WindowSpec};
use crate::metrics::change::RightRows;
use crate::metrics::{self, MetricValue, Undefined, WindowFacts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is needed to publish a window of a model.
pub struct Publisher<'a> {
    /// The model's id.
    pub model: &'a Arc<str>,
    /// What was declared about it.
    pub settings: &'a ModelSettings,
    /// Its names.
    pub names: &'a mut Names,
    /// Its panes.
    pub panes: &'a BTreeMap<Millis, Pane>,
    /// Features of panes before those.
    pub past: &'a Past,
    /// Its detectors, where there are any.
    pub detection: Option<&'a Detection>,
    /// How good its estimates of performance were.
    pub past_errors: &'a mut PastErrors,
    /// Its watermark.
    pub watermark: Millis,
    /// Nothing can change the window any more.
    pub is_final: bool,
}

impl<'a> Publisher<'a> {
    /// Publishes the groups of `window` in which something changed.
    pub fn window(&mut self, spec: WindowSpec, start: Millis, window: &mut Window, rows: &mut Rows<'_>) {
        let mut changed = std::mem::take(&mut window.changed);
        if changed.contains(&WHOLE) && self.expects() {
            changed.insert(EXPECTATIONS);
        }
        window.just_published = true;
        rows.has_looked = true;
        let mut values = Vec::new();
        // Groups are in order, so the whole model comes first.
        let mut whole = None;
        for group in &changed {
            if *group == EXPECTATIONS {
                let whole = whole.take().unwrap_or_else(|| self.read_group(WHOLE, spec, start));
                self.expectations(&whole, spec, start, window, rows);
                continue;
            }
            let merged = self.read_group(*group, spec, start);
            if self.names.group(*group).kind == GroupKind::Features {
                self.features(*group, &merged, spec, start, window, rows);
                continue;
            }
            let is_protected = self.is_protected(self.names.group(*group).set);
            // The only version is all versions together: it is read out once.
            let mut last_read: Option<&SeriesWindow> = None;
            let mut read_len = 0;
            let of_versions: Vec<(Option<VersionId>, &SeriesWindow)> = self.series(&merged).collect();
            for (version, series) in of_versions {
                if !last_read.is_some_and(|last| std::ptr::eq(last, series)) {
                    values.clear();
                    self.read_out(series, spec, is_protected, &mut values);
                    last_read = Some(series);
                    read_len = values.len();
                }
                values.truncate(read_len);
                self.detected((*group, version), series, spec, start, &mut values);
                let columns = self.columns((*group, version), spec, start, coverage(&series.cell), rows.texts);
                self.publish(window, (*group, version), columns, &values, rows);
            }
            for version in window.published_versions(*group) {
                if self.series(&merged).all(|(told, _)| told != version) {
                    let columns = self.columns((*group, version), spec, start, None, rows.texts);
                    self.publish(window, (*group, version), columns, &[], rows);
                }
            }
            if *group == WHOLE && changed.contains(&EXPECTATIONS) {
                whole = Some(merged);
            }
        }
        let sets: Vec<u16> = (0..self.names.segment_keys.len() as u16).collect();
        for set in sets {
            let has_changed = changed.iter().any(|group| is_value_of(self.names.group(*group), set));
            if has_changed && (self.is_protected(Some(set)) || self.expects_of(set)) {
                self.over_groups(set, spec, start, window, rows);
            }
        }
    }

    /// Publishes what the features of a group are, and how far they have moved, per version and together.
    fn features(
        &mut self,
        group: GroupId,
        merged: &GroupWindow<'a>,
        spec: WindowSpec,
        start: Millis,
        window: &mut Window,
        rows: &mut Rows<'_>,
    ) {
        let all: Vec<(Option<VersionId>, &SeriesWindow)> = self.series(merged).collect();
        let kind: Arc<str> = Comparison::Fixed.kind().into();
        for (version, series) in all {
            let mut values = Vec::new();
            let read = features::read_out(&series.cell.features, self.settings, self.names, &mut values);
            let Some(reference) = read else {
                let is_counted = !series.cell.features.by_reference().is_empty();
                rows.unknown_references += u64::from(self.is_final && is_counted);
                continue;
            };
            let columns = self.columns((group, version), spec, start, None, rows.texts);
            let columns = MetricRow {
                reference_id: reference.map(|id| id.to_string().into()),
                reference_kind: Some(Arc::clone(&kind)),
                ..columns
            };
            self.publish(window, (group, version), columns, &values, rows);
        }
        // Other windows are remembered of the whole model only, and profiles are of it.
        if group == FEATURES {
            self.moved(merged, spec, start, window, rows);
            self.closed(merged, spec, start, rows);
        }
    }

    /// Merges the panes of a window for one group.
    pub(super) fn read_group(&self, group: GroupId, spec: WindowSpec, start: Millis) -> GroupWindow<'a> {
        let panes = self.panes.range(start..start + spec.size_ms).map(|(pane_start, pane)| {
            let pane_end = pane_start + self.settings.pane_ms;
            let is_expired = self.is_final || self.has_passed(pane_end, self.settings.label_horizon_ms);
            let is_orphaned = self.is_final || self.has_passed(pane_end, self.settings.early_label_retention_ms);
            (pane, PaneState { is_expired, is_orphaned })
        });
        GroupWindow::read(group, panes, self.settings.on_expiry.is_some())
    }

    /// The series of a group: all versions together, and each; a version that is `""` has no rows of its own.
    pub(super) fn series<'w>(
        &self,
        merged: &'w GroupWindow<'a>,
    ) -> impl Iterator<Item = (Option<VersionId>, &'w SeriesWindow<'a>)> {
        let named = merged.versions().filter(|(version, _)| !self.names.version(*version).is_empty());
        let named = named.map(|(version, series)| (Some(version), series));
        merged.together().map(|series| (None, series)).into_iter().chain(named)
    }

    fn has_passed(&self, pane_end: Millis, horizon: Millis) -> bool {
        self.watermark >= pane_end.saturating_add(horizon)
    }

    pub(super) fn read_out(
        &self,
        series: &SeriesWindow,
        spec: WindowSpec,
        is_protected: bool,
        values: &mut Vec<MetricValue>,
    ) {
        let facts = WindowFacts {
            window_size_ms: spec.size_ms,
            pending: series.pending,
            expired: series.expired,
            orphans: series.orphans,
        };
        let tasks = tasks(&series.cell, self.settings);
        metrics::read_out(&series.cell, &facts, &tasks, self.settings, self.names.classes.names(), values);
        metrics::keep_taken_back(&series.cell, values);
        if is_protected && tasks.contains(&TaskKind::Binary) {
            values.push(metrics::fairness::selection_rate(&confusion(&series.cell), self.settings.min_group));
        }
    }

    /// A reference of the model has labels.
    fn expects(&self) -> bool {
        let has_labels = |reference: &Reference| reference.profile.as_ref().is_some_and(|known| known.labels.is_some());
        self.settings.references.iter().any(has_labels)
    }

    /// A reference of the model knows how accurate the groups of a segment set were.
    fn expects_of(&self, set: u16) -> bool {
        let key = &self.names.segment_keys[usize::from(set)];
        let labels = self.settings.references.iter().filter_map(|known| known.profile.as_ref()?.labels.as_ref());
        labels.into_iter().any(|labels| !labels.accuracy_by(Some(key)).is_empty())
    }

    /// Publishes what is said over all groups of a segment set, per version and over all: of a protected column how its
    /// groups compare with each other, and what of a change of accuracy comes from other shares of the groups.
    fn over_groups(&mut self, set: u16, spec: WindowSpec, start: Millis, window: &mut Window, rows: &mut Rows<'_>) {
        let mut groups: Vec<GroupId> =
            self.panes.range(start..start + spec.size_ms).flat_map(|(_, pane)| pane.groups()).collect();
        groups.retain(|group| is_value_of(self.names.group(*group), set));
        groups.sort_unstable();
        groups.dedup();
        let is_protected = self.is_protected(Some(set));
        let is_read = is_protected || groups.len() <= MAX_COMPARED;
        let mut by_version: BTreeMap<Option<VersionId>, OverGroups> = BTreeMap::new();
        for group in if is_read { groups } else { vec![WHOLE] } {
            let merged = self.read_group(group, spec, start);
            for (version, series) in self.series(&merged) {
                let over = by_version.entry(version).or_default();
                over.matched += series.cell.count(Count::Matched);
                over.predictions += series.cell.count(Count::Predictions);
                let tasks = tasks(&series.cell, self.settings);
                if tasks.contains(&TaskKind::Binary) {
                    over.confusions.push(confusion(&series.cell));
                }
                if let Some(task) = tasks.first() {
                    let value = Arc::clone(&self.names.group(group).value);
                    over.right.insert(value, RightRows::of(&series.cell.quality, *task));
                }
            }
        }
        let changed = self.changes_by_segment(set, spec, start, &by_version);
        let over_groups = self.names.over_groups(set);
        for (version, over) in by_version {
            let mut values = Vec::new();
            if is_protected && !over.confusions.is_empty() {
                metrics::fairness::compare(&over.confusions, self.settings.min_group, &mut values);
            }
            let (reference, mut change) = changed.get(&version).cloned().unwrap_or_default();
            if !is_read {
                features::none_of(&mut change, Undefined::TooManyGroups);
            }
            values.extend(change);
            if values.is_empty() {
                continue;
            }
            let coverage = (over.predictions > 0).then(|| over.matched as f64 / over.predictions as f64);
            let columns = self.columns((over_groups, version), spec, start, coverage, rows.texts);
            let reference_id = reference.map(|reference| reference.to_string().into());
            let columns = MetricRow { reference_id, ..columns };
            self.publish(window, (over_groups, version), columns, &values, rows);
        }
    }

    pub(super) fn publish(
        &self,
        window: &mut Window,
        series: PublishedSeries,
        columns: MetricRow,
        values: &[MetricValue],
        rows: &mut Rows<'_>,
    ) {
        let published = window.published.entry(series).or_default();
        let names = RowNames { classes: self.names.classes.names(), features: self.names.features() };
        rows.publish(columns, names, values, published);
    }

    /// What all rows of a series have in common; the rest is empty.
    pub(super) fn columns(
        &self,
        (group, version): PublishedSeries,
        spec: WindowSpec,
        start: Millis,
        coverage: Option<f64>,
        texts: &Texts,
    ) -> MetricRow {
        let empty = &texts.empty;
        MetricRow {
            id: String::new(),
            model_id: Arc::clone(self.model),
            model_version: Arc::clone(version.map_or(empty, |version| self.names.version(version))),
            segment_key: Arc::clone(self.names.segment_key(group).unwrap_or(empty)),
            segment_value: Arc::clone(&self.names.group(group).value),
            feature: None,
            class: None,
            predicted_class: None,
            metric: Arc::clone(empty),
            window_start: start,
            window_end: start + spec.size_ms,
            value: None,
            undefined_reason: None,
            lower: None,
            upper: None,
            error_bound: None,
            method: None,
            threshold: None,
            null_quantile: None,
            window_size_ms: spec.size_ms,
            window_advance_ms: spec.advance_ms,
            count: 0,
            label_coverage: coverage,
            reference_id: None,
            reference_kind: None,
            revision: 0,
            is_final: self.is_final,
        }
    }

    fn is_protected(&self, set: Option<u16>) -> bool {
        let columns = set.and_then(|set| self.settings.segments.get(usize::from(set))).map(|set| &set.columns);
        let is_protected = |column: &SegmentColumn| {
            column.column().is_some_and(|name| self.settings.protected.iter().any(|protected| protected == name))
        };
        columns.is_some_and(|columns| matches!(&columns[..], [column] if is_protected(column)))
    }
}

/// Groups of a segment set that a change of accuracy is taken apart into: each revision reads all of them.
const MAX_COMPARED: usize = 100;

/// What is known of all groups of a segment set together.
#[derive(Debug, Default)]
pub(super) struct OverGroups {
    confusions: Vec<BinaryConfusion>,
    matched: i64,
    predictions: i64,
    /// Labelled rows by the group's value.
    pub right: BTreeMap<Arc<str>, RightRows>,
}

/// True of the rows of a value of the segment set.
fn is_value_of(group: &Group, set: u16) -> bool {
    group.set == Some(set) && group.kind == GroupKind::Value
}

/// The tasks of a series: the configured one, or those that its predictions had.
fn tasks(cell: &Cell, settings: &ModelSettings) -> Vec<TaskKind> {
    let multiclass = cell.count(Count::MulticlassPredictions);
    let regression = cell.count(Count::RegressionPredictions);
    let binary = cell.count(Count::Predictions) - multiclass - regression;
    let seen = [(TaskKind::Binary, binary), (TaskKind::Multiclass, multiclass), (TaskKind::Regression, regression)];
    let has = |(task, count): (TaskKind, i64)| (count > 0 || settings.task == Some(task)).then_some(task);
    seen.into_iter().filter_map(has).collect()
}

fn confusion(cell: &Cell) -> BinaryConfusion {
    cell.quality.binary.as_ref().map(|binary| binary.confusion).unwrap_or_default()
}

pub(super) fn coverage(cell: &Cell) -> Option<f64> {
    let predictions = cell.count(Count::Predictions);
    (predictions > 0).then(|| cell.count(Count::Matched) as f64 / predictions as f64)
}
