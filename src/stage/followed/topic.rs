//! A topic read from its first record on, all partitions of it.

use super::super::errors::{advice, is_authorization, wrong_properties};
use super::super::log::{ClientLog, Plain};
use super::super::properties::Properties;
use super::super::topics::Problem;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::Duration;

/// Reads a topic.
pub struct TopicReader {
    client: BaseConsumer<Plain>,
    topic: String,
    /// Whose offsets the client may ask for, so that brokers may refuse it that.
    group: String,
    /// Partitions that were not read to their end.
    behind: BTreeSet<i32>,
}

/// A record as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRecord {
    /// Partition.
    pub partition: i32,
    /// Offset in it.
    pub offset: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
}

impl TopicReader {
    /// Reads `topic`, which has so many partitions and is for `name`, with a client of `properties`.
    ///
    /// # Errors
    /// If a property is wrong.
    pub fn open(properties: &Properties, name: &str, topic: &str, partitions: usize) -> Result<TopicReader, String> {
        let client: BaseConsumer<Plain> = properties
            .restore()
            .create_with_context(Plain(ClientLog::new(name, "reader")))
            .map_err(|error| wrong_properties(&error))?;
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(topic, partition, Offset::Beginning).map_err(|error| failed(topic, &error))?;
        }
        client.assign(&list).map_err(|error| failed(topic, &error))?;
        let (topic, group) = (topic.to_owned(), properties.group().to_owned());
        Ok(TopicReader { client, topic, group, behind: (0..partitions).collect() })
    }

    /// True once every partition was read to where it ended at some moment since it was opened.
    pub fn is_at_end(&self) -> bool {
        self.behind.is_empty()
    }

    /// The next record, if one comes within `time`.
    ///
    /// # Errors
    /// With what the client says; what it recovers from by itself is [`Problem::Unreachable`].
    pub fn next(&mut self, time: Duration) -> Result<Option<TopicRecord>, Problem> {
        match self.client.poll(time) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(record(&message))),
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.behind.remove(&partition);
                Ok(None)
            }
            Some(Err(error)) => {
                let refused = error.rdkafka_error_code().is_some_and(is_authorization);
                let problem = if refused { Problem::Wrong } else { Problem::Unreachable };
                Err(problem(format!("the group `{}`, {}", self.group, failed(&self.topic, &error))))
            }
        }
    }
}

fn record(message: &BorrowedMessage<'_>) -> TopicRecord {
    TopicRecord {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
    }
}

fn failed(topic: &str, error: &KafkaError) -> String {
    let advice = error.rdkafka_error_code().map_or("", advice);
    format!("reading topic `{topic}`: {error}{advice}")
}
