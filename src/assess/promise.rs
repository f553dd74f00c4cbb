//! Horizons of an earlier configuration. Predictions wait for their labels as long as was configured when they were read;
//! which of a pane were read when is not known here, so a model is as patient as the most patient of both configurations
//! while panes from before the change are held. What that delays (that something is expired, or final) it does not lose.

use crate::aggregate::wire::{WireError, put_signed, take_signed};
use crate::event::{Millis, ModelSettings};
use std::sync::Arc;

/// Longer horizons than today's.
#[derive(Debug, Clone)]
pub struct Promise {
    /// Panes that start before may hold predictions that they were promised to.
    pub before: Millis,
    /// What holds once none of these is left.
    pub today: Arc<ModelSettings>,
}

/// What is said of horizons in a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Horizons {
    /// [`Promise::before`]; `Millis::MIN` if there is none.
    before: Millis,
    label_ms: Millis,
    correction_ms: Millis,
    early_ms: Millis,
    revise_for_ms: Millis,
}

impl Horizons {
    /// Those in force.
    pub fn of(settings: &ModelSettings, promise: Option<&Promise>) -> Horizons {
        Horizons {
            before: promise.map_or(Millis::MIN, |promise| promise.before),
            label_ms: settings.label_horizon_ms,
            correction_ms: settings.correction_horizon_ms,
            early_ms: settings.early_label_retention_ms,
            revise_for_ms: settings.revise_for_ms,
        }
    }

    /// The settings that are in force under `today`, and the promise if they are not the same. `news`: the first moment of
    /// which nothing is known yet.
    pub fn kept(self, today: &Arc<ModelSettings>, news: Millis) -> (Arc<ModelSettings>, Option<Promise>) {
        let most = ModelSettings {
            label_horizon_ms: self.label_ms.max(today.label_horizon_ms),
            correction_horizon_ms: self.correction_ms.max(today.correction_horizon_ms),
            early_label_retention_ms: self.early_ms.max(today.early_label_retention_ms),
            revise_for_ms: self.revise_for_ms.max(today.revise_for_ms),
            ..ModelSettings::clone(today)
        };
        if most == **today {
            return (Arc::clone(today), None);
        }
        let before = if self.before == Millis::MIN { news } else { self.before };
        (Arc::new(most), Some(Promise { before, today: Arc::clone(today) }))
    }

    /// Appends them.
    pub fn put(self, out: &mut Vec<u8>) {
        for number in [self.before, self.label_ms, self.correction_ms, self.early_ms, self.revise_for_ms] {
            put_signed(out, number);
        }
    }

    /// From what [`Self::put`] wrote.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn take(input: &mut &[u8]) -> Result<Horizons, WireError> {
        Ok(Horizons {
            before: take_signed(input)?,
            label_ms: take_signed(input)?,
            correction_ms: take_signed(input)?,
            early_ms: take_signed(input)?,
            revise_for_ms: take_signed(input)?,
        })
    }
}
