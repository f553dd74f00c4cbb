//! What the columns of scikit-learn's tables are called here, and how close they must be.

use super::compare::{Comparison, Rule};
use super::fold::Metrics;
use super::table::Line;

/// Columns that say which rows a line is about.
const KEYS: [&str; 12] = [
    "split",
    "kind",
    "key",
    "first_request_id",
    "last_request_id",
    "start_ts",
    "end_ts",
    "segment",
    "value",
    "window_start",
    "window_end",
    "time",
];

/// What a column is compared with.
#[derive(Debug, PartialEq, Eq)]
enum Counterpart {
    /// A metric of that name.
    Metric(String, Rule),
    /// Count of rows with a label of that class: what its recall rests on.
    Support(String),
    /// Labels that are 0, which `mape` leaves out.
    ZeroLabels,
    /// No metric.
    None,
}

/// Compares every number of `line` with its metric, and what follows from the numbers.
pub fn compare(comparison: &mut Comparison, place: &str, metrics: &Metrics, line: &Line) {
    compare_numbers(comparison, place, metrics, line.numbers(&KEYS));
}

/// Compares every `(column, number)` with its metric, and what follows from the numbers.
pub fn compare_numbers<'a>(
    comparison: &mut Comparison,
    place: &str,
    metrics: &Metrics,
    numbers: impl Iterator<Item = (&'a str, Option<f64>)>,
) {
    let (mut rows, mut labelled) = (f64::NAN, f64::NAN);
    let mut zero_labels = None;
    for (column, expected) in numbers {
        match column {
            "n" => rows = expected.unwrap(),
            "n_labeled" => labelled = expected.unwrap(),
            _ => {}
        }
        match counterpart(column) {
            Counterpart::Metric(name, Rule::Exact) if expected == Some(0.0) && name.starts_with("confusion") => {
                let absent = metrics.get(&name).is_none_or(|row| row.value == Some(0.0));
                comparison.note(place, &name, absent.then_some(()).ok_or_else(|| "a row, expected none".to_owned()));
            }
            Counterpart::Metric(name, rule) => comparison.check(place, metrics, &name, rule, expected),
            Counterpart::Support(name) => {
                let found = metrics.get(&name).map_or(0, |row| row.count);
                comparison.equal(place, column, found as f64, expected.unwrap());
            }
            Counterpart::ZeroLabels => zero_labels = expected,
            Counterpart::None => {}
        }
    }
    comparison.check(place, metrics, "label_coverage", Rule::Close, Some(labelled / rows));
    if let Some(zero_labels) = zero_labels {
        let found = metrics.get("mape").map_or(f64::NAN, |row| row.count as f64);
        comparison.equal(place, "rows of mape", found, labelled - zero_labels);
    }
}

/// Panics for a column that is not known, so that none is left out in silence.
fn counterpart(column: &str) -> Counterpart {
    use Counterpart::{Metric, Support, ZeroLabels};
    use Rule::{Bounded, Close, Exact};
    let metric = |name: &str, rule| Metric(name.to_owned(), rule);
    let (stem, classes) = column.split_at(column.find('[').unwrap_or(column.len()));
    let of_class = |name: &str, rule| Metric(format!("{name}{classes}"), rule);
    match stem {
        "n" => metric("predictions", Exact),
        "n_labeled" => metric("matched", Exact),
        "tp" => metric("true_positives", Exact),
        "fp" => metric("false_positives", Exact),
        "tn" => metric("true_negatives", Exact),
        "fn" => metric("false_negatives", Exact),
        "fpr" => metric("false_positive_rate", Close),
        "fnr" => metric("false_negative_rate", Close),
        "ece10" => metric("calibration_error", Close),
        "average_precision" => metric("pr_auc", Bounded),
        "roc_auc" => metric("roc_auc", Bounded),
        "cm" => of_class("confusion", Exact),
        "precision" | "recall" | "f1" => of_class(stem, Close),
        "precision_macro" => metric("precision", Close),
        "recall_macro" => metric("recall", Close),
        "f1_macro" => metric("f1", Close),
        "roc_auc_ovr" => of_class("roc_auc", Bounded),
        "roc_auc_ovr_macro" => metric("roc_auc", Bounded),
        "brier_multi_sum" => metric("brier", Close),
        "support" => Support(format!("recall{classes}")),
        "bias_pred_minus_true" => metric("bias", Close),
        "mape_nonzero" => metric("mape", Close),
        "mean_true" => metric("mean_label", Close),
        "mean_pred" => metric("mean_prediction", Close),
        "max_error" => metric("max_error", Bounded),
        "q05_error" => metric("error_p05", Bounded),
        "q50_error" => metric("error_p50", Bounded),
        "q95_error" => metric("error_p95", Bounded),
        "n_true_zero" => ZeroLabels,
        "accuracy"
        | "balanced_accuracy"
        | "specificity"
        | "npv"
        | "mcc"
        | "cohen_kappa"
        | "log_loss"
        | "brier"
        | "prevalence"
        | "predicted_positive_rate"
        | "mean_score"
        | "precision_weighted"
        | "recall_weighted"
        | "f1_weighted"
        | "precision_micro"
        | "recall_micro"
        | "f1_micro"
        | "mae"
        | "mse"
        | "rmse"
        | "r2"
        | "smape"
        | "msle"
        | "pearson" => metric(stem, Close),
        // Another convention (denominators below 2⁻⁵² for zero), or nothing that is published here.
        "mape_sklearn"
        | "explained_variance"
        | "median_ae"
        | "std_true"
        | "std_pred"
        | "roc_auc_ovr_weighted"
        | "roc_auc_ovo_macro_hand_till" => Counterpart::None,
        _ => panic!("what is column {column} called here?"),
    }
}

#[test]
fn columns_of_classes_keep_their_classes() {
    assert_eq!(counterpart("cm[a][b]"), Counterpart::Metric("confusion[a][b]".to_owned(), Rule::Exact));
    assert_eq!(counterpart("precision[a]"), Counterpart::Metric("precision[a]".to_owned(), Rule::Close));
    assert_eq!(counterpart("precision"), Counterpart::Metric("precision".to_owned(), Rule::Close));
    assert_eq!(counterpart("support[a]"), Counterpart::Support("recall[a]".to_owned()));
}

#[test]
#[should_panic(expected = "what is column auc")]
fn an_unknown_column_is_not_left_out_in_silence() {
    counterpart("auc");
}
