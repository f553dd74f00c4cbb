//! Windows compared with other windows, held against a naive model: every row in a list, every question answered by looking
//! at all of them.

use super::against::{CASES, cases};
use super::drive::{Plan, Run, join, plans, run, topics};
use super::moved::{Told, expected, is_compared};
use super::naive::{AtEnd, Joined, Row};
use super::published::Published;
use super::windows::{NaiveWindow, each_window};
use super::world::{Label, Memory, Prediction, START, World, world_of, worlds};
use postdict::aggregate::features::Numbers;
use postdict::assess::Revisions;
use postdict::event::bins::{Measurement, NumericBins};
use postdict::event::{
    Comparison, DriftSettings, FeatureBins, FeatureKind, FeatureProfile, FeatureSource, MetricRow, Millis,
    ModelSettings, Moments, Profile, Reference, ReferenceId, Settings, TaskKind, Weekday, WindowSpec,
};
use postdict::task::AssessTask;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const MIN_COUNT: i64 = 2;
/// From when on the second profile is in force, where there is one.
const CHANGE: Millis = START + 30_000;

fn feature(name: &str, source: FeatureSource, values: &[f64]) -> FeatureProfile {
    let bins = NumericBins::of_reference(values).unwrap();
    let (mut counts, mut numbers) = (vec![0; bins.bins()], Numbers::default());
    for value in values {
        counts[bins.bin_of(Measurement::Number(*value))] += 1;
        numbers.add(*value);
    }
    let (rows, (min, max)) = (values.len() as i64, numbers.range.unwrap());
    let moments = Moments { mean: numbers.mean(rows), std: numbers.std(rows), min, max };
    let (name, bins) = (name.into(), FeatureBins::Numeric(bins));
    FeatureProfile { name, source, bins, counts, moments: Some(moments), sketches: None, outputs: None }
}

/// A profile of scores and predicted values around `middle`.
fn profile(middle: f64) -> Profile {
    let numbers = |scale: f64| (0..40).map(|i| middle * scale + f64::from(i) * scale / 40.0).collect::<Vec<f64>>();
    let features = vec![
        feature("predicted_value", FeatureSource::PredictedValue, &numbers(20.0)),
        feature("score", FeatureSource::Score, &numbers(1.0)),
    ];
    let (model_id, task) = ("m".into(), TaskKind::Binary);
    Profile {
        id: ReferenceId(0),
        model_id,
        task,
        rows: 40,
        first_ms: 0,
        last_ms: 1,
        features,
        labels: None,
        window: None,
    }
    .with_id()
}

/// The profile that is in force, and perhaps another after it.
pub fn references(has_second: bool) -> Vec<Reference> {
    let reference = |middle, from_ms| {
        let profile = profile(middle);
        Reference { id: profile.id, from_ms, profile: Some(Arc::new(profile)) }
    };
    let second = has_second.then(|| reference(0.25, Some(CHANGE)));
    [reference(0.0, None)].into_iter().chain(second).collect()
}

/// What is declared of a model without a profile, and perhaps a profile after it.
fn declared(has_second: bool) -> Vec<Reference> {
    let features = [("amount", FeatureKind::Numeric), ("channel", FeatureKind::Categorical)];
    let features = features.map(|(name, kind)| (name.to_owned(), kind));
    let profile = Profile::unfitted("m", Some(TaskKind::Binary), features);
    let first = Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(profile)) };
    std::iter::once(first).chain(references(has_second).into_iter().skip(1)).collect()
}

/// A comparison, lengths in panes.
#[derive(Debug, Clone)]
enum Wanted {
    Fixed,
    Previous,
    Trailing(u32, Vec<Weekday>),
    Ago(Millis),
    Span(Millis, Millis),
}

fn wanted() -> impl Strategy<Value = Wanted> {
    // All worlds are on one Sunday.
    let except = prop::sample::select(vec![vec![], vec![], vec![Weekday::Monday], vec![Weekday::Sunday]]);
    prop_oneof![
        Just(Wanted::Fixed),
        Just(Wanted::Previous),
        Just(Wanted::Previous),
        (1u32..5, except).prop_map(|(windows, except)| Wanted::Trailing(windows, except)),
        (1i64..12).prop_map(Wanted::Ago),
        (-2i64..12, 1i64..6).prop_map(|(from, length)| Wanted::Span(from, from + length)),
    ]
}

impl Wanted {
    fn of(&self, pane_ms: Millis) -> Comparison {
        let at = |panes: &Millis| START + panes * pane_ms;
        match self {
            Wanted::Fixed => Comparison::Fixed,
            Wanted::Previous => Comparison::Previous,
            Wanted::Trailing(windows, except) => Comparison::Trailing { windows: *windows, except: except.clone() },
            Wanted::Ago(panes) => Comparison::Ago { ms: panes * pane_ms },
            Wanted::Span(from, to) => Comparison::Span { from_ms: at(from), to_ms: at(to) },
        }
    }
}

/// Worlds whose models compare.
pub fn comparing() -> impl Strategy<Value = World> {
    let comparisons = prop::collection::vec(wanted(), 1..4);
    let profiles = (any::<bool>(), prop::bool::weighted(0.3));
    (worlds(Memory::All), comparisons, profiles).prop_map(|(world, wanted, (is_declared, has_second))| {
        let references = || if is_declared { declared(has_second) } else { references(has_second) };
        let with = |model: &ModelSettings| {
            let mut compare_with: Vec<Comparison> = Vec::new();
            for comparison in wanted.iter().map(|wanted| wanted.of(model.pane_ms)) {
                if !compare_with.contains(&comparison) {
                    compare_with.push(comparison);
                }
            }
            let drift = DriftSettings { compare_with, min_count: MIN_COUNT, ..DriftSettings::default() };
            Arc::new(ModelSettings { references: references(), drift, ..model.clone() })
        };
        let models = world.settings.models.iter().map(|(name, model)| (name.clone(), with(model))).collect();
        let defaults = with(&world.settings.defaults);
        let settings = Settings { defaults, models, ..(*world.settings).clone() };
        World { settings: Arc::new(settings), ..world }
    })
}

/// A window of a series, and what it is compared with.
type Key = (String, String, Millis, Millis, Millis, String);

fn told(run: &Run) -> BTreeMap<Key, Told> {
    let mut told: BTreeMap<Key, Told> = BTreeMap::new();
    for row in run.fold().into_values() {
        let Some(kind) = row.reference_kind.as_deref().filter(|kind| *kind != "fixed") else { continue };
        let text = |text: &str| text.to_owned();
        let (model, version) = (text(&row.model_id), text(&row.model_version));
        let key = (model, version, row.window_size_ms, row.window_advance_ms, row.window_start, text(kind));
        let of = (text(&row.metric), row.feature.as_deref().unwrap_or_default().to_owned());
        let value = row.value.ok_or_else(|| text(row.undefined_reason.as_deref().unwrap()));
        if matches!(&*row.metric, "psi" | "drifted_share") {
            let reason = row.undefined_reason.as_deref();
            assert_eq!(
                row.reference_id.is_none(),
                matches!(reason, Some("no_reference" | "reference_changed")),
                "{row:?}"
            );
        }
        assert!((&*row.segment_key, &*row.segment_value) == ("", ""));
        assert!(told.entry(key).or_default().insert(of, value).is_none(), "one row: {row:?}");
    }
    told
}

fn assert_as_expected(key: &Key, found: &Told, expected: &BTreeMap<(String, String), Option<Result<f64, String>>>) {
    let is_listed = |(metric, _): &&(String, String)| matches!(&**metric, "psi" | "kolmogorov_smirnov" | "drifted");
    let (mine, theirs) = (found.keys().filter(is_listed), expected.keys().filter(is_listed));
    assert!(mine.eq(theirs), "{key:?}: {found:?}, expected {expected:?}");
    for (of, value) in expected {
        let found = found.get(of).unwrap_or_else(|| panic!("{key:?} has no {of:?}"));
        let is_same = match (found, value) {
            (Ok(found), Some(Ok(value))) => (found - value).abs() <= 1e-9 * value.abs().max(1.0),
            (Err(found), Some(Err(value))) => found == value,
            (found, None) if of.0 == "drifted" => matches!(found, Ok(0.0 | 1.0)),
            // A sample without a number has no statistic.
            (_, None) => true,
            _ => false,
        };
        assert!(is_same, "{key:?} {of:?}: {found:?}, expected {value:?}");
    }
    assert!(!found.keys().any(|(metric, _)| metric == "mean" || metric == "missing_rate"), "{key:?}");
}

fn assert_equals_the_naive_model(world: &World, run: &Run) {
    let joined = Joined::new(world);
    let mut told = told(run);
    each_window(world, &joined, |window| {
        let NaiveWindow { spec: WindowSpec { size_ms, advance_ms }, start, settings, .. } = window;
        let all = settings.drift.compare_with.iter().filter(|comparison| **comparison != Comparison::Fixed);
        for comparison in all.filter(|_| !window.current.is_empty()) {
            if matches!(comparison, Comparison::Ago { ms } if *ms < size_ms) {
                continue;
            }
            let is_past = |row: &&&Row| is_compared(comparison, size_ms, start, row.record.time);
            let reference: Vec<&Row> = window.of_series.iter().filter(is_past).copied().collect();
            let (model, version) = (window.model.to_owned(), window.version.to_owned());
            let key = (model, version, size_ms, advance_ms, start, comparison.kind());
            let found = told.remove(&key).unwrap_or_else(|| panic!("no rows of {key:?}"));
            assert_as_expected(&key, &found, &expected(&window.current, &reference, settings, MIN_COUNT));
        }
    });
    assert!(told.is_empty(), "rows for nothing: {told:?}");
}

proptest! {
    #![proptest_config(cases(2 * CASES))]

    #[test]
    fn windows_are_compared_as_the_naive_model_says(world in comparing(), plan in plans(), closes in any::<bool>()) {
        let at_end = if closes { AtEnd::Close } else { AtEnd::Hold };
        let run = run(&world, &plan, at_end);
        prop_assert_eq!((run.rejected("late"), run.late_rows), (0, 0), "worlds have no late records");
        assert_equals_the_naive_model(&world, &run);
        if closes {
            prop_assert_eq!(run.held, (0, 0), "what nothing is compared with any more leaves memory");
        }
    }

    #[test]
    fn comparisons_are_the_same_for_any_order_batches_partitions_and_threads(
        world in comparing(), plan in plans(), closes in any::<bool>()
    ) {
        let at_end = if closes { AtEnd::Close } else { AtEnd::Hold };
        let [one, other] = [Plan::simple(), plan].map(|plan| run(&world, &plan, at_end).fold_text());
        let differs = |(id, row): &(&String, &String)| other.get(*id) != Some(*row);
        prop_assert_eq!(one.iter().find(differs), None);
        prop_assert_eq!(one.len(), other.len());
    }
}

/// Windows of 10 s, labels after half a second that can be corrected for 5 s.
fn settings(compare_with: Vec<Comparison>) -> ModelSettings {
    ModelSettings {
        task: Some(TaskKind::Binary),
        windows: vec![WindowSpec { size_ms: 10_000, advance_ms: 10_000 }],
        pane_ms: 10_000,
        label_horizon_ms: 60_000,
        allowed_lateness_ms: 1_000,
        early_label_retention_ms: 0,
        correction_horizon_ms: 5_000,
        revise_for_ms: 65_000,
        references: references(false),
        drift: DriftSettings { compare_with, min_count: MIN_COUNT, ..DriftSettings::default() },
        ..ModelSettings::default()
    }
}

fn prediction(second: Millis, score: f64) -> Prediction {
    Prediction {
        request_id: format!("s{second}"),
        model: "m",
        version: "",
        time: START + second * 1_000,
        score: Some(score),
        predicted_label: None,
        scores: Vec::new(),
        predicted_value: None,
        country: None,
        device: None,
        latency_ms: None,
        failed: false,
    }
}

/// A prediction and its label every second.
fn stream(settings: ModelSettings, seconds: Millis) -> World {
    let score = |second: Millis| f64::from((second * 7 % 20) as u8) / 20.0;
    let predictions = (0..seconds).map(|second| prediction(second, score(second))).collect();
    let label = |second: Millis| Label {
        request_id: format!("s{second}"),
        time: START + second * 1_000 + 500,
        label: Some(json!(second % 2)),
        deleted: false,
        model: None,
    };
    world_of(settings, predictions, (0..seconds).map(label).collect())
}

fn record_by_record() -> Plan {
    Plan { commit_records: 1, revisions: Revisions::All, ..Plan::simple() }
}

/// What `metric` of the score says in the window that starts at `second`.
fn of_window(rows: &BTreeMap<String, MetricRow>, kind: &str, metric: &str, second: Millis) -> MetricRow {
    let is_it = |row: &&MetricRow| {
        row.reference_kind.as_deref() == Some(kind)
            && &*row.metric == metric
            && row.feature.as_deref() == Some("score")
            && row.window_start == START + second * 1_000
    };
    rows.values().find(is_it).unwrap_or_else(|| panic!("no {metric} of {kind} at {second}")).clone()
}

#[test]
fn a_late_prediction_revises_the_windows_that_are_compared_with_its_own() {
    let mut world = stream(settings(vec![Comparison::Previous]), 25);
    let before = run(&world, &record_by_record(), AtEnd::Hold).fold();
    // Of the window that begins at 10 s, the label may still be corrected: it is not final.
    world.predictions.push(Prediction { request_id: "late".to_owned(), ..prediction(19, 0.99) });
    let with = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!((with.late_rows, with.rejected("late")), (0, 0));
    let after = with.fold();
    let psi = |rows| of_window(rows, "previous", "psi", 20).value.unwrap();
    assert_ne!(psi(&before), psi(&after), "the prediction is in what the window is compared with");
    assert_equals_the_naive_model(&world, &with);
}

#[test]
fn what_comes_too_late_for_a_comparison_is_counted() {
    let mut world = stream(settings(vec![Comparison::Previous]), 50);
    // The window that begins at 10 s waits for a label, so it still takes predictions; the one after it is final.
    world.labels.retain(|label| label.request_id != "s15");
    let before = run(&world, &record_by_record(), AtEnd::Hold);
    world.predictions.push(Prediction { request_id: "late".to_owned(), ..prediction(19, 0.99) });
    let with = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!((before.late_rows, with.late_rows, with.rejected("late")), (0, 1, 0));
    let (before, after) = (before.fold(), with.fold());
    let psi = |rows, second| of_window(rows, "previous", "psi", second);
    assert!(psi(&after, 20).is_final && psi(&before, 20) == psi(&after, 20));
    assert_ne!(psi(&before, 10).count, psi(&after, 10).count, "its own window has it");
}

#[test]
fn a_comparison_that_is_configured_later_says_nothing_about_what_was_dropped_before() {
    let trailing = Comparison::Trailing { windows: 3, except: Vec::new() };
    let compare_with = vec![Comparison::Fixed, Comparison::Previous, trailing];
    let today = stream(settings(compare_with), 90);
    let world = stream(settings(vec![Comparison::Fixed]), 90);
    let plan = record_by_record();
    let mut batches = Vec::new();
    join(&world.settings, 0, &topics(&world, 1)[0], &plan, AtEnd::Hold, |batch| batches.push(batch));
    let mut task = AssessTask::new(Arc::clone(&world.settings), 1, Revisions::All);
    let mut with = Run::default();
    for (batch, now) in batches.iter().zip(0..) {
        // After the label of second 34 was read: the window at 10 s is final and forgotten, the one at 20 s is not.
        if now == 70 {
            task.change_settings(Arc::clone(&today.settings)).unwrap();
        }
        with.rows.extend(task.step([batch], now).metrics);
    }
    with.rows.extend(task.flush(1_000).metrics);
    let (after, always) = (with.fold(), run(&today, &plan, AtEnd::Hold).fold());
    let reason = |kind: &str, second| of_window(&after, kind, "drifted", second).undefined_reason;
    assert_eq!(reason("previous", 20).as_deref(), Some("no_reference"));
    assert_eq!(reason("trailing_3", 40).as_deref(), Some("no_reference"));
    for (kind, first) in [("previous", 30), ("trailing_3", 50)] {
        for second in (first..90).step_by(10) {
            for metric in ["psi", "kolmogorov_smirnov", "drifted"] {
                let [found, expected] = [&after, &always].map(|rows| of_window(rows, kind, metric, second));
                assert_eq!(found, expected);
            }
        }
    }
}

#[test]
fn a_comparison_that_is_taken_away_is_gone_from_open_windows() {
    let world = stream(settings(vec![Comparison::Previous]), 40);
    let today = stream(settings(vec![Comparison::Fixed]), 40);
    let mut batches = Vec::new();
    join(&world.settings, 0, &topics(&world, 1)[0], &record_by_record(), AtEnd::Hold, |batch| batches.push(batch));
    let mut task = AssessTask::new(Arc::clone(&world.settings), 1, Revisions::All);
    let mut with = Run::default();
    for (batch, now) in batches.iter().zip(0..) {
        with.rows.extend(task.step([batch], now * 20_000).metrics);
    }
    task.change_settings(Arc::clone(&today.settings)).unwrap();
    with.rows.extend(task.flush(10_000_000).metrics);
    let fold = with.fold();
    let last = of_window(&fold, "previous", "psi", 30);
    assert_eq!((last.value, last.undefined_reason.as_deref()), (None, Some("no_rows")));
    assert!(of_window(&fold, "fixed", "psi", 30).value.is_some());
}

#[test]
fn windows_that_become_final_under_a_reference_that_nobody_knows_are_counted() {
    let world = stream(settings(vec![Comparison::Fixed]), 40);
    let unknowing = ModelSettings { references: Vec::new(), ..settings(vec![Comparison::Fixed]) };
    let mut batches = Vec::new();
    let plan = record_by_record();
    join(&world.settings, 0, &topics(&world, 1)[0], &plan, AtEnd::Close, |batch| batches.push(batch));
    let counted = |settings: Arc<Settings>| {
        let mut task = AssessTask::new(settings, 1, Revisions::All);
        batches.iter().for_each(|batch| task.merge(batch));
        task.close_to(0, &mut Published::default()).unknown_references
    };
    assert_eq!(counted(Arc::clone(&world.settings)), 0);
    let unknowing = Settings { defaults: Arc::new(unknowing), ..(*world.settings).clone() };
    assert!(counted(Arc::new(unknowing)) >= 4, "windows of ten seconds");
}
