//! The alerts of one model: rows are taken in, and windows judged one after the other.

use super::alert::Alert;
use super::identity::alert_id;
use super::presence::Presences;
use super::rules::{RuleIndex, Rules};
use super::series::{Series, SeriesColumns, SeriesKey, key_of};
use super::tell::Telling;
use super::{Earlier, Judgement, Point, Unjudged, Verdict, judge};
use crate::event::alert::{AlertCause, AlertRule, Gates, Watch};
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
    /// True if no window before the one at `start` can become final later.
    fn is_in_order(&self, spec: WindowSpec, start: Millis) -> bool {
        self.oldest_open.iter().all(|(open, oldest)| *open != spec || start < *oldest)
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
    /// Series that no rule is about; a memory that may be lost.
    unselected: BTreeSet<SeriesKey>,
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
    /// Series that there was no room for, and windows that were forgotten before they were judged.
    pub(super) over_cap: u64,
}

/// Windows of a model without a row of a series, after which that is gone.
const GONE_AFTER: Millis = 3;

/// Alerts that are remembered: rules times series that were ever bad.
const MAX_ALERTS: usize = 100_000;

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
            over_cap: 0,
        }
    }

    /// Takes in a row at `now`.
    pub fn take(&mut self, row: &MetricRow, now: Millis) {
        if row.segment_key.is_empty() && matches!(&*row.metric, "predictions" | "matched") {
            self.presences.take(row, now);
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
        if !row.is_final && series.points.len() > self.alerts_settings.caps.history && !series.points[0].is_final {
            series.points.remove(0);
            self.over_cap += 1;
        }
        let spec = WindowSpec { size_ms: row.window_size_ms, advance_ms: row.window_advance_ms };
        if row.is_final {
            self.ready.entry((spec, row.window_start)).or_default().insert(key);
        } else {
            self.changed.insert((spec, row.window_start, key));
        }
    }

    /// Notes when a version began. Of too many versions, further ones have no warm-up.
    fn note_first_window(&mut self, row: &MetricRow) {
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
        if let Some(series) = self.series.get_mut(&key_of(&share, false)) {
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

    /// Judges what can be judged.
    pub fn evaluate(&mut self, progress: &impl Fn(&str) -> Progress, telling: &mut Telling<'_>) {
        self.tell_of_orphans(telling);
        if !(self.ready.is_empty() && self.changed.is_empty() && self.waiting.is_empty()) {
            self.judge_windows(&progress(&self.id), telling);
        }
        self.look_for_absence(telling);
        self.tell_again(telling);
    }

    fn judge_windows(&mut self, progress: &Progress, telling: &mut Telling<'_>) {
        for spec in self.ready_specs() {
            let of_spec = (spec, Millis::MIN)..=(spec, Millis::MAX);
            while let Some((&(_, start), _)) = self.ready.range(of_spec.clone()).next() {
                if !progress.is_in_order(spec, start) {
                    break;
                }
                let keys = self.ready.remove(&(spec, start)).unwrap_or_default();
                self.tick(spec, start, &keys, None, telling);
                self.give_up_gone(spec, start, telling);
                self.trim(spec, start, &keys);
            }
        }
        self.judge_provisional(progress.watermark, telling);
    }

    fn ready_specs(&self) -> Vec<WindowSpec> {
        let mut specs: Vec<WindowSpec> = self.ready.keys().map(|(spec, _)| *spec).collect();
        specs.dedup();
        specs
    }

    /// Judges windows that are not final, as far as they have ended and are mature.
    fn judge_provisional(&mut self, watermark: Millis, telling: &mut Telling<'_>) {
        while let Some(due) = self.waiting.first().copied().filter(|(at, ..)| *at <= watermark) {
            self.waiting.remove(&due);
            let (_, spec, start, key) = due;
            self.changed.insert((spec, start, key));
        }
        let mut by_window: BTreeMap<(Millis, WindowSpec), BTreeSet<SeriesKey>> = BTreeMap::new();
        for (spec, start, key) in std::mem::take(&mut self.changed) {
            let end = start + spec.size_ms;
            if end > watermark {
                self.waiting.insert((end, spec, start, key));
                continue;
            }
            by_window.entry((start, spec)).or_default().insert(key);
            let Some(series) = self.series.get(&key) else { continue };
            let waits = series.rules.iter().filter_map(|rule| self.rules.get(*rule).gates.maturity.wait_ms);
            let later: Vec<Millis> = waits.map(|wait| end.saturating_add(wait)).filter(|at| *at > watermark).collect();
            self.waiting.extend(later.into_iter().map(|at| (at, spec, start, key)));
        }
        for ((start, spec), keys) in by_window {
            self.tick(spec, start, &keys, Some(watermark), telling);
        }
    }

    /// Judges one window of some series, and tells what that changes. `watermark`: of what is not final.
    fn tick(
        &mut self,
        spec: WindowSpec,
        start: Millis,
        keys: &BTreeSet<SeriesKey>,
        watermark: Option<Millis>,
        telling: &mut Telling<'_>,
    ) {
        let end = start + spec.size_ms;
        let mut touched: BTreeMap<AlertKey, AlertCause> = BTreeMap::new();
        self.make_room();
        for key in keys {
            let Some(series) = self.series.get(key) else { continue };
            let Ok(place) = series.place(start) else { continue };
            let point = &series.points[place];
            if watermark.is_some() && point.is_final {
                continue;
            }
            for number in series.rules.iter() {
                let rule = self.rules.get(*number);
                let now = watermark.unwrap_or(Millis::MAX);
                if !counts(&rule.gates, point, end, now) {
                    continue;
                }
                let verdict = self.judgement(rule, series, place, now).verdict;
                let alert_key = (*number, *key);
                let alert = match (self.alerts.get_mut(&alert_key), verdict) {
                    (Some(alert), _) => alert,
                    (None, Verdict::Bad(_)) if self.alerts.len() >= MAX_ALERTS => {
                        self.over_cap += 1;
                        continue;
                    }
                    (None, Verdict::Bad(_)) => {
                        let id = alert_id(&rule.id, &self.id, &series.columns);
                        self.alerts.entry(alert_key).or_insert_with(|| Alert::new(id))
                    }
                    (None, _) => continue,
                };
                let is_revision = alert.judge(start, verdict, point.is_final, spec.size_ms, &rule.gates);
                let cause = if is_revision { AlertCause::Revision } else { AlertCause::Window };
                touched.insert(alert_key, cause);
            }
        }
        telling.at(Some(end));
        self.tell_touched(&touched, spec, telling);
    }

    /// Forgets alerts that are over, where there are too many: the next one of the same id begins to count anew.
    fn make_room(&mut self) {
        if self.alerts.len() < MAX_ALERTS {
            return;
        }
        let (series, rules) = (&self.series, &self.rules);
        self.alerts.retain(|(rule, key), alert| {
            let size_ms = series.get(key).map_or(0, Series::size_ms);
            !alert.is_over(size_ms, &rules.get(*rule).gates)
        });
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
            let now = self.rules.place(&rule.id).filter(|now| {
                let is_alike =
                    std::mem::discriminant(&self.rules.get(*now).watch) == std::mem::discriminant(&rule.watch);
                // What is told of a group is not told of its members.
                let is_told_alike =
                    self.rules.get(*now).group == rule.group && self.rules.get(*now).notify == rule.notify;
                let is_about = series.rules.contains(now) || series.columns.metric.is_none();
                is_alike && is_told_alike && is_about
            });
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
    }

    /// What `rule` says of the window of `series` at `place`, where the watermark is `now`.
    pub(super) fn judgement(&self, rule: &AlertRule, series: &Series, place: usize, now: Millis) -> Judgement {
        let point = &series.points[place];
        let unjudged = |why| Judgement {
            verdict: Verdict::Unjudged(why),
            judged: point.value,
            baseline: None,
            threshold_lower: None,
            threshold_upper: None,
        };
        let Watch::Metric { metric, condition, .. } = &rule.watch else { return unjudged(Unjudged::Undefined) };
        if let Some(why) = self.left_out(rule, series, point) {
            return unjudged(why);
        }
        let size_ms = series.columns.spec.map_or(0, |spec| spec.size_ms);
        let is_counted = |earlier: &Point| {
            counts(&rule.gates, earlier, earlier.start + size_ms, now)
                && earlier.value.is_some()
                && self.left_out(rule, series, earlier).is_none()
        };
        let earlier = Earlier::new(&series.points[..place], &is_counted);
        let reference = super::reference_value(&self.settings, metric, series.columns.class.as_deref(), point.start);
        judge(condition, rule.gates.clear_limits.as_ref(), point, earlier, reference)
    }

    /// Why a window does not count, whatever its value.
    fn left_out(&self, rule: &AlertRule, series: &Series, point: &Point) -> Option<Unjudged> {
        let end = point.start + series.columns.spec.map_or(0, |spec| spec.size_ms);
        if point.count < rule.gates.min_count {
            return Some(Unjudged::TooFew);
        }
        let maintenance = &self.alerts_settings.maintenance;
        if maintenance.iter().any(|maintenance| maintenance.touches(&self.id, point.start, end)) {
            return Some(Unjudged::Maintenance);
        }
        let first = self.first_windows.get(&series.columns.version);
        let is_warm = first.is_none_or(|first| point.start >= first.saturating_add(rule.gates.warm_up_ms));
        (!is_warm).then_some(Unjudged::WarmUp)
    }

    /// Ends alerts whose series have stopped: the model has had final windows since, and they were in none.
    fn give_up_gone(&mut self, spec: WindowSpec, start: Millis, telling: &mut Telling<'_>) {
        let last = start.saturating_sub(GONE_AFTER.saturating_mul(spec.advance_ms));
        let is_gone = |key: &AlertKey| {
            self.series.get(&key.1).is_some_and(|series| series.columns.spec == Some(spec) && series.newest <= last)
        };
        let gone: BTreeMap<AlertKey, AlertCause> = (self.alerts.iter())
            .filter(|(key, alert)| is_gone(key) && !alert.is_over(spec.size_ms, &self.rules.get(key.0).gates))
            .map(|(key, _)| (*key, AlertCause::Gone))
            .collect();
        for key in gone.keys() {
            if let Some(alert) = self.alerts.get_mut(key) {
                alert.give_up(start + spec.size_ms, spec.size_ms, &self.rules.get(key.0).gates);
            }
        }
        if !gone.is_empty() {
            self.tell_touched(&gone, spec, telling);
        }
    }

    /// Forgets windows that no rule looks at any more, and series that have long been gone.
    fn trim(&mut self, spec: WindowSpec, start: Millis, keys: &BTreeSet<SeriesKey>) {
        let most = self.alerts_settings.caps.history;
        for key in keys {
            let Some(series) = self.series.get_mut(key) else { continue };
            let reach = self.rules.reach(&series.rules);
            let first_open = series.points.iter().find(|point| !point.is_final).map(|point| point.start);
            let judged = first_open.unwrap_or(Millis::MAX).min(start + 1);
            series.trim(judged, reach.windows, start.saturating_sub(reach.span_ms), most);
        }
        let caps = self.alerts_settings.caps;
        if self.series.len() <= caps.series / 2 {
            return;
        }
        let long_ago = start.saturating_sub(spec.advance_ms.saturating_mul(caps.history as Millis));
        let is_gone = |series: &Series| series.columns.spec == Some(spec) && series.newest < long_ago;
        let gone: Vec<SeriesKey> =
            self.series.iter().filter(|(_, series)| is_gone(series)).map(|(key, _)| *key).collect();
        for key in gone {
            self.series.remove(&key);
            self.alerts.retain(|(_, series), _| *series != key);
        }
    }
}

/// True if the window of `point` that ends at `end` counts for a rule, where the watermark is `now`.
fn counts(gates: &Gates, point: &Point, end: Millis, now: Millis) -> bool {
    if point.is_final {
        return true;
    }
    let is_mature = point.coverage.is_none_or(|coverage| coverage >= gates.maturity.coverage)
        || gates.maturity.wait_ms.is_some_and(|wait| now >= end.saturating_add(wait));
    gates.provisional && end <= now && is_mature
}
