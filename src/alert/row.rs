//! Rows about alerts: what is known of one, in the columns of `alerts`.

use super::alert::{Alert, Told};
use super::identity::change_id;
use super::model::{AlertKey, ModelAlerts};
use super::series::SeriesColumns;
use super::summary::{Context, Subject, summary};
use super::tell::Telling;
use super::template::Template;
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
fn without_windows(
    model: &Arc<str>,
    rule: &AlertRule,
    series: &SeriesColumns,
    alert: &Alert,
    told: &Told,
    now: Millis,
) -> AlertRow {
    AlertRow {
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
    }
}

/// A row that ends an alert whose rule is gone.
pub fn of_removed_rule(
    model: &Arc<str>,
    rule: &AlertRule,
    series: &SeriesColumns,
    alert: &Alert,
    told: &Told,
    now: Millis,
) -> AlertRow {
    let row = without_windows(model, rule, series, alert, told, now);
    with_texts(row, rule, Subject::Rules { firing: Vec::new(), all: false, of: 0 }, None)
}

/// The row with its line and links.
fn with_texts(row: AlertRow, rule: &AlertRule, subject: Subject, open_ms: Option<Millis>) -> AlertRow {
    let segment: Arc<str> = match row.segment_key.is_empty() {
        true => "".into(),
        false => format!("{}={}", row.segment_key, row.segment_value).into(),
    };
    let context = Context {
        rule: Arc::clone(&row.rule),
        alert_id: Arc::clone(&row.alert_id),
        state: row.state,
        severity: row.severity,
        cause: row.cause,
        model: Arc::clone(&row.model_id),
        version: Arc::clone(&row.model_version),
        segment,
        feature: row.feature.clone(),
        class: row.class.clone(),
        predicted_class: row.predicted_class.clone(),
        subject,
        open_ms,
        suppressed_by: row.suppressed_by.clone(),
        acknowledged_by: row.acknowledged_by.clone(),
        labels: rule.labels.clone(),
    };
    // Templates were checked with the configuration; one that was not has the built-in line, and no link.
    let template = |text: &Option<Arc<str>>| text.as_ref().and_then(|text| Template::new(text).ok());
    let link = |text: &Option<Arc<str>>| template(text).and_then(|template| template.try_render(&context).ok());
    let (dashboard_url, runbook_url) = (link(&rule.dashboard), link(&rule.runbook));
    let summary = template(&rule.summary).map_or_else(|| summary(&context), |template| template.render(&context));
    AlertRow { summary, dashboard_url, runbook_url, ..row }
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
        let subject = match (&rule.watch, series) {
            (Watch::Metric { .. }, Some(series)) if series.columns.metric.is_some() => {
                self.tell_windows(rule, series, alert, &mut row, &mut evidence)
            }
            (Watch::Metric { .. }, _) => self.tell_members(key, telling.time(), &mut row, &mut evidence),
            (Watch::Absence { of, for_ms, .. }, _) => {
                let last = told.started_at.unwrap_or(now);
                let silent_ms = told.resolved_at.unwrap_or(now).saturating_sub(last);
                row.value = Some(silent_ms as f64);
                row.threshold_upper = Some(*for_ms as f64);
                Subject::Absence { of: *of, for_ms: silent_ms, since_ms: Some(last) }
            }
            (Watch::Rules { rules, all, .. }, _) => {
                let firing = self.rules_that_fire(rules, columns);
                evidence.insert("rules".into(), json!(firing));
                Subject::Rules { firing, all: *all, of: rules.len() }
            }
        };
        row.evidence = Value::Object(evidence).to_string();
        let until = told.resolved_at.unwrap_or(telling.time());
        let open_ms = told.started_at.map(|since| until.saturating_sub(since)).filter(|_| told.state != AlertState::Ok);
        with_texts(row, rule, subject, open_ms)
    }
}
