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

/// True if the label may concern the prediction, which has the label `current`: it is not for another model, and
/// −early retention ≤ label time − prediction time ≤ horizon. A label that is in force can be corrected for longer: until
/// the correction horizon has passed since then, and at most by as much after the horizon.
pub fn concerns(claim: Claim, current: Option<Truth>, label: &LabelRow, settings: &ModelSettings) -> bool {
    let earliest = claim.time - settings.early_label_retention_ms;
    let horizon = claim.time + settings.label_horizon_ms;
    let latest = match current {
        None => horizon,
        // Forgotten on match.
        Some(_) if settings.correction_horizon_ms == 0 => return false,
        Some(current) => current.time.min(horizon) + settings.correction_horizon_ms,
    };
    label.model().is_none_or(|model| model == claim.model) && (earliest..=latest).contains(&label.time)
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
    if !concerns(claim, current, label, settings) {
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

/// The label in force among `labels`, which are all of the time at which it came, in arrival order. What was in force
/// before them does not matter, so it may be forgotten.
pub fn in_force<'l>(
    model: ModelId,
    labels: impl Iterator<Item = &'l LabelRow>,
    reader: &impl TruthReader,
) -> Option<Truth> {
    let for_model = labels.filter(|label| label.model().is_none_or(|of| of == model));
    for_model.fold(None, |current: Option<Truth>, label| match label.truth() {
        LabelTruth::Deleted => None,
        truth if !reader.is_readable(truth) => current,
        truth if current.is_some_and(|current| reader.is_same(current.truth, truth)) => current,
        truth => Some(Truth { time: label.time, truth }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::labels::LabelPlace;
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

    const PLACE: LabelPlace = LabelPlace { source: 0, offset: 0 };
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
        LabelRow::new(RequestKey(0), time, (0, PLACE), truth, None, None)
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
            let label = label(1_000 + delay, LabelTruth::Number(1.0));
            assert_eq!(concerns(CLAIM, None, &label, &settings()), inside, "{delay}");
        }
    }

    #[test]
    fn what_is_matched_can_be_corrected_after_the_horizon() {
        let at = |time| Some(Truth { time, truth: LabelTruth::Number(0.0) });
        // Both ends inside: 50 after the label in force, and never more than 50 after the horizon of 1,100.
        for (in_force, last) in [(1_010, 1_060), (1_090, 1_140), (1_100, 1_150), (1_140, 1_150)] {
            for (time, inside) in [(last, true), (last + 1, false)] {
                let label = label(time, LabelTruth::Number(1.0));
                assert_eq!(concerns(CLAIM, at(in_force), &label, &settings()), inside, "{time} after {in_force}");
            }
        }
    }

    #[test]
    fn what_is_taken_back_after_the_horizon_finds_no_new_label() {
        let one = LabelTruth::Number(1.0);
        let (effects, current) = run(&[label(1_090, one), label(1_130, LabelTruth::Deleted), label(1_131, one)]);
        assert!(matches!(effects[1], Effect::Retracted { .. }));
        assert_eq!((effects[2], current), (Effect::None, None));
    }

    #[test]
    fn a_label_for_another_model_is_none_of_its_business() {
        let of_model = |model| {
            LabelRow::new(RequestKey(0), 1_001, (0, PLACE), LabelTruth::Number(1.0), Some(ModelId(model)), None)
        };
        assert!(!concerns(CLAIM, None, &of_model(1), &settings()));
        assert!(concerns(CLAIM, None, &of_model(0), &settings()));
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
    fn the_last_change_of_its_time_is_in_force() {
        let [one, two] = [1.0, 2.0].map(LabelTruth::Number);
        let in_force = |truths: &[LabelTruth]| {
            let labels: Vec<LabelRow> = truths.iter().map(|truth| label(1_000, *truth)).collect();
            in_force(ModelId(0), labels.iter(), &AllButNine).map(|truth| truth.truth)
        };
        assert_eq!(in_force(&[one, two, two, LabelTruth::Text(9)]), Some(two));
        assert_eq!(in_force(&[two, LabelTruth::Deleted, one]), Some(one));
        assert_eq!(in_force(&[one, LabelTruth::Deleted]), None);
    }

    #[test]
    fn an_unreadable_label_changes_nothing() {
        let (effects, current) = run(&[label(1_000, LabelTruth::Number(1.0)), label(1_001, LabelTruth::Text(9))]);
        assert_eq!(effects[1], Effect::Unreadable);
        assert!(current.is_some());
    }
}
