//! Features that are watched while no profile is in force: `features: {amount: numeric, country: categorical}`.

use super::problem::Report;
use super::raw::RawModel;
use super::reference::WrittenReference;
use super::section::{Item, Section, Spanned};
use crate::event::{Comparison, DriftSettings, FeatureKind, FeatureSource, Profile, Reference, TaskKind};
use std::sync::Arc;

/// Names with what they hold, as written.
pub(super) type WrittenFeatures = Vec<(String, FeatureKind)>;

const KINDS: [(&str, FeatureKind); 2] = [("numeric", FeatureKind::Numeric), ("categorical", FeatureKind::Categorical)];

/// Outputs come on top of what is declared.
const MOST: usize = Profile::MAX_FEATURES - FeatureSource::OUTPUTS.len();

/// Reads `features:`. None at all: the outputs are watched.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<WrittenFeatures>> {
    let section = Section::open(item, report)?;
    let mut is_complete = true;
    let mut features = WrittenFeatures::new();
    for (name, kind) in section.entries() {
        let is_output = FeatureSource::OUTPUTS.iter().any(|(_, output)| *output == name.value);
        if is_output {
            report
                .error(&name.at, format!("`{}` is an output of the model", name.value))
                .help("outputs are watched as `task:` says which there are: remove it");
        } else if name.value.is_empty() {
            report.error(&name.at, "a feature without a name").help("remove it");
        }
        let kind = kind.choice(report, &KINDS);
        is_complete &= !is_output && !name.value.is_empty() && kind.is_some();
        features.extend(kind.map(|kind| (name.value.to_owned(), kind.value)));
    }
    if features.len() > MOST {
        report
            .error(&item.at(), format!("{} features", features.len()))
            .expected(format!("at most {MOST}"))
            .help("each is counted in every window: name those that matter");
        return None;
    }
    is_complete.then(|| Spanned { value: features, at: item.at() })
}

/// The references of `model`: those that are written, and before the first of them what is declared.
pub(super) fn references(model: &str, written: &RawModel, task: Option<TaskKind>) -> Vec<Reference> {
    let mut references: Vec<Reference> =
        written_references(written).iter().map(|written| written.reference.clone()).collect();
    if let Some(features) = in_force(written) {
        let profile = Profile::unfitted(model, task, features.value.iter().cloned());
        references.insert(0, Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(profile)) });
    }
    references
}

/// What a model with declared features is compared with where nothing is written.
pub(super) fn default_comparisons(written: &RawModel) -> Vec<Comparison> {
    match in_force(written) {
        None => DriftSettings::default().compare_with,
        // The profile may be announced while the service runs; until then it is said that there is none.
        Some(_) => vec![Comparison::Fixed, Comparison::Previous],
    }
}

fn written_references(written: &RawModel) -> &[WrittenReference] {
    written.reference.written().map(|written| &written.value[..]).unwrap_or_default()
}

/// What is declared, unless a profile is in force from the beginning, or might be.
fn in_force(written: &RawModel) -> Option<&Spanned<WrittenFeatures>> {
    let from_the_beginning = written_references(written).first().is_some_and(|first| first.reference.from_ms.is_none());
    written.features.written().filter(|_| !from_the_beginning && !written.reference.is_broken())
}

/// Checks that what is declared under `models.NAME` is watched and compared with something; `has_features` if records have
/// a place for features.
pub(super) fn check(
    model: &str,
    own: &RawModel,
    defaults: &RawModel,
    task: Option<TaskKind>,
    has_features: bool,
    report: &mut Report,
) {
    let Some(features) = own.features.written().filter(|_| !own.reference.is_broken()) else { return };
    if in_force(own).is_none() {
        report
            .warning(&features.at, "`features` are never watched: a profile is in force from the beginning")
            .help("remove `features`, or say under `reference` from when on the profile is in force: `from: TIME`");
        return;
    }
    if features.value.is_empty() && task.is_none() {
        report
            .warning(&features.at, "there is no feature to watch, and no output")
            .help("name features, such as `{amount: numeric, country: categorical}`, or write `task:`");
    } else if !features.value.is_empty() && !has_features {
        report
            .warning(&features.at, "records have no place for features: they will always be missing")
            .help("write `fields.predictions.features`");
    }
    let compared = own.drift.or(&defaults.drift).written().map(|drift| &drift.compare_with[..]).unwrap_or_default();
    let is_fixed_only = !compared.is_empty() && compared.iter().all(|comparison| !comparison.is_moving());
    if is_fixed_only && written_references(own).is_empty() {
        report
            .warning(&features.at, format!("`{model}` has no profile, and is compared with nothing else"))
            .help("write `drift: {compare_with: [previous]}` under the model");
    }
}
