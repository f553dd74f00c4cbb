//! 95 % sampling intervals: how far chance alone may have moved a statistic of so few rows.
//!
//! Each has the name of its method; the catalog says which metric has which, and the methods' sources stand here. An
//! interval is `None` where its method says nothing: too few rows, or a normal approximation whose estimated variance
//! is zero (it would claim certainty).

use crate::aggregate::{Rational, ratio_to_f64};

/// Φ⁻¹(0.975). A constant, because computing it takes logarithms whose last bit depends on the platform; a test
/// compares it with `statrs`.
pub const Z: f64 = 1.959963984540054;

/// ln(2 / 0.025), for [`dkw_half_width`]; a constant for the same reason.
const LN_80: f64 = 4.382026634673881;

/// A closed interval; `lower` ≤ `upper`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    pub lower: f64,
    pub upper: f64,
}

impl Interval {
    /// `half_width` to either side of `centre`; `None` where the width is zero or not a number.
    pub fn around(centre: f64, half_width: f64) -> Option<Interval> {
        (half_width > 0.0).then_some(Interval { lower: centre - half_width, upper: centre + half_width })
    }

    /// `by` wider at either end.
    pub fn widened(self, by: f64) -> Interval {
        Interval { lower: self.lower - by, upper: self.upper + by }
    }

    /// Cut to the range of the metric.
    pub fn clipped(self, lowest: f64, highest: f64) -> Interval {
        Interval { lower: self.lower.max(lowest), upper: self.upper.min(highest) }
    }

    /// Both ends through an increasing function.
    pub fn map(self, increasing: impl Fn(f64) -> f64) -> Interval {
        Interval { lower: increasing(self.lower), upper: increasing(self.upper) }
    }
}

/// Wilson's score interval of a proportion (Wilson 1927), within [0, 1] and exact at its ends: no success gives a lower
/// end of 0, no failure an upper end of 1.
pub fn wilson(successes: i64, trials: i64) -> Option<Interval> {
    if trials <= 0 {
        return None;
    }
    let n = trials as f64;
    let p = successes as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (p + Z * Z / (2.0 * n)) / scale;
    let half_width = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
    let lower = if successes <= 0 { 0.0 } else { (centre - half_width).clamp(0.0, p) };
    let upper = if successes >= trials { 1.0 } else { (centre + half_width).clamp(p, 1.0) };
    Some(Interval { lower, upper })
}

/// Interval of F1 = 2·tp / (2·tp + errors). Of the rows that are not true negatives, the share of true positives
/// J = tp / (tp + errors) is a proportion, and F1 = 2J / (1 + J) increases with it (Hand, Christen and Kirielle 2021),
/// so Wilson's interval of J carries over.
pub fn f1(true_positives: i64, errors: i64) -> Option<Interval> {
    Some(wilson(true_positives, true_positives + errors)?.map(|j| 2.0 * j / (1.0 + j)))
}

/// Interval of the mean of independent proportions, from each one's Wilson interval by the method of variance estimates
/// recovery (Zou and Donner 2008): the distances to each end add up as standard deviations do.
///
/// `proportions` are (successes, trials); `None` if there is none, or one has no trial.
pub fn mean_of_proportions(proportions: &[(i64, i64)]) -> Option<Interval> {
    let (mut mean, mut below, mut above) = (0.0, 0.0, 0.0);
    for &(successes, trials) in proportions {
        let interval = wilson(successes, trials)?;
        let p = successes as f64 / trials as f64;
        mean += p;
        below += (p - interval.lower) * (p - interval.lower);
        above += (interval.upper - p) * (interval.upper - p);
    }
    let k = proportions.len() as f64;
    (k > 0.0).then(|| Interval { lower: (mean - below.sqrt()) / k, upper: (mean + above.sqrt()) / k }.clipped(0.0, 1.0))
}

/// Interval of p₁ − p₂ of two independent proportions, each (successes, trials), from each one's Wilson interval: Newcombe's
/// hybrid score interval (1998, method 10). `None` if one has no trial.
pub fn difference_of_proportions(first: (i64, i64), second: (i64, i64)) -> Option<Interval> {
    let (a, b) = (wilson(first.0, first.1)?, wilson(second.0, second.1)?);
    let (p, q) = (first.0 as f64 / first.1 as f64, second.0 as f64 / second.1 as f64);
    let distance = |x: f64, y: f64| (x * x + y * y).sqrt();
    let (below, above) = (distance(p - a.lower, b.upper - q), distance(a.upper - p, q - b.lower));
    Some(Interval { lower: p - q - below, upper: p - q + above }.clipped(-1.0, 1.0))
}

/// Normal approximation from the variance of the estimate.
pub fn normal(estimate: f64, variance: f64) -> Option<Interval> {
    Interval::around(estimate, Z * variance.sqrt())
}

/// Normal approximation of a mean from exact sums: `sum` = Σx and `squares` = Σx² over `rows`, with the unbiased
/// variance. `None` below two rows.
pub fn mean(rows: i64, sum: &Rational, squares: &Rational) -> Option<Interval> {
    normal(ratio_to_f64(sum, &Rational::from(rows.max(1))), variance_of_mean(rows, sum, squares)?)
}

/// Unbiased variance of the mean of `rows`, from exact sums as [`mean`] takes them; `None` below two rows.
pub fn variance_of_mean(rows: i64, sum: &Rational, squares: &Rational) -> Option<f64> {
    if rows < 2 {
        return None;
    }
    let n = Rational::from(rows);
    let centred = &n * squares - sum * sum;
    Some(ratio_to_f64(&centred, &(&n * &n * Rational::from(rows - 1))))
}

/// Interval of a correlation by Fisher's z (Fisher 1921); `None` below four rows or at ±1.
pub fn fisher_z(correlation: f64, rows: i64) -> Option<Interval> {
    if rows < 4 || correlation.abs() >= 1.0 {
        return None;
    }
    Some(Interval::around(libm::atanh(correlation), Z / ((rows - 3) as f64).sqrt())?.map(libm::tanh))
}

/// Interval of a statistic in (0, 1) on the logit scale with standard error 1/√(n·p·(1−p)), as Boyd, Eng and Page (2013)
/// recommend for the area under the precision-recall curve, `n` being the positives. `None` at 0 and 1.
pub fn logit(estimate: f64, positives: i64) -> Option<Interval> {
    if positives <= 0 || estimate <= 0.0 || estimate >= 1.0 {
        return None;
    }
    let half_width = Z / (positives as f64 * estimate * (1.0 - estimate)).sqrt();
    Some(Interval::around(libm::log(estimate / (1.0 - estimate)), half_width)?.map(|x| 1.0 / (1.0 + libm::exp(-x))))
}

/// Half width of a band that the largest difference of two distribution functions stays in: the inequality of Dvoretzky,
/// Kiefer and Wolfowitz with Massart's constant (1990), 2.5 % for either sample. It holds for any sample size and is
/// therefore wide.
pub fn dkw_half_width(first: i64, second: i64) -> f64 {
    (LN_80 / (2.0 * first as f64)).sqrt() + (LN_80 / (2.0 * second as f64)).sqrt()
}

/// Ranks (from 1) of the two order statistics that enclose the `q` quantile of the population with 95 %, by the normal
/// approximation of the binomial (Conover 1999, 3.2). `None` where the rows do not reach that far.
pub fn quantile_ranks(q: f64, rows: i64) -> Option<(i64, i64)> {
    let n = rows as f64;
    let half_width = Z * (n * q * (1.0 - q)).sqrt();
    let (lower, upper) = ((n * q - half_width).ceil(), (n * q + half_width).ceil());
    (lower >= 1.0 && upper <= n).then_some((lower as i64, upper as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::ExactSum;
    use proptest::prelude::*;
    use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

    fn assert_close(interval: Option<Interval>, lower: f64, upper: f64, tolerance: f64) {
        let interval = interval.expect("an interval");
        assert!((interval.lower - lower).abs() <= tolerance, "{interval:?}");
        assert!((interval.upper - upper).abs() <= tolerance, "{interval:?}");
    }

    #[test]
    fn constants_are_what_statrs_and_libm_compute() {
        let z = Normal::standard().inverse_cdf(0.975);
        assert!((Z - z).abs() < 1e-14, "{z}");
        assert_eq!(LN_80, libm::log(80.0));
    }

    /// Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    #[test]
    fn wilson_gives_newcombes_published_figures() {
        assert_close(wilson(81, 263), 0.2553, 0.3662, 5e-5);
        assert_close(wilson(15, 148), 0.0624, 0.1605, 5e-5);
        assert_close(wilson(0, 20), 0.0, 0.1611, 5e-5);
        assert_close(wilson(1, 29), 0.0061, 0.1718, 5e-5);
    }

    #[test]
    fn f1_interval_is_the_transformed_wilson_interval() {
        let share = wilson(30, 40).unwrap();
        assert_close(f1(30, 10), 2.0 * share.lower / (1.0 + share.lower), 2.0 * share.upper / (1.0 + share.upper), 0.0);
    }

    #[test]
    fn the_mean_of_one_proportion_has_its_wilson_interval() {
        let wilson = wilson(7, 20).unwrap();
        assert_close(mean_of_proportions(&[(7, 20)]), wilson.lower, wilson.upper, 1e-15);
        assert_eq!(mean_of_proportions(&[(7, 20), (0, 0)]), None);
        assert_eq!(mean_of_proportions(&[]), None);
    }

    /// Newcombe, "Interval estimation for the difference between independent proportions" (1998), table II, method 10.
    #[test]
    fn differences_of_proportions_are_newcombes_published_figures() {
        assert_close(difference_of_proportions((56, 70), (48, 80)), 0.0524, 0.3339, 5e-5);
        assert_close(difference_of_proportions((9, 10), (3, 10)), 0.1705, 0.8090, 5e-5);
        assert_close(difference_of_proportions((5, 56), (0, 29)), -0.0381, 0.1926, 5e-5);
        assert_close(difference_of_proportions((0, 10), (0, 20)), -0.1611, 0.2775, 5e-5);
        assert_close(difference_of_proportions((10, 10), (0, 20)), 0.6791, 1.0, 5e-5);
        assert_eq!(difference_of_proportions((0, 0), (1, 2)), None);
    }

    #[test]
    fn mean_interval_by_hand() {
        // 1, 2, 3, 4: mean 2.5, unbiased variance 5/3, standard error sqrt(5/12).
        let mut squares = ExactSum::default();
        let mut sum = ExactSum::default();
        for x in [1.0, 2.0, 3.0, 4.0] {
            sum.add(x);
            squares.add_product(x, x, 1);
        }
        let half_width = Z * (5.0f64 / 12.0).sqrt();
        let interval = mean(4, &sum.to_rational(), &squares.to_rational());
        assert_close(interval, 2.5 - half_width, 2.5 + half_width, 1e-15);
        assert_eq!(mean(1, &sum.to_rational(), &squares.to_rational()), None);
    }

    /// A correlation of 0.5 in 28 pairs: z = 0.549306 ± 1.959964 / 5.
    #[test]
    fn fisher_z_by_hand() {
        assert_close(fisher_z(0.5, 28), 0.15603, 0.73582, 5e-6);
        assert_eq!(fisher_z(1.0, 28), None);
        assert_eq!(fisher_z(0.5, 3), None);
    }

    #[test]
    fn logit_interval_by_hand() {
        // logit(0.8) = ln 4, standard error 1/sqrt(100 * 0.16) = 0.25.
        let expit = |x: f64| 1.0 / (1.0 + (-x).exp());
        let logit_80 = 4.0f64.ln();
        assert_close(logit(0.8, 100), expit(logit_80 - Z / 4.0), expit(logit_80 + Z / 4.0), 1e-15);
        assert_eq!(logit(1.0, 100), None);
    }

    #[test]
    fn quantile_ranks_cover_the_quantile_by_the_binomial_itself() {
        for (q, rows) in [(0.5, 100), (0.9, 500), (0.05, 2000), (0.99, 5000)] {
            let (lower, upper) = quantile_ranks(q, rows).unwrap();
            // x_(l) <= quantile < x_(u) iff l <= (rows below the quantile) < u.
            let below = Binomial::new(q, rows as u64).unwrap();
            let coverage = below.cdf(upper as u64 - 1) - below.cdf(lower as u64 - 1);
            assert!((coverage - 0.95).abs() < 0.015, "{q} of {rows}: {coverage}");
        }
        assert_eq!(quantile_ranks(0.99, 100), None);
    }

    proptest! {
        #[test]
        fn wilson_holds_the_proportion_and_stays_in_range(trials in 1i64..1_000_000, share in 0.0f64..=1.0) {
            let successes = (share * trials as f64) as i64;
            let interval = wilson(successes, trials).unwrap();
            let p = successes as f64 / trials as f64;
            prop_assert!(0.0 <= interval.lower && interval.lower <= p && p <= interval.upper && interval.upper <= 1.0);
        }
    }
}
