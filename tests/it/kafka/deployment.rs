//! A configuration, its topics, and a few records for it: the service as an operator sets it up, by the program alone.

use super::broker::folder;
use super::client::{self, Committed};
use super::process::Process;
use super::scene::WAIT_MAX;
use super::scene::unique;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Also what is read from the control topic.
const CONTROL_LOG: &str = "info,postdict::stage::control=debug";

/// A deployment of the service.
pub struct Deployment {
    /// `application_id`, and how its topics begin.
    pub name: String,
    /// Where its files are.
    pub folder: PathBuf,
    /// For the tests' own clients.
    bootstrap: String,
    config: String,
    /// Predictions in files so far: each has an id and a time of its own.
    written: AtomicUsize,
}

/// What differs from a plain deployment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'a> {
    /// Entries of `kafka.properties`, separated by commas.
    pub properties: &'a str,
    /// Other brokers than those of the tests' clients.
    pub brokers: Option<&'a str>,
    /// Further lines of the configuration.
    pub lines: &'a str,
}

impl Deployment {
    /// With a name of its own; nothing is there yet.
    pub fn new(bootstrap: &str, test: &str, settings: Settings<'_>) -> Deployment {
        let (name, folder) = (unique(test), folder(test));
        let config = folder.join("postdict.yaml").display().to_string();
        let deployment =
            Deployment { name, folder, bootstrap: bootstrap.to_owned(), config, written: AtomicUsize::new(0) };
        deployment.configure(settings);
        deployment
    }

    /// Writes its configuration (again).
    pub fn configure(&self, settings: Settings<'_>) {
        let Settings { properties, brokers, lines } = settings;
        let topic = |role: &str| format!("{role}: {}", self.topic(role));
        let roles = ["predictions", "labels", "references", "control", "metrics", "alerts", "dead_letters"];
        let topics = roles.map(topic).join(", ");
        let text = format!(
            "kafka:\n  bootstrap_servers: '{}'\n  application_id: {}\n  properties: {{heartbeat.interval.ms: 300, \
             session.timeout.ms: 6000, {properties}}}\ntopics: {{{topics}}}\nmodels: {{m: {{task: binary, windows: [1h]}}}}\n\
             commit_interval: 200ms\nemit_interval: 500ms\nidle_timeout: 1s\n{lines}\n",
            brokers.unwrap_or(&self.bootstrap),
            self.name
        );
        fs::write(&self.config, text).unwrap();
    }

    /// Name of an input or output.
    pub fn topic(&self, role: &str) -> String {
        format!("{}.{role}", self.name)
    }

    /// The program's arguments with this configuration.
    fn arguments(&self, words: &[&str]) -> Vec<String> {
        words.iter().copied().chain(["-c", &self.config]).map(str::to_owned).collect()
    }

    /// Starts the program.
    pub fn start(&self, words: &[&str]) -> Process {
        Process::start(&self.arguments(words))
    }

    /// Starts the service as a process with a name of its own, which says when it reads what people say of alerts.
    pub fn start_as(&self, instance: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
        command.args(self.arguments(&["run", "--log-filter", CONTROL_LOG])).env("POSTDICT_INSTANCE", instance);
        Process::spawn(command)
    }

    /// Runs the program to its end.
    pub fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        Process::run(&self.arguments(words))
    }

    /// Makes the topics with so many partitions.
    pub fn create_topics(&self, partitions: usize) {
        let (code, said) = self.run(&["topics", "create", "--partitions", &partitions.to_string()]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// Writes files of `count` predictions, a second apart, each with its label, and gives the arguments that name them.
    pub fn files(&self, count: usize) -> [String; 4] {
        let first = self.written.fetch_add(count, Ordering::Relaxed);
        let lines = |line: &dyn Fn(usize) -> String| (first..first + count).map(line).collect::<Vec<_>>().join("\n");
        let time = |i: usize| 1_700_000_000_000 + 1000 * i;
        let prediction = |i: usize| {
            format!("{{\"request_id\":\"r{i}\",\"model_id\":\"m\",\"timestamp\":{},\"score\":0.{}}}", time(i), i % 10)
        };
        let label = |i: usize| {
            let label = usize::from(i.is_multiple_of(3));
            format!("{{\"request_id\":\"r{i}\",\"timestamp\":{},\"label\":{label}}}", time(i) + 500)
        };
        let predictions = self.write("predictions.ndjson", &lines(&prediction));
        let labels = self.write("labels.ndjson", &lines(&label));
        ["--predictions".to_owned(), predictions, "--labels".to_owned(), labels]
    }

    /// Writes a file, and gives its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// Sends so many predictions with their labels to the inputs.
    pub fn produce(&self, count: usize) {
        let files = self.files(count);
        let words: Vec<&str> = ["produce"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let (code, said) = self.run(&words);
        assert_eq!(code, Some(0), "{said}");
    }

    /// What is committed in a topic.
    pub fn read(&self, topic: &str) -> Vec<Committed> {
        client::read_committed(&self.bootstrap, topic)
    }

    /// Waits until the metrics say that so many rows have matched.
    pub fn wait_for_matched(&self, count: usize, service: &mut Process) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.has_matched(count) {
            assert!(service.runs() && Instant::now() < deadline, "{count} have not matched: {}", service.said());
        }
    }

    /// True if the metrics say that so many rows have matched, over all windows.
    pub fn has_matched(&self, count: usize) -> bool {
        let mut matched = BTreeMap::new();
        for record in self.read(&self.topic("metrics")) {
            let row: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
            if row["metric"] == "matched" && row["model_version"] == "" {
                matched.insert(record.key, row["value"].as_f64().unwrap_or(0.0));
            }
        }
        matched.values().sum::<f64>() == count as f64
    }

    /// The configuration's file.
    pub fn config(&self) -> &Path {
        Path::new(&self.config)
    }
}
