//! The keys of a rule, and which of them go together.

use crate::config::problem::{At, Report};
use crate::config::section::{Item, Section};

/// Keys that say what a rule watches.
pub(super) const WATCHES: [&str; 4] = ["metric", "absent", "all_of", "any_of"];

/// Severities, each with limits of its own.
pub(super) const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];

/// Keys of every rule.
const OF_ALL: [&str; 9] =
    ["id", "active", "inhibited_by", "repeat", "notify", "labels", "summary", "dashboard", "runbook"];

/// Keys of every rule on a metric.
const OF_METRICS: [&str; 21] = [
    "metric",
    "model",
    "version",
    "segment",
    "feature",
    "class",
    "predicted_class",
    "window",
    "reference",
    "severity",
    "info",
    "warning",
    "critical",
    "min_count",
    "provisional",
    "maturity",
    "fire",
    "clear_after",
    "cooldown",
    "warm_up",
    "group",
];

/// What a rule is like, which says what may be written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Static,
    Relative,
    Dynamic,
    Absence,
    Rules,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Static, Kind::Relative, Kind::Dynamic, Kind::Absence, Kind::Rules];

    /// Keys of such a rule, beside those of its family.
    fn own(self) -> &'static [&'static str] {
        match self {
            Kind::Static => &["min", "max", "clear", "certain"],
            Kind::Relative => &["compared_with", "fall", "rise", "clear", "certain"],
            Kind::Dynamic => &["dynamic", "side", "alpha", "least"],
            Kind::Absence => &["absent", "for", "severity", "model"],
            Kind::Rules => &["all_of", "any_of", "severity", "cooldown"],
        }
    }

    fn takes(self, key: &str) -> bool {
        let is_of_metric = matches!(self, Kind::Static | Kind::Relative | Kind::Dynamic);
        self.own().contains(&key) || OF_ALL.contains(&key) || is_of_metric && OF_METRICS.contains(&key)
    }
}

/// The keys of a rule that are written.
pub(super) struct Keys<'a> {
    at: At,
    written: Vec<(&'static str, Item<'a>)>,
    has_unknown: bool,
}

impl<'a> Keys<'a> {
    /// Opens a rule, and reports keys that no rule has.
    pub fn open(item: &Item<'a>, report: &mut Report) -> Option<Keys<'a>> {
        if !item.is_section() {
            item.wrong_type(report, "a rule such as `{id: recall-low, metric: recall, min: 0.8}`");
            return None;
        }
        let mut section = Section::open(item, report)?;
        let mut written: Vec<(&'static str, Item<'a>)> = Vec::new();
        let own = Kind::ALL.iter().flat_map(|kind| kind.own());
        for key in OF_ALL.iter().chain(&OF_METRICS).chain(own) {
            if written.iter().all(|(known, _)| known != key) {
                written.extend(section.take(key).map(|item| (*key, item)));
            }
        }
        let has_unknown = section.entries().count() > written.len();
        section.finish(report, &[], &[("caps", OF_SERVICE), ("maintenance", OF_SERVICE)]);
        Some(Keys { at: item.at(), written, has_unknown })
    }

    /// True if something is written that no rule has: what seems to be missing may be that.
    pub fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    pub fn get(&self, key: &str) -> Option<&Item<'a>> {
        self.written.iter().find(|(known, _)| *known == key).map(|(_, item)| item)
    }

    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Those of `keys` that are written.
    pub fn among(&self, keys: &[&'static str]) -> Vec<&'static str> {
        keys.iter().copied().filter(|key| self.has(key)).collect()
    }

    /// Where the value of `key` stands, or else the rule.
    pub fn at(&self, key: &str) -> At {
        self.get(key).map_or_else(|| self.at.clone(), Item::at)
    }

    /// Where all that is written stands.
    pub fn places(&self) -> Vec<(&'static str, At)> {
        self.written.iter().map(|(key, item)| (*key, item.at())).collect()
    }

    /// What the rule is like; `None`, with a problem, if it watches nothing or two things.
    pub fn kind(&self, report: &mut Report) -> Option<Kind> {
        let watched = self.among(&WATCHES);
        match watched[..] {
            ["metric"] if self.has("compared_with") => Some(Kind::Relative),
            ["metric"] if self.has("dynamic") => Some(Kind::Dynamic),
            ["metric"] => Some(Kind::Static),
            ["absent"] => Some(Kind::Absence),
            [_] => Some(Kind::Rules),
            [first, second, ..] => {
                report
                    .error(&self.at(second), format!("a rule that watches two things: `{first}` and `{second}`"))
                    .help("make two rules of it");
                None
            }
            [] => {
                if !self.has_unknown {
                    report
                        .error(&self.at("id"), "a rule that watches nothing")
                        .expected("`metric`, `absent`, `all_of` or `any_of` beside it")
                        .help("write what it watches, such as `metric: recall`");
                }
                None
            }
        }
    }

    /// Reports what a rule of this kind cannot have.
    pub fn check(&self, kind: Kind, report: &mut Report) {
        for (key, item) in self.written.iter().filter(|(key, _)| !kind.takes(key)) {
            let (message, help) = self.why_not(key, kind);
            report.error(&item.at(), message).help(help);
        }
    }

    fn why_not(&self, key: &str, kind: Kind) -> (String, String) {
        let other = match kind {
            Kind::Static => "metric",
            Kind::Relative => "compared_with",
            Kind::Dynamic => "dynamic",
            Kind::Absence => "absent",
            Kind::Rules if self.has("all_of") => "all_of",
            Kind::Rules => "any_of",
        };
        let together = format!("`{key}` and `{other}` do not go together");
        match (kind, key) {
            (Kind::Static, "fall" | "rise") => {
                let help = "say what the value is compared with, such as `compared_with: previous`";
                (format!("`{key}` without `compared_with`"), help.to_owned())
            }
            (Kind::Static, "side" | "alpha" | "least") => {
                let help = "say what the value is to be expected from, such as `dynamic: {trailing: 28}`";
                (format!("`{key}` without `dynamic`"), help.to_owned())
            }
            (Kind::Relative, "min" | "max") => {
                (together, "limits of a difference are `fall` and `rise`: write one of them".to_owned())
            }
            (_, "for") => {
                let help = "only `absent` takes a time: `fire: 3` asks for three windows in a row";
                (together, help.to_owned())
            }
            (Kind::Rules, "model" | "version" | "segment") => {
                (together, "it is about the models and series of its rules: write it there".to_owned())
            }
            _ => (together, format!("remove `{key}`, or make another rule of it")),
        }
    }
}

const OF_SERVICE: &str = "under `alerts` at the top level, or at the top of a file of rules";
