//! Names of the topics, and the format of those that Postdict writes.

use super::format::{self, Formats, InputFormat, NamedFiles};
use super::problem::Report;
use super::section::{Item, Section, Spanned};
use crate::codec::RowFormat;

/// A topic that Postdict writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputTopic {
    /// Physical name.
    pub name: String,
    /// How its records are written.
    pub format: RowFormat,
}

/// Physical topics by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Read: what the models predicted.
    pub predictions: String,
    /// Read: what became known later.
    pub labels: String,
    /// Read where configured: references that are announced while the service runs.
    pub references: Option<String>,
    /// Read where configured: what people say of alerts while the service runs.
    pub control: Option<String>,
    /// Written: one row per metric value.
    pub metrics: OutputTopic,
    /// Written: one row per change of an alert's state.
    pub alerts: OutputTopic,
    /// Written: records that could not be used.
    pub dead_letters: OutputTopic,
    /// Written where configured: closed windows as profiles, one JSON object each.
    pub profiles: Option<String>,
    /// Written where configured: predictions with their labels.
    pub labelled: Option<OutputTopic>,
}

impl Default for Topics {
    fn default() -> Self {
        let output = |name: &str| OutputTopic { name: name.to_owned(), format: RowFormat::Json };
        Topics {
            predictions: "predictions".to_owned(),
            labels: "labels".to_owned(),
            references: None,
            control: None,
            metrics: output("metrics"),
            alerts: output("alerts"),
            dead_letters: output("dead-letters"),
            profiles: None,
            labelled: None,
        }
    }
}

const EXPECTED: &str = "a topic's name, or `{name: …, format: …}`";

/// Reads `topics:`. The inputs' formats, where they are given here, replace those of `formats`.
pub(super) fn read(
    item: Option<Item<'_>>,
    formats: &mut Formats,
    files: &NamedFiles<'_>,
    report: &mut Report,
) -> Topics {
    let mut topics = Topics::default();
    let Some(mut section) = item.and_then(|item| Section::open(&item, report)) else { return topics };
    let mut names: Vec<Spanned<String>> = Vec::new();

    let separate = formats.separate;
    for (role, slot, format) in [
        ("predictions", &mut topics.predictions, &mut formats.predictions),
        ("labels", &mut topics.labels, &mut formats.labels),
    ] {
        let Some(item) = section.take(role) else { continue };
        let (name, written) = read_input(&item, files, report);
        if let Some(name) = name {
            slot.clone_from(&name.value);
            names.push(name);
        }
        if let Some(written) = written {
            if let (true, Some(_), Some(at)) = (separate, &*format, &written.at) {
                report
                    .error(at, format!("the format of {role} twice"))
                    .help(format!("it is also given at `format.{role}`: keep one of them"));
            }
            *format = Some(written);
        }
    }
    for (role, slot) in [("references", &mut topics.references), ("control", &mut topics.control)] {
        let name = section.take(role).and_then(|item| read_plain_name(&item, "a topic's name", report));
        *slot = name.as_ref().map(|name| name.value.clone());
        names.extend(name);
    }
    let mut labelled = OutputTopic { name: String::new(), format: RowFormat::Json };
    for (role, slot) in [
        ("metrics", &mut topics.metrics),
        ("alerts", &mut topics.alerts),
        ("dead_letters", &mut topics.dead_letters),
        ("labelled", &mut labelled),
    ] {
        let Some(item) = section.take(role) else { continue };
        if let Some(name) = read_output(&item, slot, report) {
            names.push(name);
        }
    }
    if let Some(item) = section.take("profiles") {
        let mut profiles = OutputTopic { name: String::new(), format: RowFormat::Json };
        names.extend(read_output(&item, &mut profiles, report));
        if profiles.format != RowFormat::Json {
            report
                .error(&item.at(), "profiles are lists within lists, and are written as JSON only")
                .help("leave out `format` and `schema_id`");
        }
        topics.profiles = Some(profiles.name).filter(|name| !name.is_empty());
    }
    topics.labelled = Some(labelled).filter(|topic| !topic.name.is_empty());
    section.finish(report, &[], &[]);
    check_distinct(&topics, &names, report);
    topics
}

fn read_input(
    item: &Item<'_>,
    files: &NamedFiles<'_>,
    report: &mut Report,
) -> (Option<Spanned<String>>, Option<InputFormat>) {
    if !item.is_section() {
        return (read_name(item, report), None);
    }
    let Some(mut section) = Section::open(item, report) else { return (None, None) };
    let name = section.require("name", report, EXPECTED).and_then(|item| read_name(&item, report));
    let format = section.take("format").and_then(|item| format::read_one(&item, files, report));
    section.finish(report, &[], &[]);
    (name, format)
}

fn read_output(item: &Item<'_>, slot: &mut OutputTopic, report: &mut Report) -> Option<Spanned<String>> {
    if !item.is_section() {
        let name = read_name(item, report)?;
        slot.name.clone_from(&name.value);
        return Some(name);
    }
    let mut section = Section::open(item, report)?;
    let name = section.require("name", report, EXPECTED).and_then(|item| read_name(&item, report));
    let is_avro = section.take("format").and_then(|item| item.choice(report, &[("avro", true), ("json", false)]));
    let schema_id = section.take("schema_id").and_then(|item| item.count(report, 0..=u32::MAX));
    match (is_avro, schema_id) {
        (Some(Spanned { value: true, at }), None) => {
            report
                .error(&at, "Avro needs the id of the schema in the registry")
                .help("write `schema_id: …` beside it (`postdict schemas show` prints the schema to register)");
        }
        (Some(Spanned { value: true, .. }), Some(id)) => slot.format = RowFormat::Avro { schema_id: id.value },
        (_, Some(id)) => {
            report.error(&id.at, "a schema id, but the format is JSON").help("write `format: avro` beside it");
        }
        (_, None) => slot.format = RowFormat::Json,
    }
    section.finish(report, &[], &[]);
    if let Some(name) = &name {
        slot.name.clone_from(&name.value);
    }
    name
}

/// A name by Kafka's rules, where a format could be given too.
fn read_name(item: &Item<'_>, report: &mut Report) -> Option<Spanned<String>> {
    read_plain_name(item, EXPECTED, report)
}

/// A name by Kafka's rules.
fn read_plain_name(item: &Item<'_>, expected: &str, report: &mut Report) -> Option<Spanned<String>> {
    let name = item.text(report, expected)?;
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if !legal || name.len() > 249 || name.value == "." || name.value == ".." {
        report
            .error(&name.at, "not a name that Kafka allows for a topic")
            .expected("letters, digits, `.`, `_` and `-`, at most 249 of them");
        return None;
    }
    Some(name)
}

/// Two roles on one topic would read or overwrite each other's records. Blames a written name, never a default.
fn check_distinct(topics: &Topics, names: &[Spanned<String>], report: &mut Report) {
    let outputs = [&topics.metrics, &topics.alerts, &topics.dead_letters];
    let mut all: Vec<&str> = outputs.into_iter().chain(&topics.labelled).map(|topic| topic.name.as_str()).collect();
    all.extend(topics.profiles.as_deref());
    all.extend([topics.predictions.as_str(), topics.labels.as_str()]);
    all.extend(topics.references.as_deref());
    all.extend(topics.control.as_deref());
    for name in names {
        if all.iter().filter(|other| **other == name.value).count() > 1 {
            report
                .error(&name.at, format!("the topic `{}` plays two roles", name.value))
                .help("give each role a topic of its own; names that are not written are the roles' own");
        }
    }
}
