//! Quantiles of Student's distribution, for any number of degrees of freedom > 0.
//!
//! Written on `libm`, because thresholds are published and must have the same bits on every platform; tests hold them against
//! `statrs`.

use std::f64::consts::PI;

/// What Newton's method needs at most here is about ten.
const STEPS: usize = 60;

/// What a value of Student's distribution with `freedom` degrees exceeds with probability `alpha`, in (0, ½].
///
/// Newton's method on logarithms of value and tail. The tail falls ever faster there, so that from the first step on all
/// steps come from one side.
pub(super) fn upper_quantile(alpha: f64, freedom: f64) -> f64 {
    if alpha >= 0.5 {
        return 0.0;
    }
    let log_beta = libm::lgamma(0.5 * freedom) - libm::lgamma(0.5 * freedom + 0.5) + 0.5 * libm::log(PI);
    let log_alpha = libm::log(alpha);
    let mut t = 2.0;
    for _ in 0..STEPS {
        let tail = upper_tail(t, freedom, log_beta);
        let share = freedom / (freedom + t * t);
        let density = libm::exp(0.5 * (freedom + 1.0) * libm::log(share) - log_beta) / freedom.sqrt();
        let step = (libm::log(tail) - log_alpha) * tail / (density * t);
        t *= libm::exp(step.clamp(-2.0, 2.0));
        if step.abs() < 1e-13 {
            break;
        }
    }
    t
}

/// P(T > `t`), `t` > 0: half of the regularized incomplete beta function I_x(ν/2, ½) at x = ν / (ν + t²).
fn upper_tail(t: f64, freedom: f64, log_beta: f64) -> f64 {
    let (a, x) = (0.5 * freedom, freedom / (freedom + t * t));
    let rest = t * t / (freedom + t * t);
    let front = libm::exp(a * libm::log(x) + 0.5 * libm::log(rest) - log_beta);
    if x < (a + 1.0) / (a + 2.5) {
        0.5 * front * continued_fraction(a, 0.5, x) / a
    } else {
        0.5 * (1.0 - front * continued_fraction(0.5, a, rest) / 0.5)
    }
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 1964, 26.5.8), by Lentz's method.
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_0 = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut fraction, mut c) = (1.0, 1.0);
    let mut d = 0.0;
    for i in 0..500 {
        let m = f64::from(i / 2);
        let numerator = match i {
            0 => 1.0,
            _ if i % 2 == 0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        d = 1.0 / away_from_0(1.0 + numerator * d);
        c = away_from_0(1.0 + numerator / c);
        let factor = c * d;
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    // The first numerator is 1 of what 1 was put before.
    fraction - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, StudentsT};

    /// Tables of Student's distribution.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (alpha, freedom, quantile) in [
            (0.025, 1.0, 12.706_204_7),
            (0.025, 5.0, 2.570_581_8),
            (0.005, 10.0, 3.169_272_7),
            (0.0005, 5.0, 6.868_826_6),
            (0.0005, 13.0, 4.220_831_7),
            (0.1, 30.0, 1.310_415_0),
            (0.001, 100.0, 3.173_739_5),
        ] {
            let found = upper_quantile(alpha, freedom);
            assert!((found - quantile).abs() < 1e-6, "{alpha} {freedom}: {found}");
        }
        assert_eq!(upper_quantile(0.5, 3.0), 0.0);
    }

    proptest! {
        #[test]
        fn tails_are_those_of_statrs(freedom in 1.5f64..100.0, exponent in -9.0f64..-0.31) {
            let alpha = 10f64.powf(exponent);
            let t = upper_quantile(alpha, freedom);
            let tail = StudentsT::new(0.0, 1.0, freedom).unwrap().sf(t);
            prop_assert!((tail / alpha - 1.0).abs() < 1e-8, "{t}: {tail} for {alpha}");
        }
    }
}
