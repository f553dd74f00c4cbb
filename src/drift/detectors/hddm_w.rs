//! HDDM_W: the weighted mean has moved by more than McDiarmid's inequality allows to chance.
//!
//! Values are averaged with exponentially falling weights: m ← λx + (1−λ)m, from the first value on. The sum of squared
//! weights is b ← λ² + (1−λ)²b, from 1 on, and bounds the mean by ε = √(b·ln(1/δ) / 2). The detector remembers as its
//! *cut* the mean where m + ε was least, and averages the values behind it anew. That second mean being above the first
//! by more than √((b₁+b₂)·ln(1/δ) / 2) is a drift for δ = `drift_confidence` and a warning for `warning_confidence`. A
//! two-sided detector looks for a fall as well, with the cut where m − ε was greatest.
//!
//! Source: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz, Caballero-Mota: Online and
//! non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27(3), 2015, the W-test. Alarms and
//! warnings equal those of River 0.26 (`drift.binary.HDDMW`), but for ties in the last bit of a logarithm.

use super::bytes::{put_flag, put_option, take_flag, take_option};
use super::parameters::{ParameterError, malformed, require, require_confidences};
use super::signal::{Shift, Verdict};
use crate::aggregate::wire::{Wire, WireError, put_double, take_double};
pub use crate::event::detectors::HddmWParameters;

impl HddmWParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require("lambda", "above 0 and at most 1", self.lambda > 0.0 && self.lambda <= 1.0)?;
        require_confidences(self.drift_confidence, self.warning_confidence)
    }
}

/// Detects a weighted mean that rises, or falls. Values from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct HddmW {
    parameters: HddmWParameters,
    bounds: Bounds,
    all: Option<Weighted>,
    rise: Option<Side>,
    /// Not kept where only a rise is looked for.
    fall: Option<Side>,
}

/// Logarithms of the confidences, so that an update takes none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    drift: f64,
    warning: f64,
}

/// A weighted mean, and the sum of its squared weights.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Weighted {
    mean: f64,
    squared_weights: f64,
}

/// The mean up to the cut, and of the values behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Side {
    before: Weighted,
    after: Option<Weighted>,
}

impl Bounds {
    fn of(parameters: &HddmWParameters) -> Bounds {
        Bounds {
            drift: libm::log(1.0 / parameters.drift_confidence),
            warning: libm::log(1.0 / parameters.warning_confidence),
        }
    }
}

/// How far chance moves a mean of these squared weights. `log` is that of one over the chance.
fn bound(squared_weights: f64, log: f64) -> f64 {
    (squared_weights * log / 2.0).sqrt()
}

impl Weighted {
    fn with(weighted: Option<Weighted>, value: f64, lambda: f64) -> Weighted {
        let rest = 1.0 - lambda;
        let mean = weighted.map_or(value, |old| lambda * value + rest * old.mean);
        let squared_weights = weighted.map_or(1.0, |old| old.squared_weights);
        Weighted { mean, squared_weights: lambda * lambda + rest * rest * squared_weights }
    }
}

impl Side {
    /// The side of `shift` after a `value` that made `all` what it is.
    fn updated(side: Option<Side>, all: Weighted, value: f64, lambda: f64, drift: f64, shift: Shift) -> Side {
        let limit = |mean: Weighted| shift.sign() * mean.mean + bound(mean.squared_weights, drift);
        match side {
            Some(Side { before, after }) if limit(all) >= limit(before) => {
                Side { before, after: Some(Weighted::with(after, value, lambda)) }
            }
            _ => Side { before: all, after: None },
        }
    }

    fn judge(&self, bounds: &Bounds, shift: Shift) -> Verdict {
        let Some(after) = self.after else { return Verdict::Stable };
        let moved = shift.sign() * (after.mean - self.before.mean);
        let squared_weights = self.before.squared_weights + after.squared_weights;
        if moved > bound(squared_weights, bounds.drift) {
            Verdict::Drift(shift)
        } else if moved > bound(squared_weights, bounds.warning) {
            Verdict::Warning
        } else {
            Verdict::Stable
        }
    }
}

impl HddmW {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: HddmWParameters) -> Result<HddmW, ParameterError> {
        parameters.check()?;
        Ok(HddmW::fresh(parameters, Bounds::of(&parameters)))
    }

    fn fresh(parameters: HddmWParameters, bounds: Bounds) -> HddmW {
        HddmW { parameters, bounds, all: None, rise: None, fall: None }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> HddmWParameters {
        self.parameters
    }

    /// Adds `value`, from 0 to 1.
    pub fn update(&mut self, value: f64) -> Verdict {
        let (lambda, drift) = (self.parameters.lambda, self.bounds.drift);
        let all = *self.all.insert(Weighted::with(self.all, value, lambda));
        let rise = *self.rise.insert(Side::updated(self.rise, all, value, lambda, drift, Shift::Rise));
        let mut verdict = rise.judge(&self.bounds, Shift::Rise);
        if self.parameters.two_sided {
            let fall = *self.fall.insert(Side::updated(self.fall, all, value, lambda, drift, Shift::Fall));
            verdict = verdict.or(fall.judge(&self.bounds, Shift::Fall));
        }
        if let Verdict::Drift(_) = verdict {
            *self = HddmW::fresh(self.parameters, self.bounds);
        }
        verdict
    }
}

impl Wire for HddmWParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.drift_confidence);
        put_double(out, self.warning_confidence);
        put_double(out, self.lambda);
        put_flag(out, self.two_sided);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let (drift_confidence, warning_confidence) = (take_double(input)?, take_double(input)?);
        let (lambda, two_sided) = (take_double(input)?, take_flag(input)?);
        let parameters = HddmWParameters { drift_confidence, warning_confidence, lambda, two_sided };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Weighted {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.mean);
        put_double(out, self.squared_weights);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Weighted { mean: take_double(input)?, squared_weights: take_double(input)? })
    }
}

impl Wire for Side {
    fn encode(&self, out: &mut Vec<u8>) {
        self.before.encode(out);
        put_option(out, self.after.as_ref());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Side { before: Weighted::decode(input)?, after: take_option(input)? })
    }
}

impl Wire for HddmW {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        put_option(out, self.all.as_ref());
        put_option(out, self.rise.as_ref());
        if self.parameters.two_sided {
            put_option(out, self.fall.as_ref());
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = HddmWParameters::decode(input)?;
        let (all, rise) = (take_option(input)?, take_option(input)?);
        let fall = if parameters.two_sided { take_option(input)? } else { None };
        Ok(HddmW { parameters, bounds: Bounds::of(&parameters), all, rise, fall })
    }
}
