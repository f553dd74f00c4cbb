//! The service is killed at every step of commit, snapshot, restore and revoke, in either stage; after each death the
//! topics must be whole, and in the end the numbers those of `replay`.

use super::alerted::ALERTED_FLIGHTS;
use super::stream::records;
use super::wire::Wire;
use super::{Service, Setup, WAIT_MAX, shipped_flights, verifier};
use crate::kafka::broker::{self, Broker};
use crate::kafka::client;
use std::time::{Duration, Instant};

/// Every step that has a name, in groups that share their topics: a second snapshot would be long in coming.
const STEPS: [&[&str]; 5] = [
    &["restore.offsets", "restore.settled", "restore.read", "commit.begin", "commit.begun", "commit.half_sent"],
    &["commit.sent", "commit.flushed", "commit.guarded", "commit.offsets", "commit.done"],
    &["snapshot.start", "snapshot.part", "snapshot.complete", "snapshot.durable"],
    &["truncate.begin"],
    &["truncate.done", "revoke"],
];

/// Days of four weeks that are there before the service starts.
const DAYS_FIRST: usize = 6;

impl Service {
    /// Ends what the last process had begun, as the next one would.
    fn fence(&self, instance: &str) {
        for stage in ["join", "assess"] {
            client::fence(&self.bootstrap, &format!("{}-{instance}", self.group(stage)));
        }
    }
}

/// How many parts of the records a step needs, at most: a snapshot is due when the log has grown.
fn parts_for(step: &str) -> usize {
    let is_of_snapshot = step.starts_with("snapshot") || step.starts_with("truncate");
    if is_of_snapshot { 30 } else { 1 }
}

/// Kills the service at each step of a stage; the groups at the same time.
fn killed_at_each_step(stage: &str) {
    let Some(broker) = broker::shared("killed_at_each_step") else { return };
    std::thread::scope(|scope| {
        for steps in STEPS {
            scope.spawn(move || killed_at(broker, stage, steps));
        }
    });
}

fn killed_at(broker: &Broker, stage: &str, steps: &[&str]) {
    let service = Service::new(broker, &Setup::new(&format!("steps-{stage}"), 2, Wire::Json, ALERTED_FLIGHTS));
    let records = records(&shipped_flights(), usize::MAX);
    let mut parts = records.chunks(records.len() / 120);
    // So many days that windows are final and rules broken while it is killed.
    parts.by_ref().take(DAYS_FIRST * 120 / 28).for_each(|part| service.feed(part));
    for step in steps {
        let place = format!("{stage}/{step}");
        let mut process = service.start_small("a", &[("POSTDICT_FAILPOINT", &place)]);
        let deadline = Instant::now() + WAIT_MAX;
        let is_revoke = *step == "revoke";
        let mut fed = 0;
        while process.runs() {
            assert!(
                Instant::now() < deadline,
                "it does not come to {place}; the logs begin at {:?}: {}",
                ["join-changelog", "assess-changelog"]
                    .map(|role| client::begins(&service.bootstrap, &service.topic(role))),
                process.said()
            );
            if fed < parts_for(step) {
                parts.next().into_iter().for_each(|part| service.feed(part));
                fed += 1;
            }
            if is_revoke && process.said().contains(&format!("restored stage=\"{stage}\"")) {
                process.signal("TERM");
                break;
            }
            std::thread::sleep(Duration::from_millis(150));
        }
        process.killed_itself();
        assert!(process.said().contains("failpoint"), "{place}: {}", process.said());
        service.fence("a");
        verifier::at_standstill(&service);
    }
    service.ends_as_replay_with_alerts(vec![service.start_small("a", &[])]);
}

#[test]
fn a_service_killed_at_any_step_of_join_goes_on() {
    killed_at_each_step("join");
}

#[test]
fn a_service_killed_at_any_step_of_assess_goes_on() {
    killed_at_each_step("assess");
}

/// Enough of the flights for windows to become final: each is a profile once, and each change of an alert is told once, though
/// ASSESS is killed again and again while it commits.
#[test]
fn a_service_killed_while_windows_become_final_publishes_each_profile_and_each_change_of_an_alert_once() {
    let Some(broker) = broker::shared("killed_while_windows_become_final") else { return };
    let service = Service::new(broker, &Setup::new("steps-final", 2, Wire::Json, ALERTED_FLIGHTS));
    let records = records(&shipped_flights(), 12_000);
    let steps = ["half_sent:2", "sent:3", "flushed:2", "guarded:2", "offsets:2", "done:3"];
    let steps = steps.map(|step| format!("commit.{step}"));
    for (part, step) in records.chunks(records.len() / steps.len() + 1).zip(steps) {
        let place = format!("assess/{step}");
        let mut process = service.start_small("a", &[("POSTDICT_FAILPOINT", &place)]);
        service.feed(part);
        let deadline = Instant::now() + WAIT_MAX;
        while process.runs() {
            assert!(Instant::now() < deadline, "it does not come to {place}: {}", process.said());
            std::thread::sleep(Duration::from_millis(150));
        }
        process.killed_itself();
    }
    service.ends_as_replay_with_alerts(vec![service.start_small("a", &[])]);
    let profiles = service.read("profiles").len();
    assert!(profiles > 5, "{profiles} profiles of windows that were final");
}
