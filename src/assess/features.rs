//! What is published of a window's features, compared with the reference that was in force.

use super::names::Names;
use crate::aggregate::features::OfReference;
use crate::aggregate::{Expected, Features};
use crate::drift;
use crate::event::{ModelSettings, Profile, ReferenceId, TaskKind};
use crate::metrics::{MetricValue, Undefined, estimated};

/// Appends what is known of `features`, numbered as `names` has them; gives the reference that they were compared with.
/// `None` where its profile is known no more: what was published of them stands.
pub fn read_out(
    features: &Features,
    settings: &ModelSettings,
    names: &mut Names,
    values: &mut Vec<MetricValue>,
) -> Option<Option<ReferenceId>> {
    let (profile, reference) = match features.by_reference() {
        [] => return None,
        [(reference, of)] => {
            let profile = profile(settings, *reference)?;
            drift::read_out(profile, &of.list, &settings.drift, values);
            (profile, Some(*reference))
        }
        // Windows end where a reference does, but those that hop do not all.
        [.., (newest, _)] => {
            let profile = profile(settings, *newest)?;
            drift::read_out_nothing(profile, Undefined::ReferenceChanged, values);
            (profile, None)
        }
    };
    let numbers: Vec<u16> = profile.features.iter().map(|feature| names.feature_number(&feature.name)).collect();
    for value in values {
        value.feature = value.feature.and_then(|place| numbers.get(usize::from(place)).copied());
    }
    Some(reference)
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

/// What was read under the only reference of a window, with its profile; `None` where there are several, or it is known no
/// more.
pub fn in_force<'f, 's>(features: &'f Features, settings: &'s ModelSettings) -> Option<(&'f OfReference, &'s Profile)> {
    let [(reference, of)] = features.by_reference() else { return None };
    Some((of, profile(settings, *reference)?))
}

fn profile(settings: &ModelSettings, reference: ReferenceId) -> Option<&Profile> {
    let known = settings.references.iter().find(|known| known.id == reference);
    known.and_then(|known| known.profile.as_deref())
}
