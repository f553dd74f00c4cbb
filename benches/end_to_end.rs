//! What the service costs on a real broker: `postdict run` over predictions and labels, beside a bare librdkafka consumer
//! of the same topics, with every published number compared with the generator's; and what a restart costs while all
//! predictions wait.
//!
//! `cargo bench --bench end_to_end` takes 2 million predictions; `-- 200000` another number, `-- 200000 near 0` one run:
//! *near*, *far* or *whole* (near, with drift of all features against profiles, and segments), and the correction horizon in ms. `-- load 300` keeps the service at full load for so many seconds and
//! prints its memory each second. The broker is the one of the tests, on the same cores; without one nothing is measured.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a benchmark"
)]

mod kafka;
mod workload;

use kafka::bare;
use kafka::broker::{Broker, shared};
use kafka::expected::{compare, expected, published};
use kafka::service::Service;
use kafka::topics::{PARTITIONS, Setting, Topics, flush, producer};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use workload::process::{arguments, cpu_seconds_of, is_measuring};
use workload::{DAY, far_labels, near_label, near_labels};

fn main() {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["bare", bootstrap, predictions, labels] = arguments[..] {
        println!("{}", bare::run(bootstrap, [predictions, labels]));
        return;
    }
    let Some(broker) = shared("the benchmark end_to_end") else { return };
    let number = |text: &str| text.parse::<u64>().expect("a number");
    match arguments[..] {
        ["load", seconds] => load(broker, number(seconds)),
        [count, arrival, correction] => table(broker, number(count), &[(arrival, number(correction) as i64)]),
        _ => {
            let count = arguments.first().map_or(if is_measuring() { 2_000_000 } else { 20_000 }, |text| number(text));
            table(broker, count, &[("near", 0), ("near", DAY), ("far", 0), ("far", DAY)]);
        }
    }
}

fn table(broker: &Broker, count: u64, runs: &[(&str, i64)]) {
    println!("{count} predictions, {PARTITIONS} partitions; windows of a minute, 5 models × 2 versions\n");
    println!(
        "| labels come | correction_horizon | events/s | CPU µs/event | ÷ bare consumer | broker CPU µs/event | \
         peak MiB | bytes/event, changelog + partials | the same on disk | metric rows |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (arrival, correction) in runs {
        match *arrival {
            "far" => far(broker, count, *correction),
            // Near too, with drift and segments.
            arrival => near(broker, arrival, count, *correction),
        }
    }
}

/// CPU time of the broker, if it is our own.
fn broker_cpu(broker: &Broker) -> f64 {
    let pid = broker.folder().and_then(|folder| std::fs::read_to_string(folder.join("pid")).ok());
    pid.map_or(0.0, |pid| cpu_seconds_of(pid.trim()))
}

fn topics(broker: &Broker, name: &str, correction_ms: i64) -> Topics {
    let horizon = format!("correction_horizon: {correction_ms}ms");
    Topics::create(broker, &Setting { name, defaults: &[&horizon], whole: name == "whole" })
}

fn horizon(correction_ms: i64) -> &'static str {
    if correction_ms == 0 { "0" } else { "1 day" }
}

/// Everything is in the topics before it starts.
fn near(broker: &Broker, name: &str, count: u64, correction_ms: i64) {
    let topics = topics(broker, name, correction_ms);
    let arrivals = near_labels(count);
    let producer = producer(&topics.bootstrap);
    topics.write_predictions(&producer, 0..count);
    topics.write_labels(&producer, &arrivals);
    flush(&producer);
    let events = count + arrivals.len() as u64;
    let bare_broker = broker_cpu(broker);
    let bare = bare::measure(&topics);
    let (started, broker_before) = (Instant::now(), broker_cpu(broker));
    let mut service = Service::start(&topics);
    service.wait_for_commits(&topics, events as i64);
    let seconds = started.elapsed().as_secs_f64();
    let cpu = service.wait_until_quiet();
    let (broker_seconds, bytes) = (broker_cpu(broker) - broker_before, service.sum("committed", "join", "bytes"));
    let cost = Cost { events, seconds, cpu, broker: broker_seconds, peak: service.peak(), bytes };
    report_bare(&format!("{name}: bare consumer | {}", horizon(correction_ms)), &bare, broker_before - bare_broker);
    report(&topics, name, correction_ms, &cost, &bare);
    service.stop();
    verify(&topics, count);
}

/// Predictions first; then a restart while all of them wait, and labels, which were written meanwhile.
fn far(broker: &Broker, count: u64, correction_ms: i64) {
    let topics = topics(broker, "far", correction_ms);
    let arrivals = far_labels(count);
    let producer = producer(&topics.bootstrap);
    topics.write_predictions(&producer, 0..count);
    flush(&producer);
    let events = count + arrivals.len() as u64;
    let (started, broker_before) = (Instant::now(), broker_cpu(broker));
    let mut first = Service::start(&topics);
    first.wait_for_commits(&topics, count as i64);
    let (first_seconds, first_cpu, first_peak) = (started.elapsed().as_secs_f64(), first.cpu_seconds(), first.peak());
    let first_bytes = first.sum("committed", "join", "bytes");
    first.stop();
    let broker_seconds = broker_cpu(broker) - broker_before;
    topics.write_labels(&producer, &arrivals);
    flush(&producer);
    let bare_before = broker_cpu(broker);
    let bare = bare::measure(&topics);
    let broker_before = broker_cpu(broker);
    report_bare(&format!("far: bare consumer | {}", horizon(correction_ms)), &bare, broker_before - bare_before);
    let mut service = Service::start(&topics);
    service.wait_for_restored("join", PARTITIONS as usize);
    let (started, restore_cpu) = (Instant::now(), service.cpu_seconds());
    service.wait_for_commits(&topics, events as i64);
    let seconds = first_seconds + started.elapsed().as_secs_f64();
    let cpu = first_cpu + service.wait_until_quiet() - restore_cpu;
    let broker_seconds = broker_seconds + broker_cpu(broker) - broker_before;
    let peak = service.peak().max(first_peak);
    let bytes = first_bytes + service.sum("committed", "join", "bytes");
    report(&topics, "far", correction_ms, &Cost { events, seconds, cpu, broker: broker_seconds, peak, bytes }, &bare);
    report_restore(&service, count, restore_cpu);
    service.stop();
    verify(&topics, count);
}

fn report_restore(service: &Service, rows: u64, cpu: f64) {
    let restored = service.said("restored");
    let restored = restored.iter().filter(|line| line["stage"] == "join");
    let slowest = restored.filter_map(|line| line["took_ms"].as_u64()).max().unwrap_or(0).max(1);
    let bytes = service.sum("restored", "join", "bytes") as f64 / rows as f64;
    eprintln!(
        "restored {rows} waiting rows in {slowest} ms: {:.2} million rows/s, {bytes:.1} bytes per row; {cpu:.2} s of CPU \
         from the start of the process on",
        rows as f64 / slowest as f64 / 1e3
    );
}

struct Cost {
    events: u64,
    seconds: f64,
    cpu: f64,
    broker: f64,
    peak: u64,
    /// What JOIN committed, before compression.
    bytes: u64,
}

fn report_bare(name: &str, bare: &bare::Bare, broker: f64) {
    let events = bare.events as f64;
    let (rate, cpu) = (events / bare.seconds / 1e3, bare.cpu_seconds / events * 1e6);
    println!(
        "| {name} | {rate:.0} k | {cpu:.2} | 1 | {:.2} | {} | – | – | – |",
        broker / events * 1e6,
        bare.peak_bytes >> 20
    );
}

fn report(topics: &Topics, arrival: &str, correction_ms: i64, cost: &Cost, bare: &bare::Bare) {
    let events = cost.events as f64;
    let (cpu, bare_cpu) = (cost.cpu / events * 1e6, bare.cpu_seconds / bare.events as f64 * 1e6);
    let written = cost.bytes as f64 / events;
    let logged = ["join-changelog", "partials"].map(|role| topics.logged_bytes(&format!("{}-{role}", topics.name)));
    let logged = logged.map(|bytes| bytes.map_or_else(|| "?".to_owned(), |b| format!("{:.1}", b as f64 / events)));
    let (_, rows) = published(topics);
    println!(
        "| {arrival} | {} | {:.0} k | {cpu:.2} | {:.1} | {:.2} | {} | {written:.1} | {} | {rows} |",
        horizon(correction_ms),
        events / cost.seconds / 1e3,
        cpu / bare_cpu,
        cost.broker / events * 1e6,
        cost.peak >> 20,
        logged.join(" + "),
    );
}

fn verify(topics: &Topics, count: u64) {
    let windows = compare(&published(topics).0, &expected(count));
    eprintln!("{}: all {windows} windows are right", topics.name);
}

/// Writes without end, never far ahead of the service, and prints its memory each second.
fn load(broker: &Broker, seconds: u64) {
    let defaults = ["correction_horizon: 0s", "label_horizon: 1h", "early_label_retention: 1h", "allowed_lateness: 1m"];
    let topics = Topics::create(broker, &Setting { name: "load", defaults: &defaults, whole: false });
    let committed = AtomicI64::new(0);
    let is_over = AtomicBool::new(false);
    let mut service = Service::start(&topics);
    println!("| second | events | resident MiB |\n| --- | --- | --- |");
    std::thread::scope(|scope| {
        scope.spawn(|| write_without_end(&topics, &committed, &is_over));
        let (group, started) = (topics.group(), Instant::now());
        for second in 1..=seconds {
            std::thread::sleep((started + Duration::from_secs(second)).saturating_duration_since(Instant::now()));
            committed.store(topics.committed(&group), Ordering::Relaxed);
            println!("| {second} | {} | {} |", committed.load(Ordering::Relaxed), service.resident() >> 20);
            if !service.runs() {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    eprintln!("peak {} MiB, {:.1} s of CPU", service.peak() >> 20, service.cpu_seconds());
    service.stop();
}

/// Most records that are written and not committed.
const AHEAD_MAX: i64 = 2_000_000;
/// Predictions that are written in a row.
const TURN: u64 = 10_000;

fn write_without_end(topics: &Topics, committed: &AtomicI64, is_over: &AtomicBool) {
    let producer = producer(&topics.bootstrap);
    let mut coming = BinaryHeap::new();
    let (mut written, mut next) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        if written - committed.load(Ordering::Relaxed) > AHEAD_MAX {
            std::thread::sleep(Duration::from_millis(10));
            continue;
        }
        topics.write_predictions(&producer, next..next + TURN);
        coming.extend((next..next + TURN).filter_map(near_label).map(Reverse));
        next += TURN;
        let mut labels = Vec::new();
        while coming.peek().is_some_and(|Reverse(arrival)| arrival.after <= next) {
            labels.extend(coming.pop().map(|Reverse(arrival)| arrival));
        }
        topics.write_labels(&producer, &labels);
        written += (TURN as usize + labels.len()) as i64;
    }
    flush(&producer);
}
