//! The catalog of *change of performance*: what has made accuracy other than it was on the reference.

use super::{Entry, Method, Range, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    change(Metric::AccuracyChangeMix, "Σ (s₁ − s₀) · (a₀ + a₁) / 2: groups have other shares"),
    change(Metric::AccuracyChangeWithin, "Σ (a₁ − a₀) · (s₀ + s₁) / 2: the same groups are predicted otherwise"),
];

const fn change(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "labelled rows")
        .range(Range::Signed)
        .undefined(&[
            Undefined::NoLabels,
            Undefined::NoReference,
            Undefined::ReferenceChanged,
            Undefined::TooManyGroups,
        ])
        .interval(Method::None("none: the two accuracies have their own"))
}
