//! What holds for alerts whatever comes, in whatever order, and across restarts.

use super::*;
use crate::alert::Verdict;
use crate::alert::machine::{Machine, Phase};
use crate::event::alert::{Acknowledgement, Pattern, Silence};
use proptest::prelude::*;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Event {
    /// A window of a series is this now, and final or not.
    Row {
        window: i64,
        series: usize,
        value: f64,
        coverage: f64,
        is_final: bool,
    },
    /// What was taken in is judged.
    Judge,
    /// So much time passes.
    Wait(Millis),
    Watermark(i64),
    Restart,
    Silence(bool),
    Acknowledge(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let value = prop_oneof![Just(0.9), Just(0.7), Just(0.4), 0.0..1.0];
    let row = (0i64..12, 0usize..4, value, 0.5..1.0, any::<bool>()).prop_map(
        |(window, series, value, coverage, is_final)| Event::Row { window, series, value, coverage, is_final },
    );
    prop_oneof![
        8 => row,
        5 => Just(Event::Judge),
        1 => (1i64..200).prop_map(Event::Wait),
        2 => (0i64..13).prop_map(Event::Watermark),
        1 => Just(Event::Restart),
        1 => any::<bool>().prop_map(Event::Silence),
        1 => (0usize..8).prop_map(Event::Acknowledge),
    ]
}

fn a_gates() -> impl Strategy<Value = Gates> {
    let parts = (1u32..3, 0u32..3, 1u32..3, any::<bool>(), prop_oneof![Just(0i64), 0i64..60]);
    parts.prop_map(|(fire, more, clear, provisional, cooldown_ms)| Gates {
        fire,
        of: fire + more,
        clear,
        provisional,
        cooldown_ms,
        ..gates()
    })
}

fn rules() -> impl Strategy<Value = Vec<AlertRule>> {
    let one = (a_gates(), any::<bool>(), any::<bool>(), prop::option::of(10i64..50));
    prop::collection::vec(one, 1..4).prop_map(|parts| {
        let mut rules: Vec<AlertRule> = Vec::new();
        for (number, (gates, of_segments, group, repeat_ms)) in parts.into_iter().enumerate() {
            let mut rule = AlertRule { group, repeat_ms, ..rule(&format!("r{number}"), gates) };
            let Watch::Metric { select, .. } = &mut rule.watch else { panic!("a metric") };
            select.segment = of_segments.then(|| Pattern::new("country=*"));
            if number == 2 {
                rule.gates.inhibited_by = vec!["r0".into()];
            }
            rules.push(rule);
        }
        let ids = rules.iter().map(|rule| Arc::clone(&rule.id)).collect();
        let watch = Watch::Rules { rules: ids, all: false, severity: None };
        rules.push(AlertRule { watch, ..rule("any", gates()) });
        rules
    })
}

fn of_series(series: usize, row: MetricRow) -> MetricRow {
    match series {
        0 => row,
        other => in_segment(["A", "B", "C"][other - 1], row),
    }
}

/// Lets it all happen; with restarts, or without.
fn play(rules: &[AlertRule], events: &[Event], restarts: bool) -> World {
    let mut world = World::new(rules.to_vec());
    let mut control = Arc::new(Control::default());
    let mut closed = BTreeSet::new();
    for event in events {
        match event {
            Event::Row { window, series, value, coverage, is_final } => {
                // What is final for one series is so for all, and does not change.
                if closed.contains(window) {
                    continue;
                }
                let is_final = *is_final && *series == 0;
                if is_final {
                    closed.insert(*window);
                }
                let row = MetricRow { is_final, label_coverage: Some(*coverage), ..row(*window, *value) };
                world.take([of_series(*series, row)]);
            }
            Event::Judge => drop(world.judge()),
            Event::Wait(time) => world.now += time,
            Event::Watermark(window) => world.watermark = world.watermark.max(window * SIZE),
            Event::Restart if restarts => world.restart(&control),
            Event::Restart => {}
            Event::Silence(on) => {
                let matcher = crate::event::alert::Matcher { rule: Some(Pattern::new("r1")), ..Default::default() };
                let silence = Silence { matcher, from_ms: 0, to_ms: 50, by: "ana".into(), comment: "".into() };
                let silences = if *on { [("s".into(), silence)].into() } else { BTreeMap::new() };
                control = Arc::new(Control { silences, ..Control::clone(&control) });
                world.alerts.set_control(Arc::clone(&control));
            }
            Event::Acknowledge(place) => {
                let Some(row) = world.told.get(*place) else { continue };
                let Some(started_at) = row.started_at else { continue };
                let said = Acknowledgement { started_at, by: "ana".into(), comment: "".into(), at_ms: world.now };
                let mut all = Control::clone(&control);
                all.acknowledgements.insert(Arc::clone(&row.alert_id), said);
                control = Arc::new(all);
                world.alerts.set_control(Arc::clone(&control));
            }
        }
    }
    world.judge();
    world
}

/// The law of what is told of one alert.
fn check(told: &[&AlertRow]) {
    let mut last: Option<&AlertRow> = None;
    for row in told {
        let before = last.map_or(AlertState::Ok, |last| last.state);
        assert_eq!(row.sequence, last.map_or(0, |last| last.sequence) + 1);
        assert_eq!(row.previous_state, before);
        match row.state {
            AlertState::Resolved => assert!(before.is_open(), "only what was open is resolved"),
            AlertState::Ok => assert_eq!(before, AlertState::Pending),
            _ => {}
        }
        let said = |row: &AlertRow| (row.state, row.severity, row.acknowledged_by.clone());
        if let Some(last) = last {
            let is_repeat = row.cause == AlertCause::Repeat && row.state.is_open();
            assert!(is_repeat != (said(last) != said(row)), "the same twice: {last:?} {row:?}");
            assert!(row.evaluated_at >= last.evaluated_at && row.id != last.id);
        }
        assert_eq!(row.resolved_at.is_some(), row.state == AlertState::Resolved);
        assert!(row.state == AlertState::Ok || row.started_at.is_some());
        last = Some(row);
    }
}

fn by_alert(told: &[AlertRow]) -> BTreeMap<&str, Vec<&AlertRow>> {
    let mut alerts: BTreeMap<&str, Vec<&AlertRow>> = BTreeMap::new();
    told.iter().for_each(|row| alerts.entry(&row.alert_id).or_default().push(row));
    alerts
}

proptest! {
    #[test]
    fn changes_are_changes_and_what_is_open_is_what_was_told_to_be(
        rules in rules(),
        events in prop::collection::vec(event(), 1..60),
    ) {
        let world = play(&rules, &events, false);
        let alerts = by_alert(&world.told);
        alerts.values().for_each(|told| check(told));
        let open = alerts.values().filter(|told| told.last().is_some_and(|row| row.state.is_open())).count();
        prop_assert_eq!(open, world.alerts.open_count());
    }

    #[test]
    fn restarts_leave_no_trace(rules in rules(), events in prop::collection::vec(event(), 1..60)) {
        prop_assert_eq!(play(&rules, &events, true).told, play(&rules, &events, false).told);
    }

    #[test]
    fn what_is_told_of_final_windows_does_not_depend_on_when_and_in_which_order_they_became_so(
        gates in a_gates(),
        values in prop::collection::vec((prop_oneof![Just(0.9), Just(0.7), Just(0.4)], 0u32..9, any::<bool>()), 1..20),
    ) {
        let gates = Gates { provisional: false, ..gates };
        let rules = vec![AlertRule { repeat_ms: Some(30), ..rule("low", gates.clone()) }];
        let told = |order: &[usize], judged: &dyn Fn(usize) -> bool| {
            let mut world = World::new(rules.clone());
            world.take((0..values.len() as i64).map(|window| MetricRow { is_final: false, ..row(window, 0.1) }));
            for (place, window) in order.iter().enumerate() {
                world.take([row(*window as i64, values[*window].0)]);
                if judged(place) {
                    world.judge();
                }
            }
            world.judge();
            world.told.into_iter().map(|row| AlertRow { evaluated_at: 0, ..row }).collect::<Vec<_>>()
        };
        let in_order: Vec<usize> = (0..values.len()).collect();
        let mut shuffled = in_order.clone();
        shuffled.sort_by_key(|window| values[*window].1);
        let one_by_one = told(&in_order, &|_| true);
        prop_assert_eq!(&told(&shuffled, &|place| values[place].2), &one_by_one);
        prop_assert_eq!(&told(&in_order, &|_| false), &one_by_one);

        // What was told last is what the windows say, one after the other.
        let mut machine = Machine::default();
        for (window, (value, _, _)) in values.iter().enumerate() {
            let verdict = match value {
                value if *value < 0.5 => Verdict::Bad(Severity::Critical),
                value if *value < 0.8 => Verdict::Bad(Severity::Warning),
                _ => Verdict::Good,
            };
            machine.step(verdict, (window as i64 + 1) * SIZE, &gates);
        }
        let last = one_by_one.last().map_or(AlertState::Ok, |row| row.state);
        let expected: &[AlertState] = match machine.phase {
            Phase::Ok => &[AlertState::Ok, AlertState::Resolved],
            Phase::Pending => &[AlertState::Pending],
            Phase::Firing => &[AlertState::Firing],
            Phase::Resolved => &[AlertState::Resolved],
        };
        prop_assert!(expected.contains(&last), "{last:?} instead of {expected:?}");
    }
}
