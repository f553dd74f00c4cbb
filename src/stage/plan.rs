//! The topics of the whole service: what each is for, and how it has to be set up.

use crate::config::{Config, written_duration};
use crate::event::Millis;
use std::collections::BTreeMap;

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Read, written by others.
    Input,
    /// Read to its end at each start: what holds now.
    References,
    /// Likewise: what people say of alerts.
    Control,
    /// From JOIN to ASSESS.
    Partials,
    /// The state of a stage.
    Changelog,
    /// Written for others.
    Output,
    /// Written for others: the last record of each key says where an alert stands.
    Alerts,
}

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTopic {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Partitions that it has to have; `None`: any number.
    pub partitions: Option<usize>,
    /// The service does not run without it.
    pub is_required: bool,
    /// Settings that it is created with.
    pub settings: Vec<(&'static str, String)>,
}

/// All topics of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPlan {
    /// Inputs first, in the order in which data flows.
    pub topics: Vec<PlannedTopic>,
    /// How long a label may be under way, over all models: what inputs should keep at least.
    pub horizon_ms: Millis,
}

/// A setting of a topic that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The service cannot run like this; else it can, with the consequence that the text names.
    pub is_error: bool,
    /// Which topic.
    pub topic: String,
    /// The setting, what it is and what to do.
    pub text: String,
}

/// What is known of a topic that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTopic {
    /// Partitions.
    pub partitions: usize,
    /// Replicas per partition.
    pub replicas: usize,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
}

/// Name of the topic of partials.
pub fn partials_topic(application_id: &str) -> String {
    format!("{application_id}-partials")
}

/// Name of the topic with a stage's state.
pub fn changelog_topic(application_id: &str, stage: &str) -> String {
    format!("{application_id}-{stage}-changelog")
}

impl TopicPlan {
    /// Of a configuration, for inputs of `input_partitions` and partials of `partials_partitions`.
    pub fn new(config: &Config, input_partitions: usize, partials_partitions: usize) -> TopicPlan {
        let id = &config.kafka.application_id;
        let topics = &config.topics;
        let horizon_ms = config.settings.all().map(|model| model.label_horizon_ms).max().unwrap_or(0);
        let topic = |name: String, purpose, partitions| PlannedTopic::new(name, purpose, partitions, horizon_ms);
        let input = |name: &str| topic(name.to_owned(), Purpose::Input, Some(input_partitions));
        let output = |name: &str| topic(name.to_owned(), Purpose::Output, None);
        let mut plan = vec![
            input(&topics.predictions),
            input(&topics.labels),
            topic(changelog_topic(id, "join"), Purpose::Changelog, Some(input_partitions)),
            topic(partials_topic(id), Purpose::Partials, Some(partials_partitions)),
            topic(changelog_topic(id, "assess"), Purpose::Changelog, Some(partials_partitions)),
            output(&topics.metrics.name),
            PlannedTopic {
                is_required: !config.settings.alerts.is_empty(),
                ..topic(topics.alerts.name.clone(), Purpose::Alerts, None)
            },
            output(&topics.dead_letters.name),
        ];
        plan.extend(topics.references.iter().map(|name| topic(name.clone(), Purpose::References, Some(1))));
        plan.extend(topics.control.iter().map(|name| topic(name.clone(), Purpose::Control, Some(1))));
        plan.extend(topics.labelled.iter().map(|topic| output(&topic.name)));
        plan.extend(topics.profiles.iter().map(|name| output(name)));
        TopicPlan { topics: plan, horizon_ms }
    }

    /// The topics of the service's own state.
    pub fn state(&self) -> TopicPlan {
        let is_state = |topic: &&PlannedTopic| matches!(topic.purpose, Purpose::Changelog | Purpose::Partials);
        TopicPlan { topics: self.topics.iter().filter(is_state).cloned().collect(), horizon_ms: self.horizon_ms }
    }

    /// What is wrong with `found`, which exists under the name of `planned`.
    pub fn findings(&self, planned: &PlannedTopic, found: &FoundTopic) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut tell =
            |is_error: bool, text: String| findings.push(Finding { is_error, topic: planned.name.clone(), text });
        if let Some(partitions) = planned.partitions.filter(|partitions| *partitions != found.partitions) {
            let has = found.partitions;
            tell(true, format!("{has} partitions, not {partitions}: create it anew with {partitions}"));
        }
        let setting = |key: &str| found.settings.get(key).map(String::as_str);
        let number = |key: &str| setting(key).and_then(|value| value.parse::<i64>().ok());
        let is_compacted = setting("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
        let forgotten = match planned.purpose {
            Purpose::References => Some((true, "references that are in force are")),
            Purpose::Control => Some((true, "what was said of alerts is")),
            Purpose::Alerts => Some((false, "where alerts stand is")),
            _ => None,
        };
        if let Some((is_error, what)) = forgotten {
            if setting("cleanup.policy").is_some_and(|policy| policy != "compact") {
                let text = format!("`cleanup.policy` is not `compact`, so {what} forgotten: set it to that");
                tell(is_error, text);
            }
        } else if is_compacted {
            let is_error = planned.purpose != Purpose::Output;
            let consequence = match planned.purpose {
                Purpose::Output => "only the last revision of each row is kept",
                _ => "records that are needed disappear",
            };
            tell(is_error, format!("`cleanup.policy` has `compact`, so {consequence}: set it to `delete`"));
        }
        let retention = number("retention.ms").filter(|retention| *retention >= 0);
        match (planned.purpose, retention) {
            (Purpose::Changelog | Purpose::Partials, Some(retention)) => {
                tell(true, format!("`retention.ms` is {retention}, so state is lost after that time: set it to -1"))
            }
            (Purpose::Input, Some(retention)) if retention < self.horizon_ms => tell(
                false,
                format!(
                    "`retention.ms` is {retention} ({}), less than the label horizon of {}: a first start, or one from anew, \
                     finds less than that; and records with old timestamps are deleted at once",
                    written_duration(retention),
                    written_duration(self.horizon_ms)
                ),
            ),
            _ => {}
        }
        if let Some(bytes) = number("retention.bytes").filter(|bytes| *bytes >= 0)
            && matches!(planned.purpose, Purpose::Changelog | Purpose::Partials)
        {
            tell(true, format!("`retention.bytes` is {bytes}, so state is lost beyond that: set it to -1"));
        }
        if let Some(bytes) = number("max.message.bytes").filter(|bytes| *bytes < MIN_RECORD_BYTES)
            && !matches!(planned.purpose, Purpose::Input | Purpose::References | Purpose::Control)
        {
            tell(true, format!("`max.message.bytes` is {bytes}: set it to {MIN_RECORD_BYTES} or more"));
        }
        if planned.purpose == Purpose::Input
            && let Some(age) = number("message.timestamp.before.max.ms").filter(|age| *age < self.horizon_ms)
        {
            tell(
                false,
                format!(
                    "`message.timestamp.before.max.ms` is {age} ({}), less than the label horizon of {}: brokers refuse records \
                     with older timestamps",
                    written_duration(age),
                    written_duration(self.horizon_ms)
                ),
            );
        }
        let (in_sync, replicas) =
            (number("min.insync.replicas").unwrap_or(1), i64::try_from(found.replicas).unwrap_or(i64::MAX));
        if in_sync > replicas {
            tell(
                true,
                format!("`min.insync.replicas` is {in_sync}, but there are {replicas}: no record can be written"),
            );
        } else if replicas == 1 {
            tell(false, "1 replica: what is on a broker that is lost is lost".to_owned());
        } else if in_sync < 2 {
            tell(false, format!("`min.insync.replicas` is {in_sync}: one lost broker can lose records; set it to 2"));
        } else if in_sync == replicas {
            tell(
                false,
                format!(
                    "`min.insync.replicas` is {in_sync}, as many as there are: while one broker is away nothing can be \
                     written; have another replica"
                ),
            );
        }
        if setting("unclean.leader.election.enable") == Some("true") {
            let text = "`unclean.leader.election.enable` is true: committed records can be lost with a broker; set it to false";
            tell(false, text.to_owned());
        }
        findings
    }
}

/// The findings as lines, each with whether it is an error: what several topics have in common is said once.
pub fn lines(findings: &[Finding]) -> Vec<(bool, String)> {
    let mut groups: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for finding in findings {
        let is_same =
            |(first, _): &&mut (&Finding, _)| first.is_error == finding.is_error && first.text == finding.text;
        match groups.iter_mut().find(is_same) {
            Some((_, topics)) => topics.push(&finding.topic),
            None => groups.push((finding, vec![&finding.topic])),
        }
    }
    let line = |(finding, topics): (&Finding, Vec<&str>)| match topics[..] {
        [topic] => (finding.is_error, format!("topic `{topic}`: {}", finding.text)),
        _ => (finding.is_error, format!("{} topics: {} ({})", topics.len(), finding.text, topics.join(", "))),
    };
    groups.into_iter().map(line).collect()
}

/// Records of up to this size are written: the usual limit of topics.
pub const MIN_RECORD_BYTES: i64 = 1_000_000;

/// Largest record with a reference: thousands of features.
pub const REFERENCE_BYTES_MAX: usize = 16 << 20;

/// What Kafka keeps records for by default.
const USUAL_RETENTION_MS: Millis = 7 * 86_400_000;

impl PlannedTopic {
    /// With the settings that are right for its purpose; `horizon_ms` as in [`TopicPlan`].
    pub fn new(name: String, purpose: Purpose, partitions: Option<usize>, horizon_ms: Millis) -> PlannedTopic {
        let policy = ("cleanup.policy", "delete".to_owned());
        let compact = ("cleanup.policy", "compact".to_owned());
        let unlimited = |key| (key, "-1".to_owned());
        let settings = match purpose {
            Purpose::Input => vec![policy, ("retention.ms", horizon_ms.max(USUAL_RETENTION_MS).to_string())],
            Purpose::Changelog | Purpose::Partials => {
                vec![policy, unlimited("retention.ms"), unlimited("retention.bytes")]
            }
            Purpose::Control | Purpose::Alerts => vec![compact],
            Purpose::References => vec![compact, ("max.message.bytes", REFERENCE_BYTES_MAX.to_string())],
            Purpose::Output => Vec::new(),
        };
        PlannedTopic { name, purpose, partitions, is_required: true, settings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(partitions: usize, settings: &[(&str, &str)]) -> FoundTopic {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        FoundTopic { partitions, replicas: 3, settings: settings.collect() }
    }

    fn errors(plan: &TopicPlan, name: &str, found: &FoundTopic) -> (usize, usize) {
        let planned = plan.topics.iter().find(|topic| topic.name == name).expect("planned");
        let findings = plan.findings(planned, found);
        let errors = findings.iter().filter(|finding| finding.is_error).count();
        (errors, findings.len() - errors)
    }

    #[test]
    fn what_would_lose_state_is_an_error_and_what_would_lose_history_a_warning() {
        let plan = TopicPlan::new(&Config::default(), 8, 4);
        let safe = ("min.insync.replicas", "2");
        assert_eq!(errors(&plan, "predictions", &found(8, &[safe, ("retention.ms", "-1")])), (0, 0));
        assert_eq!(errors(&plan, "predictions", &found(8, &[safe, ("retention.ms", "604800000")])), (0, 1));
        assert_eq!(errors(&plan, "labels", &found(6, &[safe])), (1, 0));
        assert_eq!(errors(&plan, "postdict-join-changelog", &found(8, &[safe, ("retention.ms", "604800000")])), (1, 0));
        assert_eq!(
            errors(&plan, "postdict-partials", &found(4, &[safe, ("cleanup.policy", "compact,delete")])),
            (1, 0)
        );
        assert_eq!(errors(&plan, "metrics", &found(1, &[safe, ("cleanup.policy", "compact")])), (0, 1));
        assert_eq!(errors(&plan, "metrics", &found(1, &[("min.insync.replicas", "1")])), (0, 1));
        assert_eq!(errors(&plan, "alerts", &found(1, &[safe, ("cleanup.policy", "compact")])), (0, 0));
        assert_eq!(errors(&plan, "alerts", &found(1, &[safe, ("cleanup.policy", "delete")])), (0, 1));
        assert_eq!(
            errors(&plan, "metrics", &found(1, &[("min.insync.replicas", "3")])),
            (0, 1),
            "no broker may be away"
        );
        assert_eq!(
            errors(&plan, "metrics", &found(1, &[("min.insync.replicas", "4")])),
            (1, 0),
            "no write can succeed"
        );
        let unclean = ("unclean.leader.election.enable", "true");
        assert_eq!(errors(&plan, "postdict-partials", &found(4, &[safe, unclean])), (0, 1));
        let refuses = ("message.timestamp.before.max.ms", "86400000");
        assert_eq!(errors(&plan, "labels", &found(8, &[safe, refuses])), (0, 1));
        assert_eq!(errors(&plan, "metrics", &found(8, &[safe, refuses])), (0, 0), "rows have the time of writing");
    }

    #[test]
    fn what_a_topic_is_created_with_is_right() {
        let plan = TopicPlan::new(&Config::default(), 8, 4);
        for planned in &plan.topics {
            let settings = planned.settings.iter().map(|(key, value)| (*key, value.as_str()));
            let settings: Vec<_> = settings.chain([("min.insync.replicas", "2")]).collect();
            let found = found(planned.partitions.unwrap_or(1), &settings);
            assert_eq!(plan.findings(planned, &found), [], "{}", planned.name);
        }
        let brief = PlannedTopic::new("labels".to_owned(), Purpose::Input, None, 60_000).settings;
        assert!(brief.contains(&("retention.ms", "604800000".to_owned())), "{brief:?}");
    }

    #[test]
    fn what_all_topics_have_in_common_is_said_once() {
        let plan = TopicPlan::new(&Config::default(), 8, 4);
        let mut lonely = found(8, &[("retention.ms", "-1")]);
        lonely.replicas = 1;
        let findings: Vec<Finding> = plan.topics.iter().flat_map(|topic| plan.findings(topic, &lonely)).collect();
        let lines = lines(&findings);
        let expected = (false, "8 topics: 1 replica: what is on a broker that is lost is lost (predictions, labels, ");
        assert!(lines.iter().any(|line| line.0 == expected.0 && line.1.starts_with(expected.1)), "{lines:?}");
        assert!(
            lines.contains(&(
                true,
                "2 topics: 8 partitions, not 4: create it anew with 4 (postdict-partials, \
             postdict-assess-changelog)"
                    .to_owned()
            )),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn every_topic_is_planned_once() {
        let plan = TopicPlan::new(&Config::default(), 8, 4);
        let names: Vec<&str> = plan.topics.iter().map(|topic| topic.name.as_str()).collect();
        let expected = [
            "predictions",
            "labels",
            "postdict-join-changelog",
            "postdict-partials",
            "postdict-assess-changelog",
            "metrics",
            "alerts",
            "dead-letters",
        ];
        assert_eq!(names, expected);
        let mut config = Config::default();
        config.topics.profiles = Some("profiles".to_owned());
        config.topics.control = Some("control".to_owned());
        let planned = TopicPlan::new(&config, 8, 4).topics;
        let control = planned.iter().find(|topic| topic.name == "control").expect("planned");
        assert_eq!((control.purpose, control.partitions, control.is_required), (Purpose::Control, Some(1), true));
        let alerts = planned.iter().find(|topic| topic.name == "alerts").expect("planned");
        assert_eq!((alerts.purpose, alerts.partitions), (Purpose::Alerts, None));
        assert_eq!(alerts.is_required, !config.settings.alerts.is_empty());
        let last = TopicPlan::new(&config, 8, 4).topics.pop().expect("topics");
        assert_eq!((last.name.as_str(), last.purpose, last.partitions), ("profiles", Purpose::Output, None));
    }
}
