//! Whether a rule can ever say something of the models that it is about.

use super::known;
use super::rule::WrittenRule;
use super::scope::Scope;
use super::selector::some_of;
use crate::config::duration;
use crate::config::nearest::nearest;
use crate::config::problem::Report;
use crate::event::Millis;
use crate::event::alert::{AlertCaps, Baseline, Condition, Limits, Pattern, Selector, Watch};
use crate::metrics::{Family, Metric};

/// Checks `rule` against what the models in `scope` have.
pub(super) fn check(rule: &WrittenRule, scope: &Scope, caps: &AlertCaps, report: &mut Report) {
    let (Watch::Metric { select, condition, .. }, Some(metric)) = (&rule.rule.watch, rule.metric) else { return };
    check_count(rule, metric, condition, report);
    check_history(rule, caps, report);
    if check_window(rule, select, scope, report) {
        check_baseline(rule, select, condition, scope, caps, report);
    }
    check_task(rule, metric, scope, report);
    check_detector(rule, metric, select, scope, report);
    check_reference(rule, metric, select, condition, scope, report);
    check_segment(rule, select, scope, report);
}

/// Warns where windows with few rows are left out by a gate that is not written, and are what the rule is about: a count of
/// features is rarely as large as one of rows, and of a count that is too small the smallest are the worst.
fn check_count(rule: &WrittenRule, metric: Metric, condition: &Condition, report: &mut Report) {
    let has_least = |limits: &Limits| limits.min.is_some();
    let is_too_few = match condition {
        Condition::Static { limits, .. } => limits.0.iter().any(|(_, limits)| has_least(limits)),
        Condition::Relative { .. } | Condition::Dynamic { .. } => false,
    };
    if is_too_few && known::is_count_of_records(metric) && !rule.has("min_count") {
        let (least, name) = (rule.rule.gates.min_count, metric.name());
        report
            .warning(rule.at("metric"), format!("windows with fewer than {least} `{name}` do not count"))
            .help("write `min_count: 0`, so that those with the fewest do too");
    }
    if known::counts_features(metric) && metric != Metric::FeaturesNew && !rule.has("min_count") {
        let least = rule.rule.gates.min_count;
        report
            .warning(rule.at("metric"), format!("`{}` counts only with {least} features or more", metric.name()))
            .help("write `min_count: 1`: what it rests on are features, not rows");
    }
}

fn check_history(rule: &WrittenRule, caps: &AlertCaps, report: &mut Report) {
    let of = rule.rule.gates.of;
    if of as usize > caps.history {
        report
            .error(rule.at("fire"), format!("`{of}` windows, and only {} are held of a series", caps.history))
            .expected(format!("at most `{}`", caps.history))
            .help("raise `alerts.caps.history`");
    }
}

/// False if there is no such window, which is reported.
fn check_window(rule: &WrittenRule, select: &Selector, scope: &Scope, report: &mut Report) -> bool {
    let Some(size) = select.window_size_ms else { return true };
    if scope.windows_of(Some(size)).next().is_some() {
        return true;
    }
    let what = format!("windows of `{}`", duration::format(size));
    let sizes = scope.sizes();
    report
        .error(rule.at("window"), scope.without(&what))
        .expected(format!("one of {}", some_of(sizes.iter().map(String::as_str))))
        .help("without `window` it is about the smallest");
    false
}

fn check_baseline(
    rule: &WrittenRule,
    select: &Selector,
    condition: &Condition,
    scope: &Scope,
    caps: &AlertCaps,
    report: &mut Report,
) {
    let (baseline, at) = match condition {
        Condition::Static { .. } => return,
        Condition::Relative { baseline, .. } => (baseline, rule.at("compared_with")),
        Condition::Dynamic { baseline, .. } => (baseline, rule.at("dynamic")),
    };
    let advances: Vec<Millis> = scope.windows_of(select.window_size_ms).map(|window| window.advance_ms).collect();
    let (ms, times) = match baseline {
        Baseline::Reference | Baseline::Previous => return,
        Baseline::Trailing { windows } => (None, *windows),
        Baseline::Ago { ms } => (Some(*ms), 1),
        Baseline::Season { ms, seasons } => (Some(*ms), *seasons),
    };
    let mut windows = Some(Millis::from(times));
    if let Some(ms) = ms {
        let fits = |advance: &Millis| ms % advance.max(&1) == 0;
        let fitting: Vec<Millis> = advances.iter().copied().filter(fits).collect();
        let unfit = advances.iter().copied().find(|advance| !fits(advance));
        if let Some(advance) = unfit {
            let (written, advance) = (duration::format(ms), duration::format(advance));
            let message = format!("no window begins `{written}` before another: they are `{advance}` apart");
            let problem = match fitting.is_empty() {
                true => report.error(at, message),
                false => report.warning(at, format!("{message}, of some that the rule is about")),
            };
            problem.expected(format!("a multiple of `{advance}`"));
        }
        windows = fitting.iter().max().map(|advance| (ms / advance.max(&1)).saturating_mul(Millis::from(times)));
    }
    let held = Millis::try_from(caps.history).unwrap_or(Millis::MAX);
    if let Some(windows) = windows.filter(|windows| *windows > held) {
        report
            .error(at, format!("reaches {windows} windows back, and only {held} are held of a series"))
            .expected(format!("at most {held} windows"))
            .help("compare with less, or raise `alerts.caps.history`");
    }
}

fn check_task(rule: &WrittenRule, metric: Metric, scope: &Scope, report: &mut Report) {
    let needed = known::tasks(metric);
    let is_had = |task: &Option<_>| task.is_none_or(|task| needed.contains(&task));
    if needed.is_empty() || scope.tasks.iter().any(is_had) {
        return;
    }
    let names: Vec<&str> = needed.iter().map(|task| task.name()).collect();
    report
        .warning(rule.at("metric"), scope.without(&format!("`{}`, by its task", metric.name())))
        .help(format!("it is of models that are {}: remove the rule, or correct `task`", names.join(" or ")));
}

fn check_detector(rule: &WrittenRule, metric: Metric, select: &Selector, scope: &Scope, report: &mut Report) {
    if Family::ConceptDrift.entry(metric).is_none() {
        return;
    }
    let name = metric.name();
    let detector = name.strip_suffix("_drift").filter(|_| known::is_of_detector(metric));
    if scope.detectors.is_empty() {
        let example = detector.unwrap_or("adwin");
        report
            .warning(rule.at("metric"), scope.without("detectors"))
            .help(format!("write `detectors: {{{example}: {{}}}}` under the model, or remove the rule"));
    } else if let Some(detector) = detector.filter(|_| !scope.detectors.contains(&metric)) {
        report
            .warning(rule.at("metric"), scope.without(&format!("detector `{detector}`")))
            .help(format!("write `{detector}: {{}}` under its `detectors`, or remove the rule"));
    } else if select.segment.is_some() && !scope.detects_by_segment {
        report
            .warning(rule.at("segment"), scope.without("detectors of segments"))
            .help("write `by_segment: true` under its `detectors`, or remove `segment`");
    }
}

fn check_reference(
    rule: &WrittenRule,
    metric: Metric,
    select: &Selector,
    condition: &Condition,
    scope: &Scope,
    report: &mut Report,
) {
    let is_baseline = matches!(condition, Condition::Relative { baseline: Baseline::Reference, .. });
    if (metric.has_reference() || is_baseline) && !scope.has_reference {
        let at = if is_baseline { rule.at("compared_with") } else { rule.at("metric") };
        report
            .warning(at, scope.without("`reference:` or `features:`"))
            .help("write one of them under the model, announce a reference, or remove the rule");
        return;
    }
    if let Some(kind) = select.reference_kind.as_deref().filter(|kind| !scope.kinds.contains(*kind)) {
        let problem =
            report.warning(rule.at("reference"), scope.without(&format!("windows that are compared with `{kind}`")));
        match nearest(kind, scope.kinds.iter().map(String::as_str)) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help(format!(
                "they are compared with {}: name one of these, or add to `drift.compare_with`",
                some_of(scope.kinds.iter().map(String::as_str))
            )),
        };
    }
    let is_by_segment = (metric.is_of_features() || metric.is_of_drift()) && select.segment.is_some();
    if is_by_segment && !scope.drifts_by_segment && rule.metric != Some(Metric::FeaturesNew) {
        report
            .warning(rule.at("segment"), scope.without("features counted by segment"))
            .help("write `drift: {by_segment: true}` under the model, or remove `segment`");
    }
}

fn check_segment(rule: &WrittenRule, select: &Selector, scope: &Scope, report: &mut Report) {
    let Some(segment) = select.segment.as_ref().map(Pattern::to_string) else { return };
    let Some((key, _)) = segment.split_once('=') else { return };
    let pattern = Pattern::new(key);
    if scope.segments.iter().any(|segment| pattern.matches(segment)) {
        return;
    }
    let problem = report.warning(rule.at("segment"), scope.without(&format!("segments of `{key}`")));
    match nearest(key, scope.segments.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("write `segments: [{key}]` under the model, or remove the rule")),
    };
}
