//! Which series a rule is about.

use super::keys::Keys;
use super::known;
use crate::config::nearest::enumerate;
use crate::config::problem::Report;
use crate::event::alert::{Pattern, Selector};
use crate::metrics::Metric;

/// Reads the keys that select. `metric` is `None` where it is not known.
pub(super) fn read(keys: &Keys<'_>, metric: Option<Metric>, report: &mut Report) -> Selector {
    let mut pattern = |key: &str, expected: &str| {
        let text = keys.get(key).and_then(|item| item.text(report, expected))?;
        Some(Pattern::new(&text.value))
    };
    let selector = Selector {
        model: pattern("model", "a model id, or a pattern such as `fraud*`"),
        version: pattern("version", "a version, or a pattern such as `2026*`; `*` for each"),
        segment: pattern("segment", SEGMENT),
        feature: pattern("feature", "the name of a feature, or a pattern such as `amount*`"),
        class: pattern("class", "a class, or a pattern; `*` for each"),
        predicted_class: pattern("predicted_class", "a class, or a pattern; `*` for each"),
        window_size_ms: keys.get("window").and_then(|item| item.duration(report, 1)).map(|size| size.value),
        reference_kind: keys
            .get("reference")
            .and_then(|item| item.text(report, "what windows are compared with, such as `fixed` or `previous`"))
            .map(|kind| kind.value.into()),
    };
    check_segment(keys, &selector, report);
    if let Some(metric) = metric {
        check_metric(keys, metric, report);
    }
    selector
}

const SEGMENT: &str = "a segment such as `country=DE`, or `country=*` for each value";

fn check_segment(keys: &Keys<'_>, selector: &Selector, report: &mut Report) {
    let Some(segment) = selector.segment.as_ref().map(Pattern::to_string) else { return };
    let has_key = segment.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    if !has_key && !segment.contains('*') {
        let help = format!("write `{segment}=*` for each value of the column `{segment}`");
        report.error(&keys.at("segment"), "a segment without its column").expected(SEGMENT).help(help);
    }
}

/// Reports keys that ask for what rows of the metric do not have.
fn check_metric(keys: &Keys<'_>, metric: Metric, report: &mut Report) {
    let name = metric.name();
    for (key, is_had, what) in [
        ("feature", known::has_feature(metric), "a feature"),
        ("class", known::has_class(metric), "a class"),
        ("predicted_class", metric == Metric::Confusion, "a predicted class"),
    ] {
        if keys.has(key) && !is_had {
            let problem = report.error(&keys.at(key), format!("`{name}` is not about {what}"));
            problem.help(format!("remove `{key}`"));
        }
    }
    if keys.has("reference") && !metric.is_of_drift() {
        report
            .error(&keys.at("reference"), format!("`{name}` is not compared with a reference by rows of its own"))
            .help("remove `reference`: only metrics of drift say what they are compared with");
    }
    if known::is_of_groups(metric) && !keys.has("segment") {
        report
            .error(&keys.at("metric"), format!("`{name}` is about the groups of a protected column"))
            .help("name the column: `segment: sex=*`");
    }
}

/// Names for a message, the first few of them.
pub(super) fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const MOST: usize = 8;
    let rest = names.len().saturating_sub(MOST);
    let shown = enumerate(names.take(MOST));
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
