//! The catalog of *binary*. tp, fp, tn, fn are the confusion counts at the decision threshold; n is their sum; s is a
//! score; P and N are the scored rows that came true and those that did not.

use super::{Entry, LABELS, Method, RANKING, Range, SCORES, rate};
use crate::metrics::{Metric, Undefined};

const ROWS: &str = "labelled rows";
const SCORED: &str = "labelled rows with a score";

pub(super) const ENTRIES: &[Entry] = &[
    confusion(Metric::TruePositives, "rows predicted positive that came true"),
    confusion(Metric::FalsePositives, "rows predicted positive that did not"),
    confusion(Metric::TrueNegatives, "rows predicted negative that did not come true"),
    confusion(Metric::FalseNegatives, "rows predicted negative that came true"),
    rate(Metric::Accuracy, "(tp + tn) / n", ROWS).undefined(LABELS),
    rate(Metric::BalancedAccuracy, "(recall + specificity) / 2", ROWS).interval(Method::MeanOfProportions),
    rate(Metric::Precision, "tp / (tp + fp)", "labelled rows predicted positive"),
    rate(Metric::Recall, "tp / (tp + fn)", "labelled rows that came true"),
    rate(Metric::Specificity, "tn / (tn + fp)", "labelled rows that did not come true"),
    rate(Metric::Npv, "tn / (tn + fn)", "labelled rows predicted negative"),
    rate(Metric::FalsePositiveRate, "fp / (tn + fp)", "labelled rows that did not come true"),
    rate(Metric::FalseNegativeRate, "fn / (tp + fn)", "labelled rows that came true"),
    rate(Metric::F1, "2·tp / (2·tp + fp + fn)", "labelled rows that are not true negatives")
        .interval(Method::WilsonOfJaccard),
    rate(Metric::Mcc, "(tp·tn − fp·fn) / √((tp + fp)(tp + fn)(tn + fp)(tn + fn))", ROWS)
        .range(Range::Signed)
        .interval(Method::LargeSample),
    rate(Metric::CohenKappa, "(accuracy − e) / (1 − e), e = ((tp + fp)(tp + fn) + (tn + fp)(tn + fn)) / n²", ROWS)
        .range(Range::Signed)
        .interval(Method::LargeSample),
    rate(Metric::RocAuc, "share of (positive, negative) pairs that the score orders right, ties half", SCORED)
        .interval(Method::DeLong)
        .undefined(RANKING)
        .binned(),
    rate(Metric::PrAuc, "average precision: Σ over distinct scores of (growth of recall) · precision", SCORED)
        .interval(Method::Logit)
        .undefined(RANKING)
        .binned(),
    rate(Metric::KsScore, "max over thresholds of |recall − false_positive_rate|", SCORED)
        .interval(Method::Dkw)
        .undefined(RANKING)
        .binned(),
    rate(Metric::Gini, "2·roc_auc − 1", SCORED)
        .range(Range::Signed)
        .interval(Method::DeLong)
        .undefined(RANKING)
        .binned(),
    rate(Metric::LogLoss, "Σ −ln(probability given to what came true, clipped to [2⁻⁵², 1 − 2⁻⁵²]) / n", SCORED)
        .range(Range::NonNegative)
        .interval(Method::None("none: the sum of squares is not kept"))
        .undefined(SCORES),
    rate(Metric::Brier, "Σ (s − label)² / n", SCORED)
        .interval(Method::None("none: fourth powers are not kept"))
        .undefined(SCORES),
    rate(Metric::CalibrationError, "Σ over ten equal-width bins of |Σ s − rows that came true| / n", SCORED)
        .interval(Method::None("none: the estimate is biased upwards, no standard interval exists"))
        .undefined(SCORES),
    rate(Metric::Prevalence, "(tp + fn) / n", ROWS).undefined(LABELS),
    rate(Metric::PredictedPositiveRate, "(tp + fp) / n", ROWS).undefined(LABELS),
    rate(Metric::MeanScore, "Σ s / n", SCORED).interval(Method::Normal).undefined(SCORES),
    rate(
        Metric::BusinessValue,
        "tp·v(tp) + fp·v(fp) + tn·v(tn) + fn·v(fn), where `business_value` is configured",
        ROWS,
    )
    .range(Range::Real)
    .unit("as configured")
    .interval(Method::Normal)
    .undefined(&[Undefined::NoRows, Undefined::NoLabels, Undefined::Overflow]),
];

const fn confusion(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, ROWS)
        .range(Range::Count)
        .unit("rows")
        .interval(Method::None("none: a count of the rows themselves, not an estimate"))
        .undefined(LABELS)
}
