//! The binned statistics against naive ones that see every score.

use super::*;
use proptest::prelude::*;

/// (score, came true)
type Row = (f64, bool);

/// Beyond the bound, the naive statistics and `value` carry the roundings of their own sums.
const ROUNDING: f64 = 1e-12;

fn ranking(rows: &[Row]) -> Ranking {
    let (mut positives, mut negatives) = (ScoreBins::default(), ScoreBins::default());
    for &(score, actual) in rows {
        let bins = if actual { &mut positives } else { &mut negatives };
        bins.add(ScoreBins::bin_of(score), 1);
    }
    Ranking::new(&positives, &negatives)
}

fn count(rows: &[Row], keep: impl Fn(&Row) -> bool) -> f64 {
    rows.iter().filter(|row| keep(row)).count() as f64
}

/// Every pair looked at.
fn naive_auc(rows: &[Row]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for positive in rows.iter().filter(|row| row.1) {
        for negative in rows.iter().filter(|row| !row.1) {
            pairs += 1.0;
            sum += if positive.0 > negative.0 {
                1.0
            } else if positive.0 == negative.0 {
                0.5
            } else {
                0.0
            };
        }
    }
    sum / pairs
}

/// Precision at the score of each positive, averaged: what Σ ΔR·P comes to.
fn naive_average_precision(rows: &[Row]) -> f64 {
    let positives: Vec<f64> = rows.iter().filter(|row| row.1).map(|row| row.0).collect();
    let precision = |score: f64| count(rows, |row| row.1 && row.0 >= score) / count(rows, |row| row.0 >= score);
    positives.iter().map(|&score| precision(score)).sum::<f64>() / positives.len() as f64
}

fn naive_ks(rows: &[Row]) -> f64 {
    let (positives, negatives) = (count(rows, |row| row.1), count(rows, |row| !row.1));
    let distance = |score: f64| {
        let recall = count(rows, |row| row.1 && row.0 >= score) / positives;
        let false_positive_rate = count(rows, |row| !row.1 && row.0 >= score) / negatives;
        (recall - false_positive_rate).abs()
    };
    rows.iter().map(|row| distance(row.0)).fold(0.0, f64::max)
}

/// DeLong's interval from the placement of every single row.
fn naive_delong_half_width(rows: &[Row]) -> f64 {
    let auc = naive_auc(rows);
    let placements = |of: bool| -> Vec<f64> {
        let wins = |row: &Row, other: &Row| {
            let (positive, negative) = if of { (row.0, other.0) } else { (other.0, row.0) };
            if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            }
        };
        let others: Vec<&Row> = rows.iter().filter(|row| row.1 != of).collect();
        let mean = |row: &Row| others.iter().map(|other| wins(row, other)).sum::<f64>() / others.len() as f64;
        rows.iter().filter(|row| row.1 == of).map(mean).collect()
    };
    let variance = |of: bool| {
        let placements = placements(of);
        let n = placements.len() as f64;
        placements.iter().map(|placement| (placement - auc).powi(2)).sum::<f64>() / (n - 1.0) / n
    };
    interval::Z * (variance(true) + variance(false)).sqrt()
}

/// Scores of all kinds: anywhere, crowded into few bins, tied, exactly 0 and 1.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0f64..=1.0,
        4 => 0.5f64..0.505,
        2 => (0u8..=4).prop_map(|quarter| f64::from(quarter) / 4.0),
        1 => 1e-12f64..1e-9,
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (score(), any::<bool>());
    prop::collection::vec(row, 2..120)
        .prop_filter("both classes", |rows| rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.1))
}

fn assert_holds(estimate: Estimate, exact: f64) -> Result<(), TestCaseError> {
    let distance = (estimate.value - exact).abs();
    prop_assert!(distance <= estimate.error_bound + ROUNDING, "{estimate:?} against {exact}");
    Ok(())
}

proptest! {
    #[test]
    fn auc_is_within_its_bound_of_the_exact_one(rows in rows()) {
        let ranking = ranking(&rows);
        assert_holds(ranking.roc_auc().unwrap(), naive_auc(&rows))?;
        assert_holds(ranking.gini().unwrap(), 2.0 * naive_auc(&rows) - 1.0)?;
    }

    #[test]
    fn average_precision_is_within_its_bound_of_the_exact_one(rows in rows()) {
        assert_holds(ranking(&rows).average_precision().unwrap(), naive_average_precision(&rows))?;
    }

    #[test]
    fn ks_is_within_its_bound_of_the_exact_one_and_never_above_it(rows in rows()) {
        let estimate = ranking(&rows).kolmogorov_smirnov().unwrap();
        assert_holds(estimate, naive_ks(&rows))?;
        prop_assert!(estimate.value <= naive_ks(&rows) + ROUNDING);
    }

    #[test]
    fn scores_of_exactly_zero_and_one_leave_no_doubt(rows in prop::collection::vec((0u8..2, any::<bool>()), 2..50)) {
        let rows: Vec<Row> = rows.into_iter().map(|(score, actual)| (f64::from(score), actual)).collect();
        prop_assume!(rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.1));
        let ranking = ranking(&rows);
        let auc = ranking.roc_auc().unwrap();
        prop_assert_eq!(auc.error_bound, 0.0);
        prop_assert!((auc.value - naive_auc(&rows)).abs() <= ROUNDING);
        prop_assert_eq!(ranking.kolmogorov_smirnov().unwrap().error_bound, 0.0);
        let precision = ranking.average_precision().unwrap();
        prop_assert!((precision.value - naive_average_precision(&rows)).abs() <= ROUNDING);
        prop_assert!(precision.error_bound <= ROUNDING);
    }

    #[test]
    fn delong_of_rows_in_their_own_bins_is_delongs(rows in prop::collection::vec((1u16..1000, any::<bool>()), 4..80)) {
        // One score per bin, so that rows of a bin are tied and binning loses nothing.
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(bin, actual)| {
                let (lower, upper) = ScoreBins::edges(bin);
                (lower.midpoint(upper), actual)
            })
            .collect();
        prop_assume!(count(&rows, |row| row.1) >= 2.0 && count(&rows, |row| !row.1) >= 2.0);
        let estimate = ranking(&rows).roc_auc().unwrap();
        let half_width = naive_delong_half_width(&rows);
        match estimate.interval {
            None => prop_assert!(half_width < 1e-9),
            Some(interval) => {
                let expected = (estimate.value - half_width - estimate.error_bound).max(0.0);
                prop_assert!((interval.lower - expected).abs() < 1e-9, "{estimate:?} {expected}");
            }
        }
    }
}

/// The best and the worst order inside one bin, built as scores, reach the bounds (so these cannot be tightened).
#[test]
fn the_bounds_are_reached_by_some_order() {
    let arranged = |positives_high: bool| -> Vec<Row> {
        let (low, high) = (0.5001, 0.5002);
        let (positive, negative) = if positives_high { (high, low) } else { (low, high) };
        [(positive, true); 3].into_iter().chain([(negative, false); 4]).collect()
    };
    assert_eq!(ScoreBins::bin_of(0.5001), ScoreBins::bin_of(0.5002));
    for positives_high in [true, false] {
        let rows = arranged(positives_high);
        let auc = ranking(&rows).roc_auc().unwrap();
        assert_eq!((auc.value, auc.error_bound > 0.5, auc.error_bound < 0.5 + 1e-12), (0.5, true, true));
        assert!(((auc.value - naive_auc(&rows)).abs() - auc.error_bound).abs() < 1e-12);
        let ks = ranking(&rows).kolmogorov_smirnov().unwrap();
        assert!(((ks.value - naive_ks(&rows)).abs() - ks.error_bound).abs() < 1e-12);
    }
    let best = ranking(&arranged(true)).average_precision().unwrap();
    assert!((best.value + best.error_bound - naive_average_precision(&arranged(true))).abs() < 1e-12);
}

#[test]
fn one_class_alone_cannot_be_ranked() {
    assert_eq!(ranking(&[]).roc_auc(), Err(Undefined::NoScores));
    assert_eq!(ranking(&[(0.3, true)]).roc_auc(), Err(Undefined::SingleClass));
    assert_eq!(ranking(&[(0.3, true)]).kolmogorov_smirnov(), Err(Undefined::SingleClass));
    assert_eq!(ranking(&[(0.3, false)]).average_precision(), Err(Undefined::SingleClass));
    assert_eq!(ranking(&[(0.3, true)]).average_precision().unwrap().value, 1.0);
}

#[test]
fn four_rows_by_hand() {
    // Scores 0.1-, 0.4+, 0.35-... as in scikit-learn's own example: AUC 0.75, average precision 0.8333, KS 0.5.
    let rows = [(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
    let ranking = ranking(&rows);
    assert_eq!(ranking.roc_auc().unwrap().value, 0.75);
    assert_eq!(ranking.gini().unwrap().value, 0.5);
    assert!((ranking.average_precision().unwrap().value - 5.0 / 6.0).abs() < 1e-15);
    assert_eq!(ranking.kolmogorov_smirnov().unwrap().value, 0.5);
}
