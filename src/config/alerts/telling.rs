//! How an alert is told: how often, to whom, and in which words.

use super::keys::Keys;
use crate::alert::template;
use crate::config::problem::Report;
use crate::config::section::{Item, Section};
use crate::event::Millis;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is read here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Telling {
    pub repeat_ms: Option<Millis>,
    pub group: bool,
    pub notify: bool,
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    pub summary: Option<Arc<str>>,
    pub dashboard: Option<Arc<str>>,
    pub runbook: Option<Arc<str>>,
}

/// Reads all of it.
pub(super) fn read(keys: &Keys<'_>, report: &mut Report) -> Telling {
    let repeat_ms = keys.get("repeat").and_then(|item| item.duration(report, 1)).map(|repeat| repeat.value);
    let mut flag =
        |key: &str| -> Option<bool> { Some(keys.get(key)?.choice(report, &[("true", true), ("false", false)])?.value) };
    let (group, notify) = (flag("group").unwrap_or(false), flag("notify").unwrap_or(true));
    let labels = keys.get("labels").map(|item| read_labels(item, report)).unwrap_or_default();
    let mut template = |key: &str| read_template(keys.get(key)?, report);
    let [summary, dashboard, runbook] = ["summary", "dashboard", "runbook"].map(&mut template);
    Telling { repeat_ms, group, notify, labels, summary, dashboard, runbook }
}

fn read_labels(item: &Item<'_>, report: &mut Report) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut labels = BTreeMap::new();
    if !item.is_section() {
        item.wrong_type(report, "labels such as `{team: risk}`");
        return labels;
    }
    let Some(section) = Section::open(item, report) else { return labels };
    for (name, value) in section.entries() {
        if name.value.is_empty() {
            report.error(&name.at, "a label without a name").help("remove it, or give it a name");
        }
        if let Some(value) = value.text(report, "a text") {
            labels.insert(name.value.into(), value.value.into());
        }
    }
    labels
}

fn read_template(item: &Item<'_>, report: &mut Report) -> Option<Arc<str>> {
    let text = item.text(report, "a text, with names in braces for what differs")?;
    if let Err(why) = template::check(&text.value) {
        report.error(&text.at, why).help("correct it, or leave it out for the built-in one");
        return None;
    }
    Some(text.value.into())
}
