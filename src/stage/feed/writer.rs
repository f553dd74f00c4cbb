//! The producer of input records: idempotent, with a bounded queue, counting what the brokers have confirmed.

use super::super::errors::advice;
use super::super::log::ClientLog;
use super::super::run::Stop;
use super::{FeedError, Sent};
use crate::event::Role;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Writes records and counts them.
pub struct Writer {
    client: BaseProducer<Confirmations>,
    handed_over: u64,
}

impl Writer {
    /// A producer with these properties.
    ///
    /// # Errors
    /// If one of them is wrong.
    pub fn new(config: &ClientConfig) -> Result<Writer, FeedError> {
        let confirmations = Confirmations {
            log: ClientLog::new("produce", "producer"),
            predictions: AtomicU64::new(0),
            labels: AtomicU64::new(0),
            refused: Mutex::new(None),
        };
        let client = config
            .create_with_context(confirmations)
            .map_err(|error| FeedError::Kafka(format!("wrong client configuration: {error}")))?;
        Ok(Writer { client, handed_over: 0 })
    }

    /// Hands over a record; waits where the queue is full. False if it is to stop meanwhile.
    ///
    /// # Errors
    /// If this record, or one before it, is refused.
    pub fn send(
        &mut self,
        role: Role,
        topic: &str,
        key: Option<&str>,
        value: &[u8],
        stop: &Stop,
    ) -> Result<bool, FeedError> {
        let mut record = BaseRecord::with_opaque_to(topic, Box::new(role)).payload(value);
        record.key = key;
        loop {
            // Also what makes room in the queue.
            self.client.poll(Duration::ZERO);
            self.check()?;
            match self.client.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(Code::QueueFull), _)) if stop.is_requested() => return Ok(false),
                Err((KafkaError::MessageProduction(Code::QueueFull), back)) => {
                    record = back;
                    self.client.poll(Duration::from_millis(20));
                }
                Err((error, _)) => {
                    let doing = format!("writing {} bytes to topic `{topic}`", value.len());
                    return Err(refusal(&error, &doing));
                }
            }
        }
        self.handed_over += 1;
        Ok(true)
    }

    /// Serves what the brokers say, for this long.
    pub fn serve(&self, time: Duration) {
        self.client.poll(time);
    }

    /// Records that were handed over and are not confirmed.
    pub fn unconfirmed(&self) -> u64 {
        let confirmations = self.client.context();
        let confirmed =
            confirmations.predictions.load(Ordering::Relaxed) + confirmations.labels.load(Ordering::Relaxed);
        self.handed_over.saturating_sub(confirmed)
    }

    /// True if a record was refused.
    pub fn is_refused(&self) -> bool {
        self.check().is_err()
    }

    /// # Errors
    /// If a record was refused.
    pub fn check(&self) -> Result<(), FeedError> {
        let refused = self.client.context().refused.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*refused {
            Some((error, place)) => Err(refusal(error, &format!("writing to {place}"))),
            None => Ok(()),
        }
    }

    /// Writes down what is confirmed by now.
    pub fn count(&self, sent: &mut Sent) {
        let confirmations = self.client.context();
        sent.predictions = confirmations.predictions.load(Ordering::Relaxed);
        sent.labels = confirmations.labels.load(Ordering::Relaxed);
        sent.unconfirmed = self.unconfirmed();
    }

    /// Throws away what is still in the queue: dropping the client would wait for it.
    pub fn give_up(&self) {
        self.client.purge(PurgeConfig::default().queue().inflight());
        self.client.poll(Duration::ZERO);
    }
}

fn refusal(error: &KafkaError, doing: &str) -> FeedError {
    let advice = error.rdkafka_error_code().map_or("", advice);
    FeedError::Kafka(format!("{doing}: {error}{advice}"))
}

/// What the brokers said.
struct Confirmations {
    log: ClientLog,
    predictions: AtomicU64,
    labels: AtomicU64,
    /// The first record that was not taken, and where it should have gone.
    refused: Mutex<Option<(KafkaError, String)>>,
}

impl ClientContext for Confirmations {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.log.line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ProducerContext for Confirmations {
    type DeliveryOpaque = Box<Role>;

    fn delivery(&self, result: &DeliveryResult<'_>, role: Box<Role>) {
        match result {
            Ok(_) => {
                let confirmed = match *role {
                    Role::Predictions => &self.predictions,
                    Role::Labels => &self.labels,
                };
                confirmed.fetch_add(1, Ordering::Relaxed);
            }
            // What was thrown away when it was to stop.
            Err((error, _)) if matches!(error.rdkafka_error_code(), Some(Code::PurgeQueue | Code::PurgeInflight)) => {}
            Err((error, message)) => {
                let mut refused = self.refused.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                refused.get_or_insert_with(|| (error.clone(), format!("{}/{}", message.topic(), message.partition())));
            }
        }
    }
}
