//! Brokers that are slow, or stand still: what goes in waits for what goes out, in the topics and not in memory.

use super::broker::{self, java};
use super::client;
use super::deployment::{Deployment, Settings};
use super::scene::{Member, Scene};
use std::collections::BTreeSet;
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

/// Predictions that cannot be used, so that each goes out again as a dead letter, larger than it came in.
const RECORDS: usize = 90_000;
const RECORD_BYTES: usize = 3_000;
/// What brokers take in a second; they hold back the answers to more.
const OUTPUT_RATE: usize = 12_000_000;
/// What the service may take. Its queues and buffers, full, are half of it; the input is 270 MB, the output 360 MB.
const RESIDENT_MAX_MB: u64 = 300;

/// Records of letters at random, which no compression makes go away.
fn unusable() -> String {
    let mut dice = 1_u64;
    let mut letter = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (dice >> 59) as u8 % 26)
    };
    let letters: String = (0..1 << 20).map(|_| letter()).collect();
    let record = |i: usize| {
        let noise = &letters[i * 7919 % (letters.len() - RECORD_BYTES)..][..RECORD_BYTES];
        format!("{{\"request_id\":\"r{i}\",\"model_id\":\"m\",\"timestamp\":1700000000000,\"score\":\"{noise}\"}}\n")
    };
    (0..RECORDS).map(record).collect()
}

#[test]
fn outputs_that_are_slow_hold_the_inputs_back() {
    let test = "outputs_that_are_slow_hold_the_inputs_back";
    let Some((broker, jars)) = broker::own(test).and_then(|broker| Some((broker, java(test)?))) else { return };
    let deployment = Deployment::new(&broker.bootstrap, "slow", Settings::default());
    deployment.create_topics(2);
    let file = deployment.write("unusable.ndjson", &unusable());
    let (code, said) = deployment.run(&["produce", "--predictions", &file]);
    assert_eq!(code, Some(0), "{said}");
    let limit = format!("producer_byte_rate={OUTPUT_RATE}");
    let limited = Command::new("java")
        .args(["-Xmx128m", "-cp", &format!("{}/*", jars.display()), "kafka.admin.ConfigCommand"])
        .args(["--bootstrap-server", &broker.bootstrap, "--alter", "--add-config", &limit])
        .args(["--entity-type", "clients", "--entity-default"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(limited.status.success(), "{}", String::from_utf8_lossy(&limited.stderr));
    let started = Instant::now();
    let mut service = deployment.start(&["run"]);
    let (mut resident_max, dead_letters) = (0, deployment.topic("dead_letters"));
    let written = || client::ends(&broker.bootstrap, &dead_letters).iter().map(|(_, stable)| stable).sum::<i64>();
    while written() < RECORDS as i64 {
        resident_max = resident_max.max(resident_mb(&deployment).unwrap_or(0));
        assert!(service.runs() && started.elapsed() < Duration::from_secs(150), "{}", service.said());
    }
    println!("{resident_max} MB, {:?}", started.elapsed());
    assert!(started.elapsed() > Duration::from_secs(10), "the outputs were slow: {:?}", started.elapsed());
    assert!((1..RESIDENT_MAX_MB).contains(&resident_max), "{resident_max} MB");
    service.signal("TERM");
    assert!(service.ended().success(), "{}", service.said());
    // Each once, and none lost.
    let letters = deployment.read(&dead_letters);
    let keys: BTreeSet<&str> = letters.iter().map(|letter| letter.key.as_str()).collect();
    assert_eq!((letters.len(), keys.len()), (RECORDS, RECORDS));
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
