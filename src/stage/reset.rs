//! Starting anew: the service's own state is deleted, as one, and its topics are made again. Inputs and outputs stay.
//!
//! The order makes it safe to die anywhere and be asked again. Offsets go first: state without offsets goes on as if
//! nothing had happened. Then all topics go with one request, so that no part of the state is left beside another's
//! absence.

use super::admin::Admin;
use super::errors::advice;
use super::log::{ClientLog, Plain};
use super::options::Options;
use super::plan::{Purpose, TopicPlan};
use super::properties::{Ids, Properties};
use super::topics::Problem;
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(10);
/// How long the transaction of a process that is gone may stay open: brokers end it before.
const OPEN_MAX: Duration = Duration::from_secs(90);
/// How long a deleted topic may still be known.
const GONE_MAX: Duration = Duration::from_secs(30);

/// The stages, which have a group each.
const STAGES: [&str; 2] = ["join", "assess"];

/// What a reset deletes, and how.
pub struct Reset<'a> {
    admin: &'a Admin,
    options: &'a Options,
    plan: &'a TopicPlan,
    groups: Vec<String>,
}

impl<'a> Reset<'a> {
    /// Of the application that `options` name, whose topics are in `plan`.
    pub fn new(admin: &'a Admin, options: &'a Options, plan: &'a TopicPlan) -> Reset<'a> {
        let groups = STAGES.iter().map(|stage| Ids::new(options, stage, 0).group).collect();
        Reset { admin, options, plan, groups }
    }

    /// The groups whose offsets are part of it.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Checks that nobody is at work.
    ///
    /// # Errors
    /// If a group has members, or nobody answers.
    pub fn check_idle(&self) -> Result<(), String> {
        for group in &self.groups {
            let members = self.admin.members(group)?;
            if !members.is_empty() {
                return Err(format!(
                    "group `{group}` has members ({}): stop every process of the service first. One that was killed counts \
                     until its session times out",
                    members.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Deletes the offsets of both groups, then the topics.
    ///
    /// # Errors
    /// If something cannot be deleted; says what.
    pub fn delete(&self) -> Result<(), String> {
        for stage in STAGES {
            self.wait_for_transactions(stage)?;
        }
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let failed = |what: &str, why: &dyn std::fmt::Display| format!("deleting {what}: {why}");
        let options = AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK));
        let answers = pollster::block_on(self.admin.client().delete_groups(&groups, &options))
            .map_err(|error| failed("groups", &error))?;
        for answer in answers {
            match answer {
                Ok(_) | Err((_, Code::GroupIdNotFound)) => {}
                Err((group, code)) => return Err(failed(&format!("group `{group}`"), &told(code))),
            }
        }
        let state = self.plan.state();
        let topics: Vec<&str> = state.topics.iter().map(|topic| topic.name.as_str()).collect();
        let answers = pollster::block_on(self.admin.client().delete_topics(&topics, &options))
            .map_err(|error| failed("topics", &error))?;
        let mut wrong = Vec::new();
        for answer in answers {
            match answer {
                Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => wrong.push(failed(&format!("topic `{topic}`"), &told(code))),
            }
        }
        if wrong.is_empty() {
            return topics.iter().try_for_each(|topic| self.wait_until_gone(topic));
        }
        let again = "do not run the service before this command has gone through: a part of the state may be gone";
        Err(format!("{}; {again}", wrong.join("; ")))
    }

    /// Brokers hear of it one after the other.
    fn wait_until_gone(&self, topic: &str) -> Result<(), String> {
        let deadline = Instant::now() + GONE_MAX;
        while !matches!(self.admin.partitions(topic), Err(Problem::Missing(_))) {
            if Instant::now() > deadline {
                return Err(format!("topic `{topic}` was deleted, but is still there: ask again"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A transaction that a process left open holds offsets that would come back after they were deleted.
    fn wait_for_transactions(&self, stage: &str) -> Result<(), String> {
        let properties = Properties::new(self.options, &Ids::new(self.options, stage, 0));
        let failed = |error: &dyn std::fmt::Display| format!("asking for the offsets of group `{stage}`: {error}");
        let reader: BaseConsumer<Plain> = properties
            .restore()
            .create_with_context(Plain(ClientLog::new("topics", "reset")))
            .map_err(|error| failed(&error))?;
        let mut list = TopicPartitionList::new();
        for topic in self.plan.topics.iter().filter(|topic| !matches!(topic.purpose, Purpose::Output | Purpose::Alerts))
        {
            match self.admin.partitions(&topic.name) {
                Ok(count) => {
                    list.add_partition_range(&topic.name, 0, i32::try_from(count).unwrap_or(i32::MAX) - 1);
                }
                Err(Problem::Missing(_)) => {}
                Err(Problem::Unreachable(why) | Problem::Wrong(why)) => return Err(why),
            }
        }
        let deadline = Instant::now() + OPEN_MAX;
        loop {
            match reader.committed_offsets(list.clone(), ASK) {
                Ok(_) => return Ok(()),
                Err(error)
                    if error.rdkafka_error_code() == Some(Code::OperationTimedOut) && Instant::now() < deadline => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

fn told(code: Code) -> String {
    format!("{code}{}", advice(code))
}
