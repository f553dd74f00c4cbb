//! Notices calls that do not come back: transactional calls have no time-out of their own, because giving up on one leaves
//! the client in a state that nobody knows.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a thread is waiting for right now.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Option<(Instant, &'static str)>>>);

impl Watch {
    /// Does `work`, which may not come back, under the name `call`.
    pub fn during<T>(&self, call: &'static str, work: impl FnOnce() -> T) -> T {
        self.set(Some((Instant::now(), call)));
        let result = work();
        self.set(None);
        result
    }

    /// The call that is under way, and for how long.
    pub fn waiting(&self) -> Option<(&'static str, Duration)> {
        let current = *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        current.map(|(since, call)| (call, since.elapsed()))
    }

    fn set(&self, waiting: Option<(Instant, &'static str)>) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = waiting;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_seen_while_it_is_under_way() {
        let watch = Watch::default();
        assert_eq!(watch.waiting(), None);
        watch.during("commit", || assert_eq!(watch.waiting().map(|(call, _)| call), Some("commit")));
        assert_eq!(watch.waiting(), None);
    }
}
