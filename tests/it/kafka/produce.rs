//! `postdict produce`: what is in files arrives in the topics, keyed and in order, and what cannot is named.

use super::broker::{self, Broker, folder};
use super::client::{self, Committed};
use super::process::Process;
use super::scene::{WAIT_MAX, unique};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

const PREDICTIONS: &str = "data/flights/predictions.ndjson.gz";
const LABELS: &str = "data/flights/labels.ndjson.gz";

/// A configuration with topics of its own.
struct Topics {
    bootstrap: String,
    name: String,
    config: String,
}

impl Topics {
    fn new(broker: &Broker, test: &str) -> Topics {
        let name = unique(test);
        let config = folder("produce").join("postdict.yaml");
        let text = format!(
            "kafka: {{bootstrap_servers: '{}', application_id: {name}}}\n\
             topics: {{predictions: {name}.predictions, labels: {name}.labels}}\n",
            broker.bootstrap
        );
        fs::write(&config, text).unwrap();
        Topics { bootstrap: broker.bootstrap.clone(), name, config: config.display().to_string() }
    }

    fn create(&self, predictions: i32, labels: i32) {
        let [first, second] = ["predictions", "labels"].map(|role| format!("{}.{role}", self.name));
        client::create_topics(&self.bootstrap, &[(&first, predictions), (&second, labels)]);
    }

    fn produce<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [&["produce", "-c", self.config.as_str()], rest].concat()
    }

    fn read(&self, role: &str) -> Vec<Committed> {
        client::read_committed(&self.bootstrap, &format!("{}.{role}", self.name))
    }
}

fn parsed(record: &Committed) -> serde_json::Value {
    serde_json::from_slice(&record.value).unwrap()
}

#[test]
fn files_arrive_keyed_and_in_order() {
    let Some(broker) = broker::shared("files_arrive_keyed_and_in_order") else { return };
    let topics = Topics::new(broker, "arrive");
    topics.create(3, 3);
    let (code, said) = Process::run(&topics.produce(&["--predictions", PREDICTIONS, "--labels", LABELS]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("sent 26,362 predictions and 25,148 labels, until 2013-07-1"), "{said}");

    let mut places = BTreeMap::new();
    for (role, count) in [("predictions", 26_362), ("labels", 25_148)] {
        let records = topics.read(role);
        assert_eq!(records.len(), count);
        let mut newest = BTreeMap::new();
        for record in &records {
            let value = parsed(record);
            assert_eq!(value["request_id"], record.key.as_str());
            let partition = places.entry(record.key.clone()).or_insert(record.partition);
            assert_eq!(*partition, record.partition, "a label is where its prediction is");
            let time = value["timestamp"].as_i64().unwrap();
            let before = newest.insert(record.partition, time);
            assert!(before <= Some(time), "the order of the file stands");
        }
        assert_eq!(newest.len(), 3, "all partitions are used");
    }
}

#[test]
fn a_record_without_an_id_is_sent_without_a_key() {
    let Some(broker) = broker::shared("a_record_without_an_id_is_sent_without_a_key") else { return };
    let topics = Topics::new(broker, "keyless");
    topics.create(1, 1);
    let files = folder("keyless");
    let write = |name: &str, text: &str| {
        let path = files.join(name).display().to_string();
        fs::write(&path, text).unwrap();
        path
    };
    let predictions =
        write("p.ndjson", "{\"request_id\":\"a\",\"timestamp\":5,\"score\":\"bad\"}\nnot json\n{\"timestamp\":7}\n");
    let labels = write("l.ndjson", "{\"request_id\":12,\"timestamp\":6,\"label\":1}\n");
    let (code, said) = Process::run(&topics.produce(&["--predictions", &predictions, "--labels", &labels]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("sent 3 predictions and 1 labels") && said.contains("2 of them without a key"), "{said}");
    let keys: Vec<String> = topics.read("predictions").into_iter().map(|record| record.key).collect();
    assert_eq!(keys, ["a", "", ""]);
    assert_eq!(topics.read("labels")[0].key, "12");
}

#[test]
fn it_stops_at_once_and_says_what_was_sent() {
    let Some(broker) = broker::shared("it_stops_at_once_and_says_what_was_sent") else { return };
    let topics = Topics::new(broker, "stops");
    topics.create(1, 1);
    let mut program = Process::start(&topics.produce(&["--predictions", PREDICTIONS, "--pace", "60"]));
    let deadline = Instant::now() + WAIT_MAX;
    while topics.read("predictions").is_empty() {
        assert!(program.runs() && Instant::now() < deadline, "{}", program.said());
    }
    program.signal("INT");
    let asked = Instant::now();
    let status = program.ended();
    assert!(asked.elapsed() < Duration::from_secs(1), "after {:?}", asked.elapsed());
    assert_eq!(status.code(), Some(130));
    let arrived = topics.read("predictions").len();
    assert!(arrived < 5_000, "the pace was kept");
    assert!(program.said().contains(&format!("stopped after sending {arrived} predictions")), "{}", program.said());
}

#[test]
fn what_cannot_be_sent_is_named() {
    let Some(broker) = broker::shared("what_cannot_be_sent_is_named") else { return };
    let topics = Topics::new(broker, "unsent");
    let refused = |arguments: &[&str], status: i32, parts: &[&str]| {
        let (code, said) = Process::run(&topics.produce(arguments));
        assert_eq!(code, Some(status), "{said}");
        parts.iter().for_each(|part| assert!(said.contains(part), "`{part}` is not in: {said}"));
    };
    refused(&["--predictions", PREDICTIONS], 1, &["there is no topic", "predictions", "postdict topics create"]);
    refused(&["--labels", "nowhere.ndjson"], 2, &["nowhere.ndjson"]);
    refused(&[], 2, &["--predictions"]);
    refused(&["--labels", LABELS, "--pace", "fast"], 2, &["`fast` is no pace", "3600"]);
    topics.create(2, 3);
    refused(&["--labels", LABELS], 1, &["2 partitions", "3", "would not be where its prediction is"]);
}
