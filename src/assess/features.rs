//! What is published of a window's features, compared with the reference that was in force.

use super::names::Names;
use crate::aggregate::features::OfReference;
use crate::aggregate::{Expected, Features};
use crate::drift;
use crate::event::{ModelSettings, Profile, ReferenceId, TaskKind};
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
    let known: Vec<(&OfReference, &Profile)> = in_force(features, settings).collect();
    for (of, profile) in &known {
        let first = values.len();
        drift::read_out(profile, &of.list, &settings.drift, values);
        schema_drift::read_out(profile, &of.list, &of.unknown, settings.drift.min_count, values);
        let numbers: Vec<u16> = profile.features.iter().map(|feature| names.feature_number(&feature.name)).collect();
        for value in &mut values[first..] {
            value.feature = value.feature.and_then(|place| numbers.get(usize::from(place)).copied());
        }
    }
    match &known[..] {
        [] => None,
        [(_, profile)] => Some(Some(profile.id)),
        _ => {
            none_of(values, Undefined::ReferenceChanged);
            Some(None)
        }
    }
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

fn profile(settings: &ModelSettings, reference: ReferenceId) -> Option<&Profile> {
    let known = settings.references.iter().find(|known| known.id == reference);
    known.and_then(|known| known.profile.as_deref())
}
