//! Announcing references: what the command line reads from the topic and writes to it.

use super::super::collect::{Collector, Span};
use super::super::log::{ClientLog, Plain};
use super::super::options::Options;
use super::super::plan::REFERENCE_BYTES_MAX;
use super::super::properties::{Ids, Properties};
use crate::codec::reference::{ReferenceRecord, decode_reference, encode_reference, reference_key};
use crate::codec::{Message, PredictionDecoder};
use crate::config::Config;
use crate::event::{AnnouncedReference, Millis, Origin, PredictionColumns, Role};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientContext, config::RDKafkaLogLevel, error::KafkaError};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

/// How long writing may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// Records at the end of each partition among which the newest prediction is looked for.
const LAST_RECORDS: i64 = 500;

/// A prediction that is further ahead of the clock was made by one that is wrong.
const AHEAD_MAX: Millis = 86_400_000;

/// A record of the topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    /// Its key.
    pub key: String,
    /// What it says, or why it says nothing.
    pub reference: Result<AnnouncedReference, String>,
}

/// Reads and writes the topic of references.
pub struct Announcer<'a> {
    config: &'a Config,
    options: &'a Options,
    topic: &'a str,
}

impl<'a> Announcer<'a> {
    /// Of the topic that the configuration names; `None` if it names none.
    pub fn new(config: &'a Config, options: &'a Options) -> Option<Announcer<'a>> {
        let topic = config.topics.references.as_deref()?;
        Some(Announcer { config, options, topic })
    }

    /// What the topic says, by model and time.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn list(&self) -> Result<Vec<Announced>, String> {
        let mut last: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
        self.read(self.topic, Span::default(), |_, messages| {
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            last.extend(messages.iter().map(|message| (owned(message.key).unwrap_or_default(), owned(message.value))));
        })?;
        let announced = last.into_iter().filter_map(|(key, value)| {
            let reference = match decode_reference(&key, value.as_deref()) {
                Ok(ReferenceRecord::TakenBack) => return None,
                Ok(ReferenceRecord::Announced(reference)) => match self.config.refusal(&reference) {
                    None => Ok(reference),
                    Some(why) => Err(why),
                },
                Err(error) => Err(error.to_string()),
            };
            Some(Announced { key: String::from_utf8_lossy(&key).into_owned(), reference })
        });
        Ok(announced.collect())
    }

    /// Event time of the newest prediction that was written, as far as the last records of each partition say.
    ///
    /// # Errors
    /// If the topic of predictions cannot be read.
    pub fn newest_prediction(&self) -> Result<Option<Millis>, String> {
        let predictions = &self.config.predictions;
        let columns = PredictionColumns::default();
        let mut decoder = PredictionDecoder::try_new(&predictions.format, &predictions.fields, &columns)
            .map_err(|error| error.to_string())?;
        let topic = self.config.topics.predictions.as_str();
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let latest = Millis::try_from(now).unwrap_or(Millis::MAX).saturating_add(AHEAD_MAX);
        let mut newest: Option<Millis> = None;
        self.read(topic, Span { last: Some(LAST_RECORDS), ..Span::default() }, |partition, messages| {
            let origin = Origin { role: Role::Predictions, topic: topic.into(), partition };
            let batch = decoder.decode(&origin, messages).batch;
            // Nobody waits for the time of a clock that is wrong.
            newest = newest.max((0..batch.len()).map(|row| batch.time(row)).filter(|time| *time <= latest).max());
        })?;
        Ok(newest)
    }

    fn read(&self, topic: &str, span: Span, mut each: impl FnMut(i32, &[Message<'_>])) -> Result<(), String> {
        let collector = Collector::new(self.options, topic).map_err(|error| error.to_string())?;
        let read = collector.partitions().and_then(|partitions| {
            collector.read(partitions, span, |partition, fetched| {
                each(partition, &fetched.messages());
                Ok(())
            })
        });
        read.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Announces a reference, durably.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn announce(&self, announced: &AnnouncedReference) -> Result<(), String> {
        let (key, value) = encode_reference(announced);
        self.write(&key, Some(&value))
    }

    /// Takes a reference back, durably.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn take_back(&self, model_id: &str, from_ms: Option<Millis>) -> Result<(), String> {
        self.write(&reference_key(model_id, from_ms), None)
    }

    fn write(&self, key: &str, value: Option<&str>) -> Result<(), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("writing to topic `{}`: {error}", self.topic);
        let mut config = Properties::new(self.options, &Ids::new(self.options, "references", 0)).feed();
        config.set("message.timeout.ms", DEADLINE.as_millis().to_string());
        config.set("message.max.bytes", REFERENCE_BYTES_MAX.to_string());
        let answer = Answer { log: Plain(ClientLog::new("references", "producer")), said: Mutex::new(None) };
        let client: BaseProducer<Answer> = config.create_with_context(answer).map_err(|error| wrong(&error))?;
        let record = BaseRecord::to(self.topic).key(key);
        let record = match value {
            Some(value) => record.payload(value),
            None => record,
        };
        client.send(record).map_err(|(error, _)| wrong(&error))?;
        client.flush(DEADLINE).map_err(|error| wrong(&error))?;
        let said = client.context().said.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        match said {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                let advice = error.rdkafka_error_code().map_or("", super::super::errors::advice);
                Err(wrong(&format!("{error}{advice}")))
            }
            None => Err(wrong(&"the brokers did not confirm it")),
        }
    }
}

/// What the brokers say of the record.
struct Answer {
    log: Plain,
    said: Mutex<Option<Result<(), KafkaError>>>,
}

impl ClientContext for Answer {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.log.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl ProducerContext for Answer {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut said = self.said.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *said = Some(result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()));
    }
}
