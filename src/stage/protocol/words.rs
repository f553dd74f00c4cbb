//! What the protocol is told, and what it asks for.

/// Number of one assignment of one partition: whatever carries an older number belongs to an assignment that is over.
/// (Offsets cannot tell that: they have gaps, so the first record of a new assignment may have any.)
pub type Tag = u64;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The group gave these partitions to this member.
    Assigned(Vec<i32>),
    /// The group takes these partitions away and waits until it is told that they are free.
    Revoked(Vec<i32>),
    /// These partitions belong to somebody else already.
    Lost(Vec<i32>),
    /// The state of a partition was read from its changelog.
    Restored {
        /// Which partition.
        partition: i32,
        /// The tag of the request.
        tag: Tag,
    },
    /// The state of a partition cannot be used.
    RestoreFailed {
        /// Which partition.
        partition: i32,
        /// The tag of the request.
        tag: Tag,
        /// What is wrong and what to do.
        why: String,
    },
    /// It is time to commit.
    Tick,
    /// So much waits for the next commit that it should not wait for the time.
    Full,
    /// [`Action::Commit`] or [`Action::Resend`] came to its end.
    CommitDone(Result<(), Failure>),
    /// [`Action::Abort`] came to its end.
    AbortDone(Result<(), Failure>),
    /// [`Action::RebuildProducer`] came to its end.
    Rebuilt(Result<(), Failure>),
    /// The process is to stop.
    Stop,
    /// The member has left the group, all its partitions were revoked before.
    Left,
    /// Something that no retry repairs, found outside of commits; what it is and what to do.
    Broken(String),
}

/// What is to be done, in the order in which it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the partition's state from its changelog, then tell [`Event::Restored`].
    Restore {
        /// Which partition.
        partition: i32,
        /// What the answer carries.
        tag: Tag,
    },
    /// Stop reading the partition's state.
    CancelRestore(i32),
    /// Take the restored task and fetch its inputs.
    Start {
        /// Which partition.
        partition: i32,
        /// What its records carry.
        tag: Tag,
    },
    /// Drop the task of the partition, with what is not committed, and stop fetching its inputs.
    Drop(i32),
    /// Collect what these partitions have for the next transaction and commit it in one; then tell
    /// [`Event::CommitDone`]. Nothing to commit is a success.
    Commit(Vec<i32>),
    /// Commit what [`Action::Commit`] collected again: the same bytes; then tell [`Event::CommitDone`].
    Resend,
    /// Abort the open transaction, then tell [`Event::AbortDone`].
    Abort,
    /// Drop the producer and make a new one with the same transactional id, then tell [`Event::Rebuilt`].
    RebuildProducer,
    /// Tell the group that the partitions of the oldest [`Event::Revoked`] without an answer are free.
    AckRevoke,
    /// Leave the group.
    Leave,
    /// End. Nothing is asked for afterwards.
    Exit(Reason),
}

/// Why the stage ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It was asked to, and everything read is committed.
    Stopped,
    /// It cannot go on; what is wrong and what to do.
    Failed(String),
}

/// Which call of a transaction failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opening the transaction.
    Begin,
    /// Sending records, or waiting until the brokers have them.
    Produce,
    /// Our own check of the group's membership before offsets are sent.
    Guard,
    /// Adding the offsets.
    Offsets,
    /// Committing: afterwards nobody knows whether the transaction took effect.
    Commit,
    /// Aborting.
    Abort,
    /// Opening a producer.
    Init,
}

/// What librdkafka says can be done about an error. (What is retriable is repeated where it happens.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The transaction must be aborted, the producer can go on.
    Abortable,
    /// The producer is of no use any more. Also what has none of librdkafka's marks.
    Fatal,
}

/// What an error means to this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The group went on to another generation in between: with fresh metadata it will pass.
    Generation,
    /// The group does not know this membership any more, or has a later one of the same name, which may be this member's
    /// own: its partitions belong to others. What becomes of it the group says.
    Expelled,
    /// No answer in time.
    TimedOut,
    /// The producer was fenced, or the broker ended its transaction.
    Fenced,
    /// The broker refuses what is written or who writes it: it will do so again.
    Refused,
    /// Anything else.
    Other,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which call.
    pub call: Call,
    /// What can be done.
    pub severity: Severity,
    /// What it means.
    pub cause: Cause,
    /// For the operator.
    pub text: String,
}
