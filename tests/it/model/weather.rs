//! Real data through any number of partitions, commits and interleavings: the same fold.

use super::drive::{Interleaving, Plan, Topics, run_topics};
use super::naive::AtEnd;
use postdict::assess::Revisions;
use postdict::event::{DetectorKind, Detectors, LossKind, Millis, ModelSettings, OutcomeOrder, Settings, WindowSpec};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

const DAY: Millis = 86_400_000;

/// All, of the model and its versions.
fn detectors(order: OutcomeOrder) -> Detectors {
    let methods = DetectorKind::ALL.map(DetectorKind::defaults).to_vec();
    Detectors { loss: LossKind::Error, order, by_segment: false, methods }
}

/// Request id, time and text of every record.
fn records(name: &str) -> Vec<(u64, Millis, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather").join(name);
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let read = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let hash =
            record["request_id"].to_string().bytes().fold(7u64, |hash, byte| hash * 31 % 65_521 + u64::from(byte));
        (hash, record["timestamp"].as_i64().unwrap(), line.to_owned())
    };
    text.lines().map(read).collect()
}

#[test]
fn weather_gives_the_same_fold_through_any_partitions_commits_and_interleavings() {
    let windows =
        [(91, 91), (182, 91)].map(|(size, advance)| WindowSpec { size_ms: size * DAY, advance_ms: advance * DAY });
    let model = ModelSettings {
        windows: windows.to_vec(),
        pane_ms: 91 * DAY,
        label_horizon_ms: 5 * DAY,
        revise_for_ms: 6 * DAY,
        detectors: Some(detectors(OutcomeOrder::LabelTime)),
        ..ModelSettings::default()
    };
    let settings = Arc::new(Settings { defaults: Arc::new(model), ..Settings::default() });
    let (predictions, labels) = (records("predictions.ndjson.gz"), records("labels.ndjson.gz"));
    let fold = |plan: Plan| {
        let mut topics = vec![Topics::default(); plan.partitions];
        let partition = |hash: u64| hash as usize % plan.partitions;
        for (hash, time, text) in &predictions {
            topics[partition(*hash)].predictions.push((*time, text.clone()));
        }
        for (hash, time, text) in &labels {
            topics[partition(*hash)].labels.push((*time, text.clone()));
        }
        let run = run_topics(&settings, &topics, &plan, AtEnd::Hold);
        assert_eq!((run.rejects.len(), run.late_rows), (0, 0));
        run.fold_text()
    };
    let reference = fold(Plan::simple());
    assert!(reference.len() > 10_000, "{} rows", reference.len());
    let plans = [
        (1, 1_000, Interleaving::LabelsFirst, Revisions::Final),
        (3, 2_000, Interleaving::Random, Revisions::Ended),
        (16, 300, Interleaving::ByTime, Revisions::Final),
        (16, usize::MAX, Interleaving::PredictionsFirst, Revisions::All),
    ];
    for (partitions, commit_records, interleaving, revisions) in plans {
        let plan = Plan {
            partitions,
            commit_records,
            interleaving,
            revisions,
            batch_records: 3_000,
            step_batches: 3,
            threads: partitions == 16,
            dies_after: if partitions == 3 { 3_000 } else { 0 },
            ..Plan::simple()
        };
        assert!(fold(plan.clone()) == reference, "{plan:?}");
    }
}

/// All detectors, by either order, on any number of partitions; ASSESS goes on from snapshots of itself all the time.
#[test]
fn detectors_find_the_same_in_the_weather_through_any_number_of_partitions() {
    let (predictions, labels) = (records("predictions.ndjson.gz"), records("labels.ndjson.gz"));
    for order in [OutcomeOrder::LabelTime, OutcomeOrder::PredictionTime] {
        let model = ModelSettings {
            windows: vec![WindowSpec { size_ms: 91 * DAY, advance_ms: 91 * DAY }],
            pane_ms: 91 * DAY,
            label_horizon_ms: 5 * DAY,
            revise_for_ms: 6 * DAY,
            detectors: Some(detectors(order)),
            ..ModelSettings::default()
        };
        let settings = Arc::new(Settings { defaults: Arc::new(model), ..Settings::default() });
        let fold = |partitions: usize, interleaving, commit_records| {
            let plan = Plan {
                partitions,
                commit_records,
                interleaving,
                batch_records: 1_000,
                step_batches: 2,
                dies_after: if partitions.is_multiple_of(2) { 700 } else { 0 },
                threads: partitions > 5,
                ..Plan::simple()
            };
            let mut topics = vec![Topics::default(); partitions];
            for (hash, time, text) in &predictions {
                topics[*hash as usize % partitions].predictions.push((*time, text.clone()));
            }
            for (hash, time, text) in &labels {
                topics[*hash as usize % partitions].labels.push((*time, text.clone()));
            }
            let run = run_topics(&settings, &topics, &plan, AtEnd::Hold);
            assert_eq!(run.skipped_outcomes, 0);
            let mut fold = run.fold();
            fold.retain(|_, row| row.metric.ends_with("_drift"));
            let fired: f64 = fold.values().filter_map(|row| row.value).sum();
            assert!(fired > 100.0, "{fired}");
            fold
        };
        let reference = fold(1, Interleaving::ByTime, usize::MAX);
        let interleavings = [Interleaving::LabelsFirst, Interleaving::Random, Interleaving::PredictionsFirst];
        for partitions in 1..=8 {
            let found = fold(partitions, interleavings[partitions % 3], 90 * partitions);
            assert!(found == reference, "{partitions} partitions, {order:?}");
        }
    }
}
