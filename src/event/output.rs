//! Rows that go out: `metrics`, `dead_letters` and `labelled`, with their columns in the order of their schemas.

use super::{Millis, Reject};
use base64::Engine;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One value of one metric of one window: a row of `metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    /// Names what the row is about: a hash of model, version, segment, metric, feature, class, predicted class,
    /// window and reference kind, the same in every run. Also the message key: sinks upsert on it.
    pub id: String,
    /// The model; empty for labels that no model claims.
    pub model_id: Arc<str>,
    /// Its version; empty for all versions together.
    pub model_version: Arc<str>,
    /// Columns that make the segment, joined by a comma; bins_of(NAME): the bins of a number. Empty for the whole model.
    pub segment_key: Arc<str>,
    /// Their values, joined by a comma (comma and backslash in a value are escaped by a backslash). __missing__: no
    /// value; __invalid__: no number to be in a bin; __other__: folded by the cap.
    pub segment_value: Arc<str>,
    /// The feature, of a metric about one.
    pub feature: Option<Arc<str>>,
    /// The class, of a metric about one; of a confusion cell the one that came true.
    pub class: Option<Arc<str>>,
    /// The predicted class of a confusion cell.
    pub predicted_class: Option<Arc<str>>,
    /// Name of the metric.
    pub metric: Arc<str>,
    /// Start of the window of predictions, inclusive, aligned to the epoch.
    pub window_start: Millis,
    /// End of the window, exclusive.
    pub window_end: Millis,
    /// The value, finite. Null where it is undefined.
    pub value: Option<f64>,
    /// Why there is no value; set exactly when value is null. For example no_rows, no_labels, zero_denominator,
    /// single_class, no_reference.
    pub undefined_reason: Option<Arc<str>>,
    /// Lower end of the 95 % sampling interval, where statistics gives one.
    pub lower: Option<f64>,
    /// Upper end of it.
    pub upper: Option<f64>,
    /// How far binning can have moved value from the exact statistic of the same rows.
    pub error_bound: Option<f64>,
    /// Of a decision: the method that made it.
    pub method: Option<Arc<str>>,
    /// Of a decision: the value from which on it is positive.
    pub threshold: Option<f64>,
    /// Of a decision: what chance alone would reach at these sample sizes.
    pub null_quantile: Option<f64>,
    /// Length of the window.
    pub window_size_ms: Millis,
    /// Distance between the starts of windows; equal to the size for tumbling windows.
    pub window_advance_ms: Millis,
    /// Rows that value rests on; of a rate, its denominator.
    pub count: i64,
    /// Matched per prediction of the window, in [0, 1], for metrics that need labels.
    pub label_coverage: Option<f64>,
    /// Reference profile that value was compared with.
    pub reference_id: Option<Arc<str>>,
    /// Of a drift metric, what the reference is: fixed (a profile that was made beforehand), previous, trailing_7,
    /// ago_7d and so on (windows of the same model).
    pub reference_kind: Option<Arc<str>>,
    /// 1, 2, 3 and so on, per id.
    pub revision: i32,
    /// Nothing can change this row any more.
    pub is_final: bool,
}

/// A rejected record: a row of `dead_letters`. Raw bytes are base64 text in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetterRow {
    /// Topic that it was read from, or the file as it was named.
    pub topic: Arc<str>,
    /// Partition; 0 of a file.
    pub partition: i32,
    /// Offset in the partition, or number of the record in the file, from 0.
    pub offset: i64,
    /// The broker's timestamp, or the event time where only that is known.
    pub timestamp: Option<Millis>,
    /// Why, one of: undecodable, bad_framing, unknown_schema, wrong_type, missing_request_id, missing_model_id,
    /// missing_timestamp, missing_value, absurd_time, too_far_ahead, score_out_of_range, invalid_number, wrong_task,
    /// wrong_label, late, too_many_models, too_many_labels.
    pub reason: Arc<str>,
    /// What exactly was wrong, at most 200 characters.
    pub detail: String,
    /// Schema id of Confluent framing, where there was one.
    pub schema_id: Option<i32>,
    /// Message key as it came; in JSON as base64 text.
    pub key: Option<String>,
    /// Message value as it came; in JSON as base64 text. Null where only the place is still known, or the record is too
    /// long to be repeated (then key and headers are null, too).
    pub value: Option<String>,
    /// Message headers as they came, as JSON text: a list of [name, value as base64 text or null]. Null if there were
    /// none.
    pub headers: Option<String>,
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
            headers: (!reject.headers.is_empty()).then(|| {
                let pairs = reject.headers.iter();
                let pairs: Vec<serde_json::Value> =
                    pairs.map(|(name, value)| serde_json::json!([name, value.as_ref().map(base64)])).collect();
                serde_json::Value::from(pairs).to_string()
            }),
        }
    }
}

/// A prediction and its label: a row of `labelled`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelledRow {
    /// The request.
    pub request_id: String,
    /// The model.
    pub model_id: Arc<str>,
    /// Its version; empty where the record has none.
    pub model_version: Arc<str>,
    /// When the prediction was made.
    pub timestamp: Millis,
    /// Binary: probability of the positive class, in [0, 1].
    pub score: Option<f64>,
    /// The predicted class as text, for binary also where it was derived from score.
    pub predicted_label: Option<String>,
    /// Multiclass: a score per class, as the text of a JSON object.
    pub scores: Option<String>,
    /// Regression: the predicted number.
    pub predicted_value: Option<f64>,
    /// What the model saw, as the text of a JSON object. Null: a waiting prediction keeps a fixed few bytes, without
    /// features.
    pub features: Option<String>,
    /// Values of the model's segments, as the text of a JSON object. Null if it has none.
    pub attributes: Option<String>,
    /// How long the model took, in ms. Null where it was not kept.
    pub latency_ms: Option<f64>,
    /// Always null: a failed request has no outcome.
    pub error: Option<String>,
    /// The class or value that came true, as text. Null where expired or retracted; of on_expiry the configured
    /// label.
    pub label: Option<String>,
    /// When it became known. Null where nothing did.
    pub label_timestamp: Option<Millis>,
    /// label_timestamp - timestamp; negative where the label was first.
    pub label_delay_ms: Option<Millis>,
    /// Weight that the label carried.
    pub weight: Option<f64>,
    /// matched; corrected: another label replaced the first; retracted: the label was taken back; expired: none came
    /// within the horizon.
    pub outcome: Arc<str>,
}
