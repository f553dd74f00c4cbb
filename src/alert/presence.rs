//! `Presences`: when something last came, by the clock: what rules about absence look at.

use crate::event::alert::Presence;
use crate::event::{MetricRow, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was last seen of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Newest window of predictions, and how many there were in it.
    pub window: (Millis, f64),
    /// When it last grew, by the clock.
    pub at: Millis,
}

/// When predictions and labels of a model last came.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Presences {
    /// Predictions by version; `""` is all together.
    pub predictions: BTreeMap<Arc<str>, Seen>,
    /// Labels of all versions together.
    pub labels: Option<Seen>,
    /// Anything, of any model; only where that is watched.
    pub source: Option<Millis>,
}

/// Versions that are watched; of more, those that were seen last.
const MAX_VERSIONS: usize = 1_000;

impl Presences {
    /// Takes in a row of the whole model, of any metric, at `now`.
    pub fn take(&mut self, row: &MetricRow, now: Millis) {
        let Some(value) = row.value.filter(|value| *value > 0.0) else { return };
        match &*row.metric {
            "predictions" => {
                // Of several window sizes, the newest window of any.
                let grown = match self.predictions.get(&row.model_version) {
                    None => true,
                    Some(seen) => {
                        let (start, count) = seen.window;
                        row.window_start > start || row.window_start == start && value > count
                    }
                };
                if grown {
                    self.make_room();
                    let seen = Seen { window: (row.window_start, value), at: now };
                    self.predictions.insert(Arc::clone(&row.model_version), seen);
                }
            }
            // Labels come for old windows: any change is news, except that a window becomes final.
            "matched" if row.model_version.is_empty() => {
                let is_newer = self.labels.is_none_or(|seen| row.window_start > seen.window.0);
                if !row.is_final || is_newer {
                    self.labels = Some(Seen { window: (row.window_start, value), at: now });
                }
            }
            _ => {}
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

    /// What rules about `of` watch, with when it last came: a version each, or the whole model.
    pub fn last(&self, of: Presence) -> Vec<(Arc<str>, Millis)> {
        let whole: Arc<str> = "".into();
        match of {
            Presence::Predictions => self.predictions.get(&whole).map(|seen| (whole, seen.at)).into_iter().collect(),
            Presence::Labels => self.labels.map(|seen| (whole, seen.at)).into_iter().collect(),
            Presence::Version => {
                let named = self.predictions.iter().filter(|(version, _)| !version.is_empty());
                named.map(|(version, seen)| (Arc::clone(version), seen.at)).collect()
            }
            Presence::Source => self.source.map(|at| (whole, at)).into_iter().collect(),
        }
    }
}
