//! The service itself on a real broker: real streams go in, and what comes out is what `replay` says, bit for bit, however
//! many partitions and processes there are and whatever happens to them.

use super::broker::{self, Broker, folder};
use super::client;
use super::scene::Member;
use flate2::read::GzDecoder;
use postdict::join::state::SnapshotPace;
use postdict::stage::{AssessPace, AssessStage, JoinStage, Options};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than any of these takes on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(150);

/// A configuration, topics, and the files that feed them.
struct Service<'b> {
    broker: &'b Broker,
    name: String,
    folder: PathBuf,
    predictions: PathBuf,
    labels: PathBuf,
}

/// The last row per id, without its revision.
type Fold = BTreeMap<String, Value>;

impl<'b> Service<'b> {
    /// Topics with `partitions` for the files, of which at most `limit` records each are used. `settings` are of every
    /// model (YAML, in one line).
    fn new(
        broker: &'b Broker,
        name: &str,
        partitions: usize,
        [predictions, labels]: [PathBuf; 2],
        limit: usize,
        settings: &str,
    ) -> Self {
        let name = format!("service-{name}-{}", std::process::id());
        let folder = folder(&name);
        let service = Service {
            broker,
            predictions: head(&predictions, &folder.join("predictions.ndjson"), limit),
            labels: head(&labels, &folder.join("labels.ndjson"), usize::MAX),
            folder,
            name: name.clone(),
        };
        let topic = |role: &str| format!("{role}: {name}-{role}");
        let topics = ["predictions", "labels", "metrics", "dead_letters"].map(topic).join(", ");
        let config = format!(
            "kafka: {{bootstrap_servers: '{}', application_id: {name}, \
             properties: {{session.timeout.ms: 8000}}}}\ntopics: {{{topics}}}\ndefaults: {settings}\n\
             commit_interval: 300ms\nemit_interval: 1s\nidle_timeout: 6s\n",
            broker.bootstrap
        );
        fs::write(service.config(), config).unwrap();
        let made =
            service.command().args(["topics", "create", "--partitions", &partitions.to_string()]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        service
    }

    fn config(&self) -> PathBuf {
        self.folder.join("postdict.yaml")
    }

    fn topic(&self, role: &str) -> String {
        format!("{}-{role}", self.name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Writes both files to their topics, each request id to one partition.
    fn feed(&self, partitions: usize) {
        for (role, file) in [("predictions", &self.predictions), ("labels", &self.labels)] {
            let topic = self.topic(role);
            let lines = BufReader::new(File::open(file).unwrap()).lines();
            let records = lines.map(|line| {
                let line = line.unwrap();
                let record: Value = serde_json::from_str(&line).unwrap();
                let id = record["request_id"].as_str().unwrap().to_owned();
                let hash = id.bytes().fold(7_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(byte)));
                (topic.as_str(), (hash % partitions) as i32, id, line.into_bytes())
            });
            client::write(&self.broker.bootstrap, records);
        }
    }

    /// Starts a process of the service.
    fn start(&self, instance: &str) -> Running {
        let log = self.folder.join(format!("{instance}.log"));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let child = self.command().arg("run").env("POSTDICT_INSTANCE", instance).stderr(file).spawn().unwrap();
        Running { child, log }
    }

    /// What `replay` says.
    fn replayed(&self) -> Fold {
        let out = self.folder.join("out");
        let replay = self
            .command()
            .args(["replay", "-c", "postdict.yaml", "--at-end", "hold", "--revisions", "final", "--quiet"])
            .args(["--predictions", "predictions.ndjson", "--labels", "labels.ndjson", "--out", "out"])
            .output()
            .unwrap();
        assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stderr));
        let rows = BufReader::new(File::open(out.join("metrics.ndjson")).unwrap()).lines();
        fold(rows.map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
    }

    /// What the metrics topic says, committed.
    fn published(&self) -> Fold {
        let records = client::read_committed(&self.broker.bootstrap, &self.topic("metrics"));
        let row = |record: &client::Committed| {
            let row: Value = serde_json::from_slice(&record.value).unwrap();
            assert_eq!(row["id"], record.key, "rows are keyed by their id");
            row
        };
        // Rows of one id are in one partition, in their order.
        fold(records.iter().map(row))
    }

    /// Waits until what is published is what `replay` says; while it waits, `running` must run.
    fn agrees_with_replay(&self, running: &mut [&mut Running]) {
        let expected = self.replayed();
        assert!(expected.len() > 100, "{} rows", expected.len());
        let deadline = Instant::now() + WAIT_MAX;
        let mut published = self.published();
        while published != expected {
            if Instant::now() > deadline {
                panic!("{}\n{}", difference(&expected, &published), running_logs(running));
            }
            for process in &mut *running {
                assert!(process.child.try_wait().unwrap().is_none(), "ended: {}", process.log());
            }
            std::thread::sleep(Duration::from_millis(300));
            published = self.published();
        }
        for role in ["join-changelog", "partials", "assess-changelog", "metrics"] {
            for (high, stable) in client::ends(&self.broker.bootstrap, &self.topic(role)) {
                assert_eq!(high, stable, "{role} has an open transaction");
            }
        }
    }
}

fn running_logs(running: &[&mut Running]) -> String {
    running.iter().map(|process| process.log()).collect::<Vec<_>>().join("\n---\n")
}

/// The last row per id. Fails where revisions of an id are not 1, 2, 3 ….
fn fold(rows: impl Iterator<Item = Value>) -> Fold {
    let mut fold = Fold::new();
    for row in rows {
        let id = row["id"].as_str().unwrap().to_owned();
        let revision = row["revision"].as_i64().unwrap();
        let before = fold.insert(id, row);
        assert_eq!(revision, 1 + before.map_or(0, |before| before["revision"].as_i64().unwrap()), "a revision");
    }
    fold.values_mut().for_each(|row| drop(row.as_object_mut().unwrap().remove("revision")));
    fold
}

fn difference(expected: &Fold, published: &Fold) -> String {
    let missing = expected.keys().filter(|id| !published.contains_key(*id)).count();
    let extra = published.keys().filter(|id| !expected.contains_key(*id)).count();
    let other = expected.iter().filter(|(id, row)| published.get(*id).is_some_and(|found| found != *row));
    let other: Vec<_> = other.map(|(id, row)| (row, &published[id])).collect();
    format!("{missing} rows are missing, {extra} are extra, {} differ, as {:?}", other.len(), other.first())
}

/// Copies the first lines of a compressed file.
fn head(from: &Path, to: &Path, limit: usize) -> PathBuf {
    let lines = BufReader::new(GzDecoder::new(File::open(from).unwrap())).lines();
    let text: Vec<String> = lines.take(limit).map(Result::unwrap).collect();
    fs::write(to, text.join("\n") + "\n").unwrap();
    to.to_owned()
}

/// A process of the service; killed if it is dropped.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait_for_log(&mut self, text: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline && self.child.try_wait().unwrap().is_none(), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// kill -9.
    fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9));
    }

    /// SIGTERM: it ends with everything committed, and says so by its status.
    fn stop(mut self) {
        assert!(Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn shipped_flights() -> [PathBuf; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights");
    ["predictions.ndjson.gz", "labels.ndjson.gz"].map(|name| folder.join(name))
}

fn of_oracle(test: &str, set: &str) -> Option<[PathBuf; 2]> {
    let folder = crate::shared::shared(test)?.join("data");
    Some(["predictions", "labels"].map(|role| folder.join(format!("{set}.{role}.ndjson.gz"))))
}

/// Runs a set of the oracle over `partitions` in as many processes as there are names.
fn agrees(test: &str, set: &str, partitions: usize, limit: usize, settings: &str, instances: &[&str]) {
    let (Some(broker), Some(files)) = (broker::shared(test), of_oracle(test, set)) else { return };
    let service = Service::new(broker, set, partitions, files, limit, settings);
    service.feed(partitions);
    let mut running: Vec<Running> = instances.iter().map(|instance| service.start(instance)).collect();
    let mut all: Vec<&mut Running> = running.iter_mut().collect();
    service.agrees_with_replay(&mut all);
    running.into_iter().for_each(Running::stop);
}

#[test]
fn flights_survive_kills_joins_and_leaves() {
    let Some(broker) = broker::shared("flights_survive_kills_joins_and_leaves") else { return };
    let settings = "{task: binary, segments: [origin], windows: [1d, 7d]}";
    let service = Service::new(broker, "flights", 4, shipped_flights(), usize::MAX, settings);
    let mut first = service.start("a");
    first.wait_for_log("restored");
    service.feed(4);
    let second = service.start("b");
    // At some moment of the work: what is read by then depends on the machine.
    first.wait_for_log("revoked");
    second.kill();
    let mut second = service.start("b");
    second.wait_for_log("restored");
    first.kill();
    let mut first = service.start("a");
    first.wait_for_log("restored");
    second.stop();
    service.agrees_with_replay(&mut [&mut first]);
    first.stop();
}

#[test]
fn car_loans_agree_over_four_partitions_and_two_processes() {
    let settings = "{task: binary, windows: [7d, {size: 28d, advance: 7d}], segments: [salary_range]}";
    agrees("car_loans_agree", "nml_car_loan", 4, 20_000, settings, &["a", "b"]);
}

#[test]
fn credit_cards_agree_over_four_partitions_and_three_processes() {
    agrees("credit_cards_agree", "nml_multiclass", 4, 20_000, "{task: multiclass, windows: [7d]}", &["a", "b", "c"]);
}

#[test]
fn car_prices_agree_over_one_partition() {
    agrees("car_prices_agree", "nml_car_price", 1, 20_000, "{task: regression, windows: [1d]}", &["a"]);
}

#[test]
fn weather_agrees_over_one_partition_and_two_processes() {
    agrees("weather_agrees", "weather", 1, usize::MAX, "{task: binary, windows: [28d]}", &["a", "b"]);
}

#[test]
fn snapshots_replace_the_beginning_of_the_logs() {
    let Some(broker) = broker::shared("snapshots_replace_the_beginning_of_the_logs") else { return };
    let settings = "{task: binary, segments: [origin], windows: [1d], correction_horizon: 6h}";
    let service = Service::new(broker, "snapshots", 2, shipped_flights(), usize::MAX, settings);
    let config = Arc::new(postdict::config::load(&service.config()).unwrap());
    let start = || {
        let options = Options::new(&config, Some("a".to_owned())).unwrap();
        let join = JoinStage::new(Arc::clone(&config), 2).unwrap();
        let join = join.with_pace(SnapshotPace { small_log_bytes: 100_000, rows_per_commit: 1_000 });
        let assess = AssessStage::new(Arc::clone(&config), 2);
        let assess =
            assess.with_pace(AssessPace { repeated_bytes: 10_000, bytes_per_commit: 100_000, rows_per_commit: 500 });
        Member::start_stages(vec![Arc::new(join), Arc::new(assess)], options)
    };
    let begins = |role: &str| client::begins(&service.broker.bootstrap, &service.topic(role));
    let first = start();
    service.feed(2);
    let deadline = Instant::now() + WAIT_MAX;
    // Of partials, one partition is that of no model; and the log of ASSESS begins with a snapshot if the first commit is large.
    let roles = ["join-changelog", "partials"];
    while roles.iter().any(|role| begins(role).iter().all(|begin| *begin == 0)) {
        assert!(Instant::now() < deadline, "begins at {:?}", roles.map(begins));
        std::thread::sleep(Duration::from_millis(100));
    }
    first.stopped().unwrap();
    let second = start();
    service.agrees_with_replay(&mut []);
    second.stopped().unwrap();
}
