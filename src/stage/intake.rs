//! Bounds what was fetched and not yet taken in: the fetching thread waits where there is no room.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Room for fetched bytes, shared by the thread that fetches and the engine.
#[derive(Debug, Clone)]
pub struct Intake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bytes: Mutex<usize>,
    bytes_max: usize,
    freed: Condvar,
}

impl Intake {
    /// Room for about so many bytes.
    pub fn new(bytes_max: usize) -> Intake {
        Intake(Arc::new(Inner { bytes: Mutex::new(0), bytes_max, freed: Condvar::new() }))
    }

    /// Waits until there is room, but not longer than `timeout`. True if there is.
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        let bytes = self.0.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_full = |bytes: &mut usize| *bytes >= self.0.bytes_max;
        let waited = self.0.freed.wait_timeout_while(bytes, timeout, is_full);
        !waited.unwrap_or_else(|poisoned| poisoned.into_inner()).1.timed_out()
    }

    /// Takes room, whether there is or not: by one batch it may be too much. It is given back when the place is dropped.
    pub fn take(&self, bytes: usize) -> Place {
        *self.0.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) += bytes;
        Place { intake: self.clone(), bytes }
    }
}

/// Room that is taken.
#[derive(Debug)]
pub struct Place {
    intake: Intake,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let inner = &self.intake.0;
        *inner.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) -= self.bytes;
        inner.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_intake_waits_until_something_is_taken_out() {
        let intake = Intake::new(10);
        let (small, large) = (intake.take(4), intake.take(8));
        assert!(!intake.wait_for_room(Duration::ZERO));
        drop(large);
        assert!(intake.wait_for_room(Duration::ZERO));
        let large = intake.take(8);
        let other = intake.clone();
        let waiting = std::thread::spawn(move || other.wait_for_room(Duration::from_secs(60)));
        drop((small, large));
        assert!(waiting.join().expect("it does not panic"));
    }
}
