//! How much of a change of accuracy, or of what a model gives out, is *mix* (rows are spread over groups otherwise) and how much
//! is *within* (the same group is predicted better or worse, or gets another output).
//!
//! With the share s and the mean a of each group in reference (0) and window (1), mix is Σ (s₁ − s₀)(a₀ + a₁)/2 and
//! within Σ (a₁ − a₀)(s₀ + s₁)/2. They add up to the whole change, whichever of the two is called the first (Kitagawa 1955).
//! A group that has rows on one side only has no other mean to compare with: all that it changes is mix.

use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{ExactSum, OutputSum, Quality};
use crate::event::segment::OTHER;
use crate::event::{OutputUnit, TaskKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Labelled rows of a group, and how many of them were predicted right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RightRows {
    /// Labelled rows.
    pub rows: i64,
    /// Of these, predicted right.
    pub right: i64,
}

impl RightRows {
    /// Labelled rows of a model that predicts classes.
    pub fn of(quality: &Quality, task: TaskKind) -> RightRows {
        let groups = by_predicted_class(quality, task, "", &[]);
        groups.values().fold(RightRows::default(), |all, group| RightRows {
            rows: all.rows + group.rows,
            right: all.right + group.right,
        })
    }
}

/// Labelled rows by the class that was predicted; of a binary model its positive class and all others. `classes` names those
/// of `quality`; classes without a name are one.
pub fn by_predicted_class(
    quality: &Quality,
    task: TaskKind,
    positive_label: &str,
    classes: &[Arc<str>],
) -> BTreeMap<Arc<str>, RightRows> {
    let mut groups: BTreeMap<Arc<str>, RightRows> = BTreeMap::new();
    let mut add = |class: &str, rows: i64, right: i64| {
        let group = groups.entry(class.into()).or_default();
        (group.rows, group.right) = (group.rows + rows, group.right + right);
    };
    match (task, &quality.binary, &quality.multiclass) {
        (TaskKind::Binary, Some(binary), _) => {
            let counts = &binary.confusion;
            add(positive_label, counts.true_positives + counts.false_positives, counts.true_positives);
            add(OTHER, counts.true_negatives + counts.false_negatives, counts.true_negatives);
        }
        (TaskKind::Multiclass, _, Some(multiclass)) => {
            for ((actual, predicted), rows) in &multiclass.confusion {
                let class = classes.get(usize::from(predicted.0)).map_or("", |name| name);
                add(class, *rows, if actual == predicted { *rows } else { 0 });
            }
        }
        _ => {}
    }
    groups
}

/// `accuracy_change_mix` and `accuracy_change_within` of groups, each with its rows in the reference and in the window.
pub fn accuracy_change(groups: &[(RightRows, RightRows)]) -> [MetricValue; 2] {
    let group = |rows: RightRows| OutputSum { rows: rows.rows, sum: rows.right };
    let (parts, rows) = parts(groups.iter().map(|(before, now)| (group(*before), group(*now))), Undefined::NoLabels);
    let [mix, within] = parts;
    [
        MetricValue::new(Metric::AccuracyChangeMix, mix, rows),
        MetricValue::new(Metric::AccuracyChangeWithin, within, rows),
    ]
}

/// `output_change_mix` and `output_change_within` of groups, likewise, of outputs in this unit.
pub fn output_change(groups: &[(OutputSum, OutputSum)], unit: OutputUnit) -> [MetricValue; 2] {
    let (parts, rows) = parts(groups.iter().copied(), Undefined::NoRows);
    let [mix, within] = parts.map(|part| part.map(|units| unit.number(units)));
    [MetricValue::new(Metric::OutputChangeMix, mix, rows), MetricValue::new(Metric::OutputChangeWithin, within, rows)]
}

/// Mix and within of groups in reference and window, each with its rows and the sum of what is averaged over them, and the
/// rows of the window; `none` says that it has none.
fn parts(
    groups: impl Iterator<Item = (OutputSum, OutputSum)> + Clone,
    none: Undefined,
) -> ([Result<f64, Undefined>; 2], i64) {
    let before: i64 = groups.clone().map(|(reference, _)| reference.rows).sum();
    let now: i64 = groups.clone().map(|(_, window)| window.rows).sum();
    let undefined = match (before, now) {
        (..=0, _) => Some(Undefined::NoReference),
        (_, ..=0) => Some(none),
        _ => None,
    };
    if let Some(undefined) = undefined {
        return ([Err(undefined); 2], now);
    }
    let mean = |group: OutputSum| (group.rows > 0).then(|| group.sum as f64 / group.rows as f64);
    // Summed exactly: groups have no order.
    let (mut mix, mut within) = (ExactSum::default(), ExactSum::default());
    for (reference, window) in groups {
        let (s0, s1) = (reference.rows as f64 / before as f64, window.rows as f64 / now as f64);
        let Some(known) = mean(reference).or(mean(window)) else { continue };
        let (a0, a1) = (mean(reference).unwrap_or(known), mean(window).unwrap_or(known));
        mix.add((s1 - s0) * (a0 + a1) / 2.0);
        within.add((a1 - a0) * (s0 + s1) / 2.0);
    }
    ([Ok(mix.to_f64()), Ok(within.to_f64())], now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(rows: i64, right: i64) -> RightRows {
        RightRows { rows, right }
    }

    fn values(groups: &[(RightRows, RightRows)]) -> [f64; 2] {
        accuracy_change(groups).map(|value| value.value.unwrap())
    }

    #[test]
    fn by_hand() {
        // Twice as many of the worse group, each as good as before: all mix.
        let groups = [(of(50, 50), of(25, 25)), (of(50, 25), of(75, 3 * 75 / 6))];
        let [mix, within] = values(&[groups[0], (of(50, 26), of(100, 52))]);
        assert!((mix - (77.0 / 125.0 - 76.0 / 100.0)).abs() < 1e-15 && within.abs() < 1e-15, "{mix} {within}");
        // The same spread, one of them worse: all within.
        let [mix, within] = values(&[(of(50, 50), of(10, 10)), (of(50, 25), of(10, 0))]);
        assert_eq!([mix, within], [0.0, -0.25]);
        // A group that is gone, and one that is new: mix.
        assert_eq!(values(&[(of(5, 5), of(0, 0)), (of(0, 0), of(7, 0))]), [-1.0, 0.0]);
    }

    #[test]
    fn without_rows_it_says_which_side_lacks_them() {
        let reasons = |groups: &[_]| accuracy_change(groups).map(|value| value.value.unwrap_err());
        assert_eq!(reasons(&[(of(0, 0), of(1, 1))]), [Undefined::NoReference; 2]);
        assert_eq!(reasons(&[(of(1, 1), of(0, 0))]), [Undefined::NoLabels; 2]);
    }

    #[test]
    fn outputs_that_are_absent_on_one_side_say_so() {
        let of = |rows, sum| OutputSum { rows, sum };
        let reasons =
            |groups: &[_]| output_change(groups, OutputUnit::of_probabilities()).map(|value| value.value.unwrap_err());
        assert_eq!(reasons(&[(of(0, 0), of(1, 1))]), [Undefined::NoReference; 2]);
        assert_eq!(reasons(&[(of(1, 1), of(0, 0))]), [Undefined::NoRows; 2]);
    }

    /// Scores by group, of reference and window.
    type Scores = Vec<(Vec<f64>, Vec<f64>)>;

    fn scores() -> impl Strategy<Value = Scores> {
        let side = || prop::collection::vec(0.0..=1.0f64, 0..6);
        prop::collection::vec((side(), side()), 1..6)
    }

    /// Mix and within as their definition says, from the scores themselves.
    fn by_definition(groups: &Scores) -> [f64; 2] {
        let all = |of: fn(&(Vec<f64>, Vec<f64>)) -> usize| groups.iter().map(of).sum::<usize>() as f64;
        let (n, m) = (all(|group| group.0.len()), all(|group| group.1.len()));
        let mean = |scores: &[f64]| (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64);
        let mut parts = [0.0; 2];
        for (before, now) in groups.iter().filter(|(before, now)| before.len() + now.len() > 0) {
            let (s0, s1) = (before.len() as f64 / n, now.len() as f64 / m);
            let a0 = mean(before).or(mean(now)).unwrap();
            let a1 = mean(now).or(mean(before)).unwrap();
            parts[0] += (s1 - s0) * (a0 + a1) / 2.0;
            parts[1] += (a1 - a0) * (s0 + s1) / 2.0;
        }
        parts
    }

    proptest! {
        #[test]
        fn a_change_of_outputs_is_taken_apart_as_defined_and_is_the_same_for_every_grouping(
            groups in scores(), cut in any::<prop::sample::Index>()
        ) {
            prop_assume!(groups.iter().any(|group| !group.0.is_empty()) && groups.iter().any(|group| !group.1.is_empty()));
            let unit = OutputUnit::of_probabilities();
            let parts = |groups: &Scores| {
                let side = |scores: &[f64]| OutputSum {
                    rows: scores.len() as i64,
                    sum: scores.iter().map(|score| unit.units(*score)).sum(),
                };
                let groups: Vec<_> = groups.iter().map(|(before, now)| (side(before), side(now))).collect();
                output_change(&groups, unit).map(|value| value.value.unwrap())
            };
            let (found, expected) = (parts(&groups), by_definition(&groups));
            prop_assert!((found[0] - expected[0]).abs() < 1e-8 && (found[1] - expected[1]).abs() < 1e-8, "{:?}", found);
            // Other groups of the same rows: other parts of the same whole.
            let mut merged = groups.clone();
            let (taken, kept) = (merged.remove(cut.index(groups.len())), merged.first_mut());
            match kept {
                Some(kept) => {
                    kept.0.extend(taken.0);
                    kept.1.extend(taken.1);
                }
                None => merged.push(taken),
            }
            let other = parts(&merged);
            prop_assert!((found[0] + found[1] - other[0] - other[1]).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_change_and_mirror_each_other(
            groups in prop::collection::vec((0i64..20, 0i64..20, 0i64..20, 0i64..20), 1..8)
        ) {
            let groups: Vec<_> =
                groups.iter().map(|&(n, right, m, now)| (of(n, right.min(n)), of(m, now.min(m)))).collect();
            let all = |of: fn(&(RightRows, RightRows)) -> RightRows| {
                groups.iter().map(of).fold((0, 0), |(n, right), group| (n + group.rows, right + group.right))
            };
            let ((n, right), (m, now)) = (all(|group| group.0), all(|group| group.1));
            prop_assume!(n > 0 && m > 0);
            let [mix, within] = values(&groups);
            prop_assert!((mix + within - (now as f64 / m as f64 - right as f64 / n as f64)).abs() < 1e-12);
            let mirrored: Vec<_> = groups.iter().rev().map(|&(reference, window)| (window, reference)).collect();
            let [mix_back, within_back] = values(&mirrored);
            prop_assert!((mix + mix_back).abs() < 1e-12 && (within + within_back).abs() < 1e-12);
        }
    }
}
