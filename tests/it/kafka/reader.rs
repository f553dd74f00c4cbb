//! Reads what is committed in a topic: all of it once, or what is new again and again.

use super::client::{self, ASK};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

/// A record as it is in its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A reader of one topic, from its beginning.
pub struct Reader {
    consumer: BaseConsumer,
    partitions: i32,
}

impl Reader {
    pub fn new(bootstrap: &str, topic: &str) -> Reader {
        let consumer: BaseConsumer = client::config(bootstrap)
            .set("group.id", "reader-of-tests")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .unwrap();
        let partitions = client::partitions(&consumer, topic);
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        Reader { consumer, partitions }
    }

    /// Everything up to the end of now. Only for a reader that has read nothing yet.
    pub fn all(self) -> Vec<Record> {
        let (mut records, mut open) = (Vec::new(), self.partitions);
        while open > 0 {
            match self.consumer.poll(ASK).expect("the broker answers") {
                Ok(message) => records.push(record(&message)),
                Err(KafkaError::PartitionEOF(_)) => open -= 1,
                Err(_) => {}
            }
        }
        records
    }

    /// What came since the last call, once nothing more comes for a moment; perhaps nothing.
    pub fn new_ones(&self, moment: Duration) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(polled) = self.consumer.poll(moment) {
            if let Ok(message) = polled {
                records.push(record(&message));
            }
        }
        records
    }
}

fn record(message: &impl Message) -> Record {
    let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
    let header =
        |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.map(header).collect(),
    }
}
