//! The least that reads both topics: a librdkafka consumer that looks at nothing.

use super::topics::{PARTITIONS, Topics};
use crate::workload::process::{cpu_seconds, peak, run_apart};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// What it cost.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    pub events: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_bytes: u64,
}

/// Reads the topics in a process of its own.
pub fn measure(topics: &Topics) -> Bare {
    let text = run_apart(&["bare", &topics.bootstrap, &topics.predictions(), &topics.labels()]);
    let numbers: Vec<f64> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [events, seconds, cpu_seconds, peak_bytes] = numbers[..] else { panic!("the bare consumer says `{text}`") };
    Bare { events: events as u64, seconds, cpu_seconds, peak_bytes: peak_bytes as u64 }
}

/// That process: prints the events, seconds, seconds of CPU and the peak of memory.
pub fn run(bootstrap: &str, names: [&str; 2]) -> String {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "bare").set("enable.auto.commit", "false");
    config.set("fetch.queue.backoff.ms", "5");
    let started = Instant::now();
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    let mut left = 0;
    for name in names {
        for partition in 0..PARTITIONS {
            let (low, high) = consumer.fetch_watermarks(name, partition, Duration::from_secs(30)).unwrap();
            left += high - low;
            list.add_partition_offset(name, partition, Offset::Beginning).unwrap();
        }
    }
    consumer.assign(&list).unwrap();
    let (mut events, mut bytes) = (0_u64, 0_usize);
    while left > 0 {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            bytes += message.payload_len() + message.key_len();
            events += 1;
            left -= 1;
        }
    }
    std::hint::black_box(bytes);
    format!("{events} {} {} {}", started.elapsed().as_secs_f64(), cpu_seconds(), peak())
}
