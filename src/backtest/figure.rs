//! `Figure`: what a gate can ask for, and how its numbers are written.

use super::{Score, Tally};
use crate::config::{read_duration, written_duration};
use crate::event::Millis;

/// A figure of the alerts of one rule, or of all together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// How many.
    Alerts,
    /// Open at the end.
    Open,
    /// That were critical.
    Critical,
    /// That opened again soon.
    Flapping,
    /// Share of alerts that are about an incident.
    Precision,
    /// Share of incidents that were told of.
    Recall,
    /// Median time from an incident's start.
    Delay,
}

impl Figure {
    /// All of them, with their names.
    pub const ALL: [(&str, Figure); 7] = [
        ("alerts", Figure::Alerts),
        ("open", Figure::Open),
        ("critical", Figure::Critical),
        ("flapping", Figure::Flapping),
        ("precision", Figure::Precision),
        ("recall", Figure::Recall),
        ("delay", Figure::Delay),
    ];

    /// True if it is known only where incidents are.
    pub fn needs_incidents(self) -> bool {
        matches!(self, Figure::Precision | Figure::Recall | Figure::Delay)
    }

    /// Its value; `None` where it is undefined.
    pub fn of(self, tally: &Tally, score: Option<&Score>) -> Option<f64> {
        match self {
            Figure::Alerts => Some(tally.alerts as f64),
            Figure::Open => Some(tally.open as f64),
            Figure::Critical => Some(tally.critical as f64),
            Figure::Flapping => Some(tally.flapping as f64),
            Figure::Precision => score?.precision,
            Figure::Recall => score?.recall,
            Figure::Delay => score?.delay_ms.map(|delay| delay as f64),
        }
    }

    /// Reads a bound for it.
    ///
    /// # Errors
    /// If `text` cannot be one, with what could.
    pub fn read(self, text: &str) -> Result<f64, String> {
        match self {
            Figure::Precision | Figure::Recall => super::Kind::Share.read(text),
            Figure::Delay => read_duration(text).map(|ms| ms as f64),
            _ => super::Kind::Count { least: 0, most: u32::MAX }.read(text),
        }
    }

    /// A value of it, for people.
    pub fn written(self, value: f64) -> String {
        match self {
            Figure::Precision | Figure::Recall => format!("{value:.3}"),
            Figure::Delay => written_duration(value as Millis),
            _ => format!("{value}"),
        }
    }

    /// Why it has no value.
    pub fn why_undefined(self) -> &'static str {
        match self {
            Figure::Precision => "there is no alert",
            Figure::Recall => "no incident lies in the history",
            _ => "no incident was told of",
        }
    }
}
