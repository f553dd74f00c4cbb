//! Profiles of closed windows → records of the `profiles` topic: the file form on one line, in as many parts as a record's
//! limit asks for.
//!
//! Each part is a profile of its own, of the same rows and of some of the features, so whoever reads one needs no other.

use crate::event::{FeatureProfile, Profile, ProfileWindow};

/// Largest value of a record: under a topic's usual limit of 1 MiB, with room for its key.
pub const MAX_PROFILE_BYTES: usize = 900_000;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRecord {
    /// The window's id, and from the second part on `-` and the part: the same for the same window in every run.
    pub key: String,
    /// The profile on one line, without a line feed.
    pub value: String,
}

/// The records of one window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRecords {
    /// In the order of their parts.
    pub records: Vec<ProfileRecord>,
    /// Features that are larger than a record each, and are in none.
    pub left_out: u64,
}

/// The records of `profile`, which is of `window`, none with a value of more than about `max_bytes`.
pub fn profile_records(profile: Profile, window: ProfileWindow, max_bytes: usize) -> ProfileRecords {
    let heading = Profile { features: Vec::new(), window: Some(window.clone()), labels: None, ..profile.clone() };
    // The number of parts may have more digits in the end.
    let room = max_bytes.saturating_sub(heading.to_json_line().len() + 20);
    let mut left_out = 0;
    let mut parts: Vec<Vec<FeatureProfile>> = Vec::new();
    let mut taken = room;
    for feature in profile.features {
        let bytes = 1 + serde_json::to_vec(&feature).map_or(usize::MAX - 1, |text| text.len());
        if bytes > room {
            left_out += 1;
            continue;
        }
        match parts.last_mut() {
            Some(part) if taken + bytes <= room => part.push(feature),
            _ => {
                parts.push(vec![feature]);
                taken = 0;
            }
        }
        taken += bytes;
    }
    let count = parts.len() as u32;
    let record = |(part, features): (u32, Vec<FeatureProfile>)| {
        let key = if part == 1 { window.id.to_string() } else { format!("{}-{part}", window.id) };
        let window = Some(ProfileWindow { part, parts: count, ..window.clone() });
        let value = Profile { features, window, ..heading.clone() }.with_id().to_json_line();
        ProfileRecord { key, value }
    };
    ProfileRecords { records: (1..).zip(parts).map(record).collect(), left_out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::profile::samples::{profile, window};

    /// So many features of that of the sample.
    fn wide(features: usize) -> Profile {
        let one = profile().features[0].clone();
        let feature =
            |number: usize| FeatureProfile { name: format!("f{number:03}").into(), sketches: None, ..one.clone() };
        Profile { features: (0..features).map(feature).collect(), labels: None, ..profile() }.with_id()
    }

    #[test]
    fn what_fits_is_one_record_with_the_id_of_the_whole() {
        let ProfileRecords { records, left_out } = profile_records(wide(3), window(), MAX_PROFILE_BYTES);
        assert_eq!((records.len(), left_out), (1, 0));
        let read = Profile::from_json(&records[0].value).expect("a profile");
        let whole = ProfileWindow { part: 1, parts: 1, ..window() };
        assert_eq!(read, Profile { window: Some(whole), ..wide(3) });
        assert_eq!(records[0].key, &*window().id);
    }

    #[test]
    fn what_does_not_fit_is_several_profiles_that_have_all_features_together() {
        for max_bytes in [10_000, 20_000, 30_000] {
            let ProfileRecords { records, left_out } = profile_records(wide(40), window(), max_bytes);
            assert_eq!(left_out, 0);
            assert!(records.len() > 2, "{max_bytes}");
            let mut features = Vec::new();
            for (record, part) in records.iter().zip(1..) {
                assert!(record.value.len() <= max_bytes, "{} of {max_bytes}", record.value.len());
                let read = Profile::from_json(&record.value).expect("a profile");
                let window = read.window.expect("a window");
                assert_eq!((window.part, window.parts as usize), (part, records.len()));
                let key = if part == 1 { window.id.to_string() } else { format!("{}-{part}", window.id) };
                assert_eq!(record.key, key);
                features.extend(read.features);
            }
            assert_eq!(features, wide(40).features);
        }
    }

    #[test]
    fn a_feature_that_fits_no_record_is_left_out_and_counted() {
        let mut profile = wide(3);
        profile.features[1].name = "f001".to_owned().repeat(4_000).into();
        let ProfileRecords { records, left_out } = profile_records(profile, window(), 12_000);
        assert_eq!(left_out, 1);
        let names = |record: &ProfileRecord| {
            let read = Profile::from_json(&record.value).expect("a profile");
            read.features.into_iter().map(|feature| feature.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(records.iter().flat_map(names).collect::<Vec<_>>(), ["f000", "f002"]);
        assert_eq!(profile_records(wide(2), window(), 10), ProfileRecords { records: Vec::new(), left_out: 2 });
    }
}
