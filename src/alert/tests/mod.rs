//! Alerts by what they do with rows, from the outside.

mod cases;
mod laws;
mod others;

use super::{Alerts, Progress};
use crate::event::alert::{
    AlertCause, AlertRow, AlertRule, AlertSettings, AlertState, BySeverity, Condition, Control, Gates, Limits,
    Selector, Severity, Watch,
};
use crate::event::{MetricRow, Millis, Settings, WindowSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SIZE: Millis = 10;
const SPEC: WindowSpec = WindowSpec { size_ms: SIZE, advance_ms: SIZE };

/// Accuracy below 0.8 is a warning, below 0.5 critical.
fn rule(id: &str, gates: Gates) -> AlertRule {
    let limits = |min| Limits { min: Some(min), max: None };
    AlertRule {
        id: id.into(),
        watch: Watch::Metric {
            metric: "accuracy".into(),
            select: Selector::default(),
            condition: Condition::Static {
                limits: BySeverity(vec![(Severity::Warning, limits(0.8)), (Severity::Critical, limits(0.5))]),
                certain: false,
            },
        },
        gates,
        repeat_ms: None,
        group: false,
        notify: true,
        labels: BTreeMap::new(),
        summary: None,
        dashboard: None,
        runbook: None,
    }
}

fn gates() -> Gates {
    Gates { min_count: 10, ..Gates::default() }
}

fn settings(rules: Vec<AlertRule>) -> Arc<Settings> {
    let alerts = AlertSettings { defaults: Arc::new(rules), ..AlertSettings::default() };
    let mut settings = Settings { alerts: Arc::new(alerts), ..Settings::default() };
    Arc::make_mut(&mut settings.defaults).windows = vec![SPEC];
    Arc::new(settings)
}

fn row(window: i64, value: f64) -> MetricRow {
    MetricRow {
        id: String::new(),
        model_id: "m".into(),
        model_version: "".into(),
        segment_key: "".into(),
        segment_value: "".into(),
        feature: None,
        class: None,
        predicted_class: None,
        metric: "accuracy".into(),
        window_start: window * SIZE,
        window_end: (window + 1) * SIZE,
        value: Some(value),
        undefined_reason: None,
        lower: Some(value - 0.05),
        upper: Some(value + 0.05),
        error_bound: None,
        method: None,
        threshold: None,
        null_quantile: None,
        window_size_ms: SIZE,
        window_advance_ms: SIZE,
        count: 100,
        label_coverage: Some(1.0),
        reference_id: None,
        reference_kind: None,
        revision: 1,
        is_final: true,
    }
}

fn in_segment(value: &str, row: MetricRow) -> MetricRow {
    MetricRow { segment_key: "country".into(), segment_value: value.into(), ..row }
}

/// Alerts, and all that they have told.
struct World {
    alerts: Alerts,
    settings: Arc<Settings>,
    open: BTreeSet<Millis>,
    watermark: Millis,
    told: Vec<AlertRow>,
    now: Millis,
}

impl World {
    fn new(rules: Vec<AlertRule>) -> World {
        World::of(settings(rules))
    }

    fn of(settings: Arc<Settings>) -> World {
        let alerts = Alerts::new(&settings);
        World { alerts, settings, open: BTreeSet::new(), watermark: Millis::MIN, told: Vec::new(), now: 0 }
    }

    /// Takes in rows of windows that are open from now on, or final.
    fn take(&mut self, rows: impl IntoIterator<Item = MetricRow>) {
        for row in rows {
            match row.is_final {
                true => self.open.remove(&row.window_start),
                false => self.open.insert(row.window_start),
            };
            if *row.metric == *"predictions" {
                self.alerts.note(&row.model_id, &[&row.model_version], false, self.now);
            }
            self.alerts.take(&row);
        }
    }

    /// Has what was taken in judged; gives what was told now.
    fn judge(&mut self) -> Vec<AlertRow> {
        self.now += 1;
        let mut told = Vec::new();
        let open: Vec<(WindowSpec, Millis)> = self.open.first().map(|oldest| (SPEC, *oldest)).into_iter().collect();
        let progress = |_: &str| Progress { watermark: self.watermark, oldest_open: open.clone() };
        let count = self.alerts.evaluate(self.now, progress, |row| told.push(row));
        assert_eq!(count, told.len() as u64);
        self.told.extend(told.iter().cloned());
        told
    }

    fn see(&mut self, rows: impl IntoIterator<Item = MetricRow>) -> Vec<(AlertState, AlertCause)> {
        self.take(rows);
        self.judge().iter().map(|row| (row.state, row.cause)).collect()
    }

    /// Goes on from what it wrote.
    fn restart(&mut self, control: &Arc<Control>) {
        let mut bytes = Vec::new();
        self.alerts.encode(&mut bytes);
        let mut input = &bytes[..];
        let mut alerts = Alerts::decode(&mut input, &self.settings).expect("what was written");
        assert!(input.is_empty());
        let mut again = Vec::new();
        alerts.encode(&mut again);
        assert_eq!(again, bytes);
        alerts.set_control(Arc::clone(control));
        self.alerts = alerts;
    }
}
