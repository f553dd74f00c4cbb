//! What a detector says about a value: nothing, a warning, or a drift, and then what has changed.

use crate::event::Millis;

/// A value's place in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// How many values the detector took before it; 0 for the first.
    pub index: u64,
    /// The event time that was handed in with it.
    pub time: Millis,
}

/// A change of level, as a detector estimates it when it fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first value of the new level. At or before the value at which the detector fired.
    pub began: Point,
    /// Mean of the values before, as far back as the last drift.
    pub before: f64,
    /// Mean of the values from `began` on.
    pub after: f64,
}

/// What follows from one more value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Signal {
    /// Nothing.
    Stable,
    /// The value is in a warning zone: the level may be changing.
    Warning,
    /// The level has changed; the detector starts anew.
    Drift(Change),
}

impl Signal {
    /// The change, where there is one.
    pub fn change(self) -> Option<Change> {
        match self {
            Signal::Drift(change) => Some(change),
            Signal::Stable | Signal::Warning => None,
        }
    }
}

/// In which direction a level has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shift {
    /// It has risen.
    Rise,
    /// It has fallen.
    Fall,
}

impl Shift {
    /// 1 of a rise, −1 of a fall: what turns a fall into a rise, exactly.
    pub(super) fn sign(self) -> f64 {
        match self {
            Shift::Rise => 1.0,
            Shift::Fall => -1.0,
        }
    }
}

/// What a method says about one more value; a [`Signal`] without the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Stable,
    /// The value is in a warning zone.
    Warning,
    /// The level has changed; the method starts anew.
    Drift(Shift),
}

impl Verdict {
    /// This or, where it says less, the `other` of the same value.
    pub(super) fn or(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Drift(_), _) | (_, Verdict::Stable) | (Verdict::Warning, Verdict::Warning) => self,
            _ => other,
        }
    }
}
