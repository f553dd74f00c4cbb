//! The watermark of all partitions together.
//!
//! Partitions are read by different threads and processes, and one may be read far ahead of another. A partition that
//! flows holds the watermark by its own records. One that is idle shows none, and that it is idle is known only of the
//! moment in which it was looked at: what was written to it since may still be unread, while others run ahead. So an idle
//! partition *vouches* for a time: JOIN looks at its end again and again, each time after it has durably said what it found
//! the last time. Whatever the others had shown at that last time was read before this look, so what comes to the
//! partition after it was written later than all that, and may be judged by it.

use crate::aggregate::partial::{PartialBatch, Progress};
use crate::event::{Millis, Role};
use std::collections::BTreeMap;

const ROLES: [Role; 2] = [Role::Predictions, Role::Labels];

/// How far all JOIN partitions have come, per topic.
///
/// A topic has come as far as its slowest partition; one that is idle counts as far as it vouches for, up to what its topic
/// has shown. So at the end of input the result is the same however the records were partitioned: the furthest of all. Both
/// topics together have come as far as the slower of the two; a topic that is idle in all partitions is carried along by
/// new records of the other, and the end of input by itself moves neither past what it has shown.
#[derive(Debug, Clone, Default)]
pub struct Watermark {
    partition_count: usize,
    pub(super) partitions: BTreeMap<i32, [Source; 2]>,
    pub(super) reached: [Option<Millis>; 2],
    /// How far the other topic has come with records that came while this one was idle everywhere, as it is still.
    pub(super) pulled: [Option<Millis>; 2],
    pub(super) newest: Option<Millis>,
}

/// One topic of one partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) progress: Progress,
    /// The largest event time seen anywhere when it was last said to be idle.
    pub(super) last_check: Option<Millis>,
    /// What comes now was written after records of this event time were read.
    pub(super) vouched: Option<Millis>,
}

impl Source {
    /// `newest` is the largest event time seen anywhere.
    fn update(&mut self, progress: Progress, newest: Option<Millis>) {
        if !progress.is_idle() {
            (self.last_check, self.vouched) = (None, None);
        } else if progress.idle_checks != self.progress.idle_checks {
            // A new owner of the partition counts anew.
            self.vouched = self.last_check;
            self.last_check = newest;
        }
        self.progress = progress;
    }

    /// How far it lets its topic come, which has shown `furthest`.
    fn limit(&self, furthest: Option<Millis>) -> Option<Millis> {
        self.progress.newest.max(self.vouched.min(furthest))
    }
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
        self.newest = now.iter().fold(self.newest, |newest, progress| newest.max(progress.newest));
        let sources = self.partitions.entry(batch.partition).or_default();
        let before = sources.map(|source| source.progress);
        for (source, progress) in sources.iter_mut().zip(now) {
            source.update(progress, self.newest);
        }
        for role in [0, 1] {
            self.reached[role] = self.reached[role].max(self.topic(role));
        }
        for (role, other) in [(0, 1), (1, 0)] {
            if !self.is_idle(other) {
                // It goes by its own records again.
                self.pulled[other] = None;
                continue;
            }
            // What came before the other topic fell silent carries it nowhere.
            if now[role].newest > before[role].newest && was_idle[other] {
                self.pulled[other] = self.pulled[other].max(now[role].newest);
            }
            let carried = self.reached[role].min(self.pulled[other]).min(self.vouched(other));
            self.reached[other] = self.reached[other].max(carried);
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

    /// Every partition of both topics is at its end and silent, and vouches for everything that was seen.
    pub fn is_settled(&self) -> bool {
        [0, 1].into_iter().all(|role| self.is_idle(role) && self.vouched(role) >= self.newest)
    }

    fn topic(&self, role: usize) -> Option<Millis> {
        if self.partitions.len() < self.partition_count {
            return None;
        }
        let furthest = self.sources(role).filter_map(|source| source.progress.newest).max();
        self.sources(role).map(|source| source.limit(furthest)).min().flatten()
    }

    /// What all partitions of a topic vouch for.
    fn vouched(&self, role: usize) -> Option<Millis> {
        self.sources(role).map(|source| source.vouched).min().flatten()
    }

    fn is_idle(&self, role: usize) -> bool {
        self.partitions.len() >= self.partition_count && self.sources(role).all(|source| source.progress.is_idle())
    }

    fn sources(&self, role: usize) -> impl Iterator<Item = &Source> {
        self.partitions.values().map(move |partition| &partition[role])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A partition, with the newest time and the number of idle checks of predictions and of labels.
    fn batch(partition: i32, predictions: (i64, u64), labels: (i64, u64)) -> PartialBatch {
        let progress = |(newest, idle_checks)| Progress { newest: (newest >= 0).then_some(newest), idle_checks };
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
        watermark.update(&batch(0, (100, 0), (90, 0)));
        assert_eq!(watermark.reached(), None, "the other partition has shown nothing");
        watermark.update(&batch(1, (70, 0), (80, 0)));
        assert_eq!(watermark.reached(), Some(70));
        assert_eq!(watermark.newest(), Some(100));
    }

    #[test]
    fn an_idle_partition_lets_the_others_go_as_far_as_they_were_at_its_last_check_but_one() {
        let mut watermark = Watermark::new(2);
        let mut reached = |batch: PartialBatch| {
            watermark.update(&batch);
            watermark.reached()
        };
        assert_eq!(reached(batch(1, (-1, 1), (-1, 1))), None);
        assert_eq!(reached(batch(0, (100, 0), (100, 0))), None);
        assert_eq!(reached(batch(1, (-1, 2), (-1, 2))), None, "it may have looked before the others read that");
        assert_eq!(reached(batch(0, (150, 0), (150, 0))), None);
        assert_eq!(reached(batch(1, (-1, 2), (-1, 2))), None, "the same is said once more, and nothing was looked at");
        assert_eq!(reached(batch(1, (-1, 3), (-1, 3))), Some(100));
        assert_eq!(reached(batch(1, (-1, 4), (-1, 4))), Some(150));
    }

    #[test]
    fn what_an_idle_partition_turns_out_to_have_is_not_behind_the_watermark() {
        let mut watermark = Watermark::new(2);
        watermark.update(&batch(0, (10, 1), (10, 1)));
        watermark.update(&batch(1, (10, 1), (10, 1)));
        for checks in 2..4 {
            watermark.update(&batch(0, (10, checks), (10, checks)));
            watermark.update(&batch(1, (10, checks), (10, checks)));
        }
        assert!(watermark.is_settled());
        // Weeks come to both. The first is read to its end, and the other looked at its own before they came.
        watermark.update(&batch(0, (900, 0), (900, 0)));
        watermark.update(&batch(1, (10, 4), (10, 4)));
        assert_eq!(watermark.reached(), Some(10));
        watermark.update(&batch(1, (20, 0), (20, 0)));
        assert_eq!(watermark.reached(), Some(20), "it holds by its own records");
        watermark.update(&batch(1, (900, 1), (900, 1)));
        assert_eq!(watermark.reached(), Some(900));
    }

    #[test]
    fn a_new_owner_vouches_by_its_own_checks() {
        let mut watermark = Watermark::new(2);
        watermark.update(&batch(1, (-1, 7), (-1, 7)));
        watermark.update(&batch(0, (100, 0), (100, 0)));
        watermark.update(&batch(1, (-1, 0), (-1, 0)));
        watermark.update(&batch(1, (-1, 1), (-1, 1)));
        assert_eq!(watermark.reached(), None, "what the one before it said is not counted");
        watermark.update(&batch(1, (-1, 2), (-1, 2)));
        assert_eq!(watermark.reached(), Some(100));
    }

    #[test]
    fn at_the_end_of_input_it_does_not_matter_how_records_were_partitioned() {
        let mut one = Watermark::new(1);
        one.update(&batch(0, (100, 0), (70, 0)));
        one.update(&batch(0, (100, 1), (70, 1)));
        let mut two = Watermark::new(2);
        two.update(&batch(0, (100, 0), (40, 0)));
        two.update(&batch(1, (60, 0), (70, 0)));
        for checks in 1..3 {
            assert!(!two.is_settled());
            two.update(&batch(1, (60, checks), (70, checks)));
            two.update(&batch(0, (100, checks), (40, checks)));
        }
        assert!(two.is_settled());
        assert_eq!(one.reached(), Some(70), "the end of input expires nothing");
        assert_eq!(two.reached(), one.reached());
    }

    #[test]
    fn records_of_the_batch_in_which_a_topic_falls_silent_do_not_carry_it() {
        let mut apart = Watermark::new(1);
        apart.update(&batch(0, (100, 0), (70, 0)));
        let mut together = Watermark::new(1);
        for checks in 1..4 {
            apart.update(&batch(0, (100, checks), (70, checks)));
            together.update(&batch(0, (100, checks), (70, checks)));
        }
        assert_eq!((apart.reached(), together.reached()), (Some(70), Some(70)));
    }

    #[test]
    fn a_silent_topic_is_carried_along_by_new_records_of_the_other_once_it_was_looked_at_again() {
        let mut watermark = Watermark::new(1);
        watermark.update(&batch(0, (100, 0), (70, 1)));
        watermark.update(&batch(0, (150, 0), (70, 1)));
        assert_eq!(watermark.reached(), Some(70));
        watermark.update(&batch(0, (160, 0), (70, 2)));
        assert_eq!(watermark.reached(), Some(100), "as far as the other was when this one was said to be idle");
        watermark.update(&batch(0, (170, 0), (70, 3)));
        assert_eq!(watermark.reached(), Some(160));
    }

    #[test]
    fn a_topic_that_turns_out_not_to_be_at_its_end_goes_by_its_own_records_also_when_it_is_silent_again() {
        let mut watermark = Watermark::new(1);
        watermark.update(&batch(0, (70, 1), (70, 1)));
        watermark.update(&batch(0, (70, 1), (150, 0)));
        watermark.update(&batch(0, (100, 0), (150, 0)));
        for checks in 1..4 {
            watermark.update(&batch(0, (100, checks), (150, checks)));
        }
        assert_eq!(watermark.reached(), Some(100), "as if all had been read in order");
    }

    #[test]
    fn a_topic_that_is_not_looked_at_in_one_partition_is_not_carried_past_what_that_vouches_for() {
        let mut watermark = Watermark::new(2);
        for checks in 1..4 {
            watermark.update(&batch(0, (70, 0), (70, checks)));
            watermark.update(&batch(1, (70, 0), (70, checks)));
        }
        watermark.update(&batch(0, (900, 0), (70, 4)));
        watermark.update(&batch(1, (900, 0), (70, 3)));
        watermark.update(&batch(0, (900, 0), (70, 5)));
        assert_eq!(watermark.reached(), Some(70), "labels of partition 1");
        watermark.update(&batch(1, (900, 0), (70, 4)));
        assert_eq!(watermark.reached(), Some(70));
        watermark.update(&batch(1, (900, 0), (70, 5)));
        assert_eq!(watermark.reached(), Some(900));
    }
}
