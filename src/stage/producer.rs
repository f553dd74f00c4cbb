//! The transactional producer, with a flush and an abort of its own.
//!
//! rdkafka's flush polls in slices of 100 ms, which would be most of a commit; its abort serves no delivery reports, and
//! waits for ever if there are any. librdkafka's call that adds offsets heeds no time-out while it looks for the group's
//! coordinator, and may look for ever where that broker is gone (seen with 2.12): it is made on a thread of its own, and
//! where it does not come back the producer is given up with it.

use super::errors::{self, TransactionError, Verdict, cause, is_refusal, judge};
use super::group::{GroupMetadata, send_offsets};
use super::log::ClientLog;
use super::protocol::{Call, Failure, Severity};
use super::run::Stop;
use super::watchdog::Watch;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::Timeout;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, sleep};
use std::time::Duration;

/// Between two tries of a call that may be repeated.
const PAUSE: Duration = Duration::from_millis(100);

/// How long one try of adding offsets, or of opening, may take.
const TRY: Duration = Duration::from_secs(10);

/// After which time adding offsets does not come back any more.
const TRY_MAX: Duration = Duration::from_secs(13);

/// A record to be written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// Which partition; `None`: by the key's hash.
    pub partition: Option<i32>,
    /// Record timestamp; `None`: the time of writing.
    pub timestamp: Option<i64>,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value.
    pub value: Option<&'a [u8]>,
    /// Headers.
    pub headers: &'a [(String, Option<Vec<u8>>)],
}

/// A producer that is ready for transactions.
pub struct Producer {
    client: Arc<BaseProducer<ProducerLog>>,
    watch: Watch,
}

impl Producer {
    /// Opens it, which also ends what an earlier producer of the same id left open. Waits for brokers until it is
    /// to stop.
    ///
    /// # Errors
    /// If it never can be opened, or is to stop.
    pub fn open(config: &ClientConfig, stage: &str, watch: &Watch, stop: &Stop) -> Result<Producer, Failure> {
        let context = ProducerLog { log: ClientLog::new(stage, "producer"), refused: Mutex::new(None) };
        let fatal = |text: String| Failure {
            call: Call::Init,
            severity: Severity::Fatal,
            cause: errors::cause(Code::Fail),
            text,
        };
        let client: BaseProducer<ProducerLog> =
            config.create_with_context(context).map_err(|error| fatal(format!("cannot make the producer: {error}")))?;
        let producer = Producer { client: Arc::new(client), watch: watch.clone() };
        let id = config.get("transactional.id").unwrap_or_default();
        let mut tries = 0_u32;
        loop {
            let Err(error) = producer.client.init_transactions(TRY) else { return Ok(producer) };
            // Serves the log, where the reason for a refused connection is.
            producer.client.poll(Duration::ZERO);
            match judge(Call::Init, &(&error).into(), &format!("opening the transactional id `{id}`")) {
                Verdict::Again(text) if stop.is_requested() => return Err(fatal(format!("stopped while {text}"))),
                Verdict::Again(text) => {
                    if tries.is_multiple_of(6) {
                        tracing::warn!(stage, "waiting for the brokers: {text}");
                    }
                    tries = tries.wrapping_add(1);
                    sleep(PAUSE);
                }
                Verdict::Failed(failure) => return Err(failure),
            }
        }
    }

    /// Opens a transaction.
    ///
    /// # Errors
    /// With what is to be done about it.
    pub fn begin(&self) -> Result<(), Failure> {
        self.take_refusal();
        self.repeat(Call::Begin, "opening a transaction", || {
            self.client.begin_transaction().map_err(|error| (&error).into())
        })
    }

    /// Hands over a record. Waits where the queue is full.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn send(&self, topic: &str, record: &Record<'_>) -> Result<(), Failure> {
        let mut ready: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
        ready.partition = record.partition;
        ready.timestamp = record.timestamp;
        ready.key = record.key;
        ready.payload = record.value;
        if !record.headers.is_empty() {
            let add = |all: OwnedHeaders, (key, value): &(String, Option<Vec<u8>>)| {
                all.insert(Header { key, value: value.as_ref() })
            };
            ready.headers = Some(record.headers.iter().fold(OwnedHeaders::new(), add));
        }
        self.watch.during("handing records to the producer", || {
            loop {
                match self.client.send(ready) {
                    Ok(()) => return Ok(()),
                    Err((KafkaError::MessageProduction(Code::QueueFull), back)) => {
                        ready = back;
                        self.client.poll(Duration::from_millis(5));
                        self.check_delivery()?;
                    }
                    Err((error, back)) => {
                        let size = back.payload.map_or(0, <[u8]>::len);
                        return Err(self.refused(&error, &format!("writing {size} bytes to topic `{topic}`")));
                    }
                }
            }
        })
    }

    /// Waits until the brokers have everything. Ends: a record times out after the transaction's time.
    ///
    /// # Errors
    /// If a record was not taken.
    pub fn flush(&self) -> Result<(), Failure> {
        self.watch.during("flushing records", || self.drain());
        self.check_delivery()
    }

    /// Adds the positions of the inputs, as this member of the group.
    ///
    /// # Errors
    /// With what is to be done about it.
    pub fn send_offsets(&self, offsets: &TopicPartitionList, member: GroupMetadata) -> Result<(), Failure> {
        let member = Arc::new(member);
        self.repeat(Call::Offsets, "adding the positions", || self.try_send_offsets(offsets, &member))
    }

    fn try_send_offsets(
        &self,
        offsets: &TopicPartitionList,
        member: &Arc<GroupMetadata>,
    ) -> Result<(), TransactionError> {
        // Without a mark, so that the producer is replaced.
        let given_up = |code: Code, text: &str| {
            Err(TransactionError { code, is_retriable: false, needs_abort: false, text: text.to_owned() })
        };
        let (done, told) = channel();
        let (client, offsets, member) = (Arc::clone(&self.client), offsets.clone(), Arc::clone(member));
        let call = move || drop(done.send(send_offsets(&client, &offsets, &member, TRY)));
        if Builder::new().name("offsets".to_owned()).spawn(call).is_err() {
            return given_up(Code::Fail, "the system has no thread to give");
        }
        told.recv_timeout(TRY_MAX).unwrap_or_else(|_| {
            given_up(Code::OperationTimedOut, "the client found no coordinator of the group in time")
        })
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// With what is to be done about it.
    pub fn commit(&self) -> Result<(), Failure> {
        self.repeat(Call::Commit, "committing", || {
            self.client.commit_transaction(Timeout::Never).map_err(|error| (&error).into())
        })
    }

    /// Aborts the transaction.
    ///
    /// # Errors
    /// If the producer is of no use any more.
    pub fn abort(&self) -> Result<(), Failure> {
        self.client.purge(PurgeConfig::default().queue());
        self.watch.during("flushing before an abort", || self.drain());
        let done = self.repeat(Call::Abort, "aborting", || {
            self.client.abort_transaction(Timeout::Never).map_err(|error| (&error).into())
        });
        self.take_refusal();
        done
    }

    /// Serves log and errors while nothing is written.
    pub fn serve(&self) {
        self.client.poll(Duration::ZERO);
    }

    fn drain(&self) {
        // One kick past `linger.ms`. In a loop it would only burn time.
        let _ = self.client.flush(Duration::ZERO);
        while self.client.in_flight_count() > 0 {
            sleep(Duration::from_micros(500));
            self.client.poll(Duration::ZERO);
        }
    }

    fn repeat(
        &self,
        call: Call,
        doing: &'static str,
        mut work: impl FnMut() -> Result<(), TransactionError>,
    ) -> Result<(), Failure> {
        self.watch.during(doing, || {
            loop {
                let Err(error) = work() else { return Ok(()) };
                match judge(call, &error, doing) {
                    Verdict::Again(text) => {
                        self.client.context().log.warn(&format!("again: {text}"));
                        sleep(PAUSE);
                    }
                    // A record that was refused says more than that the transaction must be aborted.
                    Verdict::Failed(failure) => {
                        self.client.poll(Duration::ZERO);
                        let refused =
                            self.check_delivery().err().filter(|_| call != Call::Commit && call != Call::Abort);
                        return Err(refused.filter(|_| failure.severity == Severity::Abortable).unwrap_or(failure));
                    }
                }
            }
        })
    }

    /// The first record that was not taken since the transaction was opened.
    fn check_delivery(&self) -> Result<(), Failure> {
        match self.take_refusal() {
            Some((error, place)) => Err(self.refused(&error, &format!("writing to {place}"))),
            None => Ok(()),
        }
    }

    fn refused(&self, error: &KafkaError, doing: &str) -> Failure {
        let mut failure = match judge(Call::Produce, &error.into(), doing) {
            Verdict::Failed(failure) => failure,
            Verdict::Again(text) => {
                let cause = cause(error.rdkafka_error_code().unwrap_or(Code::Fail));
                Failure { call: Call::Produce, severity: Severity::Abortable, cause, text }
            }
        };
        if let Some((code, text)) = self.client.client().fatal_error() {
            failure.severity = Severity::Fatal;
            if !is_refusal(code) {
                failure.cause = cause(code);
                failure.text = format!("{doing}: {text}");
            }
        }
        failure
    }

    fn take_refusal(&self) -> Option<(KafkaError, String)> {
        self.client.context().refused.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

/// What the producer's client reports besides answers.
struct ProducerLog {
    log: ClientLog,
    /// The first record that was not taken, and where it should have gone.
    refused: Mutex<Option<(KafkaError, String)>>,
}

impl ClientContext for ProducerLog {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.log.line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ProducerContext for ProducerLog {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        let Err((error, message)) = result else { return };
        // What we throw away ourselves before an abort.
        if matches!(error.rdkafka_error_code(), Some(Code::PurgeQueue | Code::PurgeInflight)) {
            return;
        }
        let mut refused = self.refused.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        refused.get_or_insert_with(|| (error.clone(), format!("{}/{}", message.topic(), message.partition())));
    }
}
