//! What the service says while its brokers are away: enough to know why nothing happens, and not more than can be read.

use super::broker;
use super::deployment::{Deployment, Settings};
use super::process::Process;
use super::scene::WAIT_MAX;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Different things that happen in one outage, over all clients of both stages.
const LINES_MAX: usize = 40;

fn lines(service: &Process) -> Vec<Value> {
    let said = service.said();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    said.lines().map(parse).collect()
}

fn wait_for(service: &mut Process, text: &str) {
    let deadline = Instant::now() + WAIT_MAX;
    while !service.said().contains(text) {
        assert!(service.runs() && Instant::now() < deadline, "`{text}` is not in: {}", service.said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_outage_is_a_few_lines_and_each_of_them_an_object() {
    let Some(mut broker) = broker::own("an_outage_is_a_few_lines") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "outage", Settings::default());
    deployment.create_topics(2);
    let mut service = deployment.start(&["run", "--log", "json"]);
    deployment.produce(100);
    deployment.wait_for_matched(100, &mut service);
    let before = lines(&service).len();
    broker.kill();
    // A client tries again every second, and there are a dozen.
    wait_for(&mut service, "Connection refused");
    std::thread::sleep(Duration::from_secs(20));
    broker.up();
    deployment.produce(100);
    deployment.wait_for_matched(200, &mut service);
    let lines = &lines(&service)[before..];
    let texts: Vec<String> = lines.iter().map(Value::to_string).collect();
    assert!((1..LINES_MAX).contains(&lines.len()), "{} lines: {texts:#?}", lines.len());
    let refused = texts.iter().filter(|text| text.contains("Connection refused")).count();
    assert!((1..=3).contains(&refused), "said once, not once per client and second: {texts:#?}");
    for line in lines {
        let level = line["level"].as_str();
        assert!(matches!(level, Some("INFO" | "WARN")), "nobody has to do anything: {line}");
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
    service.signal("TERM");
    assert!(service.ended().success(), "{}", service.said());
}

#[test]
fn the_first_lines_say_what_will_be_done_and_no_password() {
    let Some(broker) = broker::shared("the_first_lines_say_what_will_be_done") else { return };
    // Not asked for by this broker, but everything that is configured passes by here.
    let settings = Settings { properties: "sasl.username: someone, sasl.password: hunter2", ..Settings::default() };
    let deployment = Deployment::new(&broker.bootstrap, "first-lines", settings);
    deployment.create_topics(1);
    let mut service = deployment.start(&["run", "--log-filter", "debug"]);
    wait_for(&mut service, "restored");
    let said = service.said();
    for part in ["postdict starts", "stage join", "stage assess", &broker.bootstrap, &deployment.topic("labels")] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
    service.signal("INT");
    assert!(service.ended().success(), "{}", service.said());
    assert!(service.said().trim_end().ends_with("stopped"), "the last word: {}", service.said());
}
