//! The commands of `docker-compose.yml`, word for word, on the broker of the tests: topics are made, the service runs, the
//! producer streams the shipped flights, and metrics come out.

use super::broker::{self, folder};
use super::client;
use super::process::Process;
use super::scene::{WAIT_MAX, unique};
use crate::deploy::compose::{Service, services};
use crate::deploy::text;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the containers find their configuration.
const CONFIG: &str = "/etc/postdict/postdict.yaml";

/// The command of a service with the places in its container replaced by those of here.
fn command(service: &Service, config: &Path) -> Vec<String> {
    assert!(service.command.iter().any(|word| word == CONFIG));
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let here = |word: &String| {
        if word == CONFIG {
            return config.display().to_string();
        }
        let mounted = service.volumes.iter().find_map(|(source, place)| Some((source, word.strip_prefix(place)?)));
        mounted.map_or_else(|| word.clone(), |(source, rest)| format!("{}{rest}", package.join(source).display()))
    };
    service.command.iter().map(here).collect()
}

#[test]
fn the_commands_of_docker_compose_bring_metrics() {
    let Some(broker) = broker::shared("the_commands_of_docker_compose_bring_metrics") else { return };
    let name = unique("flights");
    let config = folder("deployed").join("postdict.yaml");
    // Other runs of the tests have the same broker, so the names are those of this run.
    let written = text("deploy/flights.yaml")
        .replace("kafka:9092", &broker.bootstrap)
        .replace("application_id: flights", &format!("application_id: {name}"))
        .replace(": flights.", &format!(": {name}."));
    fs::write(&config, written).unwrap();
    let services = services();

    let (code, said) = Process::run(&command(&services["topics"], &config));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("created ").count(), 8, "{said}");
    let (code, said) = Process::run(&["topics", "check", "-c", &config.display().to_string()]);
    assert_eq!(code, Some(0), "the health check: {said}");

    let mut service = Process::start(&command(&services["postdict"], &config));
    let mut producer = Process::start(&command(&services["producer"], &config));
    let deadline = Instant::now() + WAIT_MAX;
    let accuracy = |row: &serde_json::Value| row["metric"] == "accuracy" && row["value"].is_number();
    let metrics = loop {
        let records = client::read_committed(&broker.bootstrap, &format!("{name}.metrics"));
        let rows: Vec<serde_json::Value> =
            records.iter().map(|record| serde_json::from_slice(&record.value).unwrap()).collect();
        if rows.iter().any(accuracy) {
            break rows;
        }
        let said = || format!("{}{}", service.said(), producer.said());
        assert!(Instant::now() < deadline, "no accuracy in {} rows: {}", rows.len(), said());
        assert!(service.runs() && producer.runs(), "{}{}", service.said(), producer.said());
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(metrics.iter().all(|row| row["model_id"] == "flight-late15"));

    producer.signal("INT");
    assert_eq!(producer.ended().code(), Some(130), "{}", producer.said());
    service.signal("TERM");
    assert_eq!(service.ended().code(), Some(0), "{}", service.said());
    let dead = client::read_committed(&broker.bootstrap, &format!("{name}.dead-letters"));
    assert!(dead.is_empty(), "{} dead letters", dead.len());
}
