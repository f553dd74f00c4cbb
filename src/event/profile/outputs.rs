//! What a model gave out, added up per bin of a feature: in whole units, so that sums are exact, and the same in whatever
//! order they are made.

use crate::event::{FeatureSource, TaskKind};
use serde::{Deserialize, Serialize};

/// The unit in which outputs are added up: a power of two.
///
/// A sum of 64 bits holds more than 500 million outputs of the largest size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutputUnit {
    exponent: i32,
    /// Units per 1.
    per_one: f64,
}

/// Most units of one output. Larger ones count as so many: 64 times the largest of the reference.
pub const MAX_UNITS: i64 = 1 << 34;
/// Bits that the largest output of a reference has in its unit.
const BITS: i32 = 28;
/// Exponents of units: numbers of records reach from 2⁻⁴⁷⁰ to 2⁶³, smaller ones are 0.
const EXPONENTS: std::ops::RangeInclusive<i32> = -500..=100;

impl OutputUnit {
    /// Of probabilities: 2⁻³⁰, about 10⁻⁹.
    pub fn of_probabilities() -> OutputUnit {
        OutputUnit::new(-30)
    }

    /// Of numbers of a reference that are at most `largest` in magnitude: below 2²⁸ units.
    pub fn of_numbers(largest: f64) -> OutputUnit {
        let (_, exponent) = libm::frexp(largest);
        OutputUnit::new((exponent - BITS).clamp(*EXPONENTS.start(), *EXPONENTS.end()))
    }

    /// 2^`exponent`; `None` where no profile has that.
    pub fn of_exponent(exponent: i32) -> Option<OutputUnit> {
        EXPONENTS.contains(&exponent).then(|| OutputUnit::new(exponent))
    }

    fn new(exponent: i32) -> OutputUnit {
        OutputUnit { exponent, per_one: libm::ldexp(1.0, -exponent) }
    }

    /// Of which power of two it is.
    pub fn exponent(self) -> i32 {
        self.exponent
    }

    /// A finite output in units: the nearest whole number of them, at most [`MAX_UNITS`] in magnitude.
    #[inline]
    pub fn units(self, output: f64) -> i64 {
        let most = MAX_UNITS as f64;
        libm::rint((output * self.per_one).clamp(-most, most)) as i64
    }

    /// So many units as a number.
    pub fn number(self, units: f64) -> f64 {
        libm::ldexp(units, self.exponent)
    }
}

/// Outputs of a reference per bin of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinnedOutputs {
    /// The unit of `sums` is 2 to this; the same in all features of a profile.
    pub exponent: i32,
    /// Rows per bin that have an output.
    pub rows: Vec<i64>,
    /// Their outputs per bin, in units.
    pub sums: Vec<i64>,
}

impl BinnedOutputs {
    /// The unit of the sums.
    pub fn unit(&self) -> OutputUnit {
        OutputUnit::new(self.exponent)
    }

    /// True if these can be outputs of rows that are counted in bins like so.
    pub(super) fn is_possible(&self, counts: &[i64]) -> bool {
        let is_sum =
            |(rows, sum): (&i64, &i64)| i128::from(sum.abs_diff(0)) <= i128::from(*rows) * i128::from(MAX_UNITS);
        EXPONENTS.contains(&self.exponent)
            && self.rows.len() == counts.len()
            && self.sums.len() == counts.len()
            && self.rows.iter().zip(counts).all(|(rows, count)| (0..=*count).contains(rows))
            && self.rows.iter().zip(&self.sums).all(is_sum)
    }

    /// All rows with an output, and their outputs: the same of all features.
    pub(super) fn totals(&self) -> (i32, i128, i128) {
        let sum = |numbers: &[i64]| numbers.iter().map(|&number| i128::from(number)).sum();
        (self.exponent, sum(&self.rows), sum(&self.sums))
    }
}

/// The output that is added up, of a model with this task; `None` where there are many classes.
pub fn added_output(task: TaskKind) -> Option<FeatureSource> {
    match task {
        TaskKind::Binary => Some(FeatureSource::Score),
        TaskKind::Regression => Some(FeatureSource::PredictedValue),
        TaskKind::Multiclass => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_unit_suits_what_it_was_made_for() {
        let of_scores = OutputUnit::of_probabilities();
        assert_eq!([0.0, 1.0, 0.5, 1e-12].map(|score| of_scores.units(score)), [0, 1 << 30, 1 << 29, 0]);
        assert_eq!(OutputUnit::of_numbers(0.0).exponent(), -28);
        let prices = OutputUnit::of_numbers(99_999.0);
        assert_eq!((prices.exponent(), prices.units(1.0)), (17 - 28, 1 << 11));
        assert_eq!([1e9, -f64::MAX].map(|number| prices.units(number)), [MAX_UNITS, -MAX_UNITS]);
        for extreme in [f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            let unit = OutputUnit::of_numbers(extreme);
            assert!(OutputUnit::of_exponent(unit.exponent()) == Some(unit) && unit.units(0.0) == 0, "{extreme}");
        }
        assert_eq!(OutputUnit::of_exponent(1_000), None);
    }

    proptest! {
        #[test]
        fn an_output_is_near_its_units(largest in -1e18..1e18f64, share in -1.0..=1.0f64) {
            let unit = OutputUnit::of_numbers(largest.abs());
            let output = largest * share;
            prop_assert!((unit.number(unit.units(output) as f64) - output).abs() <= unit.number(0.5));
            prop_assert!(unit.units(output).abs() <= 1 << BITS);
        }
    }
}
