//! What must have been published, from the generator alone; and what was, from the metrics topic.

use super::topics::Topics;
use crate::workload::{MINUTE, label, score, series, time};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts of a model's version in a minute: predictions, matched, tp, fp, tn, fn; and the Brier sum.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counts {
    pub counts: [i64; 6],
    pub brier: f64,
}

/// Names of those metrics.
const METRICS: [&str; 7] =
    ["predictions", "matched", "true_positives", "false_positives", "true_negatives", "false_negatives", "brier"];

/// By model, version and minute.
pub type Table = BTreeMap<(String, String, i64), Counts>;

/// What the first `count` predictions and their labels come to.
pub fn expected(count: u64) -> Table {
    let mut table: BTreeMap<(u64, u64, i64), Counts> = BTreeMap::new();
    for number in 0..count {
        let (model, version, _) = series(number);
        let window = time(number).div_euclid(MINUTE) * MINUTE;
        let of_window = table.entry((model, version, window)).or_default();
        of_window.counts[0] += 1;
        if let Some(came_true) = label(number) {
            of_window.counts[1] += 1;
            let place = match (score(number) >= 0.5, came_true) {
                (true, true) => 2,
                (true, false) => 3,
                (false, false) => 4,
                (false, true) => 5,
            };
            of_window.counts[place] += 1;
            of_window.brier += (score(number) - f64::from(u8::from(came_true))).powi(2);
        }
    }
    let named = |((model, version, window), counts)| ((format!("model{model}"), format!("v{version}"), window), counts);
    table.into_iter().map(named).collect()
}

/// What is read of a metric row.
#[derive(Deserialize)]
struct Row<'a> {
    model_id: &'a str,
    model_version: &'a str,
    segment_key: &'a str,
    metric: &'a str,
    window_start: i64,
    value: Option<f64>,
    revision: i64,
}

/// The last revision of every row that is committed, and how many rows there were.
pub fn published(topics: &Topics) -> (Table, u64) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &topics.bootstrap).set("group.id", "reader").set("enable.auto.commit", "false");
    config.set("isolation.level", "read_committed").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().unwrap();
    let partitions = topics.ends(&topics.metrics()).len() as i32;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(&topics.metrics(), partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let mut last: BTreeMap<(String, String, i64, usize), (i64, f64)> = BTreeMap::new();
    let (mut open, mut rows) = (partitions, 0);
    while open > 0 {
        match consumer.poll(Duration::from_secs(30)).expect("the broker answers") {
            Ok(message) => {
                rows += 1;
                let row: Row = serde_json::from_slice(message.payload().unwrap_or_default()).expect("a row");
                let metric = METRICS.iter().position(|metric| *metric == row.metric);
                if let (Some(metric), false) = (metric, row.model_version.is_empty() || !row.segment_key.is_empty()) {
                    let key = (row.model_id.to_owned(), row.model_version.to_owned(), row.window_start, metric);
                    let told = last.entry(key).or_default();
                    *told = if row.revision > told.0 { (row.revision, row.value.unwrap_or(0.0)) } else { *told };
                }
            }
            Err(KafkaError::PartitionEOF(_)) => open -= 1,
            Err(error) => panic!("reading metrics: {error}"),
        }
    }
    let mut table = Table::new();
    for ((model, version, window, metric), (_, value)) in last {
        let of_window = table.entry((model, version, window)).or_default();
        match of_window.counts.get_mut(metric) {
            Some(count) => *count = value as i64,
            None => of_window.brier = value,
        }
    }
    // The metric is the mean.
    table.values_mut().for_each(|counts| counts.brier *= counts.counts[1] as f64);
    (table, rows)
}

/// Panics unless both say the same; returns the number of windows.
pub fn compare(published: &Table, expected: &Table) -> usize {
    for (key, expected) in expected {
        let found = published.get(key).copied().unwrap_or_default();
        assert_eq!(found.counts, expected.counts, "{key:?}");
        assert!((found.brier - expected.brier).abs() <= 1e-9 * expected.brier.abs().max(1.0), "{key:?}: {found:?}");
    }
    assert_eq!(published.len(), expected.len(), "windows that should not be there");
    expected.len()
}
