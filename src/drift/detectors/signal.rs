//! What a detector says about a value: nothing, a warning, or a drift and what has changed.

use crate::aggregate::wire::{Wire, WireError, put_signed, put_varint, take_signed};
use crate::event::Millis;

use super::bytes::take_count;

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
    /// Level before, in the unit of the values (for EDDM: errors per value).
    pub before: f64,
    /// Level from `began` on.
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

impl Signal {
    /// This or, where it says less, the `other` of the same value.
    pub(super) fn or(self, other: Signal) -> Signal {
        match (self, other) {
            (Signal::Drift(_), _) | (_, Signal::Stable) | (Signal::Warning, Signal::Warning) => self,
            _ => other,
        }
    }
}

/// Index, then time.
impl Wire for Point {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.index);
        put_signed(out, self.time);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Point { index: take_count(input)?, time: take_signed(input)? })
    }
}
