//! `AlertRule`: what an operator wants to be told of.

use super::{Condition, Gates, Pattern, Selector, Severity};
use crate::event::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What should keep coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Predictions of the model.
    Predictions,
    /// Labels of the model.
    Labels,
    /// Predictions of each version that had some, while the model has others.
    Version,
    /// Anything at all, of any model.
    Source,
}

impl Presence {
    /// All of them.
    pub const ALL: [Presence; 4] = [Presence::Predictions, Presence::Labels, Presence::Version, Presence::Source];

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Presence::Predictions => "predictions",
            Presence::Labels => "labels",
            Presence::Version => "version",
            Presence::Source => "source",
        }
    }
}

/// What a rule watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[allow(clippy::large_enum_variant, reason = "most rules are about a metric, and there are few rules")]
pub enum Watch {
    /// Values of a metric.
    Metric {
        /// Its name.
        metric: Arc<str>,
        /// Which series of it; an alert each.
        select: Selector,
        /// When a value is bad.
        condition: Condition,
    },
    /// That something does not come any more, by the clock.
    Absence {
        /// What.
        of: Presence,
        /// For how long, > 0.
        for_ms: Millis,
        /// How bad that is.
        severity: Severity,
        /// Models; `None`: all.
        model: Option<Pattern>,
    },
    /// Other rules, of the same model, version and segment.
    Rules {
        /// Their ids; not empty, none of them such a rule itself.
        rules: Vec<Arc<str>>,
        /// All of them must fire; else one is enough.
        all: bool,
        /// How bad that is; `None`: as bad as the worst of them.
        severity: Option<Severity>,
    },
}

/// A rule, every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Names it; no other rule of the model has it.
    pub id: Arc<str>,
    /// What it watches.
    pub watch: Watch,
    /// What stands between a bad value and an alert.
    pub gates: Gates,
    /// While it is open and nobody has acknowledged it, that is told again after so long, in event time (of absence: by the
    /// clock).
    pub repeat_ms: Option<Millis>,
    /// One alert of the model for all its series, which lists them.
    pub group: bool,
    /// Firing goes out in rows of its own; `false`: it serves other rules only (`Watch::Rules`, `inhibited_by`).
    pub notify: bool,
    /// For consumers to route by.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// Template of the summary; `None`: the built-in one.
    pub summary: Option<Arc<str>>,
    /// Template of `dashboard_url`.
    pub dashboard: Option<Arc<str>>,
    /// Template of `runbook_url`.
    pub runbook: Option<Arc<str>>,
}
