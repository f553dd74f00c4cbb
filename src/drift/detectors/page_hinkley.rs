//! Page-Hinkley: the sum of deviations from the mean has risen far above its minimum, or fallen far below its maximum.
//!
//! With the running mean m of all values, the sum of a rise is u ← α·u + (x − m) − δ, that of a fall
//! d ← α·d + (x − m) + δ. A drift is u − min u > `threshold`, or max d − d > `threshold`, from value `min_instances` on.
//! There is no warning zone.
//!
//! Source: Page: Continuous inspection schemes, Biometrika 41, 1954; Hinkley: Inference about the change-point from
//! cumulative sum tests, Biometrika 58, 1971; the form with forgetting and two sides is River's. Alarms equal those of
//! River 0.26 (`drift.PageHinkley`).

use super::bytes::take_u32;
use super::mean::Mean;
use super::parameters::{ParameterError, malformed, require};
use super::signal::{Shift, Verdict};
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_byte, take_double};
pub use crate::event::detectors::{Direction, PageHinkleyParameters};

impl PageHinkleyParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require("delta", "finite and at least 0", (0.0..f64::INFINITY).contains(&self.delta))?;
        require("threshold", "finite and at least 0", (0.0..f64::INFINITY).contains(&self.threshold))?;
        require("alpha", "from 0 to 1", (0.0..=1.0).contains(&self.alpha))
    }
}

/// Detects a mean that rises or falls. Values of any size.
#[derive(Debug, Clone, PartialEq)]
pub struct PageHinkley {
    parameters: PageHinkleyParameters,
    all: Mean,
    rise: Side,
    fall: Side,
}

/// The sum of deviations in one direction, and its least.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Side {
    sum: f64,
    /// Of no meaning before the first value.
    least: f64,
}

impl Side {
    /// Takes a deviation from the mean, counted in this side's direction.
    fn update(&mut self, deviation: f64, is_first: bool, parameters: &PageHinkleyParameters) {
        self.sum = parameters.alpha * self.sum + deviation - parameters.delta;
        if is_first || self.sum < self.least {
            self.least = self.sum;
        }
    }

    fn exceeds(&self, threshold: f64) -> bool {
        self.sum - self.least > threshold
    }
}

impl PageHinkley {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: PageHinkleyParameters) -> Result<PageHinkley, ParameterError> {
        parameters.check()?;
        Ok(PageHinkley::fresh(parameters))
    }

    fn fresh(parameters: PageHinkleyParameters) -> PageHinkley {
        PageHinkley { parameters, all: Mean::default(), rise: Side::default(), fall: Side::default() }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> PageHinkleyParameters {
        self.parameters
    }

    /// Adds `value`, finite.
    pub fn update(&mut self, value: f64) -> Verdict {
        let parameters = self.parameters;
        self.all.update(value);
        let (deviation, is_first) = (value - self.all.get(), self.all.count() == 1);
        self.rise.update(deviation, is_first, &parameters);
        self.fall.update(-deviation, is_first, &parameters);
        if self.all.count() < u64::from(parameters.min_instances) {
            return Verdict::Stable;
        }
        let shift = if parameters.direction != Direction::Down && self.rise.exceeds(parameters.threshold) {
            Shift::Rise
        } else if parameters.direction != Direction::Up && self.fall.exceeds(parameters.threshold) {
            Shift::Fall
        } else {
            return Verdict::Stable;
        };
        *self = PageHinkley::fresh(parameters);
        Verdict::Drift(shift)
    }
}

impl Wire for Direction {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(*self as u8);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        match take_byte(input)? {
            0 => Ok(Direction::Up),
            1 => Ok(Direction::Down),
            2 => Ok(Direction::Both),
            _ => Err(WireError::Malformed("an unknown direction")),
        }
    }
}

impl Wire for PageHinkleyParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.min_instances));
        put_double(out, self.delta);
        put_double(out, self.threshold);
        put_double(out, self.alpha);
        self.direction.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = PageHinkleyParameters {
            min_instances: take_u32(input)?,
            delta: take_double(input)?,
            threshold: take_double(input)?,
            alpha: take_double(input)?,
            direction: Direction::decode(input)?,
        };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Side {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.sum);
        put_double(out, self.least);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Side { sum: take_double(input)?, least: take_double(input)? })
    }
}

impl Wire for PageHinkley {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        self.all.encode(out);
        self.rise.encode(out);
        self.fall.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let (parameters, all) = (PageHinkleyParameters::decode(input)?, Mean::decode(input)?);
        Ok(PageHinkley { parameters, all, rise: Side::decode(input)?, fall: Side::decode(input)? })
    }
}
