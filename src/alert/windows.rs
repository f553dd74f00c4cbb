//! Windows of a model, judged one after the other in the order of their time.

use super::alert::Alert;
use super::identity::alert_id;
use super::model::{AlertKey, ModelAlerts, Progress};
use super::series::{Series, SeriesKey};
use super::tell::Telling;
use super::{Earlier, Judgement, Point, Unjudged, Verdict, judge, reference_value};
use crate::event::alert::{AlertCause, AlertRule, Baseline, Condition, Gates, Watch};
use crate::event::{Millis, WindowSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Windows of a model without a row of a series, after which that is gone.
const GONE_AFTER: Millis = 3;

/// Alerts that are remembered of a model: rules times series that were ever bad.
const MAX_ALERTS: usize = 100_000;

impl ModelAlerts {
    /// Judges what can be judged.
    pub fn evaluate(&mut self, progress: &impl Fn(&str) -> Progress, telling: &mut Telling<'_>) {
        self.tell_of_orphans(telling);
        if std::mem::take(&mut self.has_changed) {
            self.tell_of_change(telling);
        }
        if !(self.ready.is_empty() && self.changed.is_empty() && self.waiting.is_empty()) {
            self.judge_windows(&progress(&self.id), telling);
        }
        self.look_for_absence(telling);
        self.tell_again(telling);
    }

    fn judge_windows(&mut self, progress: &Progress, telling: &mut Telling<'_>) {
        while let Some((spec, start)) = self.next_ready().filter(|(spec, start)| progress.is_in_order(*spec, *start)) {
            let keys = self.ready.remove(&(spec, start)).unwrap_or_default();
            self.tick(spec, start, &keys, None, telling);
            self.give_up_gone(spec, start, telling);
            self.trim(spec, start, &keys);
        }
        self.judge_provisional(progress.watermark, telling);
    }

    /// The window that ends first, of any size; of several, the smallest. Rules about windows of different sizes say
    /// something of each other, which must not depend on how many windows became final at once.
    fn next_ready(&self) -> Option<(WindowSpec, Millis)> {
        let first = |from: Bound<(WindowSpec, Millis)>| {
            let window = self.ready.range((from, Bound::Unbounded)).next();
            window.map(|(window, _)| *window)
        };
        let firsts =
            std::iter::successors(first(Bound::Unbounded), |(spec, _)| first(Bound::Excluded((*spec, Millis::MAX))));
        firsts.min_by_key(|(spec, start)| (start.saturating_add(spec.size_ms), *spec))
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
                let alert_key = (*number, *key);
                let known = self.alerts.get(&alert_key);
                let bad_since = known.and_then(|alert| alert.bad_since(spec.size_ms, &rule.gates));
                let judgement = self.judgement(rule, series, place, now, bad_since);
                let verdict = judgement.verdict;
                let is_full = self.alerts.len() >= MAX_ALERTS;
                let alert = match (self.alerts.get_mut(&alert_key), verdict) {
                    (Some(alert), _) => alert,
                    (None, Verdict::Bad(_)) if is_full => {
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
                if alert.last_judged() == Some(start) {
                    alert.last = Some(judgement);
                }
                let cause = if is_revision { AlertCause::Revision } else { AlertCause::Window };
                touched.insert(alert_key, cause);
            }
        }
        telling.at(Some(end));
        self.tell_touched(&touched, watermark.is_none(), telling);
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

    /// What `rule` says of the window of `series` at `place`, where the watermark is `now`. What has been bad since `bad_since`
    /// is no history that anything is expected by, until it is as long as the history itself: then it is the new normal.
    pub(super) fn judgement(
        &self,
        rule: &AlertRule,
        series: &Series,
        place: usize,
        now: Millis,
        bad_since: Option<Millis>,
    ) -> Judgement {
        let point = &series.points[place];
        let unjudged = |why| Judgement { judged: point.value, ..Judgement::unjudged(why) };
        let Watch::Metric { metric, condition, .. } = &rule.watch else { return unjudged(Unjudged::Undefined) };
        if let Some(why) = self.left_out(rule, series, point) {
            return unjudged(why);
        }
        let size_ms = series.size_ms();
        let advance_ms = series.columns.spec.map_or(0, |spec| spec.advance_ms);
        let bad_since =
            bad_since.filter(|since| point.start.saturating_sub(*since) < history_ms(condition, advance_ms));
        let is_counted = |earlier: &Point| {
            let is_bad = bad_since.is_some_and(|since| earlier.start + size_ms >= since);
            !is_bad
                && counts(&rule.gates, earlier, earlier.start + size_ms, now)
                && earlier.value.is_some()
                && self.left_out(rule, series, earlier).is_none()
        };
        let earlier = Earlier::new(&series.points[..place], &is_counted);
        let reference = reference_value(&self.settings, metric, series.columns.class.as_deref(), point.start);
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
        // All versions together have a new one while any of them is.
        let warm_up = rule.gates.warm_up_ms;
        let is_new = |first: &Millis| point.start < first.saturating_add(warm_up);
        let is_warming = warm_up > 0
            && match series.columns.version.is_empty() {
                true => self.first_windows.values().any(|first| point.start >= *first && is_new(first)),
                false => self.first_windows.get(&series.columns.version).is_some_and(is_new),
            };
        is_warming.then_some(Unjudged::WarmUp)
    }

    /// Ends alerts whose series have stopped: the model has had final windows since, and they were in none.
    fn give_up_gone(&mut self, spec: WindowSpec, start: Millis, telling: &mut Telling<'_>) {
        let last = start.saturating_sub(GONE_AFTER.saturating_mul(spec.advance_ms));
        let is_of_spec =
            |key: &AlertKey| self.series.get(&key.1).is_some_and(|series| series.columns.spec == Some(spec));
        // Rows of windows that are not judged yet say nothing of that: how many there are is chance.
        let is_gone = |alert: &Alert| alert.last_judged().is_some_and(|judged| judged <= last);
        let gone: BTreeMap<AlertKey, AlertCause> = (self.alerts.iter())
            .filter(|(key, alert)| {
                is_gone(alert) && is_of_spec(key) && !alert.is_over(spec.size_ms, &self.rules.get(key.0).gates)
            })
            .map(|(key, _)| (*key, AlertCause::Gone))
            .collect();
        for key in gone.keys() {
            if let Some(alert) = self.alerts.get_mut(key) {
                alert.give_up(start + spec.size_ms, spec.size_ms, &self.rules.get(key.0).gates);
            }
        }
        if !gone.is_empty() {
            self.tell_touched(&gone, true, telling);
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
        if !gone.is_empty() {
            self.unselected.clear();
        }
        for key in gone {
            self.series.remove(&key);
            self.alerts.retain(|(_, series), _| *series != key);
        }
    }
}

/// How long the history is by which `condition` expects something; 0 if it does not.
fn history_ms(condition: &Condition, advance_ms: Millis) -> Millis {
    let (Condition::Relative { baseline, .. } | Condition::Dynamic { baseline, .. }) = condition else { return 0 };
    match baseline {
        Baseline::Trailing { windows } => advance_ms.saturating_mul(Millis::from(*windows)),
        Baseline::Season { ms, seasons } => ms.saturating_mul(Millis::from(*seasons)),
        Baseline::Reference | Baseline::Previous | Baseline::Ago { .. } => 0,
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
