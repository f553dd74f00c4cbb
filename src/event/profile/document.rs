//! A profile as a file: JSON with the number of its format, and an id that is a hash of the content, so that a profile that
//! was edited by hand is not taken for the one it was.

use super::{Profile, ReferenceId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Number of the format that is written.
const FORMAT: u32 = 1;

/// Most features of a profile: partials number them in two bytes.
pub const MAX_FEATURES: usize = 4096;

/// Why a text is no profile that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Not JSON, or not of the form of a profile.
    #[error("not a profile: {0}")]
    Malformed(String),
    /// Written by a later version of the program.
    #[error("it is of format {0}, which is newer than this program reads; update the program")]
    Newer(u32),
    /// Parts of it contradict each other.
    #[error("feature `{feature}`: {what}")]
    Inconsistent {
        /// Where.
        feature: String,
        /// What.
        what: &'static str,
    },
    /// It has more features than can be numbered.
    #[error("it has {0} features, more than {MAX_FEATURES}")]
    TooManyFeatures(usize),
    /// Its id is not that of its content.
    #[error("its content has the id {found}, but it says {said}: it was edited; make it anew")]
    Edited {
        /// What it says.
        said: ReferenceId,
        /// What it has.
        found: ReferenceId,
    },
}

/// The number of a format, whatever else there is.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    profile: &'a Profile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: u32,
    profile: Profile,
}

impl Profile {
    /// The same with the id that its content has.
    pub fn with_id(mut self) -> Profile {
        self.id = ReferenceId(0);
        let content = serde_json::to_vec(&self).expect("a profile is JSON");
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(&content)[..16]);
        self.id = ReferenceId(u128::from_be_bytes(id));
        self
    }

    /// As the text of a file.
    pub fn to_json(&self) -> String {
        let written = Written { format: FORMAT, profile: self };
        serde_json::to_string(&written).expect("a profile is JSON") + "\n"
    }

    /// From the text of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_json(text: &str) -> Result<Profile, ProfileError> {
        let malformed = |error: serde_json::Error| ProfileError::Malformed(error.to_string());
        let Head { format } = serde_json::from_str(text).map_err(malformed)?;
        if format > FORMAT {
            return Err(ProfileError::Newer(format));
        }
        let Read { profile, .. } = serde_json::from_str(text).map_err(malformed)?;
        profile.check()?;
        let said = profile.id;
        let profile = profile.with_id();
        match profile.id == said {
            true => Ok(profile),
            false => Err(ProfileError::Edited { said, found: profile.id }),
        }
    }

    fn check(&self) -> Result<(), ProfileError> {
        if self.features.len() > MAX_FEATURES {
            return Err(ProfileError::TooManyFeatures(self.features.len()));
        }
        let mut before = None;
        for feature in &self.features {
            let wrong = |what| Err(ProfileError::Inconsistent { feature: feature.name.to_string(), what });
            if before.replace(&feature.name) >= Some(&feature.name) {
                return wrong("features are not in the order of their names, or one is there twice");
            }
            if feature.counts.len() != feature.bins.len() {
                return wrong("it has not one count per bin");
            }
            if feature.counts.iter().any(|count| !(0..=self.rows).contains(count)) {
                return wrong("a count is negative, or larger than the number of rows");
            }
            let sum = feature.counts.iter().try_fold(0i64, |sum, count| sum.checked_add(*count));
            if sum != Some(self.rows) {
                return wrong("its counts do not add up to the number of rows");
            }
            if feature.moments.is_some_and(|moments| !(moments.std >= 0.0 && moments.min <= moments.max)) {
                return wrong("its moments are those of no numbers");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::bins::{CategoryBins, NumericBins};
    use crate::event::{FeatureBins, FeatureProfile, FeatureSource, Moments, TaskKind};
    use proptest::prelude::*;

    fn profile() -> Profile {
        let numeric = FeatureProfile {
            name: "age".into(),
            source: FeatureSource::Feature,
            bins: FeatureBins::Numeric(NumericBins::between(vec![0.1, 1e300])),
            counts: vec![1, 2, 3, 0, 1],
            moments: Some(Moments { mean: 0.1 + 0.2, std: 5e-324, min: -1.0, max: 7.0 }),
        };
        let categorical = FeatureProfile {
            name: "plan".into(),
            source: FeatureSource::Feature,
            bins: FeatureBins::Categorical(CategoryBins::of_reference([("a\u{2003}\"", 4)], 5)),
            counts: vec![4, 0, 3, 0],
            moments: None,
        };
        Profile {
            id: ReferenceId(0),
            model_id: "m".into(),
            task: TaskKind::Binary,
            rows: 7,
            first_ms: 1,
            last_ms: 2,
            features: vec![numeric, categorical],
        }
    }

    #[test]
    fn a_profile_comes_back_from_its_file() {
        let profile = profile().with_id();
        assert_eq!(Profile::from_json(&profile.to_json()), Ok(profile));
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_reason() {
        let text = |change: &dyn Fn(&mut Profile)| {
            let mut profile = profile();
            change(&mut profile);
            Profile::from_json(&profile.with_id().to_json()).expect_err("refused").to_string()
        };
        assert!(text(&|profile| profile.rows = 8).contains("`age`: its counts do not add up"));
        assert!(text(&|profile| profile.features[0].counts.truncate(3)).contains("one count per bin"));
        assert!(text(&|profile| profile.features[1].counts[0] = -1).contains("`plan`: a count is negative"));
        assert!(text(&|profile| profile.features.reverse()).contains("in the order of their names"));
        assert!(text(&|profile| profile.features[0].moments.as_mut().expect("some").std = -1.0).contains("moments"));
        let edited = profile().with_id().to_json().replace("\"mean\":0.30000000000000004", "\"mean\":0.3");
        assert!(Profile::from_json(&edited).expect_err("refused").to_string().contains("it was edited"));
        let newer = profile().with_id().to_json().replace("\"format\":1", "\"format\":2");
        assert_eq!(Profile::from_json(&newer), Err(ProfileError::Newer(2)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*", cut in 0usize..900) {
            let _ = Profile::from_json(&text);
            let whole = profile().with_id().to_json();
            let cut = (cut.min(whole.len())..=whole.len()).find(|cut| whole.is_char_boundary(*cut)).unwrap_or(0);
            if !whole[cut..].trim().is_empty() {
                prop_assert!(Profile::from_json(&whole[..cut]).is_err());
            }
            let _ = Profile::from_json(&(whole[..cut].to_owned() + &text + &whole[cut..]));
        }
    }
}
