//! What a feature costs: to decode, to count, as bytes of a partial and of a profile, and to read out.
//!
//! `cargo bench --no-default-features --bench features` prints tables. Times are CPU time of one thread, the least of
//! several runs; records are the same in every run.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout, reason = "a benchmark")]
#![allow(dead_code, reason = "of shared modules, each benchmark uses its part")]

mod draws;
#[path = "workload/process.rs"]
mod process;
mod wide;

use postdict::aggregate::features::{FeatureList, feature_mut};
use postdict::aggregate::{Features, Wire};
use postdict::drift::read_out;
use postdict::event::PredictionBatch;
use postdict::event::{DriftSettings, FeatureBins, FeatureValue, ModelSettings, Profile, Reference, Settings};
use postdict::join::PredictionReader;
use postdict::task::{JoinInput, JoinTask};
use process::{ThreadClock, is_measuring};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use wide::{Form, Kind, Wide, origin};

/// Records of a reference, and as many that are counted in its bins; all of them are decoded.
const RECORDS: usize = 8_192;
/// Features of a record.
const FEATURES: [usize; 3] = [10, 50, 200];

fn main() {
    let (records, runs) = if is_measuring() { (RECORDS, 7) } else { (100, 1) };
    let inputs: Vec<(Kind, Wide)> = [Kind::Numbers, Kind::Texts]
        .into_iter()
        .flat_map(|kind| FEATURES.map(|features| (kind, Wide::new(kind, features, 2 * records))))
        .collect();
    records_in(&inputs, runs);
    bytes(&inputs);
    windows(&inputs, runs);
}

/// Least CPU time of `runs` runs, in nanoseconds.
fn least<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    let clock = ThreadClock::new();
    let run = |_| {
        let mut spent = Duration::ZERO;
        black_box(clock.time(&mut spent, &mut work));
        spent.as_nanos() as f64
    };
    (0..runs).map(run).fold(f64::INFINITY, f64::min)
}

fn records_in(inputs: &[(Kind, Wide)], runs: usize) {
    println!("\nRecords, and ns per record; what a feature adds, in ns per record and feature\n");
    println!(
        "| features | bytes JSON / Avro | JSON, none mapped | all mapped | a feature | Avro, none mapped | all mapped | \
         a feature | JOIN, no reference | with it | a feature | with contributions | a feature |"
    );
    println!("|{}", " --- |".repeat(13));
    for (kind, wide) in inputs {
        let decode = |form: Form, is_mapped: bool| {
            let (mut decoder, messages) = (wide.decoder(form, is_mapped), wide.messages(form));
            least(runs, || decoder.decode(&origin(), black_box(&messages)).batch.len()) / messages.len() as f64
        };
        let batch = wide.batch();
        let join = |profile: Option<&Arc<Profile>>, contributions| {
            join(&batch, profile, contributions, runs) / batch.len() as f64
        };
        let [profile, with_outputs] = [wide.profile(), wide.profile_with_outputs()].map(Arc::new);
        let joined = [(None, false), (Some(&profile), false), (Some(&with_outputs), true)];
        let [without, with, with_contributions] = joined.map(|(profile, contributions)| join(profile, contributions));
        let pairs = [
            [decode(Form::Json, false), decode(Form::Json, true)],
            [decode(Form::Avro, false), decode(Form::Avro, true)],
            [without, with],
        ];
        let added = |[without, with]: [f64; 2]| {
            format!("{without:.0} | {with:.0} | {:.1}", (with - without) / wide.features as f64)
        };
        println!(
            "| {} {} | {} / {} | {} | {with_contributions:.0} | {:.1} |",
            wide.features,
            kind.name(),
            wide.bytes(Form::Json),
            wide.bytes(Form::Avro),
            pairs.map(added).join(" | "),
            (with_contributions - without) / wide.features as f64
        );
    }
}

/// Nanoseconds that JOIN takes for all predictions of a batch.
fn join(batch: &PredictionBatch, profile: Option<&Arc<Profile>>, contributions: bool, runs: usize) -> f64 {
    let reference =
        profile.map(|profile| Reference { id: profile.id, from_ms: None, profile: Some(Arc::clone(profile)) });
    let drift = DriftSettings { contributions, ..DriftSettings::default() };
    let references = reference.into_iter().collect();
    let model = ModelSettings { references, drift, ..ModelSettings::default() };
    let settings = Arc::new(Settings { defaults: Arc::new(model), ..Settings::default() });
    let clock = ThreadClock::new();
    let run = |_| {
        let mut task = JoinTask::new(0, Arc::clone(&settings), false);
        let mut reader = PredictionReader::new(batch.clone());
        let mut spent = Duration::ZERO;
        let rejects = clock.time(&mut spent, || task.step(JoinInput::Predictions(&mut reader, 0..batch.len())));
        assert!(rejects.is_empty(), "every prediction waits");
        spent.as_nanos() as f64
    };
    (0..runs).map(run).fold(f64::INFINITY, f64::min)
}

/// The features of the last rows of a batch, as JOIN counts them.
fn counted(batch: &PredictionBatch, profile: &Profile, rows: usize) -> Features {
    let mut features = Features::default();
    for row in batch.len() - rows..batch.len() {
        let list: &mut FeatureList = &mut features.of_mut(profile.id).list;
        for ((number, feature), column) in (0..).zip(&profile.features).zip(&batch.features) {
            let value = column.value(row);
            let number_of = match (&feature.bins, value) {
                (FeatureBins::Numeric(_), FeatureValue::Number(value)) => Some(value),
                _ => None,
            };
            feature_mut(list, number).add(feature.bins.bin_of(value) as u16, number_of);
        }
    }
    features
}

fn bytes(inputs: &[(Kind, Wide)]) {
    println!("\nBytes per feature: packed partials of so many rows of one pane and series, and files of profiles\n");
    println!("| features | partial, 1 row | 100 rows | {RECORDS} rows | profile with sketches | without |");
    println!("|{}", " --- |".repeat(6));
    for (kind, wide) in inputs {
        let batch = wide.batch();
        let mut profile = wide.profile();
        let packed = [1, 100, RECORDS].map(|rows| {
            let mut out = Vec::new();
            counted(&batch, &profile, rows.min(batch.len() / 2)).encode(&mut out);
            format!("{:.1}", out.len() as f64 / wide.features as f64)
        });
        let with = profile.to_json().len() / wide.features;
        profile.features.iter_mut().for_each(|feature| feature.sketches = None);
        let without = profile.to_json().len() / wide.features;
        println!("| {} {} | {} | {with} | {without} |", wide.features, kind.name(), packed.join(" | "));
    }
}

fn windows(inputs: &[(Kind, Wide)], runs: usize) {
    println!(
        "\nReading out a window, µs per feature, by its rows; references of {RECORDS} rows and of ten times as many\n"
    );
    println!("| features | method | reference rows | 100 rows | 1,000 rows | {RECORDS} rows |");
    println!("|{}", " --- |".repeat(6));
    for (kind, wide) in inputs.iter().filter(|(_, wide)| wide.features == FEATURES[1]) {
        let batch = wide.batch();
        let profile = wide.profile();
        let mut larger = profile.clone();
        larger.rows *= 10;
        larger.features.iter_mut().for_each(|feature| feature.counts.iter_mut().for_each(|count| *count *= 10));
        for method in ["jensen_shannon", "kolmogorov_smirnov", "wasserstein_normed"] {
            if *kind == Kind::Texts && method != "jensen_shannon" {
                continue;
            }
            let settings = DriftSettings { method: method.to_owned(), ..DriftSettings::default() };
            for reference in [&profile, &larger] {
                let times = [100, 1_000, RECORDS].map(|rows| {
                    let features = counted(&batch, &profile, rows.min(batch.len() / 2));
                    let list = &features.by_reference()[0].1;
                    let mut out = Vec::new();
                    let ns = least(runs, || {
                        out.clear();
                        read_out(reference, &list.list, &settings, &mut out);
                    });
                    format!("{:.1}", ns / 1e3 / wide.features as f64)
                });
                println!(
                    "| {} {} | {method} | {} | {} |",
                    wide.features,
                    kind.name(),
                    reference.rows,
                    times.join(" | ")
                );
            }
        }
    }
}
