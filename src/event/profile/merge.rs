//! Profiles of spans that follow each other → the profile of all of them: hours into days, days into a month. Counts in the
//! same bins are added; what was counted in others cannot be.

use super::{FeatureBins, FeatureProfile, Moments, Profile, ReferenceId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why profiles cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is no profile to merge")]
    Nothing,
    /// They are of several models, tasks or versions.
    #[error("profiles {one} and {other} are of different models, tasks or versions")]
    Models {
        /// One of them.
        one: ReferenceId,
        /// One that does not belong to it.
        other: ReferenceId,
    },
    /// A feature has other bins, or is not in all of them.
    #[error(
        "profiles {one} and {other} do not have the same features in the same bins: they were counted by different \
         references"
    )]
    Bins {
        /// One of them.
        one: ReferenceId,
        /// One that does not belong to it.
        other: ReferenceId,
    },
    /// Rows would count twice.
    #[error(
        "profiles {one} and {other} overlap in time, so rows would count twice: leave one of them out, and take windows of \
         one size"
    )]
    Overlap {
        /// One of them.
        one: ReferenceId,
        /// One that begins before it ends.
        other: ReferenceId,
    },
    /// Labels, and calibrations by them, cannot be added.
    #[error("profile {0} has labels, which cannot be merged")]
    Labels(ReferenceId),
    /// There are more rows than can be counted.
    #[error("together they are of more rows than can be counted")]
    TooManyRows,
    /// A window is in several records, and not all of them are there.
    #[error("of the parts of window {0} some are missing, or there twice")]
    Parts(Arc<str>),
}

/// Adds profiles that do not overlap, in any order. Sketches, outputs, and which windows they were of, are left out. Counts are
/// exact; means and standard deviations are put together from those of the profiles, each of which was rounded once.
///
/// # Errors
/// If they do not belong together.
pub fn merge(profiles: Vec<Profile>) -> Result<Profile, MergeError> {
    let mut all = whole(profiles)?;
    all.sort_by_key(|profile| profile.first_ms);
    let first = all.first().ok_or(MergeError::Nothing)?;
    if let Some(profile) = all.iter().find(|profile| profile.labels.is_some()) {
        return Err(MergeError::Labels(profile.id));
    }
    let version = |profile: &Profile| profile.window.as_ref().map(|window| Arc::clone(&window.model_version));
    for other in &all[1..] {
        let (one, other_id) = (first.id, other.id);
        if (&first.model_id, first.task, version(first)) != (&other.model_id, other.task, version(other)) {
            return Err(MergeError::Models { one, other: other_id });
        }
        let is_same = |(a, b): (&FeatureProfile, &FeatureProfile)| {
            (&a.name, a.source) == (&b.name, b.source) && are_same_bins(&a.bins, &b.bins)
        };
        if first.features.len() != other.features.len() || !first.features.iter().zip(&other.features).all(is_same) {
            return Err(MergeError::Bins { one, other: other_id });
        }
    }
    if let Some(pair) = all.windows(2).find(|pair| pair[1].first_ms <= pair[0].last_ms) {
        return Err(MergeError::Overlap { one: pair[0].id, other: pair[1].id });
    }
    // Each count of a bin is at most that of all rows.
    let rows =
        all.iter().try_fold(0_i64, |sum, profile| sum.checked_add(profile.rows)).ok_or(MergeError::TooManyRows)?;
    let last_ms = all.iter().map(|profile| profile.last_ms).max().unwrap_or(first.last_ms);
    let features = (0..first.features.len()).map(|place| feature(&all, place)).collect();
    let merged = Profile {
        id: first.id,
        model_id: Arc::clone(&first.model_id),
        task: first.task,
        rows,
        first_ms: first.first_ms,
        last_ms,
        features,
        labels: None,
        window: None,
    };
    Ok(merged.with_id())
}

/// True if the same values are in them; where no reference made them, each profile has grouped them by its own rows.
fn are_same_bins(a: &FeatureBins, b: &FeatureBins) -> bool {
    match (a, b) {
        (FeatureBins::Numeric(a), FeatureBins::Numeric(b)) if a.hold_every_number() => a.edges() == b.edges(),
        _ => a == b,
    }
}

/// The profiles, with those together that are parts of one window.
fn whole(profiles: Vec<Profile>) -> Result<Vec<Profile>, MergeError> {
    let mut whole = Vec::new();
    let mut in_parts: BTreeMap<Arc<str>, BTreeMap<u32, Profile>> = BTreeMap::new();
    for profile in profiles {
        match profile.window.clone() {
            Some(window) if window.parts > 1 => {
                let parts = in_parts.entry(Arc::clone(&window.id)).or_default();
                if parts.insert(window.part, profile).is_some() {
                    return Err(MergeError::Parts(window.id));
                }
            }
            _ => whole.push(profile),
        }
    }
    for (id, parts) in in_parts {
        let count = parts.len();
        let is_complete = |part: &Profile| part.window.as_ref().is_some_and(|window| window.parts as usize == count);
        if !parts.values().all(is_complete) {
            return Err(MergeError::Parts(id));
        }
        let mut parts = parts.into_values();
        if let Some(mut profile) = parts.next() {
            parts.for_each(|part| profile.features.extend(part.features));
            profile.features.sort_by(|a, b| a.name.cmp(&b.name));
            whole.push(profile.with_id());
        }
    }
    Ok(whole)
}

/// The feature at `place` of all profiles, which have it in the same bins.
fn feature(profiles: &[Profile], place: usize) -> FeatureProfile {
    let of = || profiles.iter().map(|profile| &profile.features[place]);
    let first = &profiles[0].features[place];
    let mut counts = vec![0; first.counts.len()];
    for feature in of() {
        counts.iter_mut().zip(&feature.counts).for_each(|(count, more)| *count += more);
    }
    FeatureProfile {
        name: Arc::clone(&first.name),
        source: first.source,
        bins: match &first.bins {
            FeatureBins::Numeric(bins) if bins.hold_every_number() => FeatureBins::Numeric(bins.grouped_by(&counts)),
            bins => bins.clone(),
        },
        counts,
        moments: moments(of()),
        outputs: None,
        sketches: None,
    }
}

/// Chan, Golub and LeVeque (1979): n · variance of both together is that of each, and what their means are apart.
fn moments<'f>(features: impl Iterator<Item = &'f FeatureProfile>) -> Option<Moments> {
    let mut sum: Option<(f64, f64, Moments)> = None;
    for feature in features {
        let (FeatureBins::Numeric(bins), Some(more)) = (&feature.bins, feature.moments) else { continue };
        let n = feature.counts[..bins.ordered_len()].iter().sum::<i64>() as f64;
        let squares = n * more.std * more.std;
        sum = Some(match sum {
            None => (n, squares, more),
            Some((m, before, of)) => {
                let (min, max) = (of.min.min(more.min), of.max.max(more.max));
                let (all, apart) = (m + n, more.mean - of.mean);
                // Rounding must not take it out of the range.
                let mean = (of.mean + apart * (n / all)).clamp(min, max);
                let squares = before + squares + apart * apart * (m * (n / all));
                (all, squares, Moments { mean, std: (squares / all).sqrt(), min, max })
            }
        });
    }
    sum.map(|(_, _, moments)| moments)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{profile, window};
    use super::super::{FeatureKind, ProfileWindow};
    use super::*;
    use crate::event::{FeatureValue, Millis};
    use proptest::prelude::*;

    /// Of these amounts, in the sample's bins, from `start` on for ten milliseconds.
    fn of(amounts: &[f64], start: Millis) -> Profile {
        let mut made =
            Profile { labels: None, rows: amounts.len() as i64, first_ms: start, last_ms: start + 9, ..profile() };
        for feature in &mut made.features {
            feature.sketches = None;
            feature.counts.iter_mut().for_each(|count| *count = 0);
            for amount in amounts {
                let value =
                    if feature.moments.is_some() { FeatureValue::Number(*amount) } else { FeatureValue::Missing };
                let bin = feature.bins.bin_of(value);
                feature.counts[bin] += 1;
            }
        }
        let n = amounts.len() as f64;
        let mean = amounts.iter().sum::<f64>() / n;
        let std = (amounts.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        let (min, max) = amounts.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        let of_numbers = || Moments { mean: mean.clamp(min, max), std, min, max };
        made.features[0].moments = (n > 0.0).then(of_numbers);
        made.with_id()
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole_in_any_order(
            amounts in prop::collection::vec(prop::collection::vec(-1e3..1e3f64, 0..9), 1..6),
            rotate in 0usize..6,
        ) {
            let mut parts: Vec<Profile> = amounts.iter().zip(0..).map(|(some, i)| of(some, i * 10)).collect();
            parts.rotate_left(rotate % amounts.len());
            let merged = merge(parts).unwrap();
            prop_assert_eq!(Profile::from_json(&merged.to_json()), Ok(merged.clone()));
            let mut expected = of(&amounts.concat(), 0);
            expected.last_ms = 10 * amounts.len() as i64 - 1;
            let (rows, last_ms) = (expected.rows, expected.last_ms);
            prop_assert_eq!((merged.rows, merged.first_ms, merged.last_ms), (rows, 0, last_ms));
            for (found, expected) in merged.features.iter().zip(&expected.features) {
                prop_assert_eq!(&found.counts, &expected.counts);
                prop_assert_eq!(found.moments.is_some(), expected.moments.is_some());
                if let (Some(found), Some(expected)) = (found.moments, expected.moments) {
                    prop_assert_eq!((found.min, found.max), (expected.min, expected.max));
                    prop_assert!((found.mean - expected.mean).abs() < 1e-9, "{:?} {:?}", found, expected);
                    prop_assert!((found.std - expected.std).abs() < 1e-6, "{:?} {:?}", found, expected);
                }
            }
        }
    }

    #[test]
    fn where_no_reference_made_bins_all_rows_group_them_anew() {
        let of = |amounts: std::ops::Range<i32>, start: Millis| {
            let mut profile = Profile::unfitted("m", None, [("amount".to_owned(), FeatureKind::Numeric)]);
            (profile.rows, profile.first_ms, profile.last_ms) = (amounts.len() as i64, start, start + 9);
            let feature = &mut profile.features[0];
            for amount in amounts {
                feature.counts[feature.bins.bin_of(FeatureValue::Number(f64::from(amount)))] += 1;
            }
            let FeatureBins::Numeric(bins) = &feature.bins else { unreachable!() };
            feature.bins = FeatureBins::Numeric(bins.grouped_by(&feature.counts));
            profile.with_id()
        };
        let (low, high) = (of(0..100, 0), of(100..900, 10));
        assert_ne!(low.features[0].bins, high.features[0].bins);
        let merged = merge(vec![high, low]).unwrap();
        let expected = of(0..900, 0);
        assert_eq!((&merged.features[0], merged.rows), (&expected.features[0], 900));
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let [one, two] = [of(&[1.0], 0), of(&[2.0], 10)];
        let refused = |changed: Profile| merge(vec![one.clone(), changed.with_id()]).unwrap_err();
        let other = |error: &MergeError| matches!(error, MergeError::Models { .. });
        assert!(other(&refused(Profile { model_id: "n".into(), ..two.clone() })));
        assert!(other(&refused(Profile { window: Some(ProfileWindow { parts: 1, ..window() }), ..two.clone() })));
        let fewer = Profile { features: two.features[..1].to_vec(), ..two.clone() };
        assert!(matches!(refused(fewer), MergeError::Bins { .. }));
        assert!(matches!(refused(of(&[2.0], 9)), MergeError::Overlap { .. }));
        let labelled = Profile { labels: profile().labels, ..of(&[1.0; 6], 10) };
        assert!(matches!(refused(labelled), MergeError::Labels(_)));
        assert_eq!(merge(Vec::new()), Err(MergeError::Nothing));
    }

    #[test]
    fn a_window_in_parts_is_put_together_first() {
        let whole = of(&[1.0, 3.0], 0);
        let part = |number: u32| {
            let window = Some(ProfileWindow { part: number, ..window() });
            let features = vec![whole.features[number as usize - 1].clone()];
            Profile { features, window, ..whole.clone() }.with_id()
        };
        let merged = merge(vec![part(2), part(1)]).unwrap();
        assert_eq!((merged.id, merged.window.as_ref()), (whole.id, None));
        for parts in [vec![part(1)], vec![part(1), part(1), part(2)]] {
            assert_eq!(merge(parts), Err(MergeError::Parts(window().id)));
        }
    }
}
