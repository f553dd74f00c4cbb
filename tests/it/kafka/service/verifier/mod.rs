//! Holds the topics of a service against each other: knows what is in them and what must be true, and nothing of how the
//! service computes.

mod accounting;
mod alerts;
mod dead_letters;
mod logs;
mod profiles;

pub use alerts::{Changes, are_those_of_replay as alerts_are_those_of_replay, counted};
pub use profiles::are_those_of_replay as profiles_are_those_of_replay;

use super::Service;
use super::fold::Folding;
use super::stream::REASON;
use crate::kafka::client;
use crate::kafka::reader::{Reader, Record};

/// What both inputs hold: by input, then partition.
struct Inputs([Vec<Vec<Record>>; 2]);

impl Inputs {
    fn read(service: &Service) -> Inputs {
        Inputs(["predictions", "labels"].map(|role| {
            let mut partitions = vec![Vec::new(); service.partitions];
            for record in service.read(role) {
                partitions[record.partition as usize].push(record);
            }
            partitions
        }))
    }
}

/// The reason for which a record cannot be used, if it is fed as such.
fn reason(record: &Record) -> Option<&str> {
    let header = record.headers.iter().find(|(name, _)| name == REASON)?;
    std::str::from_utf8(header.1.as_deref()?).ok()
}

impl Service {
    pub(super) fn read(&self, role: &str) -> Vec<Record> {
        Reader::new(&self.bootstrap, &self.topic(role)).all()
    }

    pub(super) fn published(&self) -> Folding {
        let (rows, mut folding) = (self.row_reader(), Folding::default());
        self.read("metrics").iter().for_each(|record| folding.add_record(&rows, record));
        folding
    }
}

/// Everything was read, and nothing runs any more. Gives what is published.
pub(super) fn at_rest(service: &Service) -> Folding {
    let inputs = Inputs::read(service);
    let positions = between_commits(service, &inputs);
    for (input, partitions) in inputs.0.iter().enumerate() {
        for (partition, records) in partitions.iter().enumerate() {
            let end = records.last().map_or(0, |record| record.offset + 1);
            assert_eq!(positions[partition][input], end, "{}: input {input}/{partition} is read", service.name);
        }
    }
    let published = service.published();
    accounting::check(service, &inputs, &published);
    published
}

/// Nothing is running, and whatever was begun was ended: what holds at every commit.
pub(super) fn at_standstill(service: &Service) {
    let inputs = Inputs::read(service);
    between_commits(service, &inputs);
    // Reading them is the check.
    service.published();
    service.told();
}

/// What must hold after every commit. Gives the positions of JOIN: by partition, then input.
fn between_commits(service: &Service, inputs: &Inputs) -> Vec<[i64; 2]> {
    for role in service.roles() {
        for (partition, (high, stable)) in client::ends(&service.bootstrap, &service.topic(role)).iter().enumerate() {
            assert_eq!(high, stable, "{}: an open transaction in {role}/{partition}", service.name);
        }
    }
    let join = logs::positions(service, "join", &["predictions", "labels"]);
    let assess = logs::positions(service, "assess", &["partials"]);
    logs::partials_are_there(service, &assess);
    let positions: Vec<[i64; 2]> =
        join.into_iter().map(|position| position.map_or([0, 0], |both| [both[0], both[1]])).collect();
    dead_letters::check(service, inputs, &positions);
    positions
}
