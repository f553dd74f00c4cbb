//! What the changelog of JOIN costs: writing down predictions that wait, and restoring them, without Kafka.
//!
//! `cargo bench --bench changelog` prints a table for 1 and 10 million; `cargo bench --bench changelog -- 1000` for another
//! number. Each line is measured in a process of its own.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod workload;

use postdict::event::Settings;
use postdict::join::PredictionReader;
use postdict::join::state::{JoinRestore, SnapshotPace};
use postdict::task::{JoinInput, JoinTask};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use workload::process::{ThreadClock, arguments, is_measuring, peak, run_apart};
use workload::{BATCH_ROWS, MINUTE, prediction_batch, time};

/// Records between two commits: what a second of a busy partition brings.
const COMMIT_RECORDS: u64 = 100_000;

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["waiting", count] => println!("{}", waiting(count.parse().expect("a number of predictions"))),
        [count] => table(&[count]),
        _ => table(if is_measuring() { &["1000000", "10000000"] } else { &["20000"] }),
    }
}

fn table(counts: &[&str]) {
    println!("| waiting | step, ns per row | commit, ns per row | bytes per row | restore, ns per row | peak MiB |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for count in counts {
        println!("{}", run_apart(&["waiting", count]));
    }
}

/// A task whose changes are logged, with `pieces` applied.
fn restored<'a>(settings: &Arc<Settings>, pieces: impl IntoIterator<Item = &'a Vec<u8>>) -> JoinTask {
    let mut restore = JoinRestore::new(Arc::clone(settings), false, SnapshotPace::default());
    pieces.into_iter().for_each(|piece| restore.apply(piece).expect("it was written by this program"));
    JoinTask::restored(0, restore).expect("the settings are the same")
}

/// `count` predictions come and wait, with their commits; then the log is read.
fn waiting(count: u64) -> String {
    let settings = workload::settings(MINUTE, 0, false);
    let mut join = restored(&settings, []);
    let clock = ThreadClock::new();
    let (mut step, mut commit, mut restore) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let (mut pieces, mut uncommitted, mut next) = (Vec::new(), 0, 0);
    while next < count {
        let numbers = next..(next + BATCH_ROWS).min(count);
        next = numbers.end;
        uncommitted += numbers.end - numbers.start;
        let rows = (numbers.end - numbers.start) as usize;
        let mut reader = PredictionReader::new(prediction_batch(numbers, time, false));
        clock.time(&mut step, || join.step(JoinInput::Predictions(&mut reader, 0..rows)));
        if uncommitted >= COMMIT_RECORDS || next == count {
            uncommitted = 0;
            pieces.extend(clock.time(&mut commit, || join.commit()).delta.pieces);
        }
    }
    drop(join);
    let again = clock.time(&mut restore, || restored(&settings, &pieces));
    assert_eq!(again.join().accounting().waiting_predictions, count, "all of them wait again");
    black_box(again);
    let bytes: usize = pieces.iter().map(Vec::len).sum();
    let ns = |spent: Duration| spent.as_nanos() as f64 / count as f64;
    let bytes = bytes as f64 / count as f64;
    format!("| {count} | {:.0} | {:.0} | {bytes:.1} | {:.0} | {} |", ns(step), ns(commit), ns(restore), peak() >> 20)
}
