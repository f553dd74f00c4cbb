//! Three brokers, each of which is lost once: leaders of partitions and coordinators of groups and transactions move, and
//! members go on by themselves.

use super::cluster::Cluster;
use super::member;
use super::process::Process;
use super::scene::Scene;
use super::scene::unique;

const PARTITIONS: i32 = 3;
/// Pairs that are fed with all brokers there, and as many with one of them gone.
const PAIRS: u64 = 300;

#[test]
fn members_go_on_while_each_broker_is_lost_in_turn() {
    let Some(mut cluster) = Cluster::start("members_go_on_while_each_broker_is_lost_in_turn") else { return };
    let scene = Scene { bootstrap: cluster.bootstrap.clone(), name: unique("leaders"), partitions: PARTITIONS };
    let topics = ["left", "right", "pairs", "changelog"].map(|role| scene.topic(role));
    cluster.create_topics(&topics, PARTITIONS as usize);
    let mut members = ["a", "-b"].map(|instance| member::start(&scene, instance, None));
    scene.wait_for_owners(2);
    let mut fed = 0;
    let mut feed = || {
        scene.feed(fed..fed + PAIRS);
        fed += PAIRS;
        fed
    };
    for broker in 0..3 {
        let all = feed();
        scene.wait_for_pairs(all as usize);
        // There is work while the broker goes.
        feed();
        cluster.kill(broker);
        let all = feed();
        scene.wait_for_pairs(all as usize);
        assert!(members.iter_mut().all(Process::runs), "nobody had to do anything");
        cluster.up(broker, &topics);
    }
    let all = feed();
    scene.wait_for_pairs(all as usize);
    for member in members {
        let log = member.said();
        assert!(log.contains("WARN") && !log.contains("ERROR"), "{log}");
        // A few lines for each time and client, not a flood.
        assert!(log.lines().count() < 300, "{} lines: {log}", log.lines().count());
        member.stopped();
    }
    scene.check(0..all);
}
