//! What is deleted behind a snapshot while another reads: the beginning of a changelog, by a partition's last owner while the
//! next one restores it; or records of an input, by its next owner while one that was expelled does not know that yet.

use super::broker;
use super::client;
use super::member;
use super::pairing::Pairing;
use super::scene::{Member, Scene};
use postdict::stage::block::Block;
use postdict::stage::work::{Description, Restore, Restored, Stage, StateError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Commits in the log, and the one in which its snapshot begins.
const COMMITS: u64 = 100;
const BASE: u64 = 60;

/// The stage of the tests, with a changelog that is cut when its first record is read.
struct Cut {
    pairing: Pairing,
    scene: Scene,
    /// How often the log was begun to be read.
    begun: Arc<AtomicUsize>,
}

struct CutRestore {
    restore: Box<dyn Restore>,
    scene: Option<Scene>,
}

impl Stage for Cut {
    fn description(&self) -> &Description {
        self.pairing.description()
    }

    fn restore(&self, partition: i32) -> Box<dyn Restore> {
        let is_first = self.begun.fetch_add(1, Ordering::SeqCst) == 0;
        let scene = is_first.then(|| self.scene.clone());
        Box::new(CutRestore { restore: self.pairing.restore(partition), scene })
    }
}

impl Restore for CutRestore {
    fn apply(&mut self, positions: &[i64], payload: &[u8]) -> Result<(), StateError> {
        if let Some(scene) = self.scene.take() {
            client::delete_records(&scene.bootstrap, &scene.topic("changelog"), 0, BASE as i64 - 1);
        }
        self.restore.apply(positions, payload)
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        self.restore.finish()
    }
}

/// A block that is long, so that the client does not have the whole log before the first is applied.
fn block(commit: u64) -> Vec<u8> {
    let block = Block {
        stage: "pairing".to_owned(),
        partition: 0,
        commit,
        is_base: commit == BASE,
        piece: 0,
        pieces: 1,
        topics: vec![None, None],
        previous: vec![0, 0],
        next: vec![0, 0],
        payload: format!("U {commit}\n").repeat(10_000).into_bytes(),
    };
    block.encode()
}

#[test]
fn a_changelog_that_is_cut_while_it_is_read_is_read_again() {
    let Some(broker) = broker::shared("a_changelog_that_is_cut_while_it_is_read") else { return };
    let scene = Scene::new(broker, "truncated", 1);
    let changelog = scene.topic("changelog");
    let blocks = (1..=COMMITS).map(|commit| (changelog.as_str(), 0, String::new(), block(commit)));
    client::write(&scene.bootstrap, blocks);
    let begun = Arc::new(AtomicUsize::new(0));
    let stage = Cut { pairing: Pairing::new(&scene.name), scene: scene.clone(), begun: Arc::clone(&begun) };
    let mut options = scene.options(Some("a"));
    // One answer of the broker is in the client at a time.
    for (name, value) in [("queued.min.messages", "1"), ("fetch.message.max.bytes", "100000")] {
        options.properties.insert(name.to_owned(), value.to_owned());
    }
    let member = Member::start_stage(Arc::new(stage), options);
    scene.feed(0..50);
    scene.wait_for_pairs(50);
    assert_eq!(member.stopped(), Ok(()));
    assert_eq!(begun.load(Ordering::SeqCst), 2, "the log was cut while it was read");
    // It went on behind the log that is left.
    let last = client::read_committed(&scene.bootstrap, &changelog).pop().expect("a log");
    let last = Block::decode(&last.value).expect("whole");
    assert!(last.commit > COMMITS && last.next == [50, 50], "commit {} at {:?}", last.commit, last.next);
}

#[test]
fn a_member_that_was_expelled_does_not_end_at_what_the_next_owner_has_deleted() {
    let Some(broker) = broker::shared("a_member_that_was_expelled_does_not_end") else { return };
    let scene = Scene::new(broker, "expelled", 1);
    let mut first = member::start(&scene, "-first", None);
    scene.feed(0..100);
    scene.wait_for_pairs(100);
    first.signal("STOP");
    let second = Member::start(&scene, scene.options(None));
    scene.feed(100..200);
    // Once the first one's session has ended.
    scene.wait_for_pairs(200);
    for role in ["left", "right"] {
        client::delete_records(&scene.bootstrap, &scene.topic(role), 0, 200);
    }
    first.signal("CONT");
    scene.wait_for_generation_change();
    assert!(first.runs(), "{}", first.said());
    // It takes over.
    assert_eq!(second.stopped(), Ok(()));
    scene.feed(200..300);
    scene.wait_for_pairs(300);
    first.signal("TERM");
    assert!(first.ended().success(), "{}", first.said());
    assert!(first.said().contains("lost"), "{}", first.said());
    scene.check(0..300);
}
