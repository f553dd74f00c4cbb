//! Windows that are final as profiles, held against a naive model: the profile of a window is what its rows alone would give
//! in the same bins, and neither partitions nor batches, threads or restarts show.

use super::against::{CASES, cases};
use super::drive::{Plan, Run, plans, run};
use super::moved::{in_force, is_invalid, number_of, text_of};
use super::moving::comparing;
use super::naive::{AtEnd, Joined, Row};
use super::windows::{NaiveWindow, each_window};
use super::world::World;
use postdict::aggregate::features::Numbers;
use postdict::event::{FeatureBins, FeatureValue, Millis, Moments, Profile, ProfileWindow, ReferenceId, WindowSpec};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Model, version, size, advance, start.
type Key = (String, String, Millis, Millis, Millis);

/// Reads what was published; fails where it is no profile, or not of the window that it is published for.
fn published(run: &Run) -> BTreeMap<Key, Profile> {
    let read = |(key, value): (&String, &String)| {
        let profile = Profile::from_json(value).unwrap_or_else(|error| panic!("{error}: {value}"));
        let window = profile.window.clone().expect("a window");
        assert_eq!((&*window.id, window.part, window.parts), (&**key, 1, 1));
        assert_eq!((profile.first_ms, profile.last_ms), (window.start_ms, window.end_ms - 1));
        let (model, version) = (profile.model_id.to_string(), window.model_version.to_string());
        ((model, version, window.size_ms, window.advance_ms, window.start_ms), profile)
    };
    let all: BTreeMap<Key, Profile> = run.profiles.iter().map(read).collect();
    assert_eq!(all.len(), run.profiles.len(), "a key for each window and series");
    all
}

fn assert_is_of(rows: &[&Row], reference: &Profile, found: &Profile) {
    let ProfileWindow { reference_id, .. } = found.window.as_ref().expect("a window");
    assert_eq!((found.rows, *reference_id), (rows.len() as i64, reference.id));
    assert_eq!(found.features.len(), reference.features.len());
    for (feature, of_reference) in found.features.iter().zip(&reference.features) {
        assert_eq!(feature.name, of_reference.name);
        // Where no reference made the bins, the window's own rows group them.
        assert!(feature.bins == of_reference.bins || !of_reference.bins.are_fitted(), "{}", feature.name);
        let (mut counts, mut numbers, mut numeric) = (vec![0; feature.bins.len()], Numbers::default(), 0);
        for row in rows {
            let is_number = matches!(feature.bins, FeatureBins::Numeric(_));
            let number = if is_number { number_of(row, &feature.name) } else { None };
            let text = if is_number { None } else { text_of(row, &feature.name) };
            let invalid = is_invalid(row, &feature.name);
            let nothing = if invalid { FeatureValue::Invalid } else { FeatureValue::Missing };
            let of_text = text.as_deref().map_or(nothing, FeatureValue::Text);
            counts[feature.bins.bin_of(number.map_or(of_text, FeatureValue::Number))] += 1;
            number.iter().for_each(|number| numbers.add(*number));
            numeric += i64::from(number.is_some());
        }
        assert_eq!(feature.counts, counts, "{}", feature.name);
        let of_numbers = |(min, max)| Moments { mean: numbers.mean(numeric), std: numbers.std(numeric), min, max };
        assert_eq!(feature.moments, numbers.range.map(of_numbers), "{}", feature.name);
    }
}

/// All is closed, so every window that has rows under one reference has a profile, and there are no others.
fn assert_equals_the_naive_model(world: &World, run: &Run) {
    let joined = Joined::new(world);
    let mut published = published(run);
    each_window(world, &joined, |window| {
        let NaiveWindow { spec: WindowSpec { size_ms, advance_ms }, start, settings, current, .. } = window;
        let mut ids: Vec<ReferenceId> = current.iter().map(|row| in_force(settings, row.record.time).id).collect();
        ids.sort_unstable();
        ids.dedup();
        // The profiles of these worlds are all of a model `m`.
        let key = ("m".to_owned(), window.version.to_owned(), size_ms, advance_ms, start);
        // What is declared without a profile has no task but the configured one.
        let has_task = |row: &&Row| settings.task.is_some() || in_force(settings, row.record.time).is_fitted();
        if ids.len() == 1 && current.first().is_some_and(has_task) {
            let found = published.remove(&key).unwrap_or_else(|| panic!("no profile of {key:?}"));
            assert_is_of(&current, in_force(settings, current[0].record.time), &found);
        } else {
            assert!(!published.contains_key(&key), "{key:?}, rows under {} references", ids.len());
        }
    });
    assert_eq!(published.keys().collect::<Vec<_>>(), Vec::<&Key>::new(), "profiles of nothing");
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn the_profile_of_a_closed_window_is_what_its_rows_give(mut world in comparing(), plan in plans()) {
        // One model, so that the profiles' own name tells them apart.
        world.predictions.iter_mut().for_each(|prediction| prediction.model = "m");
        let run = run(&world, &plan, AtEnd::Close);
        assert_equals_the_naive_model(&world, &run);
    }

    #[test]
    fn profiles_are_the_same_for_any_order_batches_partitions_and_threads(
        world in comparing(), plan in plans(), closes in any::<bool>()
    ) {
        let at_end = if closes { AtEnd::Close } else { AtEnd::Hold };
        let [one, other] = [Plan::simple(), plan].map(|plan| run(&world, &plan, at_end).profiles);
        prop_assert_eq!(one, other);
    }
}
