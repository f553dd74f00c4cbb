//! The running tasks of a stage, with where each is: records go in, parts of commits come out.
//!
//! An input that has been silent for long is looked at, whether it is at its end. One that is idle is looked at again and
//! again, for what was written to it meanwhile is not known before; each time after what was found the last time is
//! durable, so that whoever reads what is committed knows what came before the look.

use super::commit::Part;
use super::idle::Question;
use super::message::{Batch, RestoredTask};
use super::protocol::Tag;
use super::topic_id::TopicId;
use super::work::{BadRecord, InputId, StageTask};
use crate::event::Millis;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A running task.
struct Running {
    tag: Tag,
    task: Box<dyn StageTask>,
    /// Number of its last durable commit.
    commit: u64,
    /// Next offset per input after it.
    committed: Vec<i64>,
    /// Next offset per input after what it took in; never before `committed`.
    positions: Vec<i64>,
    /// The topic of each input, where its id is known.
    topics: Vec<Option<TopicId>>,
    /// A commit is due even if nothing moved: where it began must be known at the next start.
    must_commit: bool,
    /// How its inputs flow.
    flows: Vec<Flow>,
}

/// How an input of a task flows.
struct Flow {
    /// Next offset after the last record that came: what idleness is asked about.
    next: i64,
    /// When that was, or when it was looked at since.
    since: Instant,
    /// A question about its idleness is open.
    asked: bool,
    idle: bool,
    /// It was found idle, and not looked at since.
    is_new: bool,
    /// The commit that says that it is idle, once that is collected.
    said: Option<u64>,
}

impl Flow {
    fn new(next: i64, since: Instant) -> Flow {
        Flow { next, since, asked: false, idle: false, is_new: false, said: None }
    }

    /// True if it was idle.
    fn wake(&mut self) -> bool {
        (self.is_new, self.said) = (false, None);
        std::mem::take(&mut self.idle)
    }
}

/// A record that a task cannot use, with where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// Which partition.
    pub partition: i32,
    /// Which input.
    pub input: InputId,
    /// Which record, and why.
    pub record: BadRecord,
}

/// The running tasks of a stage, by partition.
#[derive(Default)]
pub struct Tasks(BTreeMap<i32, Running>);

impl Tasks {
    /// Takes a restored task. Gives the positions from where its inputs are to be read.
    pub fn start(&mut self, restored: RestoredTask, tag: Tag, now: Instant) -> Vec<i64> {
        let RestoredTask { partition, restored, commit, positions, topics, is_late_start, .. } = restored;
        let read_from = restored.read_from.unwrap_or_else(|| positions.clone());
        let running = Running {
            tag,
            task: restored.task,
            commit,
            committed: positions.clone(),
            positions,
            topics,
            must_commit: is_late_start,
            flows: read_from.iter().map(|next| Flow::new(*next, now)).collect(),
        };
        self.0.insert(partition, running);
        read_from
    }

    /// Drops a task, with what it did not commit.
    pub fn drop_task(&mut self, partition: i32) {
        self.0.remove(&partition);
    }

    /// Takes in records: in their order within a partition, several partitions at once.
    ///
    /// # Errors
    /// At the first record that a task cannot use; those before it are taken in.
    pub fn step(&mut self, batches: Vec<Batch>, now: Millis, at: Instant) -> Result<(), Misplaced> {
        let mut by_partition: BTreeMap<i32, Vec<Batch>> = BTreeMap::new();
        for batch in batches {
            by_partition.entry(batch.partition).or_default().push(batch);
        }
        let running = self.0.iter_mut();
        let work: Vec<(&mut Running, Vec<Batch>)> =
            running.filter_map(|(partition, running)| Some((running, by_partition.remove(partition)?))).collect();
        let step = |(running, batches): (&mut Running, Vec<Batch>)| {
            batches.into_iter().try_for_each(|batch| {
                let (partition, input) = (batch.partition, batch.input);
                running.step(&batch, now, at).map_err(|record| Misplaced { partition, input, record })
            })
        };
        match work.len() {
            0 | 1 => work.into_iter().try_for_each(step),
            _ => work.into_par_iter().try_for_each(step),
        }
    }

    /// How far each task has come in event time in an input.
    pub fn reached(&self, input: InputId) -> Vec<Millis> {
        self.0.values().filter_map(|running| running.task.reached(input)).collect()
    }

    /// True if a task has more for the next commit already.
    pub fn want_commit(&self) -> bool {
        self.0.values().any(|running| running.task.wants_commit())
    }

    /// What waits for the next commit.
    pub fn uncommitted_bytes(&self) -> usize {
        self.0.values().map(|running| running.task.uncommitted_bytes()).sum()
    }

    /// What these partitions have for the next transaction.
    pub fn commit(&mut self, stage: &str, partitions: &[i32], now: Millis) -> Vec<Part> {
        let chosen = self.0.iter_mut().filter(|(partition, _)| partitions.contains(partition));
        let chosen: Vec<(i32, &mut Running)> = chosen.map(|(partition, running)| (*partition, running)).collect();
        chosen.into_par_iter().filter_map(|(partition, running)| running.commit(stage, partition, now)).collect()
    }

    /// These parts are durable.
    pub fn committed(&mut self, parts: &[Part]) {
        for part in parts {
            if let Some(running) = self.0.get_mut(&part.partition) {
                running.commit = part.commit;
                running.committed.clone_from(&part.next);
                running.must_commit = false;
            }
        }
    }

    /// Inputs that have been silent for so long that they may be idle, and those that are to be looked at again.
    pub fn silent(&mut self, timeout: Duration, at: Instant) -> Vec<Question> {
        let mut questions = Vec::new();
        for (partition, running) in &mut self.0 {
            let tag = running.tag;
            for (input, flow) in (0..).map(InputId).zip(&mut running.flows) {
                // The second look follows the first at once: before it, nothing can be concluded from that.
                let pause = if flow.is_new { Duration::ZERO } else { timeout };
                let silent = at.saturating_duration_since(flow.since) >= pause;
                let is_said = flow.said.is_some_and(|commit| commit <= running.commit);
                if silent && !flow.asked && (!flow.idle || is_said) {
                    flow.asked = true;
                    running.task.before_look(input);
                    questions.push(Question { partition: *partition, tag, input, position: flow.next });
                }
            }
        }
        questions
    }

    /// Takes the answer to a question about idleness.
    pub fn answer(&mut self, question: Question, at_end: bool, now: Millis, at: Instant) {
        let running = self.0.get_mut(&question.partition).filter(|running| running.tag == question.tag);
        if let Some(running) = running {
            running.answer(question, at_end, now, at);
        }
    }

    /// Next offset per input of every task.
    pub fn positions(&self) -> BTreeMap<i32, Vec<i64>> {
        let next = |running: &Running| running.flows.iter().map(|flow| flow.next).collect();
        self.0.iter().map(|(partition, running)| (*partition, next(running))).collect()
    }
}

impl Running {
    fn answer(&mut self, question: Question, at_end: bool, now: Millis, at: Instant) {
        let is_idle = at_end && !self.task.is_catching_up();
        let Some(flow) = self.flows.get_mut(usize::from(question.input.0)) else { return };
        flow.asked = false;
        // Records that came meanwhile have said that it is not idle.
        if flow.next != question.position {
            return;
        }
        flow.since = at;
        flow.is_new = is_idle && !flow.idle;
        // Where it was not found to be at its end nothing is said: what there is will come, or brokers do not answer.
        if is_idle {
            (flow.idle, flow.said) = (true, None);
            self.task.set_idle(question.input, true, now);
        }
    }

    fn step(&mut self, batch: &Batch, now: Millis, at: Instant) -> Result<(), BadRecord> {
        let input = usize::from(batch.input.0);
        let records = &batch.fetched.records;
        let (Some(first), Some(last), Some(flow)) = (records.first(), records.last(), self.flows.get_mut(input)) else {
            return Ok(());
        };
        // Offsets have gaps, but never go back: the client drops what it had fetched for an earlier assignment.
        assert!(first.offset >= flow.next, "offset {} came after {}", first.offset, flow.next);
        let next = last.offset + 1;
        flow.next = next;
        flow.since = at;
        if flow.wake() {
            self.task.set_idle(batch.input, false, now);
        }
        self.task.step(batch.input, &batch.fetched, now)?;
        // While it catches up it reads what was committed long ago.
        self.positions[input] = self.positions[input].max(next);
        Ok(())
    }

    fn commit(&mut self, stage: &str, partition: i32, now: Millis) -> Option<Part> {
        if self.task.is_catching_up() {
            return None;
        }
        let unit = self.task.commit(now);
        let moved = self.positions != self.committed;
        if !moved && !self.must_commit && unit.outputs.is_empty() && unit.delta.is_empty() {
            return None;
        }
        let (place, commit) = ((stage, partition), self.commit + 1);
        for flow in self.flows.iter_mut().filter(|flow| flow.idle) {
            flow.said.get_or_insert(commit);
        }
        Some(Part::new(place, &self.topics, commit, &self.committed, &self.positions, unit))
    }
}

#[cfg(test)]
#[path = "tasks_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "interleaving_tests.rs"]
mod interleaving;
