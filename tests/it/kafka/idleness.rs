//! An input is idle when it was read to its end and is silent, and not before.

use super::broker;
use super::client;
use super::pairing::{Idles, Pairing};
use super::scene::{Member, Scene, WAIT_MAX};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Waits for what both inputs were in turn, as often as that was said.
fn wait_for(idles: &Idles, expected: [&[bool]; 2]) {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let said = idles.lock().unwrap().clone();
        let of = |input: u8| said.iter().filter(move |said| said.1 == input).map(|(_, _, idle)| *idle);
        let found = [0, 1].map(|input| {
            let mut turns: Vec<bool> = of(input).collect();
            turns.dedup();
            turns
        });
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?}, not {expected:?}");
        std::thread::yield_now();
    }
}

#[test]
fn silent_inputs_that_were_read_to_their_end_are_idle_until_a_record_comes() {
    let Some(broker) = broker::shared("silent_inputs_are_idle") else { return };
    let scene = Scene::new(broker, "idle", 1);
    let stage = Pairing::new(&scene.name);
    let idles = Arc::clone(&stage.idles);
    let mut options = scene.options(None);
    options.idle_timeout = Duration::from_millis(300);
    let (left, right) = (scene.topic("left"), scene.topic("right"));
    // The left input ends with marks of transactions, at which no record is; the right one is empty.
    client::write_transaction(&scene.bootstrap, &left, "1", true);
    client::write_transaction(&scene.bootstrap, &left, "2", false);
    let member = Member::start_stage(Arc::new(stage), options);
    wait_for(&idles, [&[true], &[true]]);
    client::write(&scene.bootstrap, [(right.as_str(), 0, "1".to_owned(), Vec::new())]);
    wait_for(&idles, [&[true], &[true, false, true]]);
    assert_eq!(member.stopped(), Ok(()));
}
