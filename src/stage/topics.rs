//! The topics of a stage: that they are there, with partitions that fit, at the start and for as long as it runs.

use super::errors::{advice, is_authorization};
use super::log::Plain;
use super::message::Message;
use super::positions::{gap, recreated};
use super::thread::spawn;
use super::topic_id::{self, TopicId};
use super::work::Stage;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(5);

/// How long a client's complaints are listened to.
const COMPLAINTS: Duration = Duration::from_secs(1);

/// How often in a row a topic must be missing: brokers that start may not know all topics yet, nor any broker one that was
/// made a moment ago.
pub const MISSING_MAX: u32 = 3;

/// What a topic is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicNow {
    /// Partitions.
    pub partitions: usize,
    /// Its id, if the brokers say.
    pub id: Option<TopicId>,
}

/// Topics by name.
pub type Topics = BTreeMap<String, TopicNow>;

/// What is wrong with the topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Nobody answers, now.
    Unreachable(String),
    /// A topic is not there.
    Missing(String),
    /// The operator has to do something.
    Wrong(String),
}

/// All topics of the stage, if they fit each other.
///
/// # Errors
/// With what is wrong.
pub fn inspect(client: &BaseConsumer<Plain>, stage: &dyn Stage) -> Result<Topics, Problem> {
    let found = look(client, stage)?;
    fit(stage, &found).map_err(Problem::Wrong)?;
    Ok(found)
}

/// All topics of the stage, whether they fit each other or not.
fn look(client: &BaseConsumer<Plain>, stage: &dyn Stage) -> Result<Topics, Problem> {
    let names = stage.inputs().iter().chain(stage.outputs()).map(String::as_str).chain([stage.changelog()]);
    let names: Vec<&str> = names.collect();
    let mut found = Topics::new();
    for topic in &names {
        found.insert((*topic).to_owned(), TopicNow { partitions: count(client, topic)?, id: None });
    }
    for (topic, id) in topic_id::ask(client, &names, ASK) {
        found.entry(topic).and_modify(|topic| topic.id = Some(id));
    }
    Ok(found)
}

/// Partitions of a topic.
///
/// # Errors
/// If it is not there, may not be looked at, or nobody answers.
pub fn count(client: &BaseConsumer<Plain>, topic: &str) -> Result<usize, Problem> {
    let unreachable = |error: KafkaError| match error.rdkafka_error_code() {
        Some(code) if is_authorization(code) => Problem::Wrong(format!("{error}{}", advice(code))),
        Some(code) => Problem::Unreachable(format!("no answer about topic `{topic}`: {code}")),
        None => Problem::Unreachable(format!("no answer about topic `{topic}`: {error}")),
    };
    let metadata = client.fetch_metadata(Some(topic), ASK).map_err(|error| {
        // Serves the client's log, where the reason for a refused connection is. A client that has a group never runs out of
        // complaints.
        let until = Instant::now() + COMPLAINTS;
        while client.poll(Duration::from_millis(100)).is_some() && Instant::now() < until {}
        client.context().0.take_refusal().map_or_else(|| unreachable(error), Problem::Wrong)
    })?;
    drop(client.context().0.take_refusal());
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Err(Problem::Unreachable(format!("the brokers do not answer about topic `{topic}`")));
    };
    match found.error().map(Code::from) {
        None => Ok(found.partitions().len()),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
            Err(Problem::Missing(format!("there is no topic `{topic}`{}", advice(Code::UnknownTopic))))
        }
        Some(code) if is_authorization(code) || code == Code::InvalidTopic => {
            Err(Problem::Wrong(format!("topic `{topic}`: {code}{}", advice(code))))
        }
        Some(code) => Err(Problem::Unreachable(format!("topic `{topic}`: {code}"))),
    }
}

/// Companions and the changelog have the partitions of the primary topic.
fn fit(stage: &dyn Stage, found: &Topics) -> Result<(), String> {
    let Some(primary) = stage.inputs().first() else { return Err("the stage reads no topic".to_owned()) };
    let of = |topic: &str| found.get(topic).map_or(0, |topic| topic.partitions);
    for topic in stage.inputs().iter().skip(1) {
        if of(topic) != of(primary) {
            let (few, many) = if of(topic) < of(primary) { (topic, primary) } else { (primary, topic) };
            return Err(format!(
                "topic `{topic}` has {} partitions and `{primary}` {}: they must have equally many, as records are matched \
                 by partition. Give `{few}` as many as `{many}` before anything is written to it; if the service has run \
                 already, keys are in other partitions than before, so start anew too: `postdict topics reset`",
                of(topic),
                of(primary),
            ));
        }
    }
    let changelog = stage.changelog();
    if of(changelog) != of(primary) {
        return Err(format!(
            "topic `{changelog}` has {} partitions and `{primary}` {}: they must have equally many. If partitions were added to \
             `{primary}`, keys are in other partitions than before. Start anew: `postdict topics reset`",
            of(changelog),
            of(primary),
        ));
    }
    Ok(())
}

/// What a topic is to the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It reads it, or its state is there.
    Own,
    /// It writes it, and chooses the partitions itself.
    PlacedOutput,
    /// It writes it, and keys decide about the partitions.
    Output,
}

/// What `topic` is to the stage.
fn role(stage: &dyn Stage, topic: &str) -> Role {
    let is_among = |topics: &[String]| topics.iter().any(|other| other == topic);
    if is_among(&stage.description().placed_outputs) {
        Role::PlacedOutput
    } else if is_among(stage.outputs()) {
        Role::Output
    } else {
        Role::Own
    }
}

/// How the topics differ from what they were, so that the stage cannot go on, if they do. Said before anything about how
/// they fit each other: where partitions were added to one of two inputs, adding them to the other does not help.
fn changed(before: &Topics, now: &Topics, role: &dyn Fn(&str) -> Role) -> Option<String> {
    before.iter().find_map(|(topic, before)| {
        let now = now.get(topic)?;
        if before.partitions != now.partitions && role(topic) != Role::Output {
            return Some(format!(
                "topic `{topic}` had {} partitions and now has {}: keys are in other partitions than before. \
                 Start anew: `postdict topics reset`",
                before.partitions, now.partitions
            ));
        }
        match (before.id, now.id) {
            (Some(before), Some(now)) if before != now && role(topic) == Role::Own => {
                Some(recreated(topic, before, now))
            }
            _ => None,
        }
    })
}

/// Takes note of how outputs changed, which is no reason to stop, and of ids that were not known. Gives what is to be said
/// of the former.
fn take_note(before: &mut Topics, now: &Topics, role: &dyn Fn(&str) -> Role) -> Vec<String> {
    let mut said = Vec::new();
    for (topic, before) in before {
        let Some(now) = now.get(topic) else { continue };
        if now.partitions != before.partitions && role(topic) == Role::Output {
            said.push(format!(
                "topic `{topic}` had {} partitions and now has {}: what is written from now on is in other partitions than \
                 what has the same key and was written before. Readers of rows go by their `revision`",
                before.partitions, now.partitions
            ));
            before.partitions = now.partitions;
        }
        let Some(id) = now.id else { continue };
        if before.id.replace(id).is_some_and(|before| before != id) && role(topic) != Role::Own {
            said.push(format!(
                "topic `{topic}` was deleted and created again: what had been written to it is gone, and is not written \
                 again"
            ));
        }
    }
    said
}

/// Looks at the topics from time to time.
pub struct TopicWatch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TopicWatch {
    /// Starts to look whether the topics are still as in `before`.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn start(
        stage: Arc<dyn Stage>,
        client: Arc<BaseConsumer<Plain>>,
        mut before: Topics,
        interval: Duration,
        engine: Sender<Message>,
    ) -> KafkaResult<TopicWatch> {
        let (stop, stopped) = channel();
        let (name, told) = (format!("{}-topics", stage.name()), engine.clone());
        let look = move || {
            let mut missing = 0;
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                // Serves the client's log.
                while client.poll(Duration::ZERO).is_some() {}
                let problem = match look(&client, &*stage) {
                    Ok(now) => {
                        missing = 0;
                        let role = |topic: &str| role(&*stage, topic);
                        let problem = changed(&before, &now, &role);
                        for what in take_note(&mut before, &now, &role) {
                            tracing::warn!(stage = stage.name(), "{what}");
                        }
                        problem
                    }
                    Err(Problem::Unreachable(_)) => None,
                    Err(Problem::Missing(what)) => {
                        missing += 1;
                        (missing >= MISSING_MAX).then_some(what)
                    }
                    Err(Problem::Wrong(what)) => Some(what),
                };
                if let Some(what) = problem {
                    let _ = told.send(Message::Broken(what));
                    return;
                }
            }
        };
        let thread = spawn(name, engine, look)?;
        Ok(TopicWatch { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for TopicWatch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Why inputs cannot be read at these positions, after the reader said that some cannot. `None` where all can: what it said
/// was about a partition that had been given up, and whose new owner has deleted what it needs no more.
///
/// # Errors
/// If the brokers do not say.
pub fn missing(
    client: &BaseConsumer<Plain>,
    stage: &dyn Stage,
    positions: &BTreeMap<i32, Vec<i64>>,
) -> Result<Option<String>, KafkaError> {
    for (partition, positions) in positions {
        for (topic, position) in stage.inputs().iter().zip(positions) {
            let (low, high) = client.fetch_watermarks(topic, *partition, ASK)?;
            if let Some(what) = gap(topic, *partition, *position, low, high) {
                return Ok(Some(what));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU128;

    /// Topics with their partitions and ids.
    fn topics(topics: &[(&str, usize, u128)]) -> Topics {
        let now = |partitions: usize, id: u128| TopicNow { partitions, id: NonZeroU128::new(id).map(TopicId) };
        topics.iter().map(|(topic, partitions, id)| ((*topic).to_owned(), now(*partitions, *id))).collect()
    }

    fn role(topic: &str) -> Role {
        match topic {
            "metrics" => Role::Output,
            "partials" => Role::PlacedOutput,
            _ => Role::Own,
        }
    }

    #[test]
    fn topics_that_do_not_fit_are_not_to_be_deleted() {
        let stage = crate::stage::JoinStage::new(Arc::new(crate::config::Config::default()), 1).expect("no schemas");
        let with = |labels, changelog| {
            let topics =
                topics(&[("labels", labels, 1), ("postdict-join-changelog", changelog, 2), ("predictions", 4, 3)]);
            fit(&stage, &topics)
        };
        assert_eq!(with(4, 4), Ok(()));
        for (labels, changelog, advice) in [
            (6, 4, "Give `predictions` as many as `labels`"),
            (2, 4, "Give `labels` as many as `predictions`"),
            (4, 2, "Start anew: `postdict topics reset`"),
        ] {
            let what = with(labels, changelog).expect_err("they do not fit");
            assert!(what.contains(advice) && what.contains("equally many"), "{what}");
        }
    }

    #[test]
    fn more_partitions_than_before_are_seen() {
        let before = topics(&[("labels", 4, 1), ("partials", 4, 3), ("predictions", 4, 2)]);
        assert_eq!(changed(&before, &before, &role), None);
        for (topic, id) in [("predictions", 2), ("partials", 3)] {
            let mut now = before.clone();
            now.extend(topics(&[(topic, 6, id)]));
            let what = changed(&before, &now, &role).expect("it cannot go on");
            assert!(what.contains(&format!("`{topic}` had 4 partitions and now has 6")), "{what}");
        }
    }

    #[test]
    fn an_output_that_gets_more_partitions_is_noted() {
        let mut before = topics(&[("metrics", 1, 7), ("predictions", 4, 2)]);
        let now = topics(&[("metrics", 3, 7), ("predictions", 4, 2)]);
        assert_eq!(changed(&before, &now, &role), None);
        let said = take_note(&mut before, &now, &role);
        assert!(matches!(&said[..], [what] if what.contains("`metrics` had 1 partitions and now has 3")), "{said:?}");
        assert!(take_note(&mut before, &now, &role).is_empty(), "once");
    }

    #[test]
    fn an_input_that_was_created_again_stops_and_an_output_is_noted() {
        let mut before = topics(&[("labels", 4, 1), ("metrics", 1, 0), ("predictions", 4, 2)]);
        let now = topics(&[("labels", 4, 1), ("metrics", 1, 7), ("predictions", 4, 3)]);
        let what = changed(&before, &now, &role);
        assert!(what.is_some_and(|what| what.contains("`predictions`") && what.contains("created again")));
        assert!(take_note(&mut before, &now, &role).is_empty(), "its first id was not known");
        let silent = topics(&[("labels", 4, 0), ("metrics", 1, 0), ("predictions", 4, 0)]);
        assert_eq!(changed(&before, &silent, &role), None, "brokers that do not say");
        let again = topics(&[("labels", 4, 1), ("metrics", 1, 8), ("predictions", 4, 3)]);
        assert_eq!(changed(&before, &again, &role), None);
        let said = take_note(&mut before, &again, &role);
        assert!(matches!(&said[..], [what] if what.contains("`metrics` was deleted and created again")), "{said:?}");
        assert!(take_note(&mut before, &again, &role).is_empty(), "once");
    }
}
