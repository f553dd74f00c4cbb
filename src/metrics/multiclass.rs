//! Multiclass classification: the confusion matrix, its rates per class and averaged, ranking one against the rest, and
//! the quality of the class scores.
//!
//! A class occurs if it is the label or the prediction of a row of the window; only such classes have rows of their own.
//! Averages over classes are sums of exact terms, so the numbering and the order of the classes cannot move them. An
//! average is undefined if one of its parts is (scikit-learn would count that part as 0), because a number that quietly
//! leaves a class out is not comparable with the next window's.

use super::agreement::Table;
use super::binary::from_ranking;
use super::confusion::f1;
use super::interval;
use super::ranking::Ranking;
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{ClassId, ExactSum, MulticlassAccumulator, Rational, ratio_to_f64};

/// The confusion matrix by class, and everything read from it.
struct Matrix {
    /// Classes that occur, sorted by text.
    classes: Vec<ClassId>,
    table: Table,
    /// Rows per class that were predicted as it and are it.
    agreed: Vec<i64>,
}

/// Appends the family, for at least one labelled row. `class_names` are indexed by class.
pub(super) fn read_out<N: AsRef<str>>(
    accumulator: &MulticlassAccumulator,
    class_names: &[N],
    out: &mut Vec<MetricValue>,
) {
    let matrix = Matrix::new(accumulator, class_names);
    let rows = matrix.table.rows();
    matrix.cells(out);
    out.push(MetricValue::rate(Metric::Accuracy, matrix.table.agreed(), rows, Undefined::NoLabels));
    out.push(matrix.balanced_accuracy());
    matrix.precision(out);
    matrix.recall(out);
    matrix.f1(out);
    out.push(matrix.table.mcc());
    out.push(matrix.table.cohen_kappa());
    roc_auc(accumulator, &matrix.classes, out);
    probabilities(accumulator, out);
}

impl Matrix {
    fn new<N: AsRef<str>>(accumulator: &MulticlassAccumulator, class_names: &[N]) -> Matrix {
        let name = |class: ClassId| class_names.get(usize::from(class.0)).expect("every class has a name").as_ref();
        let mut classes: Vec<ClassId> =
            accumulator.confusion.iter().flat_map(|&((actual, predicted), _)| [actual, predicted]).collect();
        classes.sort_by_key(|&class| (name(class), class));
        classes.dedup();
        let mut place = vec![0; class_names.len()];
        for (index, class) in classes.iter().enumerate() {
            place[usize::from(class.0)] = index;
        }
        let place = |class: ClassId| place[usize::from(class.0)];
        let mut cells: Vec<_> = accumulator
            .confusion
            .iter()
            .map(|&((actual, predicted), rows)| (place(actual), place(predicted), rows))
            .collect();
        cells.sort();
        let table = Table::new(classes.len(), cells);
        let agreed = table.agreed_by_class();
        Matrix { classes, table, agreed }
    }

    fn cells(&self, out: &mut Vec<MetricValue>) {
        out.extend(self.table.cells().iter().map(|&(actual, predicted, rows)| MetricValue {
            class: Some(self.classes[actual]),
            predicted_class: Some(self.classes[predicted]),
            ..MetricValue::new(Metric::Confusion, Ok(rows as f64), self.table.rows())
        }));
    }

    /// Rows that were predicted right, with the rows of `margin`, per class.
    fn shares(&self, margin: &[i64]) -> Vec<(i64, i64)> {
        self.agreed.iter().copied().zip(margin.iter().copied()).collect()
    }

    /// Mean recall of the classes that have a label: unlike macro recall it leaves out what was only predicted.
    fn balanced_accuracy(&self) -> MetricValue {
        let mut shares = self.shares(self.table.actual());
        shares.retain(|&(_, rows)| rows > 0);
        let recalls: Vec<_> = shares.iter().map(|&(agreed, rows)| Ok(agreed as f64 / rows as f64)).collect();
        MetricValue::new(Metric::BalancedAccuracy, mean(&recalls), self.table.rows())
            .with_interval(interval::mean_of_proportions(&shares))
    }

    fn precision(&self, out: &mut Vec<MetricValue>) {
        let shares = self.shares(self.table.predicted());
        let values = self.rates(Metric::Precision, &shares, out);
        out.push(self.micro(Metric::PrecisionMicro));
        out.push(self.weighted(Metric::PrecisionWeighted, &values));
    }

    fn recall(&self, out: &mut Vec<MetricValue>) {
        let shares = self.shares(self.table.actual());
        self.rates(Metric::Recall, &shares, out);
        out.push(self.micro(Metric::RecallMicro));
        // Σ t(k)·(tp / t(k)) / n is the accuracy.
        out.push(self.micro(Metric::RecallWeighted));
    }

    fn f1(&self, out: &mut Vec<MetricValue>) {
        let errors = |class: usize| self.table.actual()[class] + self.table.predicted()[class] - 2 * self.agreed[class];
        let rows = (0..self.classes.len()).map(|class| f1(self.agreed[class], errors(class)));
        let values = self.of_classes(rows.collect(), out);
        out.push(MetricValue::new(Metric::F1, mean(&values), self.table.rows()));
        out.push(self.micro(Metric::F1Micro));
        out.push(self.weighted(Metric::F1Weighted, &values));
    }

    /// The rate of each class, then their mean.
    fn rates(&self, metric: Metric, shares: &[(i64, i64)], out: &mut Vec<MetricValue>) -> Vec<Result<f64, Undefined>> {
        let rate = |&(agreed, rows)| MetricValue::rate(metric, agreed, rows, Undefined::ZeroDenominator);
        let values = self.of_classes(shares.iter().map(rate).collect(), out);
        let macro_mean = MetricValue::new(metric, mean(&values), self.table.rows());
        out.push(macro_mean.with_interval(interval::mean_of_proportions(shares)));
        values
    }

    /// Appends one row per class and returns the values.
    fn of_classes(&self, rows: Vec<MetricValue>, out: &mut Vec<MetricValue>) -> Vec<Result<f64, Undefined>> {
        let values = rows.iter().map(|row| row.value).collect();
        out.extend(rows.into_iter().zip(&self.classes).map(|(row, &class)| row.of_class(class)));
        values
    }

    /// With one label per row, all micro averages are the accuracy.
    fn micro(&self, metric: Metric) -> MetricValue {
        MetricValue::rate(metric, self.table.agreed(), self.table.rows(), Undefined::NoLabels)
    }

    /// Mean weighted by labels; a class without labels has no weight, whatever its value.
    fn weighted(&self, metric: Metric, values: &[Result<f64, Undefined>]) -> MetricValue {
        let labelled = values.iter().zip(self.table.actual()).filter(|&(_, &rows)| rows > 0);
        let sum = labelled.map(|(&value, &rows)| Ok((value?, rows))).collect::<Result<Vec<_>, _>>().map(|terms| {
            let mut sum = ExactSum::default();
            for (value, rows) in terms {
                sum.add_product(value, rows as f64, 1);
            }
            ratio_to_f64(&sum.to_rational(), &Rational::from(self.table.rows()))
        });
        MetricValue::new(metric, sum, self.table.rows())
    }
}

/// Mean of all values, summed exactly; undefined if there is none or one is undefined.
fn mean(values: &[Result<f64, Undefined>]) -> Result<f64, Undefined> {
    if values.is_empty() {
        return Err(Undefined::ZeroDenominator);
    }
    let mut sum = ExactSum::default();
    for &value in values {
        sum.add(value?);
    }
    Ok(ratio_to_f64(&sum.to_rational(), &Rational::from(values.len() as i64)))
}

/// Each class against the rest, and the mean over classes with the mean of their bounds.
fn roc_auc(accumulator: &MulticlassAccumulator, classes: &[ClassId], out: &mut Vec<MetricValue>) {
    let first = out.len();
    for &class in classes {
        let found = accumulator.one_vs_rest.binary_search_by_key(&class, |&(class, _)| class);
        let row = match found {
            Err(_) => MetricValue::new(Metric::RocAuc, Err(Undefined::NoScores), 0),
            Ok(index) => {
                let bins = &accumulator.one_vs_rest[index].1;
                let ranking = Ranking::new(&bins.positives, &bins.negatives);
                from_ranking(Metric::RocAuc, ranking.roc_auc(), ranking.rows())
            }
        };
        out.push(row.of_class(class));
    }
    let rows = &out[first..];
    let values: Vec<_> = rows.iter().map(|row| row.value).collect();
    let bounds: Vec<_> = rows.iter().filter_map(|row| row.error_bound.map(Ok)).collect();
    let macro_mean = MetricValue::new(Metric::RocAuc, mean(&values), accumulator.scored);
    out.push(match mean(&bounds) {
        Ok(bound) => macro_mean.with_error_bound(bound.next_up()),
        Err(_) => macro_mean,
    });
}

/// Means over rows with scores, exact up to the last division.
fn probabilities(accumulator: &MulticlassAccumulator, out: &mut Vec<MetricValue>) {
    let scored = accumulator.scored;
    if scored == 0 {
        let metrics = [Metric::LogLoss, Metric::Brier];
        out.extend(metrics.map(|metric| MetricValue::new(metric, Err(Undefined::NoScores), 0)));
        return;
    }
    let rows = Rational::from(scored);
    let of_actual = accumulator.score_of_actual.to_rational();
    // Σ over classes (s − [class is the label])² = Σ s² − 2·s(label) + 1.
    let distance = accumulator.score_squared.to_rational() - (&of_actual + &of_actual) + rows.clone();
    let mean = |metric, sum: &Rational| MetricValue::new(metric, Ok(ratio_to_f64(sum, &rows)), scored);
    out.push(mean(Metric::LogLoss, &accumulator.log_loss.to_rational()));
    out.push(mean(Metric::Brier, &distance));
}

#[cfg(test)]
#[path = "multiclass_tests.rs"]
mod tests;
