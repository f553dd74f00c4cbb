//! Sweeps: how they are read, and the rules that they make.

use super::key;
use super::sweep::Sweep;
use crate::config::{Config, parse_rules};
use crate::event::alert::{AlertSettings, Condition, Watch};

const RULES: &str = "rules:
  - {id: recall-low, metric: recall, min: 0.8, fire: 2}
  - {id: a.b, metric: recall, warning: {min: 0.8}, critical: {min: 0.7}, clear: {min: 0.85}, fire: {windows: 2, of: 3}}
  - {id: a, metric: mean_score, dynamic: {trailing: 28}, least: 0.01, provisional: true, maturity: {wait: 2h}}
  - {id: drop, metric: recall, compared_with: previous, fall: 5%}
  - {id: silent, absent: predictions, for: 2h}
  - {id: both, all_of: [recall-low, drop]}
";

fn settings() -> AlertSettings {
    parse_rules(RULES, "r.yaml", &Config::default()).unwrap_or_else(|problems| panic!("{problems}")).0
}

fn values(text: &str) -> Vec<String> {
    let sweep = Sweep::parse(text, &settings()).unwrap();
    sweep.values.iter().map(|value| sweep.kind.written(*value)).collect()
}

#[test]
fn values_lie_in_equal_steps_and_probabilities_in_equal_ratios() {
    assert_eq!(values("recall-low.min=0.6..0.9/7"), ["0.6", "0.65", "0.7", "0.75", "0.8", "0.85", "0.9"]);
    assert_eq!(values("recall-low.min = 0.6 .. 0.9"), values("recall-low.min=0.6..0.9/7"), "seven of them");
    assert_eq!(values("a.alpha=0.0001..0.1/4"), ["0.0001", "0.001", "0.01", "0.1"]);
    assert_eq!(values("recall-low.fire=1..3/5"), ["1", "2", "3"], "whole numbers, each once");
    assert_eq!(values("recall-low.fire.windows=1..2/2"), ["1", "2"], "of as many");
    assert_eq!(values("drop.fall=5%..10%/2"), ["5%", "10%"]);
    assert_eq!(values("silent.for=1h..3h/3"), ["1h", "2h", "3h"]);
    assert_eq!(values("a.maturity.coverage=50%..1/2"), ["0.5", "1"]);
    assert_eq!(values("a.b.critical.min=0.5..0.7/2"), ["0.5", "0.7"], "the longest id that fits");
}

#[test]
fn every_number_of_a_rule_can_be_read_and_changed() {
    let settings = settings();
    let mut seen = Vec::new();
    for rule in settings.defaults.iter() {
        for name in key::names(rule) {
            let (kind, value) = key::value(rule, &name).unwrap();
            let other = value.unwrap_or(7_200_000.0) * 2.0 + 3.0;
            let mut changed = rule.clone();
            assert!(key::set(&mut changed, &name, other));
            assert_eq!(key::value(&changed, &name), Some((kind, Some(other))), "{name}");
            assert!(key::set(&mut changed, &name, value.unwrap_or(0.0)));
            assert!(value.is_none() || changed == *rule, "{name} leaves the rest as it is");
            seen.push(format!("{}.{name}", rule.id));
        }
    }
    for name in [
        "recall-low.min",
        "recall-low.min_count",
        "a.b.warning.min",
        "a.b.clear.min",
        "a.b.fire.of",
        "a.least",
        "a.dynamic.trailing",
        "drop.fall",
        "both.cooldown",
    ] {
        assert!(seen.contains(&name.to_owned()), "{name}: {seen:?}");
    }
}

#[test]
fn a_fall_is_written_above_zero_and_held_below() {
    let settings = settings();
    let sweep = Sweep::parse("drop.fall=2%..4%/2", &settings).unwrap();
    let with = Sweep::with_variants(&settings, &[sweep]);
    let falls = with.defaults.iter().filter(|rule| Sweep::is_variant(&rule.id)).map(|rule| match &rule.watch {
        Watch::Metric { condition: Condition::Relative { limits, .. }, .. } => limits.0[0].1.min.unwrap(),
        other => panic!("{other:?}"),
    });
    assert_eq!(falls.collect::<Vec<_>>(), [-2.0, -4.0]);
}

#[test]
fn copies_stand_beside_the_rules_and_nobody_names_them() {
    let settings = settings();
    let sweeps =
        ["recall-low.min=0.6..0.9/2", "recall-low.min=0.5..0.6/2"].map(|s| Sweep::parse(s, &settings).unwrap());
    let with = Sweep::with_variants(&settings, &sweeps);
    assert_eq!(with.defaults[..6], settings.defaults[..], "the rules themselves stay");
    let ids: std::collections::BTreeSet<_> = with.defaults.iter().map(|rule| rule.id.clone()).collect();
    assert_eq!(ids.len(), 6 + 4, "each has an id of its own");
}

#[test]
fn sweeps_that_cannot_be_meant_say_why() {
    for (text, part) in [
        ("recall-low.min", "write `RULE.KEY=FROM..TO`"),
        ("recall-low.min=0.6", "write `RULE.KEY=FROM..TO`"),
        ("recall-low=0.6..0.9", "write `recall-low.min=…`"),
        ("recal-low.min=0.6..0.9", "did you mean `recall-low`?"),
        ("xyz.min=0.6..0.9", "there are `recall-low`, `a.b`, `a`, `drop`, `silent`, `both`"),
        ("recall-low.mni=0.6..0.9", "did you mean `min`?"),
        ("recall-low.max=0.6..0.9", "`recall-low` has no number `max`"),
        ("a.b.min=0.6..0.9", "it has `warning.min`, `critical.min`, `clear.min`, `min_count`"),
        ("recall-low.min=0.9..0.6", "nothing lies from `0.9` to `0.6`"),
        ("recall-low.min=0.6..0.6", "nothing lies from"),
        ("recall-low.min=low..0.9", "`low` is not a number"),
        ("recall-low.min=0.6..NaN", "`NaN` is not a number"),
        ("recall-low.min=60..90", "`recall` is never `60`: its range is [0, 1]"),
        ("recall-low.min=0.6..0.9/1", "from 2 to 100"),
        ("recall-low.min=0.6..0.9/x", "from 2 to 100"),
        ("recall-low.fire=0..3", "`0` is not a whole number from 1 to 64"),
        ("a.b.fire.windows=2..4", "4 windows of 3"),
        ("a.b.critical.min=0.5..0.8/2", "with `0.8`, `critical` is reached no later than `warning`"),
        ("a.alpha=0..0.1", "`0` is not a probability"),
        ("drop.fall=0.05..0.1", "a percentage such as `5%`"),
        ("silent.for=1..3", "`1` is no duration"),
    ] {
        let said = Sweep::parse(text, &settings()).unwrap_err();
        assert!(
            said.contains(part) && said.starts_with(&format!("--sweep `{text}`: ")),
            "{part} is missing in: {said}"
        );
    }
}
