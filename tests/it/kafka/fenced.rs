//! A member whose name is taken from it in the group, as a broker does that handles late what it was sent before: it goes on
//! by itself, under a membership that is new, and commits nothing in the name of the old one.

use super::broker::{self, folder};
use super::client;
use super::member::{self, TRANSACTION};
use super::scene::{Scene, WAIT_MAX};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::time::{Duration, Instant};

/// What a member says that joins again.
const JOINS_AGAIN: &str = "the name of this process was taken in the group";

/// Somebody else with a member's name. It never leaves: whoever has a name does not.
struct Taker(BaseConsumer);

impl Taker {
    /// Joins; the member is fenced then.
    fn join(scene: &Scene, instance: &str) -> Taker {
        let consumer: BaseConsumer = client::config(&scene.bootstrap)
            .set("group.id", scene.group())
            .set("group.instance.id", instance)
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "100")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        consumer.subscribe(&[&scene.topic("left")]).unwrap();
        let taker = Taker(consumer);
        // Where the member is quick, it has its name back before this one is given anything.
        taker.poll_until("is given nothing", || taker.owns() || taker.is_fenced());
        taker
    }

    /// Waits until the member has its name back.
    fn replaced(self) {
        self.poll_until("keeps the name", || self.is_fenced());
    }

    fn owns(&self) -> bool {
        self.0.assignment().unwrap().count() > 0
    }

    fn is_fenced(&self) -> bool {
        self.0.client().fatal_error().is_some_and(|(code, _)| code == Code::FencedInstanceId)
    }

    fn poll_until(&self, otherwise: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + WAIT_MAX;
        while !is_so() {
            let _ = self.0.poll(Duration::from_millis(20));
            assert!(Instant::now() < deadline, "the other one {otherwise}");
        }
    }
}

#[test]
fn a_member_that_is_fenced_goes_on_by_itself_and_ends_if_it_is_fenced_again() {
    let Some(broker) = broker::shared("a_member_that_is_fenced_goes_on") else { return };
    let scene = Scene::new(broker, "fenced-once", 3);
    let mut first = member::start(&scene, "a", None);
    scene.feed(0..300);
    scene.wait_for_pairs(300);
    let taker = Taker::join(&scene, "a");
    scene.feed(300..600);
    first.wait_for(JOINS_AGAIN);
    taker.replaced();
    scene.wait_for_pairs(600);
    scene.feed(600..900);
    scene.wait_for_pairs(900);
    // Twice within minutes is a twin.
    let _twin = Taker::join(&scene, "a");
    assert!(!first.ended().success(), "{}", first.said());
    assert!(first.said().contains("another process has the same POSTDICT_INSTANCE"), "{}", first.said());
    assert_eq!(first.said().matches(JOINS_AGAIN).count(), 1, "{}", first.said());
    let next = member::start(&scene, "a", None);
    scene.feed(900..1200);
    scene.wait_for_pairs(1200);
    next.stopped();
    scene.check(0..1200);
}

#[test]
fn what_a_member_was_committing_when_it_was_fenced_is_refused() {
    let Some(broker) = broker::shared("what_a_member_was_committing_when_it_was_fenced") else { return };
    // Before it looks at its identity, which is that of the new membership then; and after, which only the brokers refuse.
    for (step, refusal) in
        [("commit.begun", "the assignment is lost"), ("commit.guarded", "committing: adding the positions")]
    {
        let scene = Scene::new(broker, "fenced-commit", 2);
        let go_on = folder("hold").join("go-on");
        let mut member = member::start_held(&scene, "a", step, &go_on, &[(TRANSACTION, "60000")]);
        scene.feed(0..300);
        member.wait_for("failpoint: held");
        // The member has its name back, while its engine is still in the old commit.
        Taker::join(&scene, "a").replaced();
        scene.wait_for_owners(1);
        std::fs::write(&go_on, "").unwrap();
        member.wait_for(refusal);
        scene.feed(300..600);
        scene.wait_for_pairs(600);
        assert!(member.said().contains(JOINS_AGAIN), "{step}: {}", member.said());
        member.stopped();
        scene.check(0..600);
    }
}

#[test]
fn a_member_that_is_fenced_while_it_stops_stops() {
    let Some(broker) = broker::shared("a_member_that_is_fenced_while_it_stops") else { return };
    let scene = Scene::new(broker, "fenced-stop", 2);
    let go_on = folder("hold").join("go-on");
    let mut first = member::start_held(&scene, "a", "revoke", &go_on, &[]);
    scene.feed(0..300);
    scene.wait_for_pairs(300);
    first.signal("TERM");
    first.wait_for("failpoint: held");
    let taker = Taker::join(&scene, "a");
    scene.feed(300..600);
    std::fs::write(&go_on, "").unwrap();
    assert!(first.ended().success(), "{}", first.said());
    drop(taker);
    let next = member::start(&scene, "a", None);
    scene.wait_for_pairs(600);
    next.stopped();
    scene.check(0..600);
}
