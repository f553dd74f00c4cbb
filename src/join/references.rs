//! From when on the references of a model are in force in one partition: as declared, except where that would put two into
//! what was already read. A reference that is in force stays so from the time from which it was; one that would begin
//! before the newest prediction that was read takes the place of another only where the next windows of all sizes begin.

use crate::event::{Millis, ModelSettings, Reference, ReferenceId};

/// A reference that comes into force later than it was to, in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postponed {
    /// Which.
    pub id: ReferenceId,
    /// When it was to.
    pub declared: Option<Millis>,
    /// When it does.
    pub begins: Millis,
}

/// The references of `declared` with the times from which on each is in force, ascending, and those that are postponed.
/// `before` are the settings under which predictions of the model were read, the last ones last; `newest` is the newest
/// event time among all predictions that were read.
pub fn take_force<'s>(
    declared: &ModelSettings,
    before: impl Iterator<Item = &'s ModelSettings> + Clone,
    newest: Option<Millis>,
) -> (Vec<Reference>, Vec<Postponed>) {
    let Some(newest) = newest else { return (declared.references.clone(), Vec::new()) };
    let in_force_before = |reference: &Reference| {
        // The same profile may be declared again for a later time.
        let is_other = |known: &Reference| known != reference && declared.references.contains(known);
        let known = before.clone().flat_map(|settings| &settings.references);
        known.filter(|known| known.id == reference.id && known.begins() <= newest && !is_other(known)).last().cloned()
    };
    let known: Vec<Option<Reference>> = declared.references.iter().map(in_force_before).collect();
    let has_predecessor = known.iter().any(Option::is_some);
    let mut postponed = Vec::new();
    let references = declared.references.iter().zip(known).map(|(reference, known)| {
        let from_ms = match known {
            Some(known) => known.from_ms,
            None if has_predecessor && reference.begins() <= newest => {
                let begins = declared.next_boundary(newest);
                postponed.push(Postponed { id: reference.id, declared: reference.from_ms, begins });
                Some(begins)
            }
            None => reference.from_ms,
        };
        Reference { from_ms, ..reference.clone() }
    });
    let mut references: Vec<Reference> = references.collect();
    // Of several that begin at the same time, the one that was declared last is in force.
    references.sort_by_key(Reference::begins);
    (references, postponed)
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
        let (references, postponed) = take_force(declared, before.iter(), newest);
        (references.iter().map(|reference| (reference.id.0, reference.from_ms)).collect(), postponed.len())
    }

    #[test]
    fn where_nothing_was_read_all_is_as_declared() {
        let declared = settings(&[(1, None), (2, Some(12 * HOUR))]);
        let expected = vec![(1, None), (2, Some(12 * HOUR))];
        assert_eq!(in_force(&declared, &[], None), (expected.clone(), 0));
        assert_eq!(in_force(&declared, &[settings(&[])], Some(100 * HOUR)), (expected, 0), "and none was in force");
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
    fn one_that_replaces_all_others_has_nobody_to_wait_for() {
        let declared = settings(&[(2, None)]);
        assert_eq!(in_force(&declared, &[settings(&[(1, None)])], Some(20 * HOUR)), (vec![(2, None)], 0));
    }

    #[test]
    fn a_profile_comes_back_into_force_when_it_is_declared_to() {
        let declared = settings(&[(1, None), (2, Some(6 * HOUR)), (1, Some(12 * HOUR))]);
        let before = [settings(&[(1, None), (2, Some(6 * HOUR))])];
        let expected = vec![(1, None), (2, Some(6 * HOUR)), (1, Some(12 * HOUR))];
        assert_eq!(in_force(&declared, &before, Some(8 * HOUR)), (expected, 0));
    }

    #[test]
    fn one_that_is_postponed_beyond_another_is_passed_over() {
        let declared = settings(&[(1, None), (2, Some(6 * HOUR)), (3, Some(18 * HOUR))]);
        let before = [settings(&[(1, None)])];
        let expected = vec![(1, None), (2, Some(18 * HOUR)), (3, Some(18 * HOUR))];
        assert_eq!(in_force(&declared, &before, Some(13 * HOUR)), (expected, 1));
    }
}
