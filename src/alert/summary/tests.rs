//! Every kind of line, as it reads.

use super::*;
use crate::alert::Contributor;
use crate::event::alert::Severity;
use proptest::prelude::*;

const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;
const DAY: Millis = 24 * HOUR;
const WEEK: Millis = 7 * DAY;

/// Recall of fraud is 0.71 where it should be 0.80, in 3 of 4 hours.
fn measured() -> Measured {
    Measured {
        metric: "recall".into(),
        value: Some(0.7123),
        lower: Some(0.6634),
        upper: Some(0.7512),
        compared: Compared::Static,
        baseline: None,
        threshold_lower: Some(0.8),
        threshold_upper: None,
        bad: 3,
        of: 4,
        fire: 3,
        window_start: 0,
        window_size_ms: HOUR,
        count: 400,
        coverage: None,
        worst: Vec::new(),
        reference_id: None,
    }
}

pub(crate) fn context(subject: Subject) -> Context {
    Context {
        rule: "recall_low".into(),
        alert_id: "0123456789abcdef".into(),
        state: AlertState::Firing,
        severity: Severity::Warning,
        cause: AlertCause::Window,
        model: "fraud".into(),
        version: "".into(),
        segment: "".into(),
        feature: None,
        class: None,
        predicted_class: None,
        subject,
        open_ms: None,
        suppressed_by: None,
        acknowledged_by: None,
        labels: Default::default(),
    }
}

fn firing(change: impl FnOnce(&mut Measured)) -> Context {
    let mut measured = measured();
    change(&mut measured);
    context(Subject::Metric(measured))
}

fn resolved(change: impl FnOnce(&mut Measured)) -> Context {
    let good = |measured: &mut Measured| {
        (measured.value, measured.lower, measured.upper) = (Some(0.83), None, None);
        change(measured);
    };
    Context { state: AlertState::Resolved, open_ms: Some(3 * HOUR), ..firing(good) }
}

/// Accuracy was 0.86, and is 6.2 % worse.
fn accuracy(measured: &mut Measured) {
    measured.metric = "accuracy".into();
    (measured.value, measured.lower, measured.upper) = (Some(0.8067), None, None);
    let baseline = Baseline::Trailing { windows: 7 };
    measured.compared = Compared::Relative { baseline, unit: Unit::Percent, difference: Some(-6.2) };
    (measured.baseline, measured.threshold_lower) = (Some(0.86), Some(-5.0));
    (measured.of, measured.bad, measured.fire, measured.window_size_ms) = (1, 1, 1, DAY);
}

/// Latency was 120 ms, and is 40 ms more.
fn latency(measured: &mut Measured) {
    measured.metric = "latency_ms_p95".into();
    (measured.value, measured.lower, measured.upper) = (Some(160.4), Some(151.0), Some(170.2));
    let baseline = Baseline::Season { ms: WEEK, seasons: 4 };
    measured.compared = Compared::Relative { baseline, unit: Unit::Absolute, difference: Some(40.2) };
    (measured.baseline, measured.threshold_lower, measured.threshold_upper) = (Some(120.2), None, Some(25.0));
}

fn dynamic(measured: &mut Measured) {
    measured.compared = Compared::Dynamic { baseline: Baseline::Trailing { windows: 14 } };
    (measured.baseline, measured.threshold_lower) = (Some(0.824), Some(0.781_234_5));
    (measured.threshold_upper, measured.of) = (Some(0.867), 1);
}

fn drifted(measured: &mut Measured) {
    measured.metric = "drifted".into();
    (measured.value, measured.lower, measured.upper) = (Some(1.0), None, None);
    (measured.threshold_lower, measured.threshold_upper, measured.window_size_ms) = (None, Some(0.5), DAY);
}

fn absence(of: Presence) -> Context {
    context(Subject::Absence { of, for_ms: 3 * HOUR + 20 * MINUTE, since_ms: Some(1_795_737_600_000) })
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|&name| name.into()).collect()
}

fn group(firing: usize, of: &[&str]) -> Context {
    let subject = Subject::Group { firing, of: 40, names: names(of) };
    Context { rule: "feature_drift".into(), ..context(subject) }
}

fn rules(firing: &[&str], all: bool) -> Context {
    let subject = Subject::Rules { firing: names(firing), all, of: 3 };
    Context { rule: "trouble".into(), ..context(subject) }
}

#[test]
fn lines_of_metrics_read_well() {
    let worst = |name: &str, value| Contributor { name: name.into(), value, count: 50, is_final: true };
    let detailed = firing(|of| {
        of.coverage = Some(0.92);
        of.worst = vec![worst("country=BR", 0.52)];
    });
    let in_version = |context| Context { version: "7".into(), ..context };
    for (context, line) in [
        (
            in_version(detailed.clone()),
            "fraud v7: recall 0.71 (0.66–0.75) < 0.80 in 3 of 4 hours, labels 92 % in; worst: country=BR 0.52",
        ),
        (firing(|of| of.of = 1), "fraud: recall 0.71 (0.66–0.75) < 0.80"),
        (
            firing(|of| (of.value, of.lower, of.upper, of.of) = (Some(0.7996), None, None, 0)),
            "fraud: recall 0.7996 < 0.80",
        ),
        (
            firing(|of| {
                of.window_size_ms = 15 * MINUTE;
                of.worst = vec![worst("country=BR", 0.52), worst("country=AR", 0.601), worst("country=CL", 0.7)];
            }),
            "fraud: recall 0.71 (0.66–0.75) < 0.80 in 3 of 4 windows of 15 min; \
             worst: country=BR 0.52, country=AR 0.60",
        ),
        (
            firing(|of| {
                (of.metric, of.value, of.lower, of.upper) = ("drifted_share".into(), Some(0.56), None, None);
                (of.threshold_lower, of.threshold_upper, of.of) = (None, Some(0.3), 1);
                of.worst = vec![worst("score", 1.0), worst("salary", 1.0)];
            }),
            "fraud: drifted_share 0.56 > 0.30; among them: score, salary",
        ),
        (
            Context {
                version: "2026-11-b".into(),
                segment: "country=BR".into(),
                class: Some("chargeback".into()),
                ..firing(|of| of.of = 1)
            },
            "fraud 2026-11-b, country=BR: recall of class chargeback 0.71 (0.66–0.75) < 0.80",
        ),
        (
            Context {
                feature: Some("amount".into()),
                ..firing(|of| {
                    of.metric = "psi".into();
                    (of.value, of.lower, of.upper, of.of) = (Some(0.31), None, None, 1);
                    (of.threshold_lower, of.threshold_upper) = (None, Some(0.2));
                })
            },
            "fraud: psi of amount 0.31 > 0.20",
        ),
        (
            firing(|of| {
                of.metric = "predictions".into();
                (of.value, of.lower, of.upper, of.threshold_lower) = (Some(12_034.0), None, None, Some(50_000.0));
            }),
            "fraud: predictions 12,034 < 50,000 in 3 of 4 hours",
        ),
        (Context { feature: Some("amount".into()), ..firing(drifted) }, "fraud: amount has drifted in 3 of 4 days"),
        (
            firing(|of| {
                drifted(of);
                (of.metric, of.value, of.of) = ("adwin_drift".into(), Some(2.0), 1);
            }),
            "fraud: adwin found concept drift",
        ),
        (firing(accuracy), "fraud: accuracy 0.81 is 6.2 % below the median of the last 7 days (0.86), more than 5 %"),
        (
            firing(latency),
            "fraud: latency_ms_p95 160 (151–170) is 40 above the median of the same hour of the last 4 weeks (120), \
             more than 25, in 3 of 4 hours",
        ),
        (
            firing(|of| {
                accuracy(of);
                let baseline = Baseline::Reference;
                of.compared = Compared::Relative { baseline, unit: Unit::Absolute, difference: Some(-0.0533) };
                of.threshold_lower = Some(-0.05);
            }),
            "fraud: accuracy 0.81 is 0.053 below the reference (0.86), more than 0.050",
        ),
        (
            firing(|of| {
                accuracy(of);
                let baseline = Baseline::Previous;
                of.compared = Compared::Relative { baseline, unit: Unit::Percent, difference: Some(1.2) };
                (of.value, of.baseline, of.threshold_lower) = (Some(0.86), Some(0.85), Some(2.0));
            }),
            "fraud: accuracy 0.86 is 1.2 % above the day before (0.85), should be at least 2 % above",
        ),
        (
            firing(dynamic),
            "fraud: recall 0.71 (0.66–0.75) is below 0.781, the least to expect after the last 14 hours (median 0.824)",
        ),
        (
            firing(|of| {
                dynamic(of);
                (of.value, of.lower, of.upper, of.of) = (Some(0.91), None, None, 4);
            }),
            "fraud: recall 0.91 is above 0.867, the most to expect after the last 14 hours (median 0.824), \
             in 3 of 4 hours",
        ),
        (
            Context { state: AlertState::Pending, ..firing(|of| of.bad = 1) },
            "fraud: recall 0.71 (0.66–0.75) < 0.80 in 1 of 4 hours, 3 make an alert",
        ),
        (
            Context { state: AlertState::Pending, suppressed_by: Some("silence".into()), ..firing(|_| ()) },
            "fraud: recall 0.71 (0.66–0.75) < 0.80 in 3 of 4 hours (silenced)",
        ),
        (
            Context { state: AlertState::Pending, suppressed_by: Some("inactive_hours".into()), ..firing(accuracy) },
            "fraud: accuracy 0.81 is 6.2 % below the median of the last 7 days (0.86), more than 5 % \
             (outside of active hours)",
        ),
        (
            Context { state: AlertState::Ok, ..resolved(|_| ()) },
            "fraud: recall 0.83, good again before it was an alert",
        ),
        (
            Context { cause: AlertCause::Repeat, open_ms: Some(2 * DAY), ..firing(|of| of.bad = 4) },
            "fraud: still recall 0.71 (0.66–0.75) < 0.80 in 4 of 4 hours, for 2 days",
        ),
        (
            Context { cause: AlertCause::Revision, ..detailed.clone() },
            "fraud: recall 0.71 (0.66–0.75) < 0.80 in 3 of 4 hours, after labels came in, labels 92 % in; \
             worst: country=BR 0.52",
        ),
        (
            Context {
                cause: AlertCause::Acknowledgement,
                acknowledged_by: Some("ana".into()),
                ..firing(|of| of.of = 1)
            },
            "fraud: recall 0.71 (0.66–0.75) < 0.80, acknowledged by ana",
        ),
        (
            Context { cause: AlertCause::Acknowledgement, ..firing(|of| of.of = 1) },
            "fraud: recall 0.71 (0.66–0.75) < 0.80, not acknowledged any more",
        ),
    ] {
        assert_eq!(summary(&context), line);
    }
}

#[test]
fn lines_of_what_is_over_read_well() {
    for (context, line) in [
        (resolved(|_| ()), "fraud: recall < 0.80 is over after 3 h; recall 0.83"),
        (
            resolved(|of| of.threshold_upper = Some(0.95)),
            "fraud: recall outside of 0.80–0.95 is over after 3 h; recall 0.83",
        ),
        (
            Context { cause: AlertCause::Revision, ..resolved(|of| of.coverage = Some(1.0)) },
            "fraud: recall < 0.80 does not hold any more after labels came in; recall 0.83",
        ),
        (
            Context { version: "6".into(), cause: AlertCause::Gone, ..resolved(|_| ()) },
            "fraud v6: recall < 0.80 is over after 3 h: no more windows come",
        ),
        (
            Context { cause: AlertCause::RuleRemoved, ..resolved(|_| ()) },
            "fraud: recall < 0.80 is over after 3 h: the rule was taken out",
        ),
        (
            resolved(|of| {
                accuracy(of);
                of.value = Some(0.85);
            }),
            "fraud: accuracy more than 5 % below the median of the last 7 days is over after 3 h; accuracy 0.85",
        ),
        (
            resolved(|of| {
                dynamic(of);
                (of.value, of.threshold_upper) = (Some(0.82), None);
            }),
            "fraud: recall lower than was to be expected is over after 3 h; recall 0.82",
        ),
        (
            Context {
                feature: Some("amount".into()),
                ..resolved(|of| {
                    drifted(of);
                    of.value = Some(0.0);
                })
            },
            "fraud: drift of amount is over after 3 h; drifted of amount 0",
        ),
    ] {
        assert_eq!(summary(&context), line);
    }
}

#[test]
fn lines_of_absence_read_well() {
    for (context, line) in [
        (absence(Presence::Predictions), "fraud: no predictions for 3 h 20 min (since 2026-11-27 00:00 UTC)"),
        (absence(Presence::Labels), "fraud: no labels for 3 h 20 min (since 2026-11-27 00:00 UTC)"),
        (
            Context { state: AlertState::NoData, version: "7".into(), ..absence(Presence::Version) },
            "fraud v7: no predictions for 3 h 20 min (since 2026-11-27 00:00 UTC), while other versions have some",
        ),
        (
            Context { model: "".into(), ..absence(Presence::Source) },
            "nothing has come of any model for 3 h 20 min (since 2026-11-27 00:00 UTC)",
        ),
        (
            Context { cause: AlertCause::Repeat, open_ms: Some(HOUR), ..absence(Presence::Labels) },
            "fraud: still no labels for 3 h 20 min (since 2026-11-27 00:00 UTC)",
        ),
        (
            Context { state: AlertState::Resolved, ..absence(Presence::Predictions) },
            "fraud: predictions come again after 3 h 20 min",
        ),
        (
            Context { state: AlertState::Resolved, cause: AlertCause::Gone, ..absence(Presence::Labels) },
            "fraud: labels are not waited for any more, after 3 h 20 min",
        ),
        (
            Context { model: "".into(), state: AlertState::Resolved, ..absence(Presence::Source) },
            "records come again after 3 h 20 min",
        ),
    ] {
        assert_eq!(summary(&context), line);
    }
}

#[test]
fn lines_of_rules_and_groups_read_well() {
    for (context, line) in [
        (
            group(12, &["amount", "age", "country", "city"]),
            "fraud: feature_drift fires for 12 of 40: amount, age, country and 9 more",
        ),
        (group(2, &["amount", "age"]), "fraud: feature_drift fires for 2 of 40: amount and age"),
        (group(1, &["amount"]), "fraud: feature_drift fires for 1 of 40: amount"),
        (group(5, &[]), "fraud: feature_drift fires for 5 of 40"),
        (
            Context { state: AlertState::Resolved, open_ms: Some(90 * MINUTE), ..group(0, &[]) },
            "fraud: feature_drift is over after 1 h 30 min; it fires for none of 40",
        ),
        (rules(&["a", "b", "c"], true), "fraud: trouble: a, b and c fire together"),
        (rules(&["a"], false), "fraud: trouble: a fires, one of 3 rules"),
        (rules(&["a", "b"], false), "fraud: trouble: a and b fire, 2 of 3 rules"),
        (
            Context { state: AlertState::Resolved, open_ms: Some(DAY), ..rules(&[], true) },
            "fraud: trouble is over after 1 day",
        ),
        (Context { state: AlertState::Ok, ..rules(&[], true) }, "fraud: trouble: good again before it was an alert"),
    ] {
        assert_eq!(summary(&context), line);
    }
}

#[test]
fn details_go_before_the_line_is_cut() {
    let worst = Contributor { name: "x".repeat(280).into(), value: 0.5, count: 1, is_final: true };
    let line = summary(&firing(|of| (of.worst, of.of) = (vec![worst], 1)));
    assert_eq!(line, "fraud: recall 0.71 (0.66–0.75) < 0.80");
    let line = summary(&Context { segment: "y\n".repeat(280).into(), ..firing(|_| ()) });
    assert!(line.chars().count() == MOST && line.ends_with('…') && !line.contains('\n'), "{line}");
}

proptest! {
    #[test]
    fn any_line_is_one_short_line(
        numbers in prop::collection::vec(prop::option::of(proptest::num::f64::NORMAL), 7),
        state in prop::sample::select(AlertState::ALL.to_vec()),
        cause in prop::sample::select(AlertCause::ALL.to_vec()),
        kind in 0usize..3,
        (bad, of) in (0u32..5, 0u32..5),
        model in ".{0,200}",
        open_ms in prop::option::of(any::<i64>()),
    ) {
        let change = |measured: &mut Measured| {
            (measured.value, measured.lower, measured.upper) = (numbers[0], numbers[1], numbers[2]);
            (measured.threshold_lower, measured.threshold_upper) = (numbers[3], numbers[4]);
            (measured.baseline, measured.coverage, measured.bad, measured.of) = (numbers[5], numbers[6], bad, of);
            measured.compared = match kind {
                0 => Compared::Static,
                1 => Compared::Relative { baseline: Baseline::Previous, unit: Unit::Percent, difference: numbers[6] },
                _ => Compared::Dynamic { baseline: Baseline::Trailing { windows: 9 } },
            };
        };
        let line = summary(&Context { state, cause, open_ms, model: model.into(), ..firing(change) });
        prop_assert!(line.chars().count() <= MOST && !line.contains(char::is_control));
        prop_assert!(!line.contains("NaN") && !line.is_empty());
    }
}
