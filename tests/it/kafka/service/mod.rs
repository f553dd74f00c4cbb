//! The service itself on a real broker: real streams go in, and what comes out is what `replay` says, bit for bit, however
//! many partitions and processes there are and whatever happens to them.
//!
//! `stream` and `wire` are what goes in and how, `fold` what comes out, `verifier` holds it against the topics themselves;
//! the others are the tests.

mod alerted;
mod fold;
mod member;
mod stream;
mod verifier;
mod wire;

mod chaos;
mod closed;
mod lifecycle;
mod matrix;
mod moving;
mod rejected;
mod steps;
mod waking;

use super::broker::{Broker, folder};
use super::client;
use super::process::Process;
use super::reader::{Reader, Record};
use super::scene::unique;
use fold::{Fold, Folding, difference};
use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};
use stream::{Bad, Encoder, Good, REASON};
use wire::{ALERTS_ID, DEAD_LETTERS_ID, INPUT_IDS, METRICS_ID, RowReader, Wire, schema_file};

/// Longer than any of these takes on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(150);

/// After so long without a row it is looked anew at what there is.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Between records that cannot be used.
const BAD_EVERY: usize = 97;

/// What a service is to be.
struct Setup<'a> {
    name: &'a str,
    partitions: usize,
    wire: Wire,
    /// `defaults:` and `models:`, as YAML.
    models: &'a str,
    /// More lines of YAML.
    more: &'a str,
    /// librdkafka's `session.timeout.ms`.
    session_ms: u32,
}

impl<'a> Setup<'a> {
    fn new(name: &'a str, partitions: usize, wire: Wire, models: &'a str) -> Setup<'a> {
        Setup { name, partitions, wire, models, more: "", session_ms: 6000 }
    }
}

/// A configuration, its topics, and what was fed.
struct Service {
    bootstrap: String,
    name: String,
    folder: PathBuf,
    partitions: usize,
    wire: Wire,
    /// Windows that are final are published as profiles too.
    has_profiles: bool,
    /// Everything that was fed and can be used, in this order.
    fed: RefCell<Vec<Good>>,
    /// How many records that cannot be used were fed.
    bad: Cell<usize>,
}

impl Service {
    /// Makes the topics.
    fn new(broker: &Broker, setup: &Setup) -> Service {
        let name = unique(setup.name);
        let service = Service {
            bootstrap: broker.bootstrap.clone(),
            folder: folder(setup.name),
            name,
            partitions: setup.partitions,
            wire: setup.wire,
            has_profiles: setup.models.contains(PROFILE),
            fed: RefCell::default(),
            bad: Cell::default(),
        };
        fs::write(service.folder.join("replay.yaml"), setup.models).unwrap();
        if service.has_profiles {
            service.make_profile();
        }
        fs::write(service.config(), service.configuration(setup)).unwrap();
        let partitions = setup.partitions.to_string();
        let made = service.command().args(["topics", "create", "--partitions", &partitions]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        service
    }

    fn configuration(&self, setup: &Setup) -> String {
        let Service { bootstrap, name, .. } = self;
        let mut inputs = format!("predictions: {name}-predictions, labels: {name}-labels");
        if self.has_profiles {
            inputs += &format!(", profiles: {name}-profiles");
        }
        let (outputs, format) = match setup.wire {
            Wire::Json => {
                let output = |role: &str| format!("{role}: {name}-{role}");
                (["metrics", "alerts", "dead_letters"].map(output).join(", "), String::new())
            }
            Wire::Avro => {
                let output =
                    |role: &str, id: i32| format!("{role}: {{name: {name}-{role}, format: avro, schema_id: {id}}}");
                let input = |role: &str, schema: &str, id: i32| {
                    let file = schema_file(schema);
                    format!("{role}: {{type: avro, schema_ids: {{{id}: {}}}}}", file.display())
                };
                let outputs = [("metrics", METRICS_ID), ("alerts", ALERTS_ID), ("dead_letters", DEAD_LETTERS_ID)];
                let outputs = outputs.map(|(role, id)| output(role, id)).join(", ");
                let [predictions, labels] = INPUT_IDS;
                let inputs = [input("predictions", "prediction", predictions), input("labels", "label", labels)];
                (outputs, format!("format: {{{}}}\n", inputs.join(", ")))
            }
        };
        format!(
            "kafka: {{bootstrap_servers: '{bootstrap}', application_id: {name}, \
             properties: {{session.timeout.ms: {}, heartbeat.interval.ms: 300}}}}\n\
             topics: {{{inputs}, {outputs}}}\n{format}{}\n\
             commit_interval: 200ms\nemit_interval: 500ms\nidle_timeout: 2s\n{}\n",
            setup.session_ms, setup.models, setup.more
        )
    }

    /// A profile of the flights that come with the package.
    fn make_profile(&self) {
        let [predictions, labels] = shipped_flights();
        let mut command = self.command();
        command.args(["profile", "--quiet", "--out", PROFILE, "--predictions"]).arg(predictions);
        let made = command.arg("--labels").arg(labels).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn config(&self) -> PathBuf {
        self.folder.join("postdict.yaml")
    }

    fn topic(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    /// Every topic, by role.
    fn roles(&self) -> Vec<&'static str> {
        let always = [
            "predictions",
            "labels",
            "join-changelog",
            "partials",
            "assess-changelog",
            "metrics",
            "alerts",
            "dead_letters",
        ];
        always.into_iter().chain(self.has_profiles.then_some("profiles")).collect()
    }

    fn group(&self, stage: &str) -> String {
        format!("{}-{stage}", self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
        command.current_dir(&self.folder);
        command
    }

    /// Starts a process of the program. A name that begins with `-` is none.
    fn start(&self, instance: &str) -> Process {
        let mut command = self.command();
        command.args(["run", "--log-filter", "info"]);
        if !instance.starts_with('-') {
            command.env("POSTDICT_INSTANCE", instance);
        }
        Process::spawn(command)
    }

    /// Which partition a request id is in.
    fn place(&self, id: &str) -> i32 {
        let hash = id.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
        (hash % self.partitions) as i32
    }

    /// Writes records to their topics, and among them such that cannot be used.
    fn feed(&self, records: &[Good]) {
        let encoder = Encoder::new(self.wire);
        let topics = ["predictions", "labels"].map(|role| self.topic(role));
        let kinds = stream::bad(self.wire);
        let mut fed = self.fed.borrow_mut();
        let mut written = Vec::with_capacity(records.len() + records.len() / BAD_EVERY + 1);
        for good in records {
            if fed.len().is_multiple_of(BAD_EVERY) {
                let number = self.bad.replace(self.bad.get() + 1);
                let kind = &kinds[number % kinds.len()];
                written.push((topics[kind.input].as_str(), self.bad_record(kind, number)));
            }
            let (partition, key) = (self.place(&good.id), Some(good.id.clone().into_bytes()));
            let record = Record { partition, offset: 0, key, value: Some(encoder.bytes(good)), headers: Vec::new() };
            written.push((topics[good.input].as_str(), record));
            fed.push(good.clone());
        }
        client::write_records(&self.bootstrap, written);
    }

    fn bad_record(&self, kind: &Bad, number: usize) -> Record {
        let header = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.map(<[u8]>::to_vec));
        let number_text = number.to_string();
        let headers = vec![
            header(REASON, Some(kind.reason.as_bytes())),
            header("number", Some(number_text.as_bytes())),
            header("number", None),
            header("bytes", Some(&[0, 255, 10])),
        ];
        let partition = (number / 3 % self.partitions) as i32;
        Record { partition, offset: 0, key: kind.key.clone(), value: kind.value.clone(), headers }
    }

    /// What `replay` says about everything that was fed.
    fn replayed(&self) -> Fold {
        let out = self.folder.join("out");
        let fed = self.fed.borrow();
        for (input, name) in ["predictions.ndjson", "labels.ndjson"].iter().enumerate() {
            let lines = fed.iter().filter(|record| record.input == input).map(|record| record.text.as_str());
            fs::write(self.folder.join(name), lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        }
        let replay = self
            .command()
            .args(["replay", "-c", "replay.yaml", "--at-end", "hold", "--revisions", "final", "--quiet"])
            .args(["--predictions", "predictions.ndjson", "--labels", "labels.ndjson", "--out", "out"])
            .args(self.has_profiles.then_some("--profiles"))
            .output()
            .unwrap();
        assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        let rows = BufReader::new(fs::File::open(out.join("metrics.ndjson")).unwrap()).lines();
        let mut folding = Folding::default();
        rows.for_each(|line| folding.add(wire::without_nulls(serde_json::from_str(&line.unwrap()).unwrap())));
        folding.fold()
    }

    fn row_reader(&self) -> RowReader {
        RowReader::new(self.wire, "metrics", METRICS_ID)
    }

    /// Waits until what is published is what `replay` says; while it waits, `running` must run.
    fn agrees_with_replay(&self, running: &mut [&mut Process]) -> Fold {
        let expected = self.replayed();
        assert!(expected.len() > 100, "{} rows", expected.len());
        self.wait_until(running, &|folding| {
            let published = folding.fold();
            if published == expected { Ok(()) } else { Err(difference(&expected, &published)) }
        });
        expected
    }

    /// The same; then waits until everything is read, stops the processes, and holds all topics against each other.
    fn ends_as_replay(&self, mut running: Vec<Process>) {
        let expected = self.agrees_with_replay(&mut running.iter_mut().collect::<Vec<_>>());
        self.ends(running);
        let published = verifier::at_rest(self).fold();
        assert!(published == expected, "{}: {}", self.name, difference(&expected, &published));
        if self.has_profiles {
            verifier::profiles_are_those_of_replay(self, &expected);
        }
        verifier::alerts_are_those_of_replay(self);
    }

    /// Waits until everything is read, and stops the processes.
    fn ends(&self, mut running: Vec<Process>) {
        let deadline = Instant::now() + WAIT_MAX;
        while let Some(unread) = self.unread() {
            assert!(running.iter_mut().all(Process::runs) && Instant::now() < deadline, "{}: {unread}", self.name);
            std::thread::sleep(Duration::from_millis(50));
        }
        running.into_iter().for_each(Process::stopped);
    }

    /// What JOIN has not read, if anything.
    fn unread(&self) -> Option<String> {
        let mut unread = Vec::new();
        for role in ["predictions", "labels"] {
            for (partition, (end, _)) in (0..).zip(client::ends(&self.bootstrap, &self.topic(role))) {
                let read = client::group_offset(&self.bootstrap, &self.group("join"), &self.topic(role), partition);
                if read.unwrap_or(0) != end {
                    unread.push(format!("{role}/{partition} is read up to {read:?} of {end}"));
                }
            }
        }
        (!unread.is_empty()).then(|| unread.join(", "))
    }

    /// Follows the metrics until they are as they should be; while it waits, `running` must run.
    fn wait_until(&self, running: &mut [&mut Process], is_there: &dyn Fn(&Folding) -> Result<(), String>) -> Folding {
        let follow = || Reader::new(&self.bootstrap, &self.topic("metrics"));
        let (mut reader, rows) = (follow(), self.row_reader());
        let mut folding = Folding::default();
        let mut newest = Instant::now();
        let deadline = Instant::now() + WAIT_MAX;
        let mut why = "nothing is published".to_owned();
        loop {
            let new = reader.new_ones(Duration::from_millis(200));
            let is_new = !new.is_empty();
            if is_new {
                newest = Instant::now();
            } else if newest.elapsed() > SILENCE_MAX {
                // On a busy machine a client has been seen to miss the last transaction for minutes: another one begins anew.
                (reader, folding, newest) = (follow(), Folding::default(), Instant::now());
            }
            new.iter().for_each(|record| folding.add_record(&rows, record));
            if is_new {
                match is_there(&folding) {
                    Ok(()) => return folding,
                    Err(different) => why = different,
                }
            }
            for process in &mut *running {
                assert!(process.runs(), "ended: {}", process.said());
            }
            if Instant::now() > deadline {
                let said: Vec<String> = running.iter().map(|process| process.said()).collect();
                panic!("{}: {why}; unread: {:?}\n{}", self.name, self.unread(), said.join("\n---\n"));
            }
        }
    }

    /// Waits until so many members of a stage own partitions.
    fn wait_for_owners(&self, stage: &str, count: usize) {
        let deadline = Instant::now() + WAIT_MAX;
        while client::owners(&self.bootstrap, &self.group(stage)) != count {
            assert!(Instant::now() < deadline, "{}: not {count} members of {stage} own partitions", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The flights that come with the package.
fn shipped_flights() -> [PathBuf; 2] {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/flights");
    ["predictions.ndjson.gz", "labels.ndjson.gz"].map(|name| folder.join(name))
}

/// Their profile, in the folder of a service.
const PROFILE: &str = "flights.json";

/// A configuration for them: everything finds its partner, in whatever order processes come to it.
const FLIGHTS: &str = "defaults: {windows: [1d, 7d], label_horizon: 90d, early_label_retention: 90d}\n\
                       models: {flight-late15: {task: binary, segments: [origin], reference: flights.json, \
                       detectors: {adwin: {}, ddm: {}}, \
                       drift: {by_segment: true, compare_with: [fixed, previous]}}}\n";

/// Another: state leaves soon, so that snapshots are due; every flight has landed by then.
const BRIEF_FLIGHTS: &str = "defaults: {windows: [1d, 7d], label_horizon: 3d, correction_horizon: 6h}\n\
                             models: {flight-late15: {task: binary, segments: [origin], reference: flights.json, \
                             detectors: {adwin: {}, ddm: {}}, \
                       drift: {by_segment: true, compare_with: [fixed, previous]}}}\n";
