//! Starting, stopping, starting again.

use super::stream::records;
use super::wire::Wire;
use super::{BRIEF_FLIGHTS, FLIGHTS, Service, Setup, shipped_flights};
use crate::kafka::broker;
use crate::kafka::client;
use crate::kafka::process::Process;
use crate::kafka::scene::WAIT_MAX;
use std::time::{Duration, Instant};

impl Process {
    /// Waits until both stages have restored so many partitions.
    fn wait_until_restored(&mut self, count: usize) {
        let deadline = Instant::now() + WAIT_MAX;
        while self.said().matches(" restored ").count() < count {
            assert!(self.runs() && Instant::now() < deadline, "{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_service_that_is_started_again_publishes_nothing_new_until_records_come() {
    let Some(broker) = broker::shared("a_service_that_is_started_again") else { return };
    let service = Service::new(broker, &Setup::new("again", 4, Wire::Json, FLIGHTS));
    let records = records(&shipped_flights(), 9_000);
    let (first, second) = records.split_at(records.len() / 2);
    // The first start finds nothing.
    let mut process = service.start("a");
    process.wait_until_restored(8);
    service.feed(first);
    service.ends_as_replay(vec![process]);
    let ends = || client::ends(&service.bootstrap, &service.topic("metrics"));
    let published = ends();
    for instance in ["a", "-another"] {
        let mut process = service.start(instance);
        process.wait_until_restored(8);
        // Long enough for inputs to count as idle, and for what would then be published.
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(ends(), published, "nothing new");
        process.stopped();
        assert_eq!(ends(), published, "nothing new");
    }
    // The next start finds records.
    service.feed(second);
    service.ends_as_replay(vec![service.start("a")]);
}

#[test]
fn snapshots_replace_the_beginning_of_the_logs() {
    let Some(broker) = broker::shared("snapshots_replace_the_beginning_of_the_logs") else { return };
    let service = Service::new(broker, &Setup::new("snapshots", 2, Wire::Avro, BRIEF_FLIGHTS));
    let records = records(&shipped_flights(), 16_000);
    let mut parts = records.chunks(records.len() / 60);
    let mut process = service.start_small("a", &[]);
    let begins = |role: &str| client::begins(&service.bootstrap, &service.topic(role));
    let roles = ["join-changelog", "partials"];
    let deadline = Instant::now() + WAIT_MAX;
    // Of partials, one partition may be that of no model.
    while roles.iter().any(|role| begins(role).iter().all(|begin| *begin == 0)) {
        assert!(process.runs() && Instant::now() < deadline, "begins at {:?}: {}", roles.map(begins), process.said());
        parts.next().into_iter().for_each(|part| service.feed(part));
        std::thread::sleep(Duration::from_millis(100));
    }
    service.ends_as_replay(vec![process]);
    let process = service.start_small("a", &[]);
    parts.for_each(|part| service.feed(part));
    service.ends_as_replay(vec![process]);
}
