//! What holds for the alerts of all models: `alerts: {caps: {…}, maintenance: […]}`.

use crate::config::problem::Report;
use crate::config::reference::read_time;
use crate::config::section::{Item, Section};
use crate::event::alert::{AlertCaps, Maintenance, Pattern};

/// What is read here.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::config) struct OfService {
    pub(super) caps: AlertCaps,
    pub(super) maintenance: Vec<Maintenance>,
}

/// Reads `alerts:` of the top level.
pub(in crate::config) fn read(item: Option<Item<'_>>, report: &mut Report) -> OfService {
    let Some(item) = item else { return OfService::default() };
    if !item.is_section() && !item.is_null() {
        item.wrong_type(
            report,
            "a section with `caps` and `maintenance`; rules stand under `defaults` or `models.NAME`",
        );
        return OfService::default();
    }
    let Some(mut section) = Section::open(&item, report) else { return OfService::default() };
    let of_service = read_keys(&mut section, report);
    section.finish(report, &[], &[("rules", "as `alerts` under `defaults` or `models.NAME`")]);
    of_service
}

/// Reads what stands beside the rules of a file, or in the section of the configuration.
pub(super) fn read_keys(section: &mut Section<'_>, report: &mut Report) -> OfService {
    let caps = section.take("caps").map(|item| read_caps(&item, report)).unwrap_or_default();
    let maintenance = section.take("maintenance").map(|item| read_maintenance(&item, report)).unwrap_or_default();
    OfService { caps, maintenance }
}

fn read_caps(item: &Item<'_>, report: &mut Report) -> AlertCaps {
    let mut caps = AlertCaps::default();
    let Some(mut section) = Section::open(item, report) else { return caps };
    for (key, slot, most) in [
        ("series", &mut caps.series, 10_000_000),
        ("history", &mut caps.history, 1_000_000),
        ("open", &mut caps.open, 1_000_000),
        ("listed", &mut caps.listed, 1000),
    ] {
        if let Some(count) = section.take(key).and_then(|item| item.count(report, 1..=most)) {
            *slot = count.value as usize;
        }
    }
    section.finish(report, &[], &[]);
    caps
}

fn read_maintenance(item: &Item<'_>, report: &mut Report) -> Vec<Maintenance> {
    let items = item.list_or_none(report, SPANS).unwrap_or_default();
    items.iter().filter_map(|item| read_span(item, report)).collect()
}

const SPANS: &str = "spans such as `[{from: 2026-01-01T02:00:00Z, to: 2026-01-01T04:00:00Z}]`";

fn read_span(item: &Item<'_>, report: &mut Report) -> Option<Maintenance> {
    if !item.is_section() {
        item.wrong_type(report, "a span such as `{from: 2026-01-01T02:00:00Z, to: 2026-01-01T04:00:00Z}`");
        return None;
    }
    let mut section = Section::open(item, report)?;
    let [from, to] = ["from", "to"].map(|key| {
        let item = section.require(key, report, "write when it begins and when it ends, in event time");
        Some((item.as_ref()?.at(), read_time(&item?, report)?))
    });
    let model = section.take("model").map(|item| item.text(report, "a model id, or a pattern such as `fraud*`"));
    section.finish(report, &[], &[]);
    let model = match model {
        Some(model) => Some(Pattern::new(&model?.value)),
        None => None,
    };
    let ((_, from_ms), (to_at, to_ms)) = (from?, to?);
    if from_ms >= to_ms {
        report.error(&to_at, "a span that ends before it begins").expected("`to` later than `from`");
        return None;
    }
    Some(Maintenance { from_ms, to_ms, model })
}
