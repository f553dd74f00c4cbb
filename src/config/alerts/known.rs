//! What is known of a metric before any window: the catalog's part that rules are checked against.

use crate::config::nearest::nearest;
use crate::config::problem::Report;
use crate::config::section::Item;
use crate::event::TaskKind;
use crate::metrics::catalog::{Entry, Method, Range};
use crate::metrics::{Family, Metric};

/// Reads the name of a metric.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Metric> {
    let name = item.text(report, "the name of a metric, such as `recall`")?;
    let metric = Metric::from_name(&name.value);
    if metric.is_none() {
        let help = match nearest(&name.value, Metric::ALL.iter().map(|metric| metric.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`postdict schemas metrics` explains all metrics".to_owned(),
        };
        report.error(&name.at, format!("there is no metric `{}`", name.value)).help(help);
    }
    metric
}

fn entries(metric: Metric) -> impl Iterator<Item = (Family, &'static Entry)> {
    Family::ALL.into_iter().filter_map(move |family| Some((family, family.entry(metric)?)))
}

/// False if its rows never have `lower` and `upper`.
pub(super) fn has_interval(metric: Metric) -> bool {
    fn is_made(method: &Method) -> bool {
        match method {
            Method::None(_) => false,
            Method::ByClass(class, mean) => is_made(class) || is_made(mean),
            _ => true,
        }
    }
    entries(metric).any(|(_, entry)| is_made(&entry.interval))
}

/// True if some of its rows are about one class.
pub(super) fn has_class(metric: Metric) -> bool {
    let by_class = entries(metric).any(|(_, entry)| matches!(entry.interval, Method::ByClass(..)));
    by_class || matches!(metric, Metric::Confusion | Metric::EstimatedPrecision)
}

/// True if its rows are about one feature, output or detector each.
pub(super) fn has_feature(metric: Metric) -> bool {
    metric.has_feature() && !counts_features(metric)
}

/// True if it is about all features together, so that `count` counts these.
pub(super) fn counts_features(metric: Metric) -> bool {
    matches!(metric, Metric::DriftedShare | Metric::FeaturesMissing | Metric::FeaturesConstant | Metric::FeaturesNew)
}

/// True of how many records there were, which its `count` says too.
pub(super) fn is_count_of_records(metric: Metric) -> bool {
    entries(metric).any(|(family, entry)| family == Family::Accounting && entry.range == Range::Count)
}

/// True if it is 0 where all is well, and only there: whether something drifted, and how often a detector fired.
pub(super) fn is_zero_when_well(metric: Metric) -> bool {
    metric == Metric::Drifted || is_of_detector(metric)
}

/// True of how often a detector fired.
pub(super) fn is_of_detector(metric: Metric) -> bool {
    (Metric::AdwinDrift..=Metric::PageHinkleyDrift).contains(&metric)
}

/// True if it is published of a protected column, and not of the whole model.
pub(super) fn is_of_groups(metric: Metric) -> bool {
    entries(metric).all(|(family, _)| family == Family::Fairness)
}

/// The tasks whose models alone have it; empty if it does not depend on the task.
pub(super) fn tasks(metric: Metric) -> Vec<TaskKind> {
    let task = |family: Family| match family {
        Family::Binary | Family::Fairness => Some(TaskKind::Binary),
        Family::Multiclass => Some(TaskKind::Multiclass),
        Family::Regression => Some(TaskKind::Regression),
        _ => None,
    };
    entries(metric).map(|(family, _)| task(family)).collect::<Option<Vec<_>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalog::widest_range;

    #[test]
    fn the_widest_range_counts() {
        assert_eq!(widest_range(Metric::Brier), Range::Two, "of several classes it can be 2");
        assert_eq!(widest_range(Metric::Recall), Range::Unit);
        assert_eq!(widest_range(Metric::Bias), Range::Real);
    }

    #[test]
    fn what_rows_are_about() {
        assert!(has_class(Metric::Recall) && has_class(Metric::Confusion) && !has_class(Metric::Mae));
        assert!(has_feature(Metric::Drifted) && !has_feature(Metric::DriftedShare) && !has_feature(Metric::Recall));
        assert!(has_interval(Metric::Recall) && !has_interval(Metric::Drifted) && !has_interval(Metric::AdwinDrift));
        assert!(is_of_groups(Metric::EqualizedOddsRatio) && !is_of_groups(Metric::Recall));
        assert_eq!(tasks(Metric::Mae), [TaskKind::Regression]);
        assert_eq!(tasks(Metric::Accuracy), [TaskKind::Binary, TaskKind::Multiclass]);
        assert_eq!(tasks(Metric::ErrorRate), []);
    }
}
