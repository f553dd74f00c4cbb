//! A topic that was deleted and created again is not the one that was read, also where its offsets say nothing.

use super::broker;
use super::client;
use super::scene::{Member, Scene};

/// Deletes the left input, and makes another with more records than were read from it.
fn replace_left(scene: &Scene) {
    let left = scene.topic("left");
    client::delete_topic(&scene.bootstrap, &left);
    client::recreate_topic(&scene.bootstrap, &left, scene.partitions);
    client::write(&scene.bootstrap, (1000..1300).map(|key: u64| (left.as_str(), 0, key.to_string(), Vec::new())));
}

fn refused(scene: &Scene, complaint: &str) {
    for part in [&scene.topic("left"), "deleted and created again", "postdict topics reset"] {
        assert!(complaint.contains(part), "`{part}` is not in: {complaint}");
    }
    let counted = client::read_committed(&scene.bootstrap, &scene.topic("pairs")).len();
    assert_eq!(counted, 100, "nothing of the new topic was paired");
}

#[test]
fn an_input_created_again_while_nobody_ran_is_refused() {
    let Some(broker) = broker::shared("an_input_created_again_while_nobody_ran_is_refused") else { return };
    let scene = Scene::new(broker, "recreated", 1);
    let member = Member::start(&scene, scene.options(Some("a")));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    assert_eq!(member.stopped(), Ok(()));
    replace_left(&scene);
    // Again and again: there is no way around it.
    for _ in 0..2 {
        refused(&scene, &Member::start(&scene, scene.options(Some("a"))).complaint());
    }
}

#[test]
fn an_input_created_again_under_a_member_is_refused() {
    let Some(broker) = broker::shared("an_input_created_again_under_a_member_is_refused") else { return };
    let scene = Scene::new(broker, "replaced", 1);
    let member = Member::start(&scene, scene.options(Some("a")));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    replace_left(&scene);
    refused(&scene, &member.complaint());
    refused(&scene, &Member::start(&scene, scene.options(Some("a"))).complaint());
}
