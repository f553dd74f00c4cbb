//! What stands for a profile where there is none: the features that the operator declared, in bins that suit any values.
//!
//! Windows are counted in these bins and compared with each other; the profile itself is of no rows, so nothing is compared
//! with it. Which type a feature has is declared and not inferred: from a stream it would depend on what came first.

use super::{FeatureBins, FeatureProfile, Profile, ReferenceId};
use crate::event::bins::{CategoryBins, NumericBins};
use crate::event::{FeatureSource, TaskKind};
use std::sync::Arc;

/// What a declared feature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeatureKind {
    /// Numbers.
    Numeric,
    /// Values that are the same or not; numbers by their text.
    Categorical,
}

impl Profile {
    /// Most features of a profile: partials number them in two bytes.
    pub const MAX_FEATURES: usize = super::consistency::MAX_FEATURES;

    /// Of `features` of `model_id`, each named once and none as an output, and the outputs that its task has, if it is known.
    pub fn unfitted(
        model_id: &str,
        task: Option<TaskKind>,
        features: impl IntoIterator<Item = (String, FeatureKind)>,
    ) -> Profile {
        let declared = features.into_iter().map(|(name, kind)| unfitted(&name, FeatureSource::Feature, kind));
        let outputs = outputs(task).iter().map(|(source, kind)| {
            let (_, name) = FeatureSource::OUTPUTS.into_iter().find(|(of, _)| of == source).expect("it is an output");
            unfitted(name, *source, *kind)
        });
        let mut features: Vec<FeatureProfile> = declared.chain(outputs).collect();
        features.sort_by(|a, b| a.name.cmp(&b.name));
        let profile = Profile {
            id: ReferenceId(0),
            model_id: model_id.into(),
            // Only labels are read by it, and there are none.
            task: task.unwrap_or(TaskKind::Binary),
            rows: 0,
            first_ms: 0,
            last_ms: 0,
            features,
            labels: None,
            window: None,
        };
        profile.with_id()
    }

    /// True if it was made of rows, with which windows can be compared.
    pub fn is_fitted(&self) -> bool {
        self.rows > 0
    }
}

/// The outputs of a model that are features; those that its records never have are not published.
fn outputs(task: Option<TaskKind>) -> &'static [(FeatureSource, FeatureKind)] {
    match task {
        None => &[],
        Some(TaskKind::Binary) => {
            &[(FeatureSource::PredictedLabel, FeatureKind::Categorical), (FeatureSource::Score, FeatureKind::Numeric)]
        }
        Some(TaskKind::Multiclass) => &[(FeatureSource::PredictedLabel, FeatureKind::Categorical)],
        Some(TaskKind::Regression) => &[(FeatureSource::PredictedValue, FeatureKind::Numeric)],
    }
}

fn unfitted(name: &str, source: FeatureSource, kind: FeatureKind) -> FeatureProfile {
    let bins = match kind {
        FeatureKind::Numeric => FeatureBins::Numeric(NumericBins::log_linear()),
        FeatureKind::Categorical => FeatureBins::Categorical(CategoryBins::hashed()),
    };
    let counts = vec![0; bins.len()];
    FeatureProfile { name: Arc::from(name), source, bins, counts, moments: None, outputs: None, sketches: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(profile: &Profile) -> Vec<&str> {
        profile.features.iter().map(|feature| &*feature.name).collect()
    }

    fn of(task: Option<TaskKind>) -> Profile {
        let features = [("x", FeatureKind::Numeric), ("country", FeatureKind::Categorical)];
        Profile::unfitted("m", task, features.map(|(name, kind)| (name.to_owned(), kind)))
    }

    #[test]
    fn the_outputs_of_the_task_are_features() {
        assert_eq!(names(&of(None)), ["country", "x"]);
        assert_eq!(names(&of(Some(TaskKind::Binary))), ["country", "predicted_label", "score", "x"]);
        assert_eq!(names(&of(Some(TaskKind::Multiclass))), ["country", "predicted_label", "x"]);
        assert_eq!(names(&of(Some(TaskKind::Regression))), ["country", "predicted_value", "x"]);
    }

    #[test]
    fn it_is_a_profile_of_no_rows() {
        let profile = of(Some(TaskKind::Binary));
        assert!(!profile.is_fitted() && profile.features.iter().all(|feature| !feature.bins.are_fitted()));
        assert!(super::super::samples::profile().features.iter().all(|feature| feature.bins.are_fitted()));
        assert_eq!(Profile::from_json(&profile.to_json()), Ok(profile.clone()));
        let logged = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&logged).unwrap(), profile);
        assert_ne!(profile.id, of(None).id);
    }
}
