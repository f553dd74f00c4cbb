//! One rule as it is written, with the places that later checks point to.

use super::keys::{Keys, Kind};
use super::{condition, gates, known, links, selector, severity, telling};
use crate::config::problem::{At, Report};
use crate::config::section::{Item, Spanned};
use crate::event::Millis;
use crate::event::alert::{AlertRule, Gates, Pattern, Presence, Severity, Watch};
use crate::metrics::Metric;
use std::sync::Arc;

/// Longest id, in characters.
const LONGEST_ID: usize = 100;
/// Most windows for which something may be absent.
const MOST_WINDOWS: u32 = 1000;

/// A rule as written.
#[derive(Debug, Clone)]
pub(in crate::config) struct WrittenRule {
    /// With `for` of one window where that is a number of windows, until the model is known.
    pub(super) rule: AlertRule,
    pub(super) metric: Option<Metric>,
    /// Of `for: 3 windows`.
    pub(super) for_windows: Option<u32>,
    /// Rules that it is about.
    pub(super) members: Vec<Spanned<Arc<str>>>,
    pub(super) inhibited_by: Vec<Spanned<Arc<str>>>,
    pub(super) id_at: At,
    places: Vec<(&'static str, At)>,
}

impl WrittenRule {
    /// Where the value of `key` stands, or else the id.
    pub(super) fn at(&self, key: &str) -> &At {
        self.places.iter().find(|(known, _)| *known == key).map_or(&self.id_at, |(_, at)| at)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.places.iter().any(|(known, _)| *known == key)
    }

    /// The rule for a model whose smallest window is so long.
    pub(super) fn for_window(&self, smallest_ms: Millis) -> AlertRule {
        let mut rule = self.rule.clone();
        if let (Some(windows), Watch::Absence { for_ms, .. }) = (self.for_windows, &mut rule.watch) {
            *for_ms = smallest_ms.saturating_mul(Millis::from(windows));
        }
        rule
    }

    /// The pattern of the models that it is about; `None` for all.
    pub(super) fn model(&self) -> Option<&Pattern> {
        match &self.rule.watch {
            Watch::Metric { select, .. } => select.model.as_ref(),
            Watch::Absence { model, .. } => model.as_ref(),
            Watch::Rules { .. } => None,
        }
    }
}

/// Reads a rule: its id, if that can be read, and all of it, if nothing in it keeps it from being known.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> (Option<Spanned<String>>, Option<WrittenRule>) {
    let Some(keys) = Keys::open(item, report) else { return (None, None) };
    let id = read_id(&keys, report);
    let kind = keys.kind(report);
    if let Some(kind) = kind {
        keys.check(kind, report);
    }
    let metric = keys.get("metric").and_then(|item| known::read(item, report));
    let select = selector::read(&keys, metric, report);
    let is_of_metric = matches!(kind, Some(Kind::Static | Kind::Relative | Kind::Dynamic));
    let condition = kind.filter(|_| is_of_metric).and_then(|kind| condition::read(&keys, kind, metric, report));
    let clear_limits = condition.as_ref().and_then(|(_, clear_limits)| *clear_limits);
    let gates = gates::read(&keys, metric, clear_limits, report);
    let telling = telling::read(&keys, report);
    let inhibited_by = links::read(&keys, "inhibited_by", report);
    let mut for_windows = None;
    let mut members = Vec::new();
    let watch = match kind {
        None => None,
        Some(Kind::Absence) => read_absence(&keys, select.model, &mut for_windows, report),
        Some(Kind::Rules) => {
            let all = keys.has("all_of");
            members = links::read(&keys, if all { "all_of" } else { "any_of" }, report);
            let severity = severity::read(&keys, report);
            Some(Watch::Rules { rules: links::values(&members), all, severity })
        }
        Some(_) => metric.zip(condition).map(|(metric, (condition, _))| Watch::Metric {
            metric: metric.name().into(),
            select,
            condition,
        }),
    };
    let rule = id.as_ref().zip(watch).map(|(id, watch)| WrittenRule {
        rule: AlertRule {
            id: id.value.as_str().into(),
            watch,
            gates: Gates { inhibited_by: links::values(&inhibited_by), ..gates },
            repeat_ms: telling.repeat_ms,
            group: telling.group,
            notify: telling.notify,
            labels: telling.labels,
            summary: telling.summary,
            dashboard: telling.dashboard,
            runbook: telling.runbook,
        },
        metric,
        for_windows,
        members,
        inhibited_by,
        id_at: id.at.clone(),
        places: keys.places(),
    });
    (id, rule)
}

fn read_id(keys: &Keys<'_>, report: &mut Report) -> Option<Spanned<String>> {
    const EXPECTED: &str = "letters, digits, `-`, `_` and `.`, at most 100";
    let Some(item) = keys.get("id") else {
        report.error(&keys.at("id"), "missing key `id`").help("give the rule a name, such as `id: recall-low`");
        return None;
    };
    let id = item.text(report, EXPECTED)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.value.chars().count() > LONGEST_ID || !id.value.chars().all(is_plain) {
        report.error(&id.at, "not a name for a rule").expected(EXPECTED);
        return None;
    }
    Some(id)
}

fn read_absence(
    keys: &Keys<'_>,
    model: Option<Pattern>,
    for_windows: &mut Option<u32>,
    report: &mut Report,
) -> Option<Watch> {
    let names = Presence::ALL.map(|presence| (presence.name(), presence));
    let of = keys.get("absent").and_then(|item| item.choice(report, &names));
    let severity = severity::read(keys, report).unwrap_or(Severity::Warning);
    let for_ms = match keys.get("for") {
        Some(item) => read_for(item, for_windows, report),
        None => {
            report
                .error(&keys.at("absent"), "for how long is not said")
                .help("write `for: 2h`, or `for: 3 windows` of the smallest size");
            None
        }
    };
    let of = of?;
    if of.value == Presence::Source && keys.has("model") {
        report
            .error(&keys.at("model"), "`absent: source` is about all models together")
            .help("remove `model`, or write `absent: predictions`");
        return None;
    }
    Some(Watch::Absence { of: of.value, for_ms: for_ms?, severity, model })
}

/// `2h`, or `3 windows`.
fn read_for(item: &Item<'_>, for_windows: &mut Option<u32>, report: &mut Report) -> Option<Millis> {
    let text = item.plain_text().unwrap_or_default();
    let Some(number) = text.strip_suffix("windows").or_else(|| text.strip_suffix("window")) else {
        return Some(item.duration(report, 1)?.value);
    };
    let windows = number.trim_end().parse::<u32>().ok().filter(|windows| (1..=MOST_WINDOWS).contains(windows));
    if windows.is_none() {
        report
            .error(&item.at(), format!("`{text}` is no number of windows"))
            .expected(format!("from `1 window` to `{MOST_WINDOWS} windows`"));
    }
    *for_windows = windows;
    windows.map(|_| 1)
}
