//! Tails of the normal and the χ² distribution, and quantiles from tails.
//!
//! Written on `libm`, because p-values are published and must have the same bits on every platform; tests hold them
//! against `statrs`. All sums are of positive terms, so small tails keep their digits.

/// Upper tail of the standard normal distribution.
pub fn normal_upper(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Upper tail of χ² with `degrees_of_freedom` ≥ 1 at `x`, in closed form (Abramowitz and Stegun 1964, 26.4.4 and 26.4.5):
/// with y = x / 2, Σ_j e^−y · y^j / j! for even degrees, and for odd ones erfc(√y) + Σ_j e^−y · y^(j+½) / Γ(j + 3/2).
pub fn chi_square_upper(x: f64, degrees_of_freedom: usize) -> f64 {
    debug_assert!(degrees_of_freedom > 0, "without a degree of freedom there is no distribution");
    if x <= 0.0 {
        return 1.0;
    }
    let y = 0.5 * x;
    let odd = degrees_of_freedom % 2 == 1;
    let (first, half) = if odd { (libm::erfc(y.sqrt()), 0.5) } else { (0.0, 0.0) };
    (first + poisson_like_sum(y, half, degrees_of_freedom / 2)).min(1.0)
}

/// Σ over j < `terms` of e^−y · y^(j+half) / Γ(j + half + 1), from the largest term to either side.
fn poisson_like_sum(y: f64, half: f64, terms: usize) -> f64 {
    let Some(last) = terms.checked_sub(1) else { return 0.0 };
    let largest = last.min(y as usize);
    let exponent = largest as f64 + half;
    let peak = libm::exp(exponent * libm::log(y) - y - libm::lgamma(exponent + 1.0));
    let (mut sum, mut term) = (peak, peak);
    for j in (0..largest).rev() {
        term *= (j as f64 + 1.0 + half) / y;
        sum += term;
    }
    term = peak;
    for j in largest + 1..terms {
        term *= y / (j as f64 + half);
        sum += term;
    }
    sum
}

/// χ² that is exceeded with probability `alpha`, in (0, 1).
pub fn chi_square_upper_quantile(alpha: f64, degrees_of_freedom: usize) -> f64 {
    upper_quantile(alpha, |x| chi_square_upper(x, degrees_of_freedom))
}

/// Standard normal value ≥ 0 that is exceeded with probability `alpha`, in (0, ½].
pub fn normal_upper_quantile(alpha: f64) -> f64 {
    upper_quantile(alpha, normal_upper)
}

/// Least x ≥ 0 with `upper(x)` ≤ `alpha` of a decreasing function, by bisection to the last bit or 200 steps.
pub(super) fn upper_quantile(alpha: f64, upper: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while upper(high) > alpha && high < f64::MAX / 4.0 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if upper(middle) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

    #[test]
    fn tails_are_those_of_statrs() {
        for degrees_of_freedom in [1, 2, 3, 4, 9, 10, 25, 100, 1001] {
            let theirs = ChiSquared::new(degrees_of_freedom as f64).unwrap();
            for x in [0.01, 0.5, 1.0, 4.0, 18.3, 60.0, 300.0, 1200.0] {
                let (ours, theirs) = (chi_square_upper(x, degrees_of_freedom), theirs.sf(x));
                let difference = (ours - theirs).abs();
                assert!(difference < 1e-9 * theirs + 1e-13, "{x}, {degrees_of_freedom}: {ours}, {theirs}");
            }
        }
        for z in [-2.0, 0.0, 1.0, 3.0, 6.0] {
            assert!((normal_upper(z) - Normal::standard().sf(z)).abs() < 1e-10);
        }
    }

    /// Abramowitz and Stegun, table 26.8; the last is exp(−1000) in logarithms, far beyond double range otherwise.
    #[test]
    fn tails_as_printed() {
        assert!((chi_square_upper(18.307, 10) - 0.05).abs() < 1e-5);
        assert!((chi_square_upper(10.828, 1) - 0.001).abs() < 1e-6);
        assert!((libm::log(chi_square_upper(1000.0, 2)) + 500.0).abs() < 1e-9);
        assert_eq!(chi_square_upper(0.0, 3), 1.0);
    }

    #[test]
    fn quantiles_lead_back() {
        for alpha in [0.5, 0.05, 1e-3, 1e-9] {
            assert!((chi_square_upper(chi_square_upper_quantile(alpha, 7), 7) / alpha - 1.0).abs() < 1e-9);
            assert!((normal_upper(normal_upper_quantile(alpha)) / alpha - 1.0).abs() < 1e-9);
        }
    }
}
