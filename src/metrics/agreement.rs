//! Agreement of predicted and actual classes beyond chance: Matthews' correlation and Cohen's kappa, of any number of
//! classes, from integers with one rounding at the end.

use super::interval::{self, Interval};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{Rational, ratio_to_f64};

/// A contingency table of classes numbered 0, 1, 2, …
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// (actual, predicted, rows).
    cells: Vec<(usize, usize, i64)>,
    /// Rows per actual class.
    actual: Vec<i64>,
    /// Rows per predicted class.
    predicted: Vec<i64>,
    /// All rows.
    rows: i64,
}

impl Table {
    /// From (actual, predicted, rows) with classes below `classes`.
    pub fn new(classes: usize, cells: Vec<(usize, usize, i64)>) -> Table {
        let (mut actual, mut predicted) = (vec![0; classes], vec![0; classes]);
        let mut rows = 0;
        for &(row, column, count) in &cells {
            actual[row] += count;
            predicted[column] += count;
            rows += count;
        }
        Table { cells, actual, predicted, rows }
    }

    /// (actual, predicted, rows), as given.
    pub fn cells(&self) -> &[(usize, usize, i64)] {
        &self.cells
    }

    /// Rows per actual class.
    pub fn actual(&self) -> &[i64] {
        &self.actual
    }

    /// Rows per predicted class.
    pub fn predicted(&self) -> &[i64] {
        &self.predicted
    }

    /// All rows.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// Rows per class whose prediction came true.
    pub fn agreed_by_class(&self) -> Vec<i64> {
        let mut agreed = vec![0; self.actual.len()];
        for &(row, column, count) in &self.cells {
            if row == column {
                agreed[row] += count;
            }
        }
        agreed
    }

    /// Rows whose prediction came true.
    pub fn agreed(&self) -> i64 {
        self.cells.iter().filter(|(row, column, _)| row == column).map(|(_, _, count)| count).sum()
    }

    /// Σ over classes of actual · predicted rows: n² times the agreement that chance alone would give.
    fn by_chance(&self) -> i128 {
        dot(&self.actual, &self.predicted)
    }

    /// Matthews' correlation coefficient; Gorodkin's (2004) for more than two classes.
    pub fn mcc(&self) -> MetricValue {
        let n = i128::from(self.rows);
        let covariance = i128::from(self.agreed()) * n - self.by_chance();
        let of_predicted = n * n - dot(&self.predicted, &self.predicted);
        let of_actual = n * n - dot(&self.actual, &self.actual);
        let value = correlation(&covariance.into(), &of_predicted.into(), &of_actual.into());
        MetricValue::new(Metric::Mcc, value, self.rows)
    }

    /// Cohen's kappa (1960), with the large-sample interval of Fleiss, Cohen and Everitt (1969).
    pub fn cohen_kappa(&self) -> MetricValue {
        let n = i128::from(self.rows);
        let (numerator, denominator) = (i128::from(self.agreed()) * n - self.by_chance(), n * n - self.by_chance());
        if denominator == 0 {
            return MetricValue::new(Metric::CohenKappa, Err(Undefined::ZeroDenominator), self.rows);
        }
        let kappa = ratio_to_f64(&numerator.into(), &denominator.into());
        MetricValue::new(Metric::CohenKappa, Ok(kappa), self.rows).with_interval(self.kappa_interval(kappa))
    }

    /// Variance by Fleiss, Cohen and Everitt (1969), formula 13; all terms of one sign are added in table order.
    fn kappa_interval(&self, kappa: f64) -> Option<Interval> {
        let n = self.rows as f64;
        let chance = self.by_chance() as f64 / (n * n);
        let margin = |rows: &[i64], class: usize| rows[class] as f64 / n;
        let mut sum = 0.0;
        for &(row, column, count) in &self.cells {
            let share = count as f64 / n;
            let weight = (margin(&self.predicted, row) + margin(&self.actual, column)) * (1.0 - kappa);
            let term = if row == column { 1.0 - weight } else { weight };
            sum += share * term * term;
        }
        let mean = kappa - chance * (1.0 - kappa);
        let variance = (sum - mean * mean) / (n * (1.0 - chance) * (1.0 - chance));
        Some(interval::normal(kappa, variance)?.clipped(-1.0, 1.0))
    }
}

/// Interval of the phi coefficient, which Matthews' correlation of two classes is, by its large-sample variance
/// (Bishop, Fienberg and Holland 1975, 11.3). Shares of rows: actual and predicted positive.
pub(super) fn phi_interval(phi: f64, rows: i64, actual_positive: f64, predicted_positive: f64) -> Option<Interval> {
    let spread = |p: f64| (p * (1.0 - p)).sqrt();
    let skew = |p: f64| (2.0 * p - 1.0) / spread(p);
    let (a, b) = (skew(actual_positive), skew(predicted_positive));
    let variance = 1.0 - phi * phi + phi * (1.0 + phi * phi / 2.0) * a * b - 0.75 * phi * phi * (a * a + b * b);
    Some(interval::normal(phi, variance / rows as f64)?.clipped(-1.0, 1.0))
}

/// covariance / √(first · second), rounded twice; undefined where a variance is zero.
pub(super) fn correlation(covariance: &Rational, first: &Rational, second: &Rational) -> Result<f64, Undefined> {
    let product = first * second;
    if product.is_zero() {
        return Err(Undefined::ZeroDenominator);
    }
    let squared = ratio_to_f64(&(covariance * covariance), &product);
    // Cauchy and Schwarz: at most 1, and exact sums keep it so.
    Ok(f64::from(covariance.signum()) * squared.sqrt())
}

fn dot(left: &[i64], right: &[i64]) -> i128 {
    left.iter().zip(right).map(|(&left, &right)| i128::from(left) * i128::from(right)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(cells: &[&[i64]]) -> Table {
        let cells = cells
            .iter()
            .enumerate()
            .flat_map(|(row, counts)| counts.iter().enumerate().map(move |(column, &count)| (row, column, count)));
        let cells: Vec<_> = cells.collect();
        Table::new(cells.iter().map(|cell| cell.0).max().unwrap() + 1, cells)
    }

    /// Variance of a function of the shares of a multinomial sample by the delta method with numerical derivatives: an
    /// independent derivation of the closed forms.
    fn delta_variance(shares: &[f64], rows: f64, statistic: impl Fn(&[f64]) -> f64) -> f64 {
        let gradient: Vec<f64> = (0..shares.len())
            .map(|i| {
                let at = |step: f64| {
                    let mut moved = shares.to_vec();
                    moved[i] += step;
                    statistic(&moved)
                };
                (at(1e-6) - at(-1e-6)) / 2e-6
            })
            .collect();
        let mean: f64 = shares.iter().zip(&gradient).map(|(p, g)| p * g).sum();
        let square: f64 = shares.iter().zip(&gradient).map(|(p, g)| p * g * g).sum();
        (square - mean * mean) / rows
    }

    fn phi(p: &[f64]) -> f64 {
        (p[0] * p[3] - p[1] * p[2]) / ((p[0] + p[1]) * (p[2] + p[3]) * (p[0] + p[2]) * (p[1] + p[3])).sqrt()
    }

    fn kappa3(p: &[f64]) -> f64 {
        let n: f64 = p.iter().sum();
        let row = |i: usize| p[3 * i] + p[3 * i + 1] + p[3 * i + 2];
        let column = |j: usize| p[j] + p[3 + j] + p[6 + j];
        let chance: f64 = (0..3).map(|k| row(k) * column(k)).sum::<f64>() / (n * n);
        ((p[0] + p[4] + p[8]) / n - chance) / (1.0 - chance)
    }

    #[test]
    fn mcc_and_kappa_by_hand() {
        let table = table(&[&[9, 2], &[3, 6]]);
        assert!((table.mcc().value.unwrap() - 48.0 / (12.0f64 * 8.0 * 11.0 * 9.0).sqrt()).abs() < 1e-15);
        // Observed agreement 15/20, by chance (11*12 + 9*8)/400 = 0.51.
        assert!((table.cohen_kappa().value.unwrap() - (0.75 - 0.51) / 0.49).abs() < 1e-15);
    }

    #[test]
    fn one_class_alone_is_undefined() {
        let table = table(&[&[5, 0], &[0, 0]]);
        assert_eq!(table.mcc().value, Err(Undefined::ZeroDenominator));
        assert_eq!(table.cohen_kappa().value, Err(Undefined::ZeroDenominator));
    }

    #[test]
    fn counts_of_a_trillion_rows_do_not_overflow() {
        let many = 1_000_000_000_000_000;
        let table = table(&[&[9 * many, 2 * many], &[3 * many, 6 * many]]);
        assert!((table.mcc().value.unwrap() - 48.0 / (12.0f64 * 8.0 * 11.0 * 9.0).sqrt()).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn phi_interval_is_the_delta_methods(counts in prop::array::uniform4(5i64..500)) {
            let rows: i64 = counts.iter().sum();
            let shares: Vec<f64> = counts.iter().map(|&count| count as f64 / rows as f64).collect();
            let value = phi(&shares);
            let interval = phi_interval(value, rows, shares[2] + shares[3], shares[1] + shares[3]).unwrap();
            let expected = interval::Z * delta_variance(&shares, rows as f64, phi).sqrt();
            prop_assume!(interval.upper < 1.0 && interval.lower > -1.0);
            prop_assert!((interval.upper - value - expected).abs() < 1e-6, "{interval:?} {value} {expected}");
        }

        #[test]
        fn kappa_interval_is_the_delta_methods(counts in prop::array::uniform9(5i64..500)) {
            let rows: i64 = counts.iter().sum();
            let shares: Vec<f64> = counts.iter().map(|&count| count as f64 / rows as f64).collect();
            let value = table(&[&counts[0..3], &counts[3..6], &counts[6..9]]).cohen_kappa();
            let kappa = value.value.unwrap();
            prop_assert!((kappa - kappa3(&shares)).abs() < 1e-12);
            let expected = interval::Z * delta_variance(&shares, rows as f64, kappa3).sqrt();
            prop_assert!((value.upper.unwrap() - kappa - expected).abs() < 1e-6, "{value:?} {expected}");
        }

        #[test]
        fn two_class_correlation_is_phi(counts in prop::array::uniform4(1i64..500)) {
            let shares: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
            let mcc = table(&[&counts[0..2], &counts[2..4]]).mcc().value.unwrap();
            prop_assert!((mcc - phi(&shares)).abs() < 1e-12);
        }
    }
}
