//! The watermark of all partitions together.

use crate::aggregate::partial::{PartialBatch, Progress};
use crate::event::{Millis, Role};
use std::collections::BTreeMap;

const ROLES: [Role; 2] = [Role::Predictions, Role::Labels];

/// How far all JOIN partitions have come, per topic.
///
/// A topic has come as far as its slowest partition that is not idle; when all are idle, as far as the furthest, so that
/// at the end of input the result is the same however the records were partitioned. Both topics together have come as far
/// as the slower of the two; a topic that is idle in all partitions is carried along by new records of the other, and the
/// end of input by itself moves neither past what it has shown.
#[derive(Debug, Clone, Default)]
pub struct Watermark {
    partition_count: usize,
    pub(super) partitions: BTreeMap<i32, [Progress; 2]>,
    pub(super) reached: [Option<Millis>; 2],
    pub(super) newest: Option<Millis>,
}

impl Watermark {
    /// Of `partition_count` partitions that have shown nothing yet.
    pub fn new(partition_count: usize) -> Self {
        Watermark { partition_count, ..Watermark::default() }
    }

    /// How many partitions there are.
    pub fn partition_count(&self) -> usize {
        self.partition_count
    }

    /// Takes note of what a partition says of itself.
    pub fn update(&mut self, batch: &PartialBatch) {
        let now = ROLES.map(|role| batch.progress(role));
        let was_idle = [0, 1].map(|role| self.is_idle(role));
        let before = self.partitions.insert(batch.partition, now).unwrap_or_default();
        for (progress, reached) in now.iter().zip(0..) {
            self.newest = self.newest.max(progress.newest);
            let topic = self.topic(reached);
            self.reached[reached] = self.reached[reached].max(topic);
        }
        for (role, other) in [(0, 1), (1, 0)] {
            // What came before the other topic fell silent carries it nowhere.
            if now[role].newest > before[role].newest && was_idle[other] && self.is_idle(other) {
                self.reached[other] = self.reached[other].max(self.reached[role]);
            }
        }
    }

    /// Event time that every partition of both topics has reached; `None` while one of them has shown nothing.
    pub fn reached(&self) -> Option<Millis> {
        Some(self.reached[0]?.min(self.reached[1]?))
    }

    /// Largest event time seen anywhere.
    pub fn newest(&self) -> Option<Millis> {
        self.newest
    }

    /// Every partition of both topics is at its end and silent.
    pub fn is_all_idle(&self) -> bool {
        self.is_idle(0) && self.is_idle(1)
    }

    fn topic(&self, role: usize) -> Option<Millis> {
        if self.partitions.len() < self.partition_count {
            return None;
        }
        let progress = || self.partitions.values().map(|partition| partition[role]);
        if self.is_idle(role) {
            progress().filter_map(|progress| progress.newest).max()
        } else {
            progress().filter(|progress| !progress.idle).map(|progress| progress.newest).min().flatten()
        }
    }

    fn is_idle(&self, role: usize) -> bool {
        self.partitions.len() >= self.partition_count && self.partitions.values().all(|progress| progress[role].idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(partition: i32, predictions: (i64, bool), labels: (i64, bool)) -> PartialBatch {
        let progress = |(newest, idle)| Progress { newest: (newest >= 0).then_some(newest), idle };
        PartialBatch {
            partition,
            predictions: progress(predictions),
            labels: progress(labels),
            models: Vec::new(),
            series: Vec::new(),
            rows: Vec::new(),
        }
    }

    #[test]
    fn the_slowest_partition_of_the_slower_topic_counts() {
        let mut watermark = Watermark::new(2);
        watermark.update(&batch(0, (100, false), (90, false)));
        assert_eq!(watermark.reached(), None, "the other partition has shown nothing");
        watermark.update(&batch(1, (70, false), (80, false)));
        assert_eq!(watermark.reached(), Some(70));
        assert_eq!(watermark.newest(), Some(100));
    }

    #[test]
    fn an_idle_partition_does_not_hold_the_others_back() {
        let mut watermark = Watermark::new(2);
        watermark.update(&batch(0, (100, false), (100, false)));
        watermark.update(&batch(1, (-1, true), (-1, true)));
        assert_eq!(watermark.reached(), Some(100));
    }

    #[test]
    fn at_the_end_of_input_it_does_not_matter_how_records_were_partitioned() {
        let mut one = Watermark::new(1);
        one.update(&batch(0, (100, false), (70, false)));
        one.update(&batch(0, (100, true), (70, true)));
        let mut two = Watermark::new(2);
        two.update(&batch(0, (100, false), (40, false)));
        two.update(&batch(1, (60, false), (70, false)));
        two.update(&batch(1, (60, true), (70, true)));
        two.update(&batch(0, (100, true), (40, true)));
        assert_eq!(one.reached(), Some(70), "the end of input expires nothing");
        assert_eq!(two.reached(), one.reached());
    }

    #[test]
    fn records_of_the_batch_in_which_a_topic_falls_silent_do_not_carry_it() {
        let mut apart = Watermark::new(1);
        apart.update(&batch(0, (100, false), (70, false)));
        apart.update(&batch(0, (100, true), (70, true)));
        let mut together = Watermark::new(1);
        together.update(&batch(0, (100, true), (70, true)));
        assert_eq!((apart.reached(), together.reached()), (Some(70), Some(70)));
    }

    #[test]
    fn a_silent_topic_is_carried_along_by_new_records_of_the_other() {
        let mut watermark = Watermark::new(1);
        watermark.update(&batch(0, (100, false), (70, true)));
        watermark.update(&batch(0, (150, false), (70, true)));
        assert_eq!(watermark.reached(), Some(150));
    }
}
