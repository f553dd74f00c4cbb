//! Where a first start begins to read, and that a later one goes on where it was.

use super::broker;
use super::deployment::{Deployment, Settings};
use super::scene::{Member, Scene, WAIT_MAX};
use postdict::config::Start;
use std::time::{Instant, SystemTime};

fn started(scene: &Scene, start: Start) -> Member {
    let mut options = scene.options(Some("a"));
    options.start = start;
    Member::start(scene, options)
}

#[test]
fn a_start_at_the_end_leaves_out_what_was_there_and_nothing_after() {
    let Some(broker) = broker::shared("a_start_at_the_end") else { return };
    let scene = Scene::new(broker, "latest", 2);
    scene.feed(0..100);
    // Where each partition began is durable before any record came.
    let member = started(&scene, Start::Latest);
    scene.wait_for("changelog", 2);
    assert_eq!(member.stopped(), Ok(()));
    // So what comes while nobody runs is read, although it was there at this start.
    scene.feed(100..200);
    let member = started(&scene, Start::Latest);
    scene.wait_for_pairs(100);
    scene.feed(200..300);
    scene.wait_for_pairs(200);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(100..300);
}

#[test]
fn a_start_at_a_time_begins_with_the_first_record_of_that_time() {
    let Some(broker) = broker::shared("a_start_at_a_time") else { return };
    let scene = Scene::new(broker, "since", 2);
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64;
    scene.feed(0..100);
    let time = now() + 1;
    while now() <= time {
        std::thread::yield_now();
    }
    scene.feed(100..200);
    let member = started(&scene, Start::At(time));
    scene.wait_for_pairs(100);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(100..200);
}

#[test]
fn a_start_at_a_time_that_has_not_come_begins_at_the_end() {
    let Some(broker) = broker::shared("a_start_at_a_time_that_has_not_come") else { return };
    let scene = Scene::new(broker, "future", 1);
    scene.feed(0..100);
    let member = started(&scene, Start::At(4_000_000_000_000));
    scene.wait_for("changelog", 1);
    scene.feed(100..200);
    scene.wait_for_pairs(100);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(100..200);
}

#[test]
fn the_service_starts_where_its_configuration_says_and_only_once() {
    let Some(broker) = broker::shared("the_service_starts_where_its_configuration_says") else { return };
    let settings = Settings { lines: "start: latest", ..Settings::default() };
    let deployment = Deployment::new(&broker.bootstrap, "configured-start", settings);
    deployment.create_topics(1);
    deployment.produce(100);
    let mut service = deployment.start(&["run"]);
    let deadline = Instant::now() + WAIT_MAX;
    // What is in the log is where it began.
    while deployment.read(&format!("{}-join-changelog", deployment.name)).is_empty() {
        assert!(service.runs() && Instant::now() < deadline, "{}", service.said());
    }
    assert!(service.said().contains("reads from `start: latest` on"), "{}", service.said());
    deployment.produce(40);
    // All of these, so the partials between the stages are read from their beginning.
    deployment.wait_for_matched(40, &mut service);
    service.signal("TERM");
    assert!(service.ended().success(), "{}", service.said());
    deployment.produce(10);
    let mut service = deployment.start(&["run"]);
    deployment.wait_for_matched(50, &mut service);
    assert_eq!(service.said().matches("`start: latest` has no effect").count(), 1, "{}", service.said());
}
