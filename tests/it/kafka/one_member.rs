//! One member: start, stop, start again.

use super::broker;
use super::scene::{Member, Scene};
use std::time::{Duration, Instant};

#[test]
fn every_record_is_counted_once() {
    let Some(broker) = broker::shared("every_record_is_counted_once") else { return };
    let scene = Scene::new(broker, "one", 1);
    scene.feed(0..1000);
    let member = Member::start(&scene, scene.options(Some("a")));
    scene.wait_for_pairs(1000);
    scene.feed(1000..3000);
    scene.wait_for_pairs(3000);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(0..3000);
}

#[test]
fn a_stopped_member_goes_on_where_it_was() {
    let Some(broker) = broker::shared("a_stopped_member_goes_on_where_it_was") else { return };
    let scene = Scene::new(broker, "restart", 3);
    for (round, instance) in (0_u64..).zip([Some("a"), Some("a"), None, None]) {
        let member = Member::start(&scene, scene.options(instance));
        let keys = round * 500..(round + 1) * 500;
        scene.feed(keys.clone());
        scene.wait_for_pairs(keys.end as usize);
        let asked = Instant::now();
        assert_eq!(member.stopped(), Ok(()));
        assert!(asked.elapsed() < Duration::from_secs(10), "stopping takes seconds");
        scene.check(0..keys.end);
    }
}

#[test]
fn much_that_waits_is_committed_before_its_time() {
    let Some(broker) = broker::shared("much_that_waits_is_committed_before_its_time") else { return };
    let scene = Scene::new(broker, "early", 2);
    let mut options = scene.options(None);
    options.commit_interval = Duration::from_secs(3600);
    options.uncommitted_bytes_max = 10_000;
    options.fetched_bytes_max = 10_000;
    let member = Member::start(&scene, options);
    scene.feed(0..5000);
    // What is left over does not reach the limit, and is committed by the stop.
    scene.wait_for_pairs(4500);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(0..5000);
}
