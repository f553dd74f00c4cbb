//! How much of a change of accuracy is *mix* (rows are spread over groups otherwise) and how much is *within* (the same group
//! is predicted better or worse).
//!
//! With the share s and the accuracy a of each group in reference (0) and window (1), mix is Σ (s₁ − s₀)(a₀ + a₁)/2 and
//! within Σ (a₁ − a₀)(s₀ + s₁)/2. They add up to the whole change, whichever of the two is called the first (Kitagawa 1955).
//! A group that has rows on one side only has no other accuracy to compare with: all that it changes is mix.

use super::{Metric, MetricValue, Undefined};
use crate::aggregate::{ExactSum, Quality};
use crate::event::TaskKind;
use crate::event::segment::OTHER;
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

    fn accuracy(self) -> Option<f64> {
        (self.rows > 0).then(|| self.right as f64 / self.rows as f64)
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
    let rows = |of: fn(&(RightRows, RightRows)) -> RightRows| groups.iter().map(|group| of(group).rows).sum::<i64>();
    let (before, now) = (rows(|group| group.0), rows(|group| group.1));
    // Summed exactly: groups have no order.
    let (mut mix, mut within) = (ExactSum::default(), ExactSum::default());
    let undefined = match (before, now) {
        (..=0, _) => Some(Undefined::NoReference),
        (_, ..=0) => Some(Undefined::NoLabels),
        _ => None,
    };
    if undefined.is_none() {
        for (reference, window) in groups {
            let (s0, s1) = (reference.rows as f64 / before as f64, window.rows as f64 / now as f64);
            let Some(known) = reference.accuracy().or(window.accuracy()) else { continue };
            let (a0, a1) = (reference.accuracy().unwrap_or(known), window.accuracy().unwrap_or(known));
            mix.add((s1 - s0) * (a0 + a1) / 2.0);
            within.add((a1 - a0) * (s0 + s1) / 2.0);
        }
    }
    let value = |metric, sum: &ExactSum| MetricValue::new(metric, undefined.map_or_else(|| Ok(sum.to_f64()), Err), now);
    [value(Metric::AccuracyChangeMix, &mix), value(Metric::AccuracyChangeWithin, &within)]
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
