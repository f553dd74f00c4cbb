//! Multiclass classification: sparse confusion matrix, one-vs-rest score bins, exact log-loss and Brier sums.

use super::probability::log_loss;
use super::{ExactSum, Linear, ScoreBins, SortedCounts};

/// A class of one model, interned; the names travel beside the accumulators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassId(pub u16);

/// One labelled multiclass prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MulticlassOutcome<'a> {
    /// Class that was predicted.
    pub predicted: ClassId,
    /// Class that came true.
    pub actual: ClassId,
    /// Score per class, each finite and ≥ 0, as the model gave them (not yet normalised), each class at most
    /// once, in any order; empty where it gave none.
    pub scores: &'a [(ClassId, f64)],
}

/// One class against all others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OneVsRest {
    /// Rows whose label is the class, per bin of the class's normalised score.
    pub positives: ScoreBins,
    /// Rows whose label is another class.
    pub negatives: ScoreBins,
}

/// All that multiclass metrics need, of labelled rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MulticlassAccumulator {
    /// Rows per (actual, predicted), sorted, without zeros.
    pub confusion: SortedCounts<(ClassId, ClassId)>,
    /// Rows with scores: their sum is positive (and finite).
    pub scored: i64,
    /// Σ −ln of the normalised score of the class that came true, clipped at 2⁻⁵².
    pub log_loss: ExactSum,
    /// Σ over rows and classes of the normalised score, squared.
    pub score_squared: ExactSum,
    /// Σ normalised score of the class that came true.
    pub score_of_actual: ExactSum,
    /// Per class that ever had a score, sorted by class, without empty ones.
    pub one_vs_rest: Vec<(ClassId, OneVsRest)>,
}

impl MulticlassAccumulator {
    /// Adds a labelled row (`sign` 1) or takes it back (`sign` −1).
    pub fn add(&mut self, sign: i64, outcome: MulticlassOutcome<'_>) {
        self.confusion.add((outcome.actual, outcome.predicted), sign);
        let total = sum_of_scores(outcome.scores);
        if !(total > 0.0 && total.is_finite()) {
            return;
        }
        self.scored += sign;
        // A class that got no score got the probability 0.
        let mut probability_of_actual = 0.0;
        for &(class, score) in outcome.scores {
            // Rounding can carry a quotient of nearly equal numbers no further than to 1.
            let probability = score / total;
            let actual = class == outcome.actual;
            if actual {
                probability_of_actual = probability;
            }
            self.score_squared.add_product(probability, probability, sign);
            self.add_one_vs_rest(class, ScoreBins::bin_of(probability), actual, sign);
        }
        self.log_loss.add_signed(log_loss(probability_of_actual), sign);
        self.score_of_actual.add_signed(probability_of_actual, sign);
    }

    /// Renumbers classes: class `c` becomes `table[c]`; what the table maps to one class is added up. Ids are local to a
    /// partition, so its accumulators are renumbered before they meet others'.
    ///
    /// # Panics
    /// If a class is not in the table.
    pub fn remap(&mut self, table: &[ClassId]) {
        let mapped = |class: ClassId| table[usize::from(class.0)];
        self.confusion =
            self.confusion.iter().map(|&((actual, predicted), n)| ((mapped(actual), mapped(predicted)), n)).collect();
        for (class, bins) in std::mem::take(&mut self.one_vs_rest) {
            self.merge_class(mapped(class), &bins);
        }
    }

    /// Takes half of what is held per class out. What is not held per class stays.
    pub fn take_half(&mut self) -> MulticlassAccumulator {
        let kept = self.confusion.len().div_ceil(2);
        let (first, second) = self.confusion.split_at(kept);
        let (first, second) = (first.iter().copied().collect(), second.iter().copied().collect());
        self.confusion = first;
        let one_vs_rest = self.one_vs_rest.split_off(self.one_vs_rest.len().div_ceil(2));
        MulticlassAccumulator { confusion: second, one_vs_rest, ..Self::default() }
    }

    /// All rows, scored or not.
    pub fn rows(&self) -> i64 {
        self.confusion.iter().map(|(_, n)| n).sum()
    }

    /// The largest class id in use.
    pub fn max_class(&self) -> Option<ClassId> {
        let confusion = self.confusion.iter().map(|&((actual, predicted), _)| actual.max(predicted));
        confusion.chain(self.one_vs_rest.last().map(|entry| entry.0)).max()
    }

    fn add_one_vs_rest(&mut self, class: ClassId, bin: u16, actual: bool, sign: i64) {
        let place = self.place_of(class);
        let bins = &mut self.one_vs_rest[place].1;
        if actual { &mut bins.positives } else { &mut bins.negatives }.add(bin, sign);
        if bins.is_zero() {
            self.one_vs_rest.remove(place);
        }
    }

    fn merge_class(&mut self, class: ClassId, other: &OneVsRest) {
        let place = self.place_of(class);
        let bins = &mut self.one_vs_rest[place].1;
        bins.merge(other);
        if bins.is_zero() {
            self.one_vs_rest.remove(place);
        }
    }

    /// Where `class` is in `one_vs_rest`, made if it is not yet.
    fn place_of(&mut self, class: ClassId) -> usize {
        self.one_vs_rest.binary_search_by_key(&class, |entry| entry.0).unwrap_or_else(|place| {
            self.one_vs_rest.insert(place, (class, OneVsRest::default()));
            place
        })
    }
}

/// The exact sum of a row's scores, rounded once: the same in whatever order the classes are listed, which depends on
/// the record and on ids that are local to a partition.
pub(super) fn sum_of_scores(scores: &[(ClassId, f64)]) -> f64 {
    match scores {
        [] => 0.0,
        [(_, a)] => *a,
        [(_, a), (_, b)] => a + b,
        _ => {
            let mut sum = ExactSum::default();
            scores.iter().for_each(|&(_, score)| sum.add(score));
            sum.to_f64()
        }
    }
}

impl Linear for OneVsRest {
    fn merge(&mut self, other: &Self) {
        self.positives.merge(&other.positives);
        self.negatives.merge(&other.negatives);
    }

    fn negate(&mut self) {
        self.positives.negate();
        self.negatives.negate();
    }

    fn is_zero(&self) -> bool {
        self.positives.is_zero() && self.negatives.is_zero()
    }
}

impl Linear for MulticlassAccumulator {
    fn merge(&mut self, other: &Self) {
        self.confusion.merge(&other.confusion);
        self.scored += other.scored;
        self.log_loss.merge(&other.log_loss);
        self.score_squared.merge(&other.score_squared);
        self.score_of_actual.merge(&other.score_of_actual);
        other.one_vs_rest.iter().for_each(|(class, bins)| self.merge_class(*class, bins));
    }

    fn negate(&mut self) {
        self.confusion.negate();
        self.scored = -self.scored;
        self.log_loss.negate();
        self.score_squared.negate();
        self.score_of_actual.negate();
        self.one_vs_rest.iter_mut().for_each(|(_, bins)| bins.negate());
    }

    fn is_zero(&self) -> bool {
        self.confusion.is_zero()
            && self.scored == 0
            && self.one_vs_rest.is_empty()
            && self.log_loss.is_zero()
            && self.score_squared.is_zero()
            && self.score_of_actual.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ClassId = ClassId(0);
    const B: ClassId = ClassId(1);
    const C: ClassId = ClassId(2);

    fn of(predicted: ClassId, actual: ClassId, scores: &[(ClassId, f64)]) -> MulticlassAccumulator {
        let mut accumulator = MulticlassAccumulator::default();
        accumulator.add(1, MulticlassOutcome { predicted, actual, scores });
        accumulator
    }

    #[test]
    fn scores_are_normalised_and_counted_one_vs_rest() {
        let row = of(B, A, &[(C, 1.0), (A, 1.0), (B, 2.0)]);
        assert_eq!(&row.confusion[..], &[((A, B), 1)]);
        assert_eq!(row.scored, 1);
        assert_eq!(row.log_loss.to_f64(), -libm::log(0.25));
        assert_eq!(row.score_squared.to_f64(), 0.0625 + 0.0625 + 0.25);
        assert_eq!(row.score_of_actual.to_f64(), 0.25);
        let bins = |class: usize| {
            let (id, bins) = &row.one_vs_rest[class];
            (*id, bins.positives.iter().collect::<Vec<_>>(), bins.negatives.iter().collect::<Vec<_>>())
        };
        let (quarter, half) = (ScoreBins::bin_of(0.25), ScoreBins::bin_of(0.5));
        assert_eq!(bins(0), (A, vec![(quarter, 1)], vec![]));
        assert_eq!(bins(1), (B, vec![], vec![(half, 1)]));
        assert_eq!(bins(2), (C, vec![], vec![(quarter, 1)]));
    }

    #[test]
    fn a_true_class_without_score_costs_the_clipped_loss() {
        let row = of(A, C, &[(A, 0.5), (B, 0.5)]);
        assert_eq!(row.log_loss.to_f64(), -libm::log(f64::EPSILON));
        assert!(row.score_of_actual.is_zero());
        assert_eq!(row.one_vs_rest.len(), 2);
    }

    #[test]
    fn scores_that_cannot_be_normalised_count_as_none() {
        for scores in [&[][..], &[(A, 0.0), (B, 0.0)], &[(A, f64::MAX), (B, f64::MAX), (C, f64::MAX)]] {
            let row = of(A, B, scores);
            assert_eq!(&row.confusion[..], &[((B, A), 1)]);
            let without = MulticlassAccumulator { confusion: row.confusion.clone(), ..Default::default() };
            assert_eq!(row, without);
        }
    }

    #[test]
    fn the_order_of_classes_in_a_row_leaves_no_trace() {
        // In doubles, 1 + 2^-53 + 2^-53 is 1 from the left and more from the right.
        let tiny = f64::EPSILON / 2.0;
        let forward = of(A, A, &[(A, 1.0), (B, tiny), (C, tiny)]);
        assert_eq!(forward, of(A, A, &[(C, tiny), (B, tiny), (A, 1.0)]));
        assert!(forward.score_of_actual.to_f64() < 1.0);
    }

    #[test]
    fn renumbering_is_as_if_the_rows_had_been_numbered_so() {
        let mut row = of(B, A, &[(A, 0.2), (B, 0.5), (C, 0.3)]);
        row.remap(&[C, A, B]);
        assert_eq!(row, of(A, C, &[(C, 0.2), (A, 0.5), (B, 0.3)]));
        assert_eq!(row.max_class(), Some(C));
        row.remap(&[A, A, A]);
        assert_eq!(&row.confusion[..], &[((A, A), 1)]);
        assert_eq!(row.one_vs_rest.len(), 1);
        assert_eq!(row.one_vs_rest[0].1.negatives.total(), 2);
    }
}
