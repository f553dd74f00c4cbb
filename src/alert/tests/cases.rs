//! Named cases about windows.

use super::*;
use AlertCause::*;
use AlertState::*;

#[test]
fn an_alert_comes_once_and_ends() {
    let mut world = World::new(vec![rule("low", gates())]);
    assert_eq!(world.see([row(0, 0.9)]), []);
    assert_eq!(world.see([row(1, 0.7)]), [(Firing, Window)]);
    assert_eq!(world.see([row(2, 0.7)]), []);
    assert_eq!(world.see([row(3, 0.4)]), [(Firing, Window)], "it has become critical");
    assert_eq!(world.see([row(4, 0.9)]), [(Resolved, Window)]);
    let told: Vec<_> = world.told.iter().map(|row| (row.sequence, row.severity, row.previous_state)).collect();
    assert_eq!(told, [(1, Severity::Warning, Ok), (2, Severity::Critical, Firing), (3, Severity::Critical, Firing)]);
    let last = &world.told[2];
    assert_eq!((last.started_at, last.resolved_at, last.window_end), (Some(20), Some(50), Some(50)));
    let first = &world.told[0];
    assert_eq!((first.value, first.threshold_lower, first.count), (Some(0.7), Some(0.8), Some(100)));
    assert!(world.told.iter().all(|row| row.alert_id == first.alert_id));
}

#[test]
fn windows_with_too_few_rows_or_without_a_value_do_not_count() {
    let mut world = World::new(vec![rule("low", gates())]);
    assert_eq!(world.see([MetricRow { count: 9, ..row(0, 0.1) }]), []);
    assert_eq!(world.see([MetricRow { value: None, ..row(1, 0.1) }]), []);
}

#[test]
fn windows_are_judged_in_the_order_of_their_time() {
    let mut world = World::new(vec![rule("low", gates())]);
    world.take([MetricRow { is_final: false, ..row(0, 0.9) }]);
    assert_eq!(world.see([row(1, 0.9)]), [], "it waits for the one before it");
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window), (Resolved, Window)]);
}

#[test]
fn a_window_that_is_not_final_counts_if_the_rule_says_so_once_it_has_ended_and_is_mature() {
    let provisional = Gates { provisional: true, ..gates() };
    let mut world = World::new(vec![rule("low", provisional)]);
    let growing = |coverage| MetricRow { is_final: false, label_coverage: Some(coverage), ..row(0, 0.7) };
    assert_eq!(world.see([growing(1.0)]), [], "it has not ended");
    world.watermark = 10;
    assert_eq!(world.see([]), [(Firing, Window)]);
    let mut world = World::new(vec![rule("low", Gates { provisional: true, ..gates() })]);
    world.watermark = 10;
    assert_eq!(world.see([growing(0.5)]), [], "labels are missing");
    assert_eq!(world.see([growing(0.9)]), [(Firing, Window)]);
}

#[test]
fn a_window_is_mature_after_the_wait_too() {
    let maturity = crate::event::alert::Maturity { coverage: 0.9, wait_ms: Some(25) };
    let mut world = World::new(vec![rule("low", Gates { provisional: true, maturity, ..gates() })]);
    world.watermark = 34;
    assert_eq!(world.see([MetricRow { is_final: false, label_coverage: Some(0.1), ..row(0, 0.7) }]), []);
    world.watermark = 35;
    assert_eq!(world.see([]), [(Firing, Window)]);
}

#[test]
fn a_revised_window_raises_and_takes_back() {
    let mut world = World::new(vec![rule("low", Gates { provisional: true, ..gates() })]);
    world.watermark = 100;
    let open = |window, value| MetricRow { is_final: false, ..row(window, value) };
    assert_eq!(world.see([open(0, 0.9)]), []);
    assert_eq!(world.see([open(0, 0.7)]), [(Firing, Window)], "nothing was remembered of it, as all was well");
    assert_eq!(world.see([open(0, 0.9)]), [(Resolved, Revision)]);
    assert_eq!(world.see([row(0, 0.6)]), [(Firing, Revision)]);
}

#[test]
fn maintenance_and_warm_up_leave_windows_out() {
    let maintenance = crate::event::alert::Maintenance { from_ms: 25, to_ms: 30, model: None };
    let mut settings = settings(vec![rule("low", gates())]);
    let own = Arc::make_mut(&mut settings);
    Arc::make_mut(&mut own.alerts).maintenance = vec![maintenance];
    let mut world = World::of(settings);
    assert_eq!(world.see([row(2, 0.1)]), []);
    assert_eq!(world.see([row(3, 0.1)]), [(Firing, Window)]);

    let select = Selector { version: Some(crate::event::alert::Pattern::new("*")), ..Selector::default() };
    let mut of_versions = rule("low", Gates { warm_up_ms: 15, ..gates() });
    let Watch::Metric { select: of_rule, .. } = &mut of_versions.watch else { panic!("a metric") };
    *of_rule = select;
    let mut world = World::new(vec![of_versions]);
    let of_version = |row: MetricRow| MetricRow { model_version: "7".into(), ..row };
    let predictions = MetricRow { metric: "predictions".into(), ..row(1, 100.0) };
    assert_eq!(world.see([of_version(predictions), of_version(row(1, 0.1))]), []);
    assert_eq!(world.see([of_version(row(2, 0.1))]), [], "it begins 10 ms after the first");
    assert_eq!(world.see([of_version(row(3, 0.1))]), [(Firing, Window)]);
}

#[test]
fn a_series_that_stops_while_the_model_goes_on_is_gone() {
    let mut of_segments = rule("low", gates());
    let Watch::Metric { select, .. } = &mut of_segments.watch else { panic!("a metric") };
    select.segment = Some(crate::event::alert::Pattern::new("country=*"));
    let mut world = World::new(vec![of_segments]);
    assert_eq!(world.see([in_segment("DE", row(0, 0.1)), in_segment("FR", row(0, 0.9))]), [(Firing, Window)]);
    for window in 1..3 {
        assert_eq!(world.see([in_segment("FR", row(window, 0.9))]), []);
    }
    assert_eq!(world.see([in_segment("FR", row(3, 0.9))]), [(Resolved, Gone)]);
    assert_eq!(world.see([in_segment("DE", row(4, 0.1))]), [(Firing, Window)]);
    assert_eq!(world.told.iter().map(|row| row.sequence).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn what_is_open_is_said_again_when_the_rule_says_so_unless_somebody_looks_after_it() {
    let mut world = World::new(vec![AlertRule { repeat_ms: Some(20), ..rule("low", gates()) }]);
    let told: Vec<_> = (0..5).map(|window| world.see([row(window, 0.7)])).collect();
    assert_eq!(told, [vec![(Firing, Window)], vec![], vec![(Firing, Repeat)], vec![], vec![(Firing, Repeat)]]);
    let said = crate::event::alert::Acknowledgement { started_at: 10, by: "ana".into(), comment: "".into(), at_ms: 0 };
    let id = Arc::clone(&world.told[0].alert_id);
    let control = Control { acknowledgements: [(id, said)].into(), ..Control::default() };
    world.alerts.set_control(Arc::new(control));
    assert_eq!(world.see([]), [(Firing, Acknowledgement)]);
    assert_eq!(world.told.last().and_then(|row| row.acknowledged_by.as_deref()), Some("ana"));
    let told: Vec<_> = (5..10).map(|window| world.see([row(window, 0.7)])).collect();
    assert_eq!(told.concat(), []);
    assert_eq!(world.see([row(10, 0.9)]), [(Resolved, Window)]);
    assert_eq!(world.see([row(11, 0.7)]), [(Firing, Window)]);
    assert_eq!(world.told.last().and_then(|row| row.acknowledged_by.clone()), None, "it was of the one before");
}

#[test]
fn what_is_open_is_said_again_by_the_time_of_windows_also_of_groups_and_after_somebody_spoke() {
    let group = AlertRule { group: true, repeat_ms: Some(20), ..rule("low", gates()) };
    for rule in [AlertRule { group: false, ..group.clone() }, group] {
        let mut world = World::new(vec![rule]);
        assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window)]);
        let said =
            crate::event::alert::Acknowledgement { started_at: 10, by: "ana".into(), comment: "".into(), at_ms: 0 };
        let id = Arc::clone(&world.told[0].alert_id);
        let control = Control { acknowledgements: [(id, said)].into(), ..Control::default() };
        // By the clock, it is much later.
        world.now = 1_000_000;
        assert_eq!(world.see([]), []);
        world.alerts.set_control(Arc::new(control));
        assert_eq!(world.see([]), [(Firing, Acknowledgement)]);
        world.alerts.set_control(Arc::default());
        assert_eq!(world.see([]), [(Firing, Acknowledgement)]);
        let told: Vec<_> = (1..4).map(|window| world.see([row(window, 0.7)])).collect();
        assert_eq!(told, [vec![], vec![(Firing, Repeat)], vec![]]);
    }
}

#[test]
fn a_window_that_is_not_final_repeats_nothing_of_rules_that_want_final_ones() {
    let early = AlertRule { repeat_ms: None, ..rule("early", Gates { provisional: true, ..gates() }) };
    let mut world = World::new(vec![AlertRule { repeat_ms: Some(10), ..rule("low", gates()) }, early]);
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window), (Firing, Window)]);
    let provisional = |window, value| MetricRow { is_final: false, ..row(window, value) };
    world.watermark = 1_000;
    assert_eq!(world.see([provisional(1, 0.7), provisional(2, 0.7)]), []);
    assert_eq!(world.see([row(1, 0.7)]), [(Firing, Repeat)]);
}

#[test]
fn windows_of_several_sizes_are_judged_by_their_ends_however_many_become_final_at_once() {
    let large = |start: i64, value| MetricRow {
        window_end: start * SIZE + 30,
        window_size_ms: 30,
        window_advance_ms: 30,
        ..row(start, value)
    };
    let mut of_large = rule("large", gates());
    let Watch::Metric { select, .. } = &mut of_large.watch else { panic!("a metric") };
    select.window_size_ms = Some(30);
    let gates = Gates { inhibited_by: vec!["large".into()], ..gates() };
    let rules = vec![of_large, rule("small", gates)];
    let rows = |window: i64| {
        let bad = if window < 6 { 0.1 } else { 0.9 };
        let large = (window % 3 == 2).then(|| large(window - 2, bad));
        [row(window, 0.1)].into_iter().chain(large)
    };
    let told = |together: i64| {
        let mut settings = settings(rules.clone());
        let of_model = &mut Arc::make_mut(&mut settings).defaults;
        Arc::make_mut(of_model).windows.push(WindowSpec { size_ms: 30, advance_ms: 30 });
        let mut world = World::of(settings);
        for first in (0..9).step_by(together as usize) {
            world.see((first..first + together).flat_map(rows));
        }
        world.told.into_iter().map(|row| (row.rule, row.state, row.window_end)).collect::<Vec<_>>()
    };
    let one_by_one = told(1);
    assert!(one_by_one.len() > 2, "{one_by_one:?}");
    assert_eq!((&told(3), &told(9)), (&one_by_one, &one_by_one));
}

#[test]
fn a_rule_that_is_taken_out_ends_its_alerts() {
    let mut world = World::new(vec![rule("low", gates()), rule("also", gates())]);
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window), (Firing, Window)]);
    let other = settings(vec![rule("also", gates())]);
    world.alerts.change_settings(&other);
    world.settings = other;
    world.restart(&Arc::default());
    assert_eq!(world.see([]), [(Resolved, RuleRemoved)]);
    assert_eq!(&*world.told[2].rule, "low");
    assert_eq!(world.see([row(1, 0.9)]), [(Resolved, Window)]);
    assert_eq!(&*world.told[3].rule, "also");
}

#[test]
fn the_worst_parts_of_a_window_are_in_the_evidence() {
    let mut world = World::new(vec![rule("low", gates())]);
    let parts = [("A", 0.2), ("B", 0.9), ("C", 0.1), ("D", 0.95), ("E", 0.8), ("F", 0.3), ("G", 0.99), ("H", 0.7)];
    world.take([row(0, 0.7)]);
    world.take(parts.map(|(name, value)| in_segment(name, row(0, value))));
    world.take([MetricRow { count: 5, ..in_segment("I", row(0, 0.0)) }]);
    world.judge();
    let evidence: serde_json::Value = serde_json::from_str(&world.told[0].evidence).expect("JSON");
    let names: Vec<_> = evidence["worst"].as_array().expect("a list").iter().map(|part| &part["name"]).collect();
    assert_eq!(names, ["country=C", "country=A", "country=F"]);
}

#[test]
fn features_that_drifted_are_parts_of_the_share_from_the_first_window_on_as_far_as_they_are_final() {
    let rules = |is_early| {
        let mut share = rule("share", gates());
        let Watch::Metric { metric, condition, .. } = &mut share.watch else { panic!("a metric") };
        let limits = BySeverity(vec![(Severity::Warning, Limits { min: None, max: Some(0.3) })]);
        (*metric, *condition) = ("drifted_share".into(), Condition::Static { limits, certain: false });
        let early = AlertRule { id: "early".into(), gates: Gates { provisional: true, ..gates() }, ..share.clone() };
        if is_early { vec![share, early] } else { vec![share] }
    };
    let drifted = |feature: &str| MetricRow { metric: "drifted".into(), feature: Some(feature.into()), ..row(0, 1.0) };
    let share = || MetricRow { metric: "drifted_share".into(), ..row(0, 0.5) };
    for is_early in [false, true] {
        for saw_more_before in [false, true] {
            let mut world = World::new(rules(is_early));
            if saw_more_before {
                let before = [drifted("x"), drifted("y"), share()];
                world.see(before.map(|row| MetricRow { is_final: false, ..row }));
            }
            world.see([drifted("y"), share()]);
            let told = world.told.iter().find(|row| &*row.rule == "share").expect("it fires");
            let evidence: serde_json::Value = serde_json::from_str(&told.evidence).expect("JSON");
            let names: Vec<_> =
                evidence["worst"].as_array().expect("a list").iter().map(|part| &part["name"]).collect();
            assert_eq!(names, ["y"], "early {is_early}, more before {saw_more_before}");
        }
    }
}

#[test]
fn the_worst_parts_are_those_on_the_side_of_the_limit_that_was_passed() {
    for (value, worst) in [(0.2, "country=A"), (0.9, "country=B")] {
        let mut both = rule("both", gates());
        let Watch::Metric { condition, .. } = &mut both.watch else { panic!("a metric") };
        let limits = BySeverity(vec![(Severity::Warning, Limits { min: Some(0.3), max: Some(0.8) })]);
        *condition = Condition::Static { limits, certain: false };
        let mut world = World::new(vec![both]);
        world.take([row(0, value), in_segment("A", row(0, 0.1)), in_segment("B", row(0, 0.95))]);
        world.judge();
        let evidence: serde_json::Value = serde_json::from_str(&world.told[0].evidence).expect("JSON");
        assert_eq!(evidence["worst"][0]["name"], worst);
    }
}

#[test]
fn ten_windows_that_cannot_be_judged_end_what_goes_on() {
    let mut world = World::new(vec![rule("low", gates())]);
    assert_eq!(world.see([row(0, 0.7)]), [(Firing, Window)]);
    for window in 1..10 {
        assert_eq!(world.see([MetricRow { count: 3, ..row(window, 0.7) }]), []);
    }
    assert_eq!(world.see([MetricRow { count: 3, ..row(10, 0.7) }]), [(Resolved, Window)]);
}

#[test]
fn what_is_bad_is_no_history_to_expect_anything_by_until_it_is_as_long_as_that() {
    let mut dynamic = rule("odd", gates());
    let Watch::Metric { condition, .. } = &mut dynamic.watch else { panic!("a metric") };
    *condition = Condition::Dynamic {
        baseline: crate::event::alert::Baseline::Trailing { windows: 12 },
        alpha: BySeverity(vec![(Severity::Warning, 0.001)]),
        side: crate::event::alert::Side::Below,
        least: 0.01,
    };
    let mut world = World::new(vec![dynamic]);
    let told: Vec<i64> = (0..60)
        .filter(|window| {
            let value =
                if *window < 30 { 0.9 + 0.001 * (window % 3) as f64 } else { 0.5 + 0.001 * (window % 3) as f64 };
            !world.see([row(*window, value)]).is_empty()
        })
        .collect();
    let states: Vec<AlertState> = world.told.iter().map(|row| row.state).collect();
    assert_eq!(states, [Firing, Resolved]);
    assert!(told[0] == 30 && told[1] >= 42, "{told:?}");
}

#[test]
fn a_new_version_is_one_of_all_versions_together_too() {
    let mut world = World::new(vec![rule("low", Gates { warm_up_ms: 15, ..gates() })]);
    assert_eq!(world.see([row(0, 0.1)]), [(Firing, Window)]);
    assert_eq!(world.see([row(1, 0.9)]), [(Resolved, Window)]);
    let predictions = MetricRow { metric: "predictions".into(), model_version: "8".into(), ..row(2, 100.0) };
    assert_eq!(world.see([predictions, row(2, 0.1)]), []);
    assert_eq!(world.see([row(3, 0.1)]), []);
    assert_eq!(world.see([row(4, 0.1)]), [(Firing, Window)]);
}
