//! What is told of final windows is the same, change by change, however the records went through the tasks.

use super::against::{CASES, cases};
use super::drive::{Plan, Run, plans, run};
use super::naive::AtEnd;
use super::world::{Memory, World, worlds};
use postdict::event::alert::{
    AlertRow, AlertRule, AlertSettings, AlertState, Baseline, BySeverity, Condition, Gates, Limits, Pattern, Selector,
    Severity, Unit, Watch,
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

/// Rules that many worlds break: about counts, coverage, and how they change.
fn rules() -> Vec<AlertRule> {
    let fixed = |limits| Condition::Static { limits, certain: false };
    let many = |most| rule("many", "predictions", fixed(limits(None, Some(most))));
    let uncovered = rule("uncovered", "label_coverage", fixed(limits(Some(0.7), None)));
    let relative = Condition::Relative {
        baseline: Baseline::Trailing { windows: 1 },
        unit: Unit::Percent,
        limits: limits(Some(-40.0), Some(40.0)),
        certain: false,
    };
    vec![
        many(2.0),
        AlertRule { id: "many-in-segment".into(), ..of_segments(many(1.0)) },
        AlertRule { id: "group".into(), group: true, ..of_segments(many(1.0)) },
        AlertRule { gates: Gates { fire: 2, of: 3, clear: 2, min_count: 0, ..Gates::default() }, ..uncovered.clone() },
        AlertRule {
            id: "again".into(),
            gates: Gates { cooldown_ms: 5_000, inhibited_by: vec!["many".into()], min_count: 0, ..Gates::default() },
            repeat_ms: Some(3_000),
            ..uncovered
        },
        rule("jump", "predictions", relative),
        AlertRule {
            watch: Watch::Rules { rules: vec!["many".into(), "uncovered".into()], all: true, severity: None },
            ..rule("both", "", fixed(limits(None, None)))
        },
    ]
}

fn told(run: &Run) -> BTreeMap<Arc<str>, Vec<AlertRow>> {
    let mut by_alert: BTreeMap<Arc<str>, Vec<AlertRow>> = BTreeMap::new();
    for row in &run.alerts {
        let row = AlertRow { evaluated_at: 0, ..row.clone() };
        by_alert.entry(Arc::clone(&row.alert_id)).or_default().push(row);
    }
    by_alert
}

fn check(mut world: World, plan: &Plan, at_end: AtEnd) {
    let alerts = AlertSettings { defaults: Arc::new(rules()), ..AlertSettings::default() };
    Arc::make_mut(&mut world.settings).alerts = Arc::new(alerts);
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
        let mut world = worlds(Memory::All).new_tree(&mut runner).expect("a world").current();
        let alerts = AlertSettings { defaults: Arc::new(rules()), ..AlertSettings::default() };
        Arc::make_mut(&mut world.settings).alerts = Arc::new(alerts);
        for row in run(&world, &Plan::simple(), AtEnd::Close).alerts {
            *seen.entry((row.rule, row.state)).or_default() += 1;
        }
    }
    for rule in rules() {
        for state in [AlertState::Firing, AlertState::Resolved] {
            assert!(seen.contains_key(&(Arc::clone(&rule.id), state)), "{} is never {state:?}: {seen:?}", rule.id);
        }
    }
}
