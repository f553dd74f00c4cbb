//! The mapping compiled: for each role, where its value comes from, with paths into the value numbered.

use super::mapping::{FieldPath, LabelFields, PredictionFields};
use super::message::Message;
use super::scalar::{Record, Scalar};
use super::unknown::Watched;
use crate::event::PredictionColumns;

/// Where a role's value comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Nowhere: it is always null.
    Absent,
    /// The path into the value with this number.
    Slot(usize),
    /// The message key.
    Key,
    /// The last header of this name.
    Header(String),
    /// The broker's timestamp.
    BrokerTimestamp,
    /// The configuration.
    Constant(String),
}

impl Source {
    pub(crate) fn new(path: &FieldPath, paths: &mut Paths) -> Self {
        match path {
            FieldPath::Value(path) => Source::Slot(paths.slot(path.clone())),
            FieldPath::Key => Source::Key,
            FieldPath::Header(name) => Source::Header(name.clone()),
            FieldPath::BrokerTimestamp => Source::BrokerTimestamp,
            FieldPath::Constant(text) => Source::Constant(text.clone()),
        }
    }

    fn of(path: Option<&FieldPath>, paths: &mut Paths) -> Self {
        path.map_or(Source::Absent, |path| Source::new(path, paths))
    }

    /// The entry `name` of the object at `path`.
    fn entry(path: Option<&FieldPath>, name: &str, paths: &mut Paths) -> Self {
        match path {
            Some(FieldPath::Value(path)) => {
                let entry = path.iter().cloned().chain([name.to_owned()]).collect();
                Source::Slot(paths.slot(entry))
            }
            _ => Source::Absent,
        }
    }

    /// The value for one record.
    #[inline]
    pub(crate) fn read<'r>(&'r self, message: &Message<'r>, record: &'r impl Record) -> Scalar<'r> {
        match self {
            Source::Absent => Scalar::Null,
            Source::Slot(slot) => record.scalar(*slot),
            Source::Key => untyped(message.key),
            Source::Header(name) => {
                let header = message.headers.iter().rev().find(|(header, _)| header == name);
                untyped(header.and_then(|(_, value)| value.as_deref()))
            }
            Source::BrokerTimestamp => message.timestamp.map_or(Scalar::Null, Scalar::Int),
            Source::Constant(text) => Scalar::Untyped(text),
        }
    }
}

fn untyped(bytes: Option<&[u8]>) -> Scalar<'_> {
    match bytes.map(std::str::from_utf8) {
        None => Scalar::Null,
        Some(Ok(text)) => Scalar::Untyped(text),
        Some(Err(_)) => Scalar::Other("bytes that are not UTF-8"),
    }
}

/// The mapped paths into the value, each once; the index of a path is its slot.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths {
    /// Path of each slot.
    pub paths: Vec<Vec<String>>,
    /// The slot whose members are wanted, not only its kind: `scores`.
    pub members: Option<usize>,
    /// The object whose other members are noted: `features`.
    pub watched: Option<Watched>,
}

impl Paths {
    fn slot(&mut self, path: Vec<String>) -> usize {
        self.paths.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.paths.push(path);
            self.paths.len() - 1
        })
    }
}

/// Where each role of a prediction comes from.
#[derive(Debug, Clone)]
pub(crate) struct PredictionLayout {
    pub request_id: Source,
    pub model_id: Source,
    pub model_version: Source,
    pub timestamp: Source,
    pub score: Source,
    pub predicted_label: Source,
    pub scores: Source,
    pub predicted_value: Source,
    pub latency_ms: Source,
    pub error: Source,
    /// Name of each segment column, and the places that are looked at in turn.
    pub segments: Vec<(String, [Source; 2])>,
    /// Place of each feature column.
    pub features: Vec<Source>,
}

impl PredictionLayout {
    /// Compiles the mapping; only `columns` of the features and attributes are ever looked at.
    pub(crate) fn new(fields: &PredictionFields, columns: &PredictionColumns) -> (Self, Paths) {
        let mut paths = Paths::default();
        let at = &mut paths;
        let segment = |column: &String, at: &mut Paths| match fields.segments.get(column) {
            Some(path) => [Source::new(path, at), Source::Absent],
            None => [
                Source::entry(fields.attributes.as_ref(), column, at),
                Source::entry(fields.features.as_ref(), column, at),
            ],
        };
        let layout = PredictionLayout {
            request_id: Source::new(&fields.request_id, at),
            model_id: Source::new(&fields.model_id, at),
            model_version: Source::of(fields.model_version.as_ref(), at),
            timestamp: Source::new(&fields.timestamp, at),
            score: Source::of(fields.score.as_ref(), at),
            predicted_label: Source::of(fields.predicted_label.as_ref(), at),
            scores: Source::of(fields.scores.as_ref(), at),
            predicted_value: Source::of(fields.predicted_value.as_ref(), at),
            latency_ms: Source::of(fields.latency_ms.as_ref(), at),
            error: Source::of(fields.error.as_ref(), at),
            segments: columns.segments.iter().map(|column| (column.clone(), segment(column, at))).collect(),
            features: (columns.features.iter())
                .map(|column| Source::entry(fields.features.as_ref(), column, at))
                .collect(),
        };
        if let Source::Slot(slot) = layout.scores {
            paths.members = Some(slot);
        }
        if let Some(FieldPath::Value(path)) = fields.features.as_ref().filter(|_| columns.unknown) {
            paths.watched = Some(Watched { path: path.clone(), known: columns.features.clone() });
        }
        (layout, paths)
    }
}

/// Where each role of a label comes from.
#[derive(Debug, Clone)]
pub(crate) struct LabelLayout {
    pub request_id: Source,
    pub timestamp: Source,
    pub label: Source,
    pub deleted: Source,
    pub weight: Source,
    pub model_id: Source,
}

impl LabelLayout {
    /// Compiles the mapping.
    pub(crate) fn new(fields: &LabelFields) -> (Self, Paths) {
        let mut paths = Paths::default();
        let at = &mut paths;
        let layout = LabelLayout {
            request_id: Source::new(&fields.request_id, at),
            timestamp: Source::new(&fields.timestamp, at),
            label: Source::new(&fields.label, at),
            deleted: Source::of(fields.deleted.as_ref(), at),
            weight: Source::of(fields.weight.as_ref(), at),
            model_id: Source::of(fields.model_id.as_ref(), at),
        };
        (layout, paths)
    }
}
