//! A snapshot of the pending buffer, spread over commits.
//!
//! It holds the rows that were in the buffer when it began, each as it is when its turn comes. What was added since then is
//! in the log anyway, and so are the changes after a row's turn; changes before it are in the row. So nobody has to stand
//! still, and whoever reads the log from the snapshot's beginning knows every row once it is complete.

use std::collections::VecDeque;
use std::ops::Range;

/// What is left to be written.
#[derive(Debug, Default)]
pub struct Snapshot {
    segments: VecDeque<Remaining>,
}

/// What is left of one segment.
#[derive(Debug)]
pub struct Remaining {
    /// Number of the segment.
    pub segment: i64,
    /// Positions in its sealed part.
    pub sealed: Range<usize>,
    /// Numbers in its live part.
    pub live: Range<u32>,
}

impl Snapshot {
    /// Of segments with as many sealed positions and live numbers.
    pub fn new(extents: impl Iterator<Item = (i64, (usize, u32))>) -> Snapshot {
        let remaining =
            extents.map(|(segment, (sealed, live))| Remaining { segment, sealed: 0..sealed, live: 0..live });
        Snapshot { segments: remaining.collect() }
    }

    /// Forgets a segment that was dropped.
    pub fn skip(&mut self, segment: i64) {
        self.segments.retain(|remaining| remaining.segment != segment);
    }

    /// Has the next `budget` rows written, a part of one segment at a time; true once all were.
    pub fn advance(&mut self, mut budget: usize, mut write: impl FnMut(Remaining)) -> bool {
        while budget > 0 {
            let Some(rows) = self.next(budget) else { return true };
            budget = budget.saturating_sub(rows.len().max(1));
            write(rows);
        }
        false
    }

    /// The next rows, at most `budget` of one segment; `None` once all were taken.
    fn next(&mut self, budget: usize) -> Option<Remaining> {
        let first = self.segments.front_mut()?;
        let sealed = first.sealed.start..first.sealed.end.min(first.sealed.start + budget);
        let room = u32::try_from(budget - sealed.len()).unwrap_or(u32::MAX);
        let live = first.live.start..first.live.end.min(first.live.start.saturating_add(room));
        (first.sealed.start, first.live.start) = (sealed.end, live.end);
        let segment = first.segment;
        if first.sealed.is_empty() && first.live.is_empty() {
            self.segments.pop_front();
        }
        Some(Remaining { segment, sealed, live })
    }
}

impl Remaining {
    /// Rows, removed ones included.
    pub fn len(&self) -> usize {
        self.sealed.len() + self.live.len()
    }
}
