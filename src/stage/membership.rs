//! Membership in the group: a consumer on a thread of its own that subscribes to the primary topic and fetches nothing.
//!
//! A client that was fenced is of no use any more. What follows is [`super::fence`]'s to say: another client takes its place
//! in the group, or the stage ends.

use super::errors::{advice, is_authorization};
use super::fence::{Fence, Fenced, TWIN_MAX};
use super::member::{Member, client};
use super::message::Message;
use super::ownership::Ownership;
use super::properties::Properties;
use super::thread::spawn;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::mem::replace;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// The client of now. Its thread polls it without the lock, and holds it to put another in its place.
type Seat = Mutex<Arc<Member>>;

/// The running member.
pub struct Membership {
    seat: Arc<Seat>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Membership {
    /// Joins the group.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn join(properties: &Properties, stage: &str, topic: &str, engine: Sender<Message>) -> KafkaResult<Membership> {
        let ownership = Arc::new(Ownership::new(engine.clone()));
        let member = client(properties, stage, topic, Arc::clone(&ownership))?;
        member.subscribe(&[topic])?;
        let (seat, leave) = (Arc::new(Mutex::new(Arc::clone(&member))), Arc::new(AtomicBool::new(false)));
        let poll = Poll {
            properties: properties.clone(),
            stage: stage.to_owned(),
            topic: topic.to_owned(),
            ownership,
            member,
            seat: Arc::clone(&seat),
            fence: Fence::default(),
            leave: Arc::clone(&leave),
            engine: engine.clone(),
        };
        let thread = spawn(format!("{stage}-member"), engine, move || poll.run())?;
        Ok(Membership { seat, leave, thread: Some(thread) })
    }

    /// The member, for its identity. No other takes its place while it is looked at, so that must not take long.
    pub fn member(&self) -> MutexGuard<'_, Arc<Member>> {
        lock(&self.seat)
    }

    /// Asks to leave the group; the engine is told when that is done.
    pub fn leave(&self) {
        self.leave.store(true, Ordering::SeqCst);
    }

    /// Leaves, if it has not yet, and waits for the thread and for the client, but not for ever: a client that leaves while
    /// the group rebalances has been seen never to close. Nothing depends on it any more. The engine must not be waiting for
    /// answers.
    pub fn close(mut self, stage: &str) {
        self.leave();
        let (done, closed) = channel::<()>();
        let close = move || {
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
            drop(self);
            drop(done);
        };
        let closing = Builder::new().name(format!("{stage}-member-close")).spawn(close);
        if closing.is_ok() && closed.recv_timeout(CLOSE_MAX) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(stage, "the group's client does not close; the process ends without that");
        }
    }
}

impl Drop for Membership {
    /// Leaves without waiting, also where the engine panicked: nobody else would take over its partitions.
    fn drop(&mut self) {
        self.leave();
    }
}

fn lock(seat: &Seat) -> MutexGuard<'_, Arc<Member>> {
    seat.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How long the client may take to close.
const CLOSE_MAX: Duration = Duration::from_secs(5);

/// Until the group is left once more, where something is still assigned.
const LEAVE_AGAIN: Duration = Duration::from_secs(2);

/// The thread's loop.
struct Poll {
    properties: Properties,
    stage: String,
    topic: String,
    ownership: Arc<Ownership>,
    member: Arc<Member>,
    seat: Arc<Seat>,
    fence: Fence,
    leave: Arc<AtomicBool>,
    engine: Sender<Message>,
}

impl Poll {
    fn run(mut self) {
        let mut leaving: Option<Instant> = None;
        loop {
            let error = self.member.poll(Duration::from_millis(50)).and_then(Result::err);
            if let Some(error) = error {
                // Who leaves does not ask who has taken its place.
                if leaving.is_some() && self.fatal() == Some(Code::FencedInstanceId) {
                    self.let_go();
                    break;
                }
                self.take(&error);
            }
            // What is assigned in the very moment of leaving is not taken back by that: it is to be left too.
            let is_due = leaving.is_none_or(|since| since.elapsed() >= LEAVE_AGAIN);
            if is_due && self.leave.load(Ordering::SeqCst) {
                self.member.unsubscribe();
                leaving = Some(Instant::now());
            }
            if leaving.is_some() && self.member.assignment().is_ok_and(|assignment| assignment.count() == 0) {
                break;
            }
        }
        let _ = self.engine.send(Message::Left);
    }

    fn take(&mut self, error: &KafkaError) {
        let fatal = self.fatal();
        let code = fatal.or(error.rdkafka_error_code());
        if fatal == Some(Code::FencedInstanceId) && self.fence.meet(Instant::now()) == Fenced::First {
            if let Err(error) = self.join_again() {
                self.broken(&format!("joining again: {error}"));
            }
        } else if fatal.is_some() || code.is_some_and(is_authorization) {
            self.broken(&format!("{error}{}", code.map(advice).unwrap_or_default()));
        } else if code == Some(Code::PollExceeded) {
            self.member.context().warn("the group's callbacks took too long; the partitions are lost and come back");
        }
        // What else there is was logged when it came, and passes by itself.
    }

    /// Why the client is of no use any more, if it is.
    fn fatal(&self) -> Option<Code> {
        self.member.client().fatal_error().map(|(code, _)| code)
    }

    fn broken(&self, why: &str) {
        let why = format!("the group `{}`, which reads `{}`: {why}", self.properties.group(), self.topic);
        let _ = self.engine.send(Message::Broken(why));
    }

    /// The client is not of the group any more, and what it owned is not the engine's.
    fn let_go(&self) {
        self.member.context().be_over();
        self.ownership.lose_all();
    }

    /// Puts another client in the place of the one that was fenced.
    fn join_again(&mut self) -> KafkaResult<()> {
        tracing::warn!(
            stage = self.stage,
            group = self.properties.group(),
            "the name of this process was taken in the group: by another process with the same POSTDICT_INSTANCE or \
             `kafka.instance_id`, or by the brokers, where they handled late what this one had sent before. It joins again; \
             what was not committed is read again. If its name is taken again within {} s it is another process, and this \
             one ends",
            TWIN_MAX.as_secs()
        );
        // The loss comes first: who sees the next client's identity must see it.
        self.let_go();
        let next = client(&self.properties, &self.stage, &self.topic, Arc::clone(&self.ownership))?;
        *lock(&self.seat) = Arc::clone(&next);
        // The last one that has it, so it ends here, and not on the engine's thread.
        drop(replace(&mut self.member, next));
        self.member.subscribe(&[&self.topic])
    }
}
