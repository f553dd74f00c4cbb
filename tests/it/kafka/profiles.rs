//! `postdict profile --topic`: a profile of what topics hold is, byte for byte, that of files with the same records.

use super::broker::{self, Broker, folder};
use super::client::{self, ASK};
use super::process::Process;
use super::scene::unique;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const PREDICTIONS: &str = "data/flights/predictions.ndjson.gz";
const LABELS: &str = "data/flights/labels.ndjson.gz";

/// A folder with a configuration, and topics of its own.
struct Scene {
    folder: PathBuf,
    bootstrap: String,
    name: String,
}

impl Scene {
    fn new(broker: &Broker, test: &str, more: &str) -> Scene {
        let (folder, name) = (folder(test), unique(test));
        let text = format!(
            "kafka: {{bootstrap_servers: '{}', application_id: {name}}}\n\
             topics: {{predictions: {name}.predictions, labels: {name}.labels}}\n{more}",
            broker.bootstrap
        );
        fs::write(folder.join("postdict.yaml"), text).unwrap();
        Scene { folder, bootstrap: broker.bootstrap.clone(), name }
    }

    fn topic(&self, role: &str) -> String {
        format!("{}.{role}", self.name)
    }

    fn create(&self, partitions: i32) {
        let [predictions, labels] = ["predictions", "labels"].map(|role| self.topic(role));
        client::create_topics(&self.bootstrap, &[(&predictions, partitions), (&labels, partitions)]);
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// What the command with these arguments makes.
    fn made(&self, arguments: &[&str]) -> String {
        let out = self.path("made.json");
        let _ = fs::remove_file(&out);
        let (code, said) = Process::run(&[&["profile", "--out", &out], arguments].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        fs::read_to_string(out).unwrap()
    }

    /// A profile of the topics, which leaves no trace in any group.
    fn of_topics(&self, more: &[&str]) -> String {
        let config = self.path("postdict.yaml");
        let made = self.made(&[&["-c", &config, "--topic"], more].concat());
        let group = format!("{}-profile", self.name);
        assert_eq!(client::owners(&self.bootstrap, &group), 0, "nobody joins");
        assert_eq!(client::group_offset(&self.bootstrap, &group, &self.topic("predictions"), 0), None);
        made
    }
}

/// A producer whose transaction has begun.
fn in_transaction(scene: &Scene) -> BaseProducer {
    let mut config = client::config(&scene.bootstrap);
    let producer: BaseProducer = config.set("transactional.id", scene.topic("aborting")).create().unwrap();
    producer.init_transactions(ASK).unwrap();
    producer.begin_transaction().unwrap();
    producer
}

#[test]
fn a_profile_of_topics_is_that_of_the_files_that_were_sent_there() {
    let Some(broker) = broker::shared("a_profile_of_topics") else { return };
    let scene = Scene::new(broker, "profiles", "models: {flight-late15: {task: binary, segments: [origin]}}\n");
    scene.create(3);
    let config = scene.path("postdict.yaml");
    let (code, said) = Process::run(&["produce", "-c", &config, "--predictions", PREDICTIONS, "--labels", LABELS]);
    assert_eq!(code, Some(0), "{said}");
    // What was aborted is not read, and what is not committed yet is not waited for.
    let (aborted, predictions) = (in_transaction(&scene), scene.topic("predictions"));
    for partition in 0..3 {
        let record = BaseRecord::<str, str>::to(&predictions).partition(partition).key("x");
        aborted.send(record.payload(r#"{"request_id":"x","timestamp":1373328000000,"score":1}"#)).unwrap();
    }
    aborted.flush(ASK).unwrap();
    let files = ["-c", &config, "--predictions", PREDICTIONS];
    let expected = scene.made(&files);
    assert_eq!(scene.of_topics(&[]), expected, "while a transaction is open");
    aborted.abort_transaction(ASK).unwrap();
    assert_eq!(scene.of_topics(&[]), expected);
    let with_labels = scene.made(&[&files[..], &["--labels", LABELS]].concat());
    assert!(with_labels.contains("\"calibrations\""));
    assert_eq!(scene.of_topics(&["--topic-labels"]), with_labels);
    let options = ["--type", "distance=ignore", "--categories", "4"];
    assert_eq!(scene.of_topics(&options), scene.made(&[&files[..], &options].concat()));
}

const FIELDS: &str = "models: {m: {task: binary}}\n\
                      fields: {predictions: {request_id: $key, timestamp: $timestamp, model_version: $header.version, \
                      features: input.features}, labels: {request_id: $key, timestamp: $timestamp}}\n";

#[test]
fn keys_headers_and_timestamps_are_read_as_the_service_reads_them_and_choose_what_is_read() {
    let Some(broker) = broker::shared("keys_headers_and_timestamps") else { return };
    let scene = Scene::new(broker, "profiles-mapped", FIELDS);
    scene.create(2);
    let producer: BaseProducer = client::config(&scene.bootstrap).create().unwrap();
    let (mut predictions, mut labels) = (Vec::new(), Vec::new());
    for i in 0..600_i64 {
        let (id, time) = (format!("r{i}"), 1_760_000_000_000 + i * 1_000);
        let features = json!({"amount": i % 37, "country": (["DE", "FR", "PL"][(i % 3) as usize])});
        let score = (i * 7 % 100) as f64 / 100.0;
        let label = i64::from(i * 13 % 100 < i * 7 % 100);
        let send = |role: &str, time: i64, value: serde_json::Value| {
            let (topic, value) = (scene.topic(role), value.to_string());
            let header = Header { key: "version", value: Some("7") };
            let record = BaseRecord::to(&topic).partition((i % 2) as i32).key(id.as_str()).payload(value.as_str());
            producer.send(record.timestamp(time).headers(OwnedHeaders::new().insert(header))).unwrap();
        };
        send("predictions", time, json!({"model_id": "m", "score": score, "input": {"features": features}}));
        send("labels", time + 60_000, json!({"label": label}));
        predictions.push(
            json!({"request_id": id, "model_id": "m", "timestamp": time, "score": score, "features": features})
                .to_string(),
        );
        labels.push(json!({"request_id": id, "timestamp": time + 60_000, "label": label}).to_string());
    }
    producer.flush(ASK).unwrap();
    fs::write(scene.folder.join("files.yaml"), "models: {m: {task: binary}}\n").unwrap();
    let files = |rows: std::ops::Range<usize>| {
        let path = |name: &str, lines: &[String]| {
            fs::write(scene.folder.join(name), lines.join("\n")).unwrap();
            scene.path(name)
        };
        let (predictions, labels) = (path("p.ndjson", &predictions[rows.clone()]), path("l.ndjson", &labels[rows]));
        scene.made(&["-c", &scene.path("files.yaml"), "--predictions", &predictions, "--labels", &labels])
    };
    assert_eq!(scene.of_topics(&["--topic-labels"]), files(0..600));
    let (since, until) = (1_760_000_000_000_i64 + 100_000, 1_760_000_000_000_i64 + 399_999);
    let (since, until) = (since.to_string(), until.to_string());
    let chosen = scene.of_topics(&["--topic-labels", "--since", &since, "--until", &until]);
    assert_eq!(chosen, files(100..400));
}

/// What the command says where it cannot do what it is asked to.
fn refused(arguments: &[&str], status: i32, parts: &[&str]) {
    let (code, said) = Process::run(&[&["profile"], arguments].concat());
    assert_eq!(code, Some(status), "{arguments:?}: {said}");
    parts.iter().for_each(|part| assert!(said.contains(part), "`{part}` is not in: {said}"));
}

#[test]
fn a_topic_that_is_not_there_and_brokers_that_do_not_answer_are_named() {
    let Some(broker) = broker::shared("a_topic_that_is_not_there") else { return };
    let scene = Scene::new(broker, "profiles-missing", "");
    let (config, out) = (scene.path("postdict.yaml"), scene.path("p.json"));
    let topics = ["-c", &config, "--out", &out, "--topic"];
    refused(&topics, 1, &["error: there is no topic", &scene.topic("predictions")]);
    scene.create(1);
    refused(&topics, 1, &["no prediction"]);
    refused(&[&topics[..], &["--predictions", PREDICTIONS]].concat(), 2, &["cannot be used with"]);
    refused(&["--out", &out, "--topic"], 2, &["--config"]);
    refused(&["--out", &out, "--predictions", PREDICTIONS, "--since", "5"], 2, &["cannot be used with"]);
    refused(&[&topics[..], &["--since", "2026-05-02", "--until", "2026-05-01"]].concat(), 2, &["later than --until"]);
    let dead = scene.path("dead.yaml");
    fs::write(&dead, "kafka: {bootstrap_servers: '127.0.0.1:1'}\n").unwrap();
    refused(&["-c", &dead, "--out", &out, "--topic"], 1, &["error: no answer about topic `predictions`"]);
    assert!(!Path::new(&out).exists());
}
