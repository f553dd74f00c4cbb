//! scikit-learn's metrics of every window, count chunk and segment of the seven large sets, and of all their rows.
//!
//! One replay gives them all: chunks of rows play versions of the model, so that every window comes for all versions
//! together (what scikit-learn's windows are) and a window of all rows comes for each chunk.

use super::columns::compare;
use super::compare::Comparison;
use super::fold::{Fold, Place};
use super::run::{Data, Folder, replay};
use super::sets::{Set, Split};
use super::table::{Line, Table};
use crate::shared::shared;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::LazyLock;

/// Longer than any label of the oracle takes.
pub const LONG: &str = "730d";

/// All kinds of lines.
const KINDS: [&str; 3] = ["all", "count", "window"];

/// Columns whose segments were computed.
fn segment_columns(table: &Table) -> Vec<String> {
    let mut columns: Vec<String> = table.lines().iter().map(|line| line.text("segment").to_owned()).collect();
    columns.sort();
    columns.dedup();
    columns
}

/// The tables of a set: windows and chunks, and segments where there are any.
fn tables(set: &Set) -> (Table, Option<Table>) {
    let segments = set.expected("sklearn_performance", ".segments.csv");
    let read = || Table::read(&segments);
    (Table::read(&set.expected("sklearn_performance", ".csv")), segments.is_file().then(read))
}

/// The line of a configuration with the segments that were computed, if any.
pub fn segments(set: &Set) -> Option<String> {
    let (_, table) = tables(set);
    table.map(|table| format!("segments: [{}]", segment_columns(&table).join(", ")))
}

/// What Postdict makes of one split of `set`, chunks as versions; `more` is added to the configuration.
fn replay_chunks(set: &Set, split: Split, more: &[String]) -> Fold {
    let (table, _) = tables(set);
    let more: Vec<String> = segments(set).into_iter().chain(more.iter().cloned()).collect();
    let chunks: Vec<&str> = table
        .having("kind", "count")
        .filter(|line| line.text("split") == split.name())
        .map(|line| line.text("key"))
        .collect();
    let folder = Folder::new();
    let data = set.data(split);
    let predictions = folder.file("predictions.ndjson");
    write_chunks(&data.predictions, &chunks, &predictions);
    let config = set.config(&[set.window, set.whole(split).size], LONG, &more);
    replay(&Data { predictions, labels: data.labels }, &config, &[])
}

/// Copies predictions; each row's version becomes the chunk, `[first:last]`, that it is in.
fn write_chunks(from: &Path, chunks: &[&str], to: &Path) {
    const VERSION: &str = r#""model_version":"1""#;
    let lasts = chunks.iter().map(|chunk| {
        let (_, last) = chunk.trim_matches(['[', ']']).split_once(':').unwrap();
        last.parse::<usize>().unwrap()
    });
    let mut lines = BufReader::new(GzDecoder::new(File::open(from).unwrap())).lines();
    let mut out = BufWriter::new(File::create(to).unwrap());
    let mut row = 0;
    for (chunk, last) in chunks.iter().zip(lasts) {
        for line in lines.by_ref().take(last + 1 - row) {
            let line = line.unwrap();
            assert_eq!(line.matches(VERSION).count(), 1, "{line}");
            writeln!(out, "{}", line.replace(VERSION, &format!(r#""model_version":"{chunk}""#))).unwrap();
        }
        row = last + 1;
    }
    assert!(lines.next().is_none(), "the chunks cover all rows");
    out.flush().unwrap();
}

/// Where the metrics of a line are.
pub fn place_of(set: &Set, split: Split, line: &Line) -> Place {
    let whole = set.whole(split);
    match line.text("kind") {
        "all" => whole,
        "count" => whole.version(line.text("key")),
        "window" => Place::window(set.window, line.integer("key")),
        kind => panic!("unknown kind {kind}"),
    }
}

/// Segment values as JSON writes them.
fn segment_value(text: &str) -> &str {
    match text {
        "True" => "true",
        "False" => "false",
        _ => text,
    }
}

/// Compares one split with every line about it, of the kinds that are given (`all`, `window`, `count`), and segments.
pub fn compare_split(comparison: &mut Comparison, set: &Set, split: Split, fold: &Fold, kinds: &[&str]) {
    let (table, segments) = tables(set);
    let mut windows = Vec::new();
    for line in table.having("split", split.name()).filter(|line| kinds.contains(&line.text("kind"))) {
        let place = place_of(set, split, line);
        if line.text("kind") == "window" {
            windows.push(place.start);
        }
        let name = format!("{} {} {}", split.name(), line.text("kind"), line.text("key"));
        compare(comparison, &name, fold.at(&place), line);
        expired(comparison, &name, fold, &place, line);
    }
    windows.sort_unstable();
    assert_eq!(fold.starts(set.window), windows, "{}: windows of {}", set.name, split.name());
    for line in segments.iter().flat_map(|segments| segments.having("split", split.name())) {
        let (key, value) = (line.text("segment"), segment_value(line.text("value")));
        let place = set.whole(split).segment(key, value);
        let name = format!("{} {key}={value}", split.name());
        compare(comparison, &name, fold.at(&place), line);
        expired(comparison, &name, fold, &place, line);
    }
    assert!(fold.rows().all(|row| row.is_final), "all is closed at the end");
}

/// What has no label in the end has expired.
fn expired(comparison: &mut Comparison, name: &str, fold: &Fold, place: &Place, line: &Line) {
    let found = fold.at(place).get("expired").and_then(|row| row.value).unwrap_or(f64::NAN);
    comparison.equal(name, "expired", found, (line.integer("n") - line.integer("n_labeled")) as f64);
}

fn agrees(name: &str, at_least: usize) {
    let Some(shared) = shared(name) else { return };
    let set = Set::read(&shared, name);
    let mut comparison = Comparison::of(format!("{name} and scikit-learn"));
    for split in Split::BOTH {
        compare_split(&mut comparison, &set, split, &replay_chunks(&set, split, &[]), &KINDS);
    }
    comparison.finish(at_least);
}

/// A set and what was published of its splits.
pub type Published = (Set, Vec<(Split, Fold)>);

/// The employment data with its protected columns, both splits: `fairness` reads the same.
pub static EMPLOYMENT: LazyLock<Option<Published>> = LazyLock::new(|| {
    let set = Set::read(&shared("nml_ma_employment")?, "nml_ma_employment");
    let fairness = ["fairness: {protected: [SEX, RAC1P], min_group: 1}".to_owned()];
    let folds = Split::BOTH.map(|split| (split, replay_chunks(&set, split, &fairness)));
    Some((set, folds.into()))
});

#[test]
fn car_loan_agrees_with_scikit_learn() {
    agrees("nml_car_loan", 3_321);
}

#[test]
fn weather_agrees_with_scikit_learn() {
    agrees("weather", 6_156);
}

#[test]
fn flights_late_agree_with_scikit_learn() {
    agrees("nyc_flights_bin", 3_240);
}

#[test]
fn flight_delays_agree_with_scikit_learn() {
    agrees("nyc_flights_reg", 2_380);
}

#[test]
fn card_types_agree_with_scikit_learn() {
    agrees("nml_multiclass", 3_300);
}

#[test]
fn car_prices_agree_with_scikit_learn() {
    agrees("nml_car_price", 1_600);
}

#[test]
fn employment_agrees_with_scikit_learn() {
    let Some((set, folds)) = &*EMPLOYMENT else { return };
    let mut comparison = Comparison::of("nml_ma_employment and scikit-learn");
    for (split, fold) in folds {
        compare_split(&mut comparison, set, *split, fold, &KINDS);
    }
    comparison.finish(3_618);
}
