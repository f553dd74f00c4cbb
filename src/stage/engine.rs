//! The engine of one stage: takes messages one after the other, tells the protocol, and does what it asks for.

use super::commit::{Part, burst};
use super::errors::{self, RunError};
use super::failpoint::pass;
use super::fetch::Fetch;
use super::idle::Idleness;
use super::intake::Intake;
use super::log::{ClientLog, Plain};
use super::membership::Membership;
use super::message::{Batch, Message, RestoredTask};
use super::options::Options;
use super::producer::Producer;
use super::properties::{Ids, Properties};
use super::protocol::{Action, Event, Failure, Protocol, Reason};
use super::restore::Restorer;
use super::run::Stop;
use super::tasks::{Misplaced, Tasks};
use super::topics::{self, Problem, TopicWatch, Topics};
use super::truncate::Truncation;
use super::watchdog::Watch;
use super::work::{BadRecord, InputId, Stage};
use crate::event::Millis;
use rdkafka::consumer::BaseConsumer;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Batches that are taken in together, at most: a commit never waits long for them.
const BATCHES_MAX: usize = 64;

/// Before a missing topic is looked for again.
const MISSING_PAUSE: Duration = Duration::from_secs(1);

/// How long a member may take to hear that it was expelled: meanwhile the next owner of its partitions may delete what it
/// does not need any more.
const EXPELLED_MAX: Duration = Duration::from_secs(5);

/// Before the same bytes are sent again.
const RESEND_PAUSE: Duration = Duration::from_millis(20);

/// Everything a stage's engine works with.
struct Engine {
    stage: Arc<dyn Stage>,
    options: Options,
    properties: Properties,
    stop: Stop,
    watch: Watch,
    protocol: Protocol,
    tasks: Tasks,
    /// Restored tasks until the protocol has decided about them.
    restored: BTreeMap<i32, RestoredTask>,
    /// What is being committed.
    parts: Vec<Part>,
    /// Who waits until revoked partitions are free, in the order of the revocations.
    revocations: VecDeque<Sender<()>>,
    /// How many losses of partitions it has heard of.
    losses: u64,
    ended: Option<Reason>,
    /// Since when the brokers lack what is to be read next.
    offsets_gone: Option<Instant>,
    /// Since when commits fail.
    failing_since: Option<Instant>,
    messages: Receiver<Message>,
    producer: Option<Producer>,
    ends: Arc<BaseConsumer<Plain>>,
    membership: Membership,
    fetch: Fetch,
    restorer: Restorer,
    idleness: Option<Idleness>,
    topic_watch: TopicWatch,
    truncation: Truncation,
}

/// Runs a stage until it is stopped or cannot go on.
///
/// # Errors
/// If it cannot start or go on.
pub fn run(
    stage: Arc<dyn Stage>,
    options: Options,
    ids: &Ids,
    watch: Watch,
    stop: Stop,
    (sender, messages): (Sender<Message>, Receiver<Message>),
) -> Result<(), RunError> {
    let properties = Properties::new(&options, ids);
    let start = |what: &str, error: &dyn std::fmt::Display| {
        RunError::Start(format!("stage `{}`: {what}: {error}", stage.name()))
    };
    let client = |error: rdkafka::error::KafkaError| start("making a client", &errors::wrong_properties(&error));
    let log = Plain(ClientLog::new(stage.name(), "watermark"));
    let ends: Arc<BaseConsumer<Plain>> =
        Arc::new(properties.high_watermark().create_with_context(log).map_err(client)?);
    let Some(found) = find_topics(&ends, &*stage, &stop).map_err(|what| start("topics", &what))? else {
        return Ok(());
    };
    let opened = Producer::open(&properties.producer(), stage.name(), &watch, &stop);
    let producer = match opened {
        Err(_) if stop.is_requested() => return Ok(()),
        opened => opened.map_err(|failure| start("the producer", &failure.text))?,
    };
    let intake = Intake::new(options.fetched_bytes_max);
    let inputs = stage.inputs();
    let primary = inputs.first().cloned().unwrap_or_default();
    let fetch = Fetch::start(&properties, stage.name(), inputs, sender.clone(), intake).map_err(client)?;
    let restorer = Restorer::start(&properties, Arc::clone(&stage), Arc::clone(&ends), options.start, sender.clone())
        .map_err(client)?;
    let ask = || Idleness::start(&properties, stage.name(), inputs, Arc::clone(&ends), sender.clone());
    let idleness = stage.description().needs_idleness.then(ask).transpose().map_err(client)?;
    let (watched, interval) = (Arc::clone(&stage), options.topic_check_interval);
    let topic_watch =
        TopicWatch::start(watched, Arc::clone(&ends), found.clone(), interval, sender.clone()).map_err(client)?;
    let admin = properties.admin().create_with_context(Plain(ClientLog::new(stage.name(), "admin"))).map_err(client)?;
    let truncation = Truncation::start(Arc::clone(&stage), Arc::clone(&ends), admin)
        .map_err(|error| start("making a thread", &error))?;
    let membership = Membership::join(&properties, stage.name(), &primary, sender).map_err(client)?;
    tracing::info!(
        stage = stage.name(),
        group = ids.group,
        transactional_id = ids.transactional,
        instance = ids.instance,
        partitions = found.get(&primary).map(|topic| topic.partitions),
        "started"
    );
    let engine = Engine {
        stage,
        options,
        properties,
        stop,
        watch,
        protocol: Protocol::default(),
        tasks: Tasks::default(),
        restored: BTreeMap::new(),
        parts: Vec::new(),
        revocations: VecDeque::new(),
        losses: 0,
        ended: None,
        offsets_gone: None,
        failing_since: None,
        messages,
        producer: Some(producer),
        ends,
        membership,
        fetch,
        restorer,
        idleness,
        topic_watch,
        truncation,
    };
    engine.work()
}

/// The topics, once the brokers answer; `None` if it is to stop before.
fn find_topics(client: &BaseConsumer<Plain>, stage: &dyn Stage, stop: &Stop) -> Result<Option<Topics>, String> {
    let mut said: Option<Instant> = None;
    let mut missing = 0;
    loop {
        match topics::inspect(client, stage) {
            Ok(found) => return Ok(Some(found)),
            Err(Problem::Wrong(what)) => return Err(what),
            // A topic that was made a moment ago is not known to all brokers yet.
            Err(Problem::Missing(what)) => {
                missing += 1;
                if missing >= topics::MISSING_MAX || stop.is_requested() {
                    return Err(what);
                }
                std::thread::sleep(MISSING_PAUSE);
            }
            Err(Problem::Unreachable(_)) if stop.is_requested() => return Ok(None),
            Err(Problem::Unreachable(what)) => {
                if said.is_none_or(|said| said.elapsed() > Duration::from_secs(30)) {
                    said = Some(Instant::now());
                    tracing::warn!(stage = stage.name(), "waiting for the brokers: {what}");
                }
            }
        }
    }
}

impl Engine {
    fn work(mut self) -> Result<(), RunError> {
        let interval = self.options.commit_interval;
        let mut next_tick = Instant::now() + interval;
        let reason = loop {
            let tick_in = next_tick.saturating_duration_since(Instant::now());
            let wait = if self.offsets_gone.is_some() { tick_in.min(EXPELLED_MAX) } else { tick_in };
            match self.messages.recv_timeout(wait) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Reason::Failed("its threads have ended".to_owned()),
            }
            if Instant::now() >= next_tick {
                self.tick();
                next_tick = Instant::now() + if self.tasks.want_commit() { Duration::ZERO } else { interval };
            }
            self.miss_offsets();
            if let Some(reason) = self.ended.take() {
                break reason;
            }
        };
        let (stage, stop) = (self.stage.name().to_owned(), self.stop.is_requested());
        self.close();
        match reason {
            Reason::Stopped => {
                tracing::info!(stage, "stopped");
                Ok(())
            }
            Reason::Failed(why) if stop => Err(RunError::Unfinished { stage, why }),
            Reason::Failed(why) => Err(RunError::Failed { stage, why }),
        }
    }

    /// Ends the threads. First what they might be waiting for. Where one does not end, the last words say which.
    fn close(self) {
        let watch = self.watch;
        drop(self.messages);
        drop(self.revocations);
        watch.during("closing the consumer of the inputs", || drop(self.fetch));
        watch.during("ending the restore", || drop(self.restorer));
        watch.during("ending the questions about idleness", || drop(self.idleness));
        watch.during("ending the watch over the topics", || drop(self.topic_watch));
        watch.during("ending the deletion of records that are replaced", || drop(self.truncation));
        watch.during("closing the producer", || drop(self.producer));
        watch.during("closing the group's member", || self.membership.close(self.stage.name()));
    }

    /// Ends where the brokers lack what is to be read next, unless that is not this member's to read any more.
    fn miss_offsets(&mut self) {
        if self.offsets_gone.is_some_and(|since| since.elapsed() >= EXPELLED_MAX) {
            // Asked again where the brokers do not answer.
            self.offsets_gone = Some(Instant::now());
            match topics::missing(&self.ends, &*self.stage, &self.tasks.positions()) {
                Ok(Some(why)) => self.tell(Event::Broken(why)),
                Ok(None) => self.offsets_gone = None,
                Err(error) => {
                    let stage = self.stage.name();
                    tracing::warn!(stage, "cannot see whether offsets are missing, asking again: {error}");
                }
            }
        }
    }

    fn tick(&mut self) {
        self.tell(Event::Tick);
        if let Some(producer) = &self.producer {
            producer.serve();
        }
        // After the commit: what it has said may be looked at again.
        if let Some(idleness) = &self.idleness {
            let silent = self.tasks.silent(self.options.idle_timeout, Instant::now());
            silent.into_iter().for_each(|question| idleness.ask(question));
        }
    }

    fn take(&mut self, message: Message) {
        let stage = self.stage.name();
        match message {
            Message::Batch(batch) => self.take_batches(batch),
            Message::Assigned(partitions) => {
                tracing::info!(stage, ?partitions, "assigned");
                self.tell(Event::Assigned(partitions));
            }
            Message::Revoked(partitions, acknowledge) => {
                tracing::info!(stage, ?partitions, "revoked");
                pass("revoke");
                self.revocations.push_back(acknowledge);
                self.tell(Event::Revoked(partitions));
            }
            Message::Lost(partitions) => {
                tracing::warn!(stage, ?partitions, "lost: what was not committed is read again by their new owner");
                self.losses += 1;
                self.offsets_gone = None;
                self.tell(Event::Lost(partitions));
            }
            Message::Restored(task) => {
                let (partition, tag) = (task.partition, task.tag);
                self.restored.insert(partition, task);
                self.tell(Event::Restored { partition, tag });
                // Not taken: it belongs to an assignment that is over.
                self.restored.remove(&partition);
            }
            Message::RestoreFailed { partition, tag, why } => self.tell(Event::RestoreFailed { partition, tag, why }),
            Message::Probed { question, at_end } => self.tasks.answer(question, at_end, now(), Instant::now()),
            Message::OffsetsGone => {
                self.offsets_gone.get_or_insert_with(Instant::now);
            }
            Message::Broken(why) => self.tell(Event::Broken(why)),
            Message::Left => self.tell(Event::Left),
            Message::Stop => self.tell(Event::Stop),
        }
    }

    /// Takes in the batch and those that are there already.
    fn take_batches(&mut self, first: Batch) {
        let mut batches = vec![first];
        let mut other = None;
        while batches.len() < BATCHES_MAX && other.is_none() {
            match self.messages.try_recv() {
                Ok(Message::Batch(batch)) => batches.push(batch),
                Ok(message) => other = Some(message),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        batches.retain(|batch| self.protocol.is_running(batch.partition, batch.tag));
        let tasks = &mut self.tasks;
        let taken = self.watch.during("taking records in", || tasks.step(batches, now(), Instant::now()));
        self.took(taken);
        if let Some(message) = other {
            self.take(message);
        }
    }

    /// Records were taken in, up to a bad one: what follows from that.
    fn took(&mut self, taken: Result<(), Misplaced>) {
        for input in (0..self.stage.inputs().len()).map(|input| InputId(input as u8)) {
            self.fetch.reached().tell(input, &mut self.tasks.reached(input));
        }
        if let Err(bad) = taken {
            let why = self.explain_bad(&bad);
            self.tell(Event::Broken(why));
        } else if self.tasks.uncommitted_bytes() >= self.options.uncommitted_bytes_max {
            self.tell(Event::Full);
        }
    }

    /// Why a stage stops at a record.
    fn explain_bad(&self, bad: &Misplaced) -> String {
        let topic = self.stage.inputs().get(usize::from(bad.input.0)).map_or("?", String::as_str);
        let BadRecord { offset, what } = &bad.record;
        format!(
            "`{topic}`/{}, offset {offset}: not a record of this service: {what}. Somebody else writes to the topic, or it is \
             damaged, and numbers without this record would be wrong: keep others from writing to it, and start anew: \
             `postdict topics reset`",
            bad.partition
        )
    }

    /// Tells the protocol, and does what it asks for until it asks for nothing more.
    fn tell(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.protocol.on(event) {
                events.extend(self.perform(action));
            }
        }
    }

    /// Does what is asked for. Gives the outcome, where the protocol waits for one.
    fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Restore { partition, tag } => self.restorer.restore(partition, tag),
            Action::CancelRestore(partition) => self.restorer.cancel(partition),
            Action::Start { partition, tag } => {
                let task = self.restored.remove(&partition)?;
                let read_from = self.tasks.start(task, tag, Instant::now());
                self.fetch.assign(partition, tag, read_from);
            }
            Action::Drop(partition) => {
                self.tasks.drop_task(partition);
                self.truncation.forget(partition);
                self.fetch.unassign(partition);
            }
            Action::Commit(partitions) => {
                let (stage, tasks) = (self.stage.name(), &mut self.tasks);
                self.parts = self.watch.during("collecting a commit", || tasks.commit(stage, &partitions, now()));
                return Some(Event::CommitDone(self.commit()));
            }
            Action::Resend => {
                tracing::info!(stage = self.stage.name(), "committing the same again");
                // The member needs a moment to hear of a generation that the coordinator knows already.
                std::thread::sleep(RESEND_PAUSE);
                return Some(Event::CommitDone(self.commit()));
            }
            Action::Abort => {
                let done = self.producer.as_ref().map_or(Ok(()), Producer::abort);
                return Some(Event::AbortDone(self.logged("aborting", done)));
            }
            Action::RebuildProducer => {
                self.producer = None;
                let config = self.properties.producer();
                let done = Producer::open(&config, self.stage.name(), &self.watch, &self.stop)
                    .map(|producer| self.producer = Some(producer));
                if done.is_ok() {
                    tracing::warn!(stage = self.stage.name(), "the producer was replaced");
                }
                return Some(Event::Rebuilt(self.logged("opening a new producer", done)));
            }
            Action::AckRevoke => {
                if let Some(acknowledge) = self.revocations.pop_front() {
                    let _ = acknowledge.send(());
                }
            }
            Action::Leave => self.membership.leave(),
            Action::Exit(reason) => self.ended = Some(reason),
        }
        None
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let (Some(producer), false) = (&self.producer, self.parts.is_empty()) else { return Ok(()) };
        let started = Instant::now();
        self.truncation.before_commit(&self.parts);
        let done = burst(&*self.stage, producer, &self.membership, self.losses, &self.parts);
        if done.is_ok() {
            let (partitions, bytes) = (self.parts.len(), self.parts.iter().map(Part::bytes).sum::<usize>());
            let took_ms = started.elapsed().as_millis() as u64;
            tracing::debug!(stage = self.stage.name(), partitions, bytes, took_ms, "committed");
            self.tasks.committed(&self.parts);
            self.truncation.committed(&self.parts);
            self.parts.clear();
            if let Some(since) = self.failing_since.take() {
                let after_s = since.elapsed().as_secs();
                tracing::info!(stage = self.stage.name(), after_s, "commits succeed again");
            }
        } else {
            self.failing_since.get_or_insert(started);
        }
        self.logged("committing", done)
    }

    fn logged(&self, doing: &str, done: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &done {
            tracing::warn!(stage = self.stage.name(), call = ?failure.call, cause = ?failure.cause, "{doing}: {}", failure.text);
        }
        done
    }
}

/// The time of day, for tasks.
fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
