//! What one window costs a rule: `judge` by each kind of condition.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark")]

use criterion::{Criterion, criterion_group, criterion_main};
use postdict::alert::{Earlier, Point, judge};
use postdict::event::alert::{Baseline, BySeverity, Condition, Limits, Severity, Side, Unit};
use std::hint::black_box;

const HOUR: i64 = 3_600_000;

/// Values around 0.8 that seem to be at random.
fn history(windows: i64) -> Vec<Point> {
    let value = |place: i64| 0.75 + 0.1 * ((place * 7_919) % 1_009) as f64 / 1_009.0;
    let point = |place: i64| {
        let value = value(place);
        let (lower, upper) = (Some(value - 0.03), Some(value + 0.03));
        Point { start: place * HOUR, value: Some(value), lower, upper, count: 400, ..Point::default() }
    };
    (0..windows).map(point).collect()
}

fn relative(baseline: Baseline) -> Condition {
    let limits = BySeverity(vec![(Severity::Warning, Limits { min: Some(-20.0), max: None })]);
    Condition::Relative { baseline, unit: Unit::Percent, limits, certain: false }
}

fn dynamic(windows: u32) -> Condition {
    let alpha = BySeverity(vec![(Severity::Warning, 0.01), (Severity::Critical, 0.001)]);
    Condition::Dynamic { baseline: Baseline::Trailing { windows }, alpha, side: Side::Both, least: 0.0 }
}

fn conditions(criterion: &mut Criterion) {
    let limits = BySeverity(vec![
        (Severity::Warning, Limits { min: Some(0.7), max: None }),
        (Severity::Critical, Limits { min: Some(0.6), max: None }),
    ]);
    let points = history(1_000);
    let counts = |point: &Point| point.count >= 30;
    let point = Point { start: 1_000 * HOUR, ..history(1)[0].clone() };
    let (week, day) = (168 * HOUR, 24 * HOUR);
    for (name, condition) in [
        ("static", Condition::Static { limits: limits.clone(), certain: false }),
        ("static, certain", Condition::Static { limits, certain: true }),
        ("previous", relative(Baseline::Previous)),
        ("a week ago", relative(Baseline::Ago { ms: week })),
        ("median of 4 weeks", relative(Baseline::Season { ms: week, seasons: 4 })),
        ("median of 7", relative(Baseline::Trailing { windows: 7 })),
        ("median of 28", relative(Baseline::Trailing { windows: 28 })),
        ("median of 1000", relative(Baseline::Trailing { windows: 1_000 })),
        ("expected of 14", dynamic(14)),
        ("expected of 28", dynamic(28)),
        ("expected of 100", dynamic(100)),
        ("expected of 1000", dynamic(1_000)),
        ("expected of 28 days", {
            let alpha = BySeverity(vec![(Severity::Warning, 0.01)]);
            let baseline = Baseline::Season { ms: day, seasons: 28 };
            Condition::Dynamic { baseline, alpha, side: Side::Both, least: 0.0 }
        }),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let earlier = Earlier::new(black_box(&points), &counts);
                judge(black_box(&condition), None, black_box(&point), earlier, None)
            });
        });
    }
}

criterion_group!(benches, conditions);
criterion_main!(benches);
