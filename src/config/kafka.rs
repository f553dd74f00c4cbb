//! The connection to Kafka: brokers, and librdkafka's own properties passed through.

use super::nearest::nearest;
use super::problem::Report;
use super::section::{Item, Section, Spanned};
use std::collections::BTreeMap;
use std::fmt;

/// How Kafka is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// What this deployment calls itself: the beginning of its consumer groups and transactional ids. Two deployments
    /// on one cluster need two names.
    pub application_id: String,
    /// A stable name of this process among its siblings, where the platform has one. With it a restart takes over its
    /// old partitions at once; without it the group first waits for the old process to time out.
    pub instance_id: Option<String>,
    /// librdkafka's properties by their own names, as written.
    pub properties: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Self {
        Kafka {
            bootstrap_servers: "localhost:9092".to_owned(),
            application_id: "postdict".to_owned(),
            instance_id: None,
            properties: BTreeMap::new(),
        }
    }
}

/// Shows the names of the properties only: values may be passwords.
impl fmt::Debug for Kafka {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Kafka")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("application_id", &self.application_id)
            .field("instance_id", &self.instance_id)
            .field("properties", &self.properties.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Properties that exactly-once processing rests on.
const RESERVED: [&str; 9] = [
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "transaction.timeout.ms",
];

/// Properties that have a key of their own.
const OWN_KEY: [(&str, &str); 5] = [
    ("bootstrap.servers", "kafka.bootstrap_servers"),
    ("metadata.broker.list", "kafka.bootstrap_servers"),
    ("group.id", "kafka.application_id"),
    ("transactional.id", "kafka.application_id` and `kafka.instance_id"),
    ("group.instance.id", "kafka.instance_id"),
];

/// Leaves room for what is added to an id; brokers take names of 249 characters.
const MAX_ID_LENGTH: usize = 100;

const SERVERS: &str = "brokers such as `broker-1:9092,broker-2:9092`";

/// Reads `kafka:`.
pub(super) fn read(item: Option<Item<'_>>, report: &mut Report) -> Kafka {
    let mut kafka = Kafka::default();
    let Some(mut section) = item.and_then(|item| Section::open(&item, report)) else { return kafka };
    if let Some(servers) = section.take("bootstrap_servers").and_then(|item| read_servers(&item, report)) {
        kafka.bootstrap_servers = servers;
    }
    if let Some(id) = section.take("application_id").and_then(|item| read_id(&item, report, "such as `postdict`")) {
        kafka.application_id = id;
    }
    if let Some(item) = section.take("instance_id") {
        kafka.instance_id = read_id(&item, report, "a name of this process such as `postdict-0`");
    }
    if let Some(item) = section.take("properties")
        && let Some(properties) = Section::open(&item, report)
    {
        for (key, item) in properties.entries() {
            if let Some(value) = read_property(&key, &item, report) {
                kafka.properties.insert(key.value.to_owned(), value);
            }
        }
    }
    // librdkafka's names are easily written one level too high.
    let misplaced: Vec<(&str, &str)> = section
        .entries()
        .map(|(key, _)| key.value)
        .filter(|key| {
            key.contains('.') && nearest(key, ["bootstrap_servers", "application_id", "instance_id"]).is_none()
        })
        .map(|key| (key, "under `kafka.properties`"))
        .collect();
    section.finish(report, &[], &misplaced);
    kafka
}

/// A text, or a list of texts.
fn read_servers(item: &Item<'_>, report: &mut Report) -> Option<String> {
    let written = if item.is_list() {
        let items = item.list(report, SERVERS)?;
        items.iter().map(|item| item.text(report, SERVERS)).collect::<Option<Vec<_>>>()?
    } else {
        vec![item.text(report, SERVERS)?]
    };
    let mut servers = Vec::new();
    let mut complete = true;
    for text in &written {
        for server in text.value.split(',').map(str::trim) {
            if is_server(server) {
                servers.push(server.to_owned());
            } else {
                report.error(&text.at, format!("`{server}` is not a broker's address")).expected(SERVERS);
                complete = false;
            }
        }
    }
    complete.then(|| servers.join(","))
}

/// True if the text can be part of ids on the broker, of names in prefixed access rules, and of logs.
pub fn is_id(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    plain && !text.is_empty() && text.len() <= MAX_ID_LENGTH
}

fn read_id(item: &Item<'_>, report: &mut Report, expected: &str) -> Option<String> {
    let id = item.text(report, expected)?;
    if !is_id(&id.value) {
        report
            .error(&id.at, format!("`{}` cannot be part of an id", id.value))
            .expected(format!("letters, digits, `.`, `_` and `-`, at most {MAX_ID_LENGTH} of them"));
        return None;
    }
    Some(id.value)
}

/// `host`, `host:port`, `[::1]:port` or `PROTOCOL://host:port`.
fn is_server(server: &str) -> bool {
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (address, None),
    };
    let host_is_fine = !host.is_empty() && !host.chars().any(|c| c.is_whitespace() || c == '/');
    host_is_fine && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn read_property(key: &Spanned<&str>, item: &Item<'_>, report: &mut Report) -> Option<String> {
    let (_, value) = item.scalar(report, "a text, number or boolean")?;
    if let Some((_, own)) = OWN_KEY.iter().find(|(property, _)| *property == key.value) {
        report.error(&key.at, format!("`{}` has a key of its own", key.value)).help(format!("write `{own}`"));
        return None;
    }
    if RESERVED.contains(&key.value) {
        report
            .error(&key.at, format!("`{}` is set by Postdict", key.value))
            .help("exactly-once processing rests on it: remove it");
        return None;
    }
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_mistakes() {
        for server in ["localhost", "broker-1:9092", "[::1]:9092", "[::1]", "SASL_SSL://host:1"] {
            assert!(is_server(server), "{server}");
        }
        for server in ["", ":9092", "host:port", "host:0", "host:70000", "a b:1", "http://host:1/x"] {
            assert!(!is_server(server), "{server}");
        }
    }

    #[test]
    fn ids_are_told_from_mistakes() {
        for id in ["postdict", "postdict-0.eu_west", "A"] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "a b", "a/b", "ä", &"x".repeat(101)] {
            assert!(!is_id(id), "{id}");
        }
    }

    #[test]
    fn no_value_of_a_property_is_shown() {
        let mut kafka = Kafka::default();
        kafka.properties.insert("sasl.password".to_owned(), "hunter2".to_owned());
        let shown = format!("{kafka:?}");
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
