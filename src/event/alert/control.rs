//! What people say of alerts while the service runs: silences and acknowledgements, as they stand on the `control` topic.

use super::{AlertRow, Pattern, Severity};
use crate::event::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which alerts; what is not given matches all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matcher {
    /// Rules.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Pattern>,
    /// Models.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<Pattern>,
    /// Versions; `""` is all versions together.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Pattern>,
    /// Segments, as `country=DE`; `""` is the whole model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub segment: Option<Pattern>,
    /// Features; `""` is what is about none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub feature: Option<Pattern>,
    /// Alerts by their id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alert_id: Option<Arc<str>>,
    /// Not worse than this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub up_to: Option<Severity>,
}

impl Matcher {
    /// True if it is about the alert of `row`.
    pub fn matches(&self, row: &AlertRow) -> bool {
        let of = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.matches(text));
        let segment = match row.segment_key.is_empty() {
            true => String::new(),
            false => format!("{}={}", row.segment_key, row.segment_value),
        };
        of(&self.rule, &row.rule)
            && of(&self.model, &row.model_id)
            && of(&self.version, &row.model_version)
            && of(&self.segment, &segment)
            && of(&self.feature, row.feature.as_deref().unwrap_or(""))
            && self.alert_id.as_ref().is_none_or(|id| *id == row.alert_id)
            && self.up_to.is_none_or(|severity| row.severity <= severity)
    }
}

/// Nobody is told of some alerts for a while, by the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Which alerts.
    pub matcher: Matcher,
    /// Start, inclusive.
    pub from_ms: Millis,
    /// End, exclusive, > start.
    pub to_ms: Millis,
    /// Who said so.
    pub by: Arc<str>,
    /// Why.
    pub comment: Arc<str>,
}

/// Somebody looks after an open alert. It holds until that is over: for a later one it has to be said again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// `started_at` of the alert that is meant.
    pub started_at: Millis,
    /// Who.
    pub by: Arc<str>,
    /// What they say.
    pub comment: Arc<str>,
    /// When it was said, by the clock.
    pub at_ms: Millis,
}

/// All that people have said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Silences by their id.
    pub silences: BTreeMap<Arc<str>, Silence>,
    /// Acknowledgements by `alert_id`.
    pub acknowledgements: BTreeMap<Arc<str>, Acknowledgement>,
}

impl Control {
    /// The id of a silence that holds at `now` for the alert of `row`.
    pub fn silence_of(&self, row: &AlertRow, now: Millis) -> Option<&Arc<str>> {
        let holds = |silence: &Silence| silence.from_ms <= now && now < silence.to_ms && silence.matcher.matches(row);
        self.silences.iter().find(|(_, silence)| holds(silence)).map(|(id, _)| id)
    }
}
