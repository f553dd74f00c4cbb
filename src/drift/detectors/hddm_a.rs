//! HDDM_A: the mean has moved by more than Hoeffding's inequality allows to chance.
//!
//! With the mean z of all n values and the bound ε(n) = √(ln(1/δ) / 2n), the detector remembers as its *cut* the n and z
//! where z + ε was least. The mean of all values being above the mean up to the cut by √(m/2 · ln(2/δ)) or more, with
//! m = (n − n_cut) / (n_cut · n), is a drift for δ = `drift_confidence` and a warning for `warning_confidence`. A
//! two-sided detector looks for a fall as well, with the cut where z − ε was greatest.
//!
//! Source: Frías-Blanco, del Campo-Ávila, Ramos-Jiménez, Morales-Bueno, Ortiz-Díaz, Caballero-Mota: Online and
//! non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27(3), 2015, the A-test. Alarms and
//! warnings equal those of River 0.26 (`drift.binary.HDDMA`), but for ties in the last bit of a logarithm.

use super::bytes::{put_flag, take_flag};
use super::mean::Mean;
use super::parameters::{ParameterError, malformed, require_confidences};
use super::signal::{Shift, Verdict};
use crate::aggregate::wire::{Wire, WireError, put_double, take_double};
pub use crate::event::detectors::HddmAParameters;

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
    /// Mean up to the cut of a rise.
    rise: Mean,
    /// The same of a fall; not kept where only a rise is looked for.
    fall: Mean,
}

/// Logarithms of the confidences, so that an update takes none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds {
    cut: f64,
    drift: f64,
    warning: f64,
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

/// Moves the cut of a shift to here, where it is least.
fn update_cut(cut: &mut Mean, all: &Mean, bounds: &Bounds, shift: Shift) {
    let (before, now) = (shift.sign() * cut.get(), shift.sign() * all.get());
    if cut.count() == 0 || before + bounds.around(cut.count()) >= now + bounds.around(all.count()) {
        *cut = *all;
    }
}

/// What follows from how far the mean has moved in the direction of `shift` since the cut.
fn judge(cut: &Mean, all: &Mean, bounds: &Bounds, shift: Shift) -> Verdict {
    if cut.count() == all.count() {
        return Verdict::Stable;
    }
    let (n_cut, n) = (cut.count() as f64, all.count() as f64);
    let share = (n - n_cut) / n_cut * (1.0 / n);
    let moved = shift.sign() * (all.get() - cut.get());
    if moved >= (share / 2.0 * bounds.drift).sqrt() {
        Verdict::Drift(shift)
    } else if moved >= (share / 2.0 * bounds.warning).sqrt() {
        Verdict::Warning
    } else {
        Verdict::Stable
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
        HddmA { parameters, bounds, all: Mean::default(), rise: Mean::default(), fall: Mean::default() }
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> HddmAParameters {
        self.parameters
    }

    /// Adds `value`, from 0 to 1.
    pub fn update(&mut self, value: f64) -> Verdict {
        self.all.update(value);
        update_cut(&mut self.rise, &self.all, &self.bounds, Shift::Rise);
        let mut verdict = judge(&self.rise, &self.all, &self.bounds, Shift::Rise);
        if self.parameters.two_sided {
            update_cut(&mut self.fall, &self.all, &self.bounds, Shift::Fall);
            verdict = verdict.or(judge(&self.fall, &self.all, &self.bounds, Shift::Fall));
        }
        if let Verdict::Drift(_) = verdict {
            *self = HddmA::fresh(self.parameters, self.bounds);
        }
        verdict
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
        let (all, rise) = (Mean::decode(input)?, Mean::decode(input)?);
        let fall = if parameters.two_sided { Mean::decode(input)? } else { Mean::default() };
        Ok(HddmA { parameters, bounds: Bounds::of(&parameters), all, rise, fall })
    }
}
