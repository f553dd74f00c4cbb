//! The service is killed at every step of commit, snapshot, restore and revoke, in either stage; after each death the
//! topics must be whole, and in the end the numbers those of `replay`.

use super::stream::records;
use super::wire::Wire;
use super::{FLIGHTS, Service, Setup, WAIT_MAX, shipped_flights, verifier};
use crate::kafka::broker;
use crate::kafka::client;
use std::time::{Duration, Instant};

/// Every step that has a name.
const STEPS: [&str; 18] = [
    "restore.offsets",
    "restore.settled",
    "restore.read",
    "commit.begin",
    "commit.begun",
    "commit.half_sent",
    "commit.sent",
    "commit.flushed",
    "commit.guarded",
    "commit.offsets",
    "commit.done",
    "snapshot.start",
    "snapshot.part",
    "snapshot.complete",
    "snapshot.durable",
    "truncate.begin",
    "truncate.done",
    "revoke",
];

impl Service {
    /// Ends what the last process had begun, as the next one would.
    fn fence(&self, instance: &str) {
        for stage in ["join", "assess"] {
            client::fence(&self.bootstrap, &format!("{}-{instance}", self.group(stage)));
        }
    }
}

/// Kills the service at each step of a stage.
fn killed_at_each_step(stage: &str) {
    let Some(broker) = broker::shared("killed_at_each_step") else { return };
    let service = Service::new(broker, &Setup::new(&format!("steps-{stage}"), 2, Wire::Json, FLIGHTS));
    let records = records(&shipped_flights(), 20_000);
    let mut parts = records.chunks(records.len() / 300);
    for step in STEPS {
        let place = format!("{stage}/{step}");
        let mut process = service.start_small("a", &[("POSTDICT_FAILPOINT", &place)]);
        let deadline = Instant::now() + WAIT_MAX;
        let is_revoke = step == "revoke";
        let mut fed = 0;
        // Records come until it dies: a snapshot needs some.
        while process.runs() {
            assert!(Instant::now() < deadline, "it does not come to {place}: {}", process.said());
            if fed < 12 {
                service.feed(parts.next().expect("a part"));
                fed += 1;
            }
            if is_revoke && process.said().contains(" restored ") {
                process.signal("TERM");
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        process.killed_itself();
        assert!(process.said().contains("failpoint"), "{place}: {}", process.said());
        service.fence("a");
        verifier::at_standstill(&service);
    }
    service.ends_as_replay(vec![service.start_small("a", &[])]);
}

#[test]
fn a_service_killed_at_any_step_of_join_goes_on() {
    killed_at_each_step("join");
}

#[test]
fn a_service_killed_at_any_step_of_assess_goes_on() {
    killed_at_each_step("assess");
}
