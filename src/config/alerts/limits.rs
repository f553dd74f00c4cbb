//! Limits of a value, or of its difference from what it is compared with, and whether they can be meant.

use super::amount::{self, shown};
use super::severity::Part;
use crate::config::problem::{At, Report};
use crate::config::section::Spanned;
use crate::event::alert::{Limits, Severity, Unit};
use crate::metrics::Metric;
use crate::metrics::catalog::widest_range;

/// What limits are of, which says how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A value: `min` and `max`.
    Value,
    /// A difference: `fall` and `rise`.
    Difference,
}

impl Of {
    /// Keys of the lower and the upper limit.
    pub fn keys(self) -> [&'static str; 2] {
        match self {
            Of::Value => ["min", "max"],
            Of::Difference => ["fall", "rise"],
        }
    }

    /// A limit as it is written: a fall is a positive number.
    fn written(self, limit: f64) -> String {
        match self {
            Of::Value => shown(limit),
            Of::Difference => shown(limit.abs()),
        }
    }
}

/// Limits as written: the lower and the upper one.
#[derive(Debug, Clone)]
pub(super) struct WrittenLimits {
    ends: [Option<Spanned<f64>>; 2],
    /// Of differences.
    pub unit: Unit,
    at: At,
}

impl WrittenLimits {
    pub fn limits(&self) -> Limits {
        let [min, max] = [0, 1].map(|end| self.ends[end].as_ref().map(|limit| limit.value));
        Limits { min, max }
    }
}

/// Reads the limits of `part`.
pub(super) fn read(part: &Part<'_>, of: Of, report: &mut Report) -> Option<WrittenLimits> {
    match of {
        Of::Value => read_of_value(part, report),
        Of::Difference => read_of_difference(part, report),
    }
}

fn read_of_value(part: &Part<'_>, report: &mut Report) -> Option<WrittenLimits> {
    let mut ends = [None, None];
    for (end, key) in ends.iter_mut().zip(Of::Value.keys()) {
        if let Some(item) = part.get(key) {
            *end = Some(item.number(report, f64::MIN..=f64::MAX, "a number")?);
        }
    }
    if let [Some(min), Some(max)] = &ends
        && min.value > max.value
    {
        report
            .error(&max.at, "`max` is below `min`, so that no value is good")
            .expected(format!("at least `{}`", shown(min.value)));
        return None;
    }
    Some(WrittenLimits { ends, unit: Unit::Absolute, at: part.at.clone() })
}

fn read_of_difference(part: &Part<'_>, report: &mut Report) -> Option<WrittenLimits> {
    const EXPECTED: &str = "how far, such as `5%` or `0.05`";
    let mut ends = [None, None];
    let mut units = Vec::new();
    for (end, (key, sign)) in ends.iter_mut().zip([("fall", -1.0), ("rise", 1.0)]) {
        let Some(item) = part.get(key) else { continue };
        let (far, unit) = amount::read(item, report, EXPECTED)?;
        if far.value < 0.0 {
            let problem = report.error(&far.at, format!("a `{key}` below zero")).expected(EXPECTED);
            problem.help("a `fall` is how far it goes down, a `rise` how far it goes up");
            return None;
        }
        *end = Some(Spanned { value: far.value * sign, at: far.at });
        units.push(unit);
    }
    let [first, .., last] = units[..] else {
        return Some(WrittenLimits { ends, unit: *units.first()?, at: part.at.clone() });
    };
    (!are_mixed(first, last, &part.at, report)).then(|| WrittenLimits { ends, unit: first, at: part.at.clone() })
}

fn are_mixed(unit: Unit, other: Unit, at: &At, report: &mut Report) -> bool {
    if unit != other {
        report
            .error(at, "limits in percent and in plain numbers in one rule")
            .help("write all of them in percent, or none");
    }
    unit != other
}

/// Reports limits of several severities of which a worse one is not wider than a milder one.
pub(super) fn check_order(parts: &[(Severity, WrittenLimits)], of: Of, report: &mut Report) {
    for (index, (worse, wide)) in parts.iter().enumerate() {
        for (mild, narrow) in &parts[..index] {
            if are_mixed(narrow.unit, wide.unit, &wide.at, report) {
                return;
            }
            check_pair((*mild, narrow), (*worse, wide), of, report);
        }
    }
}

fn check_pair(
    (mild, narrow): (Severity, &WrittenLimits),
    (worse, wide): (Severity, &WrittenLimits),
    of: Of,
    report: &mut Report,
) {
    let (mild, worse) = (mild.name(), worse.name());
    let mut is_told = false;
    for end in 0..2 {
        let (Some(inner), Some(outer)) = (&narrow.ends[end], &wide.ends[end]) else {
            is_told |= narrow.ends[end].is_some();
            continue;
        };
        is_told |= inner.value != outer.value;
        if is_narrower(outer.value, inner.value, end) {
            let (key, written) = (of.keys()[end], of.written(inner.value));
            let than = if end == 0 && of == Of::Value { "below" } else { "above" };
            report
                .error(&outer.at, format!("`{worse}` is reached before `{mild}`"))
                .expected(format!("a `{key}` {than} `{written}`, that of `{mild}`"));
        }
    }
    if !is_told {
        report
            .error(&wide.at, format!("`{mild}` is never told: where it is reached, `{worse}` is"))
            .help(format!("write wider limits for `{worse}`, or remove `{mild}`"));
    }
}

/// True if `limit` is passed by more values than `other`, at the lower end (0) or the upper one (1).
fn is_narrower(limit: f64, other: f64, end: usize) -> bool {
    if end == 0 { limit > other } else { limit < other }
}

/// Reports limits within which a rule is over, but which do not lie within those that fire.
pub(super) fn check_clear(clear: &WrittenLimits, parts: &[(Severity, WrittenLimits)], of: Of, report: &mut Report) {
    if let Some((_, fires)) = parts.first()
        && are_mixed(fires.unit, clear.unit, &clear.at, report)
    {
        return;
    }
    for (end, key) in of.keys().into_iter().enumerate() {
        let Some(limit) = &clear.ends[end] else { continue };
        let firing = parts.iter().filter_map(|(_, limits)| limits.ends[end].as_ref()).map(|limit| limit.value);
        let narrowest = firing.reduce(|a, b| if is_narrower(a, b, end) { a } else { b });
        let Some(narrowest) = narrowest else {
            report
                .error(&limit.at, format!("`clear` has a `{key}`, and nothing that fires has one"))
                .help(format!("remove it, or write a `{key}` that fires"));
            continue;
        };
        if is_narrower(narrowest, limit.value, end) {
            let than = if end == 0 && of == Of::Value { "at least" } else { "at most" };
            report
                .error(&limit.at, "`clear` is wider than the limits that fire, so that it is over while it fires")
                .expected(format!("{than} `{}`", of.written(narrowest)));
        }
    }
}

/// Reports limits of a value that `metric` always passes or never does.
pub(super) fn check_range(metric: Metric, limits: &WrittenLimits, fires: bool, report: &mut Report) {
    let range = widest_range(metric);
    let (least, most) = range.bounds();
    for end in 0..2 {
        let Some(limit) = &limits.ends[end] else { continue };
        let value = limit.value;
        let (is_never, is_always, side) = match end {
            0 => (value <= least, value > most, "below"),
            _ => (value >= most, value < least, "above"),
        };
        let how_often = match (is_never && fires, is_always) {
            (true, _) => "never",
            (_, true) => "always",
            _ => continue,
        };
        report
            .error(&limit.at, format!("`{}` is {how_often} {side} `{}`", metric.name(), shown(value)))
            .expected(format!("a limit inside of its range, {}", range.text()));
    }
}

/// Reports differences that `metric` can never have.
pub(super) fn check_reach(metric: Metric, limits: &WrittenLimits, report: &mut Report) {
    let range = widest_range(metric);
    let (least, most) = range.bounds();
    for (end, limit) in limits.ends.iter().enumerate() {
        let Some(limit) = limit else { continue };
        let farthest = match limits.unit {
            Unit::Absolute => most - least,
            Unit::Percent if end == 0 && least >= 0.0 => 100.0,
            Unit::Percent => f64::INFINITY,
        };
        if limit.value.abs() >= farthest {
            let verb = if end == 0 { "falls" } else { "rises" };
            let sign = if limits.unit == Unit::Percent { "%" } else { "" };
            let (name, far) = (metric.name(), shown(limit.value.abs()));
            report.error(&limit.at, format!("`{name}` never {verb} by more than `{far}{sign}`")).expected(format!(
                "less than `{}{sign}`, as its range is {}",
                shown(farthest),
                range.text()
            ));
        }
    }
}
