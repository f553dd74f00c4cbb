//! Three brokers that replicate each other's partitions, for the tests that take one of them away.

use super::broker::{Node, free_port, java};
use super::client;
use postdict::config::Config;
use postdict::stage::Options;
use postdict::stage::admin::Admin;
use postdict::stage::plan::{PlannedTopic, Purpose};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::path::Path;
use std::time::{Duration, Instant};

const COUNT: usize = 3;
/// Starting three at once takes 15 seconds on a quiet machine.
const START_MAX: Duration = Duration::from_secs(180);
/// Topics of the brokers' own, which must be whole as well before the next broker is taken away.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// The brokers.
pub struct Cluster {
    /// All of them, separated by commas.
    pub bootstrap: String,
    nodes: Vec<Node>,
}

impl Cluster {
    /// Starts them, and waits until they know each other. `None` where there is no Java.
    pub fn start(test: &str) -> Option<Cluster> {
        let jars = java(test)?;
        let (ports, controllers) = ([(); COUNT].map(|()| free_port()), [(); COUNT].map(|()| free_port()));
        let voters: Vec<String> = (1..).zip(controllers).map(|(id, port)| format!("{id}@127.0.0.1:{port}")).collect();
        let mut nodes = Vec::new();
        for (i, (port, controller)) in ports.into_iter().zip(controllers).enumerate() {
            let text = |data: &Path| properties(i + 1, port, controller, &voters.join(","), data);
            nodes.push(Node::new(&jars, &format!("broker-{}", i + 1), text, &[]));
        }
        let bootstrap = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
        let mut cluster = Cluster { bootstrap, nodes };
        (0..COUNT).for_each(|i| cluster.nodes[i].start("256m"));
        cluster.wait(&[]);
        Some(cluster)
    }

    /// Makes topics with a replica on each broker.
    pub fn create_topics(&self, topics: &[String], partitions: usize) {
        let mut config = Config::default();
        config.kafka.bootstrap_servers.clone_from(&self.bootstrap);
        let admin = Admin::new(&Options::new(&config, None).unwrap()).unwrap();
        for name in topics {
            let planned = PlannedTopic::new(name.clone(), Purpose::Changelog, None, 0);
            admin.create(&planned, partitions, Some(COUNT)).unwrap();
        }
        self.wait(topics);
    }

    /// Kills a broker, as a power cut would.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    /// Starts a broker that was killed, and waits until it has all of what the topics hold.
    pub fn up(&mut self, node: usize, topics: &[String]) {
        self.nodes[node].start("256m");
        let internal = INTERNAL.map(str::to_owned);
        self.wait(&[topics, &internal].concat());
    }

    /// Waits until all brokers are there and every partition of the topics is whole.
    fn wait(&self, topics: &[String]) {
        let deadline = Instant::now() + START_MAX;
        while !self.is_whole(topics) {
            let logs: String = self.nodes.iter().map(Node::log).collect();
            assert!(Instant::now() < deadline, "the brokers are not whole: {logs}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn is_whole(&self, topics: &[String]) -> bool {
        if !client::answers(&self.bootstrap) {
            return false;
        }
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.bootstrap)
            .set_log_level(RDKafkaLogLevel::Critical)
            .create()
            .unwrap();
        let Ok(metadata) = client.fetch_metadata(None, Duration::from_secs(5)) else { return false };
        let is_whole = |name: &String| {
            metadata.topics().iter().find(|topic| topic.name() == name).is_some_and(|topic| {
                topic.partitions().iter().all(|partition| partition.isr().len() == COUNT && partition.leader() > 0)
            })
        };
        metadata.brokers().len() == COUNT && topics.iter().all(is_whole)
    }
}

fn properties(id: usize, port: u16, controller: u16, voters: &str, data: &Path) -> String {
    format!(
        "process.roles=broker,controller
node.id={id}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.quorum.voters={voters}
log.dirs={}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
auto.create.topics.enable=false
",
        data.display()
    )
}
