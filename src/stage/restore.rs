//! Restoring: the tasks of newly assigned partitions from their changelogs, on a thread of its own with clients that live
//! as long as the stage.
//!
//! A partition passes three doors. Its group offsets must be *stable*: the broker does not give them while a transaction
//! of the previous owner holds them. Its changelog must be *settled*: every record below the end that was seen after that
//! is committed or aborted, also by a zombie that sent no offsets. Then the changelog is read to its end.

use super::block::{Block, Chain};
use super::errors::{advice, is_authorization};
use super::failpoint::pass;
use super::log::{ClientLog, Plain};
use super::message::{Message, RestoredTask};
use super::positions::{self, InputLog};
use super::properties::Properties;
use super::protocol::Tag;
use super::thread::spawn;
use super::work::{Restore, Stage};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take; it is asked again.
const ASK: Duration = Duration::from_secs(2);

/// The same while other partitions are being read, so that one that is not ready does not hold them up.
const ASK_BETWEEN: Duration = Duration::from_millis(250);

/// Between two looks at doors that are not open.
const PAUSE: Duration = Duration::from_millis(20);

/// Between two lines about the same wait.
const SAY: Duration = Duration::from_secs(10);

enum Order {
    Start { partition: i32, tag: Tag },
    Cancel(i32),
}

/// The running restorer.
pub struct Restorer {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Restorer {
    /// Starts with nothing to do. `ends` is a client that sees the true ends of logs.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn start(
        properties: &Properties,
        stage: Arc<dyn Stage>,
        ends: Arc<BaseConsumer<Plain>>,
        engine: Sender<Message>,
    ) -> KafkaResult<Restorer> {
        let reader = properties.restore().create_with_context(Plain(ClientLog::new(stage.name(), "restore")))?;
        let (orders, received) = channel();
        let name = format!("{}-restore", stage.name());
        let worker = Worker { stage, reader, ends, jobs: BTreeMap::new(), orders: received, engine: engine.clone() };
        let thread = spawn(name, engine, move || worker.run())?;
        Ok(Restorer { orders: Some(orders), thread: Some(thread) })
    }

    /// Restores the partition's task. An earlier request for it is forgotten.
    pub fn restore(&self, partition: i32, tag: Tag) {
        self.order(Order::Start { partition, tag });
    }

    /// Stops restoring the partition's task.
    pub fn cancel(&self, partition: i32) {
        self.order(Order::Cancel(partition));
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }
}

impl Drop for Restorer {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Worker {
    stage: Arc<dyn Stage>,
    reader: BaseConsumer<Plain>,
    ends: Arc<BaseConsumer<Plain>>,
    jobs: BTreeMap<i32, Job>,
    orders: Receiver<Order>,
    engine: Sender<Message>,
}

struct Job {
    tag: Tag,
    started: Instant,
    said: Instant,
    door: Door,
}

/// Where a partition is.
enum Door {
    /// Waits for stable offsets.
    Offsets,
    /// Waits until the changelog is settled up to `high`.
    Settled { inputs: Vec<InputLog>, high: i64 },
    /// Its changelog is read.
    Reading(Box<Reading>),
}

struct Reading {
    inputs: Vec<InputLog>,
    log_start: i64,
    chain: Chain,
    restore: Box<dyn Restore>,
    bytes: u64,
}

/// Why a job does not go on.
enum Stop {
    /// It will, if asked again.
    Later(String),
    /// It never will.
    Never(String),
}

impl From<KafkaError> for Stop {
    fn from(error: KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(code) if is_authorization(code) => Stop::Never(format!("{error}{}", advice(code))),
            _ => Stop::Later(error.to_string()),
        }
    }
}

impl Worker {
    fn run(mut self) {
        let mut wait = Duration::ZERO;
        loop {
            match self.orders.recv_timeout(wait) {
                Ok(order) => {
                    self.follow(order);
                    wait = Duration::ZERO;
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let partitions: Vec<i32> = self.jobs.keys().copied().collect();
            let mut advanced = false;
            for partition in partitions {
                advanced |= self.advance(partition);
            }
            self.read();
            wait = match self.jobs.is_empty() {
                true => Duration::from_millis(500),
                false if advanced || self.is_reading() => Duration::ZERO,
                false => PAUSE,
            };
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Start { partition, tag } => {
                self.end(partition);
                let now = Instant::now();
                self.jobs.insert(partition, Job { tag, started: now, said: now, door: Door::Offsets });
            }
            Order::Cancel(partition) => self.end(partition),
        }
    }

    /// Forgets a job, and stops reading for it.
    fn end(&mut self, partition: i32) {
        if let Some(Job { door: Door::Reading(_), .. }) = self.jobs.remove(&partition)
            && let Err(error) =
                self.changelog(partition, Offset::Invalid).and_then(|l| self.reader.incremental_unassign(&l))
        {
            tracing::warn!(stage = self.stage.name(), partition, "restore: {error}");
        }
    }

    fn is_reading(&self) -> bool {
        self.jobs.values().any(|job| matches!(job.door, Door::Reading(_)))
    }

    /// Takes a job through the next door. True if it was open.
    fn advance(&mut self, partition: i32) -> bool {
        let Some(job) = self.jobs.get(&partition) else { return false };
        let next = match &job.door {
            Door::Offsets => self.stable_offsets(partition).map(|(inputs, high)| Some(Door::Settled { inputs, high })),
            Door::Settled { inputs, high } => self.settled(partition, inputs, *high),
            Door::Reading(_) => Ok(None),
        };
        let Some(job) = self.jobs.get_mut(&partition) else { return false };
        match next {
            Ok(Some(door)) => {
                job.door = door;
                return true;
            }
            Ok(None) => {}
            Err(Stop::Later(why)) => {
                if job.said.elapsed() >= SAY {
                    job.said = Instant::now();
                    tracing::warn!(stage = self.stage.name(), partition, "restoring waits: {why}");
                }
            }
            Err(Stop::Never(why)) => self.fail(partition, why),
        }
        false
    }

    /// The inputs' offsets and ends, and the changelog's end, once no transaction holds the offsets.
    fn stable_offsets(&self, partition: i32) -> Result<(Vec<InputLog>, i64), Stop> {
        let mut list = TopicPartitionList::new();
        self.stage.inputs().iter().for_each(|topic| {
            list.add_partition(topic, partition);
        });
        let ask = if self.is_reading() { ASK_BETWEEN } else { ASK };
        let committed = self.reader.committed_offsets(list, ask).map_err(|error| match error.rdkafka_error_code() {
            Some(Code::OperationTimedOut) => {
                Stop::Later("the transaction of the partition's previous owner is still open".to_owned())
            }
            _ => error.into(),
        })?;
        pass("restore.offsets");
        let mut inputs = Vec::new();
        for topic in self.stage.inputs() {
            let element = committed.find_partition(topic, partition);
            let committed = match element.as_ref().map(|element| (element.error(), element.offset())) {
                Some((Err(error), _)) => return Err(error.into()),
                Some((Ok(()), Offset::Offset(offset))) => Some(offset),
                _ => None,
            };
            let (low, high) = self.ends.fetch_watermarks(topic, partition, ASK)?;
            inputs.push(InputLog { topic: topic.clone(), committed, low, high });
        }
        let (_, high) = self.ends.fetch_watermarks(self.stage.changelog(), partition, ASK)?;
        Ok((inputs, high))
    }

    /// Begins to read, once everything below `high` is committed or aborted.
    fn settled(&self, partition: i32, inputs: &[InputLog], high: i64) -> Result<Option<Door>, Stop> {
        let changelog = self.stage.changelog();
        // For a client that reads committed records the end is the last stable offset.
        let (log_start, stable) = self.reader.fetch_watermarks(changelog, partition, ASK)?;
        if stable < high {
            let what = format!("a transaction is open in `{changelog}`/{partition} at offset {stable} (end {high})");
            return Err(Stop::Later(what));
        }
        pass("restore.settled");
        self.reader.incremental_assign(&self.changelog(partition, Offset::Offset(log_start))?)?;
        let chain = Chain::new(self.stage.name(), partition, inputs.len());
        let restore = self.stage.restore(partition);
        Ok(Some(Door::Reading(Box::new(Reading { inputs: inputs.to_vec(), log_start, chain, restore, bytes: 0 }))))
    }

    fn changelog(&self, partition: i32, offset: Offset) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(self.stage.changelog(), partition, offset)?;
        Ok(list)
    }

    /// Reads for a while, for all jobs that are so far.
    fn read(&mut self) {
        let mut timeout = if self.is_reading() { Duration::from_millis(10) } else { Duration::ZERO };
        for _ in 0..1000 {
            let (partition, done) = match self.reader.poll(timeout) {
                None => return,
                Some(Ok(message)) => {
                    let partition = message.partition();
                    let Some(Job { door: Door::Reading(reading), .. }) = self.jobs.get_mut(&partition) else {
                        continue;
                    };
                    (partition, reading.take(&message).map(|()| None))
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    let Some(Job { door: Door::Reading(_), .. }) = self.jobs.get(&partition) else { continue };
                    (partition, Ok(Some(())))
                }
                Some(Err(error)) => {
                    if error.rdkafka_error_code() == Some(Code::AutoOffsetReset) {
                        self.fail_reading(&format!("`{}` was truncated while it was read", self.stage.changelog()));
                    }
                    return;
                }
            };
            match done {
                Ok(None) => {}
                Ok(Some(())) => self.finish(partition),
                Err(why) => {
                    self.fail(partition, format!("`{}`/{partition}, {why}", self.stage.changelog()));
                }
            }
            timeout = Duration::ZERO;
        }
    }

    /// The changelog of the partition was read to its end.
    fn finish(&mut self, partition: i32) {
        pass("restore.read");
        let Some(Job { tag, started, door: Door::Reading(_), .. }) = self.jobs.get(&partition) else { return };
        let (tag, elapsed) = (*tag, started.elapsed());
        // Takes the job out and stops reading for it.
        let Some(job) = self.jobs.remove(&partition) else { return };
        let _ = self.changelog(partition, Offset::Invalid).and_then(|list| self.reader.incremental_unassign(&list));
        let Door::Reading(reading) = job.door else { return };
        let bytes = reading.bytes;
        let told = match reading.finish(self.stage.changelog(), partition) {
            Ok((restored, commit, positions)) => {
                let took_ms = elapsed.as_millis() as u64;
                tracing::info!(stage = self.stage.name(), partition, commit, bytes, took_ms, "restored");
                Message::Restored(RestoredTask { partition, tag, restored, commit, positions })
            }
            Err(why) => Message::RestoreFailed { partition, tag, why },
        };
        let _ = self.engine.send(told);
    }

    fn fail(&mut self, partition: i32, why: String) {
        let Some(tag) = self.jobs.get(&partition).map(|job| job.tag) else { return };
        self.end(partition);
        let why = format!("the state of partition {partition} cannot be restored: {why}");
        let _ = self.engine.send(Message::RestoreFailed { partition, tag, why });
    }

    fn fail_reading(&mut self, why: &str) {
        let reading = |(partition, job): (&i32, &Job)| matches!(job.door, Door::Reading(_)).then_some(*partition);
        let partitions: Vec<i32> = self.jobs.iter().filter_map(reading).collect();
        partitions.into_iter().for_each(|partition| self.fail(partition, why.to_owned()));
    }
}

impl Reading {
    /// Applies a record of the changelog.
    fn take(&mut self, message: &BorrowedMessage<'_>) -> Result<(), String> {
        let at = |what: &dyn std::fmt::Display| format!("offset {}: {what}", message.offset());
        let payload = message.payload().unwrap_or_default();
        self.bytes += payload.len() as u64;
        let block = Block::decode(payload).map_err(|error| at(&error))?;
        if self.log_start > 0 && self.chain.is_new() && block.commit > 1 && !block.is_base {
            return Err(at(&format!(
                "the log begins here, with commit {}: what came before was deleted. Set `retention.ms=-1` on the topic, \
                 and bring its records back or start anew: `postdict topics reset`",
                block.commit
            )));
        }
        self.chain.follow(&block).map_err(|error| at(&error))?;
        self.restore.apply(&block.next, &block.payload).map_err(|error| at(&error))
    }

    /// The task, the number of its last commit, and the positions after it.
    fn finish(self, changelog: &str, partition: i32) -> Result<(super::work::Restored, u64, Vec<i64>), String> {
        let place = format!("`{changelog}`/{partition}");
        let (commit, positions) = self.chain.finish().map_err(|error| format!("{place}: {error}"))?;
        let positions = positions::check(&place, partition, positions, &self.inputs)?;
        let restored = self.restore.finish().map_err(|error| format!("{place}: {error}"))?;
        if let Some(read_from) = &restored.read_from {
            positions::check_read_from(partition, read_from, &positions, &self.inputs)?;
        }
        Ok((restored, commit, positions))
    }
}
