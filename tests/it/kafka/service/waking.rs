//! Partitions that wake up: weeks of history are written at once to inputs that are empty and idle. All of it is there when
//! the first record is read, so none of it is late, whichever input or partition is read first.

use super::fold::Row;
use super::stream::{Encoder, Good, LABELS, ODD, PREDICTIONS, records};
use super::wire::Wire;
use super::{Service, Setup, WAIT_MAX, shipped_flights};
use crate::kafka::broker;
use crate::kafka::client::{self, ASK};
use crate::kafka::process::Process;
use crate::kafka::reader::Reader;
use postdict::aggregate::{PartialBatch, Wire as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Every time is short against four weeks: an input that the other carries along loses what it has.
const SHORT: &str = "defaults: {windows: [1d, 7d], label_horizon: 3d, correction_horizon: 6h, early_label_retention: 1h, \
                     allowed_lateness: 1h}\nmodels: {flight-late15: {task: binary, segments: [origin]}}\n";

const ROLES: [&str; 2] = ["predictions", "labels"];

/// The records of four weeks, each with its partner in the other input: by input.
fn history() -> [Vec<Good>; 2] {
    let all = records(&shipped_flights(), usize::MAX);
    let of = |input: usize| {
        all.iter().filter(|record| record.input == input && !record.id.starts_with(ODD)).cloned().collect::<Vec<Good>>()
    };
    [of(PREDICTIONS), of(LABELS)]
}

impl Service {
    /// Waits until JOIN has said of every partition that both inputs are idle.
    fn wait_until_idle(&self, process: &mut Process) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let mut idle = BTreeMap::new();
            for record in Reader::new(&self.bootstrap, &self.topic("partials")).all() {
                let batch = PartialBatch::decode(&mut record.value.as_deref().unwrap()).unwrap();
                idle.insert(batch.partition, batch.predictions.is_idle() && batch.labels.is_idle());
            }
            if idle.len() == self.partitions && idle.values().all(|idle| *idle) {
                return;
            }
            assert!(process.runs() && Instant::now() < deadline, "{}: {idle:?}: {}", self.name, process.said());
        }
    }

    /// Waits until JOIN has committed all of an input in its first partitions, so many.
    fn wait_until_read(&self, input: usize, partitions: usize, process: &mut Process) {
        let (deadline, topic) = (Instant::now() + WAIT_MAX, self.topic(ROLES[input]));
        for (partition, (end, _)) in (0..).zip(client::ends(&self.bootstrap, &topic)).take(partitions) {
            while client::group_offset(&self.bootstrap, &self.group("join"), &topic, partition) != Some(end) {
                assert!(process.runs() && Instant::now() < deadline, "{topic} is not read: {}", process.said());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Writes records in a transaction that is still open. Committing the producer's transaction shows them.
    fn feed_unseen(&self, records: &[Good]) -> BaseProducer {
        let mut config = client::config(&self.bootstrap);
        let producer: BaseProducer = config.set("transactional.id", &self.name).create().unwrap();
        producer.init_transactions(ASK).unwrap();
        producer.begin_transaction().unwrap();
        let encoder = Encoder::new(self.wire);
        for good in records {
            let (topic, bytes) = (self.topic(ROLES[good.input]), encoder.bytes(good));
            let mut record = BaseRecord::to(&topic).partition(self.place(&good.id)).key(&good.id).payload(&bytes);
            while let Err((_, back)) = producer.send(record) {
                record = back;
                producer.poll(Duration::from_millis(10));
            }
        }
        producer.flush(ASK).unwrap();
        self.fed.borrow_mut().extend_from_slice(records);
        producer
    }

    /// Every label met its prediction, and what is published is what `replay` says.
    fn ends_with_all_matched(&self, mut process: Process) {
        let fold = self.agrees_with_replay(&mut [&mut process]);
        let sum = |metric: &str| {
            let is_whole = |row: &&Row| row["segment_key"] == "" && row["model_version"] == "";
            let rows = fold.values().filter(|row| row["metric"] == metric && row["window_size_ms"] == 86_400_000);
            let rows = rows.filter(is_whole);
            rows.map(|row| row["value"].as_f64().unwrap()).sum::<f64>() as usize
        };
        let labels = self.fed.borrow().iter().filter(|record| record.input == LABELS).count();
        assert!(labels > 20_000, "{labels}");
        let outcomes = ["matched", "labels", "orphan_labels", "late_labels", "late_predictions"].map(sum);
        assert_eq!(outcomes, [labels, labels, 0, 0, 0], "{}", self.name);
        self.ends_as_replay(vec![process]);
    }
}

/// A service of one process and one partition whose inputs are empty and idle.
fn asleep(name: &str) -> Option<(Service, Process)> {
    let broker = broker::shared(name)?;
    // It is frozen for a while.
    let setup = Setup { session_ms: 30_000, ..Setup::new(name, 1, Wire::Json, SHORT) };
    let service = Service::new(broker, &setup);
    let mut process = service.start("a");
    service.wait_until_idle(&mut process);
    Some((service, process))
}

/// One input is read to its end before the first record of the other can be: that is there, in a transaction still open.
fn is_read_first(name: &str, first: usize) {
    let Some((service, mut process)) = asleep(name) else { return };
    let history = history();
    let (last, others) = history[1 - first].split_last().unwrap();
    let unseen = service.feed_unseen(others);
    service.feed(&history[first]);
    service.wait_until_read(first, service.partitions, &mut process);
    unseen.commit_transaction(ASK).unwrap();
    // After the mark of the transaction, so that the end of the topic is a record.
    service.feed(std::slice::from_ref(last));
    service.ends_with_all_matched(process);
}

#[test]
fn labels_that_are_read_first_find_the_predictions_that_were_there() {
    is_read_first("waking-labels-first", LABELS);
}

#[test]
fn predictions_that_are_read_first_find_the_labels_that_were_there() {
    is_read_first("waking-predictions-first", PREDICTIONS);
}

/// Both are written while the process does not look, so that it finds both.
fn are_found_together(name: &str, order: [usize; 2]) {
    let Some((service, process)) = asleep(name) else { return };
    let history = history();
    process.signal("STOP");
    order.iter().for_each(|input| service.feed(&history[*input]));
    process.signal("CONT");
    service.ends_with_all_matched(process);
}

#[test]
fn labels_and_then_predictions_that_are_found_together_all_match() {
    are_found_together("waking-labels-then", [LABELS, PREDICTIONS]);
}

#[test]
fn predictions_and_then_labels_that_are_found_together_all_match() {
    are_found_together("waking-predictions-then", [PREDICTIONS, LABELS]);
}

/// While predictions flow, so that nothing wakes up, labels are written that are not to be read yet.
#[test]
fn labels_that_are_written_to_an_idle_input_while_predictions_flow_find_them() {
    let Some((service, mut process)) = asleep("waking-while-flowing") else { return };
    let [predictions, labels] = history();
    service.feed(&predictions[..1]);
    service.wait_until_read(PREDICTIONS, 1, &mut process);
    let (last, others) = labels.split_last().unwrap();
    let unseen = service.feed_unseen(others);
    service.feed(&predictions[1..]);
    service.wait_until_read(PREDICTIONS, 1, &mut process);
    unseen.commit_transaction(ASK).unwrap();
    service.feed(std::slice::from_ref(last));
    service.ends_with_all_matched(process);
}

/// One partition is read to its end before the first record of the other can be: that is there, in a transaction still open.
#[test]
fn a_partition_that_is_read_first_does_not_close_the_windows_of_another() {
    let name = "waking-partitions";
    let Some(broker) = broker::shared(name) else { return };
    let service = Service::new(broker, &Setup { session_ms: 30_000, ..Setup::new(name, 2, Wire::Json, SHORT) });
    let mut process = service.start("a");
    service.wait_until_idle(&mut process);
    let of = |partition: i32| {
        history().map(|mut records| {
            records.retain(|good| service.place(&good.id) == partition);
            records
        })
    };
    let [mut unseen_predictions, mut unseen_labels] = of(1);
    let last = [unseen_predictions.pop().unwrap(), unseen_labels.pop().unwrap()];
    let unseen = service.feed_unseen(&[unseen_predictions, unseen_labels].concat());
    service.feed(&of(0).concat());
    [PREDICTIONS, LABELS].into_iter().for_each(|input| service.wait_until_read(input, 1, &mut process));
    unseen.commit_transaction(ASK).unwrap();
    // After the marks of the transaction, so that the ends of the topics are records.
    service.feed(&last);
    // Nothing of it is late, so `replay` gets it in its order.
    *service.fed.borrow_mut() = history().concat();
    service.ends_with_all_matched(process);
}
