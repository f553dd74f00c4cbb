//! Population stability index: Σ (q − p) · ln(q / p) over bins, p the reference's and q the current share.
//!
//! Range: ≥ 0, symmetric; 0 iff the smoothed shares are equal. It is Jeffreys' divergence (Jeffreys 1946, "An invariant
//! form for the prior probability in estimation problems"), known from credit scoring as PSI (Siddiqi 2006).
//!
//! A bin that one sample lacks would make it infinite, so shares are smoothed; by default a share of zero counts as 1e-4
//! (as Evidently has it), and every other share as it is. That is not harmless: a bin that holds 10 % of one sample and
//! nothing of the other counts as 0.69 at 1e-4, but 0.46 at 1e-3. And nothing counts as more than a share of 5e-5 does,
//! which [`Smoothing::Clip`] avoids: there all shares below the clip are alike.
//!
//! Binning: of finer bins it is at least as large, as long as no share is smoothed; it is a statement about its own bins,
//! and has no error bound.

use crate::drift::TwoSamples;
use crate::event::Smoothing;

/// The population stability index of `samples`.
pub fn psi(samples: &TwoSamples, smoothing: Smoothing) -> f64 {
    let share = |count, rows| smoothed(smoothing, count, rows, samples.bins());
    let terms = samples.counts().map(|(reference, current)| {
        let p = share(reference, samples.reference_rows());
        let q = share(current, samples.current_rows());
        (q - p) * (libm::log(q) - libm::log(p))
    });
    terms.sum::<f64>() + 0.0
}

/// The share of a bin with `count` of `rows` rows, one of `bins` bins; > 0.
fn smoothed(smoothing: Smoothing, count: i64, rows: i64, bins: usize) -> f64 {
    match smoothing {
        Smoothing::Zeros(instead) if count == 0 => instead,
        Smoothing::Zeros(_) => count as f64 / rows as f64,
        Smoothing::Clip(least) => (count as f64 / rows as f64).max(least),
        Smoothing::Add(more) => (count as f64 + more) / (rows as f64 + more * bins as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reference: &[i64], current: &[i64], smoothing: Smoothing) -> f64 {
        psi(&TwoSamples::new(reference, current).unwrap(), smoothing)
    }

    #[test]
    fn by_hand() {
        let expected = 0.25 * 3.0f64.ln() * 2.0;
        assert!((of(&[1, 3], &[2, 2], Smoothing::default()) - 0.25 * 3.0f64.ln()).abs() < 1e-15);
        assert!((of(&[1, 3], &[3, 1], Smoothing::default()) - 2.0 * expected).abs() < 1e-15);
    }

    #[test]
    fn an_absent_bin_counts_as_the_module_says() {
        for smoothing in [Smoothing::Zeros, Smoothing::Clip] {
            let absent = |least| of(&[900, 100], &[1000, 0], smoothing(least)) - 0.1 * (1.0f64 / 0.9).ln();
            assert!((absent(1e-4) - 0.69).abs() < 0.005, "{}", absent(1e-4));
            assert!((absent(1e-3) - 0.46).abs() < 0.005, "{}", absent(1e-3));
        }
    }

    #[test]
    fn small_shares_are_clipped_only_if_asked() {
        let (reference, current) = ([19_999, 1], [10_000, 0]);
        assert_eq!(of(&reference, &reference, Smoothing::Clip(1e-4)), 0.0);
        let of_rare = |smoothing| of(&reference, &current, smoothing) - 5e-5 * (20_000.0f64 / 19_999.0).ln();
        assert!((of_rare(Smoothing::Zeros(1e-4)) - 5e-5 * 2.0f64.ln()).abs() < 1e-12);
        assert!(of_rare(Smoothing::Clip(1e-4)).abs() < 1e-12);
    }

    #[test]
    fn added_rows_keep_the_sum_of_shares() {
        let (p, q) = ([2.0 / 6.0, 4.0 / 6.0], [5.0 / 6.0, 1.0 / 6.0]);
        let expected: f64 = p.iter().zip(q).map(|(p, q): (&f64, f64)| (q - p) * (q / p).ln()).sum();
        assert!((of(&[1, 3], &[4, 0], Smoothing::Add(1.0)) - expected).abs() < 1e-15);
    }
}
