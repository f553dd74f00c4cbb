//! `Histogram`: counts per logarithmic bin, for quantiles of any number with a known error.
//!
//! A bin is a double's exponent and the first six bits of its fraction: 64 bins per doubling, each no wider than 1/64 of
//! its lower bound, so its middle is within 0.8 % of whatever fell into it. Negative numbers mirror positive ones and
//! zero is a bin of its own. Unlike in a t-digest the bins do not depend on the data, so rows can be taken back.

use super::counts::SortedCounts;
use super::linear::Linear;

/// Bits of a double below its bin: 52 of the fraction less 6.
const DROPPED_BITS: u32 = 46;
/// The bin of the largest double; the smallest has its negative.
pub(super) const MAX_BIN: i32 = (f64::MAX.to_bits() >> DROPPED_BITS) as i32 + 1;

/// Signed logarithmic histogram.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    pub(super) bins: SortedCounts<i32>,
}

impl Histogram {
    /// The bin of a finite number: 0 for zero, greater for greater numbers.
    #[inline]
    pub fn bin_of(x: f64) -> i32 {
        debug_assert!(x.is_finite(), "only finite numbers have a bin");
        if x == 0.0 {
            return 0;
        }
        let magnitude = (x.abs().to_bits() >> DROPPED_BITS) as i32 + 1;
        if x < 0.0 { -magnitude } else { magnitude }
    }

    /// Least and greatest number that `bin` can hold, up to one rounding: `[low, high)` for a positive bin, `(low, high]`
    /// for a negative one, both zero for bin 0.
    pub fn bounds(bin: i32) -> (f64, f64) {
        if bin == 0 {
            return (0.0, 0.0);
        }
        let key = u64::from(bin.unsigned_abs());
        let near = f64::from_bits((key - 1) << DROPPED_BITS);
        let far = f64::from_bits(key << DROPPED_BITS).min(f64::MAX);
        if bin > 0 { (near, far) } else { (-far, -near) }
    }

    /// The middle of `bin`.
    pub fn midpoint(bin: i32) -> f64 {
        middle(Self::bounds(bin)).0
    }

    /// Adds `n` times the finite number `x`.
    #[inline]
    pub fn add(&mut self, x: f64, n: i64) {
        self.bins.add(Self::bin_of(x), n);
    }

    /// How many numbers are counted.
    pub fn count(&self) -> i64 {
        self.bins.total()
    }

    /// `(bin, count)` of the bins that are not zero, in order of the numbers.
    pub fn iter(&self) -> impl Iterator<Item = (i32, i64)> + '_ {
        self.bins.iter().copied()
    }

    /// The quantile `q` in [0, 1] by linear interpolation between order statistics (NumPy's `linear`, its default), and
    /// a bound: the exact quantile of the same numbers is within `value ± bound`. `None` if nothing is counted.
    pub fn quantile(&self, q: f64) -> Option<(f64, f64)> {
        let count = self.count();
        if count <= 0 {
            return None;
        }
        // As NumPy calculates it; a rank beyond 2⁵³ would not be exact, and a histogram does not get there.
        let virtual_rank = (count - 1) as f64 * q.clamp(0.0, 1.0);
        let below = virtual_rank as i64;
        let weight = virtual_rank - below as f64;
        let low = Self::bounds(self.bin_at(below)?);
        if weight == 0.0 {
            return Some(middle(low));
        }
        let high = Self::bounds(self.bin_at(below + 1)?);
        let between = |a: f64, b: f64| a * (1.0 - weight) + b * weight;
        Some(middle((between(low.0, high.0), between(low.1, high.1))))
    }

    /// The smallest number: the middle of the outermost bin, and how far the number can be from it.
    pub fn min(&self) -> Option<(f64, f64)> {
        self.bins.first().map(|&(bin, _)| middle(Self::bounds(bin)))
    }

    /// The largest number, likewise.
    pub fn max(&self) -> Option<(f64, f64)> {
        self.bins.last().map(|&(bin, _)| middle(Self::bounds(bin)))
    }

    /// The largest magnitude, likewise: of errors, the worst in either direction.
    pub fn max_magnitude(&self) -> Option<(f64, f64)> {
        let farthest = |&(bin, _): &(i32, i64)| bin.abs();
        let bin = self.bins.first().map(farthest).max(self.bins.last().map(farthest))?;
        Some(middle(Self::bounds(bin)))
    }

    /// The bin of the order statistic `rank`, from 0.
    fn bin_at(&self, rank: i64) -> Option<i32> {
        let mut through = 0;
        self.bins.iter().find_map(|&(bin, n)| {
            through += n;
            (rank < through).then_some(bin)
        })
    }
}

/// Middle of an interval and half its width, widened by what rounding (ours, and that of an exact quantile calculated in
/// doubles) can move.
fn middle((low, high): (f64, f64)) -> (f64, f64) {
    let value = low / 2.0 + high / 2.0;
    let rounding = 4.0 * f64::EPSILON * low.abs().max(high.abs());
    (value, (high - value).max(value - low) + rounding)
}

impl Linear for Histogram {
    fn merge(&mut self, other: &Self) {
        self.bins.merge(&other.bins);
    }

    fn negate(&mut self) {
        self.bins.negate();
    }

    fn is_zero(&self) -> bool {
        self.bins.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>().prop_filter("finite", |x| x.is_finite()),
            -100.0..100.0f64,
            (-5i32..5).prop_map(f64::from),
            (0u64..1 << 50).prop_map(f64::from_bits),
        ]
    }

    fn of(numbers: &[f64]) -> Histogram {
        let mut histogram = Histogram::default();
        numbers.iter().for_each(|&x| histogram.add(x, 1));
        histogram
    }

    /// NumPy's `linear` on the sorted numbers themselves.
    fn exact_quantile(sorted: &[f64], q: f64) -> f64 {
        let rank = (sorted.len() - 1) as f64 * q;
        let below = rank.floor();
        let weight = rank - below;
        let low = sorted[below as usize];
        if weight == 0.0 {
            return low;
        }
        low * (1.0 - weight) + sorted[below as usize + 1] * weight
    }

    #[test]
    fn nothing_has_no_quantile() {
        let histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.5), histogram.min(), histogram.max()), (None, None, None));
        assert_eq!(histogram.max_magnitude(), None);
    }

    #[test]
    fn zeros_are_exact() {
        assert_eq!(of(&[0.0, -0.0, 0.0]).quantile(0.5), Some((0.0, 0.0)));
        assert_eq!(of(&[0.0, -0.0]).count(), 2);
    }

    #[test]
    fn the_median_of_two_is_between_them() {
        let (value, bound) = of(&[1.0, 3.0]).quantile(0.5).unwrap();
        assert!((value - 2.0).abs() <= bound && bound < 0.02, "{value} ± {bound}");
    }

    #[test]
    fn the_worst_error_counts_in_either_direction() {
        let (value, bound) = of(&[-8.0, 1.0, 7.0]).max_magnitude().unwrap();
        assert!((value - 8.0).abs() <= bound && value > 0.0);
    }

    #[test]
    fn the_outermost_doubles_have_bins() {
        assert_eq!(Histogram::bin_of(f64::MAX), MAX_BIN);
        assert_eq!(Histogram::bin_of(-f64::MAX), -MAX_BIN);
        assert_eq!(Histogram::bin_of(5e-324), 1);
        assert!(Histogram::midpoint(MAX_BIN).is_finite());
        assert!(of(&[f64::MAX, -f64::MAX]).quantile(0.5).unwrap().1.is_finite());
    }

    proptest! {
        #[test]
        fn bins_are_ordered_mirrored_and_narrow(x in number(), y in number()) {
            prop_assert_eq!(Histogram::bin_of(-x), -Histogram::bin_of(x));
            if x <= y {
                prop_assert!(Histogram::bin_of(x) <= Histogram::bin_of(y));
            }
            let (low, high) = Histogram::bounds(Histogram::bin_of(x));
            prop_assert!(low <= x && x <= high);
            if x.abs() >= f64::MIN_POSITIVE {
                prop_assert!((Histogram::midpoint(Histogram::bin_of(x)) - x).abs() <= x.abs() / 128.0 * (1.0 + 1e-12));
            }
        }

        #[test]
        fn a_quantile_is_within_its_bound(
            mut numbers in prop::collection::vec(number(), 1..40),
            q in prop_oneof![Just(0.0), Just(0.5), Just(1.0), 0.0..=1.0f64],
        ) {
            let (value, bound) = of(&numbers).quantile(q).unwrap();
            numbers.sort_by(f64::total_cmp);
            let exact = exact_quantile(&numbers, q);
            prop_assert!((value - exact).abs() <= bound, "{value} ± {bound}, exactly {exact}");
        }

        #[test]
        fn extremes_are_within_their_bounds(numbers in prop::collection::vec(number(), 1..20)) {
            let histogram = of(&numbers);
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            for (estimate, exact) in [
                (histogram.min(), least),
                (histogram.max(), largest),
                (histogram.max_magnitude(), largest.max(-least)),
            ] {
                let (value, bound) = estimate.unwrap();
                prop_assert!((value - exact).abs() <= bound);
            }
        }
    }
}
