//! From when on the references of a model are in force in one partition: as declared, except where that would put two into
//! what was already read. A reference that is in force stays so from the time from which it was; one that would begin
//! before the newest prediction that was read takes the place of another only where the next windows of all sizes begin.

use crate::event::{Millis, ModelSettings, Reference, ReferenceId};

/// What is not as declared, in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deviation {
    /// A reference comes into force later than it was to.
    Postponed {
        /// Which.
        id: ReferenceId,
        /// When it was to.
        declared: Option<Millis>,
        /// When it does.
        begins: Millis,
    },
    /// One that is in force is not known any more: what was read under it is compared with nothing.
    Dropped {
        /// Which.
        id: ReferenceId,
    },
}

/// The references of `declared` with the times from which on each is in force, ascending, and how that deviates. `before`
/// are the settings under which the model was read, the last ones last; `newest` is the newest event time among all
/// predictions that were read.
pub fn take_force(
    declared: &ModelSettings,
    before: &[&ModelSettings],
    newest: Option<Millis>,
) -> (Vec<Reference>, Vec<Deviation>) {
    let Some(newest) = newest else { return (declared.references.clone(), Vec::new()) };
    let mut deviations = Vec::new();
    let references = declared.references.iter().map(|reference| {
        let from_ms = match in_force_before(reference, declared, before, newest) {
            Some(known) => known.from_ms,
            None if reference.begins() <= newest => {
                let begins = declared.next_boundary(newest);
                deviations.push(Deviation::Postponed { id: reference.id, declared: reference.from_ms, begins });
                Some(begins)
            }
            None => reference.from_ms,
        };
        Reference { from_ms, ..reference.clone() }
    });
    let mut references: Vec<Reference> = references.collect();
    // Of several that begin at the same time, the one that was declared last is in force.
    references.sort_by_key(Reference::begins);
    let last = before.last().and_then(|last| last.references.iter().rfind(|known| known.begins() <= newest));
    if let Some(Reference { id, .. }) = last.filter(|last| references.iter().all(|known| known.id != last.id)) {
        deviations.push(Deviation::Dropped { id: *id });
    }
    (references, deviations)
}

/// As what `reference` is in force already, if it is: as it is declared, or postponed. The same profile may be declared for
/// several times.
fn in_force_before<'s>(
    reference: &Reference,
    declared: &ModelSettings,
    before: &[&'s ModelSettings],
    newest: Millis,
) -> Option<&'s Reference> {
    before.iter().rev().find_map(|settings| {
        let same = settings.references.iter().filter(|known| known.id == reference.id && known.begins() <= newest);
        let is_other = |known: &&Reference| *known != reference && declared.references.contains(known);
        same.clone().find(|known| *known == reference).or_else(|| same.rev().find(|known| !is_other(known)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WindowSpec;

    const HOUR: Millis = 3_600_000;

    fn reference(id: u128, from_ms: Option<Millis>) -> Reference {
        Reference { id: ReferenceId(id), from_ms, profile: None }
    }

    fn settings(references: &[(u128, Option<Millis>)]) -> ModelSettings {
        let window = |hours: Millis| WindowSpec { size_ms: hours * HOUR, advance_ms: hours * HOUR };
        ModelSettings {
            windows: vec![window(2), window(3)],
            references: references.iter().map(|(id, from)| reference(*id, *from)).collect(),
            ..ModelSettings::default()
        }
    }

    type Times = Vec<(u128, Option<Millis>)>;

    fn in_force(declared: &ModelSettings, before: &[ModelSettings], newest: Option<Millis>) -> (Times, usize) {
        let (references, deviations) = take_force(declared, &before.iter().collect::<Vec<_>>(), newest);
        let is_postponed = |deviation: &&Deviation| matches!(deviation, Deviation::Postponed { .. });
        let postponed = deviations.iter().filter(is_postponed).count();
        (references.iter().map(|reference| (reference.id.0, reference.from_ms)).collect(), postponed)
    }

    #[test]
    fn where_nothing_was_read_all_is_as_declared() {
        let declared = settings(&[(1, None), (2, Some(12 * HOUR))]);
        let expected = vec![(1, None), (2, Some(12 * HOUR))];
        assert_eq!(in_force(&declared, &[], None), (expected, 0));
    }

    #[test]
    fn the_first_one_begins_with_whole_windows_too() {
        let (declared, before) = (settings(&[(1, None)]), [settings(&[])]);
        assert_eq!(in_force(&declared, &before, Some(8 * HOUR)), (vec![(1, Some(12 * HOUR))], 1));
        let before = [settings(&[]), settings(&[(1, Some(12 * HOUR))])];
        assert_eq!(in_force(&declared, &before, Some(20 * HOUR)), (vec![(1, Some(12 * HOUR))], 0));
    }

    #[test]
    fn one_that_begins_in_time_is_as_declared() {
        let declared = settings(&[(1, None), (2, Some(12 * HOUR))]);
        let before = [settings(&[(1, None)])];
        assert_eq!(in_force(&declared, &before, Some(12 * HOUR - 1)), (vec![(1, None), (2, Some(12 * HOUR))], 0));
    }

    #[test]
    fn one_that_would_begin_in_what_was_read_begins_with_the_next_windows() {
        let declared = settings(&[(1, None), (2, Some(12 * HOUR))]);
        let before = [settings(&[(1, None)])];
        for newest in [12 * HOUR, 18 * HOUR - 1] {
            assert_eq!(in_force(&declared, &before, Some(newest)), (vec![(1, None), (2, Some(18 * HOUR))], 1));
        }
        assert_eq!(in_force(&declared, &before, Some(18 * HOUR)), (vec![(1, None), (2, Some(24 * HOUR))], 1));
    }

    #[test]
    fn what_was_postponed_is_not_postponed_again() {
        let declared = settings(&[(1, None), (2, Some(12 * HOUR))]);
        let before = [settings(&[(1, None)]), settings(&[(1, None), (2, Some(18 * HOUR))])];
        let kept = (vec![(1, None), (2, Some(18 * HOUR))], 0);
        assert_eq!(in_force(&declared, &before, Some(20 * HOUR)), kept);
        // Before it is in force, it can still be moved.
        let later = settings(&[(1, None), (2, Some(24 * HOUR))]);
        assert_eq!(in_force(&later, &before, Some(17 * HOUR)), (vec![(1, None), (2, Some(24 * HOUR))], 0));
        assert_eq!(in_force(&later, &before, Some(20 * HOUR)), kept, "in force from when it was");
    }

    #[test]
    fn one_that_is_not_known_any_more_is_told() {
        let (declared, before) = (settings(&[(2, None)]), settings(&[(1, None)]));
        let (references, deviations) = take_force(&declared, &[&before], Some(20 * HOUR));
        assert_eq!(references[0].from_ms, Some(24 * HOUR));
        let postponed = Deviation::Postponed { id: ReferenceId(2), declared: None, begins: 24 * HOUR };
        assert_eq!(deviations, [postponed, Deviation::Dropped { id: ReferenceId(1) }]);
    }

    #[test]
    fn a_profile_comes_back_into_force_when_it_is_declared_to() {
        let declared = settings(&[(1, None), (2, Some(6 * HOUR)), (1, Some(12 * HOUR))]);
        let before = [settings(&[(1, None), (2, Some(6 * HOUR))])];
        let expected = vec![(1, None), (2, Some(6 * HOUR)), (1, Some(12 * HOUR))];
        assert_eq!(in_force(&declared, &before, Some(8 * HOUR)), (expected, 0));
        // Announced too late, it begins later; and what was in force before it stays.
        let late = vec![(1, None), (2, Some(6 * HOUR)), (1, Some(18 * HOUR))];
        assert_eq!(in_force(&declared, &before, Some(13 * HOUR)), (late.clone(), 1));
        let before = [before[0].clone(), settings(&late)];
        assert_eq!(in_force(&declared, &before, Some(20 * HOUR)), (late, 0));
    }

    #[test]
    fn one_that_is_postponed_beyond_another_is_passed_over() {
        let declared = settings(&[(1, None), (2, Some(6 * HOUR)), (3, Some(18 * HOUR))]);
        let before = [settings(&[(1, None)])];
        let expected = vec![(1, None), (2, Some(18 * HOUR)), (3, Some(18 * HOUR))];
        assert_eq!(in_force(&declared, &before, Some(13 * HOUR)), (expected, 1));
    }
}
