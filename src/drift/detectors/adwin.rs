//! ADWIN, adaptive windowing: two parts of the window have means that are further apart than chance explains.
//!
//! The window holds all values since the last drift. Every `clock` values each cut into an older and a newer part of at
//! least `min_window_length` values is [tested](super::cut). If one is significant it is a drift: the oldest values go
//! until no cut is, and with the next value the window begins anew. There is no warning zone.
//!
//! The change is that of the window in which the drift was found. (Where the values that remain begin is no estimate of
//! its place: they only are no longer significantly mixed.)
//!
//! Source: Bifet, Gavaldà: Learning from time-changing data with adaptive windowing, SDM 2007. Alarms, and the window that
//! remains, equal those of River 0.26 (`drift.ADWIN`), but for ties in the last bit of a logarithm; the least
//! length in the test and the complete new beginning are River's and not the paper's.

use super::bytes::{put_flag, take_flag, take_u32};
use super::cut::CutTest;
use super::parameters::{ParameterError, malformed, require};
use super::signal::{Change, Point, Signal};
use super::window::{BUCKETS_MAX, Window};
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_double};
pub use crate::event::detectors::AdwinParameters;

impl AdwinParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require("delta", "between 0 and 1", self.delta > 0.0 && self.delta < 1.0)?;
        require("clock", "at least 1", self.clock >= 1)?;
        require("max_buckets", "from 2 to 64", (2..=BUCKETS_MAX as u32).contains(&self.max_buckets))?;
        require("min_window_length", "at least 1", self.min_window_length >= 1)
    }
}

/// Detects a mean that rises or falls. Values of any size.
#[derive(Debug, Clone, PartialEq)]
pub struct Adwin {
    parameters: AdwinParameters,
    window: Window,
    /// Values since the last look; below `clock`.
    since_look: u32,
    /// The last value was a drift, so the next begins anew.
    fired: bool,
}

impl Adwin {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: AdwinParameters) -> Result<Adwin, ParameterError> {
        parameters.check()?;
        Ok(Adwin::fresh(parameters))
    }

    fn fresh(parameters: AdwinParameters) -> Adwin {
        Adwin { parameters, window: Window::default(), since_look: 0, fired: false }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> AdwinParameters {
        self.parameters
    }

    /// How many values are in the window; after a drift, how many remained.
    pub fn width(&self) -> u64 {
        self.window.width()
    }

    /// Their mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.window.mean()
    }

    /// Sum of their squared deviations from the mean (River's `variance`).
    pub fn deviation(&self) -> f64 {
        self.window.deviation()
    }

    /// Adds `value`, finite, which is at `at`.
    pub fn update(&mut self, value: f64, at: Point) -> Signal {
        if self.fired {
            *self = Adwin::fresh(self.parameters);
        }
        self.window.insert(value, at.time, self.parameters.max_buckets as usize);
        self.since_look += 1;
        if self.since_look < self.parameters.clock {
            return Signal::Stable;
        }
        self.since_look = 0;
        match self.look(at) {
            Some(change) => {
                self.fired = true;
                Signal::Drift(change)
            }
            None => Signal::Stable,
        }
    }

    /// Shrinks the window until no cut is significant. The change is that of the window as it was.
    fn look(&mut self, at: Point) -> Option<Change> {
        let mut change = None;
        while self.window.width() > u64::from(self.parameters.grace_period) || change.is_some() {
            let test = CutTest::of(&self.window, &self.parameters);
            if !self.window.cuts().any(|cut| test.is_significant(&cut)) {
                break;
            }
            change = change.or_else(|| Some(test.change(&self.window, None, at)));
            self.window.drop_oldest();
        }
        change
    }
}

impl Wire for AdwinParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.delta);
        for number in [self.clock, self.max_buckets, self.min_window_length, self.grace_period] {
            put_varint(out, u64::from(number));
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = AdwinParameters {
            delta: take_double(input)?,
            clock: take_u32(input)?,
            max_buckets: take_u32(input)?,
            min_window_length: take_u32(input)?,
            grace_period: take_u32(input)?,
        };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Adwin {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        put_varint(out, u64::from(self.since_look));
        put_flag(out, self.fired);
        self.window.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = AdwinParameters::decode(input)?;
        let (since_look, fired) = (take_u32(input)?, take_flag(input)?);
        let window = Window::decode(input)?;
        if since_look >= parameters.clock || !window.is_of(parameters.max_buckets as usize) {
            return Err(WireError::Malformed("a window of another form"));
        }
        Ok(Adwin { parameters, window, since_look, fired })
    }
}
