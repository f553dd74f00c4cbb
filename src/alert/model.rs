//! The alerts of one model: rows are taken in, and windows judged one after the other.

use super::Point;
use super::alert::Alert;
use super::presence::Presences;
use super::rules::{RuleIndex, Rules};
use super::series::{Series, SeriesColumns, SeriesKey, key_of};
use crate::event::alert::{AlertRule, Watch};
use crate::event::{AlertSettings, MetricRow, Millis, ModelSettings, WindowSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An alert: the place of its rule, and the key of its series.
pub type AlertKey = (u32, SeriesKey);

/// How far a model has come, as far as its alerts need to know.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Its watermark; `Millis::MIN` while an input has shown nothing.
    pub watermark: Millis,
    /// By window size: start of the oldest window that is not final; sizes that have none are left out.
    pub oldest_open: Vec<(WindowSpec, Millis)>,
}

impl Progress {
    /// True if no window that ends before the one at `start`, or with it and is smaller, can become final later.
    pub(super) fn is_in_order(&self, spec: WindowSpec, start: Millis) -> bool {
        let end = |spec: WindowSpec, start: Millis| (start.saturating_add(spec.size_ms), spec);
        self.oldest_open.iter().all(|(open, oldest)| end(spec, start) < end(*open, *oldest))
    }
}

/// The alerts of one model.
#[derive(Debug)]
pub struct ModelAlerts {
    pub(super) id: Arc<str>,
    pub(super) settings: Arc<ModelSettings>,
    pub(super) alerts_settings: Arc<AlertSettings>,
    pub(super) rules: Rules,
    /// Rules of the last series that began: mostly the next one has the same.
    last_rules: Arc<[u32]>,
    pub(super) series: BTreeMap<SeriesKey, Series>,
    pub(super) alerts: BTreeMap<AlertKey, Alert>,
    /// Alerts that were told to be open.
    pub(super) open: BTreeSet<AlertKey>,
    /// Alerts that would fire, and are suppressed.
    pub(super) held: BTreeSet<AlertKey>,
    /// Series that no rule is about, or that there was no room for; a memory that may be lost.
    pub(super) unselected: BTreeSet<SeriesKey>,
    /// Windows that are final and wait for those before them.
    pub(super) ready: BTreeMap<(WindowSpec, Millis), BTreeSet<SeriesKey>>,
    /// Windows that changed, of series with rules that judge what is not final.
    pub(super) changed: BTreeSet<(WindowSpec, Millis, SeriesKey)>,
    /// Windows to be judged once the watermark has come so far.
    pub(super) waiting: BTreeSet<(Millis, WindowSpec, Millis, SeriesKey)>,
    pub(super) presences: Presences,
    /// Start of the first window of each version.
    pub(super) first_windows: BTreeMap<Arc<str>, Millis>,
    /// Alerts whose rules are gone, with the id and the model's series columns of each.
    pub(super) orphans: Vec<(AlertRule, SeriesColumns, Alert)>,
    /// The rules have changed: what is said of other alerts is to be looked at again.
    pub(super) has_changed: bool,
    /// Series that there was no room for, and windows that were forgotten before they were judged.
    pub(super) over_cap: u64,
}

/// Versions of which it is known when they began.
const MAX_VERSIONS: usize = 10_000;

/// Series that no rule is about that are remembered as such.
const MAX_UNSELECTED: usize = 100_000;

impl ModelAlerts {
    /// Nothing was seen yet.
    pub fn new(
        id: &Arc<str>,
        settings: &Arc<ModelSettings>,
        alerts: &Arc<AlertSettings>,
        index: &Arc<RuleIndex>,
    ) -> ModelAlerts {
        ModelAlerts {
            id: Arc::clone(id),
            settings: Arc::clone(settings),
            alerts_settings: Arc::clone(alerts),
            rules: Rules::new(id, index, settings),
            last_rules: Arc::new([]),
            series: BTreeMap::new(),
            alerts: BTreeMap::new(),
            open: BTreeSet::new(),
            held: BTreeSet::new(),
            unselected: BTreeSet::new(),
            ready: BTreeMap::new(),
            changed: BTreeSet::new(),
            waiting: BTreeSet::new(),
            presences: Presences::default(),
            first_windows: BTreeMap::new(),
            orphans: Vec::new(),
            has_changed: false,
            over_cap: 0,
        }
    }

    /// Takes in a row.
    pub fn take(&mut self, row: &MetricRow) {
        if row.segment_key.is_empty() && *row.metric == *"predictions" {
            self.note_first_window(row);
        }
        if *row.metric == *"drifted" && row.value == Some(1.0) && self.rules.is_about("drifted_share") {
            self.take_drifted(row);
        }
        if !self.rules.is_about(&row.metric) {
            return;
        }
        if !row.segment_key.is_empty()
            && let Some(whole) = self.series.get_mut(&key_of(row, true))
        {
            whole.take_part(row, || format!("{}={}", row.segment_key, row.segment_value).into());
        }
        let key = key_of(row, false);
        if !self.series.contains_key(&key) && !self.begin_series(key, row) {
            return;
        }
        let Some(series) = self.series.get_mut(&key) else { return };
        if !row.is_final && !series.is_provisional {
            series.newest = series.newest.max(row.window_start);
            return;
        }
        if !series.take(row) {
            return;
        }
        // What is final is judged with this publication, or waits for a window that ASSESS holds too.
        if !row.is_final && series.points.len() > self.alerts_settings.caps.history {
            let oldest = series.points.iter().position(|point| !point.is_final);
            oldest.into_iter().for_each(|place| drop(series.points.remove(place)));
            self.over_cap += 1;
        }
        let spec = WindowSpec { size_ms: row.window_size_ms, advance_ms: row.window_advance_ms };
        if row.is_final {
            self.ready.entry((spec, row.window_start)).or_default().insert(key);
        } else {
            self.changed.insert((spec, row.window_start, key));
        }
    }

    /// Notes when a version began, by its smallest windows: larger ones begin earlier, and come first or last by chance. Of
    /// too many versions, further ones have no warm-up.
    fn note_first_window(&mut self, row: &MetricRow) {
        if row.window_size_ms != self.rules.smallest_ms() {
            return;
        }
        let is_full = self.first_windows.len() >= MAX_VERSIONS;
        match self.first_windows.get_mut(&row.model_version) {
            Some(first) => *first = (*first).min(row.window_start),
            None if is_full || row.model_version.is_empty() => {}
            None => drop(self.first_windows.insert(Arc::clone(&row.model_version), row.window_start)),
        }
    }

    /// Notes a feature that drifted as a part of the share that did.
    fn take_drifted(&mut self, row: &MetricRow) {
        let share = MetricRow { metric: "drifted_share".into(), feature: None, ..row.clone() };
        let Some(feature) = row.feature.clone() else { return };
        let key = key_of(&share, false);
        if !self.series.contains_key(&key) && !self.begin_series(key, &share) {
            return;
        }
        if let Some(series) = self.series.get_mut(&key).filter(|series| row.is_final || series.is_provisional) {
            if let Err(place) = series.place(row.window_start) {
                // The share itself comes after them.
                series.points.insert(place, Point { start: row.window_start, ..Point::default() });
            }
            series.take_part(row, || feature);
        }
    }

    /// Makes room for a series that rules are about; false if none is.
    fn begin_series(&mut self, key: SeriesKey, row: &MetricRow) -> bool {
        if self.unselected.contains(&key) {
            return false;
        }
        let rules = self.rules.about(row);
        if rules.is_empty() {
            if self.unselected.len() >= MAX_UNSELECTED {
                self.unselected.clear();
            }
            self.unselected.insert(key);
            return false;
        }
        if self.series.len() >= self.alerts_settings.caps.series {
            self.over_cap += 1;
            // Not to be asked for with each of its rows.
            self.unselected.insert(key);
            return false;
        }
        let columns = SeriesColumns::of(row);
        let rules = self.shared(rules);
        self.series.insert(key, Series::new(columns, rules, &self.rules, row.window_start));
        true
    }

    /// The same rules in the place of the last ones, if those were the same.
    pub(super) fn shared(&mut self, rules: Vec<u32>) -> Arc<[u32]> {
        if *self.last_rules != *rules {
            self.last_rules = rules.into();
        }
        Arc::clone(&self.last_rules)
    }

    /// The series that stands for the model, or a version or segment of it, as such.
    pub(super) fn scope(&mut self, columns: SeriesColumns) -> SeriesKey {
        let key = columns.key();
        let rules = &self.rules;
        self.series.entry(key).or_insert_with(|| Series::new(columns, Arc::new([]), rules, Millis::MIN));
        key
    }

    /// True if an alert of the rule at `place` takes the place of one of `before` about the same series: both watch the same
    /// kind of thing, and tell it in the same way.
    fn goes_on(&self, place: u32, before: &AlertRule, series: &Series) -> bool {
        let rule = self.rules.get(place);
        let is_alike = match (&rule.watch, &before.watch) {
            (Watch::Metric { .. }, Watch::Metric { .. }) => {
                series.rules.contains(&place) || series.columns.metric.is_none()
            }
            (Watch::Absence { of, .. }, Watch::Absence { of: before, .. }) => {
                of == before && self.rules.absences.contains(&place)
            }
            (Watch::Rules { .. }, Watch::Rules { .. }) => true,
            _ => false,
        };
        // What is told of a group is not told of its members.
        is_alike && rule.group == before.group && rule.notify == before.notify
    }

    /// Goes on under other settings.
    pub fn change_settings(
        &mut self,
        settings: &Arc<ModelSettings>,
        alerts: &Arc<AlertSettings>,
        index: &Arc<RuleIndex>,
    ) {
        let rules = Rules::new(&self.id, index, settings);
        let before = std::mem::replace(&mut self.rules, rules);
        (self.settings, self.alerts_settings) = (Arc::clone(settings), Arc::clone(alerts));
        self.unselected.clear();
        for series in self.series.values_mut().filter(|series| series.columns.metric.is_some()) {
            let rules = self.rules.still_about(&self.id, &series.columns);
            series.is_provisional = self.rules.any_provisional(&rules);
            if *self.last_rules != *rules {
                self.last_rules = rules.into();
            }
            series.rules = Arc::clone(&self.last_rules);
        }
        let (open, held) = (std::mem::take(&mut self.open), std::mem::take(&mut self.held));
        for ((place, key), alert) in std::mem::take(&mut self.alerts) {
            let rule = before.get(place);
            let Some(series) = self.series.get(&key) else { continue };
            let now = self.rules.place(&rule.id).filter(|now| self.goes_on(*now, rule, series));
            match now {
                Some(now) => {
                    if open.contains(&(place, key)) {
                        self.open.insert((now, key));
                    }
                    if held.contains(&(place, key)) {
                        self.held.insert((now, key));
                    }
                    self.alerts.insert((now, key), alert);
                }
                None => self.orphans.push((rule.clone(), series.columns.clone(), alert)),
            }
        }
        let with_alerts: BTreeSet<SeriesKey> = self.alerts.keys().map(|(_, series)| *series).collect();
        self.series.retain(|key, series| {
            !series.rules.is_empty() || series.columns.metric.is_none() && with_alerts.contains(key)
        });
        self.has_changed = true;
    }
}
