//! Reads typed values from the tree, each with its place, and reports what has another type or an unknown name.

use super::document::{Entry, Kind, Node, Value};
use super::duration::{self, DurationError};
use super::nearest::{enumerate, nearest};
use super::problem::{At, Place, Report, child_path};
use crate::event::Millis;
use std::ops::{Deref, RangeInclusive};

/// A value as written, and where.
#[derive(Debug, Clone)]
pub(super) struct Spanned<T> {
    pub value: T,
    pub at: At,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A node with its path, before it is known to have the right type.
#[derive(Debug, Clone)]
pub(super) struct Item<'a> {
    node: &'a Node,
    key: Option<Place>,
    path: String,
}

impl<'a> Item<'a> {
    /// The whole document.
    pub fn root(node: &'a Node) -> Item<'a> {
        Item { node, key: None, path: String::new() }
    }

    fn of(entry: &'a Entry, path: &str) -> Item<'a> {
        Item { node: &entry.node, key: Some(entry.key_place), path: child_path(path, &entry.key) }
    }

    /// Where problems with the value are shown: the value, or its key where the value is absent or spread over lines.
    pub fn at(&self) -> At {
        let at_key = match &self.node.value {
            Value::Scalar { text, kind } => *kind == Kind::Null && text.is_empty(),
            Value::List(_) | Value::Map(_) => self.key.is_some_and(|key| key.line != self.node.place.line),
        };
        let place = self.key.filter(|_| at_key).unwrap_or(self.node.place);
        At { place, path: self.path.clone() }
    }

    fn spanned<T>(&self, value: T) -> Spanned<T> {
        Spanned { value, at: self.at() }
    }

    /// True for a list.
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// True for a section (a map).
    pub fn is_section(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// True if it is `~`, `null`, or left out.
    pub fn is_null(&self) -> bool {
        matches!(self.node.value, Value::Scalar { kind: Kind::Null, .. })
    }

    /// True if it is exactly this text.
    pub fn is_text(&self, wanted: &str) -> bool {
        matches!(&self.node.value, Value::Scalar { text, kind: Kind::Text } if text == wanted)
    }

    /// The text that stands here, where it is one; no problem if not.
    pub fn plain_text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar { text, kind: Kind::Text } => Some(text),
            _ => None,
        }
    }

    /// What stands here, for a message.
    fn found(&self) -> String {
        match &self.node.value {
            Value::Scalar { kind: Kind::Null, .. } => "nothing".to_owned(),
            Value::Scalar { kind: Kind::Boolean(value), .. } => format!("`{value}`"),
            Value::Scalar { kind: Kind::Number(_), text } => format!("the number `{text}`"),
            Value::Scalar { text, .. } => format!("the text `{}`", shortened(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a section".to_owned(),
        }
    }

    /// Reports that something else stands here.
    pub fn wrong_type(&self, report: &mut Report, expected: &str) {
        report.error(&self.at(), format!("wrong type: {}", self.found())).expected(expected);
    }

    /// The items of a list that is not empty.
    pub fn list(&self, report: &mut Report, expected: &str) -> Option<Vec<Item<'a>>> {
        let items = self.list_or_none(report, expected)?;
        if items.is_empty() {
            report.error(&self.at(), "an empty list").expected(expected);
            return None;
        }
        Some(items)
    }

    /// A list that may be empty.
    pub fn list_or_none(&self, report: &mut Report, expected: &str) -> Option<Vec<Item<'a>>> {
        match &self.node.value {
            Value::List(items) => {
                let item = |(index, node)| Item { node, key: None, path: format!("{}[{index}]", self.path) };
                Some(items.iter().enumerate().map(item).collect())
            }
            Value::Scalar { text, kind } if *kind != Kind::Null => {
                let written = shortened(text);
                report
                    .error(&self.at(), format!("wrong type: {}", self.found()))
                    .expected(expected)
                    .help(format!("write it as a list: `[{written}]`"));
                None
            }
            _ => {
                self.wrong_type(report, expected);
                None
            }
        }
    }

    /// A number in `range`, finite.
    pub fn number(&self, report: &mut Report, range: RangeInclusive<f64>, expected: &str) -> Option<Spanned<f64>> {
        match self.node.value {
            Value::Scalar { kind: Kind::Number(number), .. } if range.contains(&number) => Some(self.spanned(number)),
            Value::Scalar { kind: Kind::Number(_), ref text } => {
                report.error(&self.at(), format!("`{text}` is out of range")).expected(expected);
                None
            }
            _ => {
                self.wrong_type(report, expected);
                None
            }
        }
    }

    /// A whole number in `range`.
    pub fn count(&self, report: &mut Report, range: RangeInclusive<u32>) -> Option<Spanned<u32>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.number(report, f64::from(*range.start())..=f64::from(*range.end()), &expected)?;
        if number.value.fract() != 0.0 {
            report.error(&number.at, format!("`{}` is not whole", number.value)).expected(expected);
            return None;
        }
        // In range of u32 by the check above.
        Some(Spanned { value: number.value as u32, at: number.at })
    }

    /// A duration of at least `least` milliseconds.
    pub fn duration(&self, report: &mut Report, least: Millis) -> Option<Spanned<Millis>> {
        const EXPECTED: &str = "a duration such as `90d`, `6h`, `15m`, `30s` or `500ms`";
        let Value::Scalar { text, kind: Kind::Text | Kind::Number(_) } = &self.node.value else {
            self.wrong_type(report, EXPECTED);
            return None;
        };
        let shown = shortened(text);
        let (message, help) = match duration::parse(text) {
            Ok(millis) if millis >= least => return Some(self.spanned(millis)),
            Ok(_) => {
                let least = duration::format(least);
                report.error(&self.at(), format!("`{shown}` is too short")).expected(format!("at least `{least}`"));
                return None;
            }
            Err(DurationError::NoUnit(number)) => {
                let number = shortened(&number);
                (
                    format!("`{shown}` has no unit"),
                    format!("say what it counts: `{number}s`, `{number}m`, `{number}h` …"),
                )
            }
            Err(DurationError::UnknownUnit(unit)) => {
                (format!("unknown unit `{}`", shortened(&unit)), "the units are `d`, `h`, `m`, `s` and `ms`".to_owned())
            }
            Err(DurationError::Order) => (
                format!("units of `{shown}` out of order"),
                "write each unit once, the largest first: `1h30m`".to_owned(),
            ),
            Err(DurationError::TooLong) => {
                (format!("`{shown}` is too long"), format!("at most `{}`", duration::format(duration::MAX_MS)))
            }
            Err(DurationError::Malformed) => {
                (format!("`{shown}` is not a duration"), "whole numbers, each with a unit: `1h30m`".to_owned())
            }
        };
        report.error(&self.at(), message).expected(EXPECTED).help(help);
        None
    }

    /// Text that is not empty. A number or boolean counts as the text it is written as: a topic may be called `2024`.
    pub fn text(&self, report: &mut Report, expected: &str) -> Option<Spanned<String>> {
        match &self.node.value {
            Value::Scalar { kind: Kind::Null, .. } | Value::List(_) | Value::Map(_) => {
                self.wrong_type(report, expected);
                None
            }
            Value::Scalar { text, .. } if text.is_empty() => {
                report.error(&self.at(), "empty text").expected(expected);
                None
            }
            Value::Scalar { text, .. } => Some(self.spanned(text.clone())),
        }
    }

    /// The scalar's kind and text; `None` (and a problem) for nothing, a list or a section.
    pub fn scalar(&self, report: &mut Report, expected: &str) -> Option<(Kind, &'a str)> {
        match &self.node.value {
            Value::Scalar { text, kind } if *kind != Kind::Null => Some((*kind, text)),
            _ => {
                self.wrong_type(report, expected);
                None
            }
        }
    }

    /// One of several names.
    pub fn choice<T: Copy>(&self, report: &mut Report, choices: &[(&str, T)]) -> Option<Spanned<T>> {
        let names = || choices.iter().map(|(name, _)| *name);
        let expected = format!("one of {}", enumerate(names()));
        let (_, text) = self.scalar(report, &expected)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(self.spanned(*value));
        }
        let problem = report.error(&self.at(), format!("unknown value `{}`", shortened(text))).expected(expected);
        if let Some(near) = nearest(text, names()) {
            problem.help(format!("did you mean `{near}`?"));
        }
        None
    }
}

/// Keys that the configuration knows elsewhere: (key, where it belongs).
pub(super) type Elsewhere<'e> = &'e [(&'e str, &'e str)];

/// A section whose keys are known in advance. Every key that nobody asked for is unknown.
#[derive(Debug)]
pub(super) struct Section<'a> {
    entries: &'a [Entry],
    at: At,
    path: String,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// Opens a section. One without content (all its keys commented out) is empty.
    pub fn open(item: &Item<'a>, report: &mut Report) -> Option<Section<'a>> {
        let entries: &[Entry] = match &item.node.value {
            Value::Map(entries) => entries,
            Value::Scalar { kind: Kind::Null, .. } => &[],
            _ => {
                item.wrong_type(report, "a section (`key: value` lines)");
                return None;
            }
        };
        Some(Section { entries, at: item.at(), path: item.path.clone(), known: Vec::new() })
    }

    /// Where the section stands.
    pub fn at(&self) -> &At {
        &self.at
    }

    /// Takes a known key.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(Item::of(entry, &self.path))
    }

    /// Takes a key that must be there.
    pub fn require(&mut self, key: &'static str, report: &mut Report, help: &str) -> Option<Item<'a>> {
        let item = self.take(key);
        if item.is_none() {
            report.error(&self.at, format!("missing key `{key}`")).help(help);
        }
        item
    }

    /// All entries, for sections whose keys are free names.
    pub fn entries(&self) -> impl Iterator<Item = (Spanned<&'a str>, Item<'a>)> {
        self.entries.iter().map(|entry| {
            let item = Item::of(entry, &self.path);
            let at = At { place: entry.key_place, path: item.path.clone() };
            (Spanned { value: entry.key.as_str(), at }, item)
        })
    }

    /// Reports every key that nobody took: as not available where it is named in `later`, else as unknown.
    pub fn finish(self, report: &mut Report, later: &[&str], elsewhere: Elsewhere<'_>) {
        for (key, _) in self.entries() {
            let at = &key.at;
            let key = key.value;
            if self.known.contains(&key) {
                continue;
            }
            if later.contains(&key) {
                report.error(at, format!("`{key}` is not available in this version")).help("remove it");
            } else if key == "<<" {
                report.error(at, "merge keys (`<<`) are not supported").help("put what models share under `defaults`");
            } else if let Some((_, place)) = elsewhere.iter().find(|(name, _)| *name == key) {
                report.error(at, format!("`{key}` does not belong here")).help(format!("write it {place}"));
            } else {
                let help = match nearest(key, self.known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys here: {}", enumerate(self.known.iter().copied())),
                };
                report.error(at, format!("unknown key `{}`", shortened(key))).help(help);
            }
        }
    }
}

/// Text short enough for a message.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        text.replace(|c: char| c.is_control(), " ")
    } else {
        format!("{}…", shortened(&text.chars().take(LONGEST).collect::<String>()))
    }
}
