//! Windows that are final as profiles, from ASSESS as a stage on a log: each once, whatever dies.

use crate::stages::{fold, play_profiles};
use postdict::event::Profile;
use std::collections::BTreeMap;

const SETTINGS: &str = "{task: binary, windows: [1d, {size: 2d, advance: 1d}], label_horizon: 3d, correction_horizon: 6h, \
                        drift: {compare_with: [fixed, previous]}}";

/// Model version, size, start.
type Window = (String, i64, i64);

fn by_window(profiles: &BTreeMap<String, String>) -> BTreeMap<Window, Profile> {
    let read = |(key, value): (&String, &String)| {
        let profile = Profile::from_json(value).unwrap();
        let window = profile.window.clone().expect("a window");
        assert_eq!(*window.id, **key);
        ((window.model_version.to_string(), window.size_ms, window.start_ms), profile)
    };
    profiles.iter().map(read).collect()
}

#[test]
fn deaths_and_snapshots_neither_repeat_nor_lose_nor_change_a_profile() {
    let (rows, expected, _) = play_profiles(1, false, &[SETTINGS]);
    assert!(expected.len() > 15, "{} profiles", expected.len());
    let mut deaths = 0;
    for seed in 50..53 {
        let (_, profiles, died) = play_profiles(seed, true, &[SETTINGS]);
        assert_eq!(profiles, expected, "seed {seed}");
        deaths += died;
    }
    assert!(deaths > 5, "{deaths} deaths");

    // There is one for each window that is final, and it is the reference that the next window was compared with.
    let profiles = by_window(&expected);
    let fold = fold(&rows);
    let mut of_windows: BTreeMap<Window, i64> = BTreeMap::new();
    let mut named = 0;
    for row in fold.values().filter(|row| row.segment_key.is_empty()) {
        let window = |start| (row.model_version.to_string(), row.window_size_ms, start);
        if row.is_final && &*row.metric == "predictions" && row.value > Some(0.0) {
            of_windows.insert(window(row.window_start), row.value.unwrap() as i64);
        }
        if row.reference_kind.as_deref() == Some("previous")
            && let (Some(id), Some(before)) =
                (&row.reference_id, profiles.get(&window(row.window_start - row.window_size_ms)))
        {
            assert_eq!(**id, before.id.to_string(), "{row:?}");
            named += 1;
        }
    }
    let rows_of = profiles.into_iter().map(|(window, profile)| (window, profile.rows)).collect::<BTreeMap<_, _>>();
    assert_eq!(rows_of, of_windows);
    assert!(named > 100, "{named} rows");
}
