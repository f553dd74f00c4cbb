//! `NumericBins`: fine bins of a number, with the reference's deciles among their edges.
//!
//! Edges are the reference's quantiles at every 1/200, so that each bin holds few rows and the distribution functions are
//! known closely. A value that is two quantiles at once is frequent, and has a bin of its own (from itself to the next
//! double): what is inside needs no guess, so integers and zeros do not blur a Kolmogorov-Smirnov statistic.

use super::grouping::Grouping;
use super::quantile::{deciles, quantile};
use serde::{Deserialize, Serialize};

/// Quantiles between the smallest and the largest value of the reference; bins are up to twice as many.
pub const FINE_BINS: usize = 200;

/// More edges than any profile has.
const MAX_EDGES: usize = 10_000;

/// What a row has in a numeric column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measurement {
    /// A finite number.
    Number(f64),
    /// Nothing.
    Missing,
    /// Something that is no number, or not finite.
    Invalid,
}

/// Bins of a number, in this order: below the reference, its fine bins `[a, b)`, above it, missing, invalid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct NumericBins {
    /// Ascending, finite, at least two: the first is the lowest value of the reference, the last is just above its highest.
    pub(super) edges: Vec<f64>,
    /// Inner edges of the deciles, a subset of `edges`.
    pub(super) decile_cuts: Vec<f64>,
}

/// Bins as they were written, not checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    edges: Vec<f64>,
    decile_cuts: Vec<f64>,
}

impl TryFrom<Written> for NumericBins {
    type Error = &'static str;

    fn try_from(Written { edges, decile_cuts }: Written) -> Result<Self, &'static str> {
        let ascends = |edges: &[f64]| edges.windows(2).all(|pair| pair[0] < pair[1]);
        if edges.len() < 2 || !ascends(&edges) || !edges.iter().all(|edge| edge.is_finite()) {
            return Err("`edges` are at least two finite numbers that ascend");
        }
        if edges.len() > MAX_EDGES {
            return Err("there are too many `edges`");
        }
        let is_edge = |cut: &f64| edges.binary_search_by(|edge| edge.total_cmp(&(cut + 0.0))).is_ok();
        if !ascends(&decile_cuts) || !decile_cuts.iter().all(is_edge) {
            return Err("`decile_cuts` are some of the `edges`, ascending");
        }
        Ok(NumericBins { edges, decile_cuts })
    }
}

impl NumericBins {
    /// The bins of a reference with these values, in any order; what is not finite is left out. `None` of nothing.
    pub fn of_reference(values: &[f64]) -> Option<NumericBins> {
        // Adding 0 turns −0 into 0: equal values have equal bits.
        let mut sorted: Vec<f64> = values.iter().filter(|value| value.is_finite()).map(|value| value + 0.0).collect();
        sorted.sort_by(f64::total_cmp);
        let deciles = deciles(&sorted);
        let highest = *sorted.last()?;

        let between = (1..FINE_BINS).filter(|i| i % (FINE_BINS / 10) != 0);
        let mut quantiles: Vec<f64> = between
            .filter_map(|i| quantile(&sorted, i as f64 / FINE_BINS as f64))
            .chain(deciles.iter().copied())
            .collect();
        quantiles.sort_by(f64::total_cmp);
        // What follows the largest number below 0 is −0.
        let next = |value: f64| value.next_up() + 0.0;
        let frequent = quantiles.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| next(pair[0]));
        let mut edges: Vec<f64> = frequent.chain([next(highest)]).chain(quantiles.iter().copied()).collect();
        edges.sort_by(f64::total_cmp);
        edges.dedup();

        let mut cuts = deciles;
        cuts.dedup();
        // The outer edges are open: the lowest and highest value cut nothing off.
        let inner = cuts.len().saturating_sub(1).max(1);
        let decile_cuts = cuts[1..inner.max(1)].to_vec();
        Some(NumericBins { edges, decile_cuts })
    }

    /// Bins between given inner edges, with open outer ones: the coarse bins are these too.
    ///
    /// # Panics
    /// If there are fewer than two edges, or they do not strictly ascend, or are not finite.
    pub fn between(edges: Vec<f64>) -> NumericBins {
        assert!(edges.len() >= 2 && edges.iter().all(|edge| edge.is_finite()), "two finite edges at least");
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "edges ascend");
        NumericBins { decile_cuts: edges.clone(), edges }
    }

    /// Edges of the bins inside the reference's range.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Inner edges of the coarse bins.
    pub fn coarse_cuts(&self) -> &[f64] {
        &self.decile_cuts
    }

    /// Bins of numbers: below, inside and above the reference's range.
    pub fn ordered_len(&self) -> usize {
        self.edges.len() + 1
    }

    /// All bins, with missing and invalid.
    pub fn bins(&self) -> usize {
        self.edges.len() + 3
    }

    /// The bin of what a row has.
    pub fn bin_of(&self, measurement: Measurement) -> usize {
        match measurement {
            Measurement::Number(value) if value.is_finite() => self.edges.partition_point(|&edge| edge <= value),
            Measurement::Missing => self.edges.len() + 1,
            Measurement::Number(_) | Measurement::Invalid => self.edges.len() + 2,
        }
    }

    /// Edges of the ordered bins, closed at the lowest and highest value that occur in either sample, so that every bin
    /// has a width: `ordered_len() + 1` edges.
    pub fn ordered_edges(&self, lowest: f64, highest: f64) -> Vec<f64> {
        let (first, last) = (self.edges[0], self.edges[self.edges.len() - 1]);
        [lowest.min(first)].into_iter().chain(self.edges.iter().copied()).chain([highest.next_up().max(last)]).collect()
    }

    /// The coarse bins: the reference's deciles with open outer edges, then missing, then invalid.
    pub fn coarse(&self) -> Grouping {
        let cuts = &self.decile_cuts;
        // A fine bin starts at an edge, and the lowest is below all.
        let starts = [f64::NEG_INFINITY].into_iter().chain(self.edges.iter().copied());
        let numbers = starts.map(|start| cuts.partition_point(|&cut| cut <= start));
        Grouping::new(numbers.chain([cuts.len() + 1, cuts.len() + 2]).collect())
    }
}

/// Inner edges of `bins` ≥ 2 equally wide bins over [lowest, highest], as `numpy.linspace` has them.
pub fn equal_width_edges(lowest: f64, highest: f64, bins: usize) -> Vec<f64> {
    let step = (highest - lowest) / bins as f64;
    (1..bins).map(|k| k as f64 * step + lowest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(bins: &NumericBins, rows: &[Measurement]) -> Vec<i64> {
        let mut counts = vec![0; bins.bins()];
        rows.iter().for_each(|&row| counts[bins.bin_of(row)] += 1);
        counts
    }

    #[test]
    fn what_is_no_number_of_the_reference_has_its_own_bin() {
        let bins = NumericBins::of_reference(&[1.0, 2.0, 3.0]).unwrap();
        let outside = [Measurement::Number(0.5), Measurement::Number(3.1), Measurement::Missing, Measurement::Invalid];
        let last = bins.bins() - 1;
        assert_eq!(outside.map(|row| bins.bin_of(row)), [0, last - 2, last - 1, last]);
        assert_eq!(bins.bin_of(Measurement::Number(f64::NAN)), last);
        assert!(NumericBins::of_reference(&[f64::NAN]).is_none());
    }

    #[test]
    fn frequent_values_are_points() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i % 4)).collect();
        let bins = NumericBins::of_reference(&values).unwrap();
        for value in (0..4).map(f64::from) {
            assert!(bins.edges().windows(2).any(|pair| pair == [value, value.next_up()]), "{value}");
        }
    }

    #[test]
    fn a_constant_has_one_coarse_bin() {
        let bins = NumericBins::of_reference(&[7.0; 20]).unwrap();
        assert_eq!(bins.edges(), [7.0, 7.0f64.next_up()]);
        assert_eq!(bins.coarse().len(), 3, "numbers, missing, invalid");
    }

    #[test]
    fn deciles_that_coincide_with_an_end_cut_nothing_off() {
        // The contract's rule: unique quantiles 0, 0.1, … 1, of which the first and last are open.
        let bins = NumericBins::of_reference(&[1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 5.0]).unwrap();
        assert_eq!(bins.coarse_cuts().first().map(|&cut| cut > 1.0), Some(true));
        assert_eq!(bins.coarse_cuts().last().map(|&cut| cut < 5.0), Some(true));
    }

    #[test]
    fn equal_widths_are_those_of_linspace() {
        assert_eq!(equal_width_edges(0.0, 1.0, 10)[2], 0.30000000000000004);
        let bins = NumericBins::between(equal_width_edges(0.0, 10.0, 5));
        assert_eq!(
            bins.coarse().sum(&counts(&bins, &[Measurement::Number(-3.0), Measurement::Number(2.0)])),
            [1, 1, 0, 0, 0, 0, 0]
        );
    }

    proptest! {
        #[test]
        fn coarse_counts_are_those_of_the_cuts(
            reference in prop::collection::vec(prop_oneof![-5.0f64..5.0, (0i32..4).prop_map(f64::from)], 1..400),
            rows in prop::collection::vec(prop_oneof![-6.0f64..6.0, (0i32..4).prop_map(f64::from)], 0..100),
        ) {
            let bins = NumericBins::of_reference(&reference).unwrap();
            prop_assert!(bins.edges().windows(2).all(|pair| pair[0] < pair[1]));
            let cuts = bins.coarse_cuts();
            let mut direct = vec![0; cuts.len() + 3];
            rows.iter().for_each(|&row| direct[cuts.partition_point(|&cut| cut <= row)] += 1);
            let rows: Vec<Measurement> = rows.into_iter().map(Measurement::Number).collect();
            prop_assert_eq!(bins.coarse().sum(&counts(&bins, &rows)), direct);
            let of_reference: Vec<Measurement> = reference.into_iter().map(Measurement::Number).collect();
            let fine = counts(&bins, &of_reference);
            prop_assert_eq!((fine[0], fine[bins.ordered_len() - 1]), (0, 0), "the reference is inside its range");
        }
    }
}
