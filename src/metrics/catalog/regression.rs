//! The catalog of *regression*. p is a prediction, l a label, e = p − l the error; sums are over labelled rows and exact.

use super::{Entry, LABELS, Method, QUOTIENT, Range, rate};
use crate::metrics::{Metric, Undefined};

const ROWS: &str = "labelled rows";
const NO_SQUARES: Method = Method::None("none: the sum of squares is not kept");

pub(super) const ENTRIES: &[Entry] = &[
    error(Metric::Mae, "Σ |e| / n").unit("of the label").interval(Method::Normal),
    error(Metric::Mse, "Σ e² / n")
        .unit("of the label, squared")
        .interval(Method::None("none: fourth powers are not kept")),
    error(Metric::Rmse, "√mse").unit("of the label").interval(Method::None("none: fourth powers are not kept")),
    error(Metric::R2, "1 − n·Σe² / (n·Σl² − (Σl)²)")
        .range(Range::UpToOne)
        .undefined(QUOTIENT)
        .interval(Method::None("none: the standard interval assumes a fitted linear model")),
    rate(Metric::Mape, "Σ |e / l| / n", "labelled rows with l ≠ 0")
        .range(Range::NonNegative)
        .interval(NO_SQUARES)
        .undefined(&[Undefined::NoRows, Undefined::NoLabels, Undefined::ZeroDenominator, Undefined::Overflow]),
    error(Metric::Smape, "Σ 2|e| / (|l| + |p|) / n, 0/0 = 0").range(Range::Two).interval(NO_SQUARES),
    error(Metric::Msle, "Σ (ln(1 + p) − ln(1 + l))² / n").interval(NO_SQUARES).undefined(&[
        Undefined::NoRows,
        Undefined::NoLabels,
        Undefined::NegativeValues,
    ]),
    error(Metric::Bias, "Σ e / n").range(Range::Real).unit("of the label").interval(Method::Normal),
    error(Metric::MaxError, "largest |e|, from the outermost occupied bin")
        .unit("of the label")
        .interval(Method::None("none: no distribution-free interval exists"))
        .binned(),
    error(Metric::Pearson, "(n·Σpl − Σp·Σl) / √((n·Σp² − (Σp)²)(n·Σl² − (Σl)²))")
        .range(Range::Signed)
        .interval(Method::FisherZ)
        .undefined(QUOTIENT),
    error_quantile(Metric::ErrorP05, "5 % quantile of e"),
    error_quantile(Metric::ErrorP50, "median of e"),
    error_quantile(Metric::ErrorP95, "95 % quantile of e"),
    error(Metric::MeanPrediction, "Σ p / n").range(Range::Real).unit("of the label").interval(Method::Normal),
    error(Metric::MeanLabel, "Σ l / n").range(Range::Real).unit("of the label").interval(Method::Normal),
];

const fn error(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, ROWS).range(Range::NonNegative).undefined(LABELS)
}

const fn error_quantile(metric: Metric, formula: &'static str) -> Entry {
    error(metric, formula).range(Range::Real).unit("of the label").interval(Method::OrderStatistics).binned()
}
