//! Credentials and access rules: what the README grants is enough, and what is missing is named.

use super::acls::{Right, allow, granted};
use super::client;
use super::deployment::{Deployment, Settings};
use super::process::Process;
use super::scene::WAIT_MAX;
use super::secured::{self, PASSWORD, Secured, USER};
use postdict::join::state::SnapshotPace;
use postdict::stage::{JoinStage, LogFormat, Options, Stop, run, start_log};
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

/// Properties of a user with this password, who trusts this authority.
fn sasl(broker: &Secured, password: &str, authority: &str) -> String {
    let authority = broker.certificates.join(authority);
    format!(
        "security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512, sasl.username: {USER}, sasl.password: {password}, \
         ssl.ca.location: '{}'",
        authority.display()
    )
}

fn deployment(broker: &Secured, test: &str) -> Deployment {
    let properties = sasl(broker, PASSWORD, "ca.pem");
    let settings = Settings { properties: &properties, brokers: Some(&broker.sasl), ..Settings::default() };
    Deployment::new(&broker.inside, test, settings)
}

/// What the README grants for these commands, with the names of the deployment.
fn rights(deployment: &Deployment, commands: &[&str]) -> BTreeSet<Right> {
    let own = |right: Right| {
        let name = match right.name.strip_prefix("postdict-") {
            Some(rest) => format!("{}-{rest}", deployment.name),
            None => deployment.topic(&right.name.replace("dead-letters", "dead_letters")),
        };
        Right { name, ..right }
    };
    commands.iter().flat_map(|command| granted(command)).map(own).collect()
}

fn said_all(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(!said.contains(PASSWORD) && !said.contains("panicked"), "{said}");
}

#[test]
fn the_rights_that_the_readme_lists_are_enough() {
    let Some(broker) = secured::shared("the_rights_that_the_readme_lists_are_enough") else { return };
    let deployment = deployment(broker, "rights");
    for command in ["topics create", "topics check", "produce", "run"] {
        // One after the other: no command rests on what another needs. Together they are what the next has.
        allow(&broker.inside, USER, &rights(&deployment, &[command]));
        match command {
            "topics create" => deployment.create_topics(2),
            "topics check" => {
                let (code, said) = deployment.run(&["topics", "check"]);
                assert_eq!(code, Some(0), "{said}");
            }
            "produce" => deployment.produce(300),
            _ => {
                let mut service = deployment.start(&["run"]);
                deployment.wait_for_matched(300, &mut service);
                service.signal("TERM");
                let status = service.ended();
                assert!(status.success(), "{}", service.said());
                said_all(&service.said(), &["assess"]);
                assert!(!service.said().contains("WARN"), "{}", service.said());
            }
        }
    }
}

#[test]
fn each_command_needs_no_more_than_the_readme_lists_for_it() {
    let Some(broker) = secured::shared("each_command_needs_no_more") else { return };
    let commands = [
        "topics create",
        "topics check",
        "produce",
        "profile --topic",
        "run",
        "references list",
        "references announce",
        "alerts list",
        "alerts silence",
        "alerts silences",
        "alerts acknowledge",
        "alerts take-back",
    ];
    for command in commands {
        let deployment = deployment(broker, &command.replace([' ', '-'], ""));
        if command != "topics create" {
            // By somebody else.
            deployment.configure(Settings::default());
            deployment.create_topics(1);
            deployment.produce(100);
            let properties = sasl(broker, PASSWORD, "ca.pem");
            deployment.configure(Settings { properties: &properties, brokers: Some(&broker.sasl), lines: "" });
        }
        allow(&broker.inside, USER, &rights(&deployment, &[command]));
        match command {
            "topics create" => deployment.create_topics(1),
            "topics check" => assert_eq!(deployment.run(&["topics", "check"]).0, Some(0)),
            "produce" => deployment.produce(10),
            "alerts list" => assert_eq!(deployment.run(&["alerts", "list"]).0, Some(0)),
            "alerts silences" => assert_eq!(deployment.run(&["alerts", "silences"]).0, Some(0)),
            "alerts silence" => {
                let (code, said) = deployment.run(&["alerts", "silence", "--model", "*", "--for", "1h", "--by", "ada"]);
                assert_eq!(code, Some(0), "{said}");
            }
            // There is none: it has looked for it, and may have.
            "alerts acknowledge" => {
                let (code, said) = deployment.run(&["alerts", "acknowledge", "abc", "--by", "ada"]);
                assert!(code == Some(2) && said.contains("begins with `abc`"), "{said}");
            }
            "alerts take-back" => {
                let (code, said) = deployment.run(&["alerts", "take-back", "abc"]);
                assert!(code == Some(2) && said.contains("begins with `abc`"), "{said}");
            }
            "references list" => assert_eq!(deployment.run(&["references", "list"]).0, Some(0)),
            "references announce" => {
                let profile = deployment.folder.join("profile.json").display().to_string();
                let files = deployment.files(50);
                let (code, said) = Process::run(&["profile", "--out", &profile, &files[0], &files[1]]);
                assert_eq!(code, Some(0), "{said}");
                let (code, said) = deployment.run(&["references", "announce", &profile]);
                assert_eq!(code, Some(0), "{said}");
            }
            "profile --topic" => {
                let out = deployment.folder.join("profile.json").display().to_string();
                let (code, said) = deployment.run(&["profile", "--topic", "--topic-labels", "--out", &out]);
                assert_eq!(code, Some(0), "{said}");
            }
            _ => {
                let mut service = deployment.start(&["run"]);
                deployment.wait_for_matched(100, &mut service);
            }
        }
    }
}

#[test]
fn a_client_certificate_is_as_good_as_a_password() {
    let Some(broker) = secured::shared("a_client_certificate_is_as_good_as_a_password") else { return };
    let place = |name: &str| broker.certificates.join(name).display().to_string();
    let properties = format!(
        "security.protocol: SSL, ssl.ca.location: '{}', ssl.certificate.location: '{}', ssl.key.location: '{}'",
        place("ca.pem"),
        place("client.pem"),
        place("client.key")
    );
    let settings = Settings { properties: &properties, brokers: Some(&broker.certified), lines: "" };
    let deployment = Deployment::new(&broker.inside, "certified", settings);
    allow(&broker.inside, USER, &rights(&deployment, &["topics create", "produce", "run"]));
    deployment.create_topics(1);
    deployment.produce(100);
    let mut service = deployment.start(&["run"]);
    deployment.wait_for_matched(100, &mut service);
}

#[test]
fn wrong_credentials_are_named_by_every_command() {
    let Some(broker) = secured::shared("wrong_credentials_are_named_by_every_command") else { return };
    let deployment = deployment(broker, "credentials");
    let files = deployment.files(1);
    let produce: Vec<&str> = ["produce"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let cases = [
        (sasl(broker, "wrong-password", "ca.pem"), "check the credentials under `kafka.properties`"),
        (sasl(broker, PASSWORD, "other-ca.pem"), "`ssl.ca.location`"),
    ];
    for (properties, advice) in &cases {
        deployment.configure(Settings { properties, brokers: Some(&broker.sasl), lines: "" });
        for words in [&["run"][..], &["topics", "create"], &["topics", "check"], &produce] {
            let asked = Instant::now();
            let (code, said) = deployment.run(words);
            assert_eq!(code, Some(1), "{words:?}: {said}");
            said_all(&said, &[advice]);
            assert!(!said.contains("wrong-password"), "{said}");
            assert!(asked.elapsed().as_secs() < 30, "{words:?} tried for {:?}: {said}", asked.elapsed());
        }
    }
}

#[test]
fn a_right_that_is_missing_is_named() {
    let Some(broker) = secured::shared("a_right_that_is_missing_is_named") else { return };
    type Case<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, &'a [&'a str]);
    // What is taken away, what is left of it, and what is said of it.
    let cases: [Case<'_>; 7] = [
        ("topic", "predictions", "Read", None, &["predictions", "READ"]),
        ("topic", "predictions", "Read", Some("Describe"), &["predictions", "READ"]),
        ("topic", "labels", "Read", Some("Describe"), &["labels", "READ"]),
        ("topic", "metrics", "Write", Some("Describe"), &["metrics", "WRITE"]),
        ("topic", "postdict-*", "Write", Some("Describe"), &["changelog", "WRITE"]),
        ("group", "postdict-*", "Read", None, &["READ on groups", "the group `without-"]),
        ("transactional id", "postdict-*", "Write", None, &["WRITE", "transactional id"]),
    ];
    for (i, (kind, name, operation, instead, said_of_it)) in cases.into_iter().enumerate() {
        let deployment = deployment(broker, &format!("without-{i}"));
        deployment.configure(Settings::default());
        deployment.create_topics(1);
        deployment.produce(50);
        let properties = sasl(broker, PASSWORD, "ca.pem");
        deployment.configure(Settings { properties: &properties, brokers: Some(&broker.sasl), lines: "" });
        let name = match name.strip_prefix("postdict-") {
            Some(rest) => format!("{}-{rest}", deployment.name),
            None => deployment.topic(name),
        };
        let taken = |right: &Right| right.kind == kind && right.name == name && right.operation == operation;
        let mut rights = rights(&deployment, &["run"]);
        assert!(rights.iter().any(taken), "{rights:?}");
        rights.retain(|right| !taken(right));
        // Write and Read of its own topics go together: without the one, the other stays.
        rights.extend(instead.map(|operation| Right { kind: kind.to_owned(), name, operation: operation.to_owned() }));
        allow(&broker.inside, USER, &rights);
        let (code, said) = deployment.run(&["run"]);
        assert_eq!(code, Some(1), "case {i}: {said}");
        said_all(&said, said_of_it);
        // The reason is the last word.
        said_all(said.lines().last().unwrap_or_default(), said_of_it);
        assert!(said.lines().count() < 60, "no endless retry: {said}");
    }
}

/// What the member below is to be: a configuration.
const MEMBER: &str = "POSTDICT_TEST_SNAPSHOTS";

#[test]
fn without_the_right_to_delete_logs_stay_long_and_that_is_said() {
    let Some(broker) = secured::shared("without_the_right_to_delete") else { return };
    let deployment = deployment(broker, "keeps");
    let (inside, sasl) = (Settings::default(), sasl(broker, PASSWORD, "ca.pem"));
    deployment.configure(inside);
    deployment.create_topics(1);
    // Little is remembered, so that snapshots are worth while soon.
    let lines = "defaults: {correction_horizon: 1m, allowed_lateness: 0s}";
    deployment.configure(Settings { properties: &sasl, brokers: Some(&broker.sasl), lines });
    let mut rights = rights(&deployment, &["run", "produce"]);
    rights.retain(|right| right.operation != "Delete");
    allow(&broker.inside, USER, &rights);
    let log = deployment.folder.join("member.log");
    let mut member = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kafka::access::member_with_many_snapshots", "--nocapture"])
        .env(MEMBER, deployment.config())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + WAIT_MAX;
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    while !said().contains("cannot delete what a snapshot replaces") {
        let runs = member.try_wait().unwrap().is_none();
        assert!(runs && Instant::now() < deadline, "{}", said());
        // Snapshots come with commits.
        deployment.produce(1000);
    }
    assert!(member.try_wait().unwrap().is_none(), "it goes on: {}", said());
    member.kill().unwrap();
    member.wait().unwrap();
    let changelog = format!("{}-join-changelog", deployment.name);
    said_all(&said(), &["WARN", "allow DELETE", &changelog]);
    assert_eq!(client::begins(&broker.inside, &changelog), [0], "nothing was deleted");
}

/// Not a test: the process of the test above comes in here.
#[test]
fn member_with_many_snapshots() {
    let Ok(config) = std::env::var(MEMBER) else { return };
    start_log(LogFormat::Text, "info").unwrap();
    let config = Arc::new(postdict::config::load(config.as_ref()).unwrap());
    let options = Options::new(&config, None).unwrap();
    let join = JoinStage::new(config, 1).unwrap();
    let join = join.with_pace(SnapshotPace { small_log_bytes: 10_000, rows_per_commit: 10_000 });
    run(vec![Arc::new(join)], &options, &Stop::default()).unwrap();
}
