//! The catalog of *fairness*: the groups of a protected column compared, by the conventions of fairlearn, except that
//! 0/0 is undefined. Groups below `min_group` labelled rows take no part.

use super::{Entry, Method, rate};
use crate::metrics::{Metric, Undefined};

const GROUPS: &str = "labelled rows of the groups compared";

pub(super) const ENTRIES: &[Entry] = &[
    rate(Metric::SelectionRate, "per group (tp + fp) / n", "labelled rows of the group")
        .undefined(&[Undefined::BelowMinGroup]),
    compared(Metric::DemographicParityDifference, "max − min over groups of selection_rate"),
    compared(Metric::DemographicParityRatio, "min / max over groups of selection_rate"),
    compared(Metric::EqualOpportunityDifference, "max − min over groups of recall"),
    compared(Metric::EqualOpportunityRatio, "min / max over groups of recall"),
    compared(Metric::EqualizedOddsDifference, "the larger of the differences of recall and of false_positive_rate"),
    compared(Metric::EqualizedOddsRatio, "the smaller of the ratios of recall and of false_positive_rate"),
    compared(Metric::PredictiveParityDifference, "max − min over groups of precision"),
    compared(Metric::PredictiveParityRatio, "min / max over groups of precision"),
];

const fn compared(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, GROUPS)
        .interval(Method::None("none: the extremes of several groups have no standard interval"))
        .undefined(&[Undefined::TooFewGroups, Undefined::ZeroDenominator])
}
