//! The file form of a profile: JSON with `"format": 1`, the members of [`Profile`] in their order. What cannot be is
//! refused when it is read, each thing by an error of its own.

use super::consistency::MAX_FEATURES;
use super::layout::Layout;
use super::{FeatureProfile, Profile, ProfileWindow, ReferenceId, ReferenceLabels};
use crate::event::{Millis, TaskKind};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// The form that is written, and the newest that is read.
const FORMAT: u64 = 1;

/// Why a text is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It is no JSON, or its members are not those of a profile.
    #[error("not a readable profile: {message}")]
    Unreadable {
        /// What is wrong, and where.
        message: String,
    },
    /// A later version wrote it.
    #[error("the profile has format {format}; this version reads format {FORMAT} and none that is newer")]
    NewerFormat {
        /// What it says.
        format: u64,
    },
    /// Rows are negative, times are absurd or the last is before the first, or no model is named.
    #[error("`rows`, `first_ms`, `last_ms` and `model_id` cannot be those of any reference")]
    Heading,
    /// It has more features than can be numbered.
    #[error("it has {0} features, more than {MAX_FEATURES}")]
    TooManyFeatures(usize),
    /// Features are not sorted by name, or one is there twice.
    #[error("feature `{feature}`: features are sorted by name, and each is there once")]
    Order {
        /// The first that is out of order.
        feature: Arc<str>,
    },
    /// Counts and bins do not belong together.
    #[error("feature `{feature}`: {counts} counts for {bins} bins")]
    BinCount {
        /// Which.
        feature: Arc<str>,
        /// Counts that it has.
        counts: usize,
        /// Bins that it has, with those for what is no value.
        bins: usize,
    },
    /// A count is negative.
    #[error("feature `{feature}`: a count is negative")]
    NegativeCount {
        /// Which.
        feature: Arc<str>,
    },
    /// The counts are of another number of rows.
    #[error("feature `{feature}`: its counts add up to {counted}, and the profile is of {rows} rows")]
    RowCount {
        /// Which.
        feature: Arc<str>,
        /// Sum of the counts.
        counted: i128,
        /// Rows of the profile.
        rows: i64,
    },
    /// Moments of a category, or such as no numbers have.
    #[error("feature `{feature}`: no numbers have these moments")]
    Moments {
        /// Which.
        feature: Arc<str>,
    },
    /// Outputs do not belong to the counts, or are not those of the other features.
    #[error("feature `{feature}`: no rows have these outputs")]
    Outputs {
        /// Which.
        feature: Arc<str>,
    },
    /// A sketch is not base64.
    #[error("feature `{feature}`: a sketch is not base64")]
    Sketch {
        /// Which.
        feature: Arc<str>,
    },
    /// What is said of labels does not fit together.
    #[error("`labels`: {why}")]
    Labels {
        /// What does not.
        why: &'static str,
    },
    /// What it says of its window cannot be.
    #[error("`window`: no window is like that")]
    Window,
    /// The content was changed after it got its id.
    #[error("the content does not match its id {written}: it was edited; make it anew (it would have {content})")]
    Changed {
        /// The id in the file.
        written: ReferenceId,
        /// The id that the content has.
        content: ReferenceId,
    },
}

/// The one member that every format has.
#[derive(Deserialize)]
struct Heading {
    format: u64,
}

/// The members of format 1.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    format: u64,
    id: ReferenceId,
    model_id: Arc<str>,
    task: TaskKind,
    rows: i64,
    first_ms: Millis,
    last_ms: Millis,
    features: Cow<'a, [FeatureProfile]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Cow<'a, ReferenceLabels>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<Cow<'a, ProfileWindow>>,
}

impl Profile {
    /// Reads the file form. What is read is consistent and has the id of its content.
    pub fn from_json(text: &str) -> Result<Profile, ProfileError> {
        let unreadable = |error: serde_json::Error| ProfileError::Unreadable { message: error.to_string() };
        let Heading { format } = serde_json::from_str(text).map_err(unreadable)?;
        match format {
            FORMAT => {}
            0 => return Err(ProfileError::Unreadable { message: "there is no format 0".to_owned() }),
            newer => return Err(ProfileError::NewerFormat { format: newer }),
        }
        let Form { format: _, id, model_id, task, rows, first_ms, last_ms, features, labels, window } =
            serde_json::from_str(text).map_err(unreadable)?;
        let (features, labels) = (features.into_owned(), labels.map(Cow::into_owned));
        let window = window.map(Cow::into_owned);
        let profile = Profile { id, model_id, task, rows, first_ms, last_ms, features, labels, window };
        profile.check()?;
        let content = profile.content_id();
        if content != id {
            return Err(ProfileError::Changed { written: id, content });
        }
        Ok(profile)
    }

    /// The file form, with a line feed at its end.
    pub fn to_json(&self) -> String {
        let mut bytes = Vec::new();
        let mut writer = serde_json::Serializer::with_formatter(&mut bytes, Layout::default());
        self.form().serialize(&mut writer).expect("a profile is JSON, and memory takes it");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    /// The same members on one line, without a line feed: the value of a record.
    pub fn to_json_line(&self) -> String {
        serde_json::to_string(&self.form()).expect("a profile is JSON, and memory takes it")
    }

    fn form(&self) -> Form<'_> {
        Form {
            format: FORMAT,
            id: self.id,
            model_id: self.model_id.clone(),
            task: self.task,
            rows: self.rows,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            features: Cow::Borrowed(&self.features),
            labels: self.labels.as_ref().map(Cow::Borrowed),
            window: self.window.as_ref().map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{profile, with_outputs};
    use super::*;
    use proptest::prelude::*;

    fn refusal(change: impl FnOnce(&mut Profile)) -> ProfileError {
        let mut changed = profile();
        change(&mut changed);
        Profile::from_json(&changed.with_id().to_json()).unwrap_err()
    }

    #[test]
    fn what_was_written_is_read() {
        let text = profile().to_json();
        assert_eq!(Profile::from_json(&text), Ok(profile()), "{text}");
        let known = with_outputs(profile());
        assert_eq!(Profile::from_json(&known.to_json()), Ok(known));
        assert!(text.starts_with("{\n  \"format\": 1,\n  \"id\": \"") && text.ends_with("\n}\n"), "{text}");
        assert!(text.contains("\n      \"counts\": [0, "), "{text}");
        let plain: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(Profile::from_json(&plain.to_string()), Ok(profile()), "the order of members does not matter");
    }

    #[test]
    fn a_window_comes_back_on_one_line_and_is_no_part_of_the_id() {
        let window = super::super::samples::window();
        let of_window = Profile { window: Some(window.clone()), ..profile() }.with_id();
        assert_eq!(of_window.id, profile().id);
        let line = of_window.to_json_line();
        assert!(!line.contains('\n') && line.contains(r#""window":{"id":"#), "{line}");
        assert_eq!(Profile::from_json(&line), Ok(of_window.clone()));
        assert_eq!(Profile::from_json(&of_window.to_json()), Ok(of_window));
        for change in [
            (|window| window.end_ms += 1) as fn(&mut ProfileWindow),
            |window| window.part = 0,
            |window| window.part = 3,
            |window| window.advance_ms = 0,
        ] {
            let mut window = window.clone();
            change(&mut window);
            assert_eq!(refusal(|profile| profile.window = Some(window)), ProfileError::Window);
        }
    }

    #[test]
    fn each_inconsistency_has_its_error() {
        let amount = || Arc::from("amount");
        assert_eq!(refusal(|profile| profile.rows = -1), ProfileError::Heading);
        assert_eq!(refusal(|profile| profile.last_ms = 0), ProfileError::Heading);
        assert_eq!(refusal(|profile| profile.model_id = "".into()), ProfileError::Heading);
        assert_eq!(refusal(|profile| profile.features.swap(0, 1)), ProfileError::Order { feature: amount() });
        let bins = profile().features[0].bins.len();
        let error = ProfileError::BinCount { feature: amount(), counts: bins - 1, bins };
        assert_eq!(refusal(|profile| profile.features[0].counts.truncate(bins - 1)), error);
        let error = ProfileError::NegativeCount { feature: amount() };
        assert_eq!(refusal(|profile| profile.features[0].counts[0] = -1), error);
        let error = ProfileError::RowCount { feature: amount(), counted: 7, rows: 6 };
        assert_eq!(refusal(|profile| profile.features[0].counts[0] += 1), error);
        let moments = profile().features[0].moments;
        let error = ProfileError::Moments { feature: "country".into() };
        assert_eq!(refusal(|profile| profile.features[1].moments = moments), error);
        let labels = |change: fn(&mut ReferenceLabels)| refusal(|profile| profile.labels.iter_mut().for_each(change));
        for change in [
            (|labels| labels.rows = 7) as fn(&mut ReferenceLabels),
            |labels| labels.rows = 4,
            |labels| labels.counts[0] = -2,
            |labels| labels.counts.truncate(3),
            |labels| labels.calibrations.push(labels.calibrations[0].clone()),
        ] {
            assert!(matches!(labels(change), ProfileError::Labels { .. }));
        }
        let outputs = |change: fn(&mut Profile)| {
            let mut changed = with_outputs(profile());
            change(&mut changed);
            Profile::from_json(&changed.with_id().to_json()).unwrap_err()
        };
        let of = |feature: &str| ProfileError::Outputs { feature: feature.into() };
        assert_eq!(outputs(|profile| profile.features[0].outputs = None), of("country"));
        for change in [
            (|profile| profile.features[0].outputs.as_mut().unwrap().rows[1] += 7) as fn(&mut Profile),
            |profile| profile.features[0].outputs.as_mut().unwrap().rows.truncate(2),
            |profile| profile.features[0].outputs.as_mut().unwrap().sums[0] = 1,
            |profile| profile.features[0].outputs.as_mut().unwrap().exponent = 101,
        ] {
            assert_eq!(outputs(change), of("amount"));
        }
        assert_eq!(outputs(|profile| profile.features[1].outputs.as_mut().unwrap().sums[1] += 1), of("country"));
        let sketches = Some(super::super::Sketches { distinct: Some("?".to_owned()), ..Default::default() });
        let error = ProfileError::Sketch { feature: amount() };
        assert_eq!(refusal(|profile| profile.features[0].sketches = sketches), error);
    }

    #[test]
    fn a_changed_text_is_refused() {
        let text = profile().to_json();
        let changed = text.replace("\"country\"", "\"county\"");
        assert!(
            matches!(Profile::from_json(&changed), Err(ProfileError::Changed { written, .. }) if written == profile().id)
        );
        for format in [2, u64::MAX] {
            let newer = text.replace("\"format\": 1", &format!("\"form\": 1, \"format\": {format}"));
            assert_eq!(Profile::from_json(&newer), Err(ProfileError::NewerFormat { format }));
        }
        for (from, to) in [
            ("\"format\": 1", "\"format\": 0"),
            ("\"format\": 1", "\"format\": \"1\""),
            ("\"format\": 1,", ""),
            ("\"rows\": 6", "\"rows\": 6, \"colour\": 1"),
            ("\"rows\": 6", "\"rows\": 6.5"),
            ("\"binary\"", "\"ternary\""),
        ] {
            let error = Profile::from_json(&text.replacen(from, to, 1)).unwrap_err();
            assert!(matches!(error, ProfileError::Unreadable { .. }), "{to}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Profile::from_json(&String::from_utf8_lossy(&bytes)).is_err());
        }

        #[test]
        fn no_damage_is_read_as_another_profile(
            at in any::<prop::sample::Index>(),
            len in 0usize..40,
            patch in prop_oneof!["[0-9eE.\\-]{0,4}", "[\\[\\]{}\",: ]{0,4}", any::<String>()],
        ) {
            let mut text = profile().to_json();
            let start = at.index(text.len());
            let end = (start + len).min(text.len());
            prop_assume!(text.is_char_boundary(start) && text.is_char_boundary(end));
            text.replace_range(start..end, &patch);
            if let Ok(read) = Profile::from_json(&text) {
                prop_assert_eq!(read.id, profile().id);
            }
        }
    }
}
