//! Whether two samples over bins differ by more than chance: a p-value that holds for rare bins too.
//!
//! Pearson's χ² alarms too often where a bin expects few rows: one missing value in a window of 50 gives p < 1e-100 if the
//! reference has one in a million. So neighbouring bins are put together until each expects ten rows in the smaller
//! sample (the customary five of Cochran 1954 are too few for the far tail that many features need). In that tail, too,
//! Pearson's statistic is above χ² more often than it should: at 2e-5, with ten rows per bin, half as often again. That of
//! Cressie and Read (1984, "Multinomial goodness-of-fit tests"), 9/5 Σ observed · ((observed / expected)^(2/3) − 1), which
//! they made for this, is not; with one degree of freedom it is corrected for continuity as Pearson's is. Bins that expect
//! less than one row are tested by themselves, exactly: given how many rows lie in such bins, how many of them are in the
//! smaller sample is hypergeometric (Fisher 1935). The smaller of the two p-values counts twice (Bonferroni), so the
//! result is a p-value again, and a few rows of a value never seen before still tell.

use super::TwoSamples;
use super::distribution::chi_square_upper;

/// Cressie and Read's.
const POWER: f64 = 2.0 / 3.0;
/// Rows that bins put together must expect in the smaller sample to be tested by χ².
const EXPECTED_ROWS: f64 = 10.0;
/// Bins that expect fewer rows than this in the smaller sample are rare.
const RARE_ROWS: f64 = 1.0;
/// From this ratio of the sample sizes on, the larger one alone says what a bin expects. The choice of bins must not
/// depend on the noise that is tested: in the smaller of two very different samples that is nearly all of it; of two
/// similar samples the noise of the difference is independent of that of the sum.
const MUCH_LARGER: i64 = 10;

/// Probability of samples that differ as much or more where both come from one distribution, in [0, 1].
pub fn homogeneity_p_value(samples: &TwoSamples) -> f64 {
    let expected = expected_rows(samples);
    let mut groups = Groups::default();
    let mut rare = (0, 0);
    let mut rare_expected = 0.0;
    for ((reference, current), expected) in samples.counts().zip(expected) {
        if expected < RARE_ROWS {
            rare = (rare.0 + reference, rare.1 + current);
            rare_expected += expected;
        } else {
            groups.add(reference, current, expected);
        }
    }
    groups.finish();
    if rare_expected >= EXPECTED_ROWS {
        groups.add(rare.0, rare.1, rare_expected);
        return groups.p_value();
    }
    if rare == (0, 0) {
        return groups.p_value();
    }
    let (n, m) = (samples.reference_rows(), samples.current_rows());
    let (in_smaller, smaller) = if n <= m { (rare.0, n) } else { (rare.1, m) };
    let of_rare = hypergeometric_p_value(in_smaller, rare.0 + rare.1, smaller, n + m);
    (2.0 * of_rare.min(groups.p_value())).min(1.0)
}

/// Rows that each bin expects in the smaller sample.
fn expected_rows<'a>(samples: &TwoSamples<'a>) -> impl Iterator<Item = f64> + 'a {
    let (n, m) = (samples.reference_rows(), samples.current_rows());
    let (of_reference, of_current) = if n / MUCH_LARGER >= m {
        (1, 0)
    } else if m / MUCH_LARGER >= n {
        (0, 1)
    } else {
        (1, 1)
    };
    let rows = (of_reference * n + of_current * m) as f64;
    let smaller = n.min(m) as f64;
    samples
        .counts()
        .map(move |(reference, current)| (of_reference * reference + of_current * current) as f64 * smaller / rows)
}

/// Neighbouring bins put together.
#[derive(Default)]
struct Groups {
    reference: Vec<i64>,
    current: Vec<i64>,
    /// Rows that the last group expects; it takes bins until they are enough.
    expected: f64,
}

impl Groups {
    fn add(&mut self, reference: i64, current: i64, expected: f64) {
        if self.expected >= EXPECTED_ROWS || self.reference.is_empty() {
            self.reference.push(0);
            self.current.push(0);
            self.expected = 0.0;
        }
        let last = self.reference.len() - 1;
        self.reference[last] += reference;
        self.current[last] += current;
        self.expected += expected;
    }

    /// What is left over joins the group before it.
    fn finish(&mut self) {
        if self.expected < EXPECTED_ROWS && self.reference.len() > 1 {
            let (reference, current) = (self.reference.pop(), self.current.pop());
            let last = self.reference.len() - 1;
            self.reference[last] += reference.unwrap_or(0);
            self.current[last] += current.unwrap_or(0);
        }
        self.expected = EXPECTED_ROWS;
    }

    fn p_value(&self) -> f64 {
        power_divergence_p_value(&self.reference, &self.current)
    }
}

/// 1 where a sample has no row in these bins, or both have all in one.
fn power_divergence_p_value(reference: &[i64], current: &[i64]) -> f64 {
    let Ok(samples) = TwoSamples::new(reference, current) else { return 1.0 };
    let degrees_of_freedom = samples.occupied_bins() - 1;
    if degrees_of_freedom == 0 { 1.0 } else { chi_square_upper(power_divergence(&samples), degrees_of_freedom) }
}

fn power_divergence(samples: &TwoSamples) -> f64 {
    let (n, m) = (samples.reference_rows(), samples.current_rows());
    let all = n as f64 + m as f64;
    let most_moved = if samples.occupied_bins() == 2 { 0.5 } else { 0.0 };
    // Observed is `expected` and `moved`. Nothing observed is a ratio of −1, which rounding may miss on either side.
    let term =
        |expected: f64, moved: f64| (expected + moved) * libm::expm1(POWER * libm::log1p((moved / expected).max(-1.0)));
    let sum: f64 = samples
        .counts()
        .filter(|&(reference, current)| reference + current > 0)
        .map(|(reference, current)| {
            let column = (reference + current) as f64;
            let difference = samples.cross(reference, current) as f64 / all;
            let moved = difference - difference.clamp(-most_moved, most_moved);
            term(column * (n as f64 / all), moved) + term(column * (m as f64 / all), -moved)
        })
        .sum();
    2.0 / (POWER * (POWER + 1.0)) * sum
}

/// Two-sided p-value, twice the smaller tail: `drawn` of `marked` rows are among `draws` rows drawn from `all`.
///
/// Few are marked and drawn by expectation, so the lower tail has few terms and the upper one falls off fast.
fn hypergeometric_p_value(drawn: i64, marked: i64, draws: i64, all: i64) -> f64 {
    let least = (draws + marked - all).max(0);
    let most = marked.min(draws);
    let choose = |n: i64, k: i64| {
        libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0)
    };
    let at = libm::exp(choose(marked, drawn) + choose(all - marked, draws - drawn) - choose(all, draws));
    // P(k + 1) / P(k).
    let ratio =
        |k: i64| (marked - k) as f64 * (draws - k) as f64 / ((k + 1) as f64 * (all - marked - draws + k + 1) as f64);
    let (mut upper, mut term) = (at, at);
    for k in drawn..most {
        term *= ratio(k);
        upper += term;
        if term < upper * f64::EPSILON && ratio(k) < 0.5 {
            break;
        }
    }
    let mut lower = at;
    term = at;
    for k in (least..drawn).rev() {
        term /= ratio(k);
        lower += term;
    }
    (2.0 * upper.min(lower)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::methods::{Continuity, chi_square};
    use statrs::distribution::{DiscreteCDF, Hypergeometric};

    fn p(reference: &[i64], current: &[i64]) -> f64 {
        homogeneity_p_value(&TwoSamples::new(reference, current).unwrap())
    }

    #[test]
    fn the_statistic_by_its_formula() {
        let (reference, current) = ([500, 300, 200], [60, 20, 20]);
        let samples = TwoSamples::new(&reference, &current).unwrap();
        let by_hand = |observed: i64, expected: f64| {
            observed as f64 * ((observed as f64 / expected).powf(2.0 / 3.0) - 1.0) * 9.0 / 5.0
        };
        let expected: f64 = samples
            .counts()
            .map(|(a, b)| by_hand(a, (a + b) as f64 * 1000.0 / 1100.0) + by_hand(b, (a + b) as f64 * 100.0 / 1100.0))
            .sum();
        assert!((power_divergence(&samples) - expected).abs() < 1e-11);
        assert_eq!(p(&reference, &current), chi_square_upper(power_divergence(&samples), 2));
    }

    #[test]
    fn many_rows_have_pearsons_p_value() {
        for (reference, current) in [([500_000, 300_000, 200_000], [5_060, 3_000, 1_940]), ([500, 500, 0], [52, 48, 0])]
        {
            let samples = TwoSamples::new(&reference, &current).unwrap();
            let pearson = chi_square(&samples, Continuity::Yates).p_value;
            let found = p(&reference, &current);
            assert!((found - pearson).abs() < 5e-3 * pearson, "{found}, {pearson}");
        }
    }

    #[test]
    fn nothing_overflows_and_an_empty_bin_is_a_number() {
        let many = 1_000_000_000_000;
        assert_eq!(p(&[many, many], &[many, many]), 1.0);
        for rows in 20..2_000 {
            let found = p(&[rows, 3 * rows, rows], &[2 * rows, 3 * rows, 0]);
            assert!(found < 1e-4, "{rows}: {found}");
        }
    }

    #[test]
    fn one_missing_row_is_no_miracle() {
        // One in a million before, one of 50 now: as likely as 50 in a million, and either sign and test count.
        let found = p(&[499_999, 500_000, 1], &[25, 24, 1]);
        assert!((found - 2.0 * 2.0 * 2.0 * 50e-6).abs() < 1e-6, "{found}");
        assert!(p(&[499_999, 500_000, 1], &[23, 22, 5]) < 1e-12);
    }

    #[test]
    fn many_rare_bins_are_one_bin() {
        let mut reference = vec![1000, 1000];
        let mut current = vec![40, 40];
        reference.extend([20; 25]);
        current.extend([1; 20]);
        current.extend([0; 5]);
        assert_eq!(p(&reference, &current), p(&[1000, 1000, 500], &[40, 40, 20]));
    }

    #[test]
    fn neighbours_are_put_together_until_they_expect_enough() {
        let apart = p(&[500; 10], &[9, 1, 5, 5, 5, 5, 5, 5, 5, 5]);
        assert_eq!(apart, p(&[1000; 5], &[10; 5]), "five rows each, two by two");
        let left_over = p(&[1000, 1000, 100], &[60, 40, 15]);
        assert_eq!(left_over, p(&[1000, 1100], &[60, 55]), "what is left over joins its neighbour");
    }

    #[test]
    fn all_rows_in_a_new_bin_are_seen_and_few_rows_prove_nothing() {
        assert!(p(&[1000, 1000, 0], &[0, 0, 50]) < 1e-30);
        assert_eq!(p(&[1000, 1000], &[2, 0]), 1.0);
        assert_eq!(p(&[1000], &[50]), 1.0);
    }

    #[test]
    fn tails_are_those_of_statrs() {
        for (drawn, marked, draws, all) in [(0, 7, 50, 1050), (3, 7, 50, 1050), (7, 7, 50, 1050), (4, 90, 60, 2000)] {
            let theirs = Hypergeometric::new(all, marked, draws).unwrap();
            let upper = if drawn == 0 { 1.0 } else { theirs.sf(drawn - 1) };
            let expected = (2.0 * upper.min(theirs.cdf(drawn))).min(1.0);
            let found = hypergeometric_p_value(drawn as i64, marked as i64, draws as i64, all as i64);
            assert!((found - expected).abs() < 1e-9, "{drawn} of {marked}: {found}, {expected}");
        }
    }
}
