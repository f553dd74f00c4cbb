//! Whether a template can be used: found before the first alert, with the line and the name that was meant.

use super::values::{VARIABLES, values};
use super::{FILTERS, NAME, Template, message};
use crate::alert::Contributor;
use crate::alert::summary::{Compared, Context, Measured, Subject};
use crate::event::Millis;
use crate::event::alert::{AlertCause, AlertState, Baseline, Severity, Unit};
use minijinja::value::{Object, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Least similarity (0–1) of a name that is worth suggesting.
const LEAST_SIMILARITY: f64 = 0.6;

/// Why `text` is no template that can be used, with the line and the nearest name; it is rendered once for an example.
pub fn check(text: &str) -> Result<(), String> {
    let template = Template::new(text)?;
    let parsed = template.environment.get_template(NAME).map_err(|error| message(&error))?;
    // In the order of the names, whatever order they came in.
    let named: BTreeSet<String> = parsed.undeclared_variables(false).into_iter().collect();
    if let Some(name) = named.iter().find(|name| !VARIABLES.contains(&name.as_str())) {
        return Err(unknown(text, "variable", name, &VARIABLES));
    }
    if let Some(name) = filters_of(text).into_iter().find(|name| !FILTERS.contains(name)) {
        return Err(unknown(text, "filter", name, &FILTERS));
    }
    let mut values = values(&example());
    values.insert("labels", Value::from_object(AnyLabel));
    template.rendered(Value::from(values)).map(drop).map_err(|error| message(&error))
}

fn unknown(text: &str, what: &str, name: &str, known: &[&str]) -> String {
    let similarity = |known: &str| strsim::normalized_damerau_levenshtein(&name.to_lowercase(), known);
    let mut near: Vec<(f64, &str)> = known.iter().map(|known| (similarity(known), *known)).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let meant = match near.first() {
        Some((similarity, known)) if *similarity >= LEAST_SIMILARITY => format!(", did you mean `{known}`?"),
        _ => String::new(),
    };
    match line_of(text, name) {
        Some(line) => format!("line {line}: unknown {what} `{name}`{meant}"),
        None => format!("unknown {what} `{name}`{meant}"),
    }
}

/// The first line in which `name` stands as a word inside of a tag.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let found = |(at, _): (usize, &str)| -> Option<usize> {
        let before = text[..at].chars().next_back().is_some_and(is_word);
        let after = text[at + name.len()..].chars().next().is_some_and(is_word);
        let is_inside = tags(text).iter().any(|(from, tag)| (*from..from + tag.len()).contains(&at));
        (!before && !after && is_inside).then(|| text[..at].matches('\n').count() + 1)
    };
    text.match_indices(name).find_map(found)
}

/// What stands between `{{` and `}}` or `{%` and `%}`, and where.
fn tags(text: &str) -> Vec<(usize, &str)> {
    let mut tags = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find("{{").into_iter().chain(text[from..].find("{%")).min() {
        let begin = from + open + 2;
        let end = if text[from + open..].starts_with("{{") { "}}" } else { "%}" };
        let Some(length) = text[begin..].find(end) else { break };
        tags.push((begin, &text[begin..begin + length]));
        from = begin + length + 2;
    }
    tags
}

/// Names behind `|`, outside of texts in quotes. The engine itself finds an unknown one only where it comes by.
fn filters_of(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (_, tag) in tags(text) {
        let mut quote = None;
        for (at, c) in tag.char_indices() {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), _) if open == c => quote = None,
                (None, '|') => {
                    let behind = tag[at + 1..].trim_start();
                    let end = behind.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(behind.len());
                    names.push(&behind[..end]);
                }
                _ => {}
            }
        }
    }
    names
}

/// For the example: every rule has other labels.
#[derive(Debug)]
struct AnyLabel;

impl Object for AnyLabel {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from("example"))
    }
}

/// An alert that has everything that an alert of a metric can have; what others have, too.
fn example() -> Context {
    const HOUR: Millis = 3_600_000;
    let baseline = Baseline::Trailing { windows: 7 };
    let measured = Measured {
        metric: "recall".into(),
        value: Some(0.71),
        lower: Some(0.66),
        upper: Some(0.75),
        compared: Compared::Relative { baseline, unit: Unit::Percent, difference: Some(-13.4) },
        baseline: Some(0.82),
        threshold_lower: Some(-10.0),
        threshold_upper: Some(10.0),
        bad: 3,
        of: 4,
        fire: 3,
        window_start: 1_795_737_600_000,
        window_size_ms: HOUR,
        count: 412,
        coverage: Some(0.92),
        worst: vec![Contributor { name: "country=BR".into(), value: 0.52, count: 80, is_final: true }],
        reference_id: Some("00112233445566778899aabbccddeeff".into()),
    };
    Context {
        rule: "recall_low".into(),
        alert_id: "0123456789abcdef".into(),
        state: AlertState::Firing,
        severity: Severity::Warning,
        cause: AlertCause::Window,
        model: "fraud".into(),
        version: "7".into(),
        segment: "country=BR".into(),
        feature: Some("amount".into()),
        class: Some("a".into()),
        predicted_class: Some("b".into()),
        subject: Subject::Metric(measured),
        open_ms: Some(3 * HOUR),
        suppressed_by: Some("silence".into()),
        acknowledged_by: Some("ana".into()),
        labels: BTreeMap::new(),
    }
}
