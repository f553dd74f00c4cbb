//! When a value is bad: fixed limits, limits of a difference, or what was to be expected.

use super::keys::{Keys, Kind};
use super::limits::{self, Of, WrittenLimits};
use super::severity::{self, Part};
use super::{amount, baseline, known};
use crate::config::problem::Report;
use crate::config::section::Spanned;
use crate::event::alert::{Baseline, BySeverity, Condition, Limits, Severity, Side, Unit};
use crate::metrics::Metric;

/// Probability of a false alarm per window, where none is written.
const ALPHA: f64 = 0.001;

/// Reads the condition, and the limits within which an alert is over. `metric` is `None` where it is not known.
pub(super) fn read(
    keys: &Keys<'_>,
    kind: Kind,
    metric: Option<Metric>,
    report: &mut Report,
) -> Option<(Condition, Option<Limits>)> {
    let certain = read_certain(keys, metric, report);
    match kind {
        Kind::Relative => {
            let baseline = baseline::read_compared(keys.get("compared_with")?, report);
            let (limits, unit, clear) = read_limits(keys, Of::Difference, metric, report)?;
            Some((Condition::Relative { baseline: baseline?, unit, limits, certain }, clear))
        }
        Kind::Dynamic => {
            let baseline = baseline::read_dynamic(keys.get("dynamic")?, report);
            Some((read_dynamic(keys, baseline, report)?, None))
        }
        _ => {
            let (limits, _, clear) = read_limits(keys, Of::Value, metric, report)?;
            Some((Condition::Static { limits, certain }, clear))
        }
    }
}

fn read_certain(keys: &Keys<'_>, metric: Option<Metric>, report: &mut Report) -> bool {
    let certain = keys.get("certain").and_then(|item| item.choice(report, &[("true", true), ("false", false)]));
    let Some(certain) = certain.filter(|certain| certain.value) else { return false };
    if let Some(metric) = metric.filter(|metric| !known::has_interval(*metric)) {
        report
            .error(
                &certain.at,
                format!("`{}` never has a sampling interval, so that it is never certain", metric.name()),
            )
            .help("remove `certain`, and write `fire: {windows: 3, of: 4}` against chance");
    }
    true
}

type ReadLimits = (BySeverity<Limits>, Unit, Option<Limits>);

fn read_limits(keys: &Keys<'_>, of: Of, metric: Option<Metric>, report: &mut Report) -> Option<ReadLimits> {
    let keys_of = of.keys();
    let parts = severity::parts(keys, &keys_of, report)?;
    let clear = keys.get("clear").map(|item| {
        let part = Part::open(item, &keys_of, report)?;
        limits::read(&part, of, report)
    });
    if parts.is_empty() {
        return without_limits(keys, of, metric, report);
    }
    let read: Vec<Option<(Severity, WrittenLimits)>> =
        parts.iter().map(|(severity, part)| Some((*severity, limits::read(part, of, report)?))).collect();
    let written: Vec<(Severity, WrittenLimits)> = read.into_iter().collect::<Option<_>>()?;
    limits::check_order(&written, of, report);
    if let Some(metric) = metric {
        written.iter().for_each(|(_, limits)| match of {
            Of::Value => limits::check_range(metric, limits, true, report),
            Of::Difference => limits::check_reach(metric, limits, report),
        });
    }
    let clear = match clear {
        Some(clear) => Some(clear?),
        None => None,
    };
    if let Some(clear) = &clear {
        limits::check_clear(clear, &written, of, report);
        if let (Some(metric), Of::Value) = (metric, of) {
            limits::check_range(metric, clear, false, report);
        }
    }
    let unit = written.first()?.1.unit;
    let limits = written.iter().map(|(severity, limits)| (*severity, limits.limits())).collect();
    Some((BySeverity(limits), unit, clear.map(|clear| clear.limits())))
}

/// A metric that says by itself whether all is well needs no limit; others do.
fn without_limits(keys: &Keys<'_>, of: Of, metric: Option<Metric>, report: &mut Report) -> Option<ReadLimits> {
    if of == Of::Value && metric.is_some_and(known::is_zero_when_well) && !keys.has("clear") {
        let severity = severity::read(keys, &mut Report::default()).unwrap_or(Severity::Warning);
        let limits = BySeverity(vec![(severity, Limits { min: None, max: Some(0.0) })]);
        return Some((limits, Unit::Absolute, None));
    }
    // Where something was misspelt or does not belong, that is said already.
    if metric.is_some() && !keys.has_unknown() && keys.among(&["fall", "rise", "min", "max"]).is_empty() {
        let (place, help) = match of {
            Of::Value => ("metric", "write `min` or `max`, `compared_with` or `dynamic`"),
            Of::Difference => ("compared_with", "write `fall` or `rise`: how far it may go down or up"),
        };
        report.error(&keys.at(place), "a rule without a limit").help(help);
    }
    None
}

fn read_dynamic(keys: &Keys<'_>, baseline: Option<Baseline>, report: &mut Report) -> Option<Condition> {
    let sides = [("below", Side::Below), ("above", Side::Above), ("both", Side::Both)];
    let side = keys.get("side").and_then(|item| item.choice(report, &sides)).map_or(Side::Both, |side| side.value);
    let least = keys.get("least").and_then(|item| item.number(report, 0.0..=f64::MAX, "a number, at least 0"));
    let least = least.map_or(0.0, |least| least.value);
    let mut parts = Vec::new();
    for (severity, part) in severity::parts(keys, &["alpha"], report)? {
        const EXPECTED: &str = "a probability above 0 and at most 0.5";
        parts.push((severity, part.get("alpha")?.number(report, f64::MIN_POSITIVE..=0.5, EXPECTED)?));
    }
    check_alphas(&parts, report);
    let mut alpha: Vec<(Severity, f64)> = parts.iter().map(|(severity, alpha)| (*severity, alpha.value)).collect();
    if alpha.is_empty() {
        let severity = severity::read(keys, &mut Report::default()).unwrap_or(Severity::Warning);
        alpha.push((severity, ALPHA));
    }
    Some(Condition::Dynamic { baseline: baseline?, alpha: BySeverity(alpha), side, least })
}

fn check_alphas(parts: &[(Severity, Spanned<f64>)], report: &mut Report) {
    for pair in parts.windows(2) {
        let [(mild, rarely), (worse, more_rarely)] = pair else { continue };
        if more_rarely.value >= rarely.value {
            report
                .error(&more_rarely.at, format!("`{}` is not rarer than `{}`", worse.name(), mild.name()))
                .expected(format!("an `alpha` below `{}`", amount::shown(rarely.value)));
        }
    }
}
