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
use super::positions::{self, InputLog, Logged};
use super::properties::Properties;
use super::protocol::Tag;
use super::thread::spawn;
use super::topic_id;
use super::work::{Restore, Stage};
use crate::config::Start;
use crate::event::Millis;
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
    /// Starts with nothing to do. `ends` is a client that sees the true ends of logs; `start`: where a partition without
    /// state begins.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn start(
        properties: &Properties,
        stage: Arc<dyn Stage>,
        ends: Arc<BaseConsumer<Plain>>,
        start: Start,
        engine: Sender<Message>,
    ) -> KafkaResult<Restorer> {
        let reader = properties.restore().create_with_context(Plain(ClientLog::new(stage.name(), "restore")))?;
        let (orders, received) = channel();
        let name = format!("{}-restore", stage.name());
        // What only this service writes is read from its beginning.
        let start = if stage.owns_inputs() { Start::Earliest } else { start };
        let (jobs, engine_of_worker) = (BTreeMap::new(), engine.clone());
        let worker = Worker {
            stage,
            group: properties.group().to_owned(),
            reader,
            ends,
            start,
            start_was_said: false,
            jobs,
            orders: received,
            engine: engine_of_worker,
        };
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
    group: String,
    reader: BaseConsumer<Plain>,
    ends: Arc<BaseConsumer<Plain>>,
    start: Start,
    /// It was said that `start` has no effect.
    start_was_said: bool,
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
        let topics: Vec<&str> = self.stage.inputs().iter().map(String::as_str).collect();
        let ids = topic_id::ask(&self.ends, &topics, ASK);
        let mut inputs = Vec::new();
        for topic in self.stage.inputs() {
            let element = committed.find_partition(topic, partition);
            let committed = match element.as_ref().map(|element| (element.error(), element.offset())) {
                Some((Err(error), _)) => return Err(error.into()),
                Some((Ok(()), Offset::Offset(offset))) => Some(offset),
                _ => None,
            };
            let (low, high) = self.ends.fetch_watermarks(topic, partition, ASK)?;
            let start = match self.start {
                Start::Earliest => low,
                Start::Latest => high,
                Start::At(time) => {
                    self.offset_at(topic, partition, time)?.map_or(high, |offset| offset.clamp(low, high))
                }
            };
            let id = ids.get(topic).copied();
            inputs.push(InputLog { topic: topic.clone(), id, committed, low, high, start });
        }
        let (_, high) = self.ends.fetch_watermarks(self.stage.changelog(), partition, ASK)?;
        Ok((inputs, high))
    }

    /// Offset of the first record with that timestamp or a later one; `None` if there is none.
    fn offset_at(&self, topic: &str, partition: i32, time: Millis) -> Result<Option<i64>, Stop> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(time))?;
        let found = self.ends.offsets_for_times(list, ASK)?;
        let Some(element) = found.find_partition(topic, partition) else { return Ok(None) };
        element.error()?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        })
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
                        self.read_again();
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
        let told = match reading.finish(self.stage.changelog(), partition, tag) {
            Ok(task) => {
                let took_ms = elapsed.as_millis() as u64;
                tracing::info!(stage = self.stage.name(), partition, commit = task.commit, bytes, took_ms, "restored");
                self.say_start(&task);
                Message::Restored(task)
            }
            Err(why) => Message::RestoreFailed { partition, tag, why },
        };
        let _ = self.engine.send(told);
    }

    /// Says where a partition begins if that is not where its inputs do.
    fn say_start(&mut self, task: &RestoredTask) {
        let (stage, partition) = (self.stage.name(), task.partition);
        if self.start == Start::Earliest {
        } else if task.commit == 0 {
            let positions = &task.positions;
            tracing::info!(stage, partition, ?positions, "a first start: reads from `start: {}` on", self.start);
        } else if !std::mem::replace(&mut self.start_was_said, true) {
            tracing::info!(stage, "`start: {}` has no effect: there is state, which says where to go on", self.start);
        }
    }

    fn fail(&mut self, partition: i32, why: String) {
        let Some(tag) = self.jobs.get(&partition).map(|job| job.tag) else { return };
        self.end(partition);
        let why = format!("the state of partition {partition} of group `{}` cannot be restored: {why}", self.group);
        let _ = self.engine.send(Message::RestoreFailed { partition, tag, why });
    }

    /// Of some changelog, the next offset is gone: its last owner has deleted what a snapshot replaces while it was read
    /// here. What is left is read from its beginning; whether that is enough is seen there.
    fn read_again(&mut self) {
        let begins_of_reading = |(partition, job): (&i32, &Job)| match &job.door {
            Door::Reading(reading) => Some((*partition, job.tag, reading.log_start)),
            Door::Offsets | Door::Settled { .. } => None,
        };
        let reading: Vec<(i32, Tag, i64)> = self.jobs.iter().filter_map(begins_of_reading).collect();
        let changelog = self.stage.changelog().to_owned();
        let was_cut = |partition: i32, begin: i64| {
            let now = self.ends.fetch_watermarks(&changelog, partition, ASK);
            // Where nobody answers it may have been this one.
            now.map_or(true, |(low, _)| low > begin)
        };
        let cut: Vec<(i32, Tag)> = (reading.iter())
            .filter(|(partition, _, begin)| was_cut(*partition, *begin))
            .map(|(partition, tag, _)| (*partition, *tag))
            .collect();
        if cut.is_empty() {
            let why = format!("`{changelog}` was truncated while it was read");
            return reading.into_iter().for_each(|(partition, _, _)| self.fail(partition, why.clone()));
        }
        for (partition, tag) in cut {
            tracing::info!(stage = self.stage.name(), partition, "`{changelog}` was cut while it was read: read again");
            self.follow(Order::Start { partition, tag });
        }
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

    /// The task as it was after its last commit.
    fn finish(self, changelog: &str, partition: i32, tag: Tag) -> Result<RestoredTask, String> {
        let place = format!("`{changelog}`/{partition}");
        let topics = self.chain.topics().to_vec();
        let (commit, positions) = self.chain.finish().map_err(|error| format!("{place}: {error}"))?;
        let logged = positions.map(|positions| Logged { positions, topics: topics.clone() });
        let changelog = positions::Place { name: &place, begin: self.log_start };
        let positions = positions::check(changelog, partition, logged, &self.inputs)?;
        let restored = self.restore.finish().map_err(|error| format!("{place}: {error}"))?;
        if let Some(read_from) = &restored.read_from {
            positions::check_read_from(partition, read_from, &positions, &self.inputs)?;
        }
        let known = topics.into_iter().chain(std::iter::repeat(None));
        let topics = self.inputs.iter().zip(known).map(|(input, before)| input.id.or(before)).collect();
        let skips = self.inputs.iter().zip(&positions).any(|(input, position)| *position > input.low);
        let is_late_start = commit == 0 && skips;
        Ok(RestoredTask { partition, tag, restored, commit, positions, topics, is_late_start })
    }
}
