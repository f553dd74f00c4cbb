//! The catalog of *features*: what the values of each feature are. Rows have `feature`, but for those about the features
//! themselves.

use super::{Entry, Method, Range, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    share(Metric::MissingRate, "rows without a value / n", "predictions"),
    share(Metric::InvalidRate, "rows whose value is of another type, infinite or too large / n", "predictions"),
    share(Metric::UnseenRate, "rows whose category is not one of the reference's frequent ones / n", "categories"),
    share(
        Metric::Distinct,
        "different values; those without a bin of the reference estimated (HyperLogLog)",
        "categories",
    )
    .range(Range::NonNegative)
    .unit("values")
    .interval(Method::HyperLogLog),
    share(Metric::OutOfRangeRate, "rows below the reference's smallest or above its largest number / n", "numbers"),
    number(Metric::FeatureMean, "Σ x / n").interval(Method::Normal),
    number(Metric::FeatureStd, "√(Σ (x − mean)² / n)")
        .range(Range::NonNegative)
        .interval(Method::None("none: fourth moments are not kept")),
    number(Metric::FeatureMin, "smallest x, exact")
        .interval(Method::None("none: no distribution-free interval exists")),
    number(Metric::FeatureMax, "largest x, exact").interval(Method::None("none: no distribution-free interval exists")),
    quantile(Metric::FeatureP05, "5 % quantile of x"),
    quantile(Metric::FeatureP25, "25 % quantile of x"),
    quantile(Metric::FeatureP50, "median of x"),
    quantile(Metric::FeatureP75, "75 % quantile of x"),
    quantile(Metric::FeatureP95, "95 % quantile of x"),
    change(Metric::MissingRateChange, "`missing_rate` − that of the reference", "predictions"),
    change(Metric::InvalidRateChange, "`invalid_rate` − that of the reference", "predictions"),
    change(Metric::UnseenRateChange, "`unseen_rate` − that of the reference", "categories"),
    number(Metric::FeatureMeanChange, "`mean` − that of the reference").interval(Method::Welch).undefined(&[
        Undefined::NoRows,
        Undefined::NoReference,
        Undefined::ReferenceChanged,
        Undefined::Overflow,
    ]),
    features(
        Metric::FeaturesMissing,
        "features of the reference of which no row has anything",
        "features that had values in the reference",
    ),
    features(
        Metric::FeaturesConstant,
        "features that varied in the reference and have one value only",
        "features that varied in the reference, with `min_count` values",
    )
    .undefined(&[Undefined::NoRows, Undefined::NoReference, Undefined::BelowMinCount, Undefined::ReferenceChanged]),
    features(
        Metric::FeaturesNew,
        "names under `features` that the reference does not have; 32 means 32 or more",
        "predictions",
    )
    .undefined(&[Undefined::NoRows, Undefined::ReferenceChanged]),
];

const fn features(metric: Metric, formula: &'static str, inputs: &'static str) -> Entry {
    share(metric, formula, inputs)
        .range(Range::Count)
        .unit("features")
        .interval(Method::None("none: features are not a sample"))
        .undefined(&[Undefined::NoRows, Undefined::NoReference, Undefined::ReferenceChanged])
}

const fn share(metric: Metric, formula: &'static str, inputs: &'static str) -> Entry {
    rate(metric, formula, inputs).undefined(&[Undefined::NoRows, Undefined::ReferenceChanged])
}

const fn change(metric: Metric, formula: &'static str, inputs: &'static str) -> Entry {
    rate(metric, formula, inputs).range(Range::Signed).interval(Method::Newcombe).undefined(&[
        Undefined::NoRows,
        Undefined::NoReference,
        Undefined::ReferenceChanged,
    ])
}

const fn number(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "numbers").range(Range::Real).undefined(&[
        Undefined::NoRows,
        Undefined::ReferenceChanged,
        Undefined::Overflow,
    ])
}

const fn quantile(metric: Metric, formula: &'static str) -> Entry {
    number(metric, formula).interval(Method::OrderStatistics).binned()
}
