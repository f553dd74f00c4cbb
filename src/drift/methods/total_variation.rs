//! Total variation distance: ½ Σ |p − q| over bins, the largest difference in probability of any set of bins.
//!
//! Range: [0, 1]; 0 iff the shares are equal, 1 iff no bin holds rows of both samples. A metric (Gibbs and Su 2002, "On
//! choosing and bounding probability metrics"). Empty bins need no smoothing.
//!
//! Binning: of finer bins it is at least as large, so it is a lower bound of the distance without bins. It is a statement
//! about its own bins, and has no error bound.

use crate::drift::TwoSamples;

/// The total variation distance of `samples`.
pub fn total_variation(samples: &TwoSamples) -> f64 {
    let differences: f64 = samples.shares().map(|(p, q)| (p - q).abs()).sum();
    // Rounding may leave the range by a few units in the last place.
    (0.5 * differences).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let of = |reference, current| total_variation(&TwoSamples::new(reference, current).unwrap());
        assert_eq!(of(&[1, 1, 2], &[2, 2, 0]), 0.5);
        assert_eq!(of(&[1, 3], &[2, 6]), 0.0);
        assert_eq!(of(&[4, 0], &[0, 3]), 1.0);
    }
}
