//! Named cases: what worlds without late records cannot show, and what random worlds once brought to light.

use super::against::{CASES, assert_equals_the_naive_model, cases};
use super::drive::{Interleaving, Plan, Run, run};
use super::naive::AtEnd;
use super::world::{Label, Memory, Prediction, START, World, world_of, worlds};
use postdict::assess::Revisions;
use postdict::event::{MetricRow, Millis, ModelSettings, Role, SegmentSet, Settings, TaskKind, WindowSpec};
use postdict::metrics::{Family, Metric};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn settings(task: TaskKind) -> ModelSettings {
    ModelSettings {
        task: Some(task),
        windows: vec![WindowSpec { size_ms: 10_000, advance_ms: 10_000 }],
        pane_ms: 10_000,
        label_horizon_ms: 20_000,
        allowed_lateness_ms: 1_000,
        early_label_retention_ms: 2_000,
        correction_horizon_ms: 5_000,
        revise_for_ms: 25_000,
        ..ModelSettings::default()
    }
}

/// At `time` ms after the start, by the only model.
fn prediction(id: &str, time: Millis) -> Prediction {
    Prediction {
        request_id: id.to_owned(),
        model: "m",
        version: "",
        time: START + time,
        score: Some(0.75),
        predicted_label: None,
        scores: Vec::new(),
        predicted_value: Some(2.0),
        country: None,
        device: None,
        latency_ms: None,
        failed: false,
    }
}

fn label(id: &str, time: Millis, label: serde_json::Value) -> Label {
    Label { request_id: id.to_owned(), time: START + time, label: Some(label), deleted: false, model: None }
}

/// A commit and a step of ASSESS after every record: the opposite of [`Plan::simple`].
fn record_by_record() -> Plan {
    Plan { commit_records: 1, revisions: Revisions::All, ..Plan::simple() }
}

/// Value of `metric` of `model` in the window that starts `start` ms after the start.
fn value(run: &Run, model: &str, metric: &str, start: Millis) -> Option<f64> {
    let is_it = |row: &MetricRow| {
        (&*row.model_id, &*row.metric, row.window_start) == (model, metric, START + start) && row.class.is_none()
    };
    run.fold().into_values().find(is_it).and_then(|row| row.value)
}

fn assert_same_in_one_commit_and_record_by_record(world: &World) {
    for at_end in [AtEnd::Hold, AtEnd::Close] {
        let (one, many) = (run(world, &Plan::simple(), at_end), run(world, &record_by_record(), at_end));
        assert_eq!(one.fold_text(), many.fold_text());
        assert_equals_the_naive_model(world, &one, at_end);
    }
}

/// One prediction and its label every second, for `seconds`.
fn stream(settings: ModelSettings, seconds: Millis) -> World {
    let id = |second: Millis| format!("s{second}");
    let predictions = (0..seconds).map(|second| prediction(&id(second), second * 1_000)).collect();
    let labels = (0..seconds).map(|second| label(&id(second), second * 1_000 + 500, json!(second % 2))).collect();
    world_of(settings, predictions, labels)
}

#[test]
fn a_label_of_a_failed_request_counts_in_no_window_however_late_it_is() {
    let mut world = stream(settings(TaskKind::Binary), 40);
    world.predictions[0].failed = true;
    world.labels.remove(0);
    // Ten seconds after its window became final: nothing in it was pending.
    world.labels.push(label("s0", 19_999, json!(1)));
    world.labels.sort_by_key(|label| label.time);
    assert_same_in_one_commit_and_record_by_record(&world);
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!((value(&run, "m", "labels", 0), run.late_rows), (Some(9.0), 0));
    assert_eq!(run.accounting.settled_errors, 1, "but it is used");
}

#[test]
fn the_end_of_input_moves_no_watermark_wherever_the_last_commit_falls() {
    let mut world = stream(settings(TaskKind::Binary), 5);
    world.predictions.push(prediction("far ahead", 100_000));
    let runs = [true, false]
        .map(|commits_before_end| run(&world, &Plan { commits_before_end, ..Plan::simple() }, AtEnd::Hold));
    assert_eq!(runs[0].fold_text(), runs[1].fold_text());
    assert!(runs[1].rows.iter().all(|row| !row.is_final), "labels have come to the first window only");
}

#[test]
fn a_label_that_one_model_forgot_is_there_for_another() {
    let remembering = settings(TaskKind::Binary);
    let forgetting = ModelSettings { correction_horizon_ms: 0, ..remembering.clone() };
    let settings = Settings {
        defaults: Arc::new(remembering),
        models: BTreeMap::from([("m".to_owned(), Arc::new(forgetting))]),
        ..Settings::default()
    };
    let shadow = Prediction { model: "shadow", ..prediction("r", 1) };
    let world = World {
        settings: Arc::new(settings),
        predictions: vec![prediction("r", 0), shadow],
        labels: vec![label("r", 2, json!(1))],
    };
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst] {
        let run = run(&world, &Plan { interleaving, ..Plan::simple() }, AtEnd::Hold);
        assert_eq!(value(&run, "shadow", "matched", 0), Some(1.0), "{interleaving:?}");
        assert_eq!(value(&run, "m", "matched", 0), Some(1.0), "{interleaving:?}");
    }
}

#[test]
fn a_label_waits_for_the_predictions_of_the_most_patient_model() {
    let hasty = ModelSettings { early_label_retention_ms: 0, allowed_lateness_ms: 0, ..settings(TaskKind::Binary) };
    // Longer than its windows are revised.
    let patient = ModelSettings { early_label_retention_ms: 60_000, ..settings(TaskKind::Binary) };
    let mut world = stream(hasty, 80);
    let models = BTreeMap::from([("patient".to_owned(), Arc::new(patient))]);
    world.settings = Arc::new(Settings { models, ..(*world.settings).clone() });
    world.labels.insert(0, label("early", 0, json!(1)));
    let late = Prediction { model: "patient", ..prediction("early", 60_000) };
    world.predictions.insert(60, late);
    assert_same_in_one_commit_and_record_by_record(&world);
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!(value(&run, "patient", "matched", 60_000), Some(1.0));
    assert_eq!((value(&run, "", "orphan_labels", 0), run.late_rows), (None, 0));
}

#[test]
fn of_labels_from_several_files_the_last_that_came_is_in_force() {
    let labels =
        vec![label("r", 1, json!(1)), label("r", 2, json!(0)), label("r", 3, json!(1)), label("r", 4, json!(0))];
    let world = world_of(settings(TaskKind::Binary), vec![prediction("r", 0)], labels);
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst] {
        // One label per file, so all have offset 0.
        let files = Plan { batch_records: 1, restarts_offsets: true, interleaving, ..Plan::simple() };
        let run = run(&world, &files, AtEnd::Hold);
        assert_equals_the_naive_model(&world, &run, AtEnd::Hold);
        assert_eq!(value(&run, "m", "corrected_labels", 0), Some(3.0), "{interleaving:?}");
        assert_eq!(value(&run, "m", "false_positives", 0), Some(1.0), "{interleaving:?}");
    }
}

#[test]
fn the_same_number_in_other_words_is_a_duplicate() {
    let labels = vec![label("r", 1, json!(2.5)), label("r", 2, json!("2.50"))];
    let world = world_of(settings(TaskKind::Regression), vec![prediction("r", 0)], labels);
    let run = run(&world, &Plan::simple(), AtEnd::Hold);
    assert_eq!(value(&run, "m", "duplicate_labels", 0), Some(1.0));
    assert_eq!(value(&run, "m", "corrected_labels", 0), Some(0.0));
}

#[test]
fn a_prediction_repeated_when_it_is_long_forgotten_is_new_however_commits_fall() {
    let mut world = stream(settings(TaskKind::Binary), 60);
    // Rows are remembered for 25 s; the last commit was before either of them.
    world.predictions.push(prediction("s34", 59_000));
    world.predictions.push(prediction("s33", 59_000));
    world.labels.retain(|label| label.time < START + 30_000);
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst, Interleaving::ByTime] {
        let run = run(&world, &Plan { interleaving, ..Plan::simple() }, AtEnd::Hold);
        assert_eq!(value(&run, "m", "duplicate_predictions", 50_000), Some(1.0), "s34, {interleaving:?}");
        assert_eq!(value(&run, "m", "predictions", 50_000), Some(11.0), "and s33, {interleaving:?}");
    }
}

/// The fold without the metrics that count what is late.
fn apart_from_late_counts(run: &Run) -> BTreeMap<String, MetricRow> {
    let mut fold = run.fold();
    fold.retain(|_, row| row.value.is_some() && !["late_predictions", "late_labels", "labels"].contains(&&*row.metric));
    fold
}

#[test]
fn a_late_prediction_is_counted_and_rejected_and_changes_nothing() {
    let on_time = stream(settings(TaskKind::Binary), 100);
    let mut world = on_time.clone();
    world.predictions.push(prediction("late", 1_000));
    let (without, with) =
        (run(&on_time, &record_by_record(), AtEnd::Hold), run(&world, &record_by_record(), AtEnd::Hold));
    assert_eq!((with.rejected("late"), with.accounting.late_predictions, with.late_rows), (1, 1, 0));
    assert_eq!(apart_from_late_counts(&with), apart_from_late_counts(&without));
    assert_eq!(value(&with, "m", "late_predictions", 90_000), Some(1.0), "in the window in which it came");
}

#[test]
fn a_late_label_is_counted_and_rejected_and_changes_nothing() {
    let on_time = stream(settings(TaskKind::Binary), 100);
    let mut world = on_time.clone();
    world.labels.push(label("nobody", 1_000, json!(1)));
    let (without, with) =
        (run(&on_time, &record_by_record(), AtEnd::Hold), run(&world, &record_by_record(), AtEnd::Hold));
    assert_eq!((with.rejected("late"), with.accounting.late_labels, with.late_rows), (1, 1, 0));
    assert_eq!(value(&with, "", "late_labels", 90_000), Some(1.0), "in the window in which it came");
    let of_the_model = |run: &Run| {
        let mut fold = apart_from_late_counts(run);
        fold.retain(|_, row| &*row.model_id == "m");
        fold
    };
    assert_eq!(of_the_model(&with), of_the_model(&without));
}

#[test]
fn a_label_behind_its_watermark_is_used_while_its_prediction_is_held() {
    let mut world = stream(settings(TaskKind::Binary), 25);
    world.predictions.insert(1, prediction("slow", 100));
    world.labels.push(label("slow", 200, json!(1)));
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!((run.rejected("late"), run.late_rows), (0, 0));
    assert_eq!(value(&run, "m", "matched", 0), Some(11.0));
}

#[test]
fn a_prediction_too_far_ahead_is_rejected_and_moves_no_watermark() {
    let ahead = ModelSettings { max_ahead_ms: Some(10_000), ..settings(TaskKind::Binary) };
    let on_time = stream(ahead, 30);
    let mut world = on_time.clone();
    // The topic's watermark is at 18 s: the last prediction less the lateness.
    world.predictions.insert(20, prediction("in", 28_000));
    world.predictions.insert(20, prediction("out", 28_001));
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_eq!(run.rejected("too_far_ahead"), 1);
    assert_eq!(run.rejects[0].timestamp, Some(START + 28_001));
    assert_eq!(value(&run, "m", "predictions", 20_000), Some(11.0));
    assert_eq!(value(&run, "m", "dead_letters", 20_000), Some(1.0));
}

#[test]
fn a_label_too_far_ahead_is_rejected_however_far_predictions_have_come() {
    let ahead = ModelSettings { max_ahead_ms: Some(10_000), ..settings(TaskKind::Binary) };
    let mut world = stream(ahead, 30);
    let newest = world.labels[19].time - START;
    world.labels.insert(20, label("s29", newest - 1_000 + 10_001, json!(1)));
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst] {
        let run = run(&world, &Plan { interleaving, ..Plan::simple() }, AtEnd::Hold);
        assert_eq!((run.rejected("too_far_ahead"), run.accounting.rejected_labels), (1, 1), "{interleaving:?}");
        assert_eq!(value(&run, "m", "labels", 20_000), Some(10.0), "{interleaving:?}");
    }
}

#[test]
fn a_correction_comes_after_the_horizon_and_a_first_label_does_not() {
    // Horizon 20 s, correction horizon 5 s.
    let labels = vec![
        label("corrected", 19_000, json!(1)),
        label("taken back", 19_000, json!(1)),
        label("corrected", 23_999, json!(0)),
        Label { deleted: true, label: None, ..label("taken back", 24_000, json!(1)) },
        label("first", 20_001, json!(1)),
    ];
    let predictions = ["corrected", "taken back", "first"].map(|id| prediction(id, 0)).to_vec();
    let world = world_of(settings(TaskKind::Binary), predictions, labels);
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst] {
        for plan in [Plan { interleaving, ..Plan::simple() }, Plan { interleaving, ..record_by_record() }] {
            let run = run(&world, &plan, AtEnd::Hold);
            assert_equals_the_naive_model(&world, &run, AtEnd::Hold);
            let told = ["corrected_labels", "retracted_labels", "matched"].map(|metric| value(&run, "m", metric, 0));
            assert_eq!(told, [Some(1.0), Some(1.0), Some(1.0)], "{plan:?}");
        }
    }
}

#[test]
fn a_label_that_waited_and_is_unreadable_gets_its_dead_letter_where_it_was_read() {
    let labels = vec![label("other", 0, json!(2)), label("r", 0, json!("no number"))];
    let world = world_of(settings(TaskKind::Regression), vec![prediction("r", 1)], labels);
    for interleaving in [Interleaving::LabelsFirst, Interleaving::PredictionsFirst] {
        let run = run(&world, &Plan { interleaving, ..Plan::simple() }, AtEnd::Hold);
        let [dead] = &run.rejects[..] else { panic!("one dead letter, not {:?}", run.rejects) };
        assert_eq!((dead.reason.as_str(), dead.offset, dead.timestamp), ("wrong_label", 1, Some(START)));
        assert_eq!(dead.origin.role, Role::Labels, "{interleaving:?}");
        assert_eq!(value(&run, "m", "dead_letters", 0), Some(1.0));
    }
}

#[test]
fn labels_over_the_most_of_a_request_id_are_rejected_whoever_is_read_first() {
    let labels: Vec<Label> = (0..100).map(|i| label("r", i, json!(i % 2))).collect();
    let world = world_of(settings(TaskKind::Binary), vec![prediction("r", 0)], labels);
    let folds = [Interleaving::LabelsFirst, Interleaving::PredictionsFirst].map(|interleaving| {
        let run = run(&world, &Plan { interleaving, ..Plan::simple() }, AtEnd::Hold);
        assert_eq!((run.rejected("too_many_labels"), run.accounting.rejected_labels), (36, 36));
        assert_eq!(value(&run, "m", "corrected_labels", 0), Some(63.0));
        run.fold_text()
    });
    assert_eq!(folds[0], folds[1]);
}

#[test]
fn whether_a_prediction_is_repeated_does_not_depend_on_what_else_is_there() {
    // Horizon 20 s, correction horizon 5 s: the second is within it, the third comes after.
    let again = [prediction("r", 0), prediction("r", 5_900), prediction("r", 6_001)].to_vec();
    let alone = world_of(settings(TaskKind::Binary), again, vec![label("r", 1_000, json!(1))]);
    let mut crowded = alone.clone();
    let others = (0..9_000).map(|i| Prediction { model: "other", ..prediction(&format!("o{i}"), 5_000) });
    crowded.predictions.splice(1..1, others);
    for world in [alone, crowded] {
        let run = run(&world, &Plan { partitions: 1, ..record_by_record() }, AtEnd::Hold);
        assert_eq!(value(&run, "m", "predictions", 0), Some(2.0));
        assert_eq!(value(&run, "m", "duplicate_predictions", 0), Some(1.0));
    }
}

#[test]
fn a_protected_group_without_a_name_is_a_group() {
    let set = SegmentSet { columns: vec!["country".into()] };
    let fair = ModelSettings {
        segments: vec![set],
        protected: vec!["country".to_owned()],
        min_group: 1,
        ..settings(TaskKind::Binary)
    };
    let mut world = stream(fair, 40);
    world
        .predictions
        .iter_mut()
        .zip(["", "F"].into_iter().cycle())
        .for_each(|(record, sex)| record.country = Some(sex));
    let run = run(&world, &record_by_record(), AtEnd::Close);
    let of_unnamed = |row: &&MetricRow| &*row.segment_key == "country" && row.segment_value.is_empty();
    let fold = run.fold();
    let value = |metric: &str| fold.values().filter(of_unnamed).find(|row| &*row.metric == metric).unwrap().value;
    assert_eq!((value("predictions"), value("selection_rate")), (Some(5.0), Some(1.0)));
    assert_eq!(value("demographic_parity_difference"), Some(0.0), "over all groups");
}

#[test]
fn what_on_expiry_cannot_label_expires() {
    let paid = ModelSettings { task: None, on_expiry: Some("paid".to_owned()), ..settings(TaskKind::Binary) };
    let mut world = stream(paid, 60);
    // Of no configured task, a record without a score predicts a number.
    world.predictions[0].score = None;
    world.labels.retain(|label| label.request_id != "s0" && label.request_id != "s1");
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_equals_the_naive_model(&world, &run, AtEnd::Hold);
    assert_eq!((value(&run, "m", "expired", 0), value(&run, "m", "matched", 0)), (Some(1.0), Some(9.0)));
}

#[test]
fn on_expiry_labels_what_no_label_came_for_once_the_horizon_is_over() {
    let legitimate = ModelSettings { on_expiry: Some("0".to_owned()), ..settings(TaskKind::Binary) };
    let mut world = stream(legitimate, 60);
    world.labels.retain(|label| label.request_id != "s0" && label.request_id != "s55");
    let run = run(&world, &record_by_record(), AtEnd::Hold);
    assert_equals_the_naive_model(&world, &run, AtEnd::Hold);
    assert_eq!((value(&run, "m", "expired", 0), value(&run, "m", "matched", 0)), (Some(0.0), Some(10.0)));
    assert_eq!(value(&run, "m", "false_positives", 0), Some(5.0), "s0 among them");
    assert_eq!((value(&run, "m", "pending", 50_000), value(&run, "m", "matched", 50_000)), (Some(1.0), Some(9.0)));
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn hold_and_close_agree_in_all_that_time_does_not_decide(world in worlds(Memory::All)) {
        let models = (world.settings.models.iter())
            .map(|(name, model)| (name.clone(), Arc::new(ModelSettings { on_expiry: None, ..(**model).clone() })));
        let defaults = ModelSettings { on_expiry: None, ..(*world.settings.defaults).clone() };
        let settings = Settings { models: models.collect(), defaults: Arc::new(defaults), ..(*world.settings).clone() };
        let world = World { settings: Arc::new(settings), ..world };
        let fold = |at_end| {
            let mut fold = run(&world, &Plan::simple(), at_end).fold();
            let decided_by_time = ["pending", "expired", "orphan_labels", "labels"];
            // Detectors read no further than the watermark has come, and intervals of estimates cover how far those of
            // final windows were off.
            let follows_the_watermark = |row: &MetricRow| {
                let metric = Metric::from_name(&row.metric).unwrap();
                [Family::ConceptDrift, Family::Estimated].iter().any(|family| family.entry(metric).is_some())
            };
            fold.retain(|_, row| !decided_by_time.contains(&&*row.metric) && !follows_the_watermark(row));
            fold.values_mut().for_each(|row| row.is_final = false);
            fold
        };
        let (hold, close) = (fold(AtEnd::Hold), fold(AtEnd::Close));
        for (id, row) in &hold {
            prop_assert_eq!(Some(row), close.get(id));
        }
        // Windows that hold nothing but labels which may still be met have no row yet.
        for row in close.iter().filter(|(id, _)| !hold.contains_key(*id)).map(|(_, row)| row) {
            prop_assert!(row.value.is_none_or(|value| value == 0.0), "{row:?}");
        }
    }
}
