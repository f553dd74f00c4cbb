//! What the command line reads from such a topic once, and writes to it.

use super::super::collect::{Collector, Span};
use super::super::errors::advice;
use super::super::log::{ClientLog, Plain};
use super::super::options::Options;
use super::super::properties::{Ids, Properties};
use crate::codec::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientContext, config::RDKafkaLogLevel, error::KafkaError};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// How long writing may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// A topic that the command line speaks to.
#[derive(Clone, Copy)]
pub struct TopicClient<'a> {
    /// How the brokers are reached.
    pub options: &'a Options,
    /// What the topic is for, in messages.
    pub name: &'static str,
    /// Its name.
    pub topic: &'a str,
    /// Largest record.
    pub bytes_max: usize,
}

/// Gives `each` the committed records of `span`, in runs of one partition in offset order.
///
/// # Errors
/// If the topic cannot be read.
pub fn read(
    options: &Options,
    topic: &str,
    span: Span,
    mut each: impl FnMut(i32, &[Message<'_>]),
) -> Result<(), String> {
    let collector = Collector::new(options, topic).map_err(|error| error.to_string())?;
    let read = collector.partitions().and_then(|partitions| {
        collector.read(partitions, span, |partition, fetched| {
            each(partition, &fetched.messages());
            Ok(())
        })
    });
    read.map(|_| ()).map_err(|error| error.to_string())
}

impl TopicClient<'_> {
    /// The last value of each key; `None`: it was taken back.
    ///
    /// # Errors
    /// If the topic cannot be read.
    pub fn last_records(&self) -> Result<BTreeMap<Vec<u8>, Option<Vec<u8>>>, String> {
        let mut last = BTreeMap::new();
        read(self.options, self.topic, Span::default(), |_, messages| {
            let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            last.extend(messages.iter().map(|message| (owned(message.key).unwrap_or_default(), owned(message.value))));
        })?;
        Ok(last)
    }

    /// Writes a record, durably; `None` takes back what was said under the key.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn write(&self, key: &str, value: Option<&str>) -> Result<(), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("writing to topic `{}`: {error}", self.topic);
        let mut config = Properties::new(self.options, &Ids::new(self.options, self.name, 0)).feed();
        config.set("message.timeout.ms", DEADLINE.as_millis().to_string());
        config.set("message.max.bytes", self.bytes_max.to_string());
        let answer = Answer { log: Plain(ClientLog::new(self.name, "producer")), said: Mutex::new(None) };
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
                let advice = error.rdkafka_error_code().map_or("", advice);
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
