//! `postdict run` as a process of its own: what it costs, how far it is, and what it logs.

use super::broker::folder;
use super::topics::Topics;
use crate::workload::process::{cpu_seconds_of, memory_of};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing takes longer.
const WAIT_MAX: Duration = Duration::from_secs(300);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// After so long without a commit, with all inputs read, everything was published.
const QUIET: Duration = Duration::from_secs(5);

/// A commit that only says that the inputs of all partitions are silent is shorter.
const SILENCE_BYTES: u64 = 10_000;

/// A running process.
pub struct Service {
    child: Child,
    log: PathBuf,
}

/// A line of its log, as JSON.
pub type Line = serde_json::Value;

impl Service {
    /// Starts it.
    pub fn start(topics: &Topics) -> Service {
        let log = folder("service").join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_postdict"))
            .args(["run", "--log", "json", "--log-filter", "info,postdict::stage::engine=debug", "-c"])
            .arg(&topics.config)
            .env("POSTDICT_INSTANCE", "one")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Service { child, log }
    }

    fn process(&self) -> String {
        self.child.id().to_string()
    }

    /// Seconds of CPU until now.
    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds_of(&self.process())
    }

    /// Resident bytes.
    pub fn resident(&self) -> u64 {
        memory_of(&self.process(), "VmRSS:")
    }

    /// The most that was ever resident.
    pub fn peak(&self) -> u64 {
        memory_of(&self.process(), "VmHWM:")
    }

    /// Its log.
    pub fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Those with this message.
    pub fn said(&self, message: &str) -> Vec<Line> {
        self.lines().into_iter().filter(|line| line["message"] == message).collect()
    }

    /// Sum of a number in the lines of a stage with this message.
    pub fn sum(&self, message: &str, stage: &str, field: &str) -> u64 {
        let lines = self.said(message).into_iter().filter(|line| line["stage"] == stage);
        lines.filter_map(|line| line[field].as_u64()).sum()
    }

    /// True unless it has ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut(&Service) -> bool) {
        let deadline = Instant::now() + WAIT_MAX;
        while !is_so(self) {
            if !self.runs() || Instant::now() > deadline {
                panic!("waiting until {what}: {}", std::fs::read_to_string(&self.log).unwrap_or_default());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until so many records of both inputs are committed.
    pub fn wait_for_commits(&mut self, topics: &Topics, records: i64) {
        let group = topics.group();
        self.wait_until("all is committed", |_| topics.committed(&group) >= records);
    }

    /// Waits until so many tasks of a stage are restored.
    pub fn wait_for_restored(&mut self, stage: &str, count: usize) {
        let of_stage = |line: &Line| line["stage"] == stage;
        self.wait_until("it is restored", |service| {
            service.said("restored").iter().filter(|line| of_stage(line)).count() >= count
        });
    }

    /// Waits until nothing more is published; gives the CPU seconds at the last commit. Commits that only say that inputs are
    /// silent go on for ever.
    pub fn wait_until_quiet(&mut self) -> f64 {
        let (mut count, mut since, mut cpu) = (0, Instant::now(), self.cpu_seconds());
        self.wait_until("it is quiet", |service| {
            let commits = service.said("committed");
            let now =
                commits.iter().filter(|line| line["bytes"].as_u64().is_some_and(|bytes| bytes > SILENCE_BYTES)).count();
            if now != count {
                (count, since, cpu) = (now, Instant::now(), service.cpu_seconds());
            }
            since.elapsed() > QUIET
        });
        cpu
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.process()]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", std::fs::read_to_string(&self.log).unwrap_or_default());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
