//! What a compacted topic says, for stages that run: every process reads the topic to its end before it starts, and follows it
//! from then on. Its stages ask [`Followed`] whether there is something new, and take it over between two batches.
//!
//! `topic`: reading it to its end. `follow`: the thread that reads on. `said`, `watch`: what the command line reads from such a
//! topic and writes to it.

mod follow;
mod said;
mod topic;
mod watch;

pub use follow::{Content, Follower, start};
pub use said::{TopicClient, read};
pub use topic::TopicRecord;
pub use watch::{Watched, watch};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// What is known by now.
#[derive(Debug)]
pub struct Followed<T> {
    known: RwLock<Arc<T>>,
    /// Grows with each change.
    version: AtomicU64,
}

/// What was known at one moment.
#[derive(Debug)]
pub struct Seen<T> {
    version: u64,
    /// What was known.
    pub value: Arc<T>,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Seen { version: self.version, value: Arc::clone(&self.value) }
    }
}

impl<T> Followed<T> {
    /// This, until it is replaced.
    pub fn new(value: Arc<T>) -> Arc<Followed<T>> {
        Arc::new(Followed { known: RwLock::new(value), version: AtomicU64::new(0) })
    }

    /// What is known now.
    pub fn look(&self) -> Seen<T> {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Changed under the same lock.
        Seen { version: self.version.load(Ordering::Relaxed), value: Arc::clone(&known) }
    }

    /// What is known now, if that is not what was `seen`. Costs nothing where it is.
    pub fn news(&self, seen: &Seen<T>) -> Option<Seen<T>> {
        (self.version.load(Ordering::Relaxed) != seen.version).then(|| self.look())
    }

    /// From now on, this is known.
    pub fn replace(&self, value: Arc<T>) {
        let mut known = self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *known = value;
        self.version.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_seen_once() {
        let followed = Followed::new(Arc::new(1));
        let seen = followed.look();
        assert!(followed.news(&seen).is_none());
        followed.replace(Arc::new(2));
        let news = followed.news(&seen).expect("something is new");
        assert_eq!(*news.value, 2);
        assert!(followed.news(&news).is_none());
    }
}
