//! What every metric is: formula, range, inputs, interval and when it is undefined. One table per family; the reference
//! that users read is printed from it, and tests hold the computations against it, so it cannot be out of date.

mod accounting;
mod binary;
mod change;
mod concept_drift;
mod drift;
mod estimated;
mod fairness;
mod features;
mod multiclass;
mod operations;
mod regression;

use super::{Metric, Undefined};

/// A group of metrics that are published together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// What became of the records.
    Accounting,
    /// How the serving of the model went.
    Operations,
    /// Quality of a model with two classes.
    Binary,
    /// Quality of a model with any number of classes.
    Multiclass,
    /// Quality of a model that predicts a number.
    Regression,
    /// What detectors found in the stream of losses.
    ConceptDrift,
    /// Differences between the groups of a protected column; for binary models.
    Fairness,
    /// What the values of features are.
    Features,
    /// How far features have moved from a reference.
    Drift,
    /// Quality as it is expected before labels come.
    Estimated,
    /// What has made accuracy other than it was on the reference.
    Change,
}

impl Family {
    /// All families, in the order in which they are documented and published.
    pub const ALL: [Family; 11] = [
        Family::Accounting,
        Family::Operations,
        Family::Binary,
        Family::Multiclass,
        Family::Regression,
        Family::ConceptDrift,
        Family::Fairness,
        Family::Features,
        Family::Drift,
        Family::Estimated,
        Family::Change,
    ];

    /// The name in documentation.
    pub fn name(self) -> &'static str {
        match self {
            Family::Accounting => "accounting",
            Family::Operations => "operations",
            Family::Binary => "binary",
            Family::Multiclass => "multiclass",
            Family::Regression => "regression",
            Family::ConceptDrift => "concept drift",
            Family::Fairness => "fairness",
            Family::Features => "features",
            Family::Drift => "drift",
            Family::Estimated => "estimated",
            Family::Change => "change of accuracy",
        }
    }

    /// Its metrics, in the order in which they are documented and published.
    pub fn entries(self) -> &'static [Entry] {
        match self {
            Family::Accounting => accounting::ENTRIES,
            Family::Operations => operations::ENTRIES,
            Family::Binary => binary::ENTRIES,
            Family::Multiclass => multiclass::ENTRIES,
            Family::Regression => regression::ENTRIES,
            Family::ConceptDrift => concept_drift::ENTRIES,
            Family::Fairness => fairness::ENTRIES,
            Family::Features => features::ENTRIES,
            Family::Drift => drift::ENTRIES,
            Family::Estimated => estimated::ENTRIES,
            Family::Change => change::ENTRIES,
        }
    }

    /// What the family knows of `metric`.
    pub fn entry(self, metric: Metric) -> Option<&'static Entry> {
        self.entries().iter().find(|entry| entry.metric == metric)
    }
}

/// What is known of one metric in one family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Its name.
    pub metric: Metric,
    /// In plain text, in terms of the inputs.
    pub formula: &'static str,
    /// The rows that it rests on, and that `count` counts.
    pub inputs: &'static str,
    /// Values that it can take.
    pub range: Range,
    /// What one is: `rows`, `ms`, …; empty where it has none.
    pub unit: &'static str,
    /// How `lower` and `upper` are made.
    pub interval: Method,
    /// Reasons why it can be null.
    pub undefined: &'static [Undefined],
    /// True if the value is read from bins and carries `error_bound`.
    pub binned: bool,
}

/// Values that a metric can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// 0, 1, 2, …
    Count,
    /// [0, 1]
    Unit,
    /// [−1, 1]
    Signed,
    /// [0, 2]: the multiclass Brier score.
    Two,
    /// At most 1.
    UpToOne,
    /// At least 0.
    NonNegative,
    /// Any number.
    Real,
}

/// The widest range that a metric has in any family.
pub fn widest_range(metric: Metric) -> Range {
    let width = |range: &Range| range.bounds().1 - range.bounds().0;
    let ranges = Family::ALL.into_iter().filter_map(|family| Some(family.entry(metric)?.range));
    ranges.max_by(|a, b| width(a).total_cmp(&width(b))).unwrap_or(Range::Real)
}

impl Range {
    /// Smallest and largest value; infinite where there is none.
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Range::Count | Range::NonNegative => (0.0, f64::INFINITY),
            Range::Unit => (0.0, 1.0),
            Range::Signed => (-1.0, 1.0),
            Range::Two => (0.0, 2.0),
            Range::UpToOne => (f64::NEG_INFINITY, 1.0),
            Range::Real => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// As documented.
    pub fn text(self) -> &'static str {
        match self {
            Range::Count => "0, 1, 2, …",
            Range::Unit => "[0, 1]",
            Range::Signed => "[−1, 1]",
            Range::Two => "[0, 2]",
            Range::UpToOne => "≤ 1",
            Range::NonNegative => "≥ 0",
            Range::Real => "any",
        }
    }
}

/// How a 95 % sampling interval is made; the sources stand in `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Wilson's score interval of a proportion.
    Wilson,
    /// Wilson's interval of tp / (tp + fp + fn), carried over by F1 = 2J / (1 + J).
    WilsonOfJaccard,
    /// Wilson's intervals of independent proportions, combined by variance estimates recovery.
    MeanOfProportions,
    /// Newcombe's hybrid score interval of the difference of two proportions.
    Newcombe,
    /// Normal approximation from the sample variance.
    Normal,
    /// Normal approximation from the variances of both samples.
    Welch,
    /// Normal approximation with the large-sample variance of the coefficient.
    LargeSample,
    /// DeLong's variance from the bins, widened by the error bound.
    DeLong,
    /// Logit scale, effective size = positives, widened by the error bound.
    Logit,
    /// Dvoretzky-Kiefer-Wolfowitz bands of both samples, widened by the error bound.
    Dkw,
    /// Fisher's z.
    FisherZ,
    /// Order statistics whose ranks enclose the quantile, widened by their error bounds.
    OrderStatistics,
    /// Standard error of a HyperLogLog sketch.
    HyperLogLog,
    /// Normal approximation from the Poisson-binomial variance of what comes true, by the delta method.
    PoissonBinomial,
    /// Hanley and McNeil's variance for the expected positives and negatives.
    HanleyMcNeil,
    /// Normal approximation with the mean of the classes' standard deviations.
    MeanDeviation,
    /// One for each class, another for their mean.
    ByClass(&'static Method, &'static Method),
    /// None, and why.
    None(&'static str),
}

impl Method {
    /// As documented.
    pub fn text(self) -> String {
        let text = match self {
            Method::ByClass(class, mean) => return format!("per class {}; mean: {}", class.text(), mean.text()),
            Method::Wilson => "Wilson",
            Method::WilsonOfJaccard => "Wilson of tp / (tp + fp + fn), carried over by 2J / (1 + J)",
            Method::MeanOfProportions => {
                "Wilson per class, combined by variance estimates recovery (Zou and Donner 2008)"
            }
            Method::Newcombe => "Newcombe's hybrid score interval (1998) of independent proportions",
            Method::Normal => "normal, from the sample variance; two rows or more",
            Method::Welch => "normal, from the variances of both samples; two rows or more of either",
            Method::LargeSample => "normal, with the coefficient's large-sample variance",
            Method::DeLong => "DeLong from the bins, widened by `error_bound`; two rows or more of either class",
            Method::Logit => "logit (Boyd, Eng and Page 2013), widened by `error_bound`",
            Method::Dkw => "Dvoretzky-Kiefer-Wolfowitz-Massart, widened by `error_bound`; conservative",
            Method::FisherZ => "Fisher's z; four rows or more",
            Method::OrderStatistics => "binomial ranks (Conover), widened by the bins; where the ranks exist",
            Method::HyperLogLog => {
                "normal, of the estimated part only: its standard error is 6.5 %; none where nothing is estimated"
            }
            Method::PoissonBinomial => {
                "normal, from Σp(1 − p) by the delta method: where chance puts the realized value"
            }
            Method::HanleyMcNeil => "Hanley and McNeil (1982) for the expected positives, widened by `error_bound`",
            Method::MeanDeviation => "normal, with the mean of the classes' standard deviations; conservative",
            Method::None(why) => why,
        };
        text.to_owned()
    }
}

/// Reasons of everything that only needs a label.
const LABELS: &[Undefined] = &[Undefined::NoRows, Undefined::NoLabels];
/// Reasons of a quotient over labelled rows.
const QUOTIENT: &[Undefined] = &[Undefined::NoRows, Undefined::NoLabels, Undefined::ZeroDenominator];
/// Reasons of what needs scores too.
const SCORES: &[Undefined] = &[Undefined::NoRows, Undefined::NoLabels, Undefined::NoScores];
/// Reasons of what compares the scores of two classes.
const RANKING: &[Undefined] = &[Undefined::NoRows, Undefined::NoLabels, Undefined::NoScores, Undefined::SingleClass];

/// Of a count of records.
const fn count(metric: Metric, formula: &'static str, inputs: &'static str) -> Entry {
    let interval = Method::None("none: a count of the records themselves, not an estimate");
    Entry { metric, formula, inputs, range: Range::Count, unit: "records", interval, undefined: &[], binned: false }
}

/// Of a proportion of labelled rows.
const fn rate(metric: Metric, formula: &'static str, inputs: &'static str) -> Entry {
    let interval = Method::Wilson;
    Entry { metric, formula, inputs, range: Range::Unit, unit: "", interval, undefined: QUOTIENT, binned: false }
}

impl Entry {
    const fn range(mut self, range: Range) -> Entry {
        self.range = range;
        self
    }

    const fn unit(mut self, unit: &'static str) -> Entry {
        self.unit = unit;
        self
    }

    const fn interval(mut self, interval: Method) -> Entry {
        self.interval = interval;
        self
    }

    const fn undefined(mut self, undefined: &'static [Undefined]) -> Entry {
        self.undefined = undefined;
        self
    }

    const fn binned(mut self) -> Entry {
        self.binned = true;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_an_entry() {
        for metric in Metric::ALL {
            assert!(Family::ALL.iter().any(|family| family.entry(*metric).is_some()), "{}", metric.name());
        }
    }

    #[test]
    fn no_family_has_a_metric_twice() {
        for family in Family::ALL {
            let mut metrics: Vec<Metric> = family.entries().iter().map(|entry| entry.metric).collect();
            metrics.sort();
            metrics.dedup();
            assert_eq!(metrics.len(), family.entries().len(), "{}", family.name());
        }
    }

    #[test]
    fn nothing_is_left_blank() {
        for entry in Family::ALL.iter().flat_map(|family| family.entries()) {
            let name = entry.metric.name();
            assert!(
                !entry.formula.is_empty() && !entry.inputs.is_empty() && !entry.interval.text().is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn metrics_of_quality_need_labels_and_those_of_records_do_not() {
        for family in Family::ALL {
            for entry in family.entries() {
                let expected = match family {
                    Family::Accounting => entry.metric.name().starts_with("label_delay_ms_"),
                    Family::Operations | Family::Features | Family::Drift => false,
                    Family::Estimated => entry.metric == Metric::EstimationError,
                    _ => true,
                };
                assert_eq!(entry.metric.needs_labels(), expected, "{}", entry.metric.name());
                assert_eq!(entry.metric.is_of_features(), family == Family::Features, "{}", entry.metric.name());
                assert_eq!(entry.metric.is_of_drift(), family == Family::Drift, "{}", entry.metric.name());
            }
        }
    }
}
