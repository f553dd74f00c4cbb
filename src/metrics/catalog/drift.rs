//! The catalog of *drift*: how far each feature has moved from the reference. Rows have `feature`, `reference_id`
//! and `reference_kind`.

use super::{Entry, Method, Range, rate};
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    binned(Metric::Psi, "Σ (q − p) · ln(q / p) over bins, shares of 0 as 1e-4").range(Range::NonNegative),
    binned(Metric::JensenShannon, "√ of the mean of the divergences (base 2) of p and q from (p + q) / 2"),
    binned(Metric::Hellinger, "√(1 − Σ √(p · q))"),
    binned(Metric::TotalVariation, "½ Σ |p − q|"),
    binned(Metric::LInfinity, "max |p − q|"),
    ordered(Metric::KolmogorovSmirnov, "max |F − G| of the distribution functions").binned(),
    ordered(Metric::KolmogorovSmirnovP, "probability of as large a `kolmogorov_smirnov` without drift"),
    ordered(Metric::Wasserstein, "∫ |F − G| dx, in the unit of the feature")
        .range(Range::NonNegative)
        .undefined(&[Undefined::NoRows, Undefined::NoReference, Undefined::ReferenceChanged, Undefined::Overflow])
        .binned(),
    ordered(Metric::WassersteinNormed, "`wasserstein` / standard deviation of the reference")
        .range(Range::NonNegative)
        .undefined(&[
            Undefined::NoRows,
            Undefined::NoReference,
            Undefined::ReferenceChanged,
            Undefined::ZeroDenominator,
            Undefined::Overflow,
        ])
        .binned(),
    binned(
        Metric::ChiSquare,
        "Pearson's χ² of the table reference/window × bins; Yates' correction at one degree of freedom",
    )
    .range(Range::NonNegative),
    binned(Metric::ChiSquareP, "upper tail of the χ² distribution at `chi_square`"),
    binned(
        Metric::Drifted,
        "1 if the effect reaches `threshold`, exceeds `null_quantile` and survives false-discovery control, else 0",
    )
    .undefined(&[
        Undefined::NoRows,
        Undefined::NoReference,
        Undefined::ReferenceChanged,
        Undefined::BelowMinCount,
        Undefined::ZeroDenominator,
        Undefined::Overflow,
    ]),
    rate(Metric::DriftedShare, "features with `drifted` 1 / features with a decision", "features with a decision")
        .interval(Method::None("none: features are not a sample"))
        .undefined(&[Undefined::NoRows, Undefined::NoReference, Undefined::ReferenceChanged]),
    output(
        Metric::OutputChangeMix,
        "Σ (s₁ − s₀) · (m₀ + m₁) / 2 over bins with share s and mean output m: they have other shares",
    ),
    output(
        Metric::OutputChangeWithin,
        "Σ (m₁ − m₀) · (s₀ + s₁) / 2: the model gives out something else in the same bins",
    ),
];

const fn binned(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "predictions").interval(NO_INTERVAL).undefined(COMPARED)
}

const fn ordered(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "numbers").interval(NO_INTERVAL).undefined(COMPARED)
}

const fn output(metric: Metric, formula: &'static str) -> Entry {
    rate(metric, formula, "predictions with a score or number")
        .range(Range::Signed)
        .interval(Method::None("none: `drifted` says what is more than chance"))
        .undefined(COMPARED)
}

const COMPARED: &[Undefined] = &[Undefined::NoRows, Undefined::NoReference, Undefined::ReferenceChanged];
const NO_INTERVAL: Method = Method::None("none: `drifted` says what is more than chance");
