//! Fetching: consumers on a thread of their own, one per input, that are assigned by hand, never join the group, and whose
//! records are handed over in batches. Where the engine has no room, they are simply not polled; where several have
//! records, the one goes first whose [`Turns`] it is.

use super::errors::{advice, is_authorization};
use super::headers;
use super::intake::Intake;
use super::log::{ClientLog, Plain};
use super::message::{Batch, Message};
use super::properties::Properties;
use super::protocol::Tag;
use super::thread::spawn;
use super::turns::{Reached, Turns};
use super::work::{Fetched, FetchedRecord, InputId};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

/// Records of an input that are handed over together, at most.
const RECORDS_MAX: usize = 4096;
/// Their bytes, about, at most.
const BYTES_MAX: usize = 1 << 20;
/// How long an input that is behind is waited for while others have records.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long it sleeps where nothing comes, at most: orders do not wake it.
const SLEEP: Duration = Duration::from_millis(20);
/// What a record costs besides its bytes and its headers.
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
    reached: Reached,
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
        let client = || properties.fetch().create_with_context(Plain(ClientLog::new(stage, "fetch")));
        let consumers = inputs.iter().map(|_| client()).collect::<KafkaResult<_>>()?;
        let (orders, received) = channel();
        let reached = Reached::new(inputs.len());
        let reader = Reader {
            consumers,
            inputs: inputs.to_vec(),
            group: properties.group().to_owned(),
            tags: BTreeMap::new(),
            behind: vec![BTreeSet::new(); inputs.len()],
            turns: Turns::new(reached.clone()),
            orders: received,
            engine: engine.clone(),
            intake,
        };
        let thread = spawn(format!("{stage}-fetch"), engine, move || reader.run())?;
        Ok(Fetch { orders: Some(orders), thread: Some(thread), reached })
    }

    /// Where to tell how far the inputs have come in event time.
    pub fn reached(&self) -> &Reached {
        &self.reached
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
    /// One per input.
    consumers: Vec<BaseConsumer<Plain>>,
    inputs: Vec<String>,
    /// Whose offsets the clients may ask for, so that brokers may refuse them that.
    group: String,
    /// The assignment of each partition that is fetched.
    tags: BTreeMap<i32, Tag>,
    /// Partitions of each input that were not read to their end: more comes without anybody writing.
    behind: Vec<BTreeSet<i32>>,
    turns: Turns,
    orders: Receiver<Order>,
    engine: Sender<Message>,
    intake: Intake,
}

impl Reader {
    fn run(mut self) {
        self.consumers.iter_mut().for_each(|consumer| wake_by(consumer, std::thread::current()));
        loop {
            loop {
                match self.orders.try_recv() {
                    Ok(order) => self.follow(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            if !self.intake.wait_for_room(SLEEP) {
                continue;
            }
            self.take_turn();
        }
    }

    /// Polls the inputs in their order until one has records. One that is not at its end is waited for a little: what is
    /// ahead of it would only have to be kept.
    fn take_turn(&mut self) {
        let mut patience = PATIENCE;
        for input in self.turns.order() {
            loop {
                if self.poll(input) {
                    return self.turns.taken(input);
                }
                if self.behind[input].is_empty() || patience.is_zero() {
                    break;
                }
                let started = Instant::now();
                std::thread::park_timeout(patience);
                patience = patience.saturating_sub(started.elapsed());
            }
        }
        std::thread::park_timeout(SLEEP);
    }

    fn follow(&mut self, order: Order) {
        let (partition, done) = match order {
            Order::Assign { partition, tag, positions } => {
                self.tags.insert(partition, tag);
                self.behind.iter_mut().for_each(|behind| {
                    behind.insert(partition);
                });
                (partition, self.assign(partition, &positions))
            }
            Order::Unassign(partition) => {
                self.tags.remove(&partition);
                self.behind.iter_mut().for_each(|behind| {
                    behind.remove(&partition);
                });
                (partition, self.unassign(partition))
            }
        };
        if let Err(error) = done {
            let _ = self.engine.send(Message::Broken(format!("cannot fetch partition {partition}: {error}")));
        }
    }

    fn assign(&self, partition: i32, positions: &[i64]) -> KafkaResult<()> {
        for ((consumer, topic), position) in self.consumers.iter().zip(&self.inputs).zip(positions) {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(topic, partition, Offset::Offset(*position))?;
            consumer.incremental_assign(&list)?;
        }
        Ok(())
    }

    fn unassign(&self, partition: i32) -> KafkaResult<()> {
        for (consumer, topic) in self.consumers.iter().zip(&self.inputs) {
            let mut list = TopicPartitionList::new();
            list.add_partition(topic, partition);
            consumer.incremental_unassign(&list)?;
        }
        Ok(())
    }

    /// Hands over what an input has there, up to a limit. False if that is nothing.
    fn poll(&mut self, input: usize) -> bool {
        let mut open: BTreeMap<i32, (Fetched, usize)> = BTreeMap::new();
        let (mut records, mut bytes) = (0, 0);
        while records < RECORDS_MAX && bytes < BYTES_MAX {
            match self.consumers[input].poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    if self.tags.contains_key(&message.partition()) {
                        let (fetched, held) = open.entry(message.partition()).or_default();
                        let size = push(fetched, &message);
                        (*held, bytes) = (*held + size, bytes + size);
                    }
                    records += 1;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.behind[input].remove(&partition);
                }
                Some(Err(error)) => {
                    self.fail(&error);
                    break;
                }
                None => break,
            }
        }
        for (partition, (fetched, held)) in open {
            let (tag, input) = (self.tags[&partition], InputId(input as u8));
            let place = self.intake.take(held);
            let _ = self.engine.send(Message::Batch(Batch { partition, tag, input, fetched, place }));
        }
        records > 0
    }

    fn fail(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        let refused = |advice: &str| {
            format!("the group `{}`, reading {}: {error}{advice}", self.group, self.inputs.join(" and "))
        };
        let told = match code {
            // Of a partition that was given up meanwhile.
            Some(Code::AutoOffsetReset) if self.tags.is_empty() => return,
            // The brokers have nothing at the next offset, and starting anywhere else would lose or repeat records.
            Some(Code::AutoOffsetReset) => Message::OffsetsGone,
            Some(code) if is_authorization(code) => Message::Broken(refused(advice(code))),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => Message::Broken(refused("")),
            // Logged when it came; passes by itself.
            _ => return,
        };
        let _ = self.engine.send(told);
    }
}

/// Wakes the thread when the consumer gets something while it has nothing.
fn wake_by(consumer: &mut BaseConsumer<Plain>, thread: Thread) {
    consumer.set_nonempty_callback(move || thread.unpark());
}

/// Copies a message into the batch, so that it does not hold a whole fetch answer in memory. Gives its size.
pub(super) fn push(batch: &mut Fetched, message: &BorrowedMessage<'_>) -> usize {
    let mut copy = |bytes: Option<&[u8]>| {
        bytes.map(|bytes| {
            let start = batch.bytes.len() as u32;
            batch.bytes.extend_from_slice(bytes);
            start..batch.bytes.len() as u32
        })
    };
    let (key, value) = (copy(message.key()), copy(message.payload()));
    let headers = headers::of(message);
    let size = message.key_len() + message.payload_len() + RECORD_OVERHEAD + headers::size(&headers);
    batch.records.push(FetchedRecord {
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key,
        value,
        headers,
    });
    size
}
