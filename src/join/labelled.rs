//! Rows for the `labelled` topic: a prediction and what became of it.

use super::pending::{PendingRow, RowKind};
use super::series::SeriesRegistry;
use crate::aggregate::ClassId;
use crate::event::{LabelledRow, Millis};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The row for `row`, whose label (time, text and weight) is in force after the change, or was before it.
pub fn labelled_row(
    registry: &SeriesRegistry,
    row: &PendingRow,
    scores: &[(ClassId, f64)],
    request_id: String,
    label: Option<(Millis, String, Option<f64>)>,
    outcome: &'static str,
) -> LabelledRow {
    let series = registry.series(row.series);
    let (model, settings) = (registry.model(series.model), registry.terms(series.terms));
    let class_name = |class: u16| model.classes.names().get(usize::from(class)).map(ToString::to_string);
    let scores: Map<String, Value> =
        scores.iter().filter_map(|(class, score)| Some((class_name(class.0)?, Value::from(*score)))).collect();
    let keys = settings.segments.iter().map(|set| set.key());
    let values = series.segments.iter().flatten().map(|value| Value::from(&**value));
    let attributes: Map<String, Value> = keys.zip(values).collect();
    let (label_timestamp, label, weight) = match label {
        Some((time, text, weight)) => (Some(time), Some(text), weight),
        None => (None, None, None),
    };
    LabelledRow {
        request_id,
        model_id: Arc::clone(&model.name),
        model_version: Arc::clone(&series.version),
        timestamp: row.time,
        score: (row.kind == RowKind::Binary && !row.output.is_nan()).then_some(row.output),
        predicted_label: match row.kind {
            RowKind::Multiclass => class_name(row.class),
            RowKind::Binary if row.class == 1 => Some(settings.positive_label.clone()),
            RowKind::Binary if settings.positive_label == "1" => Some("0".to_owned()),
            _ => None,
        },
        scores: json_text(scores),
        predicted_value: (row.kind == RowKind::Regression).then_some(row.output),
        features: None,
        attributes: json_text(attributes),
        latency_ms: None,
        error: None,
        label,
        label_timestamp,
        label_delay_ms: label_timestamp.map(|time| time - row.time),
        weight,
        outcome: outcome.into(),
    }
}

fn json_text(object: Map<String, Value>) -> Option<String> {
    (!object.is_empty()).then(|| Value::Object(object).to_string())
}
