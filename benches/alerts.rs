//! What alerts cost beside the rows that they look at: a row that no rule is about, a window of many series judged by many
//! rules, and what all of that takes as bytes.
//!
//! `cargo bench --bench alerts -- 10000x1000` is the large case: 10,000 rules, each about all of 1,000 series.

#![allow(clippy::print_stderr, reason = "a benchmark")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use postdict::alert::{Alerts, Progress};
use postdict::event::alert::{
    AlertRule, AlertSettings, Baseline, BySeverity, Condition, Gates, Limits, Pattern, Selector, Severity, Side, Watch,
};
use postdict::event::{MetricRow, Millis, ModelSettings, Settings, WindowSpec};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

const HOUR: Millis = 3_600_000;

fn rule(number: usize, condition: Condition) -> AlertRule {
    let select = Selector { segment: Some(Pattern::new("country=*")), ..Selector::default() };
    AlertRule {
        id: format!("rule-{number}").into(),
        watch: Watch::Metric { metric: "accuracy".into(), select, condition },
        gates: Gates::default(),
        repeat_ms: None,
        group: false,
        notify: true,
        labels: BTreeMap::new(),
        summary: None,
        dashboard: None,
        runbook: None,
    }
}

/// Fixed limits, all different, none of them passed.
fn fixed(number: usize) -> Condition {
    let limits = Limits { min: Some(0.5 - number as f64 * 1e-6), max: None };
    Condition::Static { limits: BySeverity(vec![(Severity::Warning, limits)]), certain: false }
}

/// What was to be expected of the last 28 windows.
fn dynamic(_: usize) -> Condition {
    Condition::Dynamic {
        baseline: Baseline::Trailing { windows: 28 },
        alpha: BySeverity(vec![(Severity::Warning, 1e-6)]),
        side: Side::Below,
        least: 0.1,
    }
}

fn alerts(rules: usize, condition: impl Fn(usize) -> Condition) -> Alerts {
    let rules = (0..rules).map(|number| rule(number, condition(number))).collect();
    let windows = vec![WindowSpec { size_ms: HOUR, advance_ms: HOUR }];
    let settings = Settings {
        defaults: Arc::new(ModelSettings { windows, pane_ms: HOUR, ..ModelSettings::default() }),
        alerts: Arc::new(AlertSettings { defaults: Arc::new(rules), ..AlertSettings::default() }),
        ..Settings::default()
    };
    Alerts::new(&Arc::new(settings))
}

fn row(metric: &Arc<str>, series: usize, window: i64) -> MetricRow {
    let noise = ((series as i64 * 31 + window * 17) % 101) as f64 / 10_000.0;
    MetricRow {
        id: String::new(),
        model_id: "model".into(),
        model_version: "".into(),
        segment_key: "country".into(),
        segment_value: format!("{series}").into(),
        feature: None,
        class: None,
        predicted_class: None,
        metric: Arc::clone(metric),
        window_start: window * HOUR,
        window_end: (window + 1) * HOUR,
        value: Some(0.9 + noise),
        undefined_reason: None,
        lower: Some(0.88 + noise),
        upper: Some(0.92 + noise),
        error_bound: None,
        method: None,
        threshold: None,
        null_quantile: None,
        window_size_ms: HOUR,
        window_advance_ms: HOUR,
        count: 1_000,
        label_coverage: Some(1.0),
        reference_id: None,
        reference_kind: None,
        revision: 1,
        is_final: true,
    }
}

/// All series of one window, final, and judged.
fn see(alerts: &mut Alerts, rows: &[MetricRow]) -> u64 {
    rows.iter().for_each(|row| alerts.take(row));
    alerts.evaluate(
        0,
        |_| Progress { watermark: Millis::MAX, oldest_open: Vec::new() },
        |row| {
            black_box(row);
        },
    )
}

fn windows(series: usize) -> impl FnMut() -> Vec<MetricRow> {
    let metric: Arc<str> = "accuracy".into();
    let mut window = 0;
    move || {
        window += 1;
        (0..series).map(|number| row(&metric, number, window)).collect()
    }
}

/// A window of all series, where histories are full.
fn judge(c: &mut Criterion) {
    type Case = (&'static str, usize, usize, fn(usize) -> Condition);
    let cases: [Case; 4] = [
        ("fixed 10x1000", 10, 1_000, fixed),
        ("dynamic 10x1000", 10, 1_000, dynamic),
        ("fixed 1000x1000", 1_000, 1_000, fixed),
        ("fixed 10000x1000", 10_000, 1_000, fixed),
    ];
    let mut group = c.benchmark_group("judge");
    group.sample_size(10);
    for (name, rules, series, condition) in cases {
        let mut alerts = alerts(rules, condition);
        let mut next = windows(series);
        for _ in 0..40 {
            see(&mut alerts, &next());
        }
        let mut bytes = Vec::new();
        alerts.encode(&mut bytes);
        eprintln!("{name}: {} bytes of state", bytes.len());
        group.throughput(Throughput::Elements((rules * series) as u64));
        group.bench_function(name, |b| {
            b.iter_batched(&mut next, |rows| see(&mut alerts, &rows), criterion::BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A row of a metric that no rule is about.
fn pass(c: &mut Criterion) {
    let mut alerts = alerts(10, fixed);
    let metric: Arc<str> = "recall".into();
    let rows: Vec<MetricRow> = (0..1_000).map(|series| row(&metric, series, 1)).collect();
    let mut group = c.benchmark_group("pass");
    group.throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function("row", |b| b.iter(|| rows.iter().for_each(|row| alerts.take(black_box(row)))));
    group.finish();
}

criterion_group!(benches, pass, judge);
criterion_main!(benches);
