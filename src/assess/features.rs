//! What is published of a window's features, compared with the reference that was in force.

use super::names::Names;
use crate::aggregate::features::OfReference;
use crate::aggregate::{Expected, Features};
use crate::drift;
use crate::event::{Comparison, FeatureBins, FeatureSource, ModelSettings, Profile, ReferenceId, TaskKind};
use crate::metrics::{MetricValue, Undefined, estimated, schema_drift};
use std::collections::BTreeSet;

/// Appends what is known of `features`, numbered as `names` has them; gives the reference that they were compared with.
/// `None` where its profile is known no more: what was published of them stands.
pub fn read_out(
    features: &Features,
    settings: &ModelSettings,
    names: &mut Names,
    values: &mut Vec<MetricValue>,
) -> Option<Option<ReferenceId>> {
    let reference = match features.by_reference() {
        [] => return None,
        [(reference, of)] => {
            let profile = profile(settings, *reference)?;
            drift::read_out(profile, &of.list, &settings.drift, values);
            name(profile, names, values);
            of_model(profile, of, settings, values);
            Some(*reference)
        }
        // Windows end where a reference does, but those that hop do not all.
        _ => {
            read_out_changed(features, settings, names, true, values)?;
            let mut of_models = Vec::new();
            in_force(features, settings).for_each(|(of, profile)| of_model(profile, of, settings, &mut of_models));
            none_of(&mut of_models, Undefined::ReferenceChanged);
            values.append(&mut of_models);
            None
        }
    };
    if !settings.drift.compare_with.contains(&Comparison::Fixed) {
        values.retain(|value| !value.metric.is_of_drift());
    }
    Some(reference)
}

/// Appends, for every feature that one of the profiles of `features` has, that nothing can be said of it, as there are
/// several; `None` if none of them is known.
pub fn read_out_changed(
    features: &Features,
    settings: &ModelSettings,
    names: &mut Names,
    with_values: bool,
    values: &mut Vec<MetricValue>,
) -> Option<()> {
    let mut told = BTreeSet::new();
    for profile in features.by_reference().iter().filter_map(|(reference, _)| profile(settings, *reference)) {
        let mut of_profile = Vec::new();
        drift::read_out_changed(profile, &settings.drift, with_values, &mut of_profile);
        name(profile, names, &mut of_profile);
        values.extend(of_profile.into_iter().filter(|value| told.insert((value.metric as u64, value.feature))));
    }
    (!told.is_empty()).then_some(())
}

/// Numbers the features that `values` name by their place in `profile` as `names` has them.
pub fn name(profile: &Profile, names: &mut Names, values: &mut [MetricValue]) {
    let numbers: Vec<u16> = profile.features.iter().map(|feature| names.feature_number(&feature.name)).collect();
    for value in values {
        value.feature = value.feature.and_then(|place| numbers.get(usize::from(place)).copied());
    }
}

/// The profile that features were counted by, if it is known still.
pub fn profile(settings: &ModelSettings, reference: ReferenceId) -> Option<&Profile> {
    let known = settings.references.iter().find(|known| known.id == reference);
    known.and_then(|known| known.profile.as_deref())
}

/// Appends what is about no single feature.
fn of_model(profile: &Profile, of: &OfReference, settings: &ModelSettings, values: &mut Vec<MetricValue>) {
    schema_drift::read_out(profile, &of.list, &of.unknown, settings.drift.min_count, values);
    values.extend(estimated_roc_auc(profile, of));
}

/// How well the scores are expected to separate the classes, of a binary model whose scores have a calibration.
fn estimated_roc_auc(profile: &Profile, of: &OfReference) -> Option<MetricValue> {
    let labels = profile.labels.as_ref().filter(|_| profile.task == TaskKind::Binary)?;
    let calibration = &labels.calibrations.first()?.calibration;
    let place = profile.features.iter().position(|feature| feature.source == FeatureSource::Score)?;
    let FeatureBins::Numeric(bins) = &profile.features[place].bins else { return None };
    let found = of.list.iter().find(|(number, _)| usize::from(*number) == place);
    let counts = found.map_or_else(|| vec![0; bins.bins()], |(_, accumulator)| accumulator.dense(bins.bins()));
    Some(estimated::roc_auc(bins, &counts, calibration))
}

/// Says of everything that it has no value, and why: of what was read under several references, each row once. So a row that
/// was published while there was one of them only is published on.
pub fn none_of(values: &mut Vec<MetricValue>, reason: Undefined) {
    let mut told = BTreeSet::new();
    values.retain(|value| told.insert((value.metric, value.class, value.feature)));
    for value in values {
        let (class, feature) = (value.class, value.feature);
        *value = MetricValue { class, feature, ..MetricValue::new(value.metric, Err(reason), 0) };
    }
}

/// Appends how good the model is expected to be, where the reference's scores have a calibration.
pub fn estimate(profile: &Profile, expected: &Expected, values: &mut Vec<MetricValue>) {
    if profile.labels.as_ref().is_none_or(|labels| labels.calibrations.is_empty()) {
        return;
    }
    match profile.task {
        TaskKind::Binary => estimated::binary(&expected.confusion, values),
        TaskKind::Multiclass => estimated::multiclass(&expected.classes, values),
        TaskKind::Regression => {}
    }
}

/// What was read under each reference whose profile is known. There are several only in windows that hop: others end where a
/// reference does.
pub fn in_force<'f, 's>(
    features: &'f Features,
    settings: &'s ModelSettings,
) -> impl Iterator<Item = (&'f OfReference, &'s Profile)> {
    features.by_reference().iter().filter_map(|(reference, of)| Some((of, profile(settings, *reference)?)))
}
