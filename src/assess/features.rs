//! What is published of a window's features, compared with the reference that was in force.

use super::names::Names;
use crate::aggregate::Features;
use crate::drift;
use crate::event::{Comparison, ModelSettings, Profile, ReferenceId};
use crate::metrics::MetricValue;
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
        [(reference, list)] => {
            let profile = profile(settings, *reference)?;
            drift::read_out(profile, list, &settings.drift, values);
            name(profile, names, values);
            Some(*reference)
        }
        // Windows end where a reference does, but those that hop do not all.
        _ => {
            read_out_changed(features, settings, names, true, values)?;
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
