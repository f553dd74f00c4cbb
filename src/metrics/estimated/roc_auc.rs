//! The area under the ROC curve that is expected of a binary model: from how many scores lie in each bin of the reference,
//! and what they mean by its calibration. No sum of its own is needed.
//!
//! With n rows of probability p in a bin, P = n·p positives and N = n·(1 − p) negatives are expected in it, and the area is
//! Σ P·(N of lower bins + N/2) / (ΣP · ΣN): a positive and a negative of one bin are in the right order half of the time.
//!
//! Where the probability is not the same all over a bin, its middle is taken. How far that can move the area is the bound:
//! each row by half the bin's range, times the slope of the area in that row's probability; the order inside of bins; and,
//! for what is not linear in it, the square of the whole.
//!
//! The interval is that of Hanley and McNeil (1982) for the expected numbers of positives and negatives, widened by the bound.

use crate::event::Calibration;
use crate::event::bins::NumericBins;
use crate::metrics::interval;
use crate::metrics::{Metric, MetricValue, Undefined};

/// Rows of a bin, and the lowest and highest probability in it.
struct Bin {
    rows: f64,
    probability: f64,
    range: f64,
}

/// Estimated area under the ROC curve of rows whose scores lie in `bins`, so many per bin.
pub fn roc_auc(bins: &NumericBins, counts: &[i64], calibration: &Calibration) -> MetricValue {
    let edges = bins.ordered_edges(0.0, 1.0);
    let rows: i64 = counts.iter().take(bins.ordered_len()).sum();
    let bins = edges.windows(2).zip(counts).filter(|(_, rows)| **rows > 0).map(|(edges, rows)| {
        let (lowest, highest) =
            (calibration.probability(edges[0]), calibration.probability(edges[1].next_down().max(edges[0])));
        Bin { rows: *rows as f64, probability: (lowest + highest) / 2.0, range: highest - lowest }
    });
    let value = |value| MetricValue::new(Metric::EstimatedRocAuc, value, rows);
    match area(&bins.collect::<Vec<Bin>>()) {
        Err(reason) => value(Err(reason)),
        Ok((area, bound, variance)) => {
            let interval = interval::normal(area, variance).map(|interval| interval.widened(bound).clipped(0.0, 1.0));
            value(Ok(area)).with_interval(interval).with_error_bound(bound)
        }
    }
}

/// The area, its bound and its variance.
fn area(bins: &[Bin]) -> Result<(f64, f64, f64), Undefined> {
    let positives = |bin: &Bin| bin.rows * bin.probability;
    let negatives = |bin: &Bin| bin.rows * (1.0 - bin.probability);
    let all_positives: f64 = bins.iter().map(positives).sum();
    let all_negatives: f64 = bins.iter().map(negatives).sum();
    let pairs = all_positives * all_negatives;
    if bins.is_empty() {
        return Err(Undefined::NoRows);
    }
    if pairs <= 0.0 {
        return Err(Undefined::SingleClass);
    }
    let mut negatives_below = 0.0;
    let mut ordered = 0.0;
    for bin in bins {
        ordered += positives(bin) * (negatives_below + negatives(bin) / 2.0);
        negatives_below += negatives(bin);
    }
    let area = ordered / pairs;

    let (mut negatives_below, mut positives_above) = (0.0, all_positives);
    let (mut first_order, mut inside, mut moved) = (0.0, 0.0, 0.0);
    for bin in bins {
        positives_above -= positives(bin);
        let lower = negatives_below + negatives(bin) / 2.0;
        let higher = positives_above + positives(bin) / 2.0;
        let slope = (lower - higher - area * (all_negatives - all_positives)) / pairs;
        first_order += bin.rows * slope.abs() * bin.range / 2.0;
        inside += bin.rows * bin.rows * bin.range / 4.0 / pairs;
        moved += bin.rows * bin.range / 2.0;
        negatives_below += negatives(bin);
    }
    let bound = first_order + inside + moved * moved / pairs;

    let (q1, q2) = (area / (2.0 - area), 2.0 * area * area / (1.0 + area));
    let spread = area * (1.0 - area)
        + (all_positives - 1.0).max(0.0) * (q1 - area * area)
        + (all_negatives - 1.0).max(0.0) * (q2 - area * area);
    Ok((area, bound, spread.max(0.0) / pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::calibration::Isotonic;
    use proptest::prelude::*;

    /// By all pairs of rows.
    fn by_pairs(probabilities: &[f64]) -> f64 {
        let (mut ordered, mut pairs) = (0.0, 0.0);
        for (place, p) in probabilities.iter().enumerate() {
            for (other, q) in probabilities.iter().enumerate() {
                pairs += p * (1.0 - q);
                // A row against itself, and rows with equal probabilities, are in no order.
                let share = if place == other || p == q { 0.5 } else { f64::from(u8::from(p > q)) };
                ordered += share * p * (1.0 - q);
            }
        }
        ordered / pairs
    }

    fn counted(bins: &NumericBins, scores: &[f64]) -> Vec<i64> {
        let mut counts = vec![0; bins.bins()];
        for score in scores {
            counts[bins.bin_of(crate::event::bins::Measurement::Number(*score))] += 1;
        }
        counts
    }

    #[test]
    fn by_hand() {
        let bins = NumericBins::between(vec![0.0, 0.5, 1.0]);
        let halves = Calibration::Isotonic(Isotonic::fit(&[(0.25, false), (0.5, true)]).unwrap());
        // Two certain negatives below two certain positives.
        let certain = roc_auc(&bins, &counted(&bins, &[0.1, 0.2, 0.6, 0.7]), &halves);
        assert!(certain.value.unwrap() <= 1.0 && certain.error_bound.unwrap() > 0.0);
        let none = roc_auc(&bins, &counted(&bins, &[]), &Calibration::AsGiven);
        assert_eq!(none.value, Err(Undefined::NoRows));
        let always = Calibration::Isotonic(Isotonic::fit(&[(0.5, true)]).unwrap());
        assert_eq!(roc_auc(&bins, &counted(&bins, &[0.1, 0.9]), &always).value, Err(Undefined::SingleClass));
        // One probability for all: nothing is told apart, and no bin can hide it.
        let same = Calibration::Isotonic(Isotonic::fit(&[(0.5, true), (0.5, false)]).unwrap());
        let same = roc_auc(&bins, &counted(&bins, &[0.1, 0.9]), &same);
        assert_eq!((same.value, same.error_bound), (Ok(0.5), Some(0.0)));
    }

    proptest! {
        #[test]
        fn the_area_of_the_rows_is_within_the_bound(
            reference in prop::collection::vec((0.0..=1.0f64, any::<bool>()), 2..200),
            scores in prop::collection::vec(0.0..=1.0f64, 1..40),
        ) {
            let known: Vec<f64> = reference.iter().map(|row| row.0).collect();
            let bins = NumericBins::of_reference(&known).unwrap();
            for calibration in [Calibration::AsGiven, Calibration::always(&reference)] {
                let found = roc_auc(&bins, &counted(&bins, &scores), &calibration);
                let probabilities: Vec<f64> = scores.iter().map(|score| calibration.probability(*score)).collect();
                let exact = by_pairs(&probabilities);
                let (Ok(value), Some(bound)) = (found.value, found.error_bound) else { continue };
                if exact.is_finite() {
                    prop_assert!((value - exact).abs() <= bound + 1e-9, "{exact} is not {value} ± {bound}");
                }
            }
        }
    }
}
