//! What chance alone makes of each statistic: the value that it exceeds with probability α where nothing changed.
//!
//! Every f-divergence of two samples over k bins is asymptotically a multiple of one χ² variable with k − 1 degrees of
//! freedom: 2 D / f″(1) ≈ (1/n + 1/m) · χ² (Pardo 2006, "Statistical Inference Based on Divergence Measures"), because
//! near equality each is a multiple of Σ (p − q)² / π:
//!
//! | statistic | ≈ | source beside Pardo |
//! | --- | --- | --- |
//! | PSI | s · χ² | Yurdakul 2018, "Statistical properties of population stability index" |
//! | Jensen-Shannon distance² | s · χ² / (8 ln 2) | Menéndez et al. 1997, "The Jensen-Shannon divergence" |
//! | Hellinger distance² | s · χ² / 8 | |
//! | χ² | χ² | Pearson 1900 |
//! | total variation | ≤ ½ √(s · χ²) | Cauchy and Schwarz: (Σ \|p − q\|)² ≤ Σ (p − q)² / π |
//! | L∞ | the x at which Σ P(\|N(0, s π (1 − π))\| > x) = α | Boole: normal bins, at most the sum of their tails |
//!
//! with s = 1/n + 1/m. The last two are upper bounds. Shares π are those of both samples together. Kolmogorov-Smirnov is in
//! [`super::kolmogorov`], Wasserstein in [`super::wasserstein_chance`].
//!
//! These are approximations for bins with several rows each; [`super::decision`] does not rest on them alone.

use super::TwoSamples;
use super::distribution::{chi_square_upper_quantile, normal_upper, upper_quantile};
use super::method::Method;

/// The value that a binned `method` exceeds with probability `alpha`, in (0, 1), where both samples come from one
/// distribution; `None` for methods that need order. 0 where all rows are in one bin.
pub fn binned_null_quantile(method: Method, samples: &TwoSamples, alpha: f64) -> Option<f64> {
    if method.needs_order() {
        return None;
    }
    let degrees_of_freedom = samples.occupied_bins() - 1;
    if degrees_of_freedom == 0 {
        return Some(0.0);
    }
    let variance = samples.sampling_variance();
    let chi_square = || chi_square_upper_quantile(alpha, degrees_of_freedom);
    Some(match method {
        Method::Psi => variance * chi_square(),
        Method::JensenShannon => (variance * chi_square() / (8.0 * std::f64::consts::LN_2)).sqrt().min(1.0),
        Method::Hellinger => (variance * chi_square() / 8.0).sqrt().min(1.0),
        Method::TotalVariation => (0.5 * (variance * chi_square()).sqrt()).min(1.0),
        Method::ChiSquare => chi_square(),
        Method::LInfinity => l_infinity_quantile(samples, alpha).min(1.0),
        Method::KolmogorovSmirnov | Method::Wasserstein | Method::WassersteinNormed => unreachable!("returned above"),
    })
}

fn l_infinity_quantile(samples: &TwoSamples, alpha: f64) -> f64 {
    let all = samples.reference_rows() as f64 + samples.current_rows() as f64;
    let deviations: Vec<f64> = samples
        .counts()
        .map(|(reference, current)| (reference + current) as f64 / all)
        .filter(|&share| share > 0.0)
        .map(|share| (samples.sampling_variance() * share * (1.0 - share)).sqrt())
        .collect();
    upper_quantile(alpha, |x| deviations.iter().map(|deviation| 2.0 * normal_upper(x / deviation)).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::draw::Draw;
    use crate::drift::methods::binned_statistic;
    use crate::event::Smoothing;

    /// Of 4000 pairs of samples from one distribution, about 5 % exceed an approximate quantile, and at most 5 % a bound.
    #[test]
    fn chance_exceeds_the_quantile_as_often_as_it_says() {
        const SHARES: [f64; 6] = [0.3, 0.25, 0.2, 0.1, 0.1, 0.05];
        let methods = Method::ALL.into_iter().filter(|method| !method.needs_order());
        let methods: Vec<Method> = methods.collect();
        let mut draw = Draw::new(11);
        let mut exceeded = vec![0.0; methods.len()];
        for _ in 0..4000 {
            let (reference, current) = (draw.multinomial(&SHARES, 2000), draw.multinomial(&SHARES, 500));
            let samples = TwoSamples::new(&reference, &current).unwrap();
            for (count, &method) in exceeded.iter_mut().zip(&methods) {
                let quantile = binned_null_quantile(method, &samples, 0.05).unwrap();
                let value = binned_statistic(method, &samples, Smoothing::default()).unwrap();
                *count += f64::from(u8::from(value > quantile));
            }
        }
        for (count, method) in exceeded.iter().zip(methods) {
            let rate = count / 4000.0;
            // Three standard errors of a rate of 5 %.
            assert!(rate < 0.06, "{}: {rate}", method.name());
            let is_bound = matches!(method, Method::TotalVariation | Method::LInfinity);
            assert!(rate > if is_bound { 0.002 } else { 0.04 }, "{}: {rate}", method.name());
        }
    }

    #[test]
    fn one_bin_leaves_nothing_to_chance() {
        let samples = TwoSamples::new(&[7, 0], &[3, 0]).unwrap();
        assert_eq!(binned_null_quantile(Method::Psi, &samples, 0.05), Some(0.0));
        assert_eq!(binned_null_quantile(Method::KolmogorovSmirnov, &samples, 0.05), None);
    }
}
