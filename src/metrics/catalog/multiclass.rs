//! The catalog of *multiclass*. c is the number of rows whose predicted class came true, n of all; t(k) and p(k) are the
//! rows whose label, or prediction, is class k. A class occurs if it is the label or the prediction of a row.

use super::{Entry, LABELS, Method, RANKING, Range, SCORES, rate};
use crate::metrics::Metric;

const ROWS: &str = "labelled rows";
const SCORED: &str = "labelled rows with scores";
const NO_MEAN: Method = Method::None("none, as the classes are not independent");

pub(super) const ENTRIES: &[Entry] = &[
    rate(Metric::Confusion, "rows with label `class` and prediction `predicted_class`; pairs without a row have none", ROWS)
        .range(Range::Count)
        .unit("rows")
        .interval(Method::None("none: a count of the rows themselves, not an estimate"))
        .undefined(LABELS),
    rate(Metric::Accuracy, "c / n", ROWS).undefined(LABELS),
    rate(Metric::BalancedAccuracy, "mean recall of the classes that occur as a label", ROWS)
        .interval(Method::MeanOfProportions)
        .undefined(LABELS),
    rate(Metric::Precision, "per class tp / p(k); without class, their mean over classes that occur", "per class p(k), else n")
        .interval(Method::ByClass(&Method::Wilson, &Method::MeanOfProportions)),
    rate(Metric::PrecisionMicro, "Σ tp / Σ p(k) = accuracy", ROWS).undefined(LABELS),
    rate(Metric::PrecisionWeighted, "Σ t(k)·precision(k) / n", ROWS)
        .interval(Method::None("none: the weights are random too, no standard interval exists")),
    rate(Metric::Recall, "per class tp / t(k); without class, their mean over classes that occur", "per class t(k), else n")
        .interval(Method::ByClass(&Method::Wilson, &Method::MeanOfProportions)),
    rate(Metric::RecallMicro, "Σ tp / Σ t(k) = accuracy", ROWS).undefined(LABELS),
    rate(Metric::RecallWeighted, "Σ t(k)·recall(k) / n = accuracy", ROWS).undefined(LABELS),
    rate(
        Metric::F1,
        "per class 2·tp / (t(k) + p(k)); without class, their mean over classes that occur",
        "per class t(k) + p(k) − tp, else n",
    )
    .interval(Method::ByClass(&Method::WilsonOfJaccard, &NO_MEAN))
    .undefined(LABELS),
    rate(Metric::F1Micro, "Σ 2·tp / Σ (t(k) + p(k)) = accuracy", ROWS).undefined(LABELS),
    rate(Metric::F1Weighted, "Σ t(k)·f1(k) / n", ROWS)
        .interval(Method::None("none: the weights are random too, no standard interval exists"))
        .undefined(LABELS),
    rate(Metric::Mcc, "(c·n − Σ p(k)·t(k)) / √((n² − Σ p(k)²)(n² − Σ t(k)²))", ROWS)
        .range(Range::Signed)
        .interval(Method::None("none: no standard interval for more than two classes")),
    rate(Metric::CohenKappa, "(c·n − Σ p(k)·t(k)) / (n² − Σ p(k)·t(k))", ROWS)
        .range(Range::Signed)
        .interval(Method::LargeSample),
    rate(
        Metric::RocAuc,
        "per class, of its score, the class against all others, ties half; without class, their mean over classes that occur",
        "per class labelled rows with its score, else labelled rows with scores",
    )
    .interval(Method::ByClass(&Method::DeLong, &NO_MEAN))
    .undefined(RANKING)
    .binned(),
    rate(Metric::LogLoss, "Σ −ln(normalised score of the label, clipped to [2⁻⁵², 1 − 2⁻⁵²]) / n", SCORED)
        .range(Range::NonNegative)
        .interval(Method::None("none: the sum of squares is not kept"))
        .undefined(SCORES),
    rate(Metric::Brier, "Σ over rows and classes (normalised score − [class is the label])² / n", SCORED)
        .range(Range::Two)
        .interval(Method::None("none: fourth powers are not kept"))
        .undefined(SCORES),
];
