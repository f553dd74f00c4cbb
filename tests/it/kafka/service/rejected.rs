//! Records that can be read and that only the join cannot use: too late, or not of the model's task. Each becomes a dead
//! letter once, is counted where it shows, and changes nothing else that is published.

use super::fold::{Folding, Row};
use super::stream::{Bad, Good, LABELS, PREDICTIONS, records};
use super::wire::Wire;
use super::{Service, Setup, shipped_flights, verifier};
use crate::kafka::broker;
use crate::kafka::client;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// State leaves soon, so that what comes long after is late. Another model predicts numbers.
const MODELS: &str = "defaults: {windows: [1d, 7d], label_horizon: 3d, correction_horizon: 6h}\n\
                      models: {flight-late15: {task: binary, segments: [origin]}, arrival: {task: regression}}\n";

/// What counts records that are rejected.
const COUNTS: [&str; 3] = ["late_predictions", "late_labels", "dead_letters"];

fn bad(input: usize, record: &Value, reason: &'static str) -> Bad {
    let id = record["request_id"].as_str().unwrap();
    Bad { input, key: Some(id.as_bytes().to_vec()), value: Some(record.to_string().into_bytes()), reason }
}

/// What the daily windows of all that is counted say, summed up, by metric.
fn counted(folding: &Folding) -> BTreeMap<&str, f64> {
    let is_daily =
        |row: &&Row| row["window_size_ms"] == 86_400_000 && row["segment_key"] == "" && row["model_version"] == "";
    let mut sums = BTreeMap::from(COUNTS.map(|metric| (metric, 0.0)));
    for row in folding.last_rows().filter(is_daily) {
        if let Some(sum) = sums.get_mut(row["metric"].as_str().unwrap()) {
            *sum += row["value"].as_f64().unwrap();
        }
    }
    sums
}

/// All other rows about the model, without their revisions.
fn others(folding: &Folding, model: &str) -> BTreeMap<String, Row> {
    let is_other = |row: &Row| row["model_id"] == model && !COUNTS.contains(&row["metric"].as_str().unwrap());
    folding.fold().into_iter().filter(|(_, row)| is_other(row)).collect()
}

#[test]
fn what_only_the_join_can_reject_is_counted_once_and_leaves_the_rest_alone() {
    let Some(broker) = broker::shared("what_only_the_join_can_reject") else { return };
    let service = Service::new(broker, &Setup::new("rejected", 2, Wire::Json, MODELS));
    let flights = records(&shipped_flights(), 16_000);
    let newest = |input: usize| flights.iter().filter(|good| good.input == input).map(|good| good.time).max().unwrap();
    let (first, last) = (flights[0].time, newest(PREDICTIONS));
    // It is there before its label is: of one that has waited only the place is known, not the bytes.
    let number = json!({"request_id": "number", "model_id": "arrival", "timestamp": last, "predicted_value": 3.5});
    service.feed(&flights);
    service.feed(&[Good::new(PREDICTIONS, &number)]);
    service.ends_as_replay(vec![service.start("a")]);
    let before = verifier::at_rest(&service);

    let model = "flight-late15";
    let flight = |id: &str, time: i64, output: &str, value: f64| {
        json!({"request_id": id, "model_id": model, "model_version": "1", "timestamp": time,
               "features": {"origin": "LGA"}, output: value})
    };
    let label = |id: &str, time: i64, label: Value| json!({"request_id": id, "timestamp": time, "label": label});
    let rejected = [
        ("late", PREDICTIONS, flight("late", first, "score", 0.5)),
        ("late", LABELS, label("unheard-of", first, json!(1))),
        ("wrong_task", PREDICTIONS, flight("other", last, "predicted_value", 3.5)),
        ("wrong_label", LABELS, label("number", newest(LABELS), json!("soon"))),
    ];
    let record = |(reason, input, record): &(&'static str, usize, Value)| {
        let bad = bad(*input, record, reason);
        let place = service.place(record["request_id"].as_str().unwrap()) as usize;
        let topic = service.topic(["predictions", "labels"][*input]);
        // Three of these numbers in a row are of one partition.
        (topic, service.bad_record(&bad, 3 * place))
    };
    let records: Vec<_> = rejected.iter().map(record).collect();
    client::write_records(&service.bootstrap, records.iter().map(|(topic, record)| (topic.as_str(), record.clone())));

    let mut process = service.start("a");
    let due = BTreeMap::from([("late_predictions", 1.0), ("late_labels", 1.0), ("dead_letters", 2.0)]);
    service.wait_until(&mut [&mut process], &|folding| {
        let counted = counted(folding);
        if counted == due { Ok(()) } else { Err(format!("{counted:?}")) }
    });
    service.ends(vec![process]);
    verifier::at_standstill(&service);
    let after = service.published();
    assert_eq!(counted(&after), due, "and no more");
    let others = [&before, &after].map(|folding| others(folding, model));
    assert!(others[0].len() > 1000, "{} rows", others[0].len());
    assert!(others[0] == others[1], "a rejected record changed more than what counts it");
}
