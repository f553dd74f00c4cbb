//! Rows that go out: `metrics`, `dead_letters` and `labelled`, with their columns in the order of their schemas.

use super::{Millis, Reject};
use base64::Engine;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One value of one metric of one window: a row of `metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Hash of everything that identifies the row; sinks upsert on it.
    pub id: String,
    pub model_id: Arc<str>,
    /// `""` for all versions together.
    pub model_version: Arc<str>,
    /// `""` for the whole model.
    pub segment_key: Arc<str>,
    pub segment_value: Arc<str>,
    pub feature: Option<Arc<str>>,
    pub class: Option<Arc<str>>,
    pub predicted_class: Option<Arc<str>>,
    pub metric: Arc<str>,
    pub window_start: Millis,
    pub window_end: Millis,
    pub value: Option<f64>,
    pub undefined_reason: Option<Arc<str>>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub error_bound: Option<f64>,
    pub method: Option<Arc<str>>,
    pub threshold: Option<f64>,
    pub null_quantile: Option<f64>,
    pub window_size_ms: Millis,
    pub window_advance_ms: Millis,
    pub count: i64,
    pub label_coverage: Option<f64>,
    pub reference_id: Option<Arc<str>>,
    pub revision: u32,
    pub is_final: bool,
}

/// A rejected record: a row of `dead_letters`. Raw bytes are base64 text in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    pub topic: Arc<str>,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<Millis>,
    pub reason: Arc<str>,
    pub detail: String,
    pub schema_id: Option<i32>,
    pub key: Option<String>,
    pub value: Option<String>,
}

impl From<&Reject> for DeadLetterRow {
    fn from(reject: &Reject) -> Self {
        let base64 = |bytes: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
        DeadLetterRow {
            topic: Arc::clone(&reject.origin.topic),
            partition: reject.origin.partition,
            offset: reject.offset,
            timestamp: reject.timestamp,
            reason: reject.reason.as_str().into(),
            detail: reject.detail.clone(),
            schema_id: reject.schema_id,
            key: reject.key.as_ref().map(base64),
            value: reject.value.as_ref().map(base64),
        }
    }
}

/// A prediction and its label: a row of `labelled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelledRow {
    pub request_id: String,
    pub model_id: Arc<str>,
    pub model_version: Arc<str>,
    pub timestamp: Millis,
    pub score: Option<f64>,
    pub predicted_label: Option<String>,
    /// JSON text: class → score.
    pub scores: Option<String>,
    pub predicted_value: Option<f64>,
    /// Not kept: a waiting prediction is a fixed few bytes.
    pub features: Option<String>,
    /// JSON text: the values of the model's segment columns.
    pub attributes: Option<String>,
    pub latency_ms: Option<f64>,
    pub error: Option<String>,
    pub label: Option<String>,
    pub label_timestamp: Option<Millis>,
    pub label_delay_ms: Option<Millis>,
    pub weight: Option<f64>,
    pub outcome: Arc<str>,
}
