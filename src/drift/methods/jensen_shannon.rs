//! Jensen-Shannon distance, base 2: √(½ Σ p · log₂(p / μ) + ½ Σ q · log₂(q / μ)), μ = (p + q) / 2, 0 · log 0 = 0.
//!
//! Range: [0, 1]; 0 iff the shares are equal, 1 iff no bin holds rows of both samples. A metric (Endres and Schindelin
//! 2003, "A new metric for probability distributions"); its square is the divergence of Lin 1991, "Divergence measures
//! based on the Shannon entropy". Empty bins need no smoothing.
//!
//! Binning: of finer bins it is at least as large (data processing inequality), so it is a lower bound of the distance
//! without bins. It is a statement about its own bins, and has no error bound.

use crate::drift::TwoSamples;

/// The Jensen-Shannon distance of `samples`.
pub fn jensen_shannon(samples: &TwoSamples) -> f64 {
    let divergence: f64 = samples.shares().map(|(p, q)| half_term(p, q) + half_term(q, p)).sum();
    // Rounding may leave the range by a few units in the last place.
    divergence.clamp(0.0, 1.0).sqrt()
}

/// ½ p · log₂(p / μ).
fn half_term(p: f64, q: f64) -> f64 {
    if p > 0.0 { 0.5 * p * libm::log2(p / (0.5 * (p + q))) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reference: &[i64], current: &[i64]) -> f64 {
        jensen_shannon(&TwoSamples::new(reference, current).unwrap())
    }

    #[test]
    fn by_hand() {
        // p = (1, 0), q = (1/2, 1/2): ½ log₂(4/3) + ¼ log₂(2/3) + ¼ log₂ 2.
        let divergence = 0.5 * (4.0f64 / 3.0).log2() + 0.25 * (2.0f64 / 3.0).log2() + 0.25;
        assert!((of(&[3, 0], &[5, 5]) - divergence.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn nothing_in_common_is_one() {
        assert_eq!(of(&[5, 0, 2], &[0, 9, 0]), 1.0);
    }

    #[test]
    fn equal_shares_of_unequal_samples_are_exactly_zero() {
        assert_eq!(of(&[1, 2, 3], &[7, 14, 21]), 0.0);
    }
}
