//! DDM, the drift detection method: the error rate has risen well above its minimum.
//!
//! With the error rate p of n values and its standard deviation s = √(p(1−p)/n), the detector remembers p and s of when
//! p + s was least. Above p_min + 2·s_min is the warning zone, above p_min + 3·s_min a drift. Nothing is decided over the
//! first `warm_start` values.
//!
//! Source: Gama, Medas, Castillo, Rodrigues: Learning with drift detection, SBIA 2004. Alarms and warnings equal those of
//! River 0.26 (`drift.binary.DDM`), except that a variance that rounding has made negative counts as zero.

use super::bytes::{put_option, take_option, take_u32};
use super::mean::Mean;
use super::parameters::{ParameterError, malformed, require};
use super::signal::{Shift, Verdict};
use crate::aggregate::wire::{Wire, WireError, put_double, put_varint, take_double};
pub use crate::event::detectors::DdmParameters;

impl DdmParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require("warning_threshold", "finite and at least 0", (0.0..f64::INFINITY).contains(&self.warning_threshold))?;
        let drift = self.warning_threshold..f64::INFINITY;
        require("drift_threshold", "finite and at least `warning_threshold`", drift.contains(&self.drift_threshold))
    }
}

/// Detects a rising error rate. Values from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ddm {
    parameters: DdmParameters,
    rate: Mean,
    /// Since the warm start.
    least: Option<Least>,
}

/// Error rate and standard deviation at the minimum of their sum.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Least {
    rate: f64,
    deviation: f64,
}

impl Ddm {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: DdmParameters) -> Result<Ddm, ParameterError> {
        parameters.check()?;
        Ok(Ddm::fresh(parameters))
    }

    fn fresh(parameters: DdmParameters) -> Ddm {
        Ddm { parameters, rate: Mean::default(), least: None }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> DdmParameters {
        self.parameters
    }

    /// Adds `value`, from 0 to 1.
    pub fn update(&mut self, value: f64) -> Verdict {
        self.rate.update(value);
        if self.rate.count() <= u64::from(self.parameters.warm_start) {
            return Verdict::Stable;
        }
        let rate = self.rate.get();
        let deviation = ((rate * (1.0 - rate)).max(0.0) / self.rate.count() as f64).sqrt();
        let now = rate + deviation;
        let least = match self.least {
            Some(least) if now > least.rate + least.deviation => least,
            _ => *self.least.insert(Least { rate, deviation }),
        };
        if now > least.rate + self.parameters.drift_threshold * least.deviation {
            *self = Ddm::fresh(self.parameters);
            Verdict::Drift(Shift::Rise)
        } else if now > least.rate + self.parameters.warning_threshold * least.deviation {
            Verdict::Warning
        } else {
            Verdict::Stable
        }
    }
}

impl Wire for DdmParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.warm_start));
        put_double(out, self.warning_threshold);
        put_double(out, self.drift_threshold);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = DdmParameters {
            warm_start: take_u32(input)?,
            warning_threshold: take_double(input)?,
            drift_threshold: take_double(input)?,
        };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Least {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.rate);
        put_double(out, self.deviation);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Least { rate: take_double(input)?, deviation: take_double(input)? })
    }
}

impl Wire for Ddm {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        self.rate.encode(out);
        put_option(out, self.least.as_ref());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Ddm { parameters: DdmParameters::decode(input)?, rate: Mean::decode(input)?, least: take_option(input)? })
    }
}
