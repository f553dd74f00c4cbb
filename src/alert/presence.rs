//! `Presences`: when something last came, by the clock: what rules about absence look at.

use crate::event::Millis;
use crate::event::alert::Presence;
use std::collections::BTreeMap;
use std::sync::Arc;

/// When something last came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// By the clock.
    pub at: Millis,
    /// From then until somebody began to wait.
    pub pause_ms: Millis,
}

impl Seen {
    /// At `now`.
    pub fn new(now: Millis) -> Seen {
        Seen { at: now, pause_ms: 0 }
    }

    /// For how long somebody has waited in vain, at `now`.
    pub fn silent_ms(self, now: Millis) -> Millis {
        now.saturating_sub(self.at).saturating_sub(self.pause_ms)
    }

    /// Waiting begins at `now`.
    pub fn wait_anew(&mut self, now: Millis) {
        self.pause_ms = now.saturating_sub(self.at).max(0);
    }
}

/// When predictions and labels of a model last came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Presences {
    /// Predictions by version; `""` is all together.
    pub predictions: BTreeMap<Arc<str>, Seen>,
    /// Labels of all versions together.
    pub labels: Option<Seen>,
    /// Anything, of any model; only where that is watched.
    pub source: Option<Seen>,
}

/// Versions that are watched; of more, those that were seen last.
const MAX_VERSIONS: usize = 1_000;

impl Presences {
    /// Notes what came at `now`.
    pub fn note(&mut self, versions: &[&Arc<str>], has_labels: bool, now: Millis) {
        if !versions.is_empty() {
            self.predictions.insert("".into(), Seen::new(now));
        }
        for version in versions.iter().filter(|version| !version.is_empty()) {
            self.make_room();
            self.predictions.insert(Arc::clone(version), Seen::new(now));
        }
        if has_labels {
            self.labels = Some(Seen::new(now));
        }
    }

    fn make_room(&mut self) {
        if self.predictions.len() < MAX_VERSIONS {
            return;
        }
        let named = self.predictions.iter().filter(|(version, _)| !version.is_empty());
        let oldest = named.min_by_key(|(version, seen)| (seen.at, Arc::clone(version)));
        if let Some(oldest) = oldest.map(|(version, _)| Arc::clone(version)) {
            self.predictions.remove(&oldest);
        }
    }

    /// Waiting begins at `now`.
    pub fn wait_anew(&mut self, now: Millis) {
        let all = self.predictions.values_mut().chain(&mut self.labels).chain(&mut self.source);
        all.for_each(|seen| seen.wait_anew(now));
    }

    /// What rules about `of` watch, with when it last came: a version each, or the whole model.
    pub fn last(&self, of: Presence) -> Vec<(Arc<str>, Seen)> {
        let whole = || Arc::<str>::from("");
        let one = |seen: Option<Seen>| seen.map(|seen| (whole(), seen)).into_iter().collect();
        match of {
            Presence::Predictions => one(self.predictions.get("").copied()),
            Presence::Labels => one(self.labels),
            Presence::Source => one(self.source),
            Presence::Version => {
                let named = self.predictions.iter().filter(|(version, _)| !version.is_empty());
                named.map(|(version, seen)| (Arc::clone(version), *seen)).collect()
            }
        }
    }
}
