//! A running mean.
//!
//! It is rounded at each step, in the order of the stream, as River's is: detectors depend on the order anyway, and
//! equal rounding is what makes equal alarms.

use super::bytes::take_count;
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_double};

/// Running mean: m ← m + (1/n)·(x − m) (West 1979).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Mean {
    n: u64,
    mean: f64,
}

impl Mean {
    /// Adds a value.
    #[inline]
    pub(super) fn update(&mut self, value: f64) {
        self.n += 1;
        self.mean += (1.0 / self.n as f64) * (value - self.mean);
    }

    /// How many values.
    pub(super) fn count(&self) -> u64 {
        self.n
    }

    /// The mean; 0 of no values.
    pub(super) fn get(&self) -> f64 {
        self.mean
    }
}

/// How many, then the mean if there are any.
impl Wire for Mean {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.n);
        if self.n > 0 {
            put_double(out, self.mean);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let n = take_count(input)?;
        let mean = if n > 0 { take_double(input)? } else { 0.0 };
        Ok(Mean { n, mean })
    }
}
