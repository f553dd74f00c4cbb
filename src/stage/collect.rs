//! Reading what a topic holds, once: from a time or its beginning on, to the ends that its partitions had at the start.
//! Committed records only, by a client that is assigned by hand: no group is joined, and no offset is committed.

use super::errors::{advice, is_authorization, wrong_properties};
use super::fetch::push;
use super::log::{ClientLog, Plain};
use super::options::Options;
use super::properties::{Ids, Properties};
use super::topics::{Problem, count};
use super::work::Fetched;
use crate::event::Millis;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(5);
/// How long brokers that do not answer are asked again.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// How long nothing may come of partitions that were not read to their ends.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// Between two looks at the clock.
const LOOK: Duration = Duration::from_millis(100);
/// Records that are handed over together, about, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Which records of a topic, by their timestamps as Kafka has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// From the first record on that has this timestamp or a later one; `None`: from the first that is there.
    pub since: Option<Millis>,
    /// Up to the first record that has a later timestamp; `None`: all.
    pub until: Option<Millis>,
    /// Of these, so many of each partition at most: the last ones, by their offsets; `None`: all.
    pub last: Option<i64>,
}

/// Why a topic was not read.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// It is not there, may not be read, or nobody answers.
    #[error("{0}")]
    Topic(String),
    /// Of some partitions not everything came.
    #[error(
        "topic `{topic}`: nothing came for {} s, and {partitions} partitions were not read to their ends{}",
        SILENCE_MAX.as_secs(),
        last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default()
    )]
    Silent {
        /// The topic.
        topic: String,
        /// How many.
        partitions: usize,
        /// What the client said last, if anything.
        last: Option<String>,
    },
    /// What was read could not be kept.
    #[error("keeping the records of a topic: {0}")]
    Keep(#[from] std::io::Error),
}

/// Reads a topic.
pub struct Collector {
    client: BaseConsumer<Plain>,
    /// Asks what there is. It has no group: where no broker answers, a client with one never runs out of complaints.
    asking: BaseConsumer<Plain>,
    topic: String,
}

impl Collector {
    /// A client for the brokers of `options`.
    ///
    /// # Errors
    /// If a property is wrong.
    pub fn new(options: &Options, topic: &str) -> Result<Collector, CollectError> {
        let properties = Properties::new(options, &Ids::new(options, "profile", 0));
        let client = |config: ClientConfig| {
            let client = config.create_with_context(Plain(ClientLog::new("profile", "collect")));
            client.map_err(|error| CollectError::Topic(wrong_properties(&error)))
        };
        let (asking, client) = (client(properties.high_watermark())?, client(properties.restore())?);
        Ok(Collector { client, asking, topic: topic.to_owned() })
    }

    /// Its partitions; brokers that do not answer are asked for a while.
    ///
    /// # Errors
    /// If it is not there, may not be looked at, or nobody answers.
    pub fn partitions(&self) -> Result<usize, CollectError> {
        let started = Instant::now();
        loop {
            match count(&self.asking, &self.topic) {
                Ok(partitions) => return Ok(partitions),
                Err(Problem::Unreachable(_)) if started.elapsed() < ANSWER_MAX => {}
                Err(Problem::Missing(why) | Problem::Unreachable(why) | Problem::Wrong(why)) => {
                    return Err(CollectError::Topic(why));
                }
            }
        }
    }

    /// Gives `each` the records of `span` of all partitions, in runs of one partition in offset order; returns how many
    /// there were.
    ///
    /// # Errors
    /// If not everything could be read, or `each` fails.
    pub fn read(
        &self,
        partitions: usize,
        span: Span,
        mut each: impl FnMut(i32, &Fetched) -> std::io::Result<()>,
    ) -> Result<u64, CollectError> {
        let topic = &self.topic;
        let failed = |error: KafkaError| CollectError::Topic(format!("topic `{topic}`: {}", told(&error)));
        let mut ends = BTreeMap::new();
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            let (begin, end) = self.bounds(partition, span).map_err(failed)?;
            if begin < end {
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(topic, partition, Offset::Offset(begin)).map_err(failed)?;
                self.client.incremental_assign(&list).map_err(failed)?;
                ends.insert(partition, end);
            }
        }
        let (mut records, mut last, mut newest) = (0, None, Instant::now());
        let mut open: BTreeMap<i32, (Fetched, usize)> = BTreeMap::new();
        while !ends.is_empty() {
            let read_to_end = match self.client.poll(LOOK) {
                None => None,
                Some(Ok(message)) => {
                    let partition = message.partition();
                    // What was fetched before its partition was let go.
                    let Some(end) = ends.get(&partition).copied() else { continue };
                    newest = Instant::now();
                    if message.offset() < end {
                        let (fetched, bytes) = open.entry(partition).or_default();
                        *bytes += push(fetched, &message);
                        records += 1;
                        if *bytes >= BYTES_MAX {
                            each(partition, fetched)?;
                            open.remove(&partition);
                        }
                    }
                    (message.offset() + 1 >= end).then_some(partition)
                }
                // The last offsets may be those of markers, which are no records.
                Some(Err(KafkaError::PartitionEOF(partition))) => Some(partition),
                Some(Err(error)) => {
                    let is_over = |code: Code| code == Code::AutoOffsetReset || is_authorization(code);
                    if error.rdkafka_error_code().is_some_and(is_over) {
                        return Err(failed(error));
                    }
                    last = Some(error.to_string());
                    None
                }
            };
            if let Some(partition) = read_to_end.filter(|partition| ends.remove(partition).is_some()) {
                newest = Instant::now();
                let mut list = TopicPartitionList::new();
                list.add_partition(topic, partition);
                self.client.incremental_unassign(&list).map_err(failed)?;
                if let Some((fetched, _)) = open.remove(&partition) {
                    each(partition, &fetched)?;
                }
            }
            if newest.elapsed() > SILENCE_MAX {
                return Err(CollectError::Silent { topic: topic.to_owned(), partitions: ends.len(), last });
            }
        }
        Ok(records)
    }

    /// Where to begin, and the end, exclusive. What is in a transaction that is open now is not there yet.
    fn bounds(&self, partition: i32, span: Span) -> KafkaResult<(i64, i64)> {
        // For a client that reads committed records the end is the last stable offset.
        let (low, stable) = self.client.fetch_watermarks(&self.topic, partition, ASK)?;
        let begin = match span.since {
            Some(time) => self.offset_at(partition, time)?.unwrap_or(stable).max(low),
            None => low,
        };
        let end = match span.until {
            Some(time) => self.offset_at(partition, time.saturating_add(1))?.unwrap_or(stable).min(stable),
            None => stable,
        };
        Ok((span.last.map_or(begin, |last| begin.max(end - last)), end))
    }

    /// Offset of the first record with that timestamp or a later one; `None` if there is none.
    fn offset_at(&self, partition: i32, time: Millis) -> KafkaResult<Option<i64>> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(time))?;
        let found = self.client.offsets_for_times(list, ASK)?;
        let Some(element) = found.find_partition(&self.topic, partition) else { return Ok(None) };
        element.error()?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        })
    }
}

fn told(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(Code::AutoOffsetReset) => "records were deleted while they were read; read them again".to_owned(),
        Some(code) => format!("{error}{}", advice(code)),
        None => error.to_string(),
    }
}
