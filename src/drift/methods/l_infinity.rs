//! L∞ distance: max |p − q| over bins, how far the share of any single bin moved.
//!
//! Range: [0, 1]; 0 iff the shares are equal. Known from TensorFlow Data Validation as the comparator of categories.
//! Empty bins need no smoothing.
//!
//! Binning: unlike the other distances it may grow or shrink when bins are merged; at most by the sum of what is merged.
//! It is a statement about its own bins, and has no error bound.

use crate::drift::TwoSamples;

/// The L∞ distance of `samples`.
pub fn l_infinity(samples: &TwoSamples) -> f64 {
    samples.shares().map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let of = |reference, current| l_infinity(&TwoSamples::new(reference, current).unwrap());
        assert_eq!(of(&[1, 1, 2], &[2, 2, 0]), 0.5);
        assert_eq!(of(&[1, 3], &[2, 6]), 0.0);
        assert_eq!(of(&[4, 0], &[0, 3]), 1.0);
    }
}
