//! What cannot go on stops, and says why and what to do.

use super::broker::{self, Broker};
use super::client;
use super::member;
use super::pairing::{PANIC_RESTORING, PANIC_RUNNING, Pairing};
use super::scene::{Member, Scene};
use postdict::stage::block::Block;
use std::sync::Arc;
use std::time::Duration;

/// Runs a member over 100 pairs and stops it, so that there is something to be damaged.
fn with_history(scene: &Scene) {
    let member = Member::start(scene, scene.options(Some("a")));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(0..100);
}

fn said(complaint: &str, parts: &[&str]) {
    for part in parts {
        assert!(complaint.contains(part), "`{part}` is not in: {complaint}");
    }
}

#[test]
fn a_missing_topic_is_named() {
    let Some(broker) = broker::shared("a_missing_topic_is_named") else { return };
    let scene = Scene::new(broker, "missing", 1);
    client::delete_topic(&scene.bootstrap, &scene.topic("right"));
    let complaint = Member::start(&scene, scene.options(None)).complaint();
    said(&complaint, &["cannot start", "there is no topic", &scene.topic("right"), "create the topic"]);
}

#[test]
fn refused_credentials_are_named() {
    let Some(broker) = broker::shared("refused_credentials_are_named") else { return };
    let scene = Scene::new(broker, "credentials", 1);
    let mut options = scene.options(None);
    for (name, value) in [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "a"),
        ("sasl.password", "hunter2"),
    ] {
        options.properties.insert(name.to_owned(), value.to_owned());
    }
    let complaint = Member::start(&scene, options).complaint();
    said(&complaint, &["cannot start", "check the credentials"]);
    assert!(!complaint.contains("hunter2"), "{complaint}");
}

#[test]
fn a_topic_deleted_under_a_member_is_named() {
    let Some(broker) = broker::shared("a_topic_deleted_under_a_member_is_named") else { return };
    let scene = Scene::new(broker, "deleted", 1);
    let member = Member::start(&scene, scene.options(None));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    client::delete_topic(&scene.bootstrap, &scene.topic("right"));
    said(&member.complaint(), &[&scene.topic("right")]);
}

#[test]
fn different_partition_counts_are_named() {
    let Some(broker) = broker::shared("different_partition_counts_are_named") else { return };
    let scene = Scene::new(broker, "counts", 2);
    client::delete_topic(&scene.bootstrap, &scene.topic("right"));
    client::recreate_topic(&scene.bootstrap, &scene.topic("right"), 3);
    let complaint = Member::start(&scene, scene.options(None)).complaint();
    said(&complaint, &[&scene.topic("right"), "3 partitions", "2", "equally many"]);
}

/// One of the topics gets a third partition under a member: the topic, and what it ends with.
fn complaint_at_growth(broker: &Broker, name: &str, role: &str) -> (String, String) {
    let scene = Scene::new(broker, name, 2);
    let member = Member::start(&scene, scene.options(None));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    let topic = scene.topic(role);
    client::add_partitions(&scene.bootstrap, &topic, 3);
    (topic, member.complaint())
}

#[test]
fn more_partitions_than_at_the_start_are_named() {
    let Some(broker) = broker::shared("more_partitions_than_at_the_start_are_named") else { return };
    let (topic, complaint) = complaint_at_growth(broker, "grown", "pairs");
    said(&complaint, &[&topic, "had 2 partitions and now has 3"]);
}

#[test]
fn more_partitions_of_one_input_are_not_answered_with_more_of_the_other() {
    let Some(broker) = broker::shared("more_partitions_of_one_input") else { return };
    let (topic, complaint) = complaint_at_growth(broker, "lopsided", "left");
    said(&complaint, &[&topic, "had 2 partitions and now has 3", "keys are in other partitions"]);
}

#[test]
fn a_record_that_is_too_large_is_refused_once() {
    let Some(broker) = broker::shared("a_record_that_is_too_large_is_refused_once") else { return };
    let scene = Scene::new(broker, "large", 1);
    // Larger than what the producer takes, and larger than what the topic takes.
    for (padding, named) in [(3_000_000, "3000002 bytes"), (1_500_000, "pairs/0")] {
        let mut stage = Pairing::new(&scene.name);
        stage.padding = padding;
        let mut options = scene.options(None);
        options.properties.insert("compression.type".to_owned(), "none".to_owned());
        let member = Member::start_stage(Arc::new(stage), options);
        client::write(
            &scene.bootstrap,
            ["left", "right"].map(|role| (role, "1")).map(|(role, key)| {
                // The topic's name lives as long as the test.
                let topic: &'static str = Box::leak(scene.topic(role).into_boxed_str());
                (topic, 0, key.to_owned(), Vec::new())
            }),
        );
        said(&member.complaint(), &[named, "max.message.bytes"]);
    }
    assert_eq!(client::read_committed(&scene.bootstrap, &scene.topic("pairs")), []);
    // A commit may have come between the two inputs; none has the pair.
    for record in client::read_committed(&scene.bootstrap, &scene.topic("changelog")) {
        let lines = String::from_utf8(Block::decode(&record.value).unwrap().payload).unwrap();
        assert!(!lines.contains("P "), "{lines}");
    }
}

#[test]
fn offsets_that_were_reset_by_hand_are_named() {
    let Some(broker) = broker::shared("offsets_that_were_reset_by_hand_are_named") else { return };
    let scene = Scene::new(broker, "reset", 1);
    with_history(&scene);
    scene.feed(100..150);
    for (offset, named) in [(40, "is 40"), (130, "is 130")] {
        client::set_group_offset(&scene.bootstrap, &scene.group(), &scene.topic("left"), 0, offset);
        let complaint = Member::start(&scene, scene.options(Some("a"))).complaint();
        said(&complaint, &[&scene.topic("left"), named, "goes on at 100", "--to-offset 100"]);
    }
    // Following the advice helps.
    client::set_group_offset(&scene.bootstrap, &scene.group(), &scene.topic("left"), 0, 100);
    let member = Member::start(&scene, scene.options(Some("a")));
    scene.feed(150..200);
    scene.wait_for_pairs(200);
    assert_eq!(member.stopped(), Ok(()));
    scene.check(0..200);
}

#[test]
fn records_deleted_before_they_were_read_are_named() {
    let Some(broker) = broker::shared("records_deleted_before_they_were_read_are_named") else { return };
    let scene = Scene::new(broker, "retention", 1);
    with_history(&scene);
    scene.feed(100..200);
    client::delete_records(&scene.bootstrap, &scene.topic("right"), 0, 150);
    let complaint = Member::start(&scene, scene.options(Some("a"))).complaint();
    said(&complaint, &[&scene.topic("right"), "begins at offset 150", "50 records were deleted"]);
}

#[test]
fn records_deleted_under_a_member_before_they_were_read_are_named() {
    let Some(broker) = broker::shared("records_deleted_under_a_member") else { return };
    let scene = Scene::new(broker, "eaten", 1);
    let mut member = member::start(&scene, "a", None);
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    member.signal("STOP");
    // What it asked for is answered within 100 ms, with nothing; after that it asks for nothing.
    std::thread::sleep(Duration::from_millis(500));
    scene.feed(100..200);
    client::delete_records(&scene.bootstrap, &scene.topic("right"), 0, 150);
    member.signal("CONT");
    assert!(!member.ended().success(), "{}", member.said());
    said(&member.said(), &[&scene.topic("right"), "begins at offset 150", "50 records were deleted"]);
}

#[test]
fn a_damaged_changelog_is_refused_with_its_place() {
    let Some(broker) = broker::shared("a_damaged_changelog_is_refused_with_its_place") else { return };
    let good = |scene: &Scene| {
        let last = client::read_committed(&scene.bootstrap, &scene.topic("changelog")).pop().unwrap();
        (last.offset, Block::decode(&last.value).unwrap())
    };
    let corrupt = |block: &Block| {
        let mut bytes = block.encode();
        bytes[20] ^= 1;
        bytes
    };
    let newer = |block: &Block| {
        let mut bytes = block.encode();
        bytes[4] = 9;
        bytes.truncate(bytes.len() - 4);
        let crc = crc32fast::hash(&bytes);
        bytes.extend(crc.to_le_bytes());
        bytes
    };
    let leap = |block: &Block| Block { commit: block.commit + 2, ..block.clone() }.encode();
    for (kind, named) in ["its checksum is wrong", "format 9, newer", "does not follow"].into_iter().enumerate() {
        let damage = [corrupt, newer, leap][kind];
        let scene = Scene::new(broker, "damaged", 1);
        with_history(&scene);
        let (_, block) = good(&scene);
        let topic = scene.topic("changelog");
        let at = client::ends(&scene.bootstrap, &topic)[0].0;
        client::write(&scene.bootstrap, [(topic.as_str(), 0, String::new(), damage(&block))]);
        let complaint = Member::start(&scene, scene.options(Some("a"))).complaint();
        said(&complaint, &[named, &format!("`{topic}`/0"), &format!("offset {at}")]);
    }
}

#[test]
fn a_changelog_that_was_deleted_is_refused() {
    let Some(broker) = broker::shared("a_changelog_that_was_deleted_is_refused") else { return };
    let scene = Scene::new(broker, "emptied", 1);
    with_history(&scene);
    client::delete_topic(&scene.bootstrap, &scene.topic("changelog"));
    client::recreate_topic(&scene.bootstrap, &scene.topic("changelog"), 1);
    said(&Member::start(&scene, scene.options(Some("a"))).complaint(), &["is empty", "the changelog was deleted"]);
}

#[test]
fn a_changelog_that_was_emptied_is_refused_though_the_groups_offsets_have_expired() {
    let Some(broker) = broker::shared("a_changelog_that_was_emptied_is_refused") else { return };
    let scene = Scene::new(broker, "expired", 1);
    let changelog = scene.topic("changelog");
    client::write(&scene.bootstrap, (0..5).map(|_| (changelog.as_str(), 0, String::new(), b"state".to_vec())));
    client::delete_records(&scene.bootstrap, &changelog, 0, 5);
    let complaint = Member::start(&scene, scene.options(Some("a"))).complaint();
    said(&complaint, &[&changelog, "is empty, but begins at offset 5", "start anew"]);
}

#[test]
fn two_members_with_one_name_are_told_apart() {
    let Some(broker) = broker::shared("two_members_with_one_name_are_told_apart") else { return };
    let scene = Scene::new(broker, "twins", 1);
    let first = Member::start(&scene, scene.options(Some("twin")));
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    let second = Member::start(&scene, scene.options(Some("twin")));
    said(&first.complaint(), &["POSTDICT_INSTANCE"]);
    scene.feed(100..200);
    scene.wait_for_pairs(200);
    assert_eq!(second.stopped(), Ok(()));
    scene.check(0..200);
}

#[test]
fn a_stage_that_panics_ends_the_run() {
    let Some(broker) = broker::shared("a_stage_that_panics_ends_the_run") else { return };
    let scene = Scene::new(broker, "panic", 1);
    let write = |role: &str, key: &str| {
        client::write(&scene.bootstrap, [(scene.topic(role).as_str(), 0, key.to_owned(), Vec::new())]);
    };
    let member = Member::start(&scene, scene.options(None));
    ["left", "right"].into_iter().for_each(|role| write(role, PANIC_RESTORING));
    scene.wait_for_pairs(1);
    write("left", PANIC_RUNNING);
    said(&member.complaint(), &["stage `pairing` stopped", "a bug"]);
    let complaint = Member::start(&scene, scene.options(None)).complaint();
    said(&complaint, &["stage `pairing` stopped", "a bug", "pairing-restore"]);
}
