//! `Selector`: which series a rule is about.

use crate::event::MetricRow;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;
use wildmatch::WildMatch;

/// A name, or a pattern with `*` (any text, also none) and `?` (one character).
#[derive(Clone, PartialEq)]
pub struct Pattern(WildMatch);

impl Pattern {
    /// Any text can be a pattern.
    pub fn new(text: &str) -> Pattern {
        Pattern(WildMatch::new(text))
    }

    /// True if it is about `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.0.matches(text)
    }

    /// True if it matches one text only.
    pub fn is_exact(&self) -> bool {
        !self.to_string().contains(['*', '?'])
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Pattern::new(&String::deserialize(deserializer)?))
    }
}

/// Which series of a metric.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    /// Models; `None`: all.
    pub model: Option<Pattern>,
    /// Versions by name; `None`: all versions together.
    pub version: Option<Pattern>,
    /// Segments, as `country=DE` or `country,device=*`; `None`: the whole model.
    pub segment: Option<Pattern>,
    /// Features; `None`: all.
    pub feature: Option<Pattern>,
    /// Classes; `None`: what is about no class.
    pub class: Option<Pattern>,
    /// Predicted classes, of confusion; `None`: all.
    pub predicted_class: Option<Pattern>,
    /// Window size in ms; `None`: the smallest one of the model.
    pub window_size_ms: Option<i64>,
    /// What a metric of drift is compared with (`fixed`, `previous` …); `None`: the first that the model is compared with.
    pub reference_kind: Option<Arc<str>>,
}

impl Selector {
    /// True if it is about the series of `row`, leaving out window size, metric and reference kind.
    pub fn selects(&self, row: &MetricRow) -> bool {
        let of = |pattern: &Option<Pattern>, text: Option<&str>| match (pattern, text) {
            (None, _) => true,
            (Some(pattern), Some(text)) => pattern.matches(text),
            (Some(_), None) => false,
        };
        let is_version = match &self.version {
            None => row.model_version.is_empty(),
            Some(pattern) => !row.model_version.is_empty() && pattern.matches(&row.model_version),
        };
        let is_segment = match &self.segment {
            None => row.segment_key.is_empty(),
            Some(pattern) => {
                !row.segment_key.is_empty() && pattern.matches(&format!("{}={}", row.segment_key, row.segment_value))
            }
        };
        let is_class = match &self.class {
            None => row.class.is_none() || row.predicted_class.is_some(),
            Some(pattern) => row.class.as_deref().is_some_and(|class| pattern.matches(class)),
        };
        is_version
            && is_segment
            && is_class
            && of(&self.model, Some(&row.model_id))
            && of(&self.feature, row.feature.as_deref())
            && of(&self.predicted_class, row.predicted_class.as_deref())
    }
}
