//! One test's own topics on the shared broker: what is fed, what must come out, and who checks it.

use super::broker::Broker;
use super::client;
use super::pairing::Pairing;
use postdict::config::Config;
use postdict::stage::block::{Block, Chain};
use postdict::stage::work::Stage;
use postdict::stage::{Options, RunError, Stop, run};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// For everything that is waited for: longer than any time-out in the settings of the tests, also on a busy machine.
pub const WAIT_MAX: Duration = Duration::from_secs(120);

/// A name that no other test and no other run has.
pub fn unique(test: &str) -> String {
    let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{test}-{}-{nanos:x}", std::process::id())
}

/// The topics of a test.
#[derive(Clone)]
pub struct Scene {
    pub bootstrap: String,
    pub name: String,
    pub partitions: i32,
}

impl Scene {
    /// Makes the topics.
    pub fn new(broker: &Broker, test: &str, partitions: i32) -> Scene {
        let name = unique(test);
        let scene = Scene { bootstrap: broker.bootstrap.clone(), name, partitions };
        let topics = ["left", "right", "pairs", "changelog"].map(|role| scene.topic(role));
        let topics: Vec<(&str, i32)> = topics.iter().map(|topic| (topic.as_str(), partitions)).collect();
        client::create_topics(&scene.bootstrap, &topics);
        scene
    }

    pub fn topic(&self, role: &str) -> String {
        format!("{}.{role}", self.name)
    }

    pub fn group(&self) -> String {
        format!("{}-pairing", self.name)
    }

    /// Quick ones.
    pub fn options(&self, instance: Option<&str>) -> Options {
        let mut config = Config::default();
        config.kafka.bootstrap_servers.clone_from(&self.bootstrap);
        config.kafka.application_id.clone_from(&self.name);
        config.kafka.properties.insert("session.timeout.ms".to_owned(), "6000".to_owned());
        config.kafka.properties.insert("heartbeat.interval.ms".to_owned(), "300".to_owned());
        let mut options = Options::new(&config, instance.map(str::to_owned)).unwrap();
        options.commit_interval = Duration::from_millis(50);
        options.transaction_timeout = Duration::from_secs(10);
        options.topic_check_interval = Duration::from_millis(500);
        options.stop_timeout = Duration::from_secs(10);
        options
    }

    /// Writes the pairs of these keys: both inputs, in opposite orders.
    pub fn feed(&self, keys: Range<u64>) {
        let (left, right) = (self.topic("left"), self.topic("right"));
        let place = |key: u64| (key % self.partitions as u64) as i32;
        let lefts = keys.clone().map(|key| (left.as_str(), place(key), key.to_string(), b"left".to_vec()));
        let rights = keys.rev().map(|key| (right.as_str(), place(key), key.to_string(), b"right".to_vec()));
        client::write(&self.bootstrap, lefts.chain(rights));
    }

    /// Waits until so many pairs are committed.
    pub fn wait_for_pairs(&self, count: usize) {
        self.wait_for("pairs", count);
    }

    /// Waits until so many records are committed in a topic.
    pub fn wait_for(&self, role: &str, count: usize) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let found = client::read_committed(&self.bootstrap, &self.topic(role)).len();
            if found >= count {
                return;
            }
            assert!(Instant::now() < deadline, "{}: {found} of {count} {role}", self.name);
        }
    }

    /// Waits until so many members own partitions.
    pub fn wait_for_owners(&self, count: usize) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let owners = client::owners(&self.bootstrap, &self.group());
            if owners == count {
                return;
            }
            assert!(Instant::now() < deadline, "{}: {owners} of {count} members own partitions", self.name);
        }
    }

    /// Waits until the group has two members that agreed on a generation.
    pub fn wait_for_generation_change(&self) {
        let deadline = Instant::now() + WAIT_MAX;
        while client::members(&self.bootstrap, &self.group()) != ("Stable".to_owned(), 2) {
            assert!(Instant::now() < deadline, "{}: the second does not join", self.name);
        }
    }

    /// Checks everything that was written, from the topics alone: each key once in each input and once as a pair.
    pub fn check(&self, keys: Range<u64>) {
        for role in ["pairs", "changelog"] {
            for (partition, (high, stable)) in (0..).zip(client::ends(&self.bootstrap, &self.topic(role))) {
                assert_eq!(high, stable, "{}: an open transaction in {role}/{partition}", self.name);
            }
        }
        let mut written: BTreeMap<(i32, u64), BTreeSet<String>> = BTreeMap::new();
        for pair in client::read_committed(&self.bootstrap, &self.topic("pairs")) {
            let value = String::from_utf8(pair.value).unwrap();
            let unit = value.split(' ').next().unwrap().parse().unwrap();
            let new = written.entry((pair.partition, unit)).or_default().insert(pair.key.clone());
            assert!(new, "{}: pair {} twice in unit {unit} of {}", self.name, pair.key, pair.partition);
        }
        let mut seen: BTreeMap<(char, String), u32> = BTreeMap::new();
        let mut logged: BTreeMap<(i32, u64), BTreeSet<String>> = BTreeMap::new();
        let mut chains: BTreeMap<i32, Chain> = BTreeMap::new();
        let mut units: BTreeMap<i32, u64> = BTreeMap::new();
        for record in client::read_committed(&self.bootstrap, &self.topic("changelog")) {
            let block = Block::decode(&record.value).unwrap();
            let chain = chains.entry(record.partition).or_insert_with(|| Chain::new("pairing", record.partition, 2));
            chain.follow(&block).unwrap_or_else(|error| panic!("{}/{}: {error}", self.name, record.partition));
            let unit = units.entry(record.partition).or_default();
            for line in std::str::from_utf8(&block.payload).unwrap().lines() {
                let (kind, key) = line.split_once(' ').unwrap();
                match kind {
                    "U" => {
                        *unit += 1;
                        assert_eq!(key, unit.to_string(), "{}: units are numbered", self.name);
                    }
                    "P" => assert!(logged.entry((record.partition, *unit)).or_default().insert(key.to_owned())),
                    _ => {}
                }
                if kind != "U" {
                    *seen.entry((kind.chars().next().unwrap(), key.to_owned())).or_default() += 1;
                }
            }
        }
        assert_eq!(logged, written, "{}: outputs are those of their commits", self.name);
        for key in keys.clone() {
            for kind in ['L', 'R', 'P'] {
                let count = seen.remove(&(kind, key.to_string())).unwrap_or_default();
                assert_eq!(count, 1, "{}: {kind} {key} was counted {count} times", self.name);
            }
        }
        assert_eq!(seen, BTreeMap::new(), "{}: never fed", self.name);
        for (partition, chain) in chains {
            let (_, positions) = chain.finish().unwrap();
            for (role, position) in ["left", "right"].into_iter().zip(positions.unwrap()) {
                let committed = client::group_offset(&self.bootstrap, &self.group(), &self.topic(role), partition);
                assert_eq!(committed, Some(position), "{}: the group's offset of {role}/{partition}", self.name);
            }
        }
    }
}

/// A member of the group on a thread of this process.
pub struct Member {
    pub stop: Stop,
    thread: Option<JoinHandle<()>>,
    result: Receiver<Result<(), RunError>>,
}

impl Member {
    /// Starts the scene's stage.
    pub fn start(scene: &Scene, options: Options) -> Member {
        Member::start_stage(Arc::new(Pairing::new(&scene.name)), options)
    }

    /// Starts that stage.
    pub fn start_stage(stage: Arc<dyn Stage>, options: Options) -> Member {
        Member::start_stages(vec![stage], options)
    }

    /// Starts those stages.
    pub fn start_stages(stages: Vec<Arc<dyn Stage>>, options: Options) -> Member {
        let (stop, (done, result)) = (Stop::default(), channel());
        let run_stop = stop.clone();
        let thread = std::thread::spawn(move || {
            let _ = done.send(run(stages, &options, &run_stop));
        });
        Member { stop, thread: Some(thread), result }
    }

    /// Waits until it ends by itself, and says why.
    pub fn ended(mut self) -> Result<(), RunError> {
        let result = self.result.recv_timeout(WAIT_MAX).expect("it ends in time");
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        result
    }

    /// Asks it to stop, and waits until it has.
    pub fn stopped(self) -> Result<(), RunError> {
        self.stop.request();
        self.ended()
    }

    /// What is wrong, of a member that ends by itself.
    pub fn complaint(self) -> String {
        self.ended().expect_err("it cannot go on").to_string()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop.request();
    }
}
