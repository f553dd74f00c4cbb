//! What the other threads tell the engine. Control messages are few; records are bounded by their [`Place`].

use super::idle::Question;
use super::intake::Place;
use super::protocol::Tag;
use super::topic_id::TopicId;
use super::work::{Fetched, InputId, Restored};
use std::sync::mpsc::Sender;

/// A message to the engine.
pub enum Message {
    /// The group gave these partitions to this member.
    Assigned(Vec<i32>),
    /// The group takes these away; the answer lets it go on.
    Revoked(Vec<i32>, Sender<()>),
    /// These are somebody else's already.
    Lost(Vec<i32>),
    /// The member left the group, after everything was revoked.
    Left,
    /// Something no retry repairs.
    Broken(String),
    /// The brokers do not have the next offset of some input any more.
    OffsetsGone,
    /// Records of one input partition.
    Batch(Batch),
    /// A task is ready.
    Restored(RestoredTask),
    /// A state cannot be used.
    RestoreFailed {
        /// Which partition.
        partition: i32,
        /// The tag of the request.
        tag: Tag,
        /// What is wrong and what to do.
        why: String,
    },
    /// The answer to whether an input partition has records that were not read.
    Probed {
        /// What was asked.
        question: Question,
        /// True if there is nothing from there on, and nothing about to be committed.
        at_end: bool,
    },
    /// The process is to stop.
    Stop,
}

/// Records of one input partition.
pub struct Batch {
    /// Which partition.
    pub partition: i32,
    /// The tag of its assignment.
    pub tag: Tag,
    /// Which input.
    pub input: InputId,
    /// The records.
    pub fetched: Fetched,
    /// Frees the room of the records when the batch is dropped.
    pub place: Place,
}

/// A task as its changelog has it.
pub struct RestoredTask {
    /// Which partition.
    pub partition: i32,
    /// The tag of the request.
    pub tag: Tag,
    /// The task, and from where it reads.
    pub restored: Restored,
    /// Number of the last commit, 0 before the first.
    pub commit: u64,
    /// Next offset per input after it.
    pub positions: Vec<i64>,
    /// The topic of each input, where its id is known.
    pub topics: Vec<Option<TopicId>>,
    /// The first commit is due at once: there is no log yet, and not all that is in the inputs is read.
    pub is_late_start: bool,
}
