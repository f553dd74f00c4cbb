//! Tests of the ASSESS stage by its log: what people say of alerts and when the work was taken up is gone through again at the
//! same place.

use super::*;
use crate::aggregate::partial::Progress;
use crate::event::alert::{AlertRule, AlertSettings, Gates, Matcher, Presence, Severity, Silence, Watch};
use crate::stage::work::FetchedRecord;
use std::collections::BTreeMap;

/// A configuration with a rule.
fn config() -> Arc<Config> {
    let rule = AlertRule {
        id: "silent".into(),
        watch: Watch::Absence { of: Presence::Source, for_ms: 60_000, severity: Severity::Warning, model: None },
        gates: Gates::default(),
        repeat_ms: None,
        group: false,
        notify: true,
        labels: BTreeMap::new(),
        summary: None,
        dashboard: None,
        runbook: None,
    };
    let mut config = Config::default();
    config.settings.alerts = Arc::new(AlertSettings { defaults: Arc::new(vec![rule]), ..AlertSettings::default() });
    Arc::new(config)
}

fn control(id: &str) -> Arc<Control> {
    let (by, comment) = ("ada".into(), "x".repeat(PART_BYTES).into());
    let silence = Silence { matcher: Matcher::default(), from_ms: 0, to_ms: 1, by, comment };
    Arc::new(Control { silences: BTreeMap::from([(id.into(), silence)]), ..Control::default() })
}

/// A stage on one partition, its log, and how far it has read.
struct Member {
    stage: AssessStage,
    control: Arc<Controls>,
    task: Box<dyn StageTask>,
    log: Vec<(i64, Vec<Vec<u8>>)>,
    read: i64,
}

impl Member {
    fn new(config: Arc<Config>, pace: AssessPace) -> Member {
        let control = Controls::new(Arc::default());
        let stage = AssessStage::new(config, 1).with_pace(pace).with_control(Arc::clone(&control));
        let task = stage.restore(0).finish().expect("an empty log").task;
        Member { stage, control, task, log: Vec::new(), read: 0 }
    }

    /// Takes in a batch that says how far event time has come.
    fn step(&mut self, time: Millis) {
        let progress = Progress { newest: Some(time), idle_checks: 0 };
        let (models, series, rows) = (Vec::new(), Vec::new(), Vec::new());
        let batch = PartialBatch { partition: 0, predictions: progress, labels: progress, models, series, rows };
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        let value = Some(0..bytes.len() as u32);
        let record = FetchedRecord { offset: self.read, timestamp: None, key: None, value, headers: Vec::new() };
        self.task.step(InputId(0), &Fetched { bytes, records: vec![record] }, 0).expect("a batch");
        self.read += 1;
    }

    /// True if the commit wrote something.
    fn commit(&mut self, now: Millis) -> bool {
        let unit = self.task.commit(now);
        let has_written = !unit.delta.is_empty();
        self.log.push((self.read, unit.delta));
        has_written
    }

    fn log(&self) -> Log {
        let mut log = Log::default();
        for (position, delta) in &self.log {
            delta.iter().for_each(|piece| log.read(*position, piece).expect("its own log"));
        }
        log
    }

    /// Dies, and is restored; has read all it had read before, once that is over.
    fn die(&mut self) {
        let mut restore = self.stage.restore(0);
        for (position, delta) in &self.log {
            delta.iter().for_each(|piece| restore.apply(&[*position], piece).expect("its own log"));
        }
        let restored = restore.finish().expect("its own log");
        self.task = restored.task;
        self.read = restored.read_from.map_or(self.read, |from| from[0]);
    }
}

/// What happened, as the log has it.
fn events(log: &Log) -> Vec<&'static str> {
    let name = |event: &Event| match event {
        Event::Published(_) => "published",
        Event::Changed(_) => "changed",
        Event::Control(_) => "control",
        Event::Resumed { .. } => "resumed",
    };
    log.events.iter().map(name).collect()
}

#[test]
fn what_people_say_is_logged_once_where_it_began_to_hold() {
    let mut member = Member::new(config(), AssessPace::default());
    member.step(1_000);
    assert!(member.commit(1));
    member.control.replace(control("s"));
    assert!(!member.commit(2), "it is taken over after what goes out");
    assert!(member.commit(3), "it is logged though nothing came");
    assert!(!member.commit(4), "once");
    let log = member.log();
    assert_eq!(events(&log), ["published", "control", "published"]);
    assert_eq!((&log.first_control, &log.control), (&Arc::default(), &control("s")), "it is longer than a piece");

    // A restart goes through it, and says nothing new of it; one that finds other words turns to them after that.
    member.die();
    member.step(1_000);
    assert!(!member.task.is_catching_up() && member.commit(5));
    assert_eq!(events(&member.log())[3..], ["resumed", "published"]);
    member.control.replace(control("t"));
    member.die();
    member.step(1_000);
    assert!(member.commit(6));
    assert_eq!(events(&member.log())[5..], ["control", "resumed", "published"]);
    assert_eq!(member.log().control, control("t"));
}

#[test]
fn each_time_the_work_is_taken_up_is_logged_once_also_where_nothing_comes() {
    let mut member = Member::new(config(), AssessPace::default());
    assert!(!member.commit(1), "nothing was left");
    member.die();
    assert!(!member.commit(2), "nor now");
    member.step(1_000);
    assert!(member.commit(3));
    for (now, count) in (10..).zip(1..4) {
        member.die();
        member.step(1_000);
        assert!(!member.task.is_catching_up());
        assert!(member.commit(now) && !member.commit(now + 1), "an idle service says so once");
        let log = member.log();
        let resumed: Vec<&Event> = log.events.iter().filter(|event| matches!(event, Event::Resumed { .. })).collect();
        assert_eq!(resumed.len(), count);
        assert_eq!(resumed.last(), Some(&&Event::Resumed { position: 1, now }));
    }
}

#[test]
fn without_rules_nobody_needs_to_know_when_the_work_was_taken_up() {
    let mut config = Config::default();
    config.settings.alerts = Arc::default();
    let mut member = Member::new(Arc::new(config), AssessPace::default());
    member.step(1_000);
    assert!(member.commit(1));
    member.die();
    member.step(1_000);
    assert!(!member.commit(2));
}

#[test]
fn words_that_came_before_any_partial_are_gone_through_too() {
    let mut member = Member::new(config(), AssessPace::default());
    member.read = 7;
    member.control.replace(control("s"));
    assert!(!member.commit(1) && member.commit(2));
    let log = member.log();
    assert_eq!((log.start, events(&log)), (Some(7), vec!["control", "published"]));
    member.die();
    assert!(!member.task.is_catching_up(), "it goes on where it was: {}", member.read);
    member.step(1_000);
    assert!(member.commit(3));
    assert_eq!(member.log().start, Some(7));
}

#[test]
fn a_log_that_begins_with_a_snapshot_says_what_had_been_said() {
    let pace = AssessPace { repeated_bytes: 1, ..AssessPace::default() };
    let mut member = Member::new(config(), pace);
    member.control.replace(control("s"));
    let holds = |delta: &[Vec<u8>]| delta.iter().any(|piece| piece.get(1) == Some(&(Entry::SnapshotStart as u8)));
    for time in 1.. {
        member.step(time * 1_000);
        member.commit(time);
        if time > 3 && holds(&member.log.last().expect("a commit").1) {
            break;
        }
        assert!(time < 100_000, "no snapshot");
    }
    // What it replaces is deleted.
    member.log.drain(..member.log.len() - 1);
    let log = member.log();
    assert!(log.snapshot.is_some() && events(&log).is_empty());
    assert_eq!((&log.first_control, &log.control), (&control("s"), &control("s")));
    member.die();
    member.commit(1);
    assert_eq!(events(&member.log()), ["resumed", "published"]);
}

#[test]
fn one_partition_says_for_all_that_the_source_has_stalled() {
    for (partition, count) in [(0, 1), (1, 0)] {
        let mut member = Member::new(config(), AssessPace::default());
        member.task = member.stage.restore(partition).finish().expect("an empty log").task;
        member.step(1_000);
        for now in [1, 20_000, 40_000, 60_000] {
            assert_eq!(member.task.commit(now).outputs.len(), 0);
        }
        assert_eq!(member.task.commit(60_001).outputs.len(), count, "partition {partition}");
        assert_eq!(member.task.commit(90_000).outputs.len(), 0, "once");
    }
}

#[test]
fn after_a_standstill_it_waits_anew_before_it_misses_anything() {
    let mut member = Member::new(config(), AssessPace::default());
    member.step(1_000);
    assert!(member.commit(1) && !member.commit(20_000));
    // Brokers were gone, say: what came meanwhile is still to be read.
    let unit = member.task.commit(90_000);
    assert_eq!((unit.outputs.len(), unit.delta.is_empty()), (0, false), "that is logged");
    member.log.push((member.read, unit.delta));
    assert_eq!(events(&member.log()), ["published", "resumed", "published"]);
    assert!(!member.commit(110_000) && !member.commit(130_000));
    assert_eq!(member.task.commit(149_999).outputs.len(), 0);
    assert_eq!(member.task.commit(150_000).outputs.len(), 1);
}
