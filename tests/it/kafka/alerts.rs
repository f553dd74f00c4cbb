//! Alerts on a real broker: the topic of alerts is read for people, and what they say of alerts reaches a service that runs.

use super::broker;
use super::client;
use super::configurations::stop;
use super::deployment::{Deployment, Settings};
use super::process::Process;
use super::scene::WAIT_MAX;
use postdict::codec::control::ControlRecord;
use postdict::codec::{RowEncoder, RowFormat};
use postdict::event::AlertRow;
use postdict::event::alert::{AlertState, Control, Severity};
use postdict::stage::control::Known;
use postdict::stage::followed::{self, Followed};
use postdict::stage::{Options, Stop};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A change of an alert, as the service writes it.
fn row(alert_id: &str, sequence: i64, severity: Severity, state: AlertState) -> AlertRow {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/examples/alerts.json");
    let example: AlertRow = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let summary = format!("{alert_id} is {} for the {sequence}. time", state.name());
    AlertRow { alert_id: alert_id.into(), sequence, severity, state, summary, ..example }
}

/// Writes changes to the topic of alerts.
fn write(deployment: &Deployment, bootstrap: &str, format: RowFormat, rows: &[AlertRow]) {
    let (topic, encoder) = (deployment.topic("alerts"), RowEncoder::alerts(format));
    client::write(bootstrap, rows.iter().map(|row| (topic.as_str(), 0, row.alert_id.to_string(), encoder.alert(row))));
}

fn command(deployment: &Deployment, words: &[&str]) -> (Option<i32>, String) {
    deployment.run(&[&["alerts"], words].concat())
}

fn done(deployment: &Deployment, words: &[&str]) -> String {
    let (code, said) = command(deployment, words);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    said
}

fn refused(deployment: &Deployment, words: &[&str], parts: &[&str]) {
    let (code, said) = command(deployment, words);
    assert_eq!(code, Some(2), "{words:?}: {said}");
    parts.iter().for_each(|part| assert!(said.contains(part), "{words:?}: `{part}` is not in {said}"));
}

#[test]
fn people_see_where_alerts_stand_and_what_comes() {
    let Some(broker) = broker::shared("people_see_where_alerts_stand") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "alerts", Settings::default());
    deployment.create_topics(1);
    assert!(done(&deployment, &["list"]).contains("there is no alert"));
    let (firing, resolved) = (AlertState::Firing, AlertState::Resolved);
    let json = [row("aa11223344", 1, Severity::Info, firing), row("bb11223344", 1, Severity::Critical, firing)];
    write(&deployment, &broker.bootstrap, RowFormat::Json, &json);
    let avro = [row("aa11223344", 2, Severity::Warning, firing), row("cc11223344", 1, Severity::Critical, resolved)];
    write(&deployment, &broker.bootstrap, RowFormat::Avro { schema_id: 43 }, &avro);
    let topic = deployment.topic("alerts");
    client::write(&broker.bootstrap, [(topic.as_str(), 0, "dd".to_owned(), b"garbage".to_vec())]);
    client::write_transaction(&broker.bootstrap, &topic, "ee", false);

    let listed = done(&deployment, &["list"]);
    let place = |text: &str| listed.find(text).unwrap_or_else(|| panic!("no `{text}` in {listed}"));
    assert!(place("bb112233") < place("aa112233"), "the worst first: {listed}");
    assert!(place("aa11223344 is firing for the 2. time") > 0 && !listed.contains("cc112233"), "{listed}");
    assert!(listed.contains("warning: 1 records of topic"), "{listed}");
    assert!(done(&deployment, &["list", "--all"]).contains("cc112233"));
    let lines = done(&deployment, &["list", "--json"]);
    let rows: Vec<AlertRow> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(rows, [json[1].clone(), avro[0].clone()]);
    let shown = done(&deployment, &["show", "aa"]);
    for part in ["aa11223344 is firing for the 1. time", "aa11223344 is firing for the 2. time", "evidence", "runbook"]
    {
        assert!(shown.contains(part), "`{part}` is not in {shown}");
    }
    refused(&deployment, &["show", "zz"], &["no alert has an id that begins with `zz`"]);

    let mut following = deployment.start(&["alerts", "follow"]);
    following.wait_for("bb11223344 is firing for the 1. time");
    write(&deployment, &broker.bootstrap, RowFormat::Json, &[row("bb11223344", 2, Severity::Critical, resolved)]);
    following.wait_for("bb11223344 is resolved for the 2. time");
    assert!(!following.said().contains("cc11223344"), "it was over: {}", following.said());
    following.kill();
}

/// Waits until what is followed is as it should be.
fn wait_until(followed: &Followed<Control>, what: &str, is_so: impl Fn(&Control) -> bool) -> Arc<Control> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let known = followed.look().value;
        if is_so(&known) {
            return known;
        }
        assert!(Instant::now() < deadline, "not so: {what}: {known:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_people_say_reaches_a_service_that_runs_and_one_that_starts() {
    let Some(broker) = broker::shared("what_people_say_reaches_a_service") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "control", Settings::default());
    deployment.create_topics(1);
    let topic = deployment.topic("control");
    let config = postdict::config::load(deployment.config()).unwrap();
    let (options, no_stop) = (Options::new(&config, None).unwrap(), Stop::default());
    let start = || followed::start(Known::new(&topic), &options, (&topic, 1), &no_stop).unwrap().unwrap();
    let follower = start();
    assert_eq!(*follower.followed().look().value, Control::default());

    let mut service = deployment.start(&["run"]);
    service.wait_for("the topic of control is read to its end");
    let words =
        ["silence", "--rule", "recall*", "--segment", "country=BR", "--for", "2h", "--by", "ada", "--comment", "x"];
    assert!(done(&deployment, &words).contains("silence "));
    let known = wait_until(follower.followed(), "it is silenced", |known| known.silences.len() == 1);
    let (id, silence) = known.silences.first_key_value().unwrap();
    assert!(silence.matcher.matches(&row("aa", 1, Severity::Info, AlertState::Firing)), "{silence:?}");
    assert!(silence.to_ms - silence.from_ms == 7_200_000 && &*silence.by == "ada" && &*silence.comment == "x");

    write(
        &deployment,
        &broker.bootstrap,
        RowFormat::Json,
        &[
            row("aa11223344", 1, Severity::Info, AlertState::Firing),
            row("bb11223344", 1, Severity::Info, AlertState::Resolved),
        ],
    );
    refused(&deployment, &["acknowledge", "bb", "--by", "ada"], &["is not open but resolved"]);
    done(&deployment, &["acknowledge", "aa", "--by", "ada"]);
    let known = wait_until(follower.followed(), "it is acknowledged", |known| known.acknowledgements.len() == 1);
    let started_at = row("", 1, Severity::Info, AlertState::Firing).started_at.unwrap();
    assert_eq!(known.acknowledgements["aa11223344"].started_at, started_at);

    // What cannot be is refused, at the door and behind it, and the service goes on.
    refused(&deployment, &["silence", "--for", "2", "--by", ""], &["which alerts?", "`2` is no", "nobody says so"]);
    let long = "x".repeat(5_000);
    refused(&deployment, &["silence", "--model", "*", "--for", "1h", "--by", "ada", "--comment", &long], &["4096"]);
    let key = ControlRecord::Silence(id.clone(), None).key();
    client::write(&broker.bootstrap, [(topic.as_str(), 0, key, b"garbage".to_vec())]);
    service.wait_for("a record is refused, and what was said before stays");
    client::write(&broker.bootstrap, [(topic.as_str(), 0, "reference:x".to_owned(), b"{}".to_vec())]);
    done(&deployment, &["silence", "--model", "other", "--for", "1h", "--by", "ada"]);
    let known = wait_until(follower.followed(), "what was said before stays", |known| known.silences.len() == 2);
    assert!(known.silences.contains_key(id));
    let listed = done(&deployment, &["silences"]);
    for part in
        ["model `other`", "rule `recall*`", "aa11223344", "refused: `reference:x`", &format!("refused: `silence:{id}`")]
    {
        assert!(listed.contains(part), "`{part}` is not in {listed}");
    }

    done(&deployment, &["take-back", "aa"]);
    done(&deployment, &["take-back", &format!("silence:{id}")]);
    let known = wait_until(follower.followed(), "it is taken back", |known| known.silences.len() == 1);
    assert!(known.acknowledgements.is_empty());
    refused(&deployment, &["take-back", "aa"], &["no silence and no acknowledgement"]);
    // Whoever starts now knows the same.
    assert_eq!(start().followed().look().value, known);
    assert!(service.runs(), "{}", service.said());
    stop(service);
}

#[test]
fn without_a_control_topic_it_is_said_how_to_have_one() {
    let Some(broker) = broker::shared("without_a_control_topic") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "uncontrolled", Settings::default());
    let text = std::fs::read_to_string(deployment.config()).unwrap();
    let named = format!("control: {}, ", deployment.topic("control"));
    assert!(text.contains(&named), "{text}");
    std::fs::write(deployment.config(), text.replace(&named, "")).unwrap();
    let advice = "write `topics: {control: control}`";
    refused(&deployment, &["silences"], &[advice]);
    refused(&deployment, &["silence", "--by", "ada"], &[advice, "which alerts?", "until when?"]);
    let (code, said) = Process::run(&["alerts", "list", "-c", "missing.yaml"]);
    assert!(code == Some(2) && said.contains("missing.yaml"), "{said}");
}
