//! Partitions that move: processes come and go, freeze and wake, lose their broker.

use super::alerted::ALERTED_FLIGHTS;
use super::stream::records;
use super::wire::Wire;
use super::{Service, Setup, shipped_flights};
use crate::kafka::broker;
use crate::kafka::process::Process;

#[test]
fn processes_come_and_go() {
    let Some(broker) = broker::shared("processes_come_and_go") else { return };
    let service = Service::new(broker, &Setup::new("coming", 4, Wire::Avro, ALERTED_FLIGHTS));
    let records = records(&shipped_flights(), 12_000);
    let mut parts = records.chunks(records.len() / 6 + 1);
    let mut feed = || service.feed(parts.next().expect("a part"));
    let first = service.start("a");
    service.wait_for_owners("join", 1);
    feed();
    // Each change of the group happens while records flow; one of the processes has no name.
    let second = service.start("-b");
    feed();
    service.wait_for_owners("join", 2);
    let third = service.start("c");
    feed();
    service.wait_for_owners("join", 3);
    feed();
    first.stopped();
    feed();
    third.stopped();
    feed();
    service.ends_as_replay_with_alerts(vec![second]);
}

/// A process freezes at a step, until its session and its transaction have timed out and another one has done its work.
fn frozen_at(name: &str, step: &str) {
    let Some(broker) = broker::shared(name) else { return };
    let setup = Setup { session_ms: 3000, ..Setup::new(name, 2, Wire::Json, ALERTED_FLIGHTS) };
    let service = Service::new(broker, &setup);
    let records = records(&shipped_flights(), 8_000);
    let (first, rest) = records.split_at(records.len() / 2);
    let (second, third) = rest.split_at(rest.len() / 2);
    service.feed(first);
    let variables = [("POSTDICT_FAILPOINT", step), ("POSTDICT_FAILPOINT_STOP", "1")];
    let mut frozen = service.start_small("-1", &variables);
    frozen.wait_until_frozen();
    let mut other = service.start_small("-2", &[]);
    service.agrees_with_replay(&mut [&mut other]);
    frozen.signal("CONT");
    service.feed(second);
    // It comes back into the groups.
    service.wait_for_owners("join", 2);
    service.wait_for_owners("assess", 2);
    service.feed(third);
    service.ends_as_replay_with_alerts(vec![frozen, other]);
}

#[test]
fn a_process_frozen_with_an_open_transaction_of_join_does_no_harm() {
    frozen_at("frozen-join", "join/commit.offsets:2");
}

#[test]
fn a_process_frozen_with_an_open_transaction_of_assess_does_no_harm() {
    frozen_at("frozen-assess", "assess/commit.flushed:2");
}

#[test]
fn the_service_goes_on_by_itself_after_its_broker_was_killed() {
    let Some(mut broker) = broker::own("the_service_goes_on_by_itself") else { return };
    let service = Service::new(&broker, &Setup::new("outage", 2, Wire::Json, ALERTED_FLIGHTS));
    let records = records(&shipped_flights(), 8_000);
    let mut parts = records.chunks(records.len() / 3 + 1);
    let mut feed = || service.feed(parts.next().expect("a part"));
    let running: Vec<Process> = vec![service.start("a"), service.start_small("-b", &[])];
    service.wait_for_owners("join", 2);
    feed();
    broker.kill();
    broker.up();
    feed();
    broker.kill();
    broker.up();
    feed();
    service.ends_as_replay_with_alerts(running);
}
