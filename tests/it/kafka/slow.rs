//! Brokers that are slow, or stand still: what goes in waits for what goes out, in the topics and not in memory.

use super::broker::{self, java};
use super::deployment::{Deployment, Settings};
use super::scene::{Member, Scene};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn a_broker_that_stands_still_for_longer_than_every_time_out_is_waited_for() {
    let Some(broker) = broker::own("a_broker_that_stands_still") else { return };
    let scene = Scene::new(&broker, "frozen", 2);
    let members = [Some("a"), None].map(|instance| Member::start(&scene, scene.options(instance)));
    scene.feed(0..1000);
    scene.wait_for_pairs(500);
    // Sessions end after 6 s and transactions after 10 s; connections stay open, and nothing comes.
    broker.signal("STOP");
    std::thread::sleep(Duration::from_secs(13));
    broker.signal("CONT");
    scene.feed(1000..2000);
    scene.wait_for_pairs(2000);
    for member in members {
        assert_eq!(member.stopped(), Ok(()));
    }
    scene.check(0..2000);
}

/// Records of each input: as many that they do not fit the memory that is allowed.
const RECORDS: usize = 60_000;
const RECORD_BYTES: usize = 3_000;
/// What the service may take: its queues and buffers are about 100 MB, the input is 360 MB.
const RESIDENT_MAX_MB: u64 = 260;

#[test]
fn outputs_that_are_slow_hold_the_inputs_back() {
    let test = "outputs_that_are_slow_hold_the_inputs_back";
    let Some((broker, jars)) = broker::own(test).and_then(|broker| Some((broker, java(test)?))) else { return };
    let deployment = Deployment::new(&broker.bootstrap, "slow", Settings::default());
    deployment.create_topics(2);
    deployment.produce_padded(RECORDS, RECORD_BYTES);
    // Brokers hold back the answers to producers that write more than this.
    let limit =
        ["--alter", "--add-config", "producer_byte_rate=150000", "--entity-type", "clients", "--entity-default"];
    let limited = Command::new("java")
        .args(["-Xmx128m", "-cp", &format!("{}/*", jars.display()), "kafka.admin.ConfigCommand"])
        .args(["--bootstrap-server", &broker.bootstrap])
        .args(limit)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stderr));
    let started = Instant::now();
    let mut service = deployment.start(&["run"]);
    let mut resident_max = 0;
    while !deployment.has_matched(RECORDS) {
        resident_max = resident_max.max(resident_mb(&deployment).unwrap_or(0));
        assert!(service.runs() && started.elapsed() < Duration::from_secs(150), "{}", service.said());
    }
    assert!(started.elapsed() > Duration::from_secs(10), "the outputs were slow: {:?}", started.elapsed());
    assert!((1..RESIDENT_MAX_MB).contains(&resident_max), "{resident_max} MB");
    service.signal("TERM");
    assert!(service.ended().success(), "{}", service.said());
}

/// Memory of the deployment's process, in megabytes.
fn resident_mb(deployment: &Deployment) -> Option<u64> {
    let config = deployment.config().display().to_string();
    let process = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path()).find(|process| {
        fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.split('\0').any(|word| word == config))
    })?;
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
