//! The layout of the input: which place of a record plays which role (`fields:`).

use super::field_path;
use super::nearest::enumerate;
use super::problem::Report;
use super::section::{Item, Section, Spanned};
use crate::codec::{FieldPath, LabelFields, PredictionFields};

/// The roles of one input, and which of their paths were written by the operator.
#[derive(Debug, Clone)]
pub(super) struct Layout<F> {
    pub fields: F,
    /// Paths into the value, as written; the format's schema is checked for them.
    pub written: Vec<Spanned<Vec<String>>>,
    /// Segment columns with a place of their own.
    pub segments: Vec<Spanned<String>>,
}

/// The layout where nothing else is configured: every role under its own name.
pub(super) fn default_predictions() -> PredictionFields {
    PredictionFields {
        request_id: named("request_id"),
        model_id: named("model_id"),
        model_version: Some(named("model_version")),
        timestamp: named("timestamp"),
        score: Some(named("score")),
        predicted_label: Some(named("predicted_label")),
        scores: Some(named("scores")),
        predicted_value: Some(named("predicted_value")),
        features: Some(named("features")),
        attributes: Some(named("attributes")),
        latency_ms: Some(named("latency_ms")),
        error: Some(named("error")),
        segments: Default::default(),
    }
}

/// The same for labels.
pub(super) fn default_labels() -> LabelFields {
    LabelFields {
        request_id: named("request_id"),
        timestamp: named("timestamp"),
        label: named("label"),
        deleted: Some(named("deleted")),
        weight: Some(named("weight")),
        model_id: Some(named("model_id")),
    }
}

fn named(name: &str) -> FieldPath {
    FieldPath::Value(vec![name.to_owned()])
}

/// Which places can play a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Differs from record to record: not a constant.
    Id,
    /// A time: also the broker's timestamp, not a constant.
    Time,
    /// An object: only a place inside the value.
    Object,
    /// A single value from anywhere.
    Any,
}

impl Takes {
    fn allows(self, path: &FieldPath) -> bool {
        match path {
            FieldPath::Value(_) => true,
            FieldPath::Key | FieldPath::Header(_) => self != Takes::Object,
            FieldPath::BrokerTimestamp => self == Takes::Time,
            FieldPath::Constant(_) => self == Takes::Any,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Takes::Id => "a place inside the value, `$key` or `$header.NAME`",
            Takes::Time => "a place inside the value, `$timestamp`, `$key` or `$header.NAME`",
            Takes::Object => "a place inside the value",
            Takes::Any => "a place inside the value, `$key`, `$header.NAME` or `=constant`",
        }
    }
}

/// Reads roles of one section and remembers the written paths.
struct Roles<'a, 'r> {
    section: Section<'a>,
    written: Vec<Spanned<Vec<String>>>,
    report: &'r mut Report,
}

impl Roles<'_, '_> {
    fn required(&mut self, role: &'static str, takes: Takes, slot: &mut FieldPath) {
        let Some(item) = self.section.take(role) else { return };
        if item.is_null() {
            self.report.error(&item.at(), format!("`{role}` is needed")).expected(takes.expected());
        } else if let Some(path) = self.path(&item, takes) {
            *slot = path;
        }
    }

    /// `~` says that no record has the role.
    fn optional(&mut self, role: &'static str, takes: Takes, slot: &mut Option<FieldPath>) {
        let Some(item) = self.section.take(role) else { return };
        if item.is_null() {
            *slot = None;
        } else if let Some(path) = self.path(&item, takes) {
            *slot = Some(path);
        }
    }

    fn path(&mut self, item: &Item<'_>, takes: Takes) -> Option<FieldPath> {
        let text = item.text(self.report, takes.expected())?;
        let path = match field_path::parse(&text) {
            Ok(path) => path,
            Err(error) => {
                self.report.error(&text.at, error.message).expected(takes.expected()).help(error.help);
                return None;
            }
        };
        if !takes.allows(&path) {
            self.report.error(&text.at, format!("`{}` cannot play this role", text.value)).expected(takes.expected());
            return None;
        }
        if let FieldPath::Value(names) = &path {
            self.written.push(Spanned { value: names.clone(), at: text.at });
        }
        Some(path)
    }
}

/// Reads `fields.predictions`.
pub(super) fn read_predictions(item: Option<Item<'_>>, report: &mut Report) -> Layout<PredictionFields> {
    let mut layout = Layout { fields: default_predictions(), written: Vec::new(), segments: Vec::new() };
    let Some(section) = item.and_then(|item| Section::open(&item, report)) else { return layout };
    let mut roles = Roles { section, written: Vec::new(), report };
    let fields = &mut layout.fields;
    roles.required("request_id", Takes::Id, &mut fields.request_id);
    roles.required("model_id", Takes::Any, &mut fields.model_id);
    roles.optional("model_version", Takes::Any, &mut fields.model_version);
    roles.required("timestamp", Takes::Time, &mut fields.timestamp);
    roles.optional("score", Takes::Any, &mut fields.score);
    roles.optional("predicted_label", Takes::Any, &mut fields.predicted_label);
    roles.optional("scores", Takes::Object, &mut fields.scores);
    roles.optional("predicted_value", Takes::Any, &mut fields.predicted_value);
    roles.optional("features", Takes::Object, &mut fields.features);
    roles.optional("attributes", Takes::Object, &mut fields.attributes);
    roles.optional("latency_ms", Takes::Any, &mut fields.latency_ms);
    roles.optional("error", Takes::Any, &mut fields.error);
    if let Some(segments) = roles.section.take("segments")
        && let Some(section) = Section::open(&segments, roles.report)
    {
        for (column, item) in section.entries() {
            if let Some(path) = roles.path(&item, Takes::Any) {
                fields.segments.insert(column.value.to_owned(), path);
                layout.segments.push(Spanned { value: column.value.to_owned(), at: column.at });
            }
        }
    }
    let outputs = [&fields.score, &fields.predicted_label, &fields.scores, &fields.predicted_value];
    if outputs.iter().all(|output| output.is_none()) {
        let roles_of_output = enumerate(["score", "predicted_label", "scores", "predicted_value"]);
        roles
            .report
            .error(roles.section.at(), "predictions without any output")
            .help(format!("at least one of {roles_of_output} must have a place"));
    }
    layout.written = roles.written;
    roles.section.finish(roles.report, &[], &[]);
    layout
}

/// Reads `fields.labels`.
pub(super) fn read_labels(item: Option<Item<'_>>, report: &mut Report) -> Layout<LabelFields> {
    let mut layout = Layout { fields: default_labels(), written: Vec::new(), segments: Vec::new() };
    let Some(section) = item.and_then(|item| Section::open(&item, report)) else { return layout };
    let mut roles = Roles { section, written: Vec::new(), report };
    let fields = &mut layout.fields;
    roles.required("request_id", Takes::Id, &mut fields.request_id);
    roles.required("timestamp", Takes::Time, &mut fields.timestamp);
    roles.required("label", Takes::Any, &mut fields.label);
    roles.optional("deleted", Takes::Any, &mut fields.deleted);
    roles.optional("weight", Takes::Any, &mut fields.weight);
    roles.optional("model_id", Takes::Any, &mut fields.model_id);
    layout.written = roles.written;
    roles.section.finish(roles.report, &[], &[]);
    layout
}
