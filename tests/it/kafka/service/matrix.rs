//! Sets of the oracle over partitions, processes and formats: the fold of what is published is what `replay` says.

use super::stream::records;
use super::wire::Wire;
use super::{Service, Setup};
use crate::kafka::broker::{self, Broker};
use crate::kafka::process::Process;
use crate::shared::shared;
use std::path::{Path, PathBuf};

/// A set, and a configuration for it: `defaults` and the model's own.
pub struct Set {
    pub name: &'static str,
    models: &'static str,
}

/// Horizons are longer than the streams, so that nothing is late or without a partner in whatever order processes come to it.
pub const SETS: [Set; 5] = [
    Set {
        name: "nml_car_loan",
        models: "defaults: {windows: [7d, {size: 28d, advance: 7d}], label_horizon: 730d, early_label_retention: 730d}\n\
                 models: {car-loan: {task: binary, segments: [salary_range]}}\n",
    },
    Set {
        name: "nml_multiclass",
        models: "defaults: {windows: [7d], label_horizon: 730d, early_label_retention: 730d}\n\
                 models: {credit-card-type: {task: multiclass, segments: [app_channel]}}\n",
    },
    Set {
        name: "nml_car_price",
        models: "defaults: {windows: [1d], label_horizon: 730d, early_label_retention: 730d}\n\
                 models: {car-price: {task: regression, segments: [[fuel, transmission]]}}\n",
    },
    Set {
        name: "weather",
        models: "defaults: {windows: [91d, 728d], label_horizon: 14600d, early_label_retention: 14600d}\nmodels: {weather-rain: {task: binary}}\n",
    },
    Set {
        name: "nyc_flights_bin",
        models: "defaults: {windows: [1d], label_horizon: 730d, early_label_retention: 730d}\n\
                 models: {flight-late15: {task: binary, threshold: 0.3, segments: [origin]}}\n",
    },
];

/// The names of the processes.
const INSTANCES: [&str; 3] = ["a", "b", "c"];

/// One cell of the product.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub processes: usize,
    pub partitions: usize,
    pub wire: Wire,
}

/// The production files of a set.
fn files(folder: &Path, set: &str) -> [PathBuf; 2] {
    ["predictions", "labels"].map(|role| folder.join(format!("data/{set}.{role}.ndjson.gz")))
}

/// Three cells per set, so that each set meets each number of processes, both numbers of partitions and both formats, and
/// each combination of the three is met by some set.
fn covering(set: usize) -> [Cell; 3] {
    [1, 2, 3].map(|processes| {
        let chosen = (set + processes) % 4;
        let wire = if chosen / 2 == 0 { Wire::Json } else { Wire::Avro };
        Cell { processes, partitions: [1, 4][chosen % 2], wire }
    })
}

/// Runs a cell: one process finds the topics full, several find them empty, so that each of them has a part of the work.
fn run(broker: &Broker, files: &[PathBuf; 2], limit: usize, set: &Set, cell: Cell) {
    let service = Service::new(broker, &Setup::new(set.name, cell.partitions, cell.wire, set.models));
    let records = records(files, limit);
    if cell.processes == 1 {
        service.feed(&records);
    }
    let running: Vec<Process> = INSTANCES[..cell.processes].iter().map(|name| service.start(name)).collect();
    if cell.processes > 1 {
        service.wait_for_owners("join", cell.processes.min(cell.partitions));
        service.feed(&records);
    }
    service.ends_as_replay(running);
}

/// The cells of one set at the same time: they wait more than they work.
fn agrees(number: usize) {
    let set = &SETS[number];
    let (Some(broker), Some(folder)) = (broker::shared(set.name), shared(set.name)) else { return };
    let files = files(&folder, set.name);
    std::thread::scope(|scope| {
        for cell in covering(number) {
            let files = &files;
            scope.spawn(move || run(broker, files, 6_000, set, cell));
        }
    });
}

#[test]
fn car_loans_agree_with_replay() {
    agrees(0);
}

#[test]
fn credit_cards_agree_with_replay() {
    agrees(1);
}

#[test]
fn car_prices_agree_with_replay() {
    agrees(2);
}

#[test]
fn weather_agrees_with_replay() {
    agrees(3);
}

#[test]
fn late_flights_agree_with_replay() {
    agrees(4);
}

#[test]
fn the_cells_cover_what_they_should() {
    let mut all = std::collections::BTreeSet::new();
    for set in 0..SETS.len() {
        let cells = covering(set);
        assert!([1, 4].iter().all(|count| cells.iter().any(|cell| cell.partitions == *count)));
        assert!([Wire::Json, Wire::Avro].iter().all(|wire| cells.iter().any(|cell| cell.wire == *wire)));
        all.extend(cells.iter().map(|cell| (cell.processes, cell.partitions, cell.wire == Wire::Avro)));
    }
    assert_eq!(all.len(), 12);
}

/// All 60 runs over whole sets: `cargo test --test it -- --ignored the_full_product`.
#[test]
#[ignore = "takes the better part of an hour"]
fn the_full_product_agrees_with_replay() {
    let (Some(broker), Some(folder)) = (broker::shared("the_full_product"), shared("the_full_product")) else { return };
    for set in &SETS {
        let files = files(&folder, set.name);
        for (partitions, wire) in [(1, Wire::Json), (1, Wire::Avro), (4, Wire::Json), (4, Wire::Avro)] {
            std::thread::scope(|scope| {
                for processes in 1..=3 {
                    let (files, cell) = (&files, Cell { processes, partitions, wire });
                    scope.spawn(move || run(broker, files, usize::MAX, set, cell));
                }
            });
            println!("{}: {partitions} partitions, {wire:?}: agrees with 1, 2 and 3 processes", set.name);
        }
    }
}
