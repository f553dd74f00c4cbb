//! Which place of a record plays which role: the validated form of `fields:` and `format:`.

use std::collections::BTreeMap;

/// Where in a message a value is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldPath {
    /// A path into the decoded value: record fields, map entries or JSON object members. Written `output.score`;
    /// a name that contains a dot is quoted: `tags."app.version"`.
    Value(Vec<String>),
    /// The message key as text. Written `$key`.
    Key,
    /// A message header as text. Written `$header.NAME`.
    Header(String),
    /// The broker's timestamp of the message. Written `$timestamp`.
    BrokerTimestamp,
    /// The same text for every record. Written `=text`.
    Constant(String),
}

/// Roles of a prediction. `None`: no record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionFields {
    pub request_id: FieldPath,
    pub model_id: FieldPath,
    pub model_version: Option<FieldPath>,
    pub timestamp: FieldPath,
    pub score: Option<FieldPath>,
    pub predicted_label: Option<FieldPath>,
    pub scores: Option<FieldPath>,
    pub predicted_value: Option<FieldPath>,
    /// The object or record that holds the features.
    pub features: Option<FieldPath>,
    /// The object or record that holds segment-only attributes.
    pub attributes: Option<FieldPath>,
    pub latency_ms: Option<FieldPath>,
    pub error: Option<FieldPath>,
    /// Segment columns with a place of their own; any other is looked up in `attributes`, then in `features`.
    pub segments: BTreeMap<String, FieldPath>,
}

/// Roles of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFields {
    pub request_id: FieldPath,
    pub timestamp: FieldPath,
    pub label: FieldPath,
    pub deleted: Option<FieldPath>,
    pub weight: Option<FieldPath>,
    pub model_id: Option<FieldPath>,
}

/// How the bytes of a message's value are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// Avro in Confluent framing; writer schemas (JSON text) by id.
    AvroConfluent { schemas: BTreeMap<i32, String> },
    /// Avro without framing, all of one writer schema (JSON text).
    AvroPlain { schema: String },
}
