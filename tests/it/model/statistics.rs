//! Every metric of one series in one window, calculated the naive way: from full lists, exact where the tasks bin.

use super::naive::{Effect, Output, SeriesWindow, Truth};
use std::collections::{BTreeMap, BTreeSet};

/// Predicted class, score per class, class that came true.
type MulticlassRow = (String, Vec<(String, f64)>, String);
/// A term of a mean: of a row's scores and the class that came true.
type Term<'t> = dyn Fn(&[(String, f64)], &String) -> f64 + 't;

/// Name, class and predicted class.
pub type MetricKey = (&'static str, Option<String>, Option<String>);

/// What a row should say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// `None`: undefined.
    pub value: Option<f64>,
    pub count: i64,
    pub precision: Precision,
}

/// How near a row must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Exact,
    /// To 1e-9 of the value.
    Linear,
    /// To the row's own error bound.
    Binned,
}

/// Metrics as they are collected.
#[derive(Debug, Default)]
pub struct Metrics(pub BTreeMap<MetricKey, Expected>);

impl Metrics {
    /// Of a window. `size_ms` is its length.
    pub fn of(window: &SeriesWindow, size_ms: i64, tasks: &BTreeSet<&'static str>) -> Metrics {
        let mut metrics = Metrics::default();
        metrics.accounting(window);
        metrics.operations(window, size_ms);
        let binary: Vec<(Option<f64>, bool, bool)> = (window.labelled.iter())
            .filter_map(|(output, truth)| match output {
                Output::Binary { score, positive } => Some((*score, *positive, truth.binary_text() == "1")),
                _ => None,
            })
            .collect();
        let multiclass: Vec<_> = (window.labelled.iter())
            .filter_map(|(output, truth)| match output {
                Output::Multiclass { class, scores } => Some((class.clone(), scores.clone(), truth.text())),
                _ => None,
            })
            .collect();
        let regression: Vec<(f64, f64)> = (window.labelled.iter())
            .filter_map(|(output, truth)| match output {
                Output::Regression(value) => Some((*value, truth.number().unwrap())),
                _ => None,
            })
            .collect();
        // Several tasks share names; a window publishes each once, binary rows first.
        if tasks.contains("multiclass") || !multiclass.is_empty() {
            metrics.multiclass(&multiclass);
        }
        if tasks.contains("binary") || !binary.is_empty() {
            metrics.binary(&binary);
        }
        if tasks.contains("regression") || !regression.is_empty() {
            metrics.regression(&regression);
        }
        for row in &window.predictions {
            if let Output::Multiclass { class, .. } = &row.output {
                for actual in &row.taken_back {
                    metrics.taken_back(&actual.text(), class, multiclass.len() as i64);
                }
            }
        }
        metrics
    }

    /// A label that was taken back may have been published: its rows stay, as zero or undefined.
    fn taken_back(&mut self, actual: &str, predicted: &str, rows: i64) {
        let cell = ("confusion", Some(actual.to_owned()), Some(predicted.to_owned()));
        let none = Expected { value: Some(0.0), count: rows, precision: Precision::Exact };
        self.0.entry(cell).or_insert(none);
        for class in [actual, predicted] {
            for name in ["precision", "recall", "f1", "roc_auc"] {
                let undefined = Expected { value: None, count: 0, precision: Precision::Exact };
                self.0.entry((name, Some(class.to_owned()), None)).or_insert(undefined);
            }
        }
    }

    fn put(&mut self, name: &'static str, value: Option<f64>, count: i64, precision: Precision) {
        self.0.insert((name, None, None), Expected { value, count, precision });
    }

    fn class(&mut self, name: &'static str, class: &str, value: Option<f64>, count: i64, precision: Precision) {
        self.0.insert((name, Some(class.to_owned()), None), Expected { value, count, precision });
    }

    fn accounting(&mut self, window: &SeriesWindow) {
        let effects = |effect| window.effects.get(&effect).copied().unwrap_or(0);
        let used = effects(Effect::Matched);
        let (duplicate, corrected, retracted) =
            (effects(Effect::Duplicate), effects(Effect::Corrected), effects(Effect::Retracted));
        let predictions = window.predictions.len() as i64;
        let counts = [
            ("predictions", predictions),
            ("labels", used + duplicate + corrected + retracted + window.orphans),
            ("matched", window.matched),
            ("pending", window.pending),
            ("expired", window.expired),
            ("orphan_labels", window.orphans),
            ("duplicate_predictions", window.duplicate_predictions),
            ("duplicate_labels", duplicate),
            ("corrected_labels", corrected),
            ("retracted_labels", retracted),
            ("late_predictions", 0),
            ("late_labels", 0),
            ("dead_letters", window.dead_letters),
        ];
        for (name, count) in counts {
            self.put(name, Some(count as f64), count, Precision::Exact);
        }
        self.put("label_coverage", ratio(window.matched, predictions), predictions, Precision::Linear);
        let delays = &window.delays_ms;
        for (name, q) in [
            ("label_delay_ms_p50", 0.5),
            ("label_delay_ms_p90", 0.9),
            ("label_delay_ms_p95", 0.95),
            ("label_delay_ms_p99", 0.99),
        ] {
            self.put(name, quantile(delays, q), delays.len() as i64, Precision::Binned);
        }
        self.put("label_delay_ms_mean", mean(delays), delays.len() as i64, Precision::Linear);
        self.put("label_delay_ms_max", largest(delays), delays.len() as i64, Precision::Binned);
    }

    fn operations(&mut self, window: &SeriesWindow, size_ms: i64) {
        let requests = window.predictions.len() as i64 + window.failed;
        let throughput = requests as f64 * 1000.0 / size_ms as f64;
        self.put("throughput_per_second", Some(throughput), requests, Precision::Linear);
        self.put("error_rate", ratio(window.failed, requests), requests, Precision::Linear);
        let latencies = &window.latencies_ms;
        let count = latencies.len() as i64;
        for (name, q) in
            [("latency_ms_p50", 0.5), ("latency_ms_p90", 0.9), ("latency_ms_p95", 0.95), ("latency_ms_p99", 0.99)]
        {
            self.put(name, quantile(latencies, q), count, Precision::Binned);
        }
        self.put("latency_ms_mean", mean(latencies), count, Precision::Linear);
        self.put("latency_ms_max", largest(latencies), count, Precision::Exact);
    }

    /// Of (score, predicted positive, came true).
    fn binary(&mut self, rows: &[(Option<f64>, bool, bool)]) {
        let count = |predicted: bool, actual: bool| {
            rows.iter().filter(|(_, p, a)| (*p, *a) == (predicted, actual)).count() as i64
        };
        let (tp, fp, tn, fn_) = (count(true, true), count(true, false), count(false, false), count(false, true));
        let n = rows.len() as i64;
        let is_any = |value: f64| (n > 0).then_some(value);
        for (name, cell) in
            [("true_positives", tp), ("false_positives", fp), ("true_negatives", tn), ("false_negatives", fn_)]
        {
            self.put(name, is_any(cell as f64), n, Precision::Exact);
        }
        let rates = [
            ("accuracy", tp + tn, n),
            ("precision", tp, tp + fp),
            ("recall", tp, tp + fn_),
            ("specificity", tn, tn + fp),
            ("npv", tn, tn + fn_),
            ("false_positive_rate", fp, tn + fp),
            ("false_negative_rate", fn_, tp + fn_),
            ("prevalence", tp + fn_, n),
            ("predicted_positive_rate", tp + fp, n),
        ];
        for (name, successes, trials) in rates {
            self.put(name, ratio(successes, trials), trials, Precision::Linear);
        }
        self.put("f1", ratio(2 * tp, 2 * tp + fp + fn_), tp + fp + fn_, Precision::Linear);
        let balanced =
            ratio(tp, tp + fn_).zip(ratio(tn, tn + fp)).map(|(recall, specificity)| (recall + specificity) / 2.0);
        self.put("balanced_accuracy", balanced, n, Precision::Linear);
        let table = [((0, 0), tn), ((0, 1), fp), ((1, 0), fn_), ((1, 1), tp)];
        self.agreement(&table.map(|((a, p), rows)| (a, p, rows)), 2);

        let scored: Vec<(f64, bool)> =
            rows.iter().filter_map(|(score, _, actual)| Some(((*score)?, *actual))).collect();
        let n = scored.len() as i64;
        let auc = roc_auc(&scored);
        self.put("roc_auc", auc, n, Precision::Binned);
        self.put("gini", auc.map(|auc| 2.0 * auc - 1.0), n, Precision::Binned);
        self.put("pr_auc", average_precision(&scored), n, Precision::Binned);
        self.put("ks_score", kolmogorov_smirnov(&scored), n, Precision::Binned);
        let means =
            |term: &dyn Fn(f64, bool) -> f64| mean(&scored.iter().map(|(s, y)| term(*s, *y)).collect::<Vec<_>>());
        self.put("log_loss", means(&|s, y| log_loss(if y { s } else { 1.0 - s })), n, Precision::Linear);
        self.put("brier", means(&|s, y| (s - f64::from(u8::from(y))).powi(2)), n, Precision::Linear);
        self.put("mean_score", means(&|s, _| s), n, Precision::Linear);
        let mut bins = [0.0; 10];
        for (score, actual) in &scored {
            // Bins [i/10, (i+1)/10), the last closed.
            let bin = (1..10).filter(|i| *score >= f64::from(*i) / 10.0).count();
            bins[bin] += score - f64::from(u8::from(*actual));
        }
        let calibration = (n > 0).then(|| bins.iter().map(|bin: &f64| bin.abs()).sum::<f64>() / n as f64);
        self.put("calibration_error", calibration, n, Precision::Linear);
    }

    /// Of (predicted class, class scores, class).
    fn multiclass(&mut self, rows: &[MulticlassRow]) {
        let n = rows.len() as i64;
        let classes: BTreeSet<&String> = rows.iter().flat_map(|(predicted, _, actual)| [predicted, actual]).collect();
        let classes: Vec<&String> = classes.into_iter().collect();
        let cell = |actual: &String, predicted: &String| {
            rows.iter().filter(|(p, _, a)| (a, p) == (actual, predicted)).count() as i64
        };
        let mut table = Vec::new();
        for (i, actual) in classes.iter().enumerate() {
            for (j, predicted) in classes.iter().enumerate() {
                let count = cell(actual, predicted);
                table.push((i, j, count));
                if count > 0 {
                    let key = ("confusion", Some((*actual).clone()), Some((*predicted).clone()));
                    self.0.insert(key, Expected { value: Some(count as f64), count: n, precision: Precision::Exact });
                }
            }
        }
        let agreed = rows.iter().filter(|(predicted, _, actual)| predicted == actual).count() as i64;
        for name in ["accuracy", "precision_micro", "recall_micro", "f1_micro", "recall_weighted"] {
            self.put(name, ratio(agreed, n), n, Precision::Linear);
        }
        let (mut precisions, mut recalls, mut f1s, mut aucs, mut labels) = (vec![], vec![], vec![], vec![], vec![]);
        for class in &classes {
            let labelled = rows.iter().filter(|(_, _, actual)| actual == *class).count() as i64;
            let predicted = rows.iter().filter(|(predicted, _, _)| predicted == *class).count() as i64;
            let tp = cell(class, class);
            let (precision, recall) = (ratio(tp, predicted), ratio(tp, labelled));
            let f1 = ratio(2 * tp, labelled + predicted);
            self.class("precision", class, precision, predicted, Precision::Linear);
            self.class("recall", class, recall, labelled, Precision::Linear);
            self.class("f1", class, f1, labelled + predicted - tp, Precision::Linear);
            let ranked: Vec<(f64, bool)> = (rows.iter())
                .filter_map(|(_, scores, actual)| Some((normalised(scores, class)?, actual == *class)))
                .collect();
            let auc = roc_auc(&ranked);
            self.class("roc_auc", class, auc, ranked.len() as i64, Precision::Binned);
            precisions.push(precision);
            recalls.push(recall);
            f1s.push(f1);
            aucs.push(auc);
            labels.push(labelled);
        }
        self.put("precision", mean_of(&precisions), n, Precision::Linear);
        self.put("recall", mean_of(&recalls), n, Precision::Linear);
        self.put("f1", mean_of(&f1s), n, Precision::Linear);
        let with_label: Vec<_> =
            recalls.iter().zip(&labels).filter(|(_, n)| **n > 0).map(|(recall, _)| *recall).collect();
        self.put("balanced_accuracy", mean_of(&with_label), n, Precision::Linear);
        let weighted = |values: &[Option<f64>]| {
            let terms = values.iter().zip(&labels).filter(|(_, n)| **n > 0);
            let sum = terms.map(|(value, n)| value.map(|value| value * *n as f64)).sum::<Option<f64>>();
            sum.filter(|_| n > 0).map(|sum| sum / n as f64)
        };
        self.put("precision_weighted", weighted(&precisions), n, Precision::Linear);
        self.put("f1_weighted", weighted(&f1s), n, Precision::Linear);
        self.agreement(&table, classes.len());

        let total = |scores: &[(String, f64)]| scores.iter().map(|(_, score)| score).sum::<f64>();
        let scored: Vec<_> = rows.iter().filter(|(_, scores, _)| total(scores) > 0.0).collect();
        let count = scored.len() as i64;
        let roc_auc = if n > 0 { mean_of(&aucs) } else { None };
        self.put("roc_auc", roc_auc, count, Precision::Binned);
        let means =
            |term: &Term<'_>| mean(&scored.iter().map(|(_, scores, actual)| term(scores, actual)).collect::<Vec<_>>());
        let of_actual = |scores: &[(String, f64)], actual: &String| normalised(scores, actual).unwrap_or(0.0);
        self.put("log_loss", means(&|scores, actual| log_loss(of_actual(scores, actual))), count, Precision::Linear);
        let brier = means(&|scores, actual| {
            let others = scores.iter().filter(|(class, _)| class != actual);
            let others: f64 = others.map(|(_, score)| (score / total(scores)).powi(2)).sum();
            (of_actual(scores, actual) - 1.0).powi(2) + others
        });
        self.put("brier", brier, count, Precision::Linear);
    }

    /// Of (prediction, label).
    fn regression(&mut self, rows: &[(f64, f64)]) {
        let n = rows.len() as i64;
        let means = |term: &dyn Fn(f64, f64) -> f64| mean(&rows.iter().map(|(p, l)| term(*p, *l)).collect::<Vec<_>>());
        let (mean_prediction, mean_label) = (means(&|p, _| p), means(&|_, l| l));
        let mse = means(&|p, l| (p - l).powi(2));
        self.put("mae", means(&|p, l| (p - l).abs()), n, Precision::Linear);
        self.put("mse", mse, n, Precision::Linear);
        self.put("rmse", mse.map(f64::sqrt), n, Precision::Linear);
        self.put("bias", means(&|p, l| p - l), n, Precision::Linear);
        self.put("mean_prediction", mean_prediction, n, Precision::Linear);
        self.put("mean_label", mean_label, n, Precision::Linear);
        self.put(
            "smape",
            means(&|p, l| if p == 0.0 && l == 0.0 { 0.0 } else { 2.0 * (p - l).abs() / (p.abs() + l.abs()) }),
            n,
            Precision::Linear,
        );
        let percentages: Vec<f64> = rows.iter().filter(|(_, l)| *l != 0.0).map(|(p, l)| ((p - l) / l).abs()).collect();
        self.put("mape", mean(&percentages), percentages.len() as i64, Precision::Linear);
        let has_negatives = rows.iter().any(|(p, l)| *p < 0.0 || *l < 0.0);
        self.put(
            "msle",
            means(&|p, l| (p.ln_1p() - l.ln_1p()).powi(2)).filter(|_| !has_negatives),
            n,
            Precision::Linear,
        );
        let moment = |one: &dyn Fn(f64, f64) -> f64, other: &dyn Fn(f64, f64) -> f64| {
            means(&|p, l| one(p, l) * other(p, l)).unwrap_or(0.0)
        };
        let of_prediction = |p: f64, _: f64| p - mean_prediction.unwrap_or(0.0);
        let of_label = |_: f64, l: f64| l - mean_label.unwrap_or(0.0);
        let labels_vary = rows.iter().any(|(_, l)| *l != rows[0].1);
        let predictions_vary = rows.iter().any(|(p, _)| *p != rows[0].0);
        let spread = moment(&of_label, &of_label);
        self.put("r2", mse.filter(|_| labels_vary).map(|mse| 1.0 - mse / spread), n, Precision::Linear);
        let pearson = moment(&of_prediction, &of_label) / (moment(&of_prediction, &of_prediction) * spread).sqrt();
        self.put("pearson", (labels_vary && predictions_vary).then_some(pearson), n, Precision::Linear);
        let errors: Vec<f64> = rows.iter().map(|(p, l)| p - l).collect();
        for (name, q) in [("error_p05", 0.05), ("error_p50", 0.5), ("error_p95", 0.95)] {
            self.put(name, quantile(&errors, q), n, Precision::Binned);
        }
        let magnitudes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        self.put("max_error", largest(&magnitudes), n, Precision::Binned);
    }

    /// Matthews' correlation and Cohen's kappa of (actual, predicted, rows).
    fn agreement(&mut self, table: &[(usize, usize, i64)], classes: usize) {
        let n: i64 = table.iter().map(|(_, _, rows)| rows).sum();
        let margin = |of: &dyn Fn(&(usize, usize, i64)) -> usize, class: usize| -> f64 {
            table.iter().filter(|cell| of(cell) == class).map(|cell| cell.2 as f64).sum()
        };
        let actual: Vec<f64> = (0..classes).map(|class| margin(&|cell| cell.0, class)).collect();
        let predicted: Vec<f64> = (0..classes).map(|class| margin(&|cell| cell.1, class)).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let agreed: f64 = table.iter().filter(|(a, p, _)| a == p).map(|cell| cell.2 as f64).sum();
        let squared = (n * n) as f64;
        let covariance = agreed * n as f64 - dot(&actual, &predicted);
        let product = (squared - dot(&predicted, &predicted)) * (squared - dot(&actual, &actual));
        self.put("mcc", (product > 0.0).then(|| covariance / product.sqrt()), n, Precision::Linear);
        let kappa = squared - dot(&actual, &predicted);
        self.put("cohen_kappa", (kappa > 0.0).then(|| covariance / kappa), n, Precision::Linear);
    }
}

/// What the tasks know a window's tasks from: the configured one and those of its predictions.
pub fn tasks(window: &SeriesWindow, configured: Option<&'static str>) -> BTreeSet<&'static str> {
    let of_rows = window.predictions.iter().filter_map(|row| match row.output {
        Output::Binary { .. } => Some("binary"),
        Output::Multiclass { .. } => Some("multiclass"),
        Output::Regression(_) => Some("regression"),
        Output::Failed => None,
    });
    of_rows.chain(configured).collect()
}

fn ratio(successes: i64, trials: i64) -> Option<f64> {
    (trials > 0).then(|| successes as f64 / trials as f64)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Undefined if one of the values is.
fn mean_of(values: &[Option<f64>]) -> Option<f64> {
    mean(&values.iter().copied().collect::<Option<Vec<f64>>>()?)
}

fn largest(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::max)
}

/// Linear between order statistics.
fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * (position - low as f64))
}

fn log_loss(probability: f64) -> f64 {
    -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

/// A class's share of the scores; `None` where it has no score or there is nothing to share.
fn normalised(scores: &[(String, f64)], class: &String) -> Option<f64> {
    let total: f64 = scores.iter().map(|(_, score)| score).sum();
    let score = scores.iter().find(|(name, _)| name == class)?.1;
    (total > 0.0).then(|| score / total)
}

fn has_both(rows: &[(f64, bool)]) -> bool {
    rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.1)
}

/// Share of (positive, negative) pairs in the right order, ties half.
fn roc_auc(rows: &[(f64, bool)]) -> Option<f64> {
    let (mut ordered, mut pairs) = (0.0, 0.0);
    for (positive, _) in rows.iter().filter(|row| row.1) {
        for (negative, _) in rows.iter().filter(|row| !row.1) {
            pairs += 1.0;
            ordered += if positive > negative {
                1.0
            } else if positive == negative {
                0.5
            } else {
                0.0
            };
        }
    }
    (pairs > 0.0).then(|| ordered / pairs)
}

fn thresholds(rows: &[(f64, bool)]) -> Vec<f64> {
    let mut scores: Vec<f64> = rows.iter().map(|row| row.0).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.dedup();
    scores
}

fn average_precision(rows: &[(f64, bool)]) -> Option<f64> {
    let positives = rows.iter().filter(|row| row.1).count() as f64;
    let mut sum = 0.0;
    for threshold in thresholds(rows) {
        let selected = rows.iter().filter(|row| row.0 >= threshold);
        let precision = selected.clone().filter(|row| row.1).count() as f64 / selected.count() as f64;
        let here = rows.iter().filter(|row| row.0 == threshold && row.1).count() as f64;
        sum += precision * here / positives;
    }
    (positives > 0.0).then_some(sum)
}

fn kolmogorov_smirnov(rows: &[(f64, bool)]) -> Option<f64> {
    let share = |threshold: f64, class: bool| {
        let of_class = rows.iter().filter(|row| row.1 == class);
        of_class.clone().filter(|row| row.0 >= threshold).count() as f64 / of_class.count() as f64
    };
    let gaps = thresholds(rows).into_iter().map(|threshold| (share(threshold, true) - share(threshold, false)).abs());
    has_both(rows).then(|| gaps.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_naive_statistics_are_those_of_textbooks() {
        let rows = [(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        assert_eq!(roc_auc(&rows), Some(0.75));
        assert!((average_precision(&rows).unwrap() - 0.8333333333333333).abs() < 1e-15);
        assert_eq!(kolmogorov_smirnov(&rows), Some(0.5));
        assert_eq!(quantile(&[4.0, 1.0, 2.0], 0.25), Some(1.5));
        assert_eq!(Truth::Text("true".to_owned()).binary_text(), "1");
    }
}
