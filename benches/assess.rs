//! What ASSESS costs: merging partials into panes and windows, publishing rows, writing them; and how many bytes a late
//! label takes on its way there.
//!
//! `cargo bench --bench assess` prints tables; `cargo bench --bench assess -- 200000` takes another number of
//! predictions. Partials are made by JOIN from the stream of all these benchmarks, before anything is timed.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod workload;

use postdict::aggregate::{PartialBatch, Wire};
use postdict::assess::{Assess, Revisions};
use postdict::event::{MetricRow, Settings};
use postdict::join::PredictionReader;
use postdict::task::{JoinInput, JoinTask};
use std::sync::Arc;
use std::time::{Duration, Instant};
use workload::process::{arguments, is_measuring, resident, run_apart};
use workload::{Arrival, BATCH_ROWS, DAY, MINUTE, Run, far_labels, near_labels, runs};

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match arguments[..] {
        ["stream", arrival, window, groups, commit, count] => {
            stream(arrival, number(window) as i64, groups, number(commit), number(count));
        }
        ["late", count] => late(number(count)),
        [count] => tables(number(count)),
        _ => tables(if is_measuring() { 1_000_000 } else { 20_000 }),
    }
}

fn tables(count: u64) {
    let count = count.to_string();
    println!("{count} predictions of 5 models × 2 versions, and their labels; revisions of windows that have ended\n");
    println!(
        "| labels come | windows | segments | records per commit | partial rows | ns per partial row | metric rows | \
         µs per metric row | µs to write it | µs per event, all |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (arrival, window, groups, commit) in [
        ("near", MINUTE, "none", "8192"),
        ("near", MINUTE, "none", "100000"),
        ("near", MINUTE, "country", "8192"),
        ("near", DAY, "country", "8192"),
        ("far", MINUTE, "none", "100000"),
        ("far", MINUTE, "country", "100000"),
    ] {
        println!("{}", run_apart(&["stream", arrival, &window.to_string(), groups, commit, &count]));
    }
    println!("\nLabels that trickle into {count} predictions' panes of a minute, after all predictions\n");
    println!(
        "| labels per commit | labels per partial row | ns per partial row | packed bytes per label | resident bytes per packed cell |"
    );
    println!("| --- | --- | --- | --- | --- |");
    println!("{}", run_apart(&["late", &count]));
}

/// The commits of a whole stream.
fn commits(
    arrivals: &[Arrival],
    count: u64,
    settings: &Arc<Settings>,
    commit: u64,
    segments: bool,
) -> Vec<PartialBatch> {
    let mut join = JoinTask::new(0, Arc::clone(settings), false);
    let mut commits = Vec::new();
    let mut uncommitted = 0;
    for run in runs(count, arrivals, BATCH_ROWS.min(commit), segments) {
        match run {
            Run::Predictions(batch) => {
                let mut reader = PredictionReader::new(*batch);
                let rows = 0..reader.batch().len();
                uncommitted += rows.len() as u64;
                join.step(JoinInput::Predictions(&mut reader, rows));
            }
            Run::Labels(batch) => {
                uncommitted += batch.len() as u64;
                join.step(JoinInput::Labels(&batch, 0..batch.len()));
            }
        }
        if uncommitted >= commit {
            uncommitted = 0;
            commits.push(join.commit().partials);
        }
    }
    commits.push(join.commit().partials);
    commits
}

fn stream(arrival: &str, window_ms: i64, groups: &str, commit: u64, count: u64) {
    let arrivals = if arrival == "near" { near_labels(count) } else { far_labels(count) };
    let by_country = groups == "country";
    let settings = workload::settings(window_ms, DAY, by_country);
    let commits = commits(&arrivals, count, &settings, commit, by_country);
    let partial_rows: usize = commits.iter().map(|commit| commit.rows.len()).sum();

    let mut assess = Assess::new(settings, 1);
    let (mut merging, mut publishing, mut writing) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut metric_rows = 0;
    let mut line = Vec::new();
    let mut write = |rows: Vec<MetricRow>, writing: &mut Duration| {
        let started = Instant::now();
        for row in &rows {
            line.clear();
            serde_json::to_writer(&mut line, row).expect("a row is JSON");
        }
        *writing += started.elapsed();
        rows.len()
    };
    for commit in &commits {
        let started = Instant::now();
        assess.merge(commit);
        merging += started.elapsed();
        let started = Instant::now();
        let now = commit.predictions.newest.max(commit.labels.newest).unwrap_or(0);
        let rows = assess.publish(now, Revisions::Ended);
        publishing += started.elapsed();
        metric_rows += write(rows, &mut writing);
    }
    let started = Instant::now();
    let rows = assess.close(0);
    publishing += started.elapsed();
    metric_rows += write(rows, &mut writing);

    let events = count as f64 + arrivals.len() as f64;
    let us = |spent: Duration, each: f64| spent.as_secs_f64() * 1e6 / each;
    println!(
        "| {arrival} | {} | {groups} | {commit} | {partial_rows} | {:.0} | {metric_rows} | {:.2} | {:.2} | {:.2} |",
        if window_ms == MINUTE { "1 minute" } else { "1 day" },
        1e3 * us(merging, partial_rows as f64),
        us(publishing, metric_rows as f64),
        us(writing, metric_rows as f64),
        us(merging + publishing + writing, events),
    );
}

/// Labels that come one by one for panes that are packed already.
fn late(count: u64) {
    const LABELS_PER_COMMIT: u64 = 1000;
    let arrivals = far_labels(count);
    let settings = workload::settings(MINUTE, DAY, true);
    // All panes first.
    let (first, rest) = arrivals.split_at(1);
    let predictions = commits(first, count, &settings, 100_000, true);
    let mut join = JoinTask::new(0, Arc::clone(&settings), false);
    for run in runs(count, first, BATCH_ROWS, true) {
        match run {
            Run::Predictions(batch) => {
                let mut reader = PredictionReader::new(*batch);
                let rows = 0..reader.batch().len();
                join.step(JoinInput::Predictions(&mut reader, rows));
            }
            Run::Labels(batch) => drop(join.step(JoinInput::Labels(&batch, 0..batch.len()))),
        }
    }
    join.commit();
    let rest = &rest[..rest.len().min(200_000)];
    let labels: Vec<(u64, i64)> =
        rest.iter().map(|arrival| (arrival.number, workload::START + arrival.after as i64 * workload::STEP)).collect();
    let commits: Vec<PartialBatch> = (labels.chunks(LABELS_PER_COMMIT as usize))
        .map(|labels| {
            let batch = workload::label_batch(labels, 0);
            join.step(JoinInput::Labels(&batch, 0..batch.len()));
            join.commit().partials
        })
        .collect();
    drop(join);

    let before = resident();
    let mut assess = Assess::new(settings, 1);
    let cells = predictions.iter().flat_map(|commit| &commit.rows).count() * 2;
    for commit in &predictions {
        assess.merge(commit);
        // Packs the panes whose time has passed.
        assess.publish(0, Revisions::Final);
    }
    let resident_per_cell = (resident().saturating_sub(before)) as f64 / cells as f64;
    let mut merging = Duration::ZERO;
    let (mut rows, mut bytes) = (0, 0);
    for commit in &commits {
        let started = Instant::now();
        assess.merge(commit);
        merging += started.elapsed();
        assess.publish(0, Revisions::Final);
        let mut record = Vec::new();
        commit.encode(&mut record);
        rows += commit.rows.len();
        bytes += record.len();
    }
    println!(
        "| {LABELS_PER_COMMIT} | {:.2} | {:.0} | {:.1} | {resident_per_cell:.0} |",
        labels.len() as f64 / rows as f64,
        merging.as_nanos() as f64 / rows as f64,
        bytes as f64 / labels.len() as f64,
    );
}
