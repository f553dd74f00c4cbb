//! EDDM, the early drift detection method: errors come closer together.
//!
//! At each error the distance d to the one before (in values) goes into a running mean p′ and standard deviation s′ (of
//! the sample). The detector remembers p′ + 2·s′ at its greatest. Where the ratio of now to then is below `alpha` is the
//! warning zone, below `beta` a drift. Between errors the zone stays what it was. The greatest is looked for from value
//! `warm_start` + 1 on, and nothing is decided before more than `warm_start` errors.
//!
//! Source: Baena-García, del Campo-Ávila, Fidalgo, Bifet, Gavaldà, Morales-Bueno: Early drift detection method, IWKDDS
//! 2006. Alarms and warnings equal those of River 0.26 (`drift.binary.EDDM`), which differs from the paper in that the
//! first distance is that of the first error to the start, and in that a new maximum leaves the zone as it was.

use super::bytes::{put_flag, take_count, take_flag, take_u32};
use super::mean::Mean;
use super::parameters::{ParameterError, malformed, require};
use super::signal::{Shift, Verdict};
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_double};
pub use crate::event::detectors::EddmParameters;

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
    /// The greatest p′ + 2·s′.
    greatest: Option<f64>,
    in_warning_zone: bool,
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
        Eddm {
            parameters,
            n: 0,
            last_error: 0,
            distance: Mean::default(),
            squares: 0.0,
            greatest: None,
            in_warning_zone: false,
        }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> EddmParameters {
        self.parameters
    }

    /// Adds `value`, 0 or 1.
    pub fn update(&mut self, value: f64) -> Verdict {
        self.n += 1;
        if value == 1.0 && self.error() {
            *self = Eddm::fresh(self.parameters);
            return Verdict::Drift(Shift::Rise);
        }
        if self.in_warning_zone { Verdict::Warning } else { Verdict::Stable }
    }

    /// Takes an error; true if it is a drift.
    fn error(&mut self) -> bool {
        let distance = (self.n - self.last_error) as f64;
        self.last_error = self.n;
        let before = self.distance.get();
        self.distance.update(distance);
        self.squares += (distance - before) * (distance - self.distance.get());
        let warm_start = u64::from(self.parameters.warm_start);
        if self.n <= warm_start {
            return false;
        }
        let reach = self.distance.get() + 2.0 * self.variance().sqrt();
        let Some(greatest) = self.greatest.filter(|greatest| reach <= *greatest) else {
            self.greatest = Some(reach);
            return false;
        };
        if self.distance.count() <= warm_start {
            return false;
        }
        let ratio = reach / greatest;
        self.in_warning_zone = ratio < self.parameters.alpha;
        ratio < self.parameters.beta
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

impl Wire for Eddm {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        put_varint(out, self.n);
        put_varint(out, self.last_error);
        self.distance.encode(out);
        put_double(out, self.squares);
        put_flag(out, self.greatest.is_some());
        self.greatest.iter().for_each(|&greatest| put_double(out, greatest));
        put_flag(out, self.in_warning_zone);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let eddm = Eddm {
            parameters: EddmParameters::decode(input)?,
            n: take_count(input)?,
            last_error: take_count(input)?,
            distance: Mean::decode(input)?,
            squares: take_double(input)?,
            greatest: take_flag(input)?.then(|| take_double(input)).transpose()?,
            in_warning_zone: take_flag(input)?,
        };
        // A distance is a difference of these two.
        if eddm.last_error > eddm.n { Err(WireError::Malformed("an error after the last value")) } else { Ok(eddm) }
    }
}
