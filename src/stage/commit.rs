//! One commit: everything since the last, in one transaction that is open for milliseconds.

use super::block::Block;
use super::failpoint::pass;
use super::group::GroupMetadata;
use super::member::Member;
use super::membership::Membership;
use super::producer::{Producer, Record};
use super::protocol::{Call, Cause, Failure, Severity};
use super::topic_id::TopicId;
use super::work::{Outgoing, SnapshotMark, Stage, Unit};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

/// What one partition contributes. Kept until it is durable, so that the same bytes can be sent again.
pub struct Part {
    /// Which partition.
    pub partition: i32,
    /// Number of the commit.
    pub commit: u64,
    /// Next offset per input after it.
    pub next: Vec<i64>,
    /// A snapshot begins in this commit, or is complete with it.
    pub snapshot: Option<SnapshotMark>,
    /// Records for the output topics.
    pub outputs: Vec<Outgoing>,
    /// Records for the changelog.
    blocks: Vec<Vec<u8>>,
}

impl Part {
    /// Packs what a task gave out. `commit` follows the one that left the inputs, which are `topics`, at `previous`.
    pub fn new(
        (stage, partition): (&str, i32),
        topics: &[Option<TopicId>],
        commit: u64,
        previous: &[i64],
        next: &[i64],
        unit: Unit,
    ) -> Part {
        // A commit without a delta still says where the inputs are.
        let delta = if unit.delta.is_empty() { vec![Vec::new()] } else { unit.delta };
        let pieces = u32::try_from(delta.len()).expect("a delta of one commit has few pieces");
        let is_base = unit.snapshot.is_some_and(SnapshotMark::starts);
        let block = |(piece, payload): (u32, Vec<u8>)| {
            let (stage, topics) = (stage.to_owned(), topics.to_vec());
            let (previous, next) = (previous.to_vec(), next.to_vec());
            Block { stage, partition, commit, is_base, piece, pieces, topics, previous, next, payload }.encode()
        };
        let blocks = (0..pieces).zip(delta).map(block).collect();
        Part { partition, commit, next: next.to_vec(), snapshot: unit.snapshot, outputs: unit.outputs, blocks }
    }

    /// Its records for the changelog.
    pub fn blocks(&self) -> &[Vec<u8>] {
        &self.blocks
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.outputs.iter().map(Outgoing::bytes).sum::<usize>() + self.blocks.iter().map(Vec::len).sum::<usize>()
    }
}

/// Commits the parts in one transaction. `losses`: how many losses of partitions the owner of the parts has heard of.
///
/// # Errors
/// With what is to be done about it; the transaction is open then, unless the failure is fatal.
pub fn burst(
    stage: &dyn Stage,
    producer: &Producer,
    membership: &Membership,
    losses: u64,
    parts: &[Part],
) -> Result<(), Failure> {
    let offsets = offsets(stage, parts).map_err(|error| ours(format!("listing the positions: {error}")))?;
    pass("commit.begin");
    producer.begin()?;
    pass("commit.begun");
    for part in parts {
        for record in &part.outputs {
            let Some(topic) = stage.outputs().get(usize::from(record.output.0)) else {
                return Err(ours(format!("the stage writes to output {}, which it does not have", record.output.0)));
            };
            let (key, value) = (record.key.as_deref(), record.value.as_deref());
            let (partition, timestamp, headers) = (record.partition, record.timestamp, record.headers.as_slice());
            producer.send(topic, &Record { partition, timestamp, key, value, headers })?;
        }
        pass("commit.half_sent");
        for block in part.blocks() {
            let (partition, value) = (Some(part.partition), Some(block.as_slice()));
            producer.send(stage.changelog(), &Record { partition, value, ..Record::default() })?;
        }
    }
    pass("commit.sent");
    producer.flush()?;
    pass("commit.flushed");
    for mark in parts.iter().filter_map(|part| part.snapshot) {
        pass(if mark.starts() { "snapshot.start" } else { "snapshot.complete" });
    }
    let identity = current_member(&membership.member(), losses)?;
    pass("commit.guarded");
    producer.send_offsets(&offsets, identity).map_err(|failure| with_topics(stage, failure))?;
    pass("commit.offsets");
    producer.commit()?;
    pass("commit.done");
    Ok(())
}

/// The member's identity of this moment, if offsets may be sent in its name.
///
/// The coordinator checks generation and member id, but takes offsets of somebody who has neither without any check. Nor
/// does it check whose the partitions are: a member that was expelled and has joined again has a good identity, with which
/// it must not commit what it took in before, whether it did so with this client or with another one in its place.
fn current_member(member: &Member, losses: u64) -> Result<GroupMetadata, Failure> {
    let refuse = |why: &str| {
        let text = format!("positions are not sent: {why}");
        Err(Failure { call: Call::Guard, severity: Severity::Abortable, cause: Cause::Expelled, text })
    };
    // In this order: a loss that comes in between is then seen by the coordinator.
    let Some(metadata) = GroupMetadata::of(member) else { return refuse("this client has no group") };
    if member.assignment_lost() || member.context().losses() != losses {
        return refuse("the assignment is lost");
    }
    if metadata.member_id().is_empty() || metadata.generation() < 0 {
        return refuse("this member is not in the group");
    }
    Ok(metadata)
}

fn offsets(stage: &dyn Stage, parts: &[Part]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for part in parts {
        for (topic, position) in stage.inputs().iter().zip(&part.next) {
            list.add_partition_offset(topic, part.partition, Offset::Offset(*position))?;
        }
    }
    Ok(list)
}

/// Where a transaction is refused because of a topic, the client does not say which.
fn with_topics(stage: &dyn Stage, failure: Failure) -> Failure {
    if failure.cause != Cause::Refused {
        return failure;
    }
    let topics = [stage.outputs(), &[stage.changelog().to_owned()]].concat().join(", ");
    Failure { text: format!("{}; this stage writes to {topics}", failure.text), ..failure }
}

/// A mistake of this program: repeating does not help.
fn ours(text: String) -> Failure {
    Failure { call: Call::Produce, severity: Severity::Abortable, cause: Cause::Refused, text }
}
