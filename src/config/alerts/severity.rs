//! What is written once, with one severity, or for several of them: `min: 0.8`, or `warning: {min: 0.85}`.

use super::keys::{Keys, SEVERITIES};
use crate::config::nearest::enumerate;
use crate::config::problem::{At, Report};
use crate::config::section::{Item, Section};
use crate::event::alert::Severity;

/// Values of one severity, by their keys, and where they stand.
pub(super) struct Part<'a> {
    values: Vec<(&'static str, Item<'a>)>,
    pub at: At,
}

impl<'a> Part<'a> {
    /// The values of a section with these keys; `None`, with a problem, if it has none of them.
    pub fn open(item: &Item<'a>, keys: &[&'static str], report: &mut Report) -> Option<Part<'a>> {
        let mut section = Section::open(item, report)?;
        let values: Vec<_> = keys.iter().filter_map(|key| section.take(key).map(|item| (*key, item))).collect();
        let has_unknown = section.entries().count() > values.len();
        section.finish(report, &[], &[]);
        if values.is_empty() && !has_unknown {
            let expected = format!("a section with {}", enumerate(keys.iter().copied()).replace(", ", " or "));
            report.error(&item.at(), "nothing in it").expected(expected);
        }
        (!values.is_empty()).then(|| Part { values, at: item.at() })
    }

    pub fn get(&self, key: &str) -> Option<&Item<'a>> {
        self.values.iter().find(|(known, _)| *known == key).map(|(_, item)| item)
    }
}

/// Reads `severity:`.
pub(super) fn read(keys: &Keys<'_>, report: &mut Report) -> Option<Severity> {
    let severities = Severity::ALL.map(|severity| (severity.name(), severity));
    Some(keys.get("severity")?.choice(report, &severities)?.value)
}

/// What stands under `bare` keys of the rule, or under the severities, the mildest first; empty if nothing does. `None` if
/// anything in it is wrong.
pub(super) fn parts<'a>(
    keys: &Keys<'a>,
    bare: &[&'static str],
    report: &mut Report,
) -> Option<Vec<(Severity, Part<'a>)>> {
    let (alone, severities) = (keys.among(bare), keys.among(&SEVERITIES));
    let severity = read(keys, report).unwrap_or(Severity::Warning);
    let Some(first) = severities.first() else {
        let values: Vec<_> = alone.iter().filter_map(|key| Some((*key, keys.get(key)?.clone()))).collect();
        let at = keys.at(alone.first().unwrap_or(&"id"));
        return Some(if values.is_empty() { Vec::new() } else { vec![(severity, Part { values, at })] });
    };
    if let Some(key) = alone.first() {
        report
            .error(&keys.at(key), format!("`{key}` and `{first}` do not go together"))
            .help(format!("write all limits under severities, as `{first}: {{{key}: …}}`"));
        return None;
    }
    if keys.has("severity") {
        report
            .error(&keys.at("severity"), format!("`severity` and `{first}` do not go together"))
            .help("remove `severity`: each has its limits");
        return None;
    }
    let read = Severity::ALL.map(|severity| {
        let item = keys.get(severity.name())?;
        Some(Part::open(item, bare, report).map(|part| (severity, part)))
    });
    read.into_iter().flatten().collect()
}
