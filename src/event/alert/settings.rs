//! `AlertSettings`: all rules of all models, and what bounds their alerts.

use super::{AlertRule, Pattern};
use crate::event::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A span of event time in which windows do not count: what is in them is not the model's fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Start, inclusive.
    pub from_ms: Millis,
    /// End, exclusive, > start.
    pub to_ms: Millis,
    /// Models; `None`: all.
    pub model: Option<Pattern>,
}

impl Maintenance {
    /// True if a window of `model` from `start` to `end` (exclusive) lies in it, in part or whole.
    pub fn touches(&self, model: &str, start: Millis, end: Millis) -> bool {
        start < self.to_ms && self.from_ms < end && self.model.as_ref().is_none_or(|pattern| pattern.matches(model))
    }
}

/// Maxima.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertCaps {
    /// Series of a model that rules are about; more are not judged, and counted.
    pub series: usize,
    /// Windows that are held of a series; of more, the oldest are forgotten.
    pub history: usize,
    /// Alerts of one rule and model that may be open at a time; what is over that is `pending`, suppressed by `too_many`.
    pub open: usize,
    /// Members of a group, segments, features and windows that an alert lists.
    pub listed: usize,
}

impl Default for AlertCaps {
    fn default() -> Self {
        AlertCaps { series: 10_000, history: 1_000, open: 100, listed: 20 }
    }
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Rules of every model that has none of its own, in the order of the configuration.
    pub defaults: Arc<Vec<AlertRule>>,
    /// Rules of the models that have.
    pub models: BTreeMap<String, Arc<Vec<AlertRule>>>,
    /// When windows do not count.
    pub maintenance: Vec<Maintenance>,
    /// Maxima.
    pub caps: AlertCaps,
}

impl AlertSettings {
    /// The rules of `model`.
    pub fn rules(&self, model: &str) -> &Arc<Vec<AlertRule>> {
        self.models.get(model).unwrap_or(&self.defaults)
    }

    /// True if there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.defaults.is_empty() && self.models.values().all(|rules| rules.is_empty())
    }
}
