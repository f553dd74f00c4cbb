//! From what is written about a model to its settings: defaults filled in, combinations checked.

use super::detectors;
use super::duration;
use super::features;
use super::problem::{At, Report};
use super::raw::{Field, RawModel};
use super::section::Spanned;
use super::windows::pane_of;
use crate::event::{Millis, ModelSettings, ReviseAfter, SegmentSet, TaskKind};

/// Settings of the model `id`: what is written about it, else what `defaults` says, else what is built in.
///
/// For `defaults` itself, both are the same, and the id is empty.
pub(super) fn settings(id: &str, model: &RawModel, defaults: &RawModel, report: &mut Report) -> ModelSettings {
    let built_in = ModelSettings::default();
    let task = model.task.or(&defaults.task).written().map(|task| task.value);
    let windows = model.windows.or(&defaults.windows).value_or(built_in.windows);
    let label_horizon = model.label_horizon.or(&defaults.label_horizon);
    let correction_horizon = model.correction_horizon.or(&defaults.correction_horizon);
    let label_horizon_ms = label_horizon.value_or(built_in.label_horizon_ms);
    let correction_horizon_ms = correction_horizon.value_or(built_in.correction_horizon_ms);
    let least_revise_for = label_horizon_ms + correction_horizon_ms;
    let revise_for = model.revise_for.or(&defaults.revise_for);
    if !(label_horizon.is_broken() || correction_horizon.is_broken()) {
        check_revise_for(revise_for, model, least_revise_for, report);
    }
    check_task(model, defaults, report);

    // Inherited options of another task are not meant for this model; written for it, they were refused above.
    let scored = task != Some(TaskKind::Regression);
    let fairness = model.fairness.or(&defaults.fairness).written().filter(|_| scored);
    let protected = fairness.map(|fairness| fairness.columns.clone()).unwrap_or_default();
    let written = model.segments.or(&defaults.segments).written();
    let mut segments: Vec<SegmentSet> =
        written.iter().flat_map(|sets| &sets.value).map(|set| set.value.clone()).collect();
    for column in &protected {
        let set = SegmentSet { columns: vec![column.as_str().into()] };
        if !segments.contains(&set) {
            segments.push(set);
        }
    }
    let written_drift = model.drift.or(&defaults.drift).written();
    let mut drift = written_drift.map_or(built_in.drift, |written| written.settings.clone());
    if written_drift.is_none_or(|written| written.compare_with.is_empty()) {
        drift.compare_with = features::default_comparisons(model);
    }
    ModelSettings {
        task,
        positive_label: model
            .positive_label
            .or(&defaults.positive_label)
            .written()
            .map_or(built_in.positive_label, |class| class.as_binary()),
        threshold: model.threshold.or(&defaults.threshold).value_or(built_in.threshold),
        pane_ms: pane_of(&windows),
        windows,
        label_horizon_ms,
        allowed_lateness_ms: model
            .allowed_lateness
            .or(&defaults.allowed_lateness)
            .value_or(built_in.allowed_lateness_ms),
        early_label_retention_ms: model
            .early_label_retention
            .or(&defaults.early_label_retention)
            .value_or(built_in.early_label_retention_ms),
        correction_horizon_ms,
        max_ahead_ms: model.max_ahead.or(&defaults.max_ahead).value_or(built_in.max_ahead_ms),
        on_expiry: on_expiry(model, defaults, task),
        segments,
        protected,
        min_group: fairness.and_then(|fairness| fairness.min_group).unwrap_or(built_in.min_group),
        revise_after: ReviseAfter {
            min_ms: model.revise_after_min.or(&defaults.revise_after_min).value_or(built_in.revise_after.min_ms),
            growth: model.revise_after_growth.or(&defaults.revise_after_growth).value_or(built_in.revise_after.growth),
        },
        revise_for_ms: revise_for.value_or(least_revise_for),
        business_value: model
            .business_value
            .or(&defaults.business_value)
            .written()
            .filter(|_| scored)
            .map(|value| value.value),
        references: features::references(id, model, task),
        drift,
        detectors: detectors::settings(model, defaults, task, report),
    }
}

fn on_expiry(model: &RawModel, defaults: &RawModel, task: Option<TaskKind>) -> Option<String> {
    let label = model.on_expiry.or(&defaults.on_expiry).written()?.value.as_ref()?;
    Some(if task == Some(TaskKind::Binary) { label.as_binary() } else { label.as_text() })
}

/// Labels and corrections may come until both horizons have passed; a window must be revisable for as long.
fn check_revise_for(revise_for: &Field<Millis>, model: &RawModel, least: Millis, report: &mut Report) {
    let Some(written) = revise_for.written().filter(|written| written.value < least) else { return };
    // A model that lengthens a horizon and inherits `revise_for` is to look at its own lines.
    let own = [model.revise_for.written(), model.label_horizon.written(), model.correction_horizon.written()];
    let at = own.into_iter().flatten().next().map_or(&written.at, |own| &own.at);
    let (written, least) = (duration::format(written.value), duration::format(least));
    let message =
        format!("`revise_for` is `{written}`, shorter than `label_horizon` and `correction_horizon` together");
    report
        .error(at, message)
        .expected(format!("`revise_for` of at least `{least}`"))
        .help("leave `revise_for` out to get exactly that, or shorten the horizons");
}

/// Options that the model's task cannot use.
fn check_task(model: &RawModel, defaults: &RawModel, report: &mut Report) {
    let Some(task) = model.task.or(&defaults.task).written() else { return };
    for (key, at) in class_options(model) {
        match task.value {
            TaskKind::Binary => {}
            TaskKind::Multiclass => {
                let message = format!("`{key}` has no effect on a multiclass model");
                report.warning(at, message).help("it is for models with two classes: remove it");
            }
            TaskKind::Regression => {
                let message = format!("`{key}` makes no sense for a regression model");
                report.error(at, message).help("it is for models that predict classes: remove it");
            }
        }
    }
    if task.value == TaskKind::Regression {
        check_expiry_number(task, model, defaults, report);
    }
}

/// Options that are about a positive and a negative class, as written for the model itself.
fn class_options(model: &RawModel) -> impl Iterator<Item = (&'static str, &At)> {
    fn at<T>(field: &Field<T>) -> Option<&At> {
        field.written().map(|written| &written.at)
    }
    [
        ("positive_label", at(&model.positive_label)),
        ("threshold", at(&model.threshold)),
        ("fairness", at(&model.fairness)),
        ("business_value", at(&model.business_value)),
    ]
    .into_iter()
    .filter_map(|(key, at)| Some((key, at?)))
}

fn check_expiry_number(task: &Spanned<TaskKind>, model: &RawModel, defaults: &RawModel, report: &mut Report) {
    let Some(Some(label)) = model.on_expiry.or(&defaults.on_expiry).written().map(|on_expiry| &on_expiry.value) else {
        return;
    };
    let class = label.as_text();
    if crate::event::label::class_as_number(&class).is_none() {
        let at = if model.on_expiry.written().is_some() { &label.at } else { &task.at };
        report
            .error(at, format!("`on_expiry` gives a regression model the label `{class}`"))
            .expected("a number as its label")
            .help("write `on_expiry: {label: 0}` with the number that is meant, or `on_expiry: none`");
    }
}
