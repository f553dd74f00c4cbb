//! Two stages in one process, the second reading what the first commits, and its input again after each start.

use super::broker;
use super::client;
use super::counting::Counting;
use super::pairing::Pairing;
use super::scene::{Member, Scene};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn a_stage_behind_a_stage_counts_each_record_once_though_it_reads_them_again() {
    let Some(broker) = broker::shared("a_stage_behind_a_stage") else { return };
    let scene = Scene::new(broker, "chained", 2);
    let topics = ["counts", "counting"].map(|role| scene.topic(role));
    client::create_topics(&scene.bootstrap, &[(&topics[0], 3), (&topics[1], 2)]);
    for round in 0..4_u64 {
        let stages: [Arc<dyn postdict::stage::work::Stage>; 2] =
            [Arc::new(Pairing::new(&scene.name)), Arc::new(Counting::new(&scene.name))];
        let member = Member::start_stages(stages.to_vec(), scene.options((round > 1).then_some("a")));
        let end = (round + 1) * 300;
        scene.feed(round * 300..end);
        scene.wait_for("counts", end as usize);
        assert_eq!(member.stopped(), Ok(()));
        scene.check(0..end);
        let counts = client::read_committed(&scene.bootstrap, &topics[0]);
        let keys: BTreeSet<&str> = counts.iter().map(|count| count.key.as_str()).collect();
        let values: BTreeSet<&[u8]> = counts.iter().map(|count| count.value.as_slice()).collect();
        assert_eq!((counts.len(), keys.len(), values.len()), (end as usize, end as usize, end as usize));
        // Without a partition a record goes where its key says: everywhere, and the same key always to the same.
        let places: BTreeSet<i32> = counts.iter().map(|count| count.partition).collect();
        assert_eq!(places.len(), 3);
    }
}
