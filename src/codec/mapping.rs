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
    /// Joins predictions and labels.
    pub request_id: FieldPath,
    /// Which model.
    pub model_id: FieldPath,
    /// Which version of it.
    pub model_version: Option<FieldPath>,
    /// Event time.
    pub timestamp: FieldPath,
    /// Binary: probability of the positive class.
    pub score: Option<FieldPath>,
    /// Predicted class.
    pub predicted_label: Option<FieldPath>,
    /// Multiclass: the object of scores by class.
    pub scores: Option<FieldPath>,
    /// Regression: predicted number.
    pub predicted_value: Option<FieldPath>,
    /// The object or record that holds the features.
    pub features: Option<FieldPath>,
    /// The object or record that holds segment-only attributes.
    pub attributes: Option<FieldPath>,
    /// How long the model took.
    pub latency_ms: Option<FieldPath>,
    /// Set where the request failed.
    pub error: Option<FieldPath>,
    /// Segment columns with a place of their own; any other is looked up in `attributes`, then in `features`.
    pub segments: BTreeMap<String, FieldPath>,
}

/// Roles of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelFields {
    /// Joins predictions and labels.
    pub request_id: FieldPath,
    /// Event time.
    pub timestamp: FieldPath,
    /// What came true: class or value.
    pub label: FieldPath,
    /// True where the label is taken back.
    pub deleted: Option<FieldPath>,
    /// Copied to `labelled`.
    pub weight: Option<FieldPath>,
    /// Which model.
    pub model_id: Option<FieldPath>,
}

/// How the bytes of a message's value are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    Json,
    /// Avro in Confluent framing; writer schemas (JSON text) by id.
    AvroConfluent {
        /// Schema by id.
        schemas: BTreeMap<i32, String>,
    },
    /// Avro without framing, all of one writer schema (JSON text).
    AvroPlain {
        /// The schema.
        schema: String,
    },
}
