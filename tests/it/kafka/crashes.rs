//! Members that are killed or stopped, at each step and at any moment.

use super::broker::{self, folder};
use super::client;
use super::member::{self, SESSION, TRANSACTION};
use super::scene::{Scene, WAIT_MAX};
use std::time::{Duration, Instant};

/// Every step of a commit and of a restore at which a member can be killed.
const STEPS: [&str; 12] = [
    "restore.offsets",
    "restore.settled",
    "restore.read",
    "commit.begin",
    "commit.begun",
    "commit.half_sent",
    "commit.sent",
    "commit.flushed",
    "commit.guarded",
    "commit.offsets",
    "commit.done",
    "revoke",
];

#[test]
fn a_member_killed_at_any_step_goes_on_after_a_restart() {
    let Some(broker) = broker::shared("a_member_killed_at_any_step_goes_on_after_a_restart") else { return };
    let scene = Scene::new(broker, "steps", 2);
    let mut fed = 0;
    for step in STEPS {
        scene.feed(fed..fed + 300);
        fed += 300;
        let mut member = member::start(&scene, "a", Some(step));
        if step == "revoke" {
            scene.wait_for_pairs(fed as usize);
            member.signal("TERM");
        }
        member.killed_itself();
    }
    let member = member::start(&scene, "a", None);
    scene.wait_for_pairs(fed as usize);
    member.stopped();
    scene.check(0..fed);
}

#[test]
fn another_member_takes_over_from_one_that_was_killed_in_a_transaction() {
    let Some(broker) = broker::shared("another_member_takes_over") else { return };
    let scene = Scene::new(broker, "takeover", 2);
    scene.feed(0..500);
    // Without names, so that the second waits for the session and the transaction of the first to time out.
    let mut first = member::start(&scene, "-1", Some("commit.offsets"));
    first.killed_itself();
    let second = member::start(&scene, "-2", None);
    scene.wait_for_pairs(500);
    second.stopped();
    scene.check(0..500);
}

#[test]
fn members_killed_at_random_moments_count_each_record_once() {
    let Some(broker) = broker::shared("members_killed_at_random_moments") else { return };
    let scene = Scene::new(broker, "chaos", 4);
    // The moments differ from run to run; a run that fails says which they were.
    let mut seed = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut members = [member::start(&scene, "a", None), member::start(&scene, "b", None)];
    let mut fed = 0;
    for _ in 0..16 {
        scene.feed(fed..fed + 400);
        fed += 400;
        // No synchronisation: any moment is right.
        std::thread::sleep(Duration::from_millis(random(1500)));
        let chosen = random(2) as usize;
        let next = member::start(&scene, ["a", "b"][chosen], None);
        std::mem::replace(&mut members[chosen], next).kill();
    }
    scene.wait_for_pairs(fed as usize);
    for member in members {
        member.stopped();
    }
    scene.check(0..fed);
}

#[test]
fn a_member_that_was_frozen_past_its_session_and_transaction_does_no_harm() {
    let Some(broker) = broker::shared("a_member_that_was_frozen") else { return };
    for step in ["commit.flushed", "commit.offsets"] {
        let scene = Scene::new(broker, "frozen", 2);
        scene.feed(0..300);
        let mut frozen = member::start_frozen(&scene, "-1", step);
        frozen.wait_until_frozen();
        let second = member::start(&scene, "-2", None);
        // Done by the second alone, after session and transaction of the first timed out.
        scene.wait_for_pairs(300);
        frozen.signal("CONT");
        scene.feed(300..600);
        scene.wait_for_pairs(600);
        // The first comes back into the group.
        scene.wait_for_owners(2);
        assert!(frozen.runs(), "{step}: {}", frozen.said());
        scene.feed(600..900);
        scene.wait_for_pairs(900);
        frozen.stopped();
        second.stopped();
        scene.check(0..900);
    }
}

#[test]
fn a_transaction_that_the_broker_ended_is_written_anew() {
    let Some(broker) = broker::shared("a_transaction_that_the_broker_ended") else { return };
    let scene = Scene::new(broker, "fenced", 1);
    // It stays a member all the time; only its transaction times out.
    let variables = [
        ("POSTDICT_FAILPOINT", "commit.flushed:3"),
        ("POSTDICT_FAILPOINT_STOP", "1"),
        (SESSION, "60000"),
        (TRANSACTION, "2000"),
    ];
    let mut member = member::start_with(&scene, "a", &variables);
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    for round in 1..3 {
        scene.feed(round * 100..(round + 1) * 100);
    }
    member.wait_until_frozen();
    // The mark of the abort follows the records.
    let deadline = Instant::now() + WAIT_MAX;
    let topic = scene.topic("changelog");
    while client::ends(&scene.bootstrap, &topic)[0].0 != client::ends(&scene.bootstrap, &topic)[0].1 {
        assert!(Instant::now() < deadline, "the broker does not end the transaction");
    }
    member.signal("CONT");
    member.wait_for("the producer was replaced");
    scene.feed(300..400);
    scene.wait_for_pairs(400);
    member.stopped();
    scene.check(0..400);
}

#[test]
fn a_commit_that_a_rebalance_overtakes_is_sent_again() {
    let Some(broker) = broker::shared("a_commit_that_a_rebalance_overtakes") else { return };
    let scene = Scene::new(broker, "overtaken", 4);
    let go_on = folder("hold").join("go-on");
    let mut first = member::start_held(&scene, "a", "commit.guarded", &go_on, &[]);
    scene.feed(0..400);
    first.wait_for("failpoint: held");
    // The second makes the group go on to its next generation, while the first holds the identity of the old one.
    let second = member::start(&scene, "b", None);
    scene.wait_for_generation_change();
    std::fs::write(&go_on, "").unwrap();
    first.wait_for("committing the same again");
    scene.wait_for_pairs(400);
    scene.wait_for_owners(2);
    scene.feed(400..800);
    scene.wait_for_pairs(800);
    first.stopped();
    second.stopped();
    scene.check(0..800);
}

#[test]
fn a_member_that_joined_again_does_not_commit_what_it_took_in_before() {
    let Some(broker) = broker::shared("a_member_that_joined_again") else { return };
    let scene = Scene::new(broker, "rejoined", 2);
    let go_on = folder("hold").join("go-on");
    let mut first = member::start_held(&scene, "-1", "commit.begun", &go_on, &[]);
    scene.feed(0..300);
    first.wait_for("failpoint: held");
    first.signal("STOP");
    let second = member::start(&scene, "-2", None);
    // Done by the second alone, as the first was expelled.
    scene.wait_for_pairs(300);
    first.signal("CONT");
    // Its membership is a new one, with a good identity, while its engine is still in the old commit.
    scene.wait_for_owners(2);
    std::fs::write(&go_on, "").unwrap();
    first.wait_for("the assignment is lost");
    scene.feed(300..600);
    scene.wait_for_pairs(600);
    first.stopped();
    second.stopped();
    scene.check(0..600);
}
