//! One window to rows: panes are merged, metrics read out, and what did not change since the last revision left out.

use super::cells::{GroupId, Pane, VersionId};
use super::identity::row_id;
use super::names::Names;
use super::window::{Published, PublishedSeries, Window};
use crate::aggregate::binary::BinaryConfusion;
use crate::aggregate::{Cell, ClassId, Count, Linear};
use crate::event::{MetricRow, Millis, ModelSettings, TaskKind, WindowSpec};
use crate::metrics::{self, Metric, MetricValue, WindowFacts};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
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
    /// Its watermark.
    pub watermark: Millis,
    /// Nothing can change the window any more.
    pub is_final: bool,
}

/// One series of one window, merged from its panes.
#[derive(Default)]
struct SeriesWindow {
    cell: Cell,
    pending: i64,
    expired: i64,
    orphans: i64,
}

/// Versions of a group, and (`None`) all of them together.
type GroupWindow = BTreeMap<Option<VersionId>, SeriesWindow>;

impl Publisher<'_> {
    /// Publishes the groups of `window` in which something changed.
    pub fn window(&mut self, spec: WindowSpec, start: Millis, window: &mut Window, rows: &mut Vec<MetricRow>) {
        let changed = std::mem::take(&mut window.changed);
        window.just_published = true;
        let mut values = Vec::new();
        for group in &changed {
            let is_protected = self.is_protected(self.names.group(*group).set);
            let versions = self.read_group(*group, spec, start);
            for (version, series) in &versions {
                values.clear();
                self.read_out(series, spec, is_protected, &mut values);
                let coverage = coverage(&series.cell);
                self.publish(window, (*group, *version), spec, start, coverage, &values, rows);
            }
            for version in window.published_versions(*group).filter(|version| !versions.contains_key(version)) {
                self.publish(window, (*group, version), spec, start, None, &[], rows);
            }
        }
        let sets: Vec<u16> = (0..self.names.segment_keys.len() as u16).collect();
        for set in sets {
            let has_changed = changed.iter().any(|group| self.names.group(*group).set == Some(set));
            if has_changed && self.is_protected(Some(set)) {
                self.fairness(set, spec, start, window, rows);
            }
        }
    }

    /// Merges the panes of a window for one group: every version, and all together. A version that is `""` has no rows of
    /// its own.
    fn read_group(&self, group: GroupId, spec: WindowSpec, start: Millis) -> GroupWindow {
        let mut versions = GroupWindow::new();
        for (pane_start, pane) in self.panes.range(start..start + spec.size_ms) {
            let pane_end = pane_start + self.settings.pane_ms;
            let is_expired = self.is_final || self.has_passed(pane_end, self.settings.label_horizon_ms);
            let is_orphaned = self.is_final || self.has_passed(pane_end, self.settings.early_label_retention_ms);
            pane.visit(group, |version, cell| {
                let named = (!self.names.version(version).is_empty()).then_some(Some(version));
                for key in std::iter::once(None).chain(named) {
                    versions.entry(key).or_default().add(cell, is_expired, is_orphaned, self.settings);
                }
            });
        }
        // What nets to nothing (a label that waited and was met) has no row.
        versions.retain(|_, series| !series.is_empty());
        versions
    }

    fn has_passed(&self, pane_end: Millis, horizon: Millis) -> bool {
        self.watermark >= pane_end.saturating_add(horizon)
    }

    fn read_out(&self, series: &SeriesWindow, spec: WindowSpec, is_protected: bool, values: &mut Vec<MetricValue>) {
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

    /// Compares the groups of a protected column with each other, per version and over all.
    fn fairness(&mut self, set: u16, spec: WindowSpec, start: Millis, window: &mut Window, rows: &mut Vec<MetricRow>) {
        let mut groups: Vec<GroupId> =
            self.panes.range(start..start + spec.size_ms).flat_map(|(_, pane)| pane.groups()).collect();
        groups.retain(|group| self.names.group(*group).set == Some(set));
        groups.sort_unstable();
        groups.dedup();
        let mut by_version: BTreeMap<Option<VersionId>, (Vec<BinaryConfusion>, i64, i64)> = BTreeMap::new();
        for group in groups {
            for (version, series) in self.read_group(group, spec, start) {
                if tasks(&series.cell, self.settings).contains(&TaskKind::Binary) {
                    let (confusions, matched, predictions) = by_version.entry(version).or_default();
                    confusions.push(confusion(&series.cell));
                    *matched += series.cell.count(Count::Matched);
                    *predictions += series.cell.count(Count::Predictions);
                }
            }
        }
        let over_groups = self.names.over_groups(set);
        for (version, (confusions, matched, predictions)) in by_version {
            let mut values = Vec::new();
            metrics::fairness::compare(&confusions, self.settings.min_group, &mut values);
            let coverage = (predictions > 0).then(|| matched as f64 / predictions as f64);
            self.publish(window, (over_groups, version), spec, start, coverage, &values, rows);
        }
    }

    /// Adds the rows of a series whose content differs from what was published last.
    #[expect(clippy::too_many_arguments, reason = "the columns of a row that its values do not hold")]
    fn publish(
        &self,
        window: &mut Window,
        series: PublishedSeries,
        spec: WindowSpec,
        start: Millis,
        coverage: Option<f64>,
        values: &[MetricValue],
        rows: &mut Vec<MetricRow>,
    ) {
        let published = window.published.entry(series).or_default();
        let mut told: Vec<u64> = values.iter().map(row_number).collect();
        told.sort_unstable();
        let gone: Vec<MetricValue> = (published.iter())
            .filter(|published| told.binary_search(&published.row).is_err())
            .filter_map(|published| gone(published.row))
            .collect();
        for value in values.iter().chain(&gone) {
            let row = row_number(value);
            let content = content(value, coverage, self.is_final);
            let place = published.binary_search_by_key(&row, |published| published.row);
            let revision = match place {
                Ok(place) if published[place].content == content => continue,
                Ok(place) => {
                    published[place].content = content;
                    published[place].revision += 1;
                    published[place].revision
                }
                Err(place) => {
                    published.insert(place, Published { row, content, revision: 1 });
                    1
                }
            };
            rows.push(self.row(series, spec, start, coverage, value, revision));
        }
    }

    fn row(
        &self,
        (group, version): PublishedSeries,
        spec: WindowSpec,
        start: Millis,
        coverage: Option<f64>,
        value: &MetricValue,
        revision: u32,
    ) -> MetricRow {
        let class = |class: Option<ClassId>| {
            class.and_then(|class| self.names.classes.names().get(usize::from(class.0)).map(Arc::clone))
        };
        let mut row = MetricRow {
            id: String::new(),
            model_id: Arc::clone(self.model),
            model_version: version.map_or_else(|| "".into(), |version| Arc::clone(self.names.version(version))),
            segment_key: self.names.segment_key(group),
            segment_value: Arc::clone(&self.names.group(group).value),
            feature: None,
            class: class(value.class),
            predicted_class: class(value.predicted_class),
            metric: value.metric.name().into(),
            window_start: start,
            window_end: start + spec.size_ms,
            value: value.value.ok(),
            undefined_reason: value.value.err().map(|reason| reason.as_str().into()),
            lower: value.lower,
            upper: value.upper,
            error_bound: value.error_bound,
            method: None,
            threshold: None,
            null_quantile: None,
            window_size_ms: spec.size_ms,
            window_advance_ms: spec.advance_ms,
            count: value.count,
            label_coverage: coverage.filter(|_| value.metric.needs_labels()),
            reference_id: None,
            revision,
            is_final: self.is_final,
        };
        row.id = row_id(&row);
        row
    }

    fn is_protected(&self, set: Option<u16>) -> bool {
        let columns = set.and_then(|set| self.settings.segments.get(usize::from(set))).map(|set| &set.columns);
        columns.is_some_and(|columns| matches!(&columns[..], [column] if self.settings.protected.contains(column)))
    }
}

impl SeriesWindow {
    /// Adds a pane's cell; once it is expired, what waits has expired or got the label that `on_expiry` gives it.
    fn add(&mut self, cell: &Cell, is_expired: bool, is_orphaned: bool, settings: &ModelSettings) {
        let unmatched = cell.count(Count::Predictions) - cell.count(Count::Matched);
        self.cell.merge(cell);
        match (is_expired, &settings.on_expiry) {
            (false, _) => self.pending += unmatched,
            (true, None) => self.expired += unmatched,
            (true, Some(_)) => {
                // Fewer than wait where the label is a class and a prediction turned out to be a number.
                let labelled = cell.on_expiry.rows();
                self.cell.quality.merge(&cell.on_expiry);
                self.cell.add_count(Count::Matched, labelled);
                self.expired += unmatched - labelled;
            }
        }
        if is_orphaned {
            self.orphans += cell.count(Count::UnmetLabels);
        }
    }

    /// Nothing is known that a row could tell.
    fn is_empty(&self) -> bool {
        let told = Count::ALL.iter().filter(|count| **count != Count::UnmetLabels);
        self.orphans == 0 && told.into_iter().all(|count| self.cell.count(*count) == 0)
    }
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

fn coverage(cell: &Cell) -> Option<f64> {
    let predictions = cell.count(Count::Predictions);
    (predictions > 0).then(|| cell.count(Count::Matched) as f64 / predictions as f64)
}

/// Which row of its series a value is.
fn row_number(value: &MetricValue) -> u64 {
    let class = |class: Option<ClassId>| class.map_or(0, |class| u64::from(class.0) + 1);
    (value.metric as u64) << 40 | class(value.class) << 20 | class(value.predicted_class)
}

/// What is said of a published row of which nothing is left to tell.
fn gone(row: u64) -> Option<MetricValue> {
    let class = |number: u64| u16::try_from(number).ok().filter(|number| *number > 0).map(|number| ClassId(number - 1));
    let metric = *Metric::ALL.get(usize::try_from(row >> 40).ok()?)?;
    Some(MetricValue {
        class: class(row >> 20 & 0xf_ffff),
        predicted_class: class(row & 0xf_ffff),
        ..MetricValue::new(metric, Err(metrics::Undefined::NoRows), 0)
    })
}

/// Hash of everything that makes a row worth publishing again.
fn content(value: &MetricValue, coverage: Option<f64>, is_final: bool) -> u64 {
    let bits = |value: Option<f64>| value.map(f64::to_bits);
    let mut hash = SipHasher13::new();
    bits(value.value.ok()).hash(&mut hash);
    value.value.err().map(metrics::Undefined::as_str).hash(&mut hash);
    [value.lower, value.upper, value.error_bound].map(bits).hash(&mut hash);
    value.count.hash(&mut hash);
    bits(coverage.filter(|_| value.metric.needs_labels())).hash(&mut hash);
    is_final.hash(&mut hash);
    hash.finish()
}
