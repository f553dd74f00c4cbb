//! What a metric is over the rows of the reference profile.

use crate::event::{Millis, ModelSettings};

/// `metric` of `class`, as the profile has it that is in force for a window that begins at `start`; `None` if none is, or it does
/// not know the metric.
pub fn reference_value(settings: &ModelSettings, metric: &str, class: Option<&str>, start: Millis) -> Option<f64> {
    let in_force = settings.references.iter().rev().find(|reference| reference.begins() <= start)?;
    let performance = &in_force.profile.as_ref()?.labels.as_ref()?.performance;
    let known = performance.iter().find(|known| *known.metric == *metric && known.class.as_deref() == class)?;
    Some(known.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Reference;
    use crate::event::profile::{Profile, ReferenceMetric, samples};
    use std::sync::Arc;

    /// In force from `from_ms`, where recall was `recall`, and that of class `a` a tenth of it.
    fn reference(from_ms: Option<Millis>, recall: f64) -> Reference {
        let mut profile = samples::profile();
        let known = |class: Option<&str>, value| ReferenceMetric {
            metric: "recall".into(),
            class: class.map(Arc::from),
            value,
            lower: None,
            upper: None,
            count: 5,
        };
        let labels = profile.labels.as_mut().expect("the sample has labels");
        labels.performance = vec![known(Some("a"), recall / 10.0), known(None, recall)];
        of(profile.with_id(), from_ms)
    }

    fn of(profile: Profile, from_ms: Option<Millis>) -> Reference {
        Reference { id: profile.id, from_ms, profile: Some(Arc::new(profile)) }
    }

    fn settings(references: Vec<Reference>) -> ModelSettings {
        ModelSettings { references, ..ModelSettings::default() }
    }

    #[test]
    fn the_reference_that_is_in_force_counts() {
        let settings = settings(vec![reference(None, 0.5), reference(Some(1_000), 0.6), reference(Some(2_000), 0.7)]);
        let recall = |start| reference_value(&settings, "recall", None, start);
        assert_eq!([-5, 999, 1_000, 1_999, 2_000].map(recall), [0.5, 0.5, 0.6, 0.6, 0.7].map(Some));
    }

    #[test]
    fn a_class_has_its_own_value() {
        let settings = settings(vec![reference(None, 0.5)]);
        assert_eq!(reference_value(&settings, "recall", Some("a"), 0), Some(0.05));
        assert_eq!(reference_value(&settings, "recall", Some("b"), 0), None);
    }

    #[test]
    fn what_is_not_known_is_none() {
        let mut unlabelled = samples::profile();
        unlabelled.labels = None;
        let settings = settings(vec![of(unlabelled.with_id(), Some(1_000)), reference(Some(2_000), 0.5)]);
        assert_eq!(reference_value(&settings, "recall", None, 999), None, "none is in force");
        assert_eq!(reference_value(&settings, "recall", None, 1_000), None, "it has no labels");
        assert_eq!(reference_value(&settings, "precision", None, 2_000), None, "it does not know the metric");
    }
}
