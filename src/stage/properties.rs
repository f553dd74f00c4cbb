//! librdkafka's configuration of each client. What the operator may change comes between our defaults and what
//! exactly-once processing rests on.

use super::options::Options;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

/// Ids of one stage in one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ids {
    /// The consumer group.
    pub group: String,
    /// The producer's.
    pub transactional: String,
    /// The static member's, where the process has a stable name.
    pub instance: Option<String>,
}

impl Ids {
    /// The ids of a stage. `random` makes the transactional id unique where the process has no name of its own.
    pub fn new(options: &Options, stage: &str, random: u64) -> Ids {
        let group = format!("{}-{stage}", options.application_id);
        let transactional = match &options.instance_id {
            Some(instance) => format!("{group}-{instance}"),
            None => format!("{group}-{random:016x}"),
        };
        Ids { group, transactional, instance: options.instance_id.clone() }
    }
}

/// Makes the clients' configurations of one stage.
#[derive(Clone)]
pub struct Properties {
    options: Options,
    ids: Ids,
}

impl Properties {
    /// Those of a stage.
    pub fn new(options: &Options, ids: &Ids) -> Properties {
        Properties { options: options.clone(), ids: ids.clone() }
    }

    /// The name of the group.
    pub fn group(&self) -> &str {
        &self.ids.group
    }

    /// The member of the group, which fetches nothing.
    pub fn membership(&self) -> ClientConfig {
        // With a stable id a restart within the session keeps its partitions, so the session can be long. Without one
        // it is how long a crash holds them.
        let session = if self.ids.instance.is_some() { "45000" } else { "10000" };
        let mut must = self.consumer("membership");
        must.push(("group.id", self.ids.group.clone()));
        must.push(("group.protocol", "classic".to_owned()));
        must.push(("partition.assignment.strategy", "cooperative-sticky".to_owned()));
        if let Some(instance) = &self.ids.instance {
            must.push(("group.instance.id", instance.clone()));
        }
        // Members hear of a rebalance with a heartbeat: the interval is how long a hand-over takes.
        let may = [
            ("session.timeout.ms", session),
            ("heartbeat.interval.ms", "1000"),
            ("max.poll.interval.ms", "300000"),
            ("queued.max.messages.kbytes", "1024"),
        ];
        self.build(&may, must)
    }

    /// The reader of the inputs, which is assigned by hand.
    pub fn fetch(&self) -> ClientConfig {
        let mut must = self.consumer("fetch");
        must.push(("group.id", self.ids.group.clone()));
        must.push(("enable.partition.eof", "true".to_owned()));
        // What waits in the client is memory, several hundred bytes a record besides its own: a tenth of a second's worth
        // per partition is enough. The shorter the queues are, the closer together the inputs are read, so that fewer
        // records wait for their partners.
        let may = [
            ("fetch.wait.max.ms", "100"),
            ("fetch.queue.backoff.ms", "5"),
            ("queued.min.messages", "4000"),
            ("fetch.message.max.bytes", "131072"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        self.build(&may, must)
    }

    /// The reader of the changelog, which also asks for the group's offsets: committed ones only, waiting for those
    /// that are about to be. It reads from leaders only: a follower that lags behind says that the log ends before it does,
    /// and a state that lacks its last commits would be taken for whole, or an input with records for idle.
    pub fn restore(&self) -> ClientConfig {
        let mut must = self.consumer("restore");
        must.push(("group.id", self.ids.group.clone()));
        must.push(("enable.partition.eof", "true".to_owned()));
        let mut config = self.build(&[("fetch.wait.max.ms", "10"), ("fetch.queue.backoff.ms", "10")], must);
        config.remove("client.rack");
        config
    }

    /// Who asks for the true ends of logs.
    pub fn high_watermark(&self) -> ClientConfig {
        let mut must = self.consumer("watermark");
        must.retain(|(name, _)| *name != "isolation.level");
        must.push(("isolation.level", "read_uncommitted".to_owned()));
        self.build(&[], must)
    }

    /// Who looks at topics and creates them.
    pub fn admin(&self) -> ClientConfig {
        self.build(&[], vec![("client.id", format!("{}-admin", self.ids.transactional))])
    }

    /// The writer of everything.
    pub fn producer(&self) -> ClientConfig {
        let timeout = self.options.transaction_timeout.as_millis();
        let socket_timeout = (timeout / 3).clamp(1000, 10_000);
        let must = vec![
            ("client.id", format!("{}-producer", self.ids.transactional)),
            ("transactional.id", self.ids.transactional.clone()),
            ("enable.idempotence", "true".to_owned()),
            ("transaction.timeout.ms", timeout.to_string()),
            ("message.timeout.ms", timeout.to_string()),
            ("socket.timeout.ms", socket_timeout.to_string()),
        ];
        let may = [
            ("linger.ms", "1"),
            ("compression.type", "lz4"),
            ("message.max.bytes", "2000000"),
            ("batch.size", "1000000"),
            // Keys go where Java's producers put them.
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", "65536"),
        ];
        self.build(&may, must)
    }

    /// The writer of input records that were in files: each once, in their order, and never given up.
    pub fn feed(&self) -> ClientConfig {
        let must = vec![
            ("client.id", format!("{}-produce", self.options.application_id)),
            ("enable.idempotence", "true".to_owned()),
        ];
        let may = [
            ("linger.ms", "20"),
            ("compression.type", "lz4"),
            ("partitioner", "murmur2_random"),
            ("queue.buffering.max.kbytes", "16384"),
            ("message.timeout.ms", "0"),
        ];
        self.build(&may, must)
    }

    fn consumer(&self, role: &str) -> Vec<(&'static str, String)> {
        vec![
            ("client.id", format!("{}-{role}", self.ids.transactional)),
            ("isolation.level", "read_committed".to_owned()),
            ("auto.offset.reset", "error".to_owned()),
            ("enable.auto.commit", "false".to_owned()),
            ("enable.auto.offset.store", "false".to_owned()),
        ]
    }

    fn build(&self, may: &[(&str, &str)], must: Vec<(&str, String)>) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("reconnect.backoff.max.ms", "1000");
        may.iter().for_each(|(name, value)| {
            config.set(*name, *value);
        });
        for (name, value) in &self.options.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.options.bootstrap_servers);
        must.into_iter().for_each(|(name, value)| {
            config.set(name, value);
        });
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn properties(instance: Option<&str>) -> Properties {
        let mut config = Config::default();
        config.kafka.properties.insert("session.timeout.ms".to_owned(), "7000".to_owned());
        config.kafka.properties.insert("isolation.level".to_owned(), "read_uncommitted".to_owned());
        let options = Options::new(&config, instance.map(str::to_owned)).expect("a plain name");
        Properties::new(&options, &Ids::new(&options, "join", 0xab))
    }

    #[test]
    fn the_operator_changes_defaults_and_not_what_exactly_once_rests_on() {
        let config = properties(None).membership();
        assert_eq!(config.get("session.timeout.ms"), Some("7000"));
        assert_eq!(config.get("isolation.level"), Some("read_committed"));
    }

    #[test]
    fn inputs_may_be_read_from_the_nearest_replica_and_ends_of_logs_may_not() {
        let mut properties = properties(None);
        properties.options.properties.insert("client.rack".to_owned(), "a".to_owned());
        assert_eq!(properties.fetch().get("client.rack"), Some("a"));
        assert_eq!(properties.restore().get("client.rack"), None);
    }

    #[test]
    fn a_process_with_a_name_keeps_its_ids() {
        let named = properties(Some("a-0"));
        assert_eq!(named.membership().get("group.instance.id"), Some("a-0"));
        assert_eq!(named.producer().get("transactional.id"), Some("postdict-join-a-0"));
        let nameless = properties(None);
        assert_eq!(nameless.membership().get("group.instance.id"), None);
        assert_eq!(nameless.membership().get("group.id"), Some("postdict-join"));
        assert_eq!(nameless.producer().get("transactional.id"), Some("postdict-join-00000000000000ab"));
    }

    #[test]
    fn librdkafka_takes_them() {
        let properties = properties(Some("a-0"));
        for config in [properties.membership(), properties.fetch(), properties.restore(), properties.high_watermark()] {
            assert!(config.create_native_config().is_ok());
        }
        assert!(properties.producer().create_native_config().is_ok());
        assert!(properties.feed().create_native_config().is_ok());
    }
}
