//! What to do when: the decisions of a stage, apart from every call to Kafka. Events in, actions out; no clock.
//!
//! The rules, which are the same for a cooperative and an eager group:
//!
//! * A transaction holds outputs, state and positions of all running partitions, and is begun, filled and committed in
//!   one go. Whatever happens meanwhile waits until it is committed or aborted.
//! * Revoked partitions are committed before they are let go; lost ones are dropped without. A loss that is not known here
//!   yet is known to the guard of a commit ([`Call::Guard`]), which refuses.
//! * After a clean abort the same bytes are sent again. Not after a failed *commit* call: nobody knows how that ended,
//!   and what is in the log decides, so the state is restored.
//! * After a fatal error or a failed abort the producer is rebuilt and every task restored from its changelog: there is
//!   no code that rolls a task back.
//! * After a time-out the producer is rebuilt as well, so that a request that is still under way cannot end a later
//!   transaction.
//! * What cannot succeed by repeating is not repeated.

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "decisions depend on events only, so that they can be tested and simulated"
)]

mod words;

#[cfg(test)]
mod tests;

pub use words::{Action, Call, Cause, Event, Failure, Reason, Severity, Tag};

use std::collections::{BTreeMap, VecDeque};

/// How often the same bytes are sent before the tasks are restored instead.
pub const ATTEMPTS_MAX: u32 = 5;

/// How many attempts in a row may fail before the operator is asked. Time-outs do not count: they end when the brokers
/// answer again.
pub const FAILURES_MAX: u32 = 50;

/// For how many ticks a member that was expelled waits for the group to say so.
pub const LAPSED_TICKS_MAX: u32 = 300;

/// The state of one stage in one process.
#[derive(Debug)]
pub struct Protocol {
    partitions: BTreeMap<i32, Partition>,
    last_tag: Tag,
    doing: Doing,
    /// Events that arrived while a transaction was under way, oldest first. Not more than the group and the restore send
    /// meanwhile: ticks are not kept.
    waiting: VecDeque<Event>,
    failures: u32,
    lapsed_ticks: u32,
}

/// What a partition that the group gave to this member is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partition {
    Restoring(Tag),
    Running(Tag),
    /// Given up because the coordinator refused this member; the group will say that it is lost.
    Lapsed,
}

/// What the shell is at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doing {
    Nothing,
    Committing { attempt: u32, then: Then },
    Aborting { next: Next, then: Then },
    Rebuilding { next: Next, then: Then },
    Ended,
}

/// What comes after a transaction is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    Nothing,
    LetGo(Vec<i32>),
}

/// What settles a transaction that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    /// The same bytes again, for the n-th time.
    Resend(u32),
    /// As `Resend`, but with a new producer.
    RebuildAndResend(u32),
    /// All tasks from their changelogs.
    Restore,
    /// As `Restore`, but with a new producer.
    RebuildAndRestore,
    /// No task: they belong to others.
    Lapse,
    Exit(String),
}

impl Default for Protocol {
    fn default() -> Self {
        Protocol {
            partitions: BTreeMap::new(),
            last_tag: 0,
            doing: Doing::Nothing,
            waiting: VecDeque::new(),
            failures: 0,
            lapsed_ticks: 0,
        }
    }
}

impl Protocol {
    /// Takes an event and says what is to be done about it.
    pub fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.take(event, &mut actions);
        while self.doing == Doing::Nothing
            && let Some(event) = self.waiting.pop_front()
        {
            self.take(event, &mut actions);
        }
        actions
    }

    /// True if records and answers with this tag belong to the partition's assignment of now, and its task runs.
    pub fn is_running(&self, partition: i32, tag: Tag) -> bool {
        self.partitions.get(&partition) == Some(&Partition::Running(tag))
    }

    /// True once the end was asked for.
    pub fn has_ended(&self) -> bool {
        self.doing == Doing::Ended
    }

    fn take(&mut self, event: Event, actions: &mut Vec<Action>) {
        match (&self.doing, event) {
            (Doing::Ended, _) => {}
            (_, Event::Broken(why)) => self.exit(Reason::Failed(why), actions),
            (_, Event::CommitDone(result)) => self.commit_done(result, actions),
            (_, Event::AbortDone(result)) => self.abort_done(result, actions),
            (_, Event::Rebuilt(result)) => self.rebuilt(result, actions),
            (Doing::Nothing, event) => self.start(event, actions),
            (_, Event::Tick | Event::Full) => {}
            (_, event) => self.waiting.push_back(event),
        }
    }

    /// Takes an event while no transaction is under way.
    fn start(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Assigned(partitions) => {
                for partition in partitions {
                    self.forget(partition, actions);
                    self.restore(partition, actions);
                }
            }
            Event::Revoked(partitions) => self.commit(Then::LetGo(partitions), actions),
            Event::Lost(partitions) => partitions.into_iter().for_each(|partition| self.forget(partition, actions)),
            Event::Restored { partition, tag } => {
                if self.partitions.get(&partition) == Some(&Partition::Restoring(tag)) {
                    self.partitions.insert(partition, Partition::Running(tag));
                    actions.push(Action::Start { partition, tag });
                }
            }
            Event::RestoreFailed { partition, tag, why } => {
                if self.partitions.get(&partition) == Some(&Partition::Restoring(tag)) {
                    self.exit(Reason::Failed(why), actions);
                }
            }
            Event::Tick => {
                self.count_lapsed(actions);
                if !self.has_ended() {
                    self.commit(Then::Nothing, actions);
                }
            }
            Event::Full => self.commit(Then::Nothing, actions),
            Event::Stop => actions.push(Action::Leave),
            Event::Left => self.exit(Reason::Stopped, actions),
            Event::CommitDone(_) | Event::AbortDone(_) | Event::Rebuilt(_) | Event::Broken(_) => {}
        }
    }

    /// Commits what runs, if anything does, and goes on from there.
    fn commit(&mut self, then: Then, actions: &mut Vec<Action>) {
        let running = self.running();
        if running.is_empty() {
            return self.settle(then, actions);
        }
        actions.push(Action::Commit(running));
        self.doing = Doing::Committing { attempt: 1, then };
    }

    fn commit_done(&mut self, result: Result<(), Failure>, actions: &mut Vec<Action>) {
        let Doing::Committing { attempt, then } = std::mem::replace(&mut self.doing, Doing::Nothing) else { return };
        let failure = match result {
            Ok(()) => {
                self.failures = 0;
                return self.settle(then, actions);
            }
            Err(failure) => failure,
        };
        let next = self.after(&failure, attempt);
        if failure.severity == Severity::Fatal {
            return self.settle_without_abort(next, then, failure, actions);
        }
        actions.push(Action::Abort);
        self.doing = Doing::Aborting { next, then };
    }

    /// What a failed commit calls for, once the transaction is aborted.
    fn after(&mut self, failure: &Failure, attempt: u32) -> Next {
        if failure.cause != Cause::TimedOut {
            self.failures += 1;
        }
        if self.failures > FAILURES_MAX {
            return Next::Exit(format!("commits fail again and again, the last time so: {}", failure.text));
        }
        let again = attempt < ATTEMPTS_MAX;
        match (failure.call, failure.cause) {
            (_, Cause::Refused) => Next::Exit(failure.text.clone()),
            (_, Cause::Expelled) => Next::Lapse,
            (Call::Commit, Cause::TimedOut) => Next::RebuildAndRestore,
            (Call::Commit, _) => Next::Restore,
            (_, Cause::TimedOut) => Next::RebuildAndResend(attempt.saturating_add(1)),
            (_, _) if again => Next::Resend(attempt + 1),
            (_, _) => Next::Restore,
        }
    }

    fn abort_done(&mut self, result: Result<(), Failure>, actions: &mut Vec<Action>) {
        let Doing::Aborting { next, then } = std::mem::replace(&mut self.doing, Doing::Nothing) else { return };
        match result {
            Ok(()) => self.go_on(next, then, actions),
            Err(failure) => self.settle_without_abort(next, then, failure, actions),
        }
    }

    /// The producer is of no use and its transaction not cleanly aborted: bytes that were sent are not sent again.
    fn settle_without_abort(&mut self, next: Next, then: Then, failure: Failure, actions: &mut Vec<Action>) {
        match next {
            Next::Exit(why) => self.exit(Reason::Failed(why), actions),
            Next::Lapse => self.rebuild(Next::Lapse, then, actions),
            _ if failure.cause == Cause::Refused => self.exit(Reason::Failed(failure.text), actions),
            _ => self.rebuild(Next::Restore, then, actions),
        }
    }

    fn rebuild(&mut self, next: Next, then: Then, actions: &mut Vec<Action>) {
        actions.push(Action::RebuildProducer);
        self.doing = Doing::Rebuilding { next, then };
    }

    fn rebuilt(&mut self, result: Result<(), Failure>, actions: &mut Vec<Action>) {
        let Doing::Rebuilding { next, then } = std::mem::replace(&mut self.doing, Doing::Nothing) else { return };
        match result {
            Ok(()) => self.go_on(next, then, actions),
            Err(failure) => self.exit(Reason::Failed(failure.text), actions),
        }
    }

    fn go_on(&mut self, next: Next, then: Then, actions: &mut Vec<Action>) {
        match next {
            Next::Resend(attempt) => {
                actions.push(Action::Resend);
                self.doing = Doing::Committing { attempt, then };
            }
            Next::RebuildAndResend(attempt) => self.rebuild(Next::Resend(attempt), then, actions),
            Next::RebuildAndRestore => self.rebuild(Next::Restore, then, actions),
            Next::Restore => {
                let leaving: &[i32] = if let Then::LetGo(partitions) = &then { partitions } else { &[] };
                for partition in self.running().into_iter().filter(|partition| !leaving.contains(partition)) {
                    actions.push(Action::Drop(partition));
                    self.restore(partition, actions);
                }
                self.settle(then, actions);
            }
            Next::Lapse => {
                let owned: Vec<i32> = self.partitions.keys().copied().collect();
                for partition in owned {
                    self.forget(partition, actions);
                    self.partitions.insert(partition, Partition::Lapsed);
                }
                self.settle(then, actions);
            }
            Next::Exit(why) => self.exit(Reason::Failed(why), actions),
        }
    }

    /// No transaction is under way any more.
    fn settle(&mut self, then: Then, actions: &mut Vec<Action>) {
        if let Then::LetGo(partitions) = then {
            partitions.into_iter().for_each(|partition| self.forget(partition, actions));
            actions.push(Action::AckRevoke);
        }
    }

    fn restore(&mut self, partition: i32, actions: &mut Vec<Action>) {
        self.last_tag += 1;
        self.partitions.insert(partition, Partition::Restoring(self.last_tag));
        actions.push(Action::Restore { partition, tag: self.last_tag });
    }

    fn forget(&mut self, partition: i32, actions: &mut Vec<Action>) {
        match self.partitions.remove(&partition) {
            Some(Partition::Restoring(_)) => actions.push(Action::CancelRestore(partition)),
            Some(Partition::Running(_)) => actions.push(Action::Drop(partition)),
            Some(Partition::Lapsed) | None => {}
        }
    }

    fn running(&self) -> Vec<i32> {
        let is_running = |state: &Partition| matches!(state, Partition::Running(_));
        self.partitions.iter().filter(|(_, state)| is_running(state)).map(|(partition, _)| *partition).collect()
    }

    fn count_lapsed(&mut self, actions: &mut Vec<Action>) {
        let lapsed = self.partitions.values().any(|state| *state == Partition::Lapsed);
        self.lapsed_ticks = if lapsed { self.lapsed_ticks + 1 } else { 0 };
        if self.lapsed_ticks > LAPSED_TICKS_MAX {
            let why = "the group's coordinator refuses this member, but the group never said that its partitions are \
                       lost: start the process again";
            self.exit(Reason::Failed(why.to_owned()), actions);
        }
    }

    fn exit(&mut self, reason: Reason, actions: &mut Vec<Action>) {
        self.doing = Doing::Ended;
        self.waiting.clear();
        actions.push(Action::Exit(reason));
    }
}
