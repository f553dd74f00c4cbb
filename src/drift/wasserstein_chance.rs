//! What chance alone makes of the Wasserstein distance.
//!
//! √(nm / (n + m)) · ∫ |F − G| dx tends to ∫ |B(H)| dx, B the Brownian bridge and H the common distribution (del Barrio,
//! Giné and Matrán 1999, "Central limit theorems for the Wasserstein distance between the empirical and the true
//! distributions"). It depends on H, so no table serves. Its mean and variance do have closed forms in the values of H at
//! the edges: E|B(s)| = √(2 s (1 − s) / π), and for two normal variables with correlation ρ the covariance of their
//! magnitudes is (2/π) (√(1 − ρ²) + ρ asin ρ − 1) σ₁ σ₂ (Nabeya 1951). The quantile is that of the gamma distribution with
//! these two moments, by Wilson and Hilferty (1931); its tail is heavier than the true one, which is that of a normal
//! variable (Borell 1975), so small α err on the side of silence.

use super::OrderedSamples;
use super::distribution::normal_upper_quantile;
use std::f64::consts::FRAC_2_PI;

/// The Wasserstein distance that is exceeded with probability `alpha`, in (0, ½], where nothing changed; `None` where a
/// bin without end holds rows. 0 where all rows are in one bin. Takes time quadratic in the occupied bins.
pub fn wasserstein_null_quantile(samples: &OrderedSamples, alpha: f64) -> Option<f64> {
    let both = samples.samples();
    let all = both.reference_rows() as f64 + both.current_rows() as f64;
    // (H at the middle of the bin, width) of every bin that has rows on both sides of it, or in it.
    let mut parts: Vec<(f64, f64)> = Vec::new();
    for (step, (lower, upper)) in samples.steps().zip(samples.edges()) {
        let below = (step.reference_below + step.current_below) as f64;
        let level = (below + 0.5 * (step.reference + step.current) as f64) / all;
        if level > 0.0 && level < 1.0 {
            parts.push((level, upper - lower));
        }
    }
    let deviation = |level: f64| (level * (1.0 - level)).sqrt();
    let mean: f64 = parts.iter().map(|&(level, width)| FRAC_2_PI.sqrt() * deviation(level) * width).sum();
    let mut variance = 0.0;
    for (place, &(high, width)) in parts.iter().enumerate() {
        for (other, &(low, other_width)) in parts.iter().enumerate().take(place + 1) {
            let correlation = (low * (1.0 - high) / (high * (1.0 - low))).sqrt().min(1.0);
            let magnitudes =
                FRAC_2_PI * ((1.0 - correlation * correlation).sqrt() + correlation * libm::asin(correlation) - 1.0);
            let covariance = magnitudes * deviation(low) * deviation(high) * width * other_width;
            variance += if other == place { covariance } else { 2.0 * covariance };
        }
    }
    if !(mean.is_finite() && variance.is_finite()) {
        return None;
    }
    if mean <= 0.0 || variance <= 0.0 {
        return Some(0.0);
    }
    let ninth = variance / (9.0 * mean * mean);
    let cube_root = 1.0 - ninth + normal_upper_quantile(alpha) * ninth.sqrt();
    Some(mean * cube_root * cube_root * cube_root * both.sampling_variance().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::draw::Draw;
    use crate::drift::methods::wasserstein;

    fn exceeded(alpha: f64, shape: impl Fn(f64) -> f64) -> f64 {
        let edges: Vec<f64> = (0..=100).map(|i| shape(f64::from(i) / 100.0)).collect();
        let (mut draw, mut count) = (Draw::new(5), 0);
        let shares = vec![0.01; 100];
        for _ in 0..2000 {
            let (reference, current) = (draw.multinomial(&shares, 2000), draw.multinomial(&shares, 400));
            let samples = OrderedSamples::new(&edges, &reference, &current).unwrap();
            let quantile = wasserstein_null_quantile(&samples, alpha).unwrap();
            count += usize::from(wasserstein(&samples).unwrap().value > quantile);
        }
        count as f64 / 2000.0
    }

    #[test]
    fn chance_exceeds_the_quantile_about_as_often_as_it_says() {
        let uniform = exceeded(0.05, |x| x);
        let skewed = exceeded(0.05, |x| x * x * x * x);
        assert!((0.03..0.06).contains(&uniform) && (0.03..0.065).contains(&skewed), "{uniform}, {skewed}");
    }

    #[test]
    fn bins_without_end_and_one_bin_say_nothing() {
        let edges = [f64::NEG_INFINITY, 0.0, 1.0, 2.0];
        let open = OrderedSamples::new(&edges, &[1, 3, 3], &[1, 3, 3]).unwrap();
        assert_eq!(wasserstein_null_quantile(&open, 0.05), None);
        let edges = [0.0, 0.0f64.next_up(), 2.0];
        let single = OrderedSamples::new(&edges, &[3, 0], &[3, 0]).unwrap();
        assert!(wasserstein_null_quantile(&single, 0.05).unwrap() < 1e-300);
    }
}
