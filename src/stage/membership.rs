//! Membership in the group: a consumer on a thread of its own that subscribes to the primary topic and fetches nothing.
//!
//! Its callbacks tell the engine what is owned. They may block, because nothing else runs on this thread and records flow
//! through another consumer: a revoked partition is let go only after its last commit. A lost one is let go at once, as
//! nothing may be committed for it any more; losses are counted, so that the engine cannot commit for it in the name of the
//! member's next membership, before it has heard of the loss.

use super::errors::{advice, is_authorization};
use super::log::ClientLog;
use super::message::Message;
use super::properties::Properties;
use super::thread::spawn;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// The member as a client.
pub type Member = BaseConsumer<MembershipContext>;

/// The running member.
pub struct Membership {
    member: Arc<Member>,
    leave: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Membership {
    /// Joins the group.
    ///
    /// # Errors
    /// If the client cannot be made.
    pub fn join(properties: &Properties, stage: &str, topic: &str, engine: Sender<Message>) -> KafkaResult<Membership> {
        let context = MembershipContext {
            topic: topic.to_owned(),
            group: properties.group().to_owned(),
            losses: AtomicU64::new(0),
            engine: engine.clone(),
            log: ClientLog::new(stage, "membership"),
        };
        let member: Member = properties.membership().create_with_context(context)?;
        member.subscribe(&[topic])?;
        let (member, leave) = (Arc::new(member), Arc::new(AtomicBool::new(false)));
        let poll = Poll { member: Arc::clone(&member), leave: Arc::clone(&leave), engine: engine.clone() };
        let thread = spawn(format!("{stage}-member"), engine, move || poll.run())?;
        Ok(Membership { member, leave, thread: Some(thread) })
    }

    /// The member, for its identity.
    pub fn member(&self) -> &Member {
        &self.member
    }

    /// Asks to leave the group; the engine is told when that is done.
    pub fn leave(&self) {
        self.leave.store(true, Ordering::SeqCst);
    }

    /// Leaves, if it has not yet, and waits for the thread. The engine must not be waiting for answers any more.
    pub fn close(mut self) {
        self.leave();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Membership {
    /// Leaves without waiting, also where the engine panicked: nobody else would take over its partitions.
    fn drop(&mut self) {
        self.leave();
    }
}

/// The thread's loop.
struct Poll {
    member: Arc<Member>,
    leave: Arc<AtomicBool>,
    engine: Sender<Message>,
}

impl Poll {
    fn run(self) {
        let mut leaving = false;
        loop {
            if let Some(Err(error)) = self.member.poll(Duration::from_millis(50)) {
                self.take(&error);
            }
            if !leaving && self.leave.load(Ordering::SeqCst) {
                self.member.unsubscribe();
                leaving = true;
            }
            if leaving && self.member.assignment().is_ok_and(|assignment| assignment.count() == 0) {
                let _ = self.engine.send(Message::Left);
                return;
            }
        }
    }

    fn take(&self, error: &KafkaError) {
        let code = error.rdkafka_error_code();
        let needs_operator =
            matches!(error, KafkaError::MessageConsumptionFatal(_)) || code.is_some_and(is_authorization);
        if needs_operator {
            let context = self.member.context();
            let (topic, group) = (&context.topic, &context.group);
            let advice = code.map(advice).unwrap_or_default();
            let why = format!("the group `{group}`, which reads `{topic}`: {error}{advice}");
            let _ = self.engine.send(Message::Broken(why));
        } else if code == Some(Code::PollExceeded) {
            self.member
                .context()
                .log
                .warn("the group's callbacks took too long; the partitions are lost and come back");
        }
        // What else there is was logged when it came, and passes by itself.
    }
}

/// Callbacks of the member.
pub struct MembershipContext {
    topic: String,
    group: String,
    /// How often partitions were lost.
    losses: AtomicU64,
    engine: Sender<Message>,
    log: ClientLog,
}

impl ClientContext for MembershipContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.log.line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ConsumerContext for MembershipContext {
    fn rebalance(&self, member: &Member, event: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<i32> =
            list.elements_for_topic(&self.topic).iter().map(|element| element.partition()).collect();
        let done = match event {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(member, partitions),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.revoked(member, partitions, list),
            _ => Ok(()),
        };
        if let Err(error) = done {
            self.log.warn(&format!("rebalance: {error}"));
        }
    }
}

impl MembershipContext {
    /// How often partitions were lost. Counted before the group can be joined again: whoever sees the identity of a later
    /// membership sees the loss of the earlier one here.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::SeqCst)
    }

    fn assigned(&self, member: &Member, partitions: Vec<i32>) -> KafkaResult<()> {
        let mut ends = TopicPartitionList::new();
        for partition in &partitions {
            ends.add_partition_offset(&self.topic, *partition, Offset::End)?;
        }
        let _ = self.engine.send(Message::Assigned(partitions));
        member.incremental_assign(&ends)?;
        member.pause(&ends)
    }

    fn revoked(&self, member: &Member, partitions: Vec<i32>, list: &TopicPartitionList) -> KafkaResult<()> {
        if member.assignment_lost() {
            self.losses.fetch_add(1, Ordering::SeqCst);
            let _ = self.engine.send(Message::Lost(partitions));
        } else {
            let (acknowledge, acknowledged) = channel();
            let _ = self.engine.send(Message::Revoked(partitions, acknowledge));
            // Ends with an error where the engine has ended: then there is nothing to wait for.
            let _ = acknowledged.recv();
        }
        member.incremental_unassign(list)
    }
}
