//! A late horizon closes everything by itself: records far beyond it come in, and what is final then is what scikit-learn
//! says of the same rows.

use super::stream::{Good, LABELS, PREDICTIONS, records};
use super::wire::Wire;
use super::{Service, Setup};
use crate::kafka::broker;
use crate::oracle::compare::Comparison;
use crate::oracle::fold::Fold;
use crate::oracle::performance::{compare_split, segments};
use crate::oracle::sets::{Set, Split};
use crate::shared::shared;
use serde_json::{Value, json};

const DAY: i64 = 86_400_000;

impl Service {
    /// Feeds a prediction and its label of another model at `time` to each partition, so that all of them are that far.
    fn close(&self, time: i64) {
        for partition in 0..self.partitions {
            let ids = (0..).map(|number| format!("closing-{number}"));
            let id = ids.into_iter().find(|id| self.place(id) as usize == partition).unwrap();
            let prediction = json!({"request_id": id, "model_id": "closing", "timestamp": time, "score": 0.5});
            let label = json!({"request_id": id, "timestamp": time, "label": 1});
            self.feed(&[Good::new(PREDICTIONS, &prediction), Good::new(LABELS, &label)]);
        }
    }
}

/// Runs a split over two processes, until everything is read; closes it, and compares at least so many numbers.
fn agrees(name: &str, split: Split, partitions: usize, wire: Wire, at_least: usize) {
    let (Some(broker), Some(folder)) = (broker::shared(name), shared(name)) else { return };
    let set = Set::read(&folder, name);
    let whole = set.whole(split);
    let models = set.config(&[set.window, whole.size], "90d", &Vec::from_iter(segments(&set)));
    let service = Service::new(broker, &Setup::new(name, partitions, wire, &models));
    let data = set.data(split);
    service.feed(&records(&[data.predictions, data.labels], usize::MAX));
    let mut running = [service.start("a"), service.start("b")];
    service.agrees_with_replay(&mut running.iter_mut().collect::<Vec<_>>());
    // Behind the end of the last window, the horizon, and what can still be corrected.
    service.close(whole.start + whole.size + 100 * DAY);
    let mut all: Vec<_> = running.iter_mut().collect();
    let of_model = |row: &&super::fold::Row| row["model_id"] == *set.model();
    let folding = service.wait_until(&mut all, &|folding| {
        let open = folding.last_rows().filter(of_model).filter(|row| row["is_final"] == false).count();
        if open == 0 { Ok(()) } else { Err(format!("{open} rows are not final")) }
    });
    let rows = folding.last_rows().filter(of_model).map(|row| {
        let mut row = row.clone();
        row.insert("revision".to_owned(), 1.into());
        serde_json::from_value(Value::Object(row)).unwrap()
    });
    let mut comparison = Comparison::of(format!("{name}, closed on Kafka, and scikit-learn"));
    compare_split(&mut comparison, &set, split, &Fold::of(rows), &["all", "window"]);
    comparison.finish(at_least);
    service.ends_as_replay(running.into());
}

#[test]
fn closed_car_loans_agree_with_scikit_learn() {
    agrees("nml_car_loan", Split::Production, 4, Wire::Json, 1_400);
}

#[test]
fn closed_credit_cards_agree_with_scikit_learn() {
    agrees("nml_multiclass", Split::Production, 4, Wire::Avro, 1_000);
}

#[test]
fn closed_car_prices_agree_with_scikit_learn() {
    agrees("nml_car_price", Split::Production, 1, Wire::Avro, 600);
}

#[test]
fn closed_weather_agrees_with_scikit_learn() {
    agrees("weather", Split::Production, 4, Wire::Avro, 4_000);
}

#[test]
fn closed_late_flights_agree_with_scikit_learn() {
    agrees("nyc_flights_bin", Split::Reference, 1, Wire::Json, 300);
}
