//! `docker-compose.yml`: its services, who waits for whom, and their commands.

use super::{is_pinned, text};
use saphyr::{LoadableYamlNode, Yaml};
use std::collections::BTreeMap;
use std::path::Path;

/// One service.
#[derive(Debug)]
pub struct Service {
    pub image: String,
    pub is_built: bool,
    pub command: Vec<String>,
    /// The service that is waited for, and the condition.
    pub depends_on: Vec<(String, String)>,
    /// Source and place of what is mounted.
    pub volumes: Vec<(String, String)>,
    pub environment: BTreeMap<String, String>,
    pub healthcheck: Vec<String>,
    pub stop_grace_seconds: Option<u64>,
}

fn texts(node: Option<&Yaml<'_>>) -> Vec<String> {
    let items = node.and_then(|node| node.as_sequence().map(|items| items.to_vec())).unwrap_or_default();
    items.iter().map(|item| item.as_str().expect("a text in quotes").to_owned()).collect()
}

fn service(node: &Yaml<'_>) -> Service {
    let get = |key: &str| node.as_mapping_get(key);
    let entries = |key: &str| {
        let mapping = get(key).and_then(|node| node.as_mapping());
        mapping.into_iter().flatten().map(|(key, value)| (key.as_str().unwrap().to_owned(), value))
    };
    let condition = |node: &Yaml<'_>| node.as_mapping_get("condition").and_then(Yaml::as_str).unwrap().to_owned();
    let volume = |volume: String| {
        let mut parts = volume.split(':');
        let (source, place) = (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned());
        assert_eq!(parts.next(), Some("ro"), "{volume}: nothing of ours is written to");
        (source, place)
    };
    Service {
        image: get("image").and_then(Yaml::as_str).unwrap_or_default().to_owned(),
        is_built: get("build").is_some(),
        command: texts(get("command")),
        depends_on: entries("depends_on").map(|(name, node)| (name, condition(node))).collect(),
        volumes: texts(get("volumes")).into_iter().map(volume).collect(),
        environment: entries("environment").map(|(name, node)| (name, node.as_str().unwrap().to_owned())).collect(),
        healthcheck: texts(get("healthcheck").and_then(|node| node.as_mapping_get("test"))),
        stop_grace_seconds: get("stop_grace_period")
            .and_then(Yaml::as_str)
            .and_then(|period| period.strip_suffix('s')?.parse().ok()),
    }
}

/// All services by name.
pub fn services() -> BTreeMap<String, Service> {
    let text = text("docker-compose.yml");
    let documents = Yaml::load_from_str(&text).expect("YAML");
    let services = documents[0].as_mapping_get("services").and_then(|node| node.as_mapping()).expect("services");
    services.iter().map(|(name, node)| (name.as_str().unwrap().to_owned(), service(node))).collect()
}

#[test]
fn every_service_is_there_with_a_pinned_image() {
    let services = services();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["kafka", "postdict", "producer", "topics"]);
    let own = format!("postdict:{}", env!("CARGO_PKG_VERSION"));
    for (name, service) in &services {
        assert!(is_pinned(&service.image), "{name}: {}", service.image);
        assert_eq!(service.is_built, service.image == own, "{name}: {}", service.image);
    }
    assert!(!text("docker-compose.yml").contains('\t'));
}

#[test]
fn each_waits_for_what_it_needs() {
    let services = services();
    let waits = |name: &str| services[name].depends_on.clone();
    let on = |name: &str, condition: &str| vec![(name.to_owned(), condition.to_owned())];
    assert_eq!(waits("topics"), on("kafka", "service_healthy"));
    assert_eq!(waits("postdict"), on("topics", "service_completed_successfully"));
    assert_eq!(waits("producer"), on("topics", "service_completed_successfully"));
    assert!(!services["kafka"].healthcheck.is_empty(), "what is waited for says when it is ready");
    // The stop of the service itself takes 20 s at most.
    assert!(services["postdict"].stop_grace_seconds > Some(20));
    assert!(services["postdict"].environment.contains_key("POSTDICT_INSTANCE"));
}

#[test]
fn what_is_mounted_is_there_and_what_commands_name_is_mounted() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, service) in services() {
        for (source, _) in &service.volumes {
            assert!(package.join(source).exists(), "{name}: {source}");
        }
        for path in service.command.iter().filter(|word| word.starts_with('/')) {
            let mounted = service.volumes.iter().any(|(_, place)| path.starts_with(place.as_str()));
            assert!(mounted, "{name}: {path} is not in the container");
        }
    }
}

#[test]
fn the_broker_listens_where_the_configuration_looks() {
    let services = services();
    let config = postdict::config::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/flights.yaml")).unwrap();
    let advertised = &services["kafka"].environment["KAFKA_ADVERTISED_LISTENERS"];
    let wanted = format!("PLAINTEXT://{}", config.kafka.bootstrap_servers);
    assert!(advertised.split(',').any(|listener| listener == wanted), "{wanted} is not in {advertised}");
    let comment = format!("--topic {} --from-beginning --isolation-level read_committed", config.topics.metrics.name);
    assert!(text("docker-compose.yml").contains(&comment), "the command that watches the metrics");
}
