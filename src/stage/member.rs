//! The member as a client: what the group says comes as callbacks, which tell the engine.
//!
//! They may block, because nothing else runs on their thread and records flow through another consumer: a revoked partition
//! is let go only after its last commit. A lost one is let go at once, as nothing may be committed for it any more.

use super::log::ClientLog;
use super::ownership::Ownership;
use super::properties::Properties;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The client.
pub type Member = BaseConsumer<MemberContext>;

/// Makes the client of a stage whose primary input is `topic`. It has not joined yet.
///
/// # Errors
/// If it cannot be made.
pub fn client(
    properties: &Properties,
    stage: &str,
    topic: &str,
    ownership: Arc<Ownership>,
) -> KafkaResult<Arc<Member>> {
    let (topic, log) = (topic.to_owned(), ClientLog::new(stage, "membership"));
    let context = MemberContext { topic, ownership, is_over: AtomicBool::new(false), log };
    Ok(Arc::new(properties.membership().create_with_context(context)?))
}

/// Its callbacks.
pub struct MemberContext {
    topic: String,
    ownership: Arc<Ownership>,
    /// Another client has taken its place: what this one still hears is of no interest to the engine, and nothing that it
    /// would wait for.
    is_over: AtomicBool,
    log: ClientLog,
}

impl MemberContext {
    /// How often partitions of this member were lost, under this client or an earlier one.
    pub fn losses(&self) -> u64 {
        self.ownership.losses()
    }

    /// Tells the engine nothing from now on.
    pub fn be_over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Where the engine is told what is owned, unless that is not this client's to say any more.
    fn ownership(&self) -> Option<&Ownership> {
        (!self.is_over.load(Ordering::SeqCst)).then_some(&*self.ownership)
    }

    /// Something that passes by itself.
    pub fn warn(&self, text: &str) {
        self.log.warn(text);
    }

    fn assigned(&self, member: &Member, partitions: Vec<i32>) -> KafkaResult<()> {
        let mut ends = TopicPartitionList::new();
        for partition in &partitions {
            ends.add_partition_offset(&self.topic, *partition, Offset::End)?;
        }
        if let Some(ownership) = self.ownership() {
            ownership.gain(partitions);
        }
        member.incremental_assign(&ends)?;
        member.pause(&ends)
    }

    fn revoked(&self, member: &Member, partitions: Vec<i32>, list: &TopicPartitionList) -> KafkaResult<()> {
        match self.ownership() {
            Some(ownership) if member.assignment_lost() => ownership.lose(partitions),
            Some(ownership) => ownership.give_up(partitions),
            None => {}
        }
        member.incremental_unassign(list)
    }
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.log.line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(&error, reason);
    }
}

impl ConsumerContext for MemberContext {
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
