//! Evidence: why an alert is what it is, for its row and its line.

use super::alert::Alert;
use super::condition::within_range;
use super::model::{AlertKey, ModelAlerts};
use super::series::{Series, SeriesColumns, SeriesKey};
use super::summary::{Compared, Measured, Subject};
use super::{Contributor, Judgement, Point, Unjudged};
use crate::event::Millis;
use crate::event::alert::{AlertRow, AlertRule, Condition, Watch};
use crate::metrics::Metric;
use crate::metrics::catalog::{Range, widest_range};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl ModelAlerts {
    /// The last window that was judged, and how.
    pub(super) fn tell_windows(
        &self,
        rule: &AlertRule,
        series: &Series,
        alert: &Alert,
        row: &mut AlertRow,
        evidence: &mut Map<String, Value>,
    ) -> Subject {
        let place = alert.last_judged().and_then(|start| series.place(start).ok());
        // What was judged last may have been forgotten by now, where an alert is given up.
        let forgotten = Point { start: alert.last_judged().unwrap_or_default(), ..Point::default() };
        let point = place.map_or(&forgotten, |place| &series.points[place]);
        let judgement = alert.last.unwrap_or(Judgement::unjudged(Unjudged::Undefined));
        let bounds = Metric::from_name(&row.metric.clone().unwrap_or_default()).map(widest_range).map(Range::bounds);
        let judgement = match (&rule.watch, bounds) {
            (Watch::Metric { condition: Condition::Dynamic { .. }, .. }, Some(bounds)) => {
                within_range(judgement, bounds)
            }
            _ => judgement,
        };
        let Judgement { judged, baseline, threshold_lower, threshold_upper, .. } = judgement;
        let end = point.start + series.size_ms();
        row.value = judged;
        (row.lower, row.upper) = (point.lower, point.upper);
        (row.threshold_lower, row.threshold_upper) = (threshold_lower, threshold_upper);
        (row.count, row.label_coverage) = (Some(point.count), point.coverage);
        (row.window_start, row.window_end) = (Some(point.start), Some(end));
        row.is_final = place.map(|_| point.is_final);
        row.reference_id = point.reference_id.clone();
        let (bad, of) = alert.machine(series.size_ms(), &rule.gates).bad_of(&rule.gates);
        evidence.insert("bad_windows".into(), json!(bad));
        evidence.insert("of_windows".into(), json!(of));
        if let Some(value) = point.value {
            evidence.insert("metric_value".into(), json!(value));
        }
        if let Some(baseline) = baseline {
            evidence.insert("baseline".into(), json!(baseline));
        }
        if let Some(place) = place {
            let listed = self.alerts_settings.caps.listed.min(rule.gates.of as usize);
            let first = place.saturating_sub(listed.saturating_sub(1));
            let windows = series.points[first..=place].iter().map(|point| window(point, series.size_ms()));
            evidence.insert("windows".into(), windows.collect());
        }
        let is_low_bad = match (threshold_lower, threshold_upper, judged) {
            (Some(lower), Some(upper), Some(judged)) => judged - lower < upper - judged,
            (lower, _, _) => lower.is_some(),
        };
        let worst: Vec<Contributor> = worst(point, is_low_bad).into_iter().cloned().collect();
        if !worst.is_empty() {
            evidence.insert("worst".into(), worst.iter().map(part).collect());
        }
        let compared = match &rule.watch {
            Watch::Metric { condition: Condition::Relative { baseline, unit, .. }, .. } => {
                Compared::Relative { baseline: baseline.clone(), unit: *unit, difference: judged }
            }
            Watch::Metric { condition: Condition::Dynamic { baseline, .. }, .. } => {
                Compared::Dynamic { baseline: baseline.clone() }
            }
            _ => Compared::Static,
        };
        Subject::Metric(Measured {
            metric: row.metric.clone().unwrap_or_default(),
            value: point.value,
            lower: point.lower,
            upper: point.upper,
            compared,
            baseline,
            threshold_lower,
            threshold_upper,
            bad,
            of,
            fire: rule.gates.fire,
            window_start: point.start,
            window_size_ms: series.size_ms(),
            count: point.count,
            coverage: point.coverage,
            worst,
            reference_id: point.reference_id.clone(),
        })
    }

    /// The alerts that a group has after windows that end at `end`, of all series that are in such a window.
    pub(super) fn tell_members(
        &self,
        (rule, scope): AlertKey,
        end: Millis,
        row: &mut AlertRow,
        evidence: &mut Map<String, Value>,
    ) -> Subject {
        let members: Vec<SeriesKey> = self.firing(rule).map(|(key, _)| key).filter(|key| *key != scope).collect();
        let is_there = |series: &&Series| series.place(end - series.size_ms()).is_ok() && series.rules.contains(&rule);
        let all = self.series.values().filter(is_there).count();
        (row.value, row.count) = (Some(members.len() as f64), Some(all as i64));
        let named = |key: &SeriesKey| {
            let series = self.series.get(key)?;
            let judged = self.alerts.get(&(rule, *key)).and_then(Alert::last_judged);
            let last = judged.and_then(|start| series.place(start).ok()).map(|place| &series.points[place]);
            let of = &series.columns;
            let texts = [
                ("model_version", Some(&of.version)),
                ("segment_key", Some(&of.segment_key)),
                ("segment_value", Some(&of.segment_value)),
                ("feature", of.feature.as_ref()),
                ("class", of.class.as_ref()),
            ];
            let texts = texts.into_iter().filter(|(_, text)| text.is_some_and(|text| !text.is_empty()));
            let mut member: Map<String, Value> = texts.map(|(name, text)| (name.to_owned(), json!(text))).collect();
            member.insert("value".into(), json!(last.and_then(|point| point.value)));
            Some(Value::Object(member))
        };
        let listed = members.iter().take(self.alerts_settings.caps.listed).filter_map(named);
        evidence.insert("members".into(), listed.collect());
        evidence.insert("member_count".into(), json!(members.len()));
        let name = |key: &SeriesKey| self.series.get(key).map(|series| series.columns.part_name());
        let names = members.iter().take(self.alerts_settings.caps.listed).filter_map(name).collect();
        Subject::Group { firing: members.len(), of: all, names }
    }

    /// Which of the rules fire for the same version and segment.
    pub(super) fn rules_that_fire(&self, rules: &[Arc<str>], columns: &SeriesColumns) -> Vec<Arc<str>> {
        let is_here = |key: SeriesKey| {
            self.series.get(&key).is_some_and(|series| {
                let of = &series.columns;
                (&of.version, &of.segment_key, &of.segment_value)
                    == (&columns.version, &columns.segment_key, &columns.segment_value)
            })
        };
        let fires =
            |id: &&Arc<str>| self.rules.place(id).is_some_and(|place| self.firing(place).any(|(key, _)| is_here(key)));
        rules.iter().filter(fires).cloned().collect()
    }
}

fn window(point: &Point, size_ms: Millis) -> Value {
    json!({
        "window_start": point.start,
        "window_end": point.start + size_ms,
        "value": point.value,
        "lower": point.lower,
        "upper": point.upper,
        "count": point.count,
        "label_coverage": point.coverage,
        "is_final": point.is_final,
    })
}

fn part(part: &Contributor) -> Value {
    json!({ "name": part.name, "value": part.value, "count": part.count })
}

/// Parts of a window, the worst first: the lowest where low values are bad, else the highest.
fn worst(point: &Point, is_low_bad: bool) -> Vec<&Contributor> {
    let mut parts: Vec<&Contributor> = point.worst.iter().collect();
    if !is_low_bad {
        parts.reverse();
    }
    parts.truncate(3);
    parts
}
