//! What stands between a bad value and an alert: which windows count, how many are needed, and when nobody is told.

use super::keys::Keys;
use super::{active, amount};
use crate::config::problem::Report;
use crate::config::section::{Item, Section};
use crate::event::Millis;
use crate::event::alert::{Gates, Limits, Maturity};
use crate::metrics::Metric;

/// Most windows of which some must be bad.
const MOST_OF: u32 = 64;

/// Reads all gates but `inhibited_by`. `metric` is `None` where it is not known, and of a rule on none.
pub(super) fn read(
    keys: &Keys<'_>,
    metric: Option<Metric>,
    clear_limits: Option<Limits>,
    report: &mut Report,
) -> Gates {
    let built_in = Gates::default();
    let flags = [("true", true), ("false", false)];
    let min_count = keys.get("min_count").and_then(|item| item.count(report, 0..=u32::MAX));
    let provisional = keys.get("provisional").and_then(|item| item.choice(report, &flags));
    let provisional = provisional.map_or(built_in.provisional, |provisional| provisional.value);
    let maturity = keys.get("maturity").and_then(|item| read_maturity(item, built_in.maturity, report));
    check_maturity(keys, metric, provisional, report);
    let fire = keys.get("fire").and_then(|item| read_fire(item, report));
    let (fire, of) = fire.unwrap_or((built_in.fire, built_in.of));
    let clear = keys.get("clear_after").and_then(|item| item.count(report, 1..=MOST_OF));
    let mut time = |key: &str| -> Option<Millis> { Some(keys.get(key)?.duration(report, 0)?.value) };
    let (cooldown_ms, warm_up_ms) = (time("cooldown"), time("warm_up"));
    Gates {
        min_count: min_count.map_or(built_in.min_count, |count| i64::from(count.value)),
        provisional,
        maturity: maturity.unwrap_or(built_in.maturity),
        fire,
        of,
        clear: clear.map_or(built_in.clear, |clear| clear.value),
        clear_limits,
        cooldown_ms: cooldown_ms.unwrap_or(built_in.cooldown_ms),
        warm_up_ms: warm_up_ms.unwrap_or(built_in.warm_up_ms),
        active: keys.get("active").and_then(|item| active::read(item, report)),
        inhibited_by: built_in.inhibited_by,
    }
}

fn read_maturity(item: &Item<'_>, built_in: Maturity, report: &mut Report) -> Option<Maturity> {
    if !item.is_section() {
        item.wrong_type(report, "`{coverage: 90%, wait: 7d}`");
        return None;
    }
    let mut section = Section::open(item, report)?;
    let coverage = section.take("coverage").map(|item| amount::read_share(&item, report));
    let wait = section.take("wait").map(|item| item.duration(report, 0));
    section.finish(report, &[], &[]);
    let coverage = match coverage {
        Some(coverage) => coverage?.value,
        None => built_in.coverage,
    };
    let wait_ms = match wait {
        Some(wait) => Some(wait?.value),
        None => built_in.wait_ms,
    };
    Some(Maturity { coverage, wait_ms })
}

fn check_maturity(keys: &Keys<'_>, metric: Option<Metric>, provisional: bool, report: &mut Report) {
    if !keys.has("maturity") {
        return;
    }
    let at = keys.at("maturity");
    if !provisional {
        report
            .warning(&at, "`maturity` has no effect: only windows that are final count, and they are mature")
            .help("write `provisional: true`, so that windows count before, or remove it");
    } else if let Some(metric) = metric.filter(|metric| !metric.needs_labels()) {
        report.warning(&at, format!("`maturity` has no effect: `{}` needs no labels", metric.name())).help("remove it");
    }
}

/// `3` for three of three, or `{windows: 3, of: 4}`.
fn read_fire(item: &Item<'_>, report: &mut Report) -> Option<(u32, u32)> {
    if !item.is_section() {
        if item.is_list() {
            item.wrong_type(report, "`{windows: 3, of: 4}`, or `3` for three in a row");
            return None;
        }
        let windows = item.count(report, 1..=MOST_OF)?.value;
        return Some((windows, windows));
    }
    let mut section = Section::open(item, report)?;
    let windows = section
        .require("windows", report, "write `{windows: 3, of: 4}`: how many of how many must be bad")
        .map(|item| item.count(report, 1..=MOST_OF));
    let of = section.take("of").map(|item| item.count(report, 1..=MOST_OF));
    section.finish(report, &[], &[]);
    let windows = windows??;
    let of = match of {
        Some(of) => of?.value,
        None => windows.value,
    };
    if windows.value > of {
        report
            .error(&windows.at, format!("`{}` windows of `{of}` can never be bad", windows.value))
            .expected(format!("at most `{of}`"));
        return None;
    }
    Some((windows.value, of))
}
