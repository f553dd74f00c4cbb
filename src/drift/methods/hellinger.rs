//! Hellinger distance: √(½ Σ (√p − √q)²) over bins.
//!
//! Range: [0, 1]; 0 iff the shares are equal, 1 iff no bin holds rows of both samples. A metric (Hellinger 1909; in this
//! form Le Cam and Yang 2000, "Asymptotics in Statistics"). Empty bins need no smoothing.
//!
//! Binning: of finer bins it is at least as large (data processing inequality), so it is a lower bound of the distance
//! without bins. It is a statement about its own bins, and has no error bound.

use crate::drift::TwoSamples;

/// The Hellinger distance of `samples`.
pub fn hellinger(samples: &TwoSamples) -> f64 {
    let squares: f64 = samples
        .shares()
        .map(|(p, q)| {
            let difference = p.sqrt() - q.sqrt();
            difference * difference
        })
        .sum();
    // Rounding may leave the range by a few units in the last place.
    (0.5 * squares).clamp(0.0, 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reference: &[i64], current: &[i64]) -> f64 {
        hellinger(&TwoSamples::new(reference, current).unwrap())
    }

    #[test]
    fn by_hand() {
        // √(1 − Σ √(pq)): p = (1, 0), q = (1/4, 3/4).
        assert!((of(&[2, 0], &[1, 3]) - 0.5f64.sqrt()).abs() < 1e-15);
        assert_eq!(of(&[1, 3], &[2, 6]), 0.0);
        assert_eq!(of(&[4, 0], &[0, 4]), 1.0);
    }
}
