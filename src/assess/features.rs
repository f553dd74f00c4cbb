//! What is published of a window's features, compared with the reference that was in force.

use super::names::Names;
use crate::aggregate::features::{FeatureList, OfReference};
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
    read_each(features, settings, names, values, |profile, list, values| {
        drift::read_out(profile, list, &settings.drift, values);
    });
    in_force(features, settings).for_each(|(of, profile)| of_model(profile, of, settings, values));
    if values.is_empty() {
        return None;
    }
    let reference = only_reference(features, settings, values);
    if !settings.drift.compare_with.contains(&Comparison::Fixed) {
        values.retain(|value| !value.metric.is_of_drift());
    }
    Some(reference)
}

/// Appends what `read` gives out of each reference whose profile is known, features numbered as `names` has them.
pub fn read_each(
    features: &Features,
    settings: &ModelSettings,
    names: &mut Names,
    values: &mut Vec<MetricValue>,
    read: impl Fn(&Profile, &FeatureList, &mut Vec<MetricValue>),
) {
    for (of, profile) in in_force(features, settings) {
        let first = values.len();
        read(profile, &of.list, values);
        name(profile, names, &mut values[first..]);
    }
}

/// The only reference that `features` were read under, if it is one that they are compared with. Windows end where a
/// reference does, but those that hop do not all: where there are several, `values` say so.
fn only_reference(features: &Features, settings: &ModelSettings, values: &mut Vec<MetricValue>) -> Option<ReferenceId> {
    match features.by_reference() {
        [(reference, _)] => Some(*reference).filter(|id| profile(settings, *id).is_some_and(Profile::is_fitted)),
        _ => {
            none_of(values, Undefined::ReferenceChanged);
            None
        }
    }
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
    if !profile.is_fitted() {
        return;
    }
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
