//! The id of a profile: a hash of its content in a form of bytes that has exactly one reading.
//!
//! Texts and lists are preceded by their length, numbers are the bits of doubles and of 64-bit integers, least significant
//! byte first. So neither the text of a number nor the order of an object's members matters, and equal content has the same
//! id on every platform.

use super::{BinnedOutputs, FeatureBins, FeatureProfile, FeatureSource, Profile, ReferenceId, ReferenceLabels};
use crate::event::{Calibration, TaskKind};
use sha2::{Digest, Sha256};

/// What is hashed first: another form of bytes has another one.
const FORM: &str = "postdict profile 1";

impl Profile {
    /// The id that the content has, whatever [`Profile::id`] says.
    pub fn content_id(&self) -> ReferenceId {
        let mut content = Content(Sha256::new());
        content.text(FORM);
        content.text(&self.model_id);
        content.text(self.task.name());
        [self.rows, self.first_ms, self.last_ms].iter().for_each(|&number| content.integer(number));
        content.len(self.features.len());
        self.features.iter().for_each(|feature| content.feature(feature));
        content.len(self.labels.iter().len());
        self.labels.iter().for_each(|labels| content.labels(labels));
        // Behind all that profiles have without outputs, whose ids stay what they were.
        if self.features.iter().any(|feature| feature.outputs.is_some()) {
            content.text("outputs");
            self.features.iter().for_each(|feature| content.outputs(feature.outputs.as_ref()));
        }
        let mut id = [0; 16];
        id.copy_from_slice(&content.0.finalize()[..16]);
        ReferenceId(u128::from_be_bytes(id))
    }

    /// The same profile, with the id of its content.
    pub fn with_id(self) -> Profile {
        Profile { id: self.content_id(), ..self }
    }
}

/// What was hashed so far.
struct Content(Sha256);

impl Content {
    fn integer(&mut self, number: i64) {
        self.0.update(number.to_le_bytes());
    }

    fn len(&mut self, len: usize) {
        self.0.update((len as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.len(text.len());
        self.0.update(text.as_bytes());
    }

    fn numbers(&mut self, numbers: &[f64]) {
        self.len(numbers.len());
        numbers.iter().for_each(|number| self.0.update(number.to_bits().to_le_bytes()));
    }

    fn feature(&mut self, feature: &FeatureProfile) {
        self.text(&feature.name);
        self.text(match feature.source {
            FeatureSource::Feature => "feature",
            FeatureSource::Score => "score",
            FeatureSource::PredictedLabel => "predicted_label",
            FeatureSource::PredictedValue => "predicted_value",
        });
        self.counted(&feature.bins, &feature.counts);
        let moments = feature.moments.iter().flat_map(|moments| [moments.mean, moments.std, moments.min, moments.max]);
        self.numbers(&moments.collect::<Vec<f64>>());
    }

    fn counted(&mut self, bins: &FeatureBins, counts: &[i64]) {
        match bins {
            FeatureBins::Numeric(bins) => {
                self.text("numeric");
                self.numbers(bins.edges());
                self.numbers(bins.coarse_cuts());
            }
            FeatureBins::Categorical(bins) => {
                self.text(if bins.are_hashed() { "hashed" } else { "categorical" });
                self.len(bins.values().len());
                bins.values().iter().for_each(|value| self.text(value));
            }
        }
        self.len(counts.len());
        counts.iter().for_each(|&count| self.integer(count));
    }

    fn outputs(&mut self, outputs: Option<&BinnedOutputs>) {
        self.len(outputs.iter().len());
        let Some(BinnedOutputs { exponent, rows, sums }) = outputs else { return };
        self.integer(i64::from(*exponent));
        for numbers in [rows, sums] {
            self.len(numbers.len());
            numbers.iter().for_each(|&number| self.integer(number));
        }
    }

    fn labels(&mut self, labels: &ReferenceLabels) {
        self.integer(labels.rows);
        self.counted(&labels.bins, &labels.counts);
        self.len(labels.calibrations.len());
        for known in &labels.calibrations {
            self.text(&known.class);
            match &known.calibration {
                Calibration::AsGiven => self.text("as_given"),
                Calibration::Isotonic(isotonic) => {
                    self.text("isotonic");
                    self.numbers(&isotonic.points().iter().flat_map(|&(score, p)| [score, p]).collect::<Vec<f64>>());
                }
            }
        }
        self.len(labels.performance.len());
        for metric in &labels.performance {
            self.text(&metric.metric);
            self.text(metric.class.as_deref().unwrap_or_default());
            self.numbers(&[Some(metric.value), metric.lower, metric.upper].map(|number| number.unwrap_or(f64::NAN)));
            self.integer(metric.count);
        }
        self.len(labels.accuracy_by.len());
        for known in &labels.accuracy_by {
            self.text(if known.is_segment { "segment" } else { "output" });
            self.text(&known.by);
            self.len(known.groups.len());
            for group in &known.groups {
                self.text(&group.value);
                [group.rows, group.right].into_iter().for_each(|number| self.integer(number));
            }
        }
    }
}

// A task that is added needs a name of its own: the hash relies on it.
const _: () = assert!(TaskKind::ALL.len() == 3);

#[cfg(test)]
mod tests {
    use super::super::samples::{profile, with_outputs};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_of_bytes_stays() {
        // Pinned: ids are in files and in published rows.
        let profile = Profile { features: Vec::new(), labels: None, ..profile() };
        let mut bytes = Vec::new();
        for text in ["postdict profile 1", "m", "binary"] {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        [6i64, 1_000, 9_000, 0, 0].iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        let digest = Sha256::digest(&bytes);
        let written: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(profile.content_id().to_string(), written);
    }

    proptest! {
        #[test]
        fn whatever_changes_has_another_id(which in 0usize..18) {
            let before = with_outputs(profile());
            let mut after = before.clone();
            match which {
                0 => after.model_id = "other".into(),
                1 => after.task = TaskKind::Multiclass,
                2 => after.rows += 1,
                3 => after.first_ms += 1,
                4 => after.last_ms += 1,
                5 => after.features[0].counts.swap(0, 1),
                6 => after.features[0].name = "amount ".into(),
                7 => after.features[0].moments = None,
                8 => after.labels = None,
                9 => after.labels.as_mut().unwrap().counts.swap(0, 1),
                10 => after.labels.as_mut().unwrap().calibrations[0].calibration = Calibration::AsGiven,
                11 => after.labels.as_mut().unwrap().accuracy_by[0].groups[0].right = 1,
                12 => after.features[0].outputs = None,
                13 => after.features[1].outputs.as_mut().unwrap().rows.swap(0, 2),
                14 => after.features[1].outputs.as_mut().unwrap().sums[1] += 1,
                15 => after.features.iter_mut().for_each(|feature| feature.outputs.as_mut().unwrap().exponent = -29),
                16 => after.labels.as_mut().unwrap().performance[0].lower = None,
                _ => drop(after.features.pop()),
            }
            prop_assert_ne!(before.content_id(), after.content_id());
        }
    }

    #[test]
    fn profiles_without_outputs_have_the_ids_that_they_always_had() {
        assert_eq!(profile().id.to_string(), "381a0301ecbc731b12a4ec4bb0655858");
        assert_ne!(with_outputs(profile()).id, profile().id);
    }

    #[test]
    fn sketches_and_the_written_id_do_not_count() {
        let mut other = profile();
        other.id = ReferenceId(7);
        other.features[0].sketches = None;
        assert_eq!(other.content_id(), profile().content_id());
        assert_eq!(other.with_id().id, profile().content_id());
    }
}
