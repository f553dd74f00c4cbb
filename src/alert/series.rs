//! `Series`: what of the metrics a rule is about, and the windows of it that are held.

use super::rules::Rules;
use super::{Contributor, Point};
use crate::event::{MetricRow, Millis, WindowSpec};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hash;
use std::sync::Arc;

/// The columns that name a series within its model.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesColumns {
    /// Version; empty for all together.
    pub version: Arc<str>,
    /// Columns of the segment; empty for the whole model.
    pub segment_key: Arc<str>,
    /// Their values.
    pub segment_value: Arc<str>,
    /// Metric; `None` of what is about the model, or a version or segment of it, as such.
    pub metric: Option<Arc<str>>,
    /// Feature.
    pub feature: Option<Arc<str>>,
    /// Class.
    pub class: Option<Arc<str>>,
    /// Predicted class.
    pub predicted_class: Option<Arc<str>>,
    /// What it is compared with.
    pub reference_kind: Option<Arc<str>>,
    /// Windows.
    pub spec: Option<WindowSpec>,
}

/// Names a series within its model: a hash of its columns.
pub type SeriesKey = u128;

impl SeriesColumns {
    /// Of a row.
    pub fn of(row: &MetricRow) -> SeriesColumns {
        SeriesColumns {
            version: Arc::clone(&row.model_version),
            segment_key: Arc::clone(&row.segment_key),
            segment_value: Arc::clone(&row.segment_value),
            metric: Some(Arc::clone(&row.metric)),
            feature: row.feature.clone(),
            class: row.class.clone(),
            predicted_class: row.predicted_class.clone(),
            reference_kind: row.reference_kind.clone(),
            spec: Some(WindowSpec { size_ms: row.window_size_ms, advance_ms: row.window_advance_ms }),
        }
    }

    /// Of a model, or a version or segment of it, as such.
    pub fn of_scope(version: &Arc<str>, segment_key: &Arc<str>, segment_value: &Arc<str>) -> SeriesColumns {
        SeriesColumns {
            version: Arc::clone(version),
            segment_key: Arc::clone(segment_key),
            segment_value: Arc::clone(segment_value),
            metric: None,
            feature: None,
            class: None,
            predicted_class: None,
            reference_kind: None,
            spec: None,
        }
    }

    /// Its key.
    pub fn key(&self) -> SeriesKey {
        Names {
            scope: (&self.version, &self.segment_key, &self.segment_value),
            metric: self.metric.as_deref(),
            about: (self.feature.as_deref(), self.class.as_deref(), self.predicted_class.as_deref()),
            reference_kind: self.reference_kind.as_deref(),
            window: self.spec.map_or((0, 0), |spec| (spec.size_ms, spec.advance_ms)),
        }
        .key()
    }

    /// A row of `model` that is of it, without values; `None` where there are no windows.
    pub fn as_row(&self, model: &Arc<str>) -> Option<MetricRow> {
        let (spec, metric) = (self.spec?, self.metric.as_ref()?);
        Some(MetricRow {
            id: String::new(),
            model_id: Arc::clone(model),
            model_version: Arc::clone(&self.version),
            segment_key: Arc::clone(&self.segment_key),
            segment_value: Arc::clone(&self.segment_value),
            feature: self.feature.clone(),
            class: self.class.clone(),
            predicted_class: self.predicted_class.clone(),
            metric: Arc::clone(metric),
            window_start: 0,
            window_end: spec.size_ms,
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
            label_coverage: None,
            reference_id: None,
            reference_kind: self.reference_kind.clone(),
            revision: 0,
            is_final: false,
        })
    }

    /// What tells it from the others of a rule: its feature, segment, class or version.
    pub fn part_name(&self) -> Arc<str> {
        let segment = || format!("{}={}", self.segment_key, self.segment_value).into();
        let named = [self.feature.clone(), (!self.segment_key.is_empty()).then(segment), self.class.clone()];
        named.into_iter().flatten().next().unwrap_or_else(|| Arc::clone(&self.version))
    }

    /// True if what is said of `other` is said of all that this is about: of the same model, the same version or all, the same
    /// segment or all.
    pub fn covers(&self, other: &SeriesColumns) -> bool {
        let is_version = self.version.is_empty() || self.version == other.version;
        let is_segment = self.segment_key.is_empty()
            || self.segment_key == other.segment_key && self.segment_value == other.segment_value;
        is_version && is_segment
    }
}

/// The key of the series of `row`, or of the same one of the whole model.
pub fn key_of(row: &MetricRow, of_whole: bool) -> SeriesKey {
    let (key, value) = if of_whole { ("", "") } else { (&*row.segment_key, &*row.segment_value) };
    Names {
        scope: (&row.model_version, key, value),
        metric: Some(&row.metric),
        about: (row.feature.as_deref(), row.class.as_deref(), row.predicted_class.as_deref()),
        reference_kind: row.reference_kind.as_deref(),
        window: (row.window_size_ms, row.window_advance_ms),
    }
    .key()
}

/// What a key is made of.
struct Names<'a> {
    /// Version, segment key and value.
    scope: (&'a str, &'a str, &'a str),
    metric: Option<&'a str>,
    /// Feature, class, predicted class.
    about: (Option<&'a str>, Option<&'a str>, Option<&'a str>),
    reference_kind: Option<&'a str>,
    /// Size and advance; 0 and 0 of what is about no windows.
    window: (Millis, Millis),
}

impl Names<'_> {
    fn key(&self) -> SeriesKey {
        let mut hash = SipHasher13::new();
        (self.scope, self.metric, self.about, self.reference_kind, self.window).hash(&mut hash);
        hash.finish128().as_u128()
    }
}

/// A series that rules are about.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its columns.
    pub columns: SeriesColumns,
    /// Rules about it, by their place, ascending.
    pub rules: Arc<[u32]>,
    /// Some of them judge windows that are not final.
    pub is_provisional: bool,
    /// Windows, by start.
    pub points: Vec<Point>,
    /// Start of the newest window of which anything was said.
    pub newest: Millis,
}

/// Parts of a series that are remembered of a window at each end.
const WORST: usize = 3;

/// A part with fewer rows says little.
const LEAST_ROWS: i64 = 30;

impl Series {
    /// Of which no window is known, but that `newest` is one of them.
    pub fn new(columns: SeriesColumns, rules: Arc<[u32]>, all: &Rules, newest: Millis) -> Series {
        let is_provisional = all.any_provisional(&rules);
        Series { columns, rules, is_provisional, points: Vec::new(), newest }
    }

    /// Length of its windows; 0 where there are none.
    pub fn size_ms(&self) -> Millis {
        self.columns.spec.map_or(0, |spec| spec.size_ms)
    }

    /// Where the window that starts at `start` is, or would be.
    pub fn place(&self, start: Millis) -> Result<usize, usize> {
        // Mostly the newest, or one after it.
        match self.points.last() {
            Some(last) if last.start == start => Ok(self.points.len() - 1),
            Some(last) if last.start < start => Err(self.points.len()),
            None => Err(0),
            Some(_) => self.points.binary_search_by_key(&start, |point| point.start),
        }
    }

    /// Takes in what `row` says of its window; false if that is nothing new.
    pub fn take(&mut self, row: &MetricRow) -> bool {
        self.newest = self.newest.max(row.window_start);
        let place = self.place(row.window_start);
        let mut worst = match place {
            Ok(place) => std::mem::take(&mut self.points[place].worst),
            Err(_) => Vec::new(),
        };
        worst.retain(|part| part.is_final || !row.is_final);
        let point = Point {
            start: row.window_start,
            value: row.value,
            lower: row.lower,
            upper: row.upper,
            count: row.count,
            coverage: row.label_coverage,
            is_final: row.is_final,
            reference_id: row.reference_id.clone(),
            worst,
        };
        match place {
            Ok(place) if self.points[place] == point => return false,
            Ok(place) => self.points[place] = point,
            Err(place) => self.points.insert(place, point),
        }
        true
    }

    /// Notes what a part of it is in the window of `row`.
    pub fn take_part(&mut self, row: &MetricRow, name: impl FnOnce() -> Arc<str>) {
        let Ok(place) = self.place(row.window_start) else { return };
        let worst = &mut self.points[place].worst;
        let name = name();
        // What is final says nothing beside what was said before.
        worst.retain(|known| known.name != name && (known.is_final || !row.is_final));
        let Some(value) = row.value.filter(|_| row.count >= LEAST_ROWS) else { return };
        let at = worst.partition_point(|known| (known.value, &known.name) < (value, &name));
        worst.insert(at, Contributor { name, value, count: row.count, is_final: row.is_final });
        if worst.len() > 2 * WORST {
            worst.remove(WORST);
        }
    }

    /// Drops windows that nothing looks at any more. Of those before `judged_before`, the last `windows` and those that start
    /// from `from` on are kept, but no more than `most`.
    pub fn trim(&mut self, judged_before: Millis, windows: usize, from: Millis, most: usize) {
        let judged = self.points.partition_point(|point| point.start < judged_before);
        let old = self.points.partition_point(|point| point.start < from);
        let free = judged.saturating_sub(windows).min(old);
        self.points.drain(..free.max(judged.saturating_sub(most)));
    }
}
