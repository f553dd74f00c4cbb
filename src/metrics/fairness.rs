//! Fairness: the groups of a protected column compared by their confusion counts, by fairlearn's conventions.
//!
//! A group with fewer labelled rows than `min_group` takes no part; its own rate is undefined. One group whose rate is
//! 0/0 leaves the whole comparison undefined, because leaving it out would call unfairness that was not measured fair.

use super::confusion::Counts;
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::binary::BinaryConfusion;

/// Share of a group's labelled rows that are predicted positive, for the group's own row.
pub fn selection_rate(group: &BinaryConfusion, min_group: u64) -> MetricValue {
    let counts = Counts::from(group);
    if !is_large_enough(&counts, min_group) {
        return MetricValue::new(Metric::SelectionRate, Err(Undefined::BelowMinGroup), counts.rows());
    }
    MetricValue::rate(Metric::SelectionRate, counts.predicted_positives(), counts.rows(), Undefined::BelowMinGroup)
}

/// Compares the groups of one protected column (in any order; the result does not depend on it) and appends the eight
/// metrics over groups. `count` is the labelled rows of the groups that take part.
pub fn compare<'a>(groups: impl IntoIterator<Item = &'a BinaryConfusion>, min_group: u64, out: &mut Vec<MetricValue>) {
    let groups: Vec<Counts> =
        groups.into_iter().map(Counts::from).filter(|group| is_large_enough(group, min_group)).collect();
    let rows = groups.iter().map(Counts::rows).sum();
    let selection = Spread::of(&groups, |group| (group.predicted_positives(), group.rows()));
    let recall = Spread::of(&groups, |group| (group.tp, group.actual_positives()));
    let false_positive_rate = Spread::of(&groups, |group| (group.fp, group.actual_negatives()));
    let precision = Spread::of(&groups, |group| (group.tp, group.predicted_positives()));

    let difference = |spread: Result<Spread, Undefined>| spread.map(|spread| spread.difference());
    let ratio = |spread: Result<Spread, Undefined>| spread.and_then(|spread| spread.ratio());
    let odds_difference =
        difference(recall).and_then(|first| difference(false_positive_rate).map(|second| first.max(second)));
    let odds_ratio = ratio(recall).and_then(|first| ratio(false_positive_rate).map(|second| first.min(second)));
    let values = [
        (Metric::DemographicParityDifference, difference(selection)),
        (Metric::DemographicParityRatio, ratio(selection)),
        (Metric::EqualOpportunityDifference, difference(recall)),
        (Metric::EqualOpportunityRatio, ratio(recall)),
        (Metric::EqualizedOddsDifference, odds_difference),
        (Metric::EqualizedOddsRatio, odds_ratio),
        (Metric::PredictiveParityDifference, difference(precision)),
        (Metric::PredictiveParityRatio, ratio(precision)),
    ];
    out.extend(values.map(|(metric, value)| MetricValue::new(metric, value, rows)));
}

/// A group without any labelled row says nothing, whatever the setting.
fn is_large_enough(group: &Counts, min_group: u64) -> bool {
    u64::try_from(group.rows()).is_ok_and(|rows| rows >= min_group.max(1))
}

/// Smallest and largest rate over groups.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    min: f64,
    max: f64,
}

impl Spread {
    fn of(groups: &[Counts], rate: impl Fn(&Counts) -> (i64, i64)) -> Result<Spread, Undefined> {
        if groups.len() < 2 {
            return Err(Undefined::TooFewGroups);
        }
        let mut spread = Spread { min: f64::INFINITY, max: f64::NEG_INFINITY };
        for group in groups {
            let (successes, trials) = rate(group);
            if trials == 0 {
                return Err(Undefined::ZeroDenominator);
            }
            let rate = successes as f64 / trials as f64;
            spread = Spread { min: spread.min.min(rate), max: spread.max.max(rate) };
        }
        Ok(spread)
    }

    fn difference(self) -> f64 {
        self.max - self.min
    }

    fn ratio(self) -> Result<f64, Undefined> {
        if self.max > 0.0 { Ok(self.min / self.max) } else { Err(Undefined::ZeroDenominator) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(tp: i64, fp: i64, tn: i64, fn_: i64) -> BinaryConfusion {
        BinaryConfusion { true_positives: tp, false_positives: fp, true_negatives: tn, false_negatives: fn_ }
    }

    fn compared(groups: &[BinaryConfusion], min_group: u64, metric: Metric) -> MetricValue {
        let mut out = Vec::new();
        compare(groups, min_group, &mut out);
        *out.iter().find(|value| value.metric == metric).expect("the metric")
    }

    #[test]
    fn three_groups_by_hand() {
        // selection 5/10, 2/10, 4/8; recall 4/5, 1/2, 1/2; fpr 1/5, 1/8, 3/6; precision 4/5, 1/2, 1/4.
        let groups = [group(4, 1, 4, 1), group(1, 1, 7, 1), group(1, 3, 3, 1)];
        let expected = [
            (Metric::DemographicParityDifference, 0.3),
            (Metric::DemographicParityRatio, 0.4),
            (Metric::EqualOpportunityDifference, 0.3),
            (Metric::EqualOpportunityRatio, 0.625),
            (Metric::EqualizedOddsDifference, 0.375),
            (Metric::EqualizedOddsRatio, 0.25),
            (Metric::PredictiveParityDifference, 0.55),
            (Metric::PredictiveParityRatio, 0.3125),
        ];
        for (metric, expected) in expected {
            let found = compared(&groups, 1, metric);
            assert!((found.value.unwrap() - expected).abs() < 1e-15, "{found:?}");
            assert_eq!(found.count, 28);
        }
    }

    #[test]
    fn small_groups_take_no_part() {
        let groups = [group(4, 1, 4, 1), group(1, 1, 7, 1), group(1, 0, 0, 0)];
        let with_three = compared(&groups, 1, Metric::DemographicParityDifference);
        let with_two = compared(&groups, 2, Metric::DemographicParityDifference);
        assert_eq!(with_three.value, Ok(0.8));
        assert_eq!((with_two.value, with_two.count), (Ok(0.3), 20));
        let alone = compared(&groups, 11, Metric::DemographicParityDifference);
        assert_eq!((alone.value, alone.count), (Err(Undefined::TooFewGroups), 0));
        assert_eq!(selection_rate(&groups[2], 2).value, Err(Undefined::BelowMinGroup));
        assert_eq!(selection_rate(&groups[2], 1).value, Ok(1.0));
        assert_eq!(selection_rate(&group(0, 0, 0, 0), 0).value, Err(Undefined::BelowMinGroup));
    }

    #[test]
    fn a_rate_that_one_group_lacks_is_not_compared() {
        let groups = [group(4, 1, 4, 1), group(0, 1, 3, 0)];
        assert_eq!(compared(&groups, 1, Metric::EqualOpportunityDifference).value, Err(Undefined::ZeroDenominator));
        assert_eq!(compared(&groups, 1, Metric::EqualizedOddsDifference).value, Err(Undefined::ZeroDenominator));
        assert!(compared(&groups, 1, Metric::DemographicParityDifference).value.is_ok());
    }

    #[test]
    fn the_ratio_of_zero_to_zero_is_undefined() {
        let groups = [group(0, 0, 4, 1), group(0, 0, 3, 2)];
        assert_eq!(compared(&groups, 1, Metric::DemographicParityRatio).value, Err(Undefined::ZeroDenominator));
        assert_eq!(compared(&groups, 1, Metric::DemographicParityDifference).value, Ok(0.0));
    }
}
