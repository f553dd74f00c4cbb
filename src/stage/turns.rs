//! Which input is fetched next: the one that is behind in event time.
//!
//! What is read in step waits little: a label that comes long before its prediction, or a prediction long before its label,
//! lies in memory and in the changelog meanwhile. It changes nothing in the results, which do not depend on the order in
//! which inputs are read; so a rough measure will do, and one record with a wild time must not move it: of each input,
//! the median of how far its partitions have come.

use super::work::InputId;
use crate::event::Millis;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How often in a row one input may be preferred while others have records too.
const IN_A_ROW_MAX: u32 = 64;

/// How far inputs have come in event time: told by the engine, read by the thread that fetches.
#[derive(Debug, Clone)]
pub struct Reached(Arc<[AtomicI64]>);

impl Reached {
    /// Nothing has been read of any of so many inputs.
    pub fn new(inputs: usize) -> Reached {
        Reached((0..inputs).map(|_| AtomicI64::new(Millis::MIN)).collect())
    }

    /// Tells how far the partitions of an input have come.
    pub fn tell(&self, input: InputId, partitions: &mut [Millis]) {
        let middle = partitions.len() / 2;
        if let (Some(reached), false) = (self.0.get(usize::from(input.0)), partitions.is_empty()) {
            let (_, median, _) = partitions.select_nth_unstable(middle);
            reached.store(*median, Ordering::Relaxed);
        }
    }

    fn of(&self, input: usize) -> Millis {
        self.0.get(input).map_or(Millis::MIN, |reached| reached.load(Ordering::Relaxed))
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub struct Turns {
    reached: Reached,
    /// The input that was fetched last, and how often in a row.
    last: (usize, u32),
}

impl Turns {
    /// Nobody had a turn yet.
    pub fn new(reached: Reached) -> Turns {
        Turns { reached, last: (0, 0) }
    }

    /// The inputs in the order in which they are to be tried: the first that has records gets the turn.
    pub fn order(&self) -> Vec<usize> {
        let mut inputs: Vec<usize> = (0..self.reached.0.len()).collect();
        inputs.sort_by_key(|input| self.reached.of(*input));
        if self.last.1 >= IN_A_ROW_MAX && inputs.first() == Some(&self.last.0) {
            inputs.rotate_left(1);
        }
        inputs
    }

    /// The input had a turn.
    pub fn taken(&mut self, input: usize) {
        let (last, times) = self.last;
        self.last = (input, if last == input { times.saturating_add(1) } else { 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_that_is_behind_goes_first() {
        let reached = Reached::new(2);
        let turns = Turns::new(reached.clone());
        assert_eq!(turns.order(), [0, 1], "nothing is known: the primary one first");
        reached.tell(InputId(0), &mut [500, 400, 600]);
        assert_eq!(turns.order(), [1, 0]);
        reached.tell(InputId(1), &mut [450, 550, 470]);
        assert_eq!(turns.order(), [1, 0]);
        reached.tell(InputId(1), &mut [450, 550, 510]);
        assert_eq!(turns.order(), [0, 1]);
    }

    #[test]
    fn one_wild_time_moves_nothing() {
        let reached = Reached::new(2);
        reached.tell(InputId(0), &mut [100, 101, 102]);
        reached.tell(InputId(1), &mut [90, Millis::MAX, 91]);
        assert_eq!(Turns::new(reached).order(), [1, 0]);
    }

    #[test]
    fn no_input_waits_for_ever() {
        let reached = Reached::new(2);
        reached.tell(InputId(0), &mut [0]);
        reached.tell(InputId(1), &mut [1]);
        let mut turns = Turns::new(reached);
        let mut had = [0, 0];
        for _ in 0..10 * IN_A_ROW_MAX {
            let first = turns.order()[0];
            turns.taken(first);
            had[first] += 1;
        }
        assert!(had[1] >= 9 && had[0] > 9 * had[1], "{had:?}");
    }
}
