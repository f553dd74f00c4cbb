//! Named cases about what stands beside windows: other alerts, people, the clock, caps.

use super::*;
use crate::event::Weekday;
use crate::event::alert::{ActiveHours, Matcher, Pattern, Presence, Silence};
use AlertCause::*;
use AlertState::*;

fn of_segments(id: &str, group: bool) -> AlertRule {
    let mut rule = AlertRule { group, ..rule(id, gates()) };
    let Watch::Metric { select, .. } = &mut rule.watch else { panic!("a metric") };
    select.segment = Some(Pattern::new("country=*"));
    rule
}

fn absence(of: Presence, for_ms: Millis) -> AlertRule {
    let watch = Watch::Absence { of, for_ms, severity: Severity::Critical, model: None };
    AlertRule { watch, ..rule("absent", gates()) }
}

fn predictions(version: &str, window: i64, count: f64) -> MetricRow {
    let metric = "predictions".into();
    MetricRow { metric, model_version: version.into(), is_final: false, ..row(window, count) }
}

fn silence(matcher: Matcher, to_ms: Millis) -> Arc<Control> {
    let silence = Silence { matcher, from_ms: 0, to_ms, by: "ana".into(), comment: "known".into() };
    Arc::new(Control { silences: [("s".into(), silence)].into(), ..Control::default() })
}

fn rules_of(world: &World) -> Vec<(&str, AlertState, Option<&str>)> {
    world.told.iter().map(|row| (&*row.rule, row.state, row.suppressed_by.as_deref())).collect()
}

#[test]
fn a_silence_holds_back_what_begins_and_lets_pass_what_ends() {
    let mut world = World::new(vec![rule("low", gates())]);
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window)]);
    world.alerts.set_control(silence(Matcher { rule: Some(Pattern::new("l*")), ..Matcher::default() }, 5));
    assert_eq!(world.see([row(1, 0.9)]), [(Resolved, Window)]);
    assert_eq!(world.see([row(2, 0.7)]), [(Pending, Window)]);
    assert_eq!(world.told[2].suppressed_by.as_deref(), Some("silence"));
    assert_eq!(world.see([]), []);
    assert_eq!(world.see([]), [(Firing, Time)], "it is over");
    world.alerts.set_control(silence(Matcher { rule: Some(Pattern::new("other")), ..Matcher::default() }, 99));
    assert_eq!(world.see([row(3, 0.9)]), [(Resolved, Window)]);
    assert_eq!(world.see([row(4, 0.7)]), [(Firing, Window)], "it is about another rule");
}

#[test]
fn what_becomes_worse_while_it_is_silenced_waits() {
    let mut world = World::new(vec![rule("low", gates())]);
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window)]);
    world.alerts.set_control(silence(Matcher::default(), 5));
    assert_eq!(world.see([row(1, 0.1)]), []);
    (world.now, world.told) = (4, Vec::new());
    assert_eq!(world.see([]), [(Firing, Time)]);
    assert_eq!(world.told[0].severity, Severity::Critical);
}

#[test]
fn nobody_is_told_outside_of_active_hours() {
    let days = Weekday::ALL.to_vec();
    let hours = ActiveHours { days, from_minute: 60, to_minute: 120, offset_minutes: 0 };
    let mut world = World::new(vec![rule("low", Gates { active: Some(hours), ..gates() })]);
    assert_eq!(world.see([row(0, 0.7)]), [(Pending, Window)]);
    assert_eq!(world.told[0].suppressed_by.as_deref(), Some("inactive_hours"));
    world.now = 3_600_000;
    assert_eq!(world.see([]), [(Firing, Time)]);
}

#[test]
fn a_parent_inhibits_its_children_and_lets_them_go_when_it_ends() {
    let child = Gates { inhibited_by: vec!["low".into()], ..gates() };
    let mut world = World::new(vec![rule("low", gates()), AlertRule { gates: child, ..of_segments("child", false) }]);
    world.see([row(0, 0.7), in_segment("DE", row(0, 0.1))]);
    world.see([row(1, 0.9), in_segment("DE", row(1, 0.1))]);
    let expected = [
        ("low", Firing, None),
        ("child", Pending, Some("inhibited")),
        ("low", Resolved, None),
        ("child", Firing, None),
    ];
    assert_eq!(rules_of(&world), expected);
}

#[test]
fn a_group_is_one_alert_that_lists_its_members() {
    let mut world = World::new(vec![of_segments("each", true)]);
    let at = |window: i64, bad: &[&str]| {
        let value = |name: &str| if bad.contains(&name) { 0.1 } else { 0.9 };
        ["A", "B", "C"].map(|name| in_segment(name, row(window, value(name))))
    };
    assert_eq!(world.see(at(0, &["A"])), [(Firing, Window)]);
    assert_eq!(world.see(at(1, &["A", "B"])), []);
    assert_eq!(world.see(at(2, &["B", "C"])), []);
    assert_eq!(world.see(at(3, &[])), [(Resolved, Window)]);
    assert_eq!((&*world.told[0].segment_key, world.told[0].value, world.told[0].count), ("", Some(1.0), Some(3)));
    let evidence: serde_json::Value = serde_json::from_str(&world.told[0].evidence).expect("JSON");
    assert_eq!(evidence["members"][0]["segment_value"], "A");
}

#[test]
fn a_rule_about_rules_fires_where_all_or_one_of_them_does() {
    let of = |id: &str, all| AlertRule {
        watch: Watch::Rules { rules: vec!["low".into(), "child".into()], all, severity: None },
        ..rule(id, gates())
    };
    let mut lower = rule("child", gates());
    let Watch::Metric { condition: Condition::Static { limits, .. }, .. } = &mut lower.watch else { panic!("static") };
    *limits = BySeverity(vec![(Severity::Info, Limits { min: Some(0.3), max: None })]);
    let quiet = |rule| AlertRule { notify: false, ..rule };
    let mut world = World::new(vec![quiet(rule("low", gates())), quiet(lower), of("both", true), of("any", false)]);
    world.see([row(0, 0.7)]);
    world.see([row(1, 0.2)]);
    world.see([row(2, 0.9)]);
    let expected = [("any", Firing, None), ("both", Firing, None), ("any", Firing, None)];
    assert_eq!(rules_of(&world)[..3], expected, "as bad as the worst of them");
    assert_eq!(rules_of(&world)[3..], [("both", Resolved, None), ("any", Resolved, None)]);
}

/// Something comes of the model, at the clock of the world.
fn note(world: &mut World, versions: &[&str]) {
    let versions: Vec<Arc<str>> = versions.iter().map(|version| (*version).into()).collect();
    world.alerts.note(&"m".into(), &versions.iter().collect::<Vec<_>>(), false, world.now);
}

#[test]
fn silence_of_a_model_is_found_by_the_clock_and_ends_with_its_next_prediction() {
    let mut world = World::new(vec![absence(Presence::Predictions, 100)]);
    note(&mut world, &[""]);
    assert_eq!(world.see([]), []);
    world.now = 80;
    note(&mut world, &[""]);
    assert_eq!(world.see([]), []);
    world.now = 178;
    assert_eq!(world.see([]), [], "80 was the last");
    assert_eq!(world.see([]), [(NoData, Time)]);
    assert_eq!((world.told[0].started_at, world.told[0].value), (Some(80), Some(100.0)));
    assert_eq!(world.see([predictions("", 0, 6.0)]).len(), 1, "something came");
    assert_eq!(world.told[1].state, Resolved);
}

#[test]
fn what_did_not_come_while_nobody_looked_is_not_missed_and_what_is_missed_stays_so() {
    let mut world = World::new(vec![absence(Presence::Predictions, 100)]);
    note(&mut world, &[""]);
    world.now = 59;
    assert_eq!(world.see([]), []);
    world.restart(&Arc::default());
    world.alerts.resume(10_060);
    world.now = 10_060;
    assert_eq!(world.see([]), []);
    world.now = 10_158;
    assert_eq!(world.see([]), [], "it waits anew");
    assert_eq!(world.see([]), [(NoData, Time)]);
    world.restart(&Arc::default());
    world.alerts.resume(20_000);
    world.now = 20_000;
    assert_eq!(world.see([]), [], "nothing has come");
    note(&mut world, &["7"]);
    assert_eq!(world.see([]), [(Resolved, Time)]);
}

#[test]
fn a_version_is_missed_while_its_model_has_others() {
    let mut world = World::new(vec![absence(Presence::Version, 100)]);
    note(&mut world, &["1", "2"]);
    world.now = 90;
    note(&mut world, &["2"]);
    world.now = 150;
    assert_eq!(world.see([]), [(NoData, Time)]);
    assert_eq!(&*world.told[0].model_version, "1");
    world.now = 500;
    assert_eq!(world.see([]), [], "now the model itself is silent");
    note(&mut world, &["1"]);
    // Whoever is missing now is the other one.
    assert_eq!(world.see([]), [(Resolved, Time), (NoData, Time)]);
}

#[test]
fn a_rule_about_rules_knows_of_absence() {
    let watch = Watch::Rules { rules: vec!["absent".into(), "low".into()], all: false, severity: None };
    let any = AlertRule { watch, ..rule("any", gates()) };
    let mut world = World::new(vec![absence(Presence::Predictions, 100), rule("low", gates()), any]);
    note(&mut world, &[""]);
    world.now = 100;
    world.see([]);
    note(&mut world, &[""]);
    world.see([]);
    let told = rules_of(&world).into_iter().map(|(rule, state, _)| (rule, state)).collect::<Vec<_>>();
    assert_eq!(told, [("absent", NoData), ("any", Firing), ("absent", Resolved), ("any", Resolved)]);
}

#[test]
fn a_source_that_stalls_is_told_once_for_all_models() {
    let mut world = World::new(vec![absence(Presence::Source, 100)]);
    let evaluate = |alerts: &mut Alerts, now| {
        let mut told = Vec::new();
        alerts.evaluate(now, |_| Progress::default(), |row| told.push((row.model_id, row.state)));
        told
    };
    world.now = 10;
    note(&mut world, &["1"]);
    assert_eq!(evaluate(&mut world.alerts, 10), []);
    assert_eq!(evaluate(&mut world.alerts, 109), []);
    assert_eq!(evaluate(&mut world.alerts, 110), [("".into(), NoData)]);
    world.now = 120;
    note(&mut world, &["1"]);
    assert_eq!(evaluate(&mut world.alerts, 120), [("".into(), Resolved)]);
    world.alerts.leave_source();
    assert_eq!(evaluate(&mut world.alerts, 999), [], "another partition says it");
}

#[test]
fn a_group_cools_down_too() {
    let gates = Gates { cooldown_ms: 25, ..gates() };
    let mut world = World::new(vec![AlertRule { gates, ..of_segments("each", true) }]);
    let told: Vec<_> = [0.1, 0.9, 0.1, 0.1, 0.1]
        .into_iter()
        .zip(0..)
        .map(|(value, window)| world.see([in_segment("A", row(window, value))]))
        .collect();
    assert_eq!(told, [vec![(Firing, Window)], vec![(Resolved, Window)], vec![], vec![], vec![(Firing, Window)]]);
}

#[test]
fn a_rule_about_rules_is_looked_at_again_when_rules_change() {
    let any = |parts: [&str; 2]| AlertRule {
        watch: Watch::Rules { rules: parts.map(Into::into).to_vec(), all: false, severity: None },
        ..rule("any", gates())
    };
    let mut lower = rule("lower", gates());
    let Watch::Metric { condition: Condition::Static { limits, .. }, .. } = &mut lower.watch else { panic!("static") };
    *limits = BySeverity(vec![(Severity::Info, Limits { min: Some(0.3), max: None })]);
    let rules = |parts| vec![rule("low", gates()), lower.clone(), rule("other", gates()), any(parts)];
    let mut world = World::new(rules(["low", "lower"]));
    world.see([row(0, 0.7)]);
    let other = settings(rules(["lower", "lower"]));
    world.alerts.change_settings(&other);
    world.settings = other;
    world.see([]);
    let last = world.told.last().expect("something was told");
    assert_eq!((&*last.rule, last.state), ("any", Resolved));
}

#[test]
fn no_more_alerts_of_a_rule_are_open_than_the_cap_and_others_follow() {
    let mut settings = settings(vec![of_segments("each", false)]);
    Arc::make_mut(&mut Arc::make_mut(&mut settings).alerts).caps.open = 2;
    let mut world = World::of(settings);
    let names = ["A", "B", "C"];
    world.see(names.map(|name| in_segment(name, row(0, 0.1))));
    let count = |world: &World, state| world.told.iter().filter(|row| row.state == state).count();
    assert_eq!((count(&world, Firing), count(&world, Pending)), (2, 1));
    let held = world.told.iter().find(|row| row.state == Pending).expect("one is held back");
    assert_eq!(held.suppressed_by.as_deref(), Some("too_many"));
    let firing = world.told.iter().find(|row| row.state == Firing).expect("one").segment_value.clone();
    let value = |name: &str| if name == &*firing { 0.9 } else { 0.1 };
    world.see(names.map(|name| in_segment(name, row(1, value(name)))));
    assert_eq!((count(&world, Firing), count(&world, Resolved)), (3, 1));
    assert_eq!(world.alerts.open_count(), 2);
}

#[test]
fn series_over_the_cap_are_counted() {
    let mut settings = settings(vec![of_segments("each", false)]);
    Arc::make_mut(&mut Arc::make_mut(&mut settings).alerts).caps.series = 2;
    let mut world = World::of(settings);
    world.see(["A", "B", "C"].map(|name| in_segment(name, row(0, 0.1))));
    assert_eq!((world.told.len(), world.alerts.over_cap(), world.alerts.held()), (2, 1, (2, 2)));
}
