//! The tasks against the naive model: every count and every metric of every series of every window.

use super::contributions::assert_contributions;
use super::detection::assert_detectors;
use super::drive::{Plan, Run, plans, run};
use super::naive::{AtEnd, Joined, SeriesKey, SeriesWindow};
use super::statistics::{Expected, MetricKey, Metrics, Precision, tasks};
use super::world::{Memory, World, worlds};
use postdict::event::{MetricRow, TaskKind};
use postdict::metrics::{Family, Metric};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Cases per property: one case is a whole world.
pub const CASES: u32 = 32;

/// As many cases as `PROPTEST_CASES` asks for, if it is set. Failures are fixed or written down as cases of their own, so no
/// file remembers them.
pub fn cases(cases: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    ProptestConfig { cases, failure_persistence: None, ..asked }
}

type Rows = BTreeMap<SeriesKey, BTreeMap<(String, Option<String>, Option<String>), MetricRow>>;

/// What the naive model does not know: comparisons between groups, and with a reference.
const LEFT_OUT: [Family; 6] =
    [Family::Fairness, Family::ConceptDrift, Family::Features, Family::Drift, Family::Estimated, Family::Change];

/// The fold of a run by series, without what the naive model does not know.
fn by_series(run: &Run) -> Rows {
    let mut rows = Rows::new();
    for row in run.fold().into_values() {
        if LEFT_OUT.iter().any(|family| is_of(*family, &row.metric)) {
            continue;
        }
        let key = series_key(&row);
        let text = |text: &Option<std::sync::Arc<str>>| text.as_ref().map(|text| text.to_string());
        let metric = (row.metric.to_string(), text(&row.class), text(&row.predicted_class));
        assert!(rows.entry(key).or_default().insert(metric, row).is_none(), "one id per metric");
    }
    rows
}

fn series_key(row: &MetricRow) -> SeriesKey {
    SeriesKey {
        model: row.model_id.to_string(),
        version: row.model_version.to_string(),
        segment_key: row.segment_key.to_string(),
        segment_value: row.segment_value.to_string(),
        size_ms: row.window_size_ms,
        advance_ms: row.window_advance_ms,
        start: row.window_start,
    }
}

fn is_of(family: Family, name: &str) -> bool {
    let metric = Metric::ALL.iter().find(|metric| metric.name() == name).unwrap();
    family.entry(*metric).is_some()
}

/// What detectors found in a run.
fn of_detectors(run: &Run) -> BTreeMap<(SeriesKey, String), MetricRow> {
    let rows = run.fold().into_values().filter(|row| is_of(Family::ConceptDrift, &row.metric));
    let name = |row: &MetricRow| match &row.feature {
        Some(detector) => format!("{}[{detector}]", row.metric),
        None => row.metric.to_string(),
    };
    rows.map(|row| ((series_key(&row), name(&row)), row)).collect()
}

/// How the change of outputs was taken apart in a run, by series, feature and metric.
fn of_contributions(run: &Run) -> BTreeMap<(SeriesKey, String, String), MetricRow> {
    let rows = run.fold().into_values().filter(|row| row.metric.starts_with("output_change_"));
    let feature = |row: &MetricRow| row.feature.as_ref().expect("it is of a feature").to_string();
    rows.map(|row| ((series_key(&row), feature(&row), row.metric.to_string()), row)).collect()
}

/// Fails where the fold of `run` and the naive model differ.
pub fn assert_equals_the_naive_model(world: &World, run: &Run, at_end: AtEnd) {
    let joined = Joined::new(world);
    let windows = joined.windows(at_end);
    let rows = by_series(run);
    let extra: Vec<_> = rows.keys().filter(|key| !windows.contains_key(key)).collect();
    assert!(extra.is_empty(), "windows that nothing happened in: {extra:?}");
    for (key, window) in &windows {
        let found = rows.get(key).unwrap_or_else(|| panic!("no rows of {key:?}"));
        assert_series(world, key, window, found);
    }
    assert_detectors(&joined, &windows, &of_detectors(run), at_end);
    assert_contributions(&joined, &windows, &of_contributions(run));
}

fn assert_series(
    world: &World,
    key: &SeriesKey,
    window: &SeriesWindow,
    found: &BTreeMap<(String, Option<String>, Option<String>), MetricRow>,
) {
    let configured = world.settings.model(&key.model).task.map(TaskKind::name);
    let expected = Metrics::of(window, key.size_ms, &tasks(window, configured));
    let coverage = (!window.predictions.is_empty()).then(|| window.matched as f64 / window.predictions.len() as f64);
    for ((name, class, predicted_class), expected) in &expected.0 {
        let metric = ((*name).to_owned(), class.clone(), predicted_class.clone());
        let row = found.get(&metric).unwrap_or_else(|| panic!("{key:?} has no {metric:?}"));
        let place = || format!("{key:?} {metric:?}\nfound {row:?}\nexpected {expected:?}");
        assert!(is_as_expected(row, expected), "{}", place());
        assert_eq!(row.undefined_reason.is_some(), row.value.is_none(), "{}", place());
        assert_eq!(row.is_final, window.is_final, "{}", place());
        if row.label_coverage.is_some() {
            assert_eq!(row.label_coverage, coverage, "{}", place());
        }
    }
    let is_expected = |(name, class, predicted): &(String, Option<String>, Option<String>)| {
        let is_same = |key: &&MetricKey| key.0 == name && key.1 == *class && key.2 == *predicted;
        expected.0.keys().any(|key| is_same(&key))
    };
    let extra: Vec<_> = found.iter().filter(|(metric, _)| !is_expected(metric)).collect();
    assert!(extra.is_empty(), "{key:?} has rows for nothing: {extra:?}");
}

fn is_as_expected(row: &MetricRow, expected: &Expected) -> bool {
    let is_near = match (row.value, expected.value) {
        (None, None) => true,
        (Some(found), Some(value)) => {
            let rounding = 1e-9 * value.abs().max(1.0);
            let slack = match expected.precision {
                Precision::Exact => 0.0,
                Precision::Linear => rounding,
                Precision::Binned => row.error_bound.expect("a binned value has a bound") + rounding,
            };
            (found - value).abs() <= slack
        }
        _ => false,
    };
    is_near && row.count == expected.count
}

fn check(world: &World, plan: &Plan, at_end: AtEnd) {
    let run = run(world, plan, at_end);
    assert_eq!(run.rejected("late"), 0, "worlds have no late records");
    assert_equals_the_naive_model(world, &run, at_end);
    if at_end == AtEnd::Close {
        assert_eq!(run.held, (0, 0), "what is final leaves memory");
    }
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn at_the_end_of_input_everything_is_as_the_naive_model_says(world in worlds(Memory::All), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }

    #[test]
    fn once_all_is_closed_everything_is_as_the_naive_model_says(world in worlds(Memory::All), plan in plans()) {
        check(&world, &plan, AtEnd::Close);
    }

    #[test]
    fn models_that_forget_on_match_are_as_the_naive_model_says(world in worlds(Memory::None), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }

    #[test]
    fn models_of_which_some_forget_on_match_are_as_the_naive_model_says(world in worlds(Memory::Some), plan in plans()) {
        check(&world, &plan, AtEnd::Hold);
    }
}
