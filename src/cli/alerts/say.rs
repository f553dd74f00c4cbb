//! What people say of alerts: silences and acknowledgements.

use super::draw::{columns, shown, time};
use super::fold::Fold;
use super::{Shell, failed, refused};
use crate::cli::{Failure, print, usage, when};
use crate::codec::control::{ControlError, ControlRecord};
use crate::config::read_duration;
use crate::event::Millis;
use crate::event::alert::{Acknowledgement, Matcher, Pattern, Severity, Silence};
use crate::stage::control::{ControlTopic, Said};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// What is over is tidied away by whoever says something next: so many records at most.
const TIDIED_MAX: usize = 100;

/// Which alerts, for how long, and why.
#[derive(Debug, clap::Args)]
pub struct SilenceWords {
    /// Of these rules
    #[arg(long, value_name = "PATTERN")]
    rule: Option<String>,
    /// Of these models
    #[arg(long, value_name = "PATTERN")]
    model: Option<String>,
    /// Of these versions; an empty text is all versions together
    #[arg(long, value_name = "PATTERN")]
    version: Option<String>,
    /// Of these segments, such as `country=DE`; an empty text is the whole model
    #[arg(long, value_name = "PATTERN")]
    segment: Option<String>,
    /// Of these features; an empty text is what is about none
    #[arg(long, value_name = "PATTERN")]
    feature: Option<String>,
    /// The alert with this whole id
    #[arg(long, value_name = "ID")]
    alert: Option<String>,
    /// Not those that are worse: info, warning or critical
    #[arg(long, value_name = "SEVERITY")]
    up_to: Option<String>,
    /// For how long from now on: `2h`, `1d12h`
    #[arg(long = "for", value_name = "DURATION")]
    for_: Option<String>,
    /// Until when: 2026-05-01 or 2026-05-01T06:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Which alert.
#[derive(Debug, clap::Args)]
pub struct AcknowledgeWords {
    /// Its id, or how it begins
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, clap::Args)]
struct Who {
    /// Who says so [default: $USER]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
}

impl Who {
    /// The name; else what to do is added to the problems.
    fn name(&self, problems: &mut Vec<String>) -> String {
        let by = self.by.clone().or_else(|| std::env::var("USER").ok()).unwrap_or_default();
        if by.is_empty() {
            problems.push("nobody says so: write your name, as in --by ada".to_owned());
        }
        by
    }
}

/// What is to be silenced.
///
/// # Errors
/// With all that is wrong.
fn silence(words: &SilenceWords, now: Millis) -> Result<Silence, Vec<String>> {
    let mut problems = Vec::new();
    let pattern = |text: &Option<String>| text.as_deref().map(Pattern::new);
    let up_to = words.up_to.as_deref().and_then(|name| {
        let severity = Severity::ALL.into_iter().find(|severity| severity.name() == name);
        if severity.is_none() {
            problems.push(format!("--up-to `{name}`: write info, warning or critical"));
        }
        severity
    });
    let matcher = Matcher {
        rule: pattern(&words.rule),
        model: pattern(&words.model),
        version: pattern(&words.version),
        segment: pattern(&words.segment),
        feature: pattern(&words.feature),
        alert_id: words.alert.as_deref().map(Into::into),
        up_to,
    };
    if matcher == Matcher::default() && words.up_to.is_none() {
        let which = "--rule, --model, --version, --segment, --feature, --alert or --up-to";
        problems.push(format!("which alerts? Give {which}; --model '*' is all of them"));
    }
    let end = match (&words.for_, &words.until) {
        (Some(duration), None) => read_duration(duration).map(|duration| now.saturating_add(duration)),
        (None, Some(until)) => when::parse(until),
        (None, None) => Err("until when? Write --for 2h, or --until and a time".to_owned()),
        (Some(_), Some(_)) => Err("--for and --until both say when it ends: leave one of them out".to_owned()),
    };
    match &end {
        Ok(end) if *end <= now => problems.push(format!("it would end at {}, which is over", time(*end))),
        Ok(_) => {}
        Err(why) => problems.push(why.clone()),
    }
    let by = words.who.name(&mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let to_ms = end.unwrap_or(now);
    Ok(Silence { matcher, from_ms: now, to_ms, by: by.into(), comment: words.who.comment.as_str().into() })
}

/// Acknowledgements of what is over by now.
fn outdated(said: &Said, fold: &Fold) -> Vec<ControlRecord> {
    let is_outdated = |(id, word): &(&Arc<str>, &Acknowledgement)| {
        fold.get(id).is_some_and(|row| !row.state.is_open() || row.started_at != Some(word.started_at))
    };
    let outdated = said.control.acknowledgements.iter().filter(is_outdated);
    outdated.map(|(id, _)| ControlRecord::Acknowledgement(id.clone(), None)).collect()
}

/// The record that takes back what `id` names, if it names one thing.
///
/// # Errors
/// If it names none or several.
fn taken_back(said: &Said, id: &str) -> Result<ControlRecord, String> {
    // What is refused has no id, but a key.
    if let Some((key, _)) = said.refused.iter().find(|(key, _)| key == id) {
        return ControlRecord::read(key.as_bytes(), None).map_err(|why| why.to_string());
    }
    let silences = said.control.silences.keys().map(|id| (id, ControlRecord::Silence(id.clone(), None)));
    let acknowledgements = said.control.acknowledgements.keys();
    let acknowledgements = acknowledgements.map(|id| (id, ControlRecord::Acknowledgement(id.clone(), None)));
    let mut found: Vec<_> = silences.chain(acknowledgements).filter(|(other, _)| other.starts_with(id)).collect();
    if found.iter().any(|(other, _)| &***other == id) {
        found.retain(|(other, _)| &***other == id);
    }
    match (found.len(), found.pop()) {
        (1, Some((_, record))) => Ok(record),
        (0, _) => Err(format!("no silence and no acknowledgement has an id that begins with `{id}`")),
        (count, _) => Err(format!("{count} silences and acknowledgements begin with `{id}`: write more of it")),
    }
}

impl Shell<'_> {
    /// The topic of what people say; else what to do is added to the problems.
    fn control(&self, problems: &mut Vec<String>) -> Option<ControlTopic<'_>> {
        let topic = ControlTopic::new(self.config, self.options);
        if topic.is_none() {
            problems.push(format!(
                "{}: no topic for what people say of alerts: write `topics: {{control: control}}`, make it with `postdict \
                 topics create`, and start the service again",
                self.file
            ));
        }
        topic
    }

    /// The topic, for a command that needs nothing else.
    fn control_alone(&self) -> Result<ControlTopic<'_>, Failure> {
        let mut problems = Vec::new();
        self.control(&mut problems).ok_or_else(|| usage(&problems))
    }

    /// Writes what is new, after it was found to be right, and tidies away what is over.
    fn say(
        &self,
        topic: &ControlTopic<'_>,
        mut said: Said,
        record: &ControlRecord,
        over: Vec<ControlRecord>,
    ) -> Result<(), Failure> {
        let wrong = |why: ControlError| usage(&[why.to_string()]);
        let read = ControlRecord::read(record.key().as_bytes(), record.value().as_deref().map(str::as_bytes));
        read.and_then(|read| read.apply(&mut said.control, self.now)).map_err(wrong)?;
        topic.write(record).map_err(failed)?;
        for record in said.over.into_iter().chain(over).filter(|over| over.key() != record.key()).take(TIDIED_MAX) {
            topic.write(&record).map_err(failed)?;
        }
        Ok(())
    }

    pub(super) fn silence(&self, words: SilenceWords) -> Result<(), Failure> {
        let mut problems = Vec::new();
        let topic = self.control(&mut problems);
        let silence = silence(&words, self.now).unwrap_or_else(|more| {
            problems.extend(more);
            let (by, comment) = ("".into(), "".into());
            Silence { matcher: Matcher::default(), from_ms: 0, to_ms: 0, by, comment }
        });
        refused(&problems)?;
        let Some(topic) = topic else { return Ok(()) };
        let said = topic.read(self.now).map_err(failed)?;
        let id = format!("{:08x}", RandomState::new().hash_one((self.now, std::process::id())) as u32);
        let until = time(silence.to_ms);
        self.say(&topic, said, &ControlRecord::Silence(id.as_str().into(), Some(silence)), Vec::new())?;
        print(&format!("silence {id}, until {until}\n"))
    }

    pub(super) fn acknowledge(&self, words: AcknowledgeWords) -> Result<(), Failure> {
        let mut problems = Vec::new();
        let topic = self.control(&mut problems);
        let by = words.who.name(&mut problems);
        refused(&problems)?;
        let Some(topic) = topic else { return Ok(()) };
        let fold = self.fold(|_| {})?;
        let row = fold.find(&words.id).map_err(|why| usage(&[why]))?;
        let Some(started_at) = row.started_at.filter(|_| row.state.is_open()) else {
            let (id, state) = (&row.alert_id, row.state.name());
            return Err(usage(&[format!("alert {id} is not open but {state}: there is nothing to look after")]));
        };
        let said = topic.read(self.now).map_err(failed)?;
        let (by, comment) = (by.into(), words.who.comment.as_str().into());
        let word = Acknowledgement { started_at, by, comment, at_ms: self.now };
        let outdated = outdated(&said, &fold);
        self.say(&topic, said, &ControlRecord::Acknowledgement(row.alert_id.clone(), Some(word)), outdated)?;
        print(&format!("acknowledged {}: {}\n", row.alert_id, shown(&row.summary)))
    }

    pub(super) fn silences(&self) -> Result<(), Failure> {
        let said = self.control_alone()?.read(self.now).map_err(failed)?;
        print(&listed(&said))
    }

    pub(super) fn take_back(&self, id: &str) -> Result<(), Failure> {
        let topic = self.control_alone()?;
        let said = topic.read(self.now).map_err(failed)?;
        let record = taken_back(&said, id)
            .map_err(|why| usage(&[format!("{why}; `postdict alerts silences` lists what was said")]))?;
        topic.write(&record).map_err(failed)?;
        print(&format!("taken back: {}\n", shown(&record.key())))
    }
}

/// All that was said.
fn listed(said: &Said) -> String {
    let head = |words: [&str; 5]| words.map(str::to_owned);
    let mut lines = Vec::new();
    if !said.control.silences.is_empty() {
        lines.push(head(["silence", "until", "by", "alerts", "comment"]));
    }
    for (id, silence) in &said.control.silences {
        let of = shown(&matched(&silence.matcher));
        lines.push([shown(id), time(silence.to_ms), shown(&silence.by), of, shown(&silence.comment)]);
    }
    let mut text = columns(&std::mem::take(&mut lines));
    if !said.control.acknowledgements.is_empty() {
        lines.push(head(["acknowledged", "at", "by", "started", "comment"]));
    }
    for (id, word) in &said.control.acknowledgements {
        let (at, started) = (time(word.at_ms), time(word.started_at));
        lines.push([shown(id), at, shown(&word.by), started, shown(&word.comment)]);
    }
    text.push_str(&columns(&lines));
    for (key, why) in &said.refused {
        text.push_str(&format!("refused: `{}`: {why}\n", shown(key)));
    }
    if text.is_empty() { "nobody has said anything of alerts\n".to_owned() } else { text }
}

/// A matcher as it was written.
fn matched(matcher: &Matcher) -> String {
    let Matcher { rule, model, version, segment, feature, alert_id, up_to } = matcher;
    let text = |pattern: &Option<Pattern>| pattern.as_ref().map(Pattern::to_string);
    let parts = [
        ("rule", text(rule)),
        ("model", text(model)),
        ("version", text(version)),
        ("segment", text(segment)),
        ("feature", text(feature)),
        ("alert", alert_id.as_deref().map(str::to_owned)),
        ("up to", up_to.map(|severity| severity.name().to_owned())),
    ];
    let parts = parts.into_iter().filter_map(|(name, value)| Some(format!("{name} `{}`", value?)));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "all".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
#[path = "say_tests.rs"]
mod tests;
