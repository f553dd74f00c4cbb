//! A broker that is killed and comes back: members wait, and go on by themselves.

use super::broker;
use super::scene::{Member, Scene};
use std::time::{Duration, Instant};

#[test]
fn members_go_on_by_themselves_after_the_broker_was_killed() {
    let Some(mut broker) = broker::own("members_go_on_by_themselves_after_the_broker_was_killed") else { return };
    let scene = Scene::new(&broker, "outage", 2);
    let members = [Some("a"), None].map(|instance| Member::start(&scene, scene.options(instance)));
    scene.feed(0..1000);
    scene.wait_for_pairs(1000);
    scene.feed(1000..3000);
    broker.kill();
    broker.up();
    scene.feed(3000..4000);
    scene.wait_for_pairs(4000);
    for member in members {
        assert_eq!(member.stopped(), Ok(()));
    }
    scene.check(0..4000);

    // A member that is started before the broker waits for it.
    broker.kill();
    let member = Member::start(&scene, scene.options(Some("a")));
    broker.up();
    scene.feed(4000..5000);
    scene.wait_for_pairs(5000);
    // One that is stopped while the broker is away does not wait for ever.
    broker.kill();
    let mut asked = Instant::now();
    let unfinished = member.stopped();
    assert!(asked.elapsed() < Duration::from_secs(15), "{unfinished:?} after {:?}", asked.elapsed());
    let member = Member::start(&scene, scene.options(None));
    asked = Instant::now();
    assert_eq!(member.stopped(), Ok(()), "nothing was begun");
    assert!(asked.elapsed() < Duration::from_secs(15));
}
