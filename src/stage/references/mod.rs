//! References that are announced while the service runs: on a compacted topic, which every process reads to its end before
//! it starts and follows from then on. Its stages ask [`References`] whether there is something new, and take it over
//! between two batches.
//!
//! `topic`: reading it to its end. `follow`: the thread that reads on. `announce`: what the command line writes to it.

mod announce;
mod follow;
mod topic;

pub use announce::{Announced, Announcer};
pub use follow::{Follower, start};

use crate::event::Settings;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

/// The settings with all references that are known by now.
#[derive(Debug)]
pub struct References {
    settings: RwLock<Arc<Settings>>,
    /// Grows with each change.
    version: AtomicU64,
}

/// One state of the settings.
#[derive(Debug, Clone)]
pub struct Seen {
    version: u64,
    /// The settings.
    pub settings: Arc<Settings>,
}

impl References {
    /// Those of `settings`, until they are replaced.
    pub fn new(settings: Arc<Settings>) -> Arc<References> {
        Arc::new(References { settings: RwLock::new(settings), version: AtomicU64::new(0) })
    }

    /// What is known now.
    pub fn look(&self) -> Seen {
        let settings = self.settings.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Changed under the same lock.
        Seen { version: self.version.load(Ordering::Relaxed), settings: Arc::clone(&settings) }
    }

    /// What is known now, if that is not what was `seen`. Costs nothing where it is.
    pub fn news(&self, seen: &Seen) -> Option<Seen> {
        (self.version.load(Ordering::Relaxed) != seen.version).then(|| self.look())
    }

    /// From now on, these are known.
    pub fn replace(&self, settings: Arc<Settings>) {
        let mut known = self.settings.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        *known = settings;
        self.version.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_seen_once() {
        let references = References::new(Arc::new(Settings::default()));
        let seen = references.look();
        assert!(references.news(&seen).is_none());
        let other = Settings { emit_interval_ms: 1, ..Settings::default() };
        references.replace(Arc::new(other.clone()));
        let news = references.news(&seen).expect("something is new");
        assert_eq!(*news.settings, other);
        assert!(references.news(&news).is_none());
    }
}
