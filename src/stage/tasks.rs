//! The running tasks of a stage, with where each is: records go in, parts of commits come out.
//!
//! A partition whose inputs were idle *wakes up* with the first records of one of them. While another is idle, these would
//! carry it along in event time, and what somebody wrote to it meanwhile, or at the same time, would be late. So the records
//! are held until it is known of each idle input that it is at its end still. That is asked once per waking: where one
//! input flows and another stays idle, nothing is held.

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
    /// While it wakes up: what came since, in this order. They keep their room in the intake, so they are bounded; when it
    /// is full nothing more is fetched, but questions are answered elsewhere, each of them.
    held: Vec<Batch>,
}

/// How an input of a task flows.
struct Flow {
    /// Next offset after the last record that came: what idleness is asked about.
    next: i64,
    /// When that was.
    since: Instant,
    /// A question about its idleness is open; of one that is idle, whether it is so still.
    asked: bool,
    idle: bool,
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
        let flow = |next: &i64| Flow { next: *next, since: now, asked: false, idle: false };
        let running = Running {
            tag,
            task: restored.task,
            commit,
            committed: positions.clone(),
            positions,
            topics,
            must_commit: is_late_start,
            flows: read_from.iter().map(flow).collect(),
            held: Vec::new(),
        };
        self.0.insert(partition, running);
        read_from
    }

    /// Drops a task, with what it did not commit.
    pub fn drop_task(&mut self, partition: i32) {
        self.0.remove(&partition);
    }

    /// These partitions are about to be another's: until that has looked, nobody knows any more that their inputs are at
    /// their ends, and what is written to them meanwhile must not be left behind by what goes on.
    pub fn let_go(&mut self, partitions: &[i32], now: Millis) {
        for partition in partitions {
            let Some(Running { task, flows, .. }) = self.0.get_mut(partition) else { continue };
            for (input, flow) in (0..).map(InputId).zip(flows) {
                if std::mem::take(&mut flow.idle) {
                    task.set_idle(input, false, now);
                }
            }
        }
    }

    /// Takes in records: in their order within a partition, several partitions at once. What wakes a partition up is held
    /// until the questions that this gives are answered ([`Self::answer`]).
    ///
    /// # Errors
    /// At the first record that a task cannot use; those before it are taken in.
    pub fn step(&mut self, batches: Vec<Batch>, now: Millis, at: Instant) -> Result<Vec<Question>, Misplaced> {
        let mut by_partition: BTreeMap<i32, Vec<Batch>> = BTreeMap::new();
        for batch in batches {
            by_partition.entry(batch.partition).or_default().push(batch);
        }
        let mut questions = Vec::new();
        let mut work: Vec<(&mut Running, Vec<Batch>)> = Vec::new();
        for (partition, running) in &mut self.0 {
            if let Some(mut batches) = by_partition.remove(partition) {
                questions.append(&mut running.hold(*partition, &mut batches));
                work.push((running, batches));
            }
        }
        let step = |(running, batches): (&mut Running, Vec<Batch>)| running.step_all(batches, now, at);
        match work.len() {
            0 | 1 => work.into_iter().try_for_each(step),
            _ => work.into_par_iter().try_for_each(step),
        }?;
        Ok(questions)
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

    /// Inputs that have been silent for so long that they may be idle, and were not asked about.
    pub fn silent(&mut self, timeout: Duration, at: Instant) -> Vec<Question> {
        let mut questions = Vec::new();
        for (partition, running) in &mut self.0 {
            let tag = running.tag;
            for (input, flow) in (0..).zip(&mut running.flows) {
                let silent = at.saturating_duration_since(flow.since) >= timeout;
                if silent && !flow.asked && !flow.idle {
                    flow.asked = true;
                    questions.push(Question { partition: *partition, tag, input: InputId(input), position: flow.next });
                }
            }
        }
        questions
    }

    /// Takes the answer to a question about idleness. With the last one that a partition waits for when it wakes up, it takes
    /// in what is held.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn answer(&mut self, question: Question, at_end: bool, now: Millis, at: Instant) -> Result<(), Misplaced> {
        let running = self.0.get_mut(&question.partition).filter(|running| running.tag == question.tag);
        running.map_or(Ok(()), |running| running.answer(question, at_end, now, at))
    }

    /// Next offset per input of every task.
    pub fn positions(&self) -> BTreeMap<i32, Vec<i64>> {
        let next = |running: &Running| running.flows.iter().map(|flow| flow.next).collect();
        self.0.iter().map(|(partition, running)| (*partition, next(running))).collect()
    }
}

impl Running {
    /// Holds what is not to be stepped yet, and asks what that depends on.
    fn hold(&mut self, partition: i32, batches: &mut Vec<Batch>) -> Vec<Question> {
        if !self.held.is_empty() {
            self.held.append(batches);
            return Vec::new();
        }
        let wakes = |batch: &Batch| {
            let idle = |input: usize| self.flows.get(input).is_some_and(|flow| flow.idle);
            let woken = usize::from(batch.input.0);
            idle(woken) && (0..self.flows.len()).any(|other| other != woken && idle(other))
        };
        // What comes before it is of inputs that flow, or of the only one that is idle: stepping it changes nothing here.
        let Some(first) = batches.iter().position(wakes) else { return Vec::new() };
        self.held = batches.split_off(first);
        let (tag, woken) = (self.tag, self.held[0].input);
        let mut questions = Vec::new();
        for (input, flow) in (0..).map(InputId).zip(&mut self.flows) {
            if flow.idle && input != woken {
                flow.asked = true;
                questions.push(Question { partition, tag, input, position: flow.next });
            }
        }
        questions
    }

    fn answer(&mut self, question: Question, at_end: bool, now: Millis, at: Instant) -> Result<(), Misplaced> {
        let has_more = self.held.iter().any(|batch| batch.input == question.input);
        let is_idle = at_end && !has_more && !self.task.is_catching_up();
        let Some(flow) = self.flows.get_mut(usize::from(question.input.0)) else { return Ok(()) };
        flow.asked = false;
        // Records that came meanwhile have said that it is not idle.
        if flow.next == question.position {
            if flow.idle != is_idle {
                flow.idle = is_idle;
                self.task.set_idle(question.input, is_idle, now);
            }
            if !is_idle {
                // Asked again after another time-out.
                flow.since = at;
            }
        }
        if self.flows.iter().any(|flow| flow.idle && flow.asked) {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        self.step_all(held, now, at)
    }

    fn step_all(&mut self, batches: Vec<Batch>, now: Millis, at: Instant) -> Result<(), Misplaced> {
        batches.into_iter().try_for_each(|batch| {
            let (partition, input) = (batch.partition, batch.input);
            self.step(&batch, now, at).map_err(|record| Misplaced { partition, input, record })
        })
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
        if std::mem::take(&mut flow.idle) {
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
        Some(Part::new(place, &self.topics, commit, &self.committed, &self.positions, unit))
    }
}

#[cfg(test)]
#[path = "tasks_tests.rs"]
mod tests;
