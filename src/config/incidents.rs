//! A file of known incidents, which a back-test holds alerts against: a list of
//! `{from: TIME, to: TIME, model: "pattern", rules: ["pattern"], name: text}`.

use super::document;
use super::nearest::nearest;
use super::problem::{Problems, Report};
use super::read_text;
use super::reference::read_time;
use super::section::{Item, Section};
use crate::event::Millis;
use crate::event::alert::Pattern;
use std::collections::BTreeMap;
use std::path::Path;

/// Something that went wrong, which somebody should have been told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// What it is called; no other one has that name.
    pub name: String,
    /// Start in event time, inclusive.
    pub from_ms: Millis,
    /// End, exclusive, > start.
    pub to_ms: Millis,
    /// Models that it is about; `None`: all.
    pub model: Option<Pattern>,
    /// Rules that are to tell of it; empty: any of them.
    pub rules: Vec<Pattern>,
}

impl Incident {
    /// True if the rule `id` may be about it.
    pub fn concerns_rule(&self, id: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|pattern| pattern.matches(id))
    }

    /// True if an alert of `model` may be about it; one without a model is about all of them.
    pub fn concerns_model(&self, model: &str) -> bool {
        model.is_empty() || self.model.as_ref().is_none_or(|pattern| pattern.matches(model))
    }
}

const ONE: &str = "an incident such as `{from: 2026-03-01, to: 2026-03-03, name: outage}`";

/// Reads a file of incidents, for rules with these ids.
///
/// # Errors
/// Every problem of the file at once; or the one that kept it from being read.
pub fn load_incidents(path: &Path, rules: &[&str]) -> Result<Vec<Incident>, Problems> {
    let text = read_text(path, "incidents", "name a file with a list of incidents")?;
    parse_incidents(&text, &path.display().to_string(), rules)
}

/// Reads incidents from their text. `file_name` is for messages.
///
/// # Errors
/// Every problem of the text at once.
pub fn parse_incidents(text: &str, file_name: &str, rules: &[&str]) -> Result<Vec<Incident>, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::default();
    let incidents = document::read(text, &mut report).map(|root| read_all(&Item::root(&root), rules, &mut report));
    let problems = report.into_problems(file_name, text);
    match incidents {
        Some(incidents) if !problems.has_errors() => Ok(incidents),
        _ => Err(problems),
    }
}

fn read_all(root: &Item<'_>, rules: &[&str], report: &mut Report) -> Vec<Incident> {
    if root.is_section() {
        root.wrong_type(report, "a list: `- {from: 2026-03-01, to: 2026-03-03, name: outage}`, one a line");
        return Vec::new();
    }
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    let mut incidents = Vec::new();
    for (item, number) in root.list_or_none(report, "a list of incidents").unwrap_or_default().iter().zip(1..) {
        let Some(incident) = read(item, number, rules, report) else { continue };
        let line = item.at().place.line;
        if let Some(first) = lines.insert(incident.name.clone(), line) {
            let message = format!("the name `{}` twice", incident.name);
            report.error(&item.at(), message).help(format!("the one in line {first} has it: give each its own"));
        }
        incidents.push(incident);
    }
    incidents
}

fn read(item: &Item<'_>, number: usize, rules: &[&str], report: &mut Report) -> Option<Incident> {
    if !item.is_section() {
        item.wrong_type(report, ONE);
        return None;
    }
    let mut section = Section::open(item, report)?;
    let [from, to] = ["from", "to"].map(|key| {
        let item = section.require(key, report, "write when it began and when it was over, in event time");
        Some((item.as_ref()?.at(), read_time(&item?, report)?))
    });
    let name = section.take("name").map(|item| item.text(report, "what it is called"));
    let model = section.take("model").map(|item| item.text(report, "a model id, or a pattern such as `fraud*`"));
    let rules = section.take("rules").map(|item| read_rules(&item, rules, report));
    section.finish(report, &[], &[("rule", "as a list: `rules: [recall-low]`")]);
    let (((_, from_ms), (to_at, to_ms)), rules) = (from.zip(to)?, rules.unwrap_or_default());
    if from_ms >= to_ms {
        report.error(&to_at, "an incident that ends before it begins").expected("`to` later than `from`");
        return None;
    }
    let name = match name {
        Some(name) => name?.value,
        None => format!("incident {number}"),
    };
    let model = match model {
        Some(model) => Some(Pattern::new(&model?.value)),
        None => None,
    };
    Some(Incident { name, from_ms, to_ms, model, rules })
}

fn read_rules(item: &Item<'_>, ids: &[&str], report: &mut Report) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for item in item.list(report, "ids of rules, such as `[recall-low, \"drift*\"]`").unwrap_or_default() {
        let Some(text) = item.text(report, "the id of a rule, or a pattern such as `recall*`") else { continue };
        let pattern = Pattern::new(&text.value);
        if !ids.iter().any(|id| pattern.matches(id)) {
            let help = match nearest(&text.value, ids.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name rules by their `id`, or leave `rules` out for all of them".to_owned(),
            };
            report.error(&text.at, format!("there is no rule `{}`", text.value)).help(help);
        }
        patterns.push(pattern);
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Incident>, String> {
        parse_incidents(text, "i.yaml", &["recall-low", "drift"]).map_err(|problems| problems.to_string())
    }

    #[test]
    fn incidents_are_read_with_what_they_are_about() {
        let text = "- {from: 1970-01-01, to: 1970-01-02, model: 'fraud*', rules: ['recall*'], name: storm}\n\
                    - {from: 1970-01-01T00:00:01Z, to: 1970-01-03}\n";
        let incidents = parsed(text).unwrap();
        assert_eq!((incidents[0].name.as_str(), incidents[0].from_ms, incidents[0].to_ms), ("storm", 0, 86_400_000));
        assert_eq!((incidents[1].name.as_str(), incidents[1].from_ms), ("incident 2", 1_000));
        let concerns = |rule: &str, model: &str| {
            incidents.iter().map(|i| i.concerns_rule(rule) && i.concerns_model(model)).collect::<Vec<_>>()
        };
        assert_eq!(concerns("recall-low", "fraud-2"), [true, true]);
        assert_eq!(concerns("drift", "fraud-2"), [false, true]);
        assert_eq!(concerns("recall-low", "churn"), [false, true]);
        assert_eq!(concerns("recall-low", ""), [true, true], "what is about all models is about this one");
        assert_eq!(parsed("[]"), Ok(vec![]), "a history in which all was well");
    }

    #[test]
    fn every_problem_is_said_at_once_with_its_place() {
        let text = "- {from: 1970-01-02, to: 1970-01-01}\n- {from: soon, too: 1970-01-01}\n- storm\n\
                    - {from: 1970-01-01, to: 1970-01-02, name: x, rules: [recal-low]}\n\
                    - {from: 1970-01-01, to: 1970-01-02, name: x, rule: drift}\n";
        let said = parsed(text).unwrap_err();
        for part in [
            "ends before it begins",
            "i.yaml:1:",
            "`soon` is no time",
            "unknown key `too`",
            "missing key `to`",
            "the text `storm`",
            "there is no rule `recal-low`",
            "did you mean `recall-low`?",
            "the name `x` twice",
            "in line 4",
            "`rule` does not belong here",
        ] {
            assert!(said.contains(part), "{part} is missing in\n{said}");
        }
        assert!(parsed("from: 1970-01-01\n").unwrap_err().contains("a list"), "one that is no list");
    }
}
