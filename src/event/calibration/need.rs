//! Whether calibrating scores pays: the calibration error on rows that the calibration has not seen, with and without.
//!
//! NannyML's rule, made to depend on the rows alone. It calibrates unless there is one class only, the scores separate
//! the classes (area under the ROC curve above 0.999), or the expected calibration error in ten bins of equally many rows
//! does not become smaller. Here as there, errors are those of held-out rows; the differences:
//!
//! * Rows are dealt into two halves by a mixed number of their rank, not by a random generator, and each half is
//!   calibrated by the other. So each row is judged once, and the answer is the same in any order of the rows.
//! * Rows with equal scores share their outcomes evenly where an edge of bins falls between them. Which of them is on
//!   which side would otherwise be chance, or the order of the sort.
//!
//! On the published sets both rules decide alike.

use super::Isotonic;

const BINS: u64 = 10;
const HALVES: u64 = 2;
/// Above this area under the ROC curve there is nothing to improve.
const SEPARATED: f64 = 0.999;

/// True if probabilities calibrated on half of the rows fit the other half better than the scores do. `rows` are finite
/// scores in any order, and whether they came true.
pub fn is_needed(rows: &[(f64, bool)]) -> bool {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let positives = rows.iter().filter(|row| row.1).count();
    if positives == 0 || positives == rows.len() || area_under_roc(&rows) > SEPARATED {
        return false;
    }
    let (mut as_given, mut calibrated) = (0.0, 0.0);
    for half in 0..HALVES {
        let rows_of = |wanted: bool| {
            let dealt = rows.iter().zip(0u64..).filter(move |(_, rank)| (mixed(*rank) % HALVES == half) == wanted);
            dealt.map(|(row, _)| *row)
        };
        let Some(isotonic) = Isotonic::fit_sorted(rows_of(false)) else { return false };
        let held_out: Vec<(f64, bool)> = rows_of(true).collect();
        as_given += summed_error(&held_out);
        let probabilities: Vec<_> = held_out.iter().map(|&(score, y)| (isotonic.probability(score), y)).collect();
        calibrated += summed_error(&probabilities);
    }
    as_given > calibrated
}

/// The expected calibration error of rows sorted by probability, times their number: over bins of equally many rows,
/// the sum of the distance between what was promised and what came true.
fn summed_error(rows: &[(f64, bool)]) -> f64 {
    let width = (rows.len() as u64 / BINS).max(1);
    let (mut error, mut gap) = (0.0f64, 0.0f64);
    let (mut filled, mut bin) = (0, 1);
    for ties in rows.chunk_by(|a, b| a.0 == b.0) {
        let mut left = ties.len() as u64;
        let share = ties.iter().filter(|row| row.1).count() as f64 / left as f64;
        while left > 0 {
            // What the division leaves goes to the last bin.
            let room = if bin < BINS { width - filled } else { left };
            let taken = left.min(room);
            gap += taken as f64 * (ties[0].0 - share);
            (left, filled) = (left - taken, filled + taken);
            if bin < BINS && filled == width {
                error += gap.abs();
                (gap, filled, bin) = (0.0, 0, bin + 1);
            }
        }
    }
    error + gap.abs()
}

/// Area under the ROC curve of rows sorted by score; ties count half. Both classes occur.
fn area_under_roc(rows: &[(f64, bool)]) -> f64 {
    let (mut negatives_below, mut positives, mut twice) = (0u128, 0u128, 0u128);
    for ties in rows.chunk_by(|a, b| a.0 == b.0) {
        let up = ties.iter().filter(|row| row.1).count() as u128;
        let down = ties.len() as u128 - up;
        twice += up * (2 * negatives_below + down);
        negatives_below += down;
        positives += up;
    }
    twice as f64 / (2 * positives * negatives_below) as f64
}

/// A number that has no more to do with its neighbours': the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows whose probability to come true is `truth` of their score.
    fn drawn(rows: u64, truth: impl Fn(f64) -> f64) -> Vec<(f64, bool)> {
        let unit = |number: u64| (mixed(number) >> 11) as f64 / (1u64 << 53) as f64;
        (0..rows)
            .map(|i| unit(2 * i + 1_000_003))
            .zip(0..)
            .map(|(s, i)| (s, unit(2 * i + 9_000_000) < truth(s)))
            .collect()
    }

    #[test]
    fn scores_that_promise_too_much_need_it_and_true_ones_do_not() {
        assert!(is_needed(&drawn(4000, |score| score * score)));
        assert!(is_needed(&drawn(4000, |score| 0.5 + 0.2 * (score - 0.5))));
        assert!(!is_needed(&drawn(4000, |score| score)));
    }

    #[test]
    fn one_class_and_separated_classes_do_not_need_it() {
        assert!(!is_needed(&[]));
        assert!(!is_needed(&drawn(500, |_| 1.0)));
        let separated: Vec<_> = (0..500).map(|i| (0.4 + 0.0001 * f64::from(i), i > 250)).collect();
        assert!(!is_needed(&separated));
    }

    #[test]
    fn the_error_by_hand() {
        // Bins of one row: |0 − 0| nine times, and twice 0.9 − 0 in the last.
        let mut rows = vec![(0.0, false); 9];
        rows.extend([(0.9, false); 2]);
        assert!((summed_error(&rows) - 1.8).abs() < 1e-12);
        // Ties share: each of ten bins has two rows of score 0.5, half of which came true.
        let ties: Vec<_> = (0..20).map(|i| (0.5, i < 10)).collect();
        assert_eq!(summed_error(&ties), 0.0);
        assert!((area_under_roc(&[(0.1, false), (0.5, true), (0.5, false), (0.9, true)]) - 3.5 / 4.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_matter((rows, shuffled) in
            prop::collection::vec(((0u8..30).prop_map(|n| f64::from(n) / 30.0), any::<bool>()), 0..80)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())))
        {
            prop_assert_eq!(is_needed(&rows), is_needed(&shuffled));
        }
    }
}
