//! Fetching: a consumer on a thread of its own that is assigned inputs by hand, never joins the group, and hands over
//! records in batches. Where the engine has no room, it is simply not polled.

use super::errors::{advice, is_authorization};
use super::intake::Intake;
use super::log::{ClientLog, Plain};
use super::message::{Batch, Message};
use super::properties::Properties;
use super::protocol::Tag;
use super::thread::spawn;
use super::work::{Fetched, FetchedRecord, InputId};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Records that are handed over together, at most.
const RECORDS_MAX: usize = 4096;
/// Their bytes, about, at most.
const BYTES_MAX: usize = 1 << 20;
/// What a record costs besides its bytes.
const RECORD_OVERHEAD: usize = size_of::<FetchedRecord>();

/// What the thread is told.
enum Order {
    Assign { partition: i32, tag: Tag, positions: Vec<i64> },
    Unassign(i32),
}

/// The running reader of the inputs.
pub struct Fetch {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Fetch {
    /// Starts with nothing assigned.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn start(
        properties: &Properties,
        stage: &str,
        inputs: &[String],
        engine: Sender<Message>,
        intake: Intake,
    ) -> KafkaResult<Fetch> {
        let consumer = properties.fetch().create_with_context(Plain(ClientLog::new(stage, "fetch")))?;
        let (orders, received) = channel();
        let reader = Reader {
            consumer,
            inputs: inputs.to_vec(),
            tags: BTreeMap::new(),
            open: BTreeMap::new(),
            records: 0,
            bytes: 0,
            orders: received,
            engine: engine.clone(),
            intake,
        };
        let thread = spawn(format!("{stage}-fetch"), engine, move || reader.run())?;
        Ok(Fetch { orders: Some(orders), thread: Some(thread) })
    }

    /// Fetches all inputs of the partition from these positions on.
    pub fn assign(&self, partition: i32, tag: Tag, positions: Vec<i64>) {
        self.order(Order::Assign { partition, tag, positions });
    }

    /// Stops fetching the partition.
    pub fn unassign(&self, partition: i32) {
        self.order(Order::Unassign(partition));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // A thread that ended has said why.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Reader {
    consumer: BaseConsumer<Plain>,
    inputs: Vec<String>,
    /// The assignment of each partition that is fetched.
    tags: BTreeMap<i32, Tag>,
    /// Batches that are being filled.
    open: BTreeMap<(i32, InputId), Fetched>,
    records: usize,
    bytes: usize,
    orders: Receiver<Order>,
    engine: Sender<Message>,
    intake: Intake,
}

impl Reader {
    fn run(mut self) {
        loop {
            loop {
                match self.orders.try_recv() {
                    Ok(order) => self.follow(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            if self.intake.wait_for_room(Duration::from_millis(20)) {
                self.poll();
            }
        }
    }

    fn follow(&mut self, order: Order) {
        let (partition, done) = match order {
            Order::Assign { partition, tag, positions } => {
                self.tags.insert(partition, tag);
                (partition, self.assign(partition, &positions))
            }
            Order::Unassign(partition) => {
                self.tags.remove(&partition);
                (partition, self.list(partition, None).and_then(|list| self.consumer.incremental_unassign(&list)))
            }
        };
        if let Err(error) = done {
            let _ = self.engine.send(Message::Broken(format!("cannot fetch partition {partition}: {error}")));
        }
    }

    fn assign(&self, partition: i32, positions: &[i64]) -> KafkaResult<()> {
        self.consumer.incremental_assign(&self.list(partition, Some(positions))?)
    }

    fn list(&self, partition: i32, positions: Option<&[i64]>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (i, topic) in self.inputs.iter().enumerate() {
            let offset = positions.map_or(Offset::Invalid, |positions| Offset::Offset(positions[i]));
            list.add_partition_offset(topic, partition, offset)?;
        }
        Ok(list)
    }

    /// Fills batches until they are full or nothing is there, and hands them over.
    fn poll(&mut self) {
        let mut timeout = Duration::from_millis(20);
        while self.records < RECORDS_MAX && self.bytes < BYTES_MAX {
            // The message borrows the client, which is taken out of the way of the rest.
            let Self { consumer, inputs, tags, open, .. } = self;
            match consumer.poll(timeout) {
                Some(Ok(message)) => {
                    let input = inputs.iter().position(|topic| topic == message.topic());
                    if let (Some(input), true) = (input, tags.contains_key(&message.partition())) {
                        let batch = open.entry((message.partition(), InputId(input as u8))).or_default();
                        self.bytes += push(batch, &message);
                        self.records += 1;
                    }
                }
                Some(Err(error)) => {
                    self.fail(&error);
                    break;
                }
                None => break,
            }
            timeout = Duration::ZERO;
        }
        for ((partition, input), fetched) in std::mem::take(&mut self.open) {
            let Some(tag) = self.tags.get(&partition) else { continue };
            let place = self.intake.take(fetched.bytes.len() + fetched.records.len() * RECORD_OVERHEAD);
            let _ = self.engine.send(Message::Batch(Batch { partition, tag: *tag, input, fetched, place }));
        }
        (self.records, self.bytes) = (0, 0);
    }

    fn fail(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        let told = match code {
            // The brokers have nothing at the next offset, and starting anywhere else would lose or repeat records.
            Some(Code::AutoOffsetReset) => Message::OffsetsGone,
            Some(code) if is_authorization(code) => {
                Message::Broken(format!("reading {}: {error}{}", self.inputs.join(" and "), advice(code)))
            }
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                Message::Broken(format!("reading {}: {error}", self.inputs.join(" and ")))
            }
            // Logged when it came; passes by itself.
            _ => return,
        };
        let _ = self.engine.send(told);
    }
}

/// Copies a message into the batch, so that it does not hold a whole fetch answer in memory. Gives its size.
fn push(batch: &mut Fetched, message: &BorrowedMessage<'_>) -> usize {
    let mut copy = |bytes: Option<&[u8]>| {
        bytes.map(|bytes| {
            let start = batch.bytes.len() as u32;
            batch.bytes.extend_from_slice(bytes);
            start..batch.bytes.len() as u32
        })
    };
    let (key, value) = (copy(message.key()), copy(message.payload()));
    let header =
        |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    let headers: Vec<_> = message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default();
    let size = message.key_len() + message.payload_len() + RECORD_OVERHEAD + 64 * headers.len();
    batch.records.push(FetchedRecord {
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key,
        value,
        headers,
    });
    size
}
