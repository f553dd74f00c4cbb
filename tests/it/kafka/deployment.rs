//! A configuration, its topics, and a few records for it: the service as an operator sets it up, by the program alone.

use super::broker::folder;
use super::client::{self, Committed};
use super::program::{Program, unique};
use super::scene::WAIT_MAX;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How many letters there are to take padding from.
const LETTERS: usize = 1 << 20;

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
        let topics = ["predictions", "labels", "metrics", "dead_letters"].map(topic).join(", ");
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
    pub fn start(&self, words: &[&str]) -> Program {
        Program::start(&self.arguments(words))
    }

    /// Runs the program to its end.
    pub fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        Program::run(&self.arguments(words))
    }

    /// Makes the topics with so many partitions.
    pub fn create_topics(&self, partitions: usize) {
        let (code, said) = self.run(&["topics", "create", "--partitions", &partitions.to_string()]);
        assert_eq!(code, Some(0), "{said}");
    }

    /// Writes files of `count` predictions, a second apart, each with its label, and gives the arguments that name them. A
    /// record has so many bytes that nobody reads.
    pub fn files(&self, count: usize, padding: usize) -> [String; 4] {
        // Of letters at random, which no compression makes go away.
        let mut dice = 1_u64;
        let letter = |_: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + (dice >> 59) as u8 % 26)
        };
        let letters: String = (0..if padding > 0 { padding + LETTERS } else { 0 }).map(letter).collect();
        let padding = |i: usize| &letters[(i * 7919) % LETTERS.min(letters.len().max(1))..][..padding];
        let time = |i: usize| 1_700_000_000_000 + 1000 * i;
        let first = self.written.fetch_add(count, Ordering::Relaxed);
        let lines = |line: &dyn Fn(usize) -> String| (first..first + count).map(line).collect::<Vec<_>>().join("\n");
        let prediction = |i: usize| {
            let (time, score, padding) = (time(i), i % 10, padding(i));
            format!(
                "{{\"request_id\":\"r{i}\",\"model_id\":\"m\",\"timestamp\":{time},\"score\":0.{score},\"padding\":\"{padding}\"}}"
            )
        };
        let label = |i: usize| {
            let (time, label, padding) = (time(i) + 500, usize::from(i.is_multiple_of(3)), padding(i));
            format!("{{\"request_id\":\"r{i}\",\"timestamp\":{time},\"label\":{label},\"padding\":\"{padding}\"}}")
        };
        let write = |name: &str, text: String| {
            let path = self.folder.join(name);
            fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let predictions = write("predictions.ndjson", lines(&prediction));
        let labels = write("labels.ndjson", lines(&label));
        ["--predictions".to_owned(), predictions, "--labels".to_owned(), labels]
    }

    /// Sends so many predictions with their labels to the inputs.
    pub fn produce(&self, count: usize) {
        self.produce_padded(count, 0);
    }

    /// The same with larger records.
    pub fn produce_padded(&self, count: usize, padding: usize) {
        let files = self.files(count, padding);
        let words: Vec<&str> = ["produce"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let (code, said) = self.run(&words);
        assert_eq!(code, Some(0), "{said}");
    }

    /// What is committed in a topic.
    pub fn read(&self, topic: &str) -> Vec<Committed> {
        client::read_committed(&self.bootstrap, topic)
    }

    /// Waits until the metrics say that so many rows have matched.
    pub fn wait_for_matched(&self, count: usize, service: &mut Program) {
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
