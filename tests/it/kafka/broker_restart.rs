//! A broker that is killed and comes back: members wait, and go on by themselves.

use super::broker;
use super::scene::{Member, Scene};

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
}
