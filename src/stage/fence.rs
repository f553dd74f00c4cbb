//! Whether a member whose name was taken has a twin.
//!
//! A group has one membership for each name (`group.instance.id`). Whoever joins under it later replaces the earlier one,
//! which the coordinator then refuses as fenced; the client calls that fatal. Mostly it is a second process with the same
//! name. But a broker that stood still also handles late what it was sent before: a request to join that the client has
//! given up long since makes a membership that nobody has, and fences the member that sent it. Whoever is refused cannot
//! tell the two apart.
//!
//! What follows tells them apart. A new client joins without an id of an earlier membership, which is never refused as
//! fenced, and stays once the brokers have handled what came before it. A twin does the same and takes the name back. So the
//! first time a member joins again, and when it is fenced again soon it is taken to have a twin; where it was the brokers a
//! second time, that costs a restart of the process. Of two twins one is fenced twice before the other is: it ends, and the
//! other goes on.

use std::time::{Duration, Instant};

/// How soon after it joined again a member is fenced by a twin, at most. The twin hears of it with its next heartbeat and
/// then joins; a group that rebalances keeps it waiting for as long as the slowest member may take, which is
/// `max.poll.interval.ms`: 5 minutes.
pub const TWIN_MAX: Duration = Duration::from_secs(300);

/// What to do about being fenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fenced {
    /// To join again.
    First,
    /// To end: another process has the name.
    ByTwin,
}

/// What a member remembers of having been fenced.
#[derive(Debug, Default)]
pub struct Fence {
    joined_again: Option<Instant>,
}

impl Fence {
    /// The member is fenced. Where it is the first time, it joins again now.
    pub fn meet(&mut self, now: Instant) -> Fenced {
        if self.joined_again.is_some_and(|since| now.saturating_duration_since(since) < TWIN_MAX) {
            return Fenced::ByTwin;
        }
        self.joined_again = Some(now);
        Fenced::First
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_fenced_again_soon_has_a_twin() {
        let (mut fence, start) = (Fence::default(), Instant::now());
        assert_eq!(fence.meet(start), Fenced::First);
        assert_eq!(fence.meet(start + Duration::from_secs(2)), Fenced::ByTwin);
        assert_eq!(fence.meet(start + TWIN_MAX - Duration::from_millis(1)), Fenced::ByTwin, "it stays one");
    }

    #[test]
    fn who_is_fenced_once_in_a_while_goes_on() {
        let (mut fence, start) = (Fence::default(), Instant::now());
        for round in 0..5 {
            assert_eq!(fence.meet(start + TWIN_MAX * round), Fenced::First, "{round}");
        }
    }

    #[test]
    fn one_of_two_twins_goes_on() {
        let (mut twins, start) = ([Fence::default(), Fence::default()], Instant::now());
        // Each that joins fences the other.
        let mut met = (0..).map(|turn: u32| twins[turn as usize % 2].meet(start + Duration::from_secs(1) * turn));
        assert_eq!(met.by_ref().take(3).collect::<Vec<_>>(), [Fenced::First, Fenced::First, Fenced::ByTwin]);
    }
}
