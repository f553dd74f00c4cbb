//! The small oracle that comes with the package: the numbers are proven anywhere, without anything else.

use super::columns::{compare, compare_numbers};
use super::compare::{Comparison, Rule};
use super::fold::{Fold, Place};
use super::performance::LONG;
use super::run::{Data, replay};
use super::table::Table;
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn expected(file: &str) -> PathBuf {
    root().join("tests/data").join(file)
}

fn data(folder: &str, ending: &str) -> Data {
    let file = |role: &str| root().join(folder).join(format!("{role}.ndjson.{ending}"));
    Data { predictions: file("predictions"), labels: file("labels") }
}

fn config(days: i64, threshold: f64) -> String {
    format!("defaults: {{windows: [{days}d], label_horizon: {LONG}, threshold: {threshold}}}\n")
}

/// Compares every window of `table`, and that there is no other.
fn compare_windows(what: &str, table: &str, data: &Data, days: i64, threshold: f64, at_least: usize) {
    let fold = replay(data, &config(days, threshold), &[]);
    let table = Table::read(&expected(table));
    let mut comparison = Comparison::of(format!("shipped windows of {what}"));
    let mut windows = Vec::new();
    for line in table.lines() {
        let start = line.integer("window_start");
        assert_eq!(line.integer("window_end") - start, days * DAY);
        windows.push(start);
        compare(&mut comparison, line.text("window_start"), fold.at(&Place::window(days * DAY, start)), line);
    }
    assert_eq!(fold.starts(days * DAY), windows);
    comparison.finish(at_least);
}

/// Compares the columns of `as_of.csv` with what is known at each time, in a window of `days` that holds everything.
fn compare_as_of(what: &str, data: &Data, days: i64, at_least: usize) {
    let mut comparison = Comparison::of(format!("shipped instants of {what}"));
    for line in Table::read(&expected(&format!("{what}/as_of.csv"))).lines() {
        let time = line.text("time");
        let fold: Fold = replay(data, &config(days, 0.5), &["--to", time]);
        let starts = fold.starts(days * DAY);
        assert_eq!(starts.len(), 1, "one window holds everything");
        let metrics = fold.at(&Place::window(days * DAY, starts[0]));
        for (column, metric) in [("predictions", "predictions"), ("joined", "matched"), ("pending", "pending")] {
            comparison.check(time, metrics, metric, Rule::Exact, line.number(column));
        }
        let quality = line.numbers(&["time", "predictions", "joined", "pending"]);
        let joined = ["n", "n_labeled"].into_iter().zip([line.number("predictions"), line.number("joined")]);
        compare_numbers(&mut comparison, time, metrics, quality.chain(joined));
    }
    comparison.finish(at_least);
}

#[test]
fn windows_of_the_weather_agree_with_scikit_learn() {
    compare_windows("weather", "weather/windows.csv", &data("tests/data/weather", "gz"), 91, 0.5, 4_160);
}

#[test]
fn windows_of_car_prices_agree_with_scikit_learn() {
    compare_windows("car_price", "car_price/windows.csv", &data("tests/data/car_price", "zst"), 1, 0.5, 285);
}

#[test]
fn windows_of_flights_agree_with_scikit_learn() {
    compare_windows("flights", "flights/windows.csv", &data("data/flights", "gz"), 7, 0.3, 104);
}

#[test]
fn the_weather_is_known_as_of_instants() {
    compare_as_of("weather", &data("tests/data/weather", "gz"), 30_000, 144);
}

#[test]
fn car_prices_are_known_as_of_instants() {
    compare_as_of("car_price", &data("tests/data/car_price", "zst"), 10_000, 48);
}
