//! Configurations one after the other on a real broker: what is added begins with what comes then, what was promised is
//! kept, what cannot be is refused, and `postdict topics reset` starts anew.

use super::broker::{self, Broker, folder};
use super::client;
use super::process::Process;
use super::scene::WAIT_MAX;
use super::scene::unique;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) const DAY: i64 = 86_400_000;
const PARTITIONS: usize = 2;

/// The last row per id, without its revision.
pub(super) type Fold = BTreeMap<String, Value>;

/// A service whose configuration changes, and the flights that it reads.
pub(super) struct Service<'b> {
    broker: &'b Broker,
    name: String,
    pub(super) folder: PathBuf,
    /// Records with their times.
    pub(super) predictions: Vec<(i64, String)>,
    labels: Vec<(i64, String)>,
}

impl<'b> Service<'b> {
    /// With topics, and so many flights.
    pub(super) fn new(broker: &'b Broker, test: &str, settings: &str, flights: usize) -> Self {
        let (name, folder) = (unique(test), folder(test));
        let predictions = records("predictions.ndjson.gz", flights);
        let end = predictions.last().unwrap().0;
        let mut labels = records("labels.ndjson.gz", usize::MAX);
        labels.retain(|(time, _)| *time <= end);
        let service = Service { broker, name, folder, predictions, labels };
        service.configure(settings);
        let (status, said) = service.run(&["topics", "create", "--partitions", &PARTITIONS.to_string()]);
        assert_eq!(status, Some(0), "{said}");
        service
    }

    /// Writes the configuration: `settings` of every model (YAML, in one line), and what else is in lines after that.
    pub(super) fn configure(&self, settings: &str) {
        let topic = |role: &str| format!("{role}: {}", self.topic(role));
        let roles = ["predictions", "labels", "references", "control", "metrics", "alerts", "dead_letters"];
        let topics = roles.map(topic).join(", ");
        let config = format!(
            "kafka: {{bootstrap_servers: '{}', application_id: {}, properties: {{session.timeout.ms: 8000}}}}\n\
             topics: {{{topics}}}\ndefaults: {settings}\ncommit_interval: 200ms\nemit_interval: 1s\nidle_timeout: 3s\n",
            self.broker.bootstrap, self.name
        );
        fs::write(self.folder.join("postdict.yaml"), config).unwrap();
    }

    pub(super) fn topic(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let config = ["-c".to_owned(), self.folder.join("postdict.yaml").display().to_string()];
        words.iter().map(|word| (*word).to_owned()).chain(config).collect()
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        Process::run(&self.arguments(words))
    }

    /// Starts the service.
    pub(super) fn start(&self) -> Process {
        Process::start(&self.arguments(&["run"]))
    }

    /// Writes the records of these times to their topics, each request id to one partition.
    pub(super) fn feed(&self, times: std::ops::Range<i64>) {
        for (role, records) in [("predictions", &self.predictions), ("labels", &self.labels)] {
            let topic = self.topic(role);
            let records = records.iter().filter(|(time, _)| times.contains(time)).map(|(_, line)| {
                let record: Value = serde_json::from_str(line).unwrap();
                let id = record["request_id"].as_str().unwrap().to_owned();
                let place = id.bytes().map(usize::from).sum::<usize>() % PARTITIONS;
                (topic.as_str(), place as i32, id, line.clone().into_bytes())
            });
            client::write(&self.broker.bootstrap, records);
        }
    }

    /// What `replay` says of the records before `end` under the configuration of now.
    pub(super) fn replayed(&self, end: i64) -> Fold {
        for (role, records) in [("predictions", &self.predictions), ("labels", &self.labels)] {
            let lines = records.iter().filter(|(time, _)| *time < end).map(|(_, line)| format!("{line}\n"));
            fs::write(self.folder.join(role), lines.collect::<String>()).unwrap();
        }
        let path = |name: &str| self.folder.join(name).display().to_string();
        let (status, said) = self.run(&[
            "replay",
            "--at-end",
            "hold",
            "--revisions",
            "final",
            "--quiet",
            "--predictions",
            &path("predictions"),
            "--labels",
            &path("labels"),
            "--out",
            &path("out"),
        ]);
        assert_eq!(status, Some(0), "{said}");
        let rows = BufReader::new(File::open(self.folder.join("out/metrics.ndjson")).unwrap()).lines();
        fold(rows.map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
    }

    /// What the metrics topic says, committed.
    fn published(&self) -> Fold {
        let records = client::read_committed(&self.broker.bootstrap, &self.topic("metrics"));
        fold(records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()))
    }

    /// Waits until the published rows that `counts` names are `expected`.
    pub(super) fn wait_for(&self, program: &mut Process, expected: &Fold, counts: &dyn Fn(&Value) -> bool) -> Fold {
        assert!(expected.len() > 100, "{} rows", expected.len());
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let mut published = self.published();
            published.retain(|_, row| counts(row));
            if published == *expected {
                return self.published();
            }
            if Instant::now() > deadline || !program.runs() {
                let missing = expected.keys().filter(|id| !published.contains_key(*id)).count();
                let extra = published.iter().find(|(id, _)| !expected.contains_key(*id));
                let other = expected.iter().find(|(id, row)| published.get(*id).is_some_and(|found| found != *row));
                let found = other.map(|(id, _)| &published[id]);
                panic!("{missing} are missing, extra {extra:?}\n{other:?}\n{found:?}\n{}", program.said());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Asks the program to stop, and waits until it has, with everything committed.
pub(super) fn stop(mut program: Process) {
    program.signal("TERM");
    let status = program.ended();
    assert!(status.success(), "{status}: {}", program.said());
}

fn records(name: &str, limit: usize) -> Vec<(i64, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights").join(name);
    let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines().take(limit);
    let timed = |line: String| {
        let record: Value = serde_json::from_str(&line).unwrap();
        (record["timestamp"].as_i64().unwrap(), line)
    };
    lines.map(|line| timed(line.unwrap())).collect()
}

/// The last row per id. Fails where revisions of an id are not 1, 2, 3 ….
fn fold(rows: impl Iterator<Item = Value>) -> Fold {
    let mut fold = Fold::new();
    for row in rows {
        let id = row["id"].as_str().unwrap().to_owned();
        let revision = row["revision"].as_i64().unwrap();
        let before = fold.insert(id, row).map_or(0, |before| before["revision"].as_i64().unwrap());
        assert_eq!(revision, before + 1, "a revision");
    }
    fold.values_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("revision")));
    fold
}

pub(super) fn start_of(row: &Value) -> i64 {
    row["window_start"].as_i64().unwrap()
}

#[test]
fn what_is_added_begins_with_what_comes_then_and_a_reset_starts_anew() {
    let Some(broker) = broker::shared("configurations") else { return };
    let before = "{task: binary, segments: [origin], windows: [1d]}";
    let after = "{task: binary, threshold: 0.2, segments: [origin, carrier], windows: [1d, {size: 3d, advance: 1d}]}";
    let service = Service::new(broker, "configurations", before, 12_000);
    let first = service.predictions[0].0;
    // In the middle of a day.
    let today = (first / DAY + 6) * DAY;
    let noon = today + DAY / 2;

    service.feed(0..noon);
    let mut program = service.start();
    service.wait_for(&mut program, &service.replayed(noon), &|_| true);
    stop(program);

    // Each day as it was promised when its predictions were read; what is added, from the next day on.
    let mut expected = service.replayed(i64::MAX);
    expected.retain(|_, row| start_of(row) < today);
    service.configure(after);
    expected.extend(service.replayed(i64::MAX).into_iter().filter(|(_, row)| start_of(row) > today));
    let is_added = |row: &Value| row["segment_key"] == "carrier" || row["window_size_ms"] == 3 * DAY;
    assert!(expected.values().filter(|row| is_added(row)).count() > 100);
    let mut program = service.start();
    service.feed(noon..i64::MAX);
    let published = service.wait_for(&mut program, &expected, &|row| start_of(row) != today);
    assert!(published.values().all(|row| start_of(row) != today || !is_added(row)), "of today, a part is not known");

    // Nobody deletes the state of a service that runs.
    let (status, said) = service.run(&["topics", "reset", "--yes"]);
    assert!(status == Some(1) && said.contains("has members"), "{said}");
    stop(program);

    // Other panes do not fit.
    service.configure("{task: binary, windows: [12h]}");
    let mut program = service.start();
    assert_eq!(program.ended().code(), Some(1));
    let said = program.said();
    for part in ["had a greatest common divisor of 86400000 ms and now have 43200000 ms", "`postdict topics reset`"] {
        assert!(said.contains(part), "{said}");
    }

    // It says what it would do, and does nothing.
    let state = ["join-changelog", "partials", "assess-changelog"];
    let ends = || state.map(|role| client::ends(&broker.bootstrap, &service.topic(role)));
    let (inputs, kept) = (["predictions", "labels", "metrics"], ends());
    let ends_of = |roles: [&str; 3]| roles.map(|role| client::ends(&broker.bootstrap, &service.topic(role)));
    let others = ends_of(inputs);
    let (status, said) = service.run(&["topics", "reset"]);
    assert!(status == Some(2) && said.contains("nothing was deleted"), "{said}");
    assert!(state.iter().all(|role| said.contains(&service.topic(role))), "{said}");
    assert_eq!(ends(), kept);

    // Also when it is done again.
    for _ in 0..2 {
        let (status, said) = service.run(&["topics", "reset", "--yes"]);
        assert_eq!(status, Some(0), "{said}");
        assert!(ends().iter().all(|ends| *ends == vec![(0, 0); PARTITIONS]), "{:?}", ends());
        assert_eq!(ends_of(inputs), others, "inputs and outputs stay");
        let group = format!("{}-join", service.name);
        assert_eq!(client::group_offset(&broker.bootstrap, &group, &service.topic("predictions"), 0), None);
    }
    let mut program = service.start();
    let expected = service.replayed(i64::MAX);
    service.wait_for(&mut program, &expected, &|row| row["window_size_ms"] == DAY / 2);
    stop(program);
}
