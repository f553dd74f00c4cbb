//! What is told of final windows is the same, change by change, however the records went through the tasks.

use super::against::{CASES, cases};
use super::drive::{Plan, Run, plans, run};
use super::naive::AtEnd;
use super::world::{Memory, World, worlds};
use postdict::event::WindowSpec;
use postdict::event::alert::{
    AlertCaps, AlertRow, AlertRule, AlertSettings, AlertState, Baseline, BySeverity, Condition, Gates, Limits, Pattern,
    Selector, Severity, Unit, Watch,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

fn rule(id: &str, metric: &str, condition: Condition) -> AlertRule {
    AlertRule {
        id: id.into(),
        watch: Watch::Metric { metric: metric.into(), select: Selector::default(), condition },
        gates: Gates { min_count: 0, ..Gates::default() },
        repeat_ms: None,
        group: false,
        notify: true,
        labels: BTreeMap::new(),
        summary: None,
        dashboard: None,
        runbook: None,
    }
}

fn limits(min: Option<f64>, max: Option<f64>) -> BySeverity<Limits> {
    BySeverity(vec![(Severity::Warning, Limits { min, max })])
}

fn of_segments(mut rule: AlertRule) -> AlertRule {
    let Watch::Metric { select, .. } = &mut rule.watch else { panic!("a metric") };
    select.segment = Some(Pattern::new("*"));
    rule
}

/// A rule that judges windows early, whose alerts are not compared: others are about the same series.
const EARLY: &str = "early";

/// Rules that many worlds break: about counts, coverage, and how they change. `large_ms`: size of the model's largest windows.
fn rules(large_ms: i64) -> Vec<AlertRule> {
    let fixed = |limits| Condition::Static { limits, certain: false };
    let many = |most| rule("many", "predictions", fixed(limits(None, Some(most))));
    let uncovered = rule("uncovered", "label_coverage", fixed(limits(Some(0.7), None)));
    let relative = Condition::Relative {
        baseline: Baseline::Trailing { windows: 1 },
        unit: Unit::Percent,
        limits: limits(Some(-40.0), Some(40.0)),
        certain: false,
    };
    let mut large = many(3.0);
    let Watch::Metric { select, .. } = &mut large.watch else { panic!("a metric") };
    select.window_size_ms = Some(large_ms);
    let mut warm = many(1.0);
    let Watch::Metric { select, .. } = &mut warm.watch else { panic!("a metric") };
    select.version = Some(Pattern::new("*"));
    let of_rules = |id: &str, rules: [&str; 2], all| AlertRule {
        watch: Watch::Rules { rules: rules.map(Arc::from).into(), all, severity: None },
        ..rule(id, "", fixed(limits(None, None)))
    };
    vec![
        AlertRule { id: "large".into(), ..large },
        of_rules("either", ["many", "large"], false),
        AlertRule {
            id: "inhibited".into(),
            gates: Gates { inhibited_by: vec!["large".into()], min_count: 0, ..Gates::default() },
            ..of_segments(many(1.0))
        },
        AlertRule { id: "warm".into(), gates: Gates { warm_up_ms: 4_000, min_count: 0, ..Gates::default() }, ..warm },
        AlertRule {
            id: EARLY.into(),
            gates: Gates { provisional: true, min_count: 0, ..Gates::default() },
            ..of_segments(many(1.0))
        },
        AlertRule {
            id: "early-whole".into(),
            gates: Gates { provisional: true, min_count: 0, ..Gates::default() },
            ..many(1.0)
        },
        rule("drifted", "drifted_share", fixed(limits(None, Some(0.1)))),
        many(2.0),
        AlertRule { id: "many-in-segment".into(), ..of_segments(many(1.0)) },
        AlertRule { id: "group".into(), group: true, repeat_ms: Some(7_000), ..of_segments(many(1.0)) },
        AlertRule { gates: Gates { fire: 2, of: 3, clear: 2, min_count: 0, ..Gates::default() }, ..uncovered.clone() },
        AlertRule {
            id: "again".into(),
            gates: Gates { cooldown_ms: 5_000, inhibited_by: vec!["many".into()], min_count: 0, ..Gates::default() },
            repeat_ms: Some(3_000),
            ..uncovered
        },
        rule("jump", "predictions", relative),
        of_rules("both", ["many", "uncovered"], true),
    ]
}

/// The world with these rules.
fn ruled(mut world: World) -> World {
    let largest = |windows: &[WindowSpec]| windows.iter().map(|window| window.size_ms).max().expect("windows");
    let settings = Arc::make_mut(&mut world.settings);
    let of_models = settings.models.iter();
    let models = of_models.map(|(id, model)| (id.clone(), Arc::new(rules(largest(&model.windows))))).collect();
    let defaults = Arc::new(rules(largest(&settings.defaults.windows)));
    let caps = AlertCaps { open: 2, ..AlertCaps::default() };
    settings.alerts = Arc::new(AlertSettings { defaults, models, caps, ..AlertSettings::default() });
    world
}

fn told(run: &Run) -> BTreeMap<Arc<str>, Vec<AlertRow>> {
    let mut by_alert: BTreeMap<Arc<str>, Vec<AlertRow>> = BTreeMap::new();
    for row in run.alerts.iter().filter(|row| !row.rule.starts_with(EARLY)) {
        let row = AlertRow { evaluated_at: 0, ..row.clone() };
        by_alert.entry(Arc::clone(&row.alert_id)).or_default().push(row);
    }
    by_alert
}

fn check(world: World, plan: &Plan, at_end: AtEnd) {
    let world = ruled(world);
    let reference = run(&world, &Plan::simple(), at_end);
    let other = run(&world, plan, at_end);
    let (left, right) = (told(&reference), told(&other));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (id, told) in &left {
        assert_eq!(told, &right[id]);
        assert!(told.iter().zip(1..).all(|(row, sequence)| row.sequence == sequence));
    }
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn what_is_told_of_final_windows_is_the_same_for_any_order_batches_partitions_and_threads(
        world in worlds(Memory::All),
        plan in plans(),
    ) {
        check(world, &plan, AtEnd::Hold);
    }

    #[test]
    fn what_is_told_when_all_is_closed_is_the_same_too(world in worlds(Memory::All), plan in plans()) {
        check(world, &plan, AtEnd::Close);
    }
}

#[test]
fn worlds_break_the_rules() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<(Arc<str>, AlertState), usize> = BTreeMap::new();
    for _ in 0..40 {
        let world = ruled(worlds(Memory::All).new_tree(&mut runner).expect("a world").current());
        for row in run(&world, &Plan::simple(), AtEnd::Close).alerts {
            *seen.entry((row.rule, row.state)).or_default() += 1;
        }
    }
    for rule in rules(0) {
        for state in [AlertState::Firing, AlertState::Resolved] {
            // Few worlds have windows enough after one that drifted.
            if *rule.id == *"drifted" && state == AlertState::Resolved {
                continue;
            }
            assert!(seen.contains_key(&(Arc::clone(&rule.id), state)), "{} is never {state:?}: {seen:?}", rule.id);
        }
    }
}
