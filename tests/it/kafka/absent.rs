//! What does not come is told once, by the clock, and its end too, whatever is killed meanwhile; and nobody misses what could
//! not be seen because nobody looked.

use super::alerting::Alerting;
use super::broker;
use postdict::event::alert::{AlertCause, AlertState};
use std::time::{Duration, SystemTime};

const FOR_MS: i64 = 3_000;
const SILENT: &str = "{id: silent, absent: predictions, for: 3s}";

fn now() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}

#[test]
fn a_model_that_falls_silent_and_speaks_again_is_told_once_each_whatever_is_killed() {
    let Some(broker) = broker::shared("a_model_that_falls_silent") else { return };
    let alerting = Alerting::new(broker, "absent", SILENT);
    let model = "m";
    let mut service = alerting.deployment.start_as("a");
    alerting.predict(model, 0, 1);
    let row = alerting.wait_for(model, 1, &mut service);
    assert_eq!((row.state, row.cause), (AlertState::NoData, AlertCause::Time));
    assert!(row.evaluated_at >= row.started_at.unwrap() + FOR_MS, "{row:?}");
    service.kill();

    // Whoever comes next knows that it was told.
    let mut service = alerting.deployment.start_as("a");
    alerting.predict(model, 1, 1);
    let row = alerting.wait_for(model, 2, &mut service);
    assert_eq!((row.state, row.cause), (AlertState::Resolved, AlertCause::Time));
    service.kill();

    // Nor does it hinder that it is killed while it waits.
    let mut service = alerting.deployment.start_as("a");
    assert_eq!(alerting.wait_for(model, 3, &mut service).state, AlertState::NoData);
    alerting.predict(model, 2, 1);
    assert_eq!(alerting.wait_for(model, 4, &mut service).state, AlertState::Resolved);
    service.stopped();
}

#[test]
fn a_service_that_was_stopped_for_long_waits_anew_before_it_misses_anything() {
    let Some(broker) = broker::shared("a_service_that_was_stopped_for_long") else { return };
    let alerting = Alerting::new(broker, "stopped", SILENT);
    let model = "m";
    // On a busy machine it may be silent for too long before it is stopped.
    let told = (0..10).find_map(|minute| {
        let mut service = alerting.deployment.start_as("a");
        alerting.predict(model, minute, 1);
        alerting.wait_until_predicted(model, minute as usize + 1, &mut service);
        service.stopped();
        let told = alerting.told(model);
        let is_open = told.last().is_some_and(|row| row.state.is_open());
        (!is_open).then_some(told.len())
    });
    let told = told.expect("it is stopped while nothing is missed");
    // Nothing happens meanwhile that could be waited for.
    std::thread::sleep(Duration::from_millis(FOR_MS as u64 + 1_000));
    let started = now();
    let mut service = alerting.deployment.start_as("a");
    let row = alerting.wait_for(model, told + 1, &mut service);
    assert_eq!(row.state, AlertState::NoData);
    assert!(row.evaluated_at >= started + FOR_MS, "{} ms after the start", row.evaluated_at - started);
    assert!(row.started_at.unwrap() < started, "since when it did not come: {row:?}");
    service.stopped();
}
