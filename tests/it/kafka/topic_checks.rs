//! `postdict topics`: what is missing is made, what is there stays, and what is wrong with it is said.

use super::broker;
use super::client;
use super::deployment::{Deployment, Settings};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// Makes a topic with settings, as somebody might have who did not ask us.
fn create(bootstrap: &str, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
    let made = pollster::block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap();
    made.into_iter().for_each(|made| drop(made.unwrap()));
}

#[test]
fn what_is_wrong_with_topics_is_said_with_what_to_do() {
    let Some(broker) = broker::shared("what_is_wrong_with_topics_is_said") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "wrong", Settings::default());
    let own = |rest: &str| format!("{}-{rest}", deployment.name);
    let (predictions, labels, metrics) =
        (deployment.topic("predictions"), deployment.topic("labels"), deployment.topic("metrics"));
    let week = ("retention.ms", "604800000");
    create(&broker.bootstrap, &predictions, 4, &[week, ("message.timestamp.before.max.ms", "3600000")]);
    create(&broker.bootstrap, &labels, 3, &[("cleanup.policy", "compact"), ("retention.ms", "-1")]);
    create(&broker.bootstrap, &metrics, 1, &[("cleanup.policy", "compact"), ("max.message.bytes", "1000")]);
    create(&broker.bootstrap, &deployment.topic("references"), 2, &[]);
    create(&broker.bootstrap, &deployment.topic("control"), 2, &[("cleanup.policy", "compact,delete")]);
    create(&broker.bootstrap, &deployment.topic("alerts"), 2, &[]);
    create(&broker.bootstrap, &own("join-changelog"), 4, &[week]);
    create(&broker.bootstrap, &own("partials"), 2, &[("retention.bytes", "1000000"), ("retention.ms", "-1")]);
    create(&broker.bootstrap, &own("assess-changelog"), 2, &[("min.insync.replicas", "2"), ("retention.ms", "-1")]);
    let (code, said) = deployment.run(&["topics", "check"]);
    assert_eq!(code, Some(1), "{said}");
    for (level, topic, what) in [
        ("warning", predictions.as_str(), "less than the label horizon"),
        ("warning", &predictions, "`message.timestamp.before.max.ms` is 3600000"),
        ("error", &labels, "3 partitions, not 4"),
        ("error", &labels, "records that are needed disappear: set it to `delete`"),
        ("error", &deployment.topic("references"), "2 partitions, not 1"),
        ("error", &deployment.topic("references"), "`cleanup.policy` is not `compact`"),
        ("error", &deployment.topic("control"), "2 partitions, not 1"),
        ("error", &deployment.topic("control"), "what was said of alerts is forgotten"),
        ("warning", &deployment.topic("alerts"), "where alerts stand is forgotten: set it to that"),
        ("warning", &metrics, "only the last revision of each row is kept"),
        ("error", &metrics, "`max.message.bytes` is 1000"),
        ("error", &own("join-changelog"), "state is lost after that time: set it to -1"),
        ("error", &own("partials"), "state is lost beyond that: set it to -1"),
        ("error", &own("assess-changelog"), "no record can be written"),
        ("error", &deployment.topic("dead_letters"), "is not there: `postdict topics create` makes it"),
    ] {
        let is_it = |line: &str| line.starts_with(level) && line.contains(topic) && line.contains(what);
        assert!(said.lines().any(is_it), "{level}, {topic}, {what}: {said}");
    }
    // What is there stays as it is; the one that is missing is made.
    let (code, said) = deployment.run(&["topics", "create", "--partitions", "9"]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("created ").count(), 1, "{said}");
    assert!(said.contains("3 partitions, not 4"), "{said}");
}

#[test]
fn topics_that_were_made_are_right_and_are_not_made_again() {
    let Some(broker) = broker::shared("topics_that_were_made_are_right") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "right", Settings::default());
    let (code, said) = deployment.run(&["topics", "check"]);
    assert_eq!((code, said.matches("is not there").count()), (Some(1), 10), "{said}");
    deployment.create_topics(6);
    let (code, said) = deployment.run(&["topics", "create", "--partitions", "2"]);
    assert_eq!((code, said.matches("created ").count()), (Some(0), 0), "{said}");
    let partitions = |topic: &str| client::begins(&broker.bootstrap, topic).len();
    let own = |rest: &str| partitions(&format!("{}-{rest}", deployment.name));
    assert_eq!([partitions(&deployment.topic("predictions")), partitions(&deployment.topic("labels"))], [6, 6]);
    assert_eq!([own("join-changelog"), own("partials"), own("assess-changelog")], [6, 4, 4]);
    let (code, said) = deployment.run(&["topics", "check"]);
    assert_eq!(code, Some(0), "{said}");
}
