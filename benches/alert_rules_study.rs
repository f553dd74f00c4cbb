//! How often the built-in rules of alerts fire on simulated streams in which nothing is wrong, and how soon where something is;
//! beside the rules that other tools have by default, on the same windows.
//!
//! `cargo bench --no-default-features --bench alert_rules_study` prints tables; `-- FILE.yaml` takes the rules of a file instead,
//! `-- 1000` so many windows of each healthy stream.
//! All draws are from fixed seeds. It fails where the built-in rules have more false alarms than they promise.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod streams;

use postdict::config::{Config, parse_rules};
use postdict::event::TaskKind;
use postdict::event::alert::AlertSettings;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use streams::drive::Seen;
use streams::peers::{NAMES, Peers};
use streams::{Course, Stream, drive};

/// False alarms per 1,000 windows of a model, over all healthy streams.
const PROMISED: f64 = 1.0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let started = Instant::now();
    let rules = arguments.iter().find(|argument| argument.ends_with(".yaml")).map(|file| read(file));
    let asked = arguments.iter().find_map(|argument| argument.parse().ok());
    let windows = asked.unwrap_or(if is_measuring { 10_000 } else { 60 });
    let false_alarms = health(windows, rules.as_ref());
    harm(if is_measuring { 10 } else { 1 }, rules.as_ref());
    println!("\n{:.0} s; {false_alarms:.2} false alarms per 1,000 windows", started.elapsed().as_secs_f64());
    if is_measuring && rules.is_none() && false_alarms > PROMISED { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn read(file: &str) -> Arc<AlertSettings> {
    let text = std::fs::read_to_string(file).expect("a file of rules");
    match parse_rules(&text, file, &Config::default()) {
        Ok((settings, _)) => Arc::new(settings),
        Err(problems) => panic!("{problems}"),
    }
}

/// Healthy streams: task, rows of a window, by course.
const HEALTHY: [(TaskKind, f64); 6] = [
    (TaskKind::Binary, 60.0),
    (TaskKind::Binary, 300.0),
    (TaskKind::Binary, 1_500.0),
    (TaskKind::Multiclass, 300.0),
    (TaskKind::Regression, 60.0),
    (TaskKind::Regression, 300.0),
];

fn heading(columns: &[&str]) {
    println!("| {} |", columns.join(" | "));
    println!("|{}", " --- |".repeat(columns.len()));
}

fn per_1000(count: usize, windows: usize) -> String {
    format!("{:.1}", 1_000.0 * count as f64 / windows as f64)
}

/// Returns false alarms per 1,000 windows of all streams.
fn health(windows: usize, rules: Option<&Arc<AlertSettings>>) -> f64 {
    println!(
        "Nothing is wrong: false alarms per 1,000 of {windows} windows of an hour (a fifth of them, of 1,500 rows); peers: runs \
         of windows called (windows called)\n"
    );
    heading(&[&["stream", "rows", "built-in rules", "by rule"], &NAMES[..]].concat());
    let (mut all, mut of) = (0, 0);
    for (task, rows) in HEALTHY {
        for course in Course::ALL {
            let windows = if rows > 1_000.0 { windows / 5 } else { windows };
            let stream = Stream::healthy(task, course, rows, windows);
            let seen = drive(&stream, rules.cloned());
            let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
            seen.fired.iter().for_each(|fired| *by_rule.entry(&fired.rule).or_default() += 1);
            all += seen.fired.len();
            of += windows;
            let by_rule: Vec<String> = by_rule.iter().map(|(rule, count)| format!("{rule} {count}")).collect();
            let peers = peers(&stream, &seen);
            let peers =
                peers.map(|(runs, called)| format!("{} ({})", per_1000(runs, windows), per_1000(called, windows)));
            println!(
                "| {}, {} | {rows} | {} | {} | {} |",
                task.name(),
                course.name(),
                per_1000(seen.fired.len(), windows),
                by_rule.join(", "),
                peers.join(" | ")
            );
        }
    }
    1_000.0 * all as f64 / of as f64
}

/// Runs of windows that each peer calls, and windows.
fn peers(stream: &Stream, seen: &Seen) -> [(usize, usize); 4] {
    let peers = Peers::new(&streams::drive::reference_windows(stream));
    let mut counts = [(0, 0); 4];
    let mut before = [false; 4];
    for window in seen.finals.values() {
        let now = peers.judge(window);
        for ((count, before), now) in counts.iter_mut().zip(before).zip(now) {
            count.0 += usize::from(now && !before);
            count.1 += usize::from(now);
        }
        before = now;
    }
    counts
}

/// What is wrong: share of labels by chance, deviations by which features move, and what that is called.
const HARMS: [(f64, f64, &str); 4] = [
    (0.1, 0.0, "10 % of labels by chance"),
    (0.2, 0.0, "20 % of labels by chance"),
    (0.4, 0.0, "40 % of labels by chance"),
    (0.0, 0.3, "features + 0.3 σ"),
];

/// Window of the streams from which on something is wrong, and how many come after it.
const BEGINS: usize = 200;
const AFTER: usize = 200;

fn harm(runs: u64, rules: Option<&Arc<AlertSettings>>) {
    println!(
        "\nSomething is wrong from window {BEGINS} on: found within {AFTER} windows, of {runs} streams; median of windows until it is told (peers: until the window is final)\n"
    );
    heading(&[&["stream", "rows", "harm", "quality", "drift"], &NAMES[..]].concat());
    for (task, rows) in [(TaskKind::Binary, 300.0), (TaskKind::Multiclass, 300.0), (TaskKind::Regression, 300.0)] {
        for course in [Course::Even, Course::Daily] {
            let healthy = Stream::healthy(task, course, rows, BEGINS + AFTER);
            let peers = Peers::new(&streams::drive::reference_windows(&healthy));
            for (harm, moved, name) in HARMS {
                let mut delays: [Vec<f64>; 6] = Default::default();
                for seed in 0..runs {
                    let stream = Stream { harm, moved, harmed_from: BEGINS, seed: 77 + seed, ..healthy };
                    let seen = drive(&stream, rules.cloned());
                    let first = |is_drift: bool| {
                        let of = seen.fired.iter().filter(|fired| (&*fired.rule == "drift") == is_drift);
                        of.map(|fired| fired.told - BEGINS as f64).find(|told| *told > 0.0)
                    };
                    delays[0].extend(first(false));
                    delays[1].extend(first(true));
                    for number in 0..4 {
                        let called = seen.finals.range(BEGINS as i64..).find(|(_, window)| peers.judge(window)[number]);
                        let wait = 1.0 + 12.0 * stream.delay_hours;
                        delays[2 + number].extend(called.map(|(window, _)| (window - BEGINS as i64) as f64 + wait));
                    }
                }
                let delays = delays.map(|mut delays| {
                    delays.sort_by(f64::total_cmp);
                    let median = delays.get(delays.len() / 2).map_or("–".to_owned(), |median| format!("{median:.0}"));
                    format!("{} ({median})", delays.len())
                });
                println!("| {}, {} | {rows} | {name} | {} |", task.name(), course.name(), delays.join(" | "));
            }
        }
    }
}
