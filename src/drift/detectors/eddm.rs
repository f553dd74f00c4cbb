//! EDDM, the early drift detection method: errors come closer together.
//!
//! At each error the distance d to the one before (in values) goes into a running mean p′ and standard deviation s′ (of
//! the sample). The detector remembers p′ + 2·s′ at its greatest. Where the ratio of now to then is below `alpha` is the
//! warning zone, below `beta` a drift. Between errors the zone stays what it was. The greatest is looked for from value
//! `warm_start` + 1 on, and nothing is decided before more than `warm_start` errors.
//!
//! The change is taken to have begun at the error that entered the warning zone. Levels are errors per value: one over
//! the mean distance when p′ + 2·s′ was greatest, and one over the mean distance since the zone began. As with DDM, a zone
//! that was entered by chance makes the change seem to begin too soon.
//!
//! Source: Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà, Morales-Bueno: Early drift detection method, IWKDDS
//! 2006. Alarms and warnings equal those of River 0.26 (`drift.binary.EDDM`), which differs from the paper in that the
//! first distance is that of the first error to the start, and in that a new maximum leaves the zone as it was.

use super::bytes::{put_option, take_count, take_option, take_u32};
use super::level::{Mean, Stretch};
use super::parameters::{ParameterError, malformed, require};
use super::signal::{Change, Point, Signal};
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_double};

/// Parameters of [`Eddm`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EddmParameters {
    /// More errors than this must have come before anything is decided. 30 by default.
    pub warm_start: u32,
    /// Ratio below which the warning zone is; from 0 to 1. 0.95 by default.
    pub alpha: f64,
    /// Ratio below which a drift is; from 0 to `alpha`. 0.9 by default.
    pub beta: f64,
}

impl Default for EddmParameters {
    fn default() -> Self {
        EddmParameters { warm_start: 30, alpha: 0.95, beta: 0.9 }
    }
}

impl EddmParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require("alpha", "from 0 to 1", (0.0..=1.0).contains(&self.alpha))?;
        require("beta", "from 0 to `alpha`", (0.0..=self.alpha).contains(&self.beta))
    }
}

/// Detects errors that come closer together. Values 0 and 1; 1 is an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Eddm {
    parameters: EddmParameters,
    n: u64,
    /// Values up to and with the last error.
    last_error: u64,
    distance: Mean,
    /// Sum of squared deviations from the mean distance (Welford).
    squares: f64,
    greatest: Option<Greatest>,
    /// The distances since the warning zone was entered, while it lasts.
    zone: Option<Stretch>,
}

/// The mean distance when p′ + 2·s′ was greatest, and that sum.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Greatest {
    distance: f64,
    reach: f64,
}

impl Eddm {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: EddmParameters) -> Result<Eddm, ParameterError> {
        parameters.check()?;
        Ok(Eddm::fresh(parameters))
    }

    fn fresh(parameters: EddmParameters) -> Eddm {
        let (distance, squares) = (Mean::default(), 0.0);
        Eddm { parameters, n: 0, last_error: 0, distance, squares, greatest: None, zone: None }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> EddmParameters {
        self.parameters
    }

    /// Adds `value`, 0 or 1, which is at `at`.
    pub fn update(&mut self, value: f64, at: Point) -> Signal {
        self.n += 1;
        let change = if value == 1.0 { self.error(at) } else { None };
        match change {
            Some(change) => {
                *self = Eddm::fresh(self.parameters);
                Signal::Drift(change)
            }
            None if self.zone.is_some() => Signal::Warning,
            None => Signal::Stable,
        }
    }

    fn error(&mut self, at: Point) -> Option<Change> {
        let distance = (self.n - self.last_error) as f64;
        self.last_error = self.n;
        let before = self.distance.get();
        self.distance.update(distance);
        self.squares += (distance - before) * (distance - self.distance.get());
        let warm_start = u64::from(self.parameters.warm_start);
        if self.n <= warm_start {
            return None;
        }
        let reach = self.distance.get() + 2.0 * self.variance().sqrt();
        match self.greatest {
            Some(greatest) if reach <= greatest.reach => {
                let ratio = reach / greatest.reach;
                if self.distance.count() <= warm_start {
                    return None;
                }
                if ratio >= self.parameters.alpha {
                    self.zone = None;
                    return None;
                }
                let zone = Stretch::extend(&mut self.zone, distance, at);
                let (before, after) = (1.0 / greatest.distance, 1.0 / zone.level.get());
                (ratio < self.parameters.beta).then_some(Change { began: zone.began, before, after })
            }
            _ => {
                self.greatest = Some(Greatest { distance: self.distance.get(), reach });
                if self.zone.is_some() {
                    Stretch::extend(&mut self.zone, distance, at);
                }
                None
            }
        }
    }

    /// Of the distances, as of a sample; 0 of one.
    fn variance(&self) -> f64 {
        if self.distance.count() > 1 { self.squares / (self.distance.count() - 1) as f64 } else { 0.0 }
    }
}

impl Wire for EddmParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.warm_start));
        put_double(out, self.alpha);
        put_double(out, self.beta);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let warm_start = take_u32(input)?;
        let parameters = EddmParameters { warm_start, alpha: take_double(input)?, beta: take_double(input)? };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Greatest {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.distance);
        put_double(out, self.reach);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Greatest { distance: take_double(input)?, reach: take_double(input)? })
    }
}

impl Wire for Eddm {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        put_varint(out, self.n);
        put_varint(out, self.last_error);
        self.distance.encode(out);
        put_double(out, self.squares);
        put_option(out, self.greatest.as_ref());
        put_option(out, self.zone.as_ref());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let eddm = Eddm {
            parameters: EddmParameters::decode(input)?,
            n: take_count(input)?,
            last_error: take_count(input)?,
            distance: Mean::decode(input)?,
            squares: take_double(input)?,
            greatest: take_option(input)?,
            zone: take_option(input)?,
        };
        // A distance is a difference of these two.
        if eddm.last_error > eddm.n { Err(WireError::Malformed("an error after the last value")) } else { Ok(eddm) }
    }
}
