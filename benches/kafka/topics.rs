//! A run's topics and configuration: made, filled, and measured.

use super::broker::{Broker, folder};
use super::client;
use crate::workload::Arrival;
use crate::workload::records::write_json;
use crate::workload::{MODELS, framed};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Partitions of predictions and labels.
pub const PARTITIONS: i32 = 8;

/// The topics of one run: their names begin with its name.
pub struct Topics {
    pub bootstrap: String,
    pub name: String,
    /// Configuration of `postdict`.
    pub config: PathBuf,
    /// Where the broker keeps its logs, if it is our own.
    logs: Option<PathBuf>,
}

/// A profile of each model, of the first predictions of the stream.
fn make_profiles(folder: &Path) {
    let [predictions, labels] = ["reference.ndjson", "labels.ndjson"].map(|name| folder.join(name));
    write_json(&predictions, &labels, REFERENCE, &[]).unwrap();
    // The files have longer texts than the topic.
    let text = std::fs::read_to_string(&predictions).unwrap();
    let text = text.replace("\":\"channel", "\":\"web").replace("\":\"merchant", "\":\"shop");
    std::fs::write(&predictions, text).unwrap();
    for model in 0..MODELS {
        let (name, out) = (format!("model{model}"), folder.join(format!("model{model}.json")));
        let mut make = Command::new(env!("CARGO_BIN_EXE_postdict"));
        make.args(["profile", "--quiet", "--model", &name, "--predictions"]).arg(&predictions).arg("--out").arg(&out);
        let made = make.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
}

/// What differs between runs.
pub struct Setting<'a> {
    pub name: &'a str,
    /// More lines under `defaults:`.
    pub defaults: &'a [&'a str],
    /// The whole of Postdict: drift of all features against a profile per model, and segments.
    pub whole: bool,
}

/// Predictions that profiles are made of.
const REFERENCE: u64 = 200_000;

impl Topics {
    /// Makes them.
    pub fn create(broker: &Broker, setting: &Setting) -> Topics {
        let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let name = format!("{}-{nanos:x}", setting.name);
        let folder = folder(setting.name);
        let topics = Topics {
            bootstrap: broker.bootstrap.clone(),
            config: folder.join("postdict.yaml"),
            logs: broker.folder().map(|folder| folder.join("data")),
            name,
        };
        std::fs::write(folder.join("prediction.avsc"), framed::prediction_schema()).unwrap();
        std::fs::write(folder.join("label.avsc"), framed::LABEL_SCHEMA).unwrap();
        if setting.whole {
            make_profiles(&folder);
        }
        std::fs::write(&topics.config, topics.document(setting)).unwrap();
        let (predictions, labels) = (topics.predictions(), topics.labels());
        client::create_topics(&topics.bootstrap, &[(&predictions, PARTITIONS), (&labels, PARTITIONS)]);
        let program = env!("CARGO_BIN_EXE_postdict");
        let create = || Command::new(program).args(["topics", "create", "-c"]).arg(&topics.config).output().unwrap();
        // A busy broker does not show a topic at once that it has just made.
        let mut made = create();
        for _ in 0..10 {
            if made.status.success() {
                break;
            }
            made = create();
        }
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        topics
    }

    fn document(&self, setting: &Setting) -> String {
        let name = &self.name;
        let model = |model| format!("  model{model}: {{reference: model{model}.json, segments: [country]}}\n");
        let models = || (0..MODELS).map(model).collect::<String>();
        let models = if setting.whole { format!("models:\n{}", models()) } else { String::new() };
        let segments = if setting.whole { ", segments: {country: country}" } else { "" };
        let defaults: String = setting.defaults.iter().map(|line| format!("  {line}\n")).collect();
        format!(
            "kafka: {{bootstrap_servers: \"{}\", application_id: {name}}}
topics: {{predictions: {name}.predictions, labels: {name}.labels, metrics: {name}.metrics, dead_letters: {name}.dead}}
format:
  predictions: {{type: avro, schema_ids: {{{}: prediction.avsc}}}}
  labels: {{type: avro, schema_ids: {{{}: label.avsc}}}}
fields:
  predictions: {{timestamp: ts{segments}}}
  labels: {{timestamp: ts, deleted: ~, weight: ~, model_id: ~}}
defaults:
  windows: [1m]
{defaults}idle_timeout: 2s
{models}",
            self.bootstrap,
            framed::PREDICTION_ID,
            framed::LABEL_ID,
        )
    }

    pub fn predictions(&self) -> String {
        format!("{}.predictions", self.name)
    }

    pub fn labels(&self) -> String {
        format!("{}.labels", self.name)
    }

    pub fn metrics(&self) -> String {
        format!("{}.metrics", self.name)
    }

    /// Writes predictions.
    pub fn write_predictions(&self, producer: &BaseProducer, numbers: Range<u64>) {
        let (topic, mut key, mut value) = (self.predictions(), String::new(), Vec::new());
        for number in numbers {
            framed::prediction(number, &mut key, &mut value);
            send(producer, &topic, &key, &value);
        }
    }

    /// Writes labels.
    pub fn write_labels(&self, producer: &BaseProducer, arrivals: &[Arrival]) {
        let (topic, mut key, mut value) = (self.labels(), String::new(), Vec::new());
        for arrival in arrivals {
            framed::arrived_label(arrival, &mut key, &mut value);
            send(producer, &topic, &key, &value);
        }
    }

    /// What is to be read: the end of each partition of a topic.
    pub fn ends(&self, topic: &str) -> Vec<i64> {
        client::ends(&self.bootstrap, topic).into_iter().map(|(high, _)| high).collect()
    }

    /// Offsets that a group has committed, over all partitions of predictions and labels.
    pub fn committed(&self, group: &BaseConsumer) -> i64 {
        let mut list = rdkafka::TopicPartitionList::new();
        for topic in [self.predictions(), self.labels()] {
            list.add_partition_range(&topic, 0, PARTITIONS - 1);
        }
        let Ok(found) = group.committed_offsets(list, Duration::from_secs(30)) else { return 0 };
        found.elements().iter().filter_map(|element| element.offset().to_raw()).filter(|offset| *offset > 0).sum()
    }

    /// Who asks for the offsets of JOIN's group.
    pub fn group(&self) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("group.id", format!("{}-join", self.name));
        config.create().unwrap()
    }

    /// Bytes of the logs of a topic in the broker's folder, as they are compressed there.
    pub fn logged_bytes(&self, topic: &str) -> Option<u64> {
        let folders = std::fs::read_dir(self.logs.as_ref()?).ok()?.flatten();
        let of_topic = |name: &str| name.rsplit_once('-').is_some_and(|(name, _)| name == topic);
        let folders = folders.filter(|entry| of_topic(&entry.file_name().to_string_lossy()));
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
        let logs = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "log"));
        Some(logs.map(|file| file.metadata().map_or(0, |metadata| metadata.len())).sum())
    }
}

/// A producer that puts keys where Java's do.
pub fn producer(bootstrap: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("enable.idempotence", "true").set("partitioner", "murmur2_random");
    config.set("linger.ms", "20").set("batch.size", "16384").set("queue.buffering.max.messages", "200000");
    config.create().unwrap()
}

/// Returns when the broker has everything.
pub fn flush(producer: &BaseProducer) {
    producer.flush(Duration::from_secs(120)).unwrap();
}

fn send(producer: &BaseProducer, topic: &str, key: &str, value: &[u8]) {
    let mut record = BaseRecord::to(topic).key(key).payload(value);
    while let Err((_, back)) = producer.send(record) {
        record = back;
        producer.poll(Duration::from_millis(10));
    }
}
