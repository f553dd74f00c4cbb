//! What a whole replay costs, beside a program that only reads and parses the same files, and that its memory does not
//! grow with the files.
//!
//! `cargo bench --bench replay` prints tables; `cargo bench --bench replay -- 100000` takes another number of predictions
//! than a million. The files are written to a temporary directory before anything is timed, and so are in the page
//! cache. Each line is measured in a process of its own, three times in turn, and the median is printed.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]

mod workload;

use arrow_avro::reader::ReaderBuilder;
use flate2::read::GzDecoder;
use postdict::assess::Revisions;
use postdict::config::Config;
use postdict::event::{ModelSettings, SegmentSet, Settings};
use postdict::replay::{AtEnd, Layout, OutputFiles, Progress, Replay};
use serde::de::IgnoredAny;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use workload::process::{arguments, cpu_seconds, is_measuring, peak, run_apart};
use workload::{DAY, MINUTE, near_labels, records};

/// Runs of which the median is taken.
const RUNS: usize = 3;

fn main() -> std::io::Result<()> {
    let arguments = arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["replay", settings, predictions, labels, out] => {
            replay(settings, Path::new(predictions), Path::new(labels), Path::new(out));
            Ok(())
        }
        ["parse", predictions, labels] => {
            parse(&[Path::new(predictions), Path::new(labels)]);
            Ok(())
        }
        [count] => tables(count.parse().expect("a number of predictions")),
        _ => tables(if is_measuring() { 1_000_000 } else { 5_000 }),
    }
}

/// The files of one workload.
struct Input {
    name: &'static str,
    settings: &'static str,
    predictions: PathBuf,
    labels: PathBuf,
}

impl Input {
    fn new(folder: &Path, name: &'static str, settings: &'static str, ending: &str) -> Input {
        let path = |role: &str| folder.join(format!("{}.{role}.{ending}", name.replace([' ', ','], "_")));
        Input { name, settings, predictions: path("predictions"), labels: path("labels") }
    }

    fn mib(&self) -> u64 {
        let size = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
        (size(&self.predictions) + size(&self.labels)) >> 20
    }

    fn remove(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.predictions)?;
        std::fs::remove_file(&self.labels)
    }
}

/// What a run cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    events: f64,
    seconds: f64,
    cpu_seconds: f64,
    peak_mib: f64,
}

impl Cost {
    fn print(self) {
        println!("{} {} {} {}", self.events, self.seconds, self.cpu_seconds, self.peak_mib);
    }

    fn read(text: &str) -> Cost {
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [events, seconds, cpu_seconds, peak_mib] = numbers[..] else { panic!("not a cost: {text}") };
        Cost { events, seconds, cpu_seconds, peak_mib }
    }

    fn cpu_us(self) -> f64 {
        1e6 * self.cpu_seconds / self.events
    }
}

fn tables(count: u64) -> std::io::Result<()> {
    let folder = std::env::temp_dir().join(format!("postdict-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    println!(
        "| input | MiB | events | events/s | CPU µs per event | bare parser: CPU µs per event | ratio | peak MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let arrivals = near_labels(count);
    let json = Input::new(&folder, "stream, JSON, windows of a minute", "minute", "ndjson");
    records::write_json(&json.predictions, &json.labels, count, &arrivals)?;
    row(&json, &folder);
    row(&Input { name: "the same, windows of a day by country", settings: "country", ..json.clone_paths() }, &folder);
    json.remove()?;
    let avro = Input::new(&folder, "stream, Avro, windows of a minute", "minute", "avro");
    records::write_avro(&avro.predictions, &avro.labels, count, &arrivals)?;
    row(&avro, &folder);
    row(&Input { name: "the same, windows of a day by country", settings: "country", ..avro.clone_paths() }, &folder);
    avro.remove()?;
    // The slice of flights has some 51,000 events in four weeks. Waiting rows stay for three months, so a year is enough
    // to reach the level that ten years must not exceed.
    let years = [("flights, a year, JSON", count / 76_000), ("flights, ten years, JSON", count / 7_600)];
    for (name, copies) in years {
        let flights = Input::new(&folder, name, "flights", "ndjson");
        copy_flights(&flights, copies.max(1))?;
        row(&flights, &folder);
        flights.remove()?;
    }
    std::fs::remove_dir_all(&folder)
}

impl Input {
    fn clone_paths(&self) -> Input {
        Input {
            name: self.name,
            settings: self.settings,
            predictions: self.predictions.clone(),
            labels: self.labels.clone(),
        }
    }
}

/// Measures a replay and a bare parser in turn.
fn row(input: &Input, folder: &Path) {
    let [predictions, labels] = [&input.predictions, &input.labels].map(|path| path.to_string_lossy().into_owned());
    let out = folder.join("out").to_string_lossy().into_owned();
    let (mut replays, mut parses) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        parses.push(Cost::read(&run_apart(&["parse", &predictions, &labels])));
        replays.push(Cost::read(&run_apart(&["replay", input.settings, &predictions, &labels, &out])));
    }
    let median = |costs: &mut Vec<Cost>| {
        costs.sort_by(|a, b| a.cpu_seconds.total_cmp(&b.cpu_seconds));
        costs[costs.len() / 2]
    };
    let (replay, parse) = (median(&mut replays), median(&mut parses));
    println!(
        "| {} | {} | {} | {:.0} k | {:.2} | {:.2} | {:.2} | {:.0} |",
        input.name,
        input.mib(),
        replay.events,
        replay.events / replay.seconds / 1e3,
        replay.cpu_us(),
        parse.cpu_us(),
        replay.cpu_us() / parse.cpu_us(),
        replay.peak_mib,
    );
}

fn settings(name: &str) -> Arc<Settings> {
    match name {
        "minute" => workload::settings(MINUTE, DAY, false),
        "country" => workload::settings(DAY, DAY, true),
        _ => {
            let segments = ["origin", "carrier"].map(|column| SegmentSet { columns: vec![column.into()] });
            let model = ModelSettings { segments: segments.into(), ..ModelSettings::default() };
            Arc::new(Settings { defaults: Arc::new(model), ..Settings::default() })
        }
    }
}

fn replay(settings_name: &str, predictions: &Path, labels: &Path, out: &Path) {
    let settings = settings(settings_name);
    let config = Config::default();
    let replay = Replay {
        predictions: vec![predictions.to_owned()],
        labels: vec![labels.to_owned()],
        layout: Layout {
            predictions: (config.predictions.format, config.predictions.fields),
            labels: (config.labels.format, config.labels.fields),
            columns: settings.columns(),
        },
        settings,
        at_end: AtEnd::Close,
        revisions: Revisions::Ended,
        with_labelled: false,
        commit_every_ms: None,
        from: None,
        to: None,
        limit: None,
    };
    let started = Instant::now();
    let output = OutputFiles::create(out, false, false).expect("a directory for the output");
    let summary = replay.run(output, &Progress::new(0, false), &Arc::default()).expect("a replay");
    assert!(summary.failures.is_empty() && summary.undecoded_predictions == 0, "{summary:?}");
    Cost {
        events: summary.records as f64,
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(),
        peak_mib: (peak() >> 20) as f64,
    }
    .print();
}

/// Parses the files and does nothing with them: serde_json to nothing, arrow-avro to its columns.
fn parse(paths: &[&Path]) {
    let started = Instant::now();
    let mut events = 0;
    for path in paths {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).expect("an input file"));
        if reader.fill_buf().is_ok_and(|head| head.starts_with(b"Obj\x01")) {
            let batches = ReaderBuilder::new().with_batch_size(8192).build(reader).expect("a container file");
            events += batches.map(|batch| batch.expect("a batch").num_rows()).sum::<usize>();
            continue;
        }
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).expect("a line") > 0 {
            serde_json::from_slice::<IgnoredAny>(&line).expect("a record");
            line.clear();
            events += 1;
        }
    }
    Cost {
        events: events as f64,
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds(),
        peak_mib: (peak() >> 20) as f64,
    }
    .print();
}

/// Writes the shipped flights `copies` times, each four weeks after the one before, with request ids of its own.
fn copy_flights(input: &Input, copies: u64) -> std::io::Result<()> {
    const FOUR_WEEKS: i64 = 28 * DAY;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights");
    // Planes that take off last land in the next copy's first hours: labels stay in the order of their times closely.
    for (role, path) in [("predictions", &input.predictions), ("labels", &input.labels)] {
        let mut text = String::new();
        GzDecoder::new(File::open(folder.join(format!("{role}.ndjson.gz")))?).read_to_string(&mut text)?;
        let mut writer = BufWriter::new(File::create(path)?);
        for copy in 0..copies {
            for line in text.lines() {
                let (before, rest) = line.split_once(r#""timestamp":"#).expect("records have a time");
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let time: i64 = rest[..digits].parse().expect("a time is a number");
                let before = before.replacen(r#""request_id":""#, &format!(r#""request_id":"{copy}-"#), 1);
                writeln!(writer, r#"{before}"timestamp":{}{}"#, time + copy as i64 * FOUR_WEEKS, &rest[digits..])?;
            }
        }
        writer.flush()?;
    }
    Ok(())
}
