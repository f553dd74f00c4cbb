//! Tests of the decoders as a whole: every kind of bad record, and that formats and batches make no difference.

mod agreement;
mod container;
mod malformed;
mod unknown;

use super::*;
use crate::event::{Origin, PredictionColumns, Reason, Role};

fn path(text: &str) -> FieldPath {
    FieldPath::Value(text.split('.').map(str::to_owned).collect())
}

fn some(text: &str) -> Option<FieldPath> {
    Some(path(text))
}

fn prediction_fields() -> PredictionFields {
    PredictionFields {
        request_id: path("request_id"),
        model_id: path("model_id"),
        model_version: some("model_version"),
        timestamp: path("timestamp"),
        score: some("score"),
        predicted_label: some("predicted_label"),
        scores: some("scores"),
        predicted_value: some("predicted_value"),
        features: some("features"),
        attributes: some("attributes"),
        latency_ms: some("latency_ms"),
        error: some("error"),
        segments: Default::default(),
    }
}

fn label_fields() -> LabelFields {
    LabelFields {
        request_id: path("request_id"),
        timestamp: path("timestamp"),
        label: path("label"),
        deleted: some("deleted"),
        weight: some("weight"),
        model_id: some("model_id"),
    }
}

fn origin(role: Role) -> Origin {
    Origin { role, topic: "topic".into(), partition: 3 }
}

fn columns() -> PredictionColumns {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let features = names(&["age", "country", "tier"]);
    PredictionColumns { segments: names(&["country", "tier"]), features, unknown: true }
}

fn messages<'a>(values: &'a [impl AsRef<[u8]>]) -> Vec<Message<'a>> {
    (10..).zip(values).map(|(offset, value)| Message::of_file(offset, value.as_ref())).collect()
}

/// Every column of a batch as text: two batches of the same content have the same.
fn shown(batch: &impl std::fmt::Debug) -> String {
    format!("{batch:?}")
}

fn reasons<B>(decoded: &Decoded<B>) -> Vec<(i64, Reason)> {
    decoded.rejects.iter().map(|reject| (reject.offset, reject.reason)).collect()
}
