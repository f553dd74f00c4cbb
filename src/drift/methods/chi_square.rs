//! Pearson's χ² of homogeneity: the 2 × k table of reference and current rows per bin, Σ (observed − expected)² / expected,
//! expected = row sum · column sum / all rows.
//!
//! Range: [0, all rows]; grows with the number of rows, so it says whether there is a difference, not how large it is.
//! p-value: upper tail of χ² with k − 1 degrees of freedom, k the bins that hold rows (Pearson 1900; Fisher 1922). It is
//! asymptotic, and too small where bins expect few rows ([`crate::drift::homogeneity`] is safe there). With one degree of
//! freedom Yates' correction (1934) moves each observation by up to ½ towards what is expected.
//!
//! Binning: without correction, merging bins never raises the statistic. It is about its own bins, and has no error bound.

use crate::drift::TwoSamples;
use crate::drift::distribution::chi_square_upper;

/// Whether the statistic of a 2 × 2 table is corrected for continuity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Continuity {
    /// Yates' correction where there is one degree of freedom, as the textbooks have it.
    #[default]
    Yates,
    /// Pearson's statistic as it is.
    Uncorrected,
}

/// The outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// Pearson's statistic, ≥ 0.
    pub statistic: f64,
    /// Occupied bins minus one.
    pub degrees_of_freedom: usize,
    /// Probability of such a statistic or a larger one where nothing changed; 1 without a degree of freedom.
    pub p_value: f64,
}

/// The χ² test of homogeneity of `samples`; bins without rows of either sample do not count.
pub fn chi_square(samples: &TwoSamples, continuity: Continuity) -> ChiSquare {
    let degrees_of_freedom = samples.occupied_bins() - 1;
    let most_moved = if degrees_of_freedom == 1 && continuity == Continuity::Yates { 0.5 } else { 0.0 };
    let (n, m) = (samples.reference_rows(), samples.current_rows());
    let all = n as f64 + m as f64;
    let statistic: f64 = samples
        .counts()
        .filter(|&(reference, current)| reference + current > 0)
        .map(|(reference, current)| {
            let column = (reference + current) as f64;
            let (expected_reference, expected_current) = (column * (n as f64 / all), column * (m as f64 / all));
            // The difference of both cells from what they expect.
            let difference = samples.cross(reference, current).unsigned_abs() as f64 / all;
            let moved = difference - difference.min(most_moved);
            moved * moved * (1.0 / expected_reference + 1.0 / expected_current)
        })
        .sum();
    let p_value = if degrees_of_freedom == 0 { 1.0 } else { chi_square_upper(statistic, degrees_of_freedom) };
    ChiSquare { statistic, degrees_of_freedom, p_value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reference: &[i64], current: &[i64], continuity: Continuity) -> ChiSquare {
        chi_square(&TwoSamples::new(reference, current).unwrap(), continuity)
    }

    /// Of a 2 × 2 table with cells a, b, c, d: N (|ad − bc| − N/2)² / ((a+b)(c+d)(a+c)(b+d)).
    #[test]
    fn a_table_of_four_cells_by_its_own_formula() {
        let (ad_bc, all, margins) = (12.0f64 * 9.0 - 5.0 * 7.0, 33.0, 17.0 * 16.0 * 19.0 * 14.0);
        let plain = of(&[12, 5], &[7, 9], Continuity::Uncorrected);
        assert!((plain.statistic - all * ad_bc * ad_bc / margins).abs() < 1e-13);
        let corrected = of(&[12, 5], &[7, 9], Continuity::Yates);
        let moved = ad_bc - all / 2.0;
        assert!((corrected.statistic - all * moved * moved / margins).abs() < 1e-13);
        assert!(corrected.p_value > plain.p_value && corrected.degrees_of_freedom == 1);
    }

    #[test]
    fn a_correction_never_crosses_what_is_expected() {
        assert_eq!(of(&[10, 10], &[11, 10], Continuity::Yates).statistic, 0.0);
    }

    #[test]
    fn empty_bins_do_not_count_and_one_bin_says_nothing() {
        assert_eq!(of(&[3, 0, 4, 5], &[1, 0, 9, 2], Continuity::Yates), of(&[3, 4, 5], &[1, 9, 2], Continuity::Yates));
        assert_eq!(
            of(&[0, 7], &[0, 9], Continuity::Yates),
            ChiSquare { statistic: 0.0, degrees_of_freedom: 0, p_value: 1.0 }
        );
    }
}
