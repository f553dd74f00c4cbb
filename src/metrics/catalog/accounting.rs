//! The catalog of *accounting*: where every record went, and how long labels took.

use super::{Entry, LABELS, Method, Range, count, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    count(
        Metric::Predictions,
        "accepted predictions = matched + pending + expired",
        "predictions that are not duplicate, late or failed",
    ),
    count(
        Metric::Labels,
        "used + duplicate_labels + corrected_labels + retracted_labels + late_labels + orphan_labels",
        "label records with an outcome (a label that waits has none yet)",
    ),
    count(Metric::Matched, "predictions that have a label", "predictions with a label"),
    count(Metric::Pending, "predictions whose label may still come", "predictions without a label, within the horizon"),
    count(
        Metric::Expired,
        "predictions whose label did not come in time",
        "predictions without a label, past the horizon",
    ),
    count(Metric::OrphanLabels, "labels that no prediction has met or can meet", "labels without a prediction"),
    count(Metric::DuplicatePredictions, "the same prediction again", "predictions that were not counted again"),
    count(Metric::DuplicateLabels, "the same label again", "labels that changed nothing"),
    count(Metric::CorrectedLabels, "labels that replaced another", "labels that replaced another"),
    count(Metric::RetractedLabels, "labels that were taken back", "label records with `deleted`"),
    count(Metric::LatePredictions, "predictions whose windows were final", "predictions that changed nothing"),
    count(Metric::LateLabels, "labels whose prediction was gone", "labels that changed nothing"),
    count(Metric::DeadLetters, "records that could not be used", "records of the series in `dead-letters`"),
    rate(Metric::LabelCoverage, "matched / predictions", "predictions").undefined(&[Undefined::NoRows]),
    delay_quantile(Metric::LabelDelayMsP50, "median of label time − prediction time"),
    delay_quantile(Metric::LabelDelayMsP90, "90 % quantile of label time − prediction time"),
    delay_quantile(Metric::LabelDelayMsP95, "95 % quantile of label time − prediction time"),
    delay_quantile(Metric::LabelDelayMsP99, "99 % quantile of label time − prediction time"),
    delay(Metric::LabelDelayMsMean, "Σ (label time − prediction time) / n")
        .interval(Method::None("none: the sum of squares is not kept")),
    delay(Metric::LabelDelayMsMax, "largest label time − prediction time, from the outermost occupied bin")
        .interval(Method::None("none: no distribution-free interval exists"))
        .binned(),
];

/// Of a label delay; negative where the label came first.
const fn delay(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "labelled rows").range(Range::Real).unit("ms").undefined(LABELS)
}

const fn delay_quantile(metric: Metric, formula: &'static str) -> Entry {
    delay(metric, formula).interval(Method::OrderStatistics).binned()
}
