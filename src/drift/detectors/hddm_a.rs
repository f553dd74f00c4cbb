//! HDDM_A: the mean has moved by more than Hoeffding's inequality allows to chance.
//!
//! With the mean z of all n values and the bound ε(n) = √(ln(1/δ) / 2n), the detector remembers as its *cut* the n and z
//! where z + ε was least. The mean of all values being above the mean up to the cut by √(m/2 · ln(2/δ)) or more, with
//! m = (n − n_cut) / (n_cut · n), is a drift for δ = `drift_confidence` and a warning for `warning_confidence`. A
//! two-sided detector looks for a fall as well, with the cut where z − ε was greatest.
//!
//! The change is taken to have begun behind the cut; levels are the means up to the cut and since.
//!
//! Source: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz, Caballero-Mota: Online and
//! non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27(3), 2015, the A-test. Alarms and
//! warnings equal those of River 0.26 (`drift.binary.HDDMA`), but for ties in the last bit of a logarithm.

use super::bytes::{put_flag, put_option, take_flag, take_option};
use super::level::{Mean, Stretch};
use super::parameters::{ParameterError, malformed, require_confidences};
use super::signal::{Change, Point, Signal};
use crate::aggregate::wire::{Wire, WireError, put_double, take_double};

/// Parameters of [`HddmA`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HddmAParameters {
    /// Chance of a drift where there is none; between 0 and 1. 0.001 by default.
    pub drift_confidence: f64,
    /// The same of a warning; at least `drift_confidence`, below 1. 0.005 by default.
    pub warning_confidence: f64,
    /// Looks for a fall too. No by default.
    pub two_sided: bool,
}

impl Default for HddmAParameters {
    fn default() -> Self {
        HddmAParameters { drift_confidence: 0.001, warning_confidence: 0.005, two_sided: false }
    }
}

impl HddmAParameters {
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        require_confidences(self.drift_confidence, self.warning_confidence)
    }
}

/// Detects a mean that rises, or falls. Values from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct HddmA {
    parameters: HddmAParameters,
    bounds: Bounds,
    all: Mean,
    rise: Side,
    /// Not kept where only a rise is looked for.
    fall: Side,
}

/// Logarithms of the confidences, so that an update takes none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    cut: f64,
    drift: f64,
    warning: f64,
}

/// A cut, and the values behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Side {
    before: Mean,
    after: Option<Stretch>,
}

impl Bounds {
    fn of(parameters: &HddmAParameters) -> Bounds {
        Bounds {
            cut: libm::log(1.0 / parameters.drift_confidence),
            drift: libm::log(2.0 / parameters.drift_confidence),
            warning: libm::log(2.0 / parameters.warning_confidence),
        }
    }

    fn around(&self, n: u64) -> f64 {
        (1.0 / (2.0 * n as f64) * self.cut).sqrt()
    }
}

impl Side {
    /// Takes the value that made `all` what it is. `sign` is 1 for a rise, −1 for a fall.
    fn update(&mut self, all: &Mean, bounds: &Bounds, sign: f64, value: f64, at: Point) {
        let (before, now) = (sign * self.before.get(), sign * all.get());
        let n = self.before.count();
        if n == 0 || before + bounds.around(n) >= now + bounds.around(all.count()) {
            *self = Side { before: *all, after: None };
        } else {
            Stretch::extend(&mut self.after, value, at);
        }
    }

    /// What follows, with the change if it is a drift.
    fn judge(&self, all: &Mean, bounds: &Bounds, sign: f64) -> Signal {
        let Some(after) = self.after else { return Signal::Stable };
        let (n_before, n) = (self.before.count() as f64, all.count() as f64);
        let share = (n - n_before) / n_before * (1.0 / n);
        let moved = sign * (all.get() - self.before.get());
        if moved >= (share / 2.0 * bounds.drift).sqrt() {
            let (began, before) = (after.began, self.before.get());
            Signal::Drift(Change { began, before, after: after.level.get() })
        } else if moved >= (share / 2.0 * bounds.warning).sqrt() {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }
}

impl HddmA {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: HddmAParameters) -> Result<HddmA, ParameterError> {
        parameters.check()?;
        Ok(HddmA::fresh(parameters, Bounds::of(&parameters)))
    }

    fn fresh(parameters: HddmAParameters, bounds: Bounds) -> HddmA {
        HddmA { parameters, bounds, all: Mean::default(), rise: Side::default(), fall: Side::default() }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> HddmAParameters {
        self.parameters
    }

    /// Adds `value`, from 0 to 1, which is at `at`.
    pub fn update(&mut self, value: f64, at: Point) -> Signal {
        self.all.update(value);
        self.rise.update(&self.all, &self.bounds, 1.0, value, at);
        let mut signal = self.rise.judge(&self.all, &self.bounds, 1.0);
        if self.parameters.two_sided {
            self.fall.update(&self.all, &self.bounds, -1.0, value, at);
            signal = signal.or(self.fall.judge(&self.all, &self.bounds, -1.0));
        }
        if let Signal::Drift(_) = signal {
            *self = HddmA::fresh(self.parameters, self.bounds);
        }
        signal
    }
}

impl Wire for HddmAParameters {
    fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.drift_confidence);
        put_double(out, self.warning_confidence);
        put_flag(out, self.two_sided);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let (drift_confidence, warning_confidence) = (take_double(input)?, take_double(input)?);
        let parameters = HddmAParameters { drift_confidence, warning_confidence, two_sided: take_flag(input)? };
        parameters.check().map_err(malformed)?;
        Ok(parameters)
    }
}

impl Wire for Side {
    fn encode(&self, out: &mut Vec<u8>) {
        self.before.encode(out);
        put_option(out, self.after.as_ref());
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(Side { before: Mean::decode(input)?, after: take_option(input)? })
    }
}

impl Wire for HddmA {
    fn encode(&self, out: &mut Vec<u8>) {
        self.parameters.encode(out);
        self.all.encode(out);
        self.rise.encode(out);
        if self.parameters.two_sided {
            self.fall.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let parameters = HddmAParameters::decode(input)?;
        let (all, rise) = (Mean::decode(input)?, Side::decode(input)?);
        let fall = if parameters.two_sided { Side::decode(input)? } else { Side::default() };
        Ok(HddmA { parameters, bounds: Bounds::of(&parameters), all, rise, fall })
    }
}
