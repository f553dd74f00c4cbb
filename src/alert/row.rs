//! Rows about alerts: what is known of one, in the columns of `alerts`.

use super::alert::{Alert, Told};
use super::identity::change_id;
use super::model::{AlertKey, ModelAlerts};
use super::series::{Series, SeriesColumns, SeriesKey};
use super::tell::Telling;
use super::{Contributor, Judgement, Point};
use crate::event::Millis;
use crate::event::alert::{AlertCause, AlertRow, AlertRule, AlertState, Severity, Watch};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What names an alert, and nothing else: for what people say of alerts by their columns.
pub fn about(
    model: &Arc<str>,
    alert_id: &Arc<str>,
    rule: &AlertRule,
    series: &SeriesColumns,
    severity: Severity,
) -> AlertRow {
    let metric = match &rule.watch {
        Watch::Metric { metric, .. } => Some(Arc::clone(metric)),
        Watch::Absence { .. } | Watch::Rules { .. } => None,
    };
    AlertRow {
        id: String::new(),
        alert_id: Arc::clone(alert_id),
        sequence: 0,
        rule: Arc::clone(&rule.id),
        severity,
        state: AlertState::Ok,
        previous_state: AlertState::Ok,
        cause: AlertCause::Window,
        model_id: Arc::clone(model),
        model_version: Arc::clone(&series.version),
        segment_key: Arc::clone(&series.segment_key),
        segment_value: Arc::clone(&series.segment_value),
        feature: series.feature.clone(),
        class: series.class.clone(),
        predicted_class: series.predicted_class.clone(),
        metric,
        reference_kind: series.reference_kind.clone(),
        value: None,
        lower: None,
        upper: None,
        threshold_lower: None,
        threshold_upper: None,
        count: None,
        label_coverage: None,
        window_start: None,
        window_end: None,
        window_size_ms: series.spec.map(|spec| spec.size_ms),
        is_final: None,
        started_at: None,
        resolved_at: None,
        evaluated_at: 0,
        reference_id: None,
        acknowledged_by: None,
        suppressed_by: None,
        summary: String::new(),
        labels: serde_json::to_string(&rule.labels).expect("texts are JSON"),
        evidence: "{}".to_owned(),
        dashboard_url: None,
        runbook_url: None,
    }
}

/// A row that says nothing of windows.
pub fn without_windows(
    model: &Arc<str>,
    rule: &AlertRule,
    series: &SeriesColumns,
    alert: &Alert,
    told: &Told,
    now: Millis,
) -> AlertRow {
    let row = AlertRow {
        id: change_id(&alert.id, told.started_at, told.sequence),
        sequence: told.sequence,
        state: told.state,
        previous_state: alert.told.state,
        cause: AlertCause::RuleRemoved,
        started_at: told.started_at,
        resolved_at: told.resolved_at,
        evaluated_at: now,
        acknowledged_by: told.acknowledged_by.clone(),
        suppressed_by: told.suppressed_by.map(|why| why.name().into()),
        ..about(model, &alert.id, rule, series, told.severity)
    };
    with_texts(row, rule)
}

fn with_texts(row: AlertRow, _rule: &AlertRule) -> AlertRow {
    row
}

impl ModelAlerts {
    /// What is told of an alert now.
    pub(super) fn row(
        &self,
        key: AlertKey,
        alert: &Alert,
        told: &Told,
        cause: AlertCause,
        telling: &Telling<'_>,
    ) -> AlertRow {
        let now = telling.now;
        let rule = self.rules.get(key.0);
        let empty = SeriesColumns::of_scope(&"".into(), &"".into(), &"".into());
        let series = self.series.get(&key.1);
        let columns = series.map_or(&empty, |series| &series.columns);
        let mut row = without_windows(&self.id, rule, columns, alert, told, now);
        row.cause = cause;
        let mut evidence = Map::new();
        match &rule.watch {
            Watch::Metric { .. } if columns.metric.is_none() => {
                self.tell_members(key, telling.time(), &mut row, &mut evidence)
            }
            Watch::Metric { .. } => {
                if let Some(series) = series {
                    self.tell_windows(rule, series, alert, &mut row, &mut evidence);
                }
            }
            Watch::Absence { for_ms, .. } => {
                let last = told.started_at.unwrap_or(now);
                row.value = told.state.is_open().then(|| now.saturating_sub(last) as f64);
                row.threshold_upper = Some(*for_ms as f64);
            }
            Watch::Rules { rules, .. } => self.tell_rules(rules, columns, &mut evidence),
        }
        row.evidence = Value::Object(evidence).to_string();
        with_texts(row, rule)
    }

    /// The last window that was judged, and how.
    fn tell_windows(
        &self,
        rule: &AlertRule,
        series: &Series,
        alert: &Alert,
        row: &mut AlertRow,
        evidence: &mut Map<String, Value>,
    ) {
        let Some(Ok(place)) = alert.last_judged().map(|start| series.place(start)) else { return };
        let point = &series.points[place];
        let Judgement { judged, baseline, threshold_lower, threshold_upper, .. } =
            self.judgement(rule, series, place, Millis::MAX);
        let end = point.start + series.size_ms();
        row.value = judged;
        (row.lower, row.upper) = (point.lower, point.upper);
        (row.threshold_lower, row.threshold_upper) = (threshold_lower, threshold_upper);
        (row.count, row.label_coverage) = (Some(point.count), point.coverage);
        (row.window_start, row.window_end) = (Some(point.start), Some(end));
        row.is_final = Some(point.is_final);
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
        let listed = self.alerts_settings.caps.listed;
        let first = place.saturating_sub(listed.min(rule.gates.of as usize).saturating_sub(1));
        let windows = series.points[first..=place].iter().map(|point| window(point, series.size_ms()));
        evidence.insert("windows".into(), windows.collect());
        if !point.worst.is_empty() {
            evidence.insert("worst".into(), worst(point, threshold_lower.is_some()).into_iter().map(part).collect());
        }
    }

    /// The alerts that a group has after windows that end at `end`, of all series that are in such a window.
    fn tell_members(
        &self,
        (rule, scope): AlertKey,
        end: Millis,
        row: &mut AlertRow,
        evidence: &mut Map<String, Value>,
    ) {
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
    }

    /// Which of the rules fire for the same version and segment.
    fn tell_rules(&self, rules: &[Arc<str>], columns: &SeriesColumns, evidence: &mut Map<String, Value>) {
        let is_here = |key: SeriesKey| {
            self.series.get(&key).is_some_and(|series| {
                let of = &series.columns;
                (&of.version, &of.segment_key, &of.segment_value)
                    == (&columns.version, &columns.segment_key, &columns.segment_value)
            })
        };
        let fires =
            |id: &&Arc<str>| self.rules.place(id).is_some_and(|place| self.firing(place).any(|(key, _)| is_here(key)));
        evidence.insert("rules".into(), rules.iter().filter(fires).map(|id| json!(id)).collect());
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
pub fn worst(point: &Point, is_low_bad: bool) -> Vec<&Contributor> {
    let mut parts: Vec<&Contributor> = point.worst.iter().collect();
    if !is_low_bad {
        parts.reverse();
    }
    parts.truncate(3);
    parts
}
