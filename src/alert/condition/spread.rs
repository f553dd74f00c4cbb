//! Centre and scale of a history, whatever a few of its windows hold: the median, and Qn of Rousseeuw and Croux.
//!
//! Qn is a quarter quantile of the distances between any two values: of n values and h = ⌊n/2⌋ + 1, the k-th smallest, where
//! k = h(h − 1)/2 (Rousseeuw and Croux, "Alternatives to the median absolute deviation", JASA 88, 1993). Up to half of the
//! values may be anything, as with the median absolute deviation, yet it knows as much of normal values as the standard
//! deviation does of 82 % of them, not of 37 %, and it asks for no symmetry.

use super::baseline::ON_STACK;
use super::finite;
use smallvec::SmallVec;

/// 1 / (√2 · Φ⁻¹(5/8)): makes Qn of many normal values their standard deviation.
const NORMAL: f64 = 2.219_144_465_985_076;

/// What makes it so of 2, 3, … 9 values (Croux and Rousseeuw, "Time-efficient algorithms for two highly robust estimators of
/// scale", 1992).
const FEW: [f64; 8] = [0.399, 0.994, 0.512, 0.844, 0.611, 0.857, 0.669, 0.872];

/// Up to so many values, all distances are laid out.
const LAID_OUT: usize = 32;

/// The middle of `sorted`, ascending; `None` of nothing.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    match sorted.len() % 2 {
        1 => Some(upper),
        _ => Some(0.5 * sorted[sorted.len() / 2 - 1] + 0.5 * upper),
    }
}

/// Qn of `sorted`, ascending and finite, unbiased for normal values; 0 of fewer than two.
pub(super) fn qn(sorted: &[f64]) -> f64 {
    let n = sorted.len();
    if n < 2 {
        return 0.0;
    }
    let few = match (FEW.get(n - 2), n % 2) {
        (Some(&factor), _) => factor,
        (None, 1) => n as f64 / (n as f64 + 1.4),
        (None, _) => n as f64 / (n as f64 + 3.8),
    };
    let half = n / 2 + 1;
    let k = half * (half - 1) / 2;
    let distance = if n <= LAID_OUT { laid_out(sorted, k) } else { bisected(sorted, k) };
    finite(few * NORMAL * distance)
}

/// The `k`-th smallest distance, from all of them.
fn laid_out(sorted: &[f64], k: usize) -> f64 {
    let mut distances = [0.0; LAID_OUT * (LAID_OUT - 1) / 2];
    let mut pairs = 0;
    for (place, upper) in sorted.iter().enumerate() {
        for lower in &sorted[..place] {
            distances[pairs] = finite(upper - lower);
            pairs += 1;
        }
    }
    *distances[..pairs].select_nth_unstable_by(k - 1, f64::total_cmp).1
}

/// The same without them: the least number that `k` distances do not exceed, by bisection of its bits, which are in the order of
/// the numbers.
fn bisected(sorted: &[f64], k: usize) -> f64 {
    let range = finite(sorted[sorted.len() - 1] - sorted[0]);
    let (mut low, mut high) = (0u64, range.to_bits());
    while low < high {
        let middle = low + (high - low) / 2;
        match within(sorted, f64::from_bits(middle)) >= k {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    f64::from_bits(low)
}

/// How many distances do not exceed `most`.
fn within(sorted: &[f64], most: f64) -> usize {
    let (mut lower, mut count) = (0, 0);
    for (upper, value) in sorted.iter().enumerate() {
        while finite(value - sorted[lower]) > most {
            lower += 1;
        }
        count += upper - lower;
    }
    count
}

/// The median of `values`, which are put in some order.
pub(super) fn median_of(values: &mut SmallVec<[f64; ON_STACK]>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    median(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use statrs::distribution::{ContinuousCDF, Normal};

    #[test]
    fn the_constant_is_what_statrs_computes() {
        let quantile = Normal::standard().inverse_cdf(0.625);
        assert!((NORMAL - 1.0 / (2.0f64.sqrt() * quantile)).abs() < 1e-12, "{quantile}");
    }

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
    }

    #[test]
    fn qn_by_hand() {
        // 1, 2, 4, 8, 16: h = 3, k = 3; distances 1, 2, 3, 4, 6, …
        assert!((qn(&[1.0, 2.0, 4.0, 8.0, 16.0]) - 0.844 * NORMAL * 3.0).abs() < 1e-12);
        assert_eq!(qn(&[1.0]), 0.0);
        assert_eq!(qn(&[2.0; 50]), 0.0);
    }

    /// Every value is a quantile of the normal distribution with deviation 3.
    #[test]
    fn qn_of_many_normal_values_is_their_deviation() {
        let normal = Normal::standard();
        let values: Vec<f64> = (0..999).map(|i| 3.0 * normal.inverse_cdf((f64::from(i) + 0.5) / 999.0)).collect();
        assert!((qn(&values) - 3.0).abs() < 0.02, "{}", qn(&values));
    }

    #[test]
    fn far_apart_values_have_a_finite_scale() {
        assert!(qn(&[f64::MIN, f64::MIN, f64::MAX, f64::MAX]).is_finite());
    }

    proptest! {
        #[test]
        fn both_ways_give_the_same_distance(mut values in prop::collection::vec(-1e3f64..1e3, 2..32), ties in 0usize..9) {
            let tied = ties.min(values.len() - 1);
            values[..=tied].fill(1.0);
            values.sort_unstable_by(f64::total_cmp);
            let pairs = values.len() * (values.len() - 1) / 2;
            for k in [1, pairs.div_ceil(4), pairs] {
                prop_assert_eq!(laid_out(&values, k), bisected(&values, k));
            }
        }
    }
}
