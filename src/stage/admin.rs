//! The topics that there are: looked at, and created where they are missing.

use super::errors::{advice, wrong_properties};
use super::log::{ClientLog, Plain};
use super::options::Options;
use super::plan::{FoundTopic, PlannedTopic};
use super::properties::{Ids, Properties};
use super::topics::{Problem, count};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(10);

/// Looks at topics and creates them.
pub struct Admin {
    client: AdminClient<Plain>,
    reader: BaseConsumer<Plain>,
}

impl Admin {
    /// A client for the brokers of `options`.
    ///
    /// # Errors
    /// If a property is wrong.
    pub fn new(options: &Options) -> Result<Admin, String> {
        let properties = Properties::new(options, &Ids::new(options, "admin", 0));
        let config = properties.high_watermark();
        let wrong = |error: rdkafka::error::KafkaError| wrong_properties(&error);
        Ok(Admin {
            client: AdminClient::from_config_and_context(&properties.admin(), Plain(ClientLog::new("topics", "admin")))
                .map_err(wrong)?,
            reader: BaseConsumer::from_config_and_context(&config, Plain(ClientLog::new("topics", "admin")))
                .map_err(wrong)?,
        })
    }

    /// The client, for what is asked for once.
    pub(super) fn client(&self) -> &AdminClient<Plain> {
        &self.client
    }

    /// Who is in a group: ids and hosts of its members.
    ///
    /// # Errors
    /// If nobody answers.
    pub fn members(&self, group: &str) -> Result<Vec<String>, String> {
        let failed = |error: rdkafka::error::KafkaError| format!("asking for the members of group `{group}`: {error}");
        let list = self.reader.fetch_group_list(Some(group), ASK).map_err(failed)?;
        let found = list.groups().iter().filter(|found| found.name() == group);
        let told = |member: &rdkafka::groups::GroupMemberInfo| format!("{} at {}", member.id(), member.client_host());
        Ok(found.flat_map(|found| found.members()).map(told).collect())
    }

    /// Partitions of a topic.
    ///
    /// # Errors
    /// If it is not there, or nobody answers.
    pub fn partitions(&self, topic: &str) -> Result<usize, Problem> {
        count(&self.reader, topic)
    }

    /// A topic with its settings; `None` if it is not there.
    ///
    /// # Errors
    /// If nobody answers, or it may not be looked at.
    pub fn look(&self, topic: &str) -> Result<Option<FoundTopic>, String> {
        match self.partitions(topic) {
            Ok(_) => {}
            Err(Problem::Missing(_)) => return Ok(None),
            Err(Problem::Unreachable(why) | Problem::Wrong(why)) => return Err(why),
        }
        let failed = |error: rdkafka::error::KafkaError| format!("topic `{topic}`: {error}");
        let metadata = self.reader.fetch_metadata(Some(topic), ASK).map_err(failed)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else { return Err(format!("the brokers do not answer about topic `{topic}`")) };
        let replicas = found.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
        Ok(Some(FoundTopic { partitions: found.partitions().len(), replicas, settings: self.settings(topic)? }))
    }

    fn settings(&self, topic: &str) -> Result<BTreeMap<String, String>, String> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let options = AdminOptions::new().request_timeout(Some(ASK));
        let answers = pollster::block_on(self.client.describe_configs(&asked, &options))
            .map_err(|error| format!("asking for the settings of topic `{topic}`: {error}"))?;
        let mut settings = BTreeMap::new();
        for answer in answers {
            let resource = answer.map_err(|code| format!("settings of topic `{topic}`: {code}{}", advice(code)))?;
            let pairs = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
            settings.extend(pairs);
        }
        Ok(settings)
    }

    /// Creates a topic with `partitions`, and as many replicas as asked for (`None`: what the brokers say).
    ///
    /// # Errors
    /// If it cannot be created; one that is there is an error too.
    pub fn create(&self, planned: &PlannedTopic, partitions: usize, replicas: Option<usize>) -> Result<(), String> {
        let name = planned.name.as_str();
        let count = i32::try_from(partitions).map_err(|_| format!("{partitions} partitions are too many"))?;
        let replicas = replicas.map_or(-1, |replicas| i32::try_from(replicas).unwrap_or(i32::MAX));
        let topic = planned
            .settings
            .iter()
            .fold(NewTopic::new(name, count, TopicReplication::Fixed(replicas)), |topic, (key, value)| {
                topic.set(key, value)
            });
        let options = AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK));
        let answers = pollster::block_on(self.client.create_topics([&topic], &options))
            .map_err(|error| format!("creating topic `{name}`: {error}"))?;
        match answers.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            Some(Err((_, code))) => Err(format!("creating topic `{name}`: {code}{}", advice(code))),
            None => Err(format!("creating topic `{name}`: the brokers do not answer")),
        }
    }
}
