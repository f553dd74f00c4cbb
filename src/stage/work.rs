//! What the runtime asks of a stage, and what it gives: the border between Kafka and the tasks.
//!
//! The runtime knows topics, partitions, offsets and bytes, and nothing of predictions, labels or metrics. A stage has a
//! *primary* topic, whose partitions decide who owns what, *companion* topics that are read at the same partition
//! numbers, and topics that it writes. Per partition there is one [`StageTask`], made by a [`Restore`] from what the
//! changelog holds.

use super::headers;
use crate::codec::Message;
use crate::event::Millis;

pub use crate::join::state::SnapshotMark;

/// One of the topics that a stage reads: 0 is the primary topic, companions follow in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u8);

/// One of the topics that a stage writes, by its place in [`Description::outputs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputId(pub u8);

/// A record as it was fetched; the bytes are in its [`Fetched`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedRecord {
    /// Offset in the partition.
    pub offset: i64,
    /// Broker timestamp.
    pub timestamp: Option<Millis>,
    /// Range of the key's bytes.
    pub key: Option<std::ops::Range<u32>>,
    /// Range of the value's bytes; `None` for a tombstone.
    pub value: Option<std::ops::Range<u32>>,
    /// Headers, where there are any.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// A run of records of one topic partition, in offset order, with their bytes in one piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Keys and values.
    pub bytes: Vec<u8>,
    /// The records.
    pub records: Vec<FetchedRecord>,
}

impl Fetched {
    /// The records, for decoders.
    pub fn messages(&self) -> Vec<Message<'_>> {
        let bytes = |range: &std::ops::Range<u32>| &self.bytes[range.start as usize..range.end as usize];
        let message = |record: &'_ FetchedRecord| Message {
            offset: record.offset,
            timestamp: record.timestamp,
            key: record.key.as_ref().map(bytes),
            value: record.value.as_ref().map(bytes),
            headers: &[],
        };
        self.records.iter().map(|record| Message { headers: &record.headers, ..message(record) }).collect()
    }
}

/// A record to be written in the next transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub output: OutputId,
    /// Which partition; `None`: by the key's hash.
    pub partition: Option<i32>,
    /// Record timestamp; `None`: the time of writing.
    pub timestamp: Option<Millis>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Outgoing {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        length(&self.key) + length(&self.value) + headers::size(&self.headers)
    }
}

/// What a task gives out for one transaction: it holds outputs, how the state changed, and how far the inputs were read,
/// together or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Records for the output topics.
    pub outputs: Vec<Outgoing>,
    /// How the state changed, in pieces that fit a record each ([`MAX_PAYLOAD_BYTES`]), to be applied in this order.
    pub delta: Vec<Vec<u8>>,
    /// A snapshot begins in this delta, or is complete with it.
    pub snapshot: Option<SnapshotMark>,
}

/// Largest piece of a delta: what fits a record with the header around it, under a topic's usual limit of 1 MiB.
pub const MAX_PAYLOAD_BYTES: usize = 900_000;

/// Why state cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes are not what the task writes.
    #[error("the state is corrupt: {0}")]
    Corrupt(String),
    /// Written by a newer version of the program.
    #[error(
        "the state has format {found}, newer than this program reads ({known}): run the version that wrote it, or a newer one"
    )]
    Newer {
        /// The format that was found.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// It was made under another configuration.
    #[error("the state does not fit the configuration: {0}")]
    Configuration(String),
}

/// A record that the task cannot use, in a topic that only we write: leaving it out would give wrong numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Its offset.
    pub offset: i64,
    /// What is wrong with it.
    pub what: String,
}

/// The work on one partition. Everything it does is a function of what it is handed, in that order.
pub trait StageTask: Send {
    /// Takes in records of one input, in offset order. Nothing goes out before [`Self::commit`].
    ///
    /// # Errors
    /// At a record without which the numbers would be wrong. The task is of no use then, and is not committed.
    fn step(&mut self, input: InputId, records: &Fetched, now: Millis) -> Result<(), BadRecord>;

    /// It is asked now whether this silent input is at its log's end: what was taken in so far came before the answer.
    fn before_look(&mut self, _input: InputId) {}

    /// An input was found at its log's end and silent for the idle time-out: for the first time, or once more after the
    /// commit is durable in which that was part of the state; or a record came to it since. Only where the stage
    /// [needs it](Description::needs_idleness).
    fn set_idle(&mut self, _input: InputId, _idle: bool, _now: Millis) {}

    /// Everything since the last commit. Called once per commit; the runtime keeps the unit until it is durable.
    fn commit(&mut self, now: Millis) -> Unit;

    /// What is held in memory for the next unit, in bytes: the runtime commits early rather than let it grow.
    fn uncommitted_bytes(&self) -> usize;

    /// True if the last commit did not have room for all that was to go out: the next one need not wait for its time.
    fn wants_commit(&self) -> bool {
        false
    }

    /// Largest event time that it has read of an input, where records have event times and inputs are read in step.
    fn reached(&self, _input: InputId) -> Option<Millis> {
        None
    }

    /// True while the task reads again what it had read before it was restored, up to the positions of the last commit:
    /// it gives out nothing then, and the runtime commits nothing for it.
    fn is_catching_up(&self) -> bool {
        false
    }
}

/// A task in the making: the pieces of its deltas are applied in the order in which they were committed.
pub trait Restore: Send {
    /// Applies one piece of a delta. `positions` (next offset per input) are those of its commit. A commit that did not
    /// change the state is one empty piece, so that the task learns how far its inputs were read.
    ///
    /// # Errors
    /// If the state cannot be used.
    fn apply(&mut self, positions: &[i64], payload: &[u8]) -> Result<(), StateError>;

    /// The task, and from where its inputs are to be read if that is before the positions of the last commit.
    ///
    /// # Errors
    /// If the state is incomplete or does not fit the configuration.
    fn finish(self: Box<Self>) -> Result<Restored, StateError>;
}

/// A task that is ready to run.
pub struct Restored {
    /// The task.
    pub task: Box<dyn StageTask>,
    /// Next offset per input, if other than the committed ones.
    pub read_from: Option<Vec<i64>>,
}

/// What a stage is called, and which topics it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Short name, part of ids and messages: `join`, `assess`.
    pub name: &'static str,
    /// Topics that are read: the primary one, then companions with equally many partitions.
    pub inputs: Vec<String>,
    /// Topics that are written, by [`OutputId`].
    pub outputs: Vec<String>,
    /// Those of the outputs whose records go to partitions that the stage chooses: their number cannot change.
    pub placed_outputs: Vec<String>,
    /// The topic that its state is logged to: as many partitions as the primary topic.
    pub changelog: String,
    /// Nobody else reads the inputs, so that records before a complete snapshot can be deleted from them too.
    pub owns_inputs: bool,
    /// Its tasks are to know when inputs are silent.
    pub needs_idleness: bool,
}

/// A stage: which topics it reads and writes, and how its tasks are made.
pub trait Stage: Send + Sync {
    /// Its name and its topics.
    fn description(&self) -> &Description;

    /// [`Description::name`].
    fn name(&self) -> &'static str {
        self.description().name
    }

    /// [`Description::inputs`].
    fn inputs(&self) -> &[String] {
        &self.description().inputs
    }

    /// [`Description::outputs`].
    fn outputs(&self) -> &[String] {
        &self.description().outputs
    }

    /// [`Description::changelog`].
    fn changelog(&self) -> &str {
        &self.description().changelog
    }

    /// [`Description::owns_inputs`].
    fn owns_inputs(&self) -> bool {
        self.description().owns_inputs
    }

    /// Starts to restore the task of `partition`.
    fn restore(&self, partition: i32) -> Box<dyn Restore>;
}
