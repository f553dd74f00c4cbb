//! The rules of the join, as functions of one prediction and the labels of its request id in arrival order.
//!
//! Nothing here knows when a record was read, so the result cannot depend on it: a prediction that is read after its
//! labels is taken through them one by one as if it had been there before.

use super::labels::{LabelRow, LabelTruth};
use super::series::ModelId;
use crate::event::{Millis, ModelSettings};

/// What the rules need to know of a prediction.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Its model.
    pub model: ModelId,
    /// Its event time.
    pub time: Millis,
}

/// The label that a prediction has at the moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    /// When it became known.
    pub time: Millis,
    /// What it is; never [`LabelTruth::Deleted`].
    pub truth: LabelTruth,
}

/// What a label does to a prediction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// Nothing: it is for another model, out of the horizon, or comes when the match is beyond correction.
    None,
    /// The prediction waited and is matched now.
    Matched(Truth),
    /// It says what is known already.
    Duplicate,
    /// Another label takes the place of the first.
    Corrected { old: Truth, new: Truth },
    /// The label is taken back and the prediction waits again.
    Retracted { old: Truth },
    /// The model's task cannot read the label.
    Unreadable,
}

/// True if the label may be the prediction's: −early retention ≤ label time − prediction time ≤ horizon, and the label
/// is not for another model.
pub fn concerns(claim: Claim, label: &LabelRow, settings: &ModelSettings) -> bool {
    let delay = label.time - claim.time;
    label.model().is_none_or(|model| model == claim.model)
        && (-settings.early_label_retention_ms..=settings.label_horizon_ms).contains(&delay)
}

/// How a prediction's task reads labels.
pub trait TruthReader {
    /// The task can make sense of it.
    fn is_readable(&self, truth: LabelTruth) -> bool;
    /// Both say the same to the task (`1` and `true` of a binary model).
    fn is_same(&self, one: LabelTruth, other: LabelTruth) -> bool;
}

/// What `label` does to a prediction whose label is `current`.
pub fn effect(
    claim: Claim,
    current: Option<Truth>,
    label: &LabelRow,
    settings: &ModelSettings,
    reader: &impl TruthReader,
) -> Effect {
    if !concerns(claim, label, settings) {
        return Effect::None;
    }
    let beyond_correction = |current: Truth| {
        settings.correction_horizon_ms == 0 || label.time > current.time + settings.correction_horizon_ms
    };
    if current.is_some_and(beyond_correction) {
        return Effect::None;
    }
    match (current, label.truth()) {
        // Nothing is known and nothing is to be known: as it was.
        (None, LabelTruth::Deleted) => Effect::Duplicate,
        (Some(old), LabelTruth::Deleted) => Effect::Retracted { old },
        (_, truth) if !reader.is_readable(truth) => Effect::Unreadable,
        (None, truth) => Effect::Matched(Truth { time: label.time, truth }),
        (Some(old), truth) if reader.is_same(old.truth, truth) => Effect::Duplicate,
        (Some(old), truth) => Effect::Corrected { old, new: Truth { time: label.time, truth } },
    }
}

/// The label that a prediction has after an effect.
pub fn after(current: Option<Truth>, effect: Effect) -> Option<Truth> {
    match effect {
        Effect::None | Effect::Duplicate | Effect::Unreadable => current,
        Effect::Matched(new) | Effect::Corrected { new, .. } => Some(new),
        Effect::Retracted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::request::RequestKey;

    struct AllButNine;

    impl TruthReader for AllButNine {
        fn is_readable(&self, truth: LabelTruth) -> bool {
            truth != LabelTruth::Text(9)
        }
        fn is_same(&self, one: LabelTruth, other: LabelTruth) -> bool {
            one == other
        }
    }

    const CLAIM: Claim = Claim { model: ModelId(0), time: 1_000 };

    fn settings() -> ModelSettings {
        ModelSettings {
            label_horizon_ms: 100,
            early_label_retention_ms: 10,
            correction_horizon_ms: 50,
            ..ModelSettings::default()
        }
    }

    fn label(time: Millis, truth: LabelTruth) -> LabelRow {
        LabelRow::new(RequestKey(0), time, 0, truth, None, None)
    }

    fn run(labels: &[LabelRow]) -> (Vec<Effect>, Option<Truth>) {
        let mut current = None;
        let mut effects = Vec::new();
        for label in labels {
            let effect = effect(CLAIM, current, label, &settings(), &AllButNine);
            current = after(current, effect);
            effects.push(effect);
        }
        (effects, current)
    }

    #[test]
    fn both_ends_of_the_horizon_are_inside() {
        for (delay, inside) in [(-11, false), (-10, true), (0, true), (100, true), (101, false)] {
            assert_eq!(concerns(CLAIM, &label(1_000 + delay, LabelTruth::Number(1.0)), &settings()), inside, "{delay}");
        }
    }

    #[test]
    fn a_label_for_another_model_is_none_of_its_business() {
        let of_model =
            |model| LabelRow::new(RequestKey(0), 1_001, 0, LabelTruth::Number(1.0), Some(ModelId(model)), None);
        assert!(!concerns(CLAIM, &of_model(1), &settings()));
        assert!(concerns(CLAIM, &of_model(0), &settings()));
    }

    #[test]
    fn match_duplicate_correction_retraction_and_a_new_label() {
        let one = LabelTruth::Number(1.0);
        let zero = LabelTruth::Number(0.0);
        let (effects, current) = run(&[
            label(1_010, one),
            label(1_020, one),
            label(1_030, zero),
            label(1_040, LabelTruth::Deleted),
            label(1_041, LabelTruth::Deleted),
            label(1_050, one),
        ]);
        let first = Truth { time: 1_010, truth: one };
        let second = Truth { time: 1_030, truth: zero };
        let third = Truth { time: 1_050, truth: one };
        assert_eq!(
            effects,
            [
                Effect::Matched(first),
                Effect::Duplicate,
                Effect::Corrected { old: first, new: second },
                Effect::Retracted { old: second },
                Effect::Duplicate,
                Effect::Matched(third),
            ]
        );
        assert_eq!(current, Some(third));
    }

    #[test]
    fn a_correction_counts_from_the_label_that_is_in_force() {
        let (effects, _) = run(&[
            label(1_000, LabelTruth::Number(1.0)),
            label(1_050, LabelTruth::Number(2.0)),
            label(1_100, LabelTruth::Number(3.0)),
            label(1_100, LabelTruth::Number(4.0)),
        ]);
        assert!(matches!(effects[1], Effect::Corrected { .. }));
        assert!(matches!(effects[2], Effect::Corrected { .. }), "within 50 of the correction");
        assert!(matches!(effects[3], Effect::Corrected { .. }));
        let (effects, current) = run(&[label(1_000, LabelTruth::Number(1.0)), label(1_051, LabelTruth::Number(2.0))]);
        assert_eq!(effects[1], Effect::None, "one past the correction horizon");
        assert_eq!(current.map(|truth| truth.time), Some(1_000));
    }

    #[test]
    fn an_unreadable_label_changes_nothing() {
        let (effects, current) = run(&[label(1_000, LabelTruth::Number(1.0)), label(1_001, LabelTruth::Text(9))]);
        assert_eq!(effects[1], Effect::Unreadable);
        assert!(current.is_some());
    }
}
