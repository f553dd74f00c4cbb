//! What joining costs: a whole stream beside a plain hash join, and lookups among 10 thousand and 10 million waiting
//! predictions beside the machine's random reads, with the memory that a waiting prediction takes.
//!
//! `cargo bench --bench join` prints tables; `cargo bench --bench join -- 1000000` takes another number in place of 10
//! million. Each line is measured in a process of its own. Records are decoded already; making them is not timed.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod workload;

use hashbrown::HashTable;
use postdict::event::Settings;
use postdict::join::PredictionReader;
use postdict::join::request::RequestKey;
use postdict::task::{JoinInput, JoinTask};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workload::process::{arguments, is_measuring, peak, resident, run_apart};
use workload::{Arrival, BATCH_ROWS, DAY, MINUTE, Run, START, STEP, below, far_labels, near_labels, runs};

/// Records between two commits: what a second of a busy partition brings.
const COMMIT_RECORDS: u64 = 100_000;
/// Records of each kind that are timed among waiting predictions.
const TIMED: u64 = 500_000;
/// Records of one kind in a row among waiting predictions: few, so that the number of those that wait stays.
const TURN: u64 = 512;

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number of predictions");
    match arguments[..] {
        ["stream", arrival, correction, count] => stream(arrival, number(correction) as i64, number(count)),
        ["plain", arrival, count] => plain(arrival, number(count)),
        ["waiting", form, correction, count] => waiting(form, number(correction) as i64, number(count)),
        [count] => tables(number(count)),
        _ => tables(if is_measuring() { 10_000_000 } else { 20_000 }),
    }
}

fn tables(count: u64) {
    let stream_count = (count / 5).to_string();
    println!("A stream of {stream_count} predictions and their labels; windows of a minute, 5 models × 2 versions\n");
    println!("| labels come | correction_horizon | ns per event | events/s | peak MiB |");
    println!("| --- | --- | --- | --- | --- |");
    for arrival in ["near", "far"] {
        println!("{}", run_apart(&["plain", arrival, &stream_count]));
        for correction in ["0", "86400000"] {
            println!("{}", run_apart(&["stream", arrival, correction, &stream_count]));
        }
    }
    println!("\nWaiting predictions, ns per event\n");
    println!(
        "| waiting | form | correction_horizon | prediction in | label found | label not found | a random read \
         (dependent) | bytes per row by count | resident per row | peak per row |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let count = count.to_string();
    for (form, correction, count) in [
        ("live", "0", "10000"),
        ("live", "0", &count),
        ("sealed", "0", &count),
        ("live", "86400000", "10000"),
        ("live", "86400000", &count),
        ("sealed", "86400000", &count),
    ] {
        println!("{}", run_apart(&["waiting", form, correction, count]));
    }
}

/// Time spent in what is measured, and on how many records.
#[derive(Default)]
struct Stopwatch {
    spent: Duration,
    events: u64,
}

impl Stopwatch {
    fn time<T>(&mut self, events: u64, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        self.spent += started.elapsed();
        self.events += events;
        result
    }

    fn ns(&self) -> f64 {
        self.spent.as_nanos() as f64 / self.events.max(1) as f64
    }
}

fn name_of_horizon(correction_ms: i64) -> &'static str {
    if correction_ms == 0 { "0" } else { "1 day" }
}

fn arrivals(arrival: &str, count: u64) -> Vec<Arrival> {
    if arrival == "near" { near_labels(count) } else { far_labels(count) }
}

/// JOIN alone over a whole stream: join, fold, commits.
fn stream(arrival: &str, correction_ms: i64, count: u64) {
    let arrivals = arrivals(arrival, count);
    let settings = workload::settings(MINUTE, correction_ms, false);
    let mut join = JoinTask::new(0, settings, false);
    let mut stopwatch = Stopwatch::default();
    let mut uncommitted = 0;
    for run in runs(count, &arrivals, BATCH_ROWS, false) {
        let rows = step(&mut join, run, &mut stopwatch);
        uncommitted += rows;
        if uncommitted >= COMMIT_RECORDS {
            uncommitted = 0;
            stopwatch.time(0, || black_box(join.commit()));
        }
    }
    let last = stopwatch.time(0, || join.commit());
    assert_eq!(last.accounting.matched, arrivals.len() as u64, "every label finds its prediction");
    row_of_stream(arrival, name_of_horizon(correction_ms), &stopwatch);
}

fn row_of_stream(arrival: &str, horizon: &str, stopwatch: &Stopwatch) {
    let ns = stopwatch.ns();
    println!("| {arrival} | {horizon} | {ns:.0} | {:.2} M | {} |", 1e3 / ns, peak() >> 20);
}

fn step(join: &mut JoinTask, run: Run, stopwatch: &mut Stopwatch) -> u64 {
    match run {
        Run::Predictions(batch) => {
            let mut reader = PredictionReader::new(*batch);
            let rows = reader.batch().len();
            stopwatch.time(rows as u64, || join.step(JoinInput::Predictions(&mut reader, 0..rows)));
            rows as u64
        }
        Run::Labels(batch) => {
            let rows = batch.len();
            stopwatch.time(rows as u64, || join.step(JoinInput::Labels(&batch, 0..rows)));
            rows as u64
        }
    }
}

/// What the plain join remembers of a prediction.
struct PlainRow {
    key: RequestKey,
    time: i64,
    score: f64,
    series: u32,
}

/// The least that does the work: the same hash, a hash table, and confusion counts with a Brier sum per window.
fn plain(arrival: &str, count: u64) {
    let arrivals = arrivals(arrival, count);
    let mut rows: HashTable<PlainRow> = HashTable::new();
    let mut windows: Vec<[(u64, [u64; 4], f64); 10]> = Vec::new();
    let mut stopwatch = Stopwatch::default();
    for run in runs(count, &arrivals, BATCH_ROWS, false) {
        match run {
            Run::Predictions(batch) => stopwatch.time(batch.len() as u64, || {
                for row in 0..batch.len() {
                    let (key, time) = (RequestKey::of(batch.request_id.value(row)), batch.time(row));
                    let code = |key: Option<usize>| key.unwrap_or(0) as u32;
                    let series = 2 * code(batch.model_id.key(row)) + code(batch.model_version.key(row));
                    let window = ((time - START) / MINUTE) as usize;
                    windows.resize(windows.len().max(window + 1), Default::default());
                    windows[window][series as usize].0 += 1;
                    let score = batch.score.value(row);
                    rows.insert_unique(key.low(), PlainRow { key, time, score, series }, |row| row.key.low());
                }
            }),
            Run::Labels(batch) => stopwatch.time(batch.len() as u64, || {
                for row in 0..batch.len() {
                    let key = RequestKey::of(batch.request_id.value(row));
                    if let Ok(found) = rows.find_entry(key.low(), |row| row.key == key) {
                        let (found, _) = found.remove();
                        let actual = batch.number.value(row) == 1.0;
                        let window = &mut windows[((found.time - START) / MINUTE) as usize][found.series as usize];
                        window.1[usize::from(actual) * 2 + usize::from(found.score >= 0.5)] += 1;
                        window.2 += (found.score - f64::from(u8::from(actual))).powi(2);
                    }
                }
            }),
        }
    }
    let matched: u64 = windows.iter().flatten().flat_map(|(_, confusion, _)| confusion).sum();
    assert_eq!(matched, arrivals.len() as u64, "every label finds its prediction");
    row_of_stream(&format!("{arrival}: plain hash join"), "0", &stopwatch);
}

/// `count` predictions wait; then predictions come and labels find one of them, and at last labels that find none.
fn waiting(form: &str, correction_ms: i64, count: u64) {
    // Live: all in one segment of time. Sealed: over 80 days, so that all segments but the last are sealed.
    let step_ms = if form == "live" { STEP } else { 80 * DAY / count as i64 };
    let settings: Arc<Settings> = workload::settings(DAY, correction_ms, false);
    let mut join = JoinTask::new(0, settings, false);
    let mut numbers: Vec<u32> = Vec::with_capacity((count + TURN) as usize);
    predictions(&mut join, &mut Stopwatch::default(), 0..BATCH_ROWS.min(count), step_ms);
    let resident_before = resident();
    let mut filled = BATCH_ROWS.min(count);
    while filled < count {
        let next = filled..(filled + BATCH_ROWS).min(count);
        filled = next.end;
        predictions(&mut join, &mut Stopwatch::default(), next, step_ms);
        if filled.is_multiple_of(16 * BATCH_ROWS) {
            // So that segments are sealed as time passes, as they would be.
            labels(&mut join, &mut Stopwatch::default(), &[((1 << 41) + filled, START + filled as i64 * step_ms)]);
            join.commit();
        }
    }
    labels(&mut join, &mut Stopwatch::default(), &[(1 << 42, START + filled as i64 * step_ms)]);
    join.commit();
    let held = join.join().held_rows() as f64;
    assert_eq!(held as u64, count, "all wait");
    let counted_per_row = join.join().bytes() as f64 / held;
    let resident_per_row =
        resident().saturating_sub(resident_before) as f64 / (held - BATCH_ROWS.min(count) as f64).max(1.0);
    let peak_per_row = peak().saturating_sub(resident_before) as f64 / held;

    numbers.extend(0..count as u32);
    let (mut incoming, mut found, mut not_found) = (Stopwatch::default(), Stopwatch::default(), Stopwatch::default());
    let mut next = count;
    let mut now = START + count as i64 * step_ms;
    while found.events < TIMED {
        numbers.extend(next as u32..(next + TURN) as u32);
        predictions(&mut join, &mut incoming, next..next + TURN, step_ms);
        next += TURN;
        now = START + next as i64 * step_ms;
        let turn: Vec<(u64, i64)> = (0..TURN)
            .map(|i| (u64::from(numbers.swap_remove(below(numbers.len() as u64, next + i, 12) as usize)), now))
            .collect();
        labels(&mut join, &mut found, &turn);
        if found.events.is_multiple_of(32 * TURN) {
            join.commit();
        }
    }
    let accounting = join.commit().accounting;
    assert_eq!(accounting.matched, found.events, "every label finds its prediction");
    while not_found.events < TIMED {
        let first = (1 << 40) + not_found.events;
        let turn: Vec<(u64, i64)> = (first..first + TURN).map(|number| (number, now)).collect();
        labels(&mut join, &mut not_found, &turn);
    }
    let footprint = (counted_per_row * held) as usize;
    drop(join);
    println!(
        "| {count} | {form} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {counted_per_row:.0} | {} | {} |",
        name_of_horizon(correction_ms),
        incoming.ns(),
        found.ns(),
        not_found.ns(),
        random_read(footprint),
        if count < 1_000_000 { "–".to_owned() } else { format!("{resident_per_row:.0}") },
        if count < 1_000_000 { "–".to_owned() } else { format!("{peak_per_row:.0}") },
    );
}

fn predictions(join: &mut JoinTask, stopwatch: &mut Stopwatch, numbers: std::ops::Range<u64>, step_ms: i64) {
    let mut reader = PredictionReader::new(workload::prediction_batch(numbers, step_ms, false));
    let rows = reader.batch().len();
    stopwatch.time(rows as u64, || join.step(JoinInput::Predictions(&mut reader, 0..rows)));
}

fn labels(join: &mut JoinTask, stopwatch: &mut Stopwatch, labels: &[(u64, i64)]) {
    let batch = workload::label_batch(labels, 0);
    stopwatch.time(labels.len() as u64, || join.step(JoinInput::Labels(&batch, 0..labels.len())));
}

/// ns of one random read in `bytes` of memory whose place is known only after the read before: a cycle through cache
/// lines in random order.
fn random_read(bytes: usize) -> f64 {
    const LINE_WORDS: usize = 8;
    const READS: usize = 2_000_000;
    let lines = (bytes / (8 * LINE_WORDS)).max(2);
    let mut order: Vec<u32> = (0..lines as u32).collect();
    for place in (1..lines).rev() {
        order.swap(place, below(place as u64 + 1, place as u64, 13) as usize);
    }
    let mut words = vec![0_u64; lines * LINE_WORDS];
    for pair in 0..lines {
        words[order[pair] as usize * LINE_WORDS] = u64::from(order[(pair + 1) % lines]);
    }
    let started = Instant::now();
    let mut at = 0_u64;
    for _ in 0..READS {
        at = words[at as usize * LINE_WORDS];
    }
    black_box(at);
    started.elapsed().as_nanos() as f64 / READS as f64
}
