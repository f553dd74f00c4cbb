//! The top level of the configuration: hands each section to its reader and checks what several of them say together.

use super::document::Node;
use super::fields::{self, Layout};
use super::format::{self, Formats, NamedFiles};
use super::problem::Report;
use super::raw::{self, Field, RawModel};
use super::reference;
use super::section::{Item, Section, Spanned};
use super::{Config, InputSpec, alerts, comparison, features, kafka, layout_check, model, segments, start, topics};
use crate::codec::{FieldPath, LabelFields, PredictionFields};
use crate::event::{Caps, Millis, SegmentColumn, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest interval between commits or publications; nobody wants a service that is silent for longer.
const MAX_INTERVAL_MS: Millis = 3_600_000;

/// Keys of the top level, for those written under a model.
const SERVICE_KEYS: [(&str, &str); 11] = [
    ("kafka", "at the top level"),
    ("topics", "at the top level"),
    ("format", "at the top level"),
    ("fields", "at the top level"),
    ("defaults", "at the top level"),
    ("models", "at the top level"),
    ("commit_interval", "at the top level"),
    ("emit_interval", "at the top level"),
    ("idle_timeout", "at the top level"),
    ("start", "at the top level"),
    ("caps", "at the top level"),
];

/// Reads the whole configuration. What is wrong is in `report`; the result is then a filled-in remainder, not to be used.
pub(super) fn read(root: &Node, files: &NamedFiles<'_>, report: &mut Report) -> Config {
    let built_in = Config::default();
    let Some(mut section) = Section::open(&Item::root(root), report) else { return built_in };
    let kafka = kafka::read(section.take("kafka"), report);
    let mut formats = format::read_both(section.take("format"), files, report);
    let topics = topics::read(section.take("topics"), &mut formats, files, report);
    let (predictions, labels) = read_fields(section.take("fields"), report);
    let defaults =
        section.take("defaults").map(|item| raw::read_model(&item, files, report, &SERVICE_KEYS)).unwrap_or_default();
    if let Some(written) = defaults.reference.written() {
        report
            .error(&written.at, "a reference under `defaults`: it is of one model".to_owned())
            .help("write it under `models.NAME`");
    }
    if let Some(written) = defaults.features.written() {
        report
            .error(&written.at, "`features` under `defaults`: they are of one model")
            .help("write them under `models.NAME`");
    }
    let models = section.take("models").map(|item| read_models(&item, files, report)).unwrap_or_default();
    let caps = read_caps(section.take("caps"), report);
    let of_alerts = alerts::read_service(section.take("alerts"), report);
    let start = section.take("start").and_then(|item| start::read(&item, report)).unwrap_or_default();
    let mut interval = |key: &'static str, default: Millis, report: &mut Report| {
        section.take(key).and_then(|item| read_interval(&item, report)).unwrap_or(default)
    };
    let commit_interval_ms = interval("commit_interval", built_in.commit_interval_ms, report);
    let emit_interval_ms = interval("emit_interval", built_in.settings.emit_interval_ms, report);
    let idle_timeout_ms = interval("idle_timeout", built_in.settings.idle_timeout_ms, report);
    let of_models = raw::KEYS.map(|key| (key, "under `defaults`, or under `models.NAME`"));
    section.finish(report, &[], &of_models);

    check_model_count(&models, &caps, report);
    let mut settings = Settings {
        defaults: Arc::new(model::settings("", &defaults, &defaults, report)),
        models: models
            .iter()
            .map(|(id, raw)| (id.value.clone(), Arc::new(model::settings(&id.value, raw, &defaults, report))))
            .collect::<BTreeMap<_, _>>(),
        caps,
        emit_interval_ms,
        idle_timeout_ms,
        alerts: Arc::default(),
    };
    settings.alerts = Arc::new(alerts::settings(&defaults, &models, of_alerts, &settings, report));
    for (id, raw) in &models {
        let written = raw.reference.written().map(|written| &written.value[..]).unwrap_or_default();
        let model = settings.model(&id.value);
        reference::check(&id.value, written, model, report);
        features::check(&id.value, raw, &defaults, model.task, predictions.fields.features.is_some(), report);
        comparison::check(&id.value, raw, &defaults, model, report);
        segments::check(&id.value, raw, &defaults, model, report);
    }
    let is_compared = |raw: &RawModel| !matches!((&raw.reference, &raw.features), (Field::Absent, Field::Absent));
    let has_reference = models.iter().any(|(_, raw)| is_compared(raw));
    comparison::check_defaults(&defaults, &settings.defaults, has_reference, report);
    segments::check_defaults(&defaults, has_reference, report);
    check_layouts(&predictions, &labels, &formats, report);
    check_segments(&predictions, &settings, &defaults, &models, report);
    Config {
        settings,
        kafka,
        topics,
        predictions: InputSpec { format: formats.predictions.unwrap_or_default().format, fields: predictions.fields },
        labels: InputSpec { format: formats.labels.unwrap_or_default().format, fields: labels.fields },
        commit_interval_ms,
        start,
        warnings: built_in.warnings,
    }
}

fn read_fields(item: Option<Item<'_>>, report: &mut Report) -> (Layout<PredictionFields>, Layout<LabelFields>) {
    let mut section = item.and_then(|item| Section::open(&item, report));
    let predictions =
        fields::read_predictions(section.as_mut().and_then(|section| section.take("predictions")), report);
    let labels = fields::read_labels(section.as_mut().and_then(|section| section.take("labels")), report);
    if let Some(section) = section {
        section.finish(report, &[], &[]);
    }
    (predictions, labels)
}

/// Model ids are free names, so none is unknown here.
fn read_models(item: &Item<'_>, files: &NamedFiles<'_>, report: &mut Report) -> Vec<(Spanned<String>, RawModel)> {
    let Some(section) = Section::open(item, report) else { return Vec::new() };
    let mut models = Vec::new();
    for (id, item) in section.entries() {
        if id.value.is_empty() {
            report.error(&id.at, "an empty model id").help("records without a model id are dead letters: remove it");
        }
        let raw = raw::read_model(&item, files, report, &SERVICE_KEYS);
        models.push((Spanned { value: id.value.to_owned(), at: id.at }, raw));
    }
    models
}

fn read_caps(item: Option<Item<'_>>, report: &mut Report) -> Caps {
    let mut caps = Caps::default();
    let Some(mut section) = item.and_then(|item| Section::open(&item, report)) else { return caps };
    for (key, slot, most) in [
        ("segment_values", &mut caps.segment_values, 65_535),
        ("classes", &mut caps.classes, 1000),
        ("models", &mut caps.models, 1_000_000),
        ("pending_rows", &mut caps.pending_rows, 4_000_000_000),
    ] {
        if let Some(count) = section.take(key).and_then(|item| item.count(report, 1..=most)) {
            *slot = count.value as usize;
        }
    }
    section.finish(report, &[], &[]);
    caps
}

fn read_interval(item: &Item<'_>, report: &mut Report) -> Option<Millis> {
    let interval = item.duration(report, 1)?;
    if interval.value > MAX_INTERVAL_MS {
        report.error(&interval.at, "too long").expected("at most `1h`");
        return None;
    }
    Some(interval.value)
}

fn check_model_count(models: &[(Spanned<String>, RawModel)], caps: &Caps, report: &mut Report) {
    if let Some((first_over, _)) = models.get(caps.models) {
        let message = format!("{} models, more than `caps.models` ({}) allows", models.len(), caps.models);
        report.error(&first_over.at, message).help("raise `caps.models`: records of models over it are dead letters");
    }
}

fn check_layouts(
    predictions: &Layout<PredictionFields>,
    labels: &Layout<LabelFields>,
    formats: &Formats,
    report: &mut Report,
) {
    fn needed<'a>(roles: &[(&'a str, &'a FieldPath)]) -> Vec<(&'a str, &'a [String])> {
        let inside_value = |(role, path): &(&'a str, &'a FieldPath)| match path {
            FieldPath::Value(names) => Some((*role, names.as_slice())),
            _ => None,
        };
        roles.iter().filter_map(inside_value).collect()
    }
    if let Some(format) = &formats.predictions {
        let fields = &predictions.fields;
        let roles = needed(&[("request_id", &fields.request_id), ("model_id", &fields.model_id)]);
        layout_check::check(predictions, &roles, format, report);
    }
    if let Some(format) = &formats.labels {
        let fields = &labels.fields;
        let roles = needed(&[("request_id", &fields.request_id), ("label", &fields.label)]);
        layout_check::check(labels, &roles, format, report);
    }
}

/// Segment columns that are mapped but unused, or used but nowhere to be found.
fn check_segments(
    predictions: &Layout<PredictionFields>,
    settings: &Settings,
    defaults: &RawModel,
    models: &[(Spanned<String>, RawModel)],
    report: &mut Report,
) {
    let used = settings.segment_columns();
    for column in predictions.segments.iter().filter(|column| !used.contains(&column.value)) {
        report
            .warning(&column.at, format!("no model has a segment with the column `{}`", column.value))
            .help("name it under `segments` or `fairness.protected`, or remove it here");
    }
    let fields = &predictions.fields;
    if fields.attributes.is_some() || fields.features.is_some() {
        return;
    }
    for raw in std::iter::once(defaults).chain(models.iter().map(|(_, raw)| raw)) {
        let segments = raw.segments.written().map(|sets| {
            let parts = sets.iter().flat_map(|set| &set.columns);
            (&sets.at, parts.filter_map(SegmentColumn::column).collect())
        });
        let protected = raw.fairness.written().map(|fairness| {
            let columns = fairness.columns.iter();
            (&fairness.at, columns.map(String::as_str).collect())
        });
        let written: [Option<(_, Vec<&str>)>; 2] = [segments, protected];
        for (at, columns) in written.into_iter().flatten() {
            for column in columns.into_iter().filter(|column| !fields.segments.contains_key(*column)) {
                report
                    .warning(at, format!("the column `{column}` has no place in a record: it will always be missing"))
                    .help(format!("write `fields.predictions.segments.{column}`, as features and attributes are off"));
            }
        }
    }
}
