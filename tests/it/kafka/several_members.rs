//! Several members: partitions move between them, and no record is lost or counted twice on the way.

use super::broker;
use super::scene::{Member, Scene};

#[test]
fn members_come_and_go() {
    let Some(broker) = broker::shared("members_come_and_go") else { return };
    let scene = Scene::new(broker, "rebalance", 6);
    let mut fed = 0;
    let mut feed = |scene: &Scene| {
        scene.feed(fed..fed + 2000);
        fed += 2000;
        fed
    };
    let first = Member::start(&scene, scene.options(None));
    let all = feed(&scene);
    scene.wait_for_pairs(all as usize);
    // Each change of the group happens while records flow.
    feed(&scene);
    let second = Member::start(&scene, scene.options(None));
    scene.wait_for_owners(2);
    feed(&scene);
    let third = Member::start(&scene, scene.options(Some("third")));
    scene.wait_for_owners(3);
    feed(&scene);
    assert_eq!(first.stopped(), Ok(()));
    let all = feed(&scene);
    scene.wait_for_pairs(all as usize);
    feed(&scene);
    assert_eq!(third.stopped(), Ok(()));
    let all = feed(&scene);
    scene.wait_for_pairs(all as usize);
    assert_eq!(second.stopped(), Ok(()));
    scene.check(0..all);
}
