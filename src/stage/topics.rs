//! The topics of a stage: that they are there, with partitions that fit, at the start and for as long as it runs.

use super::errors::{advice, is_authorization};
use super::log::Plain;
use super::message::Message;
use super::positions::gap;
use super::thread::spawn;
use super::work::Stage;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(5);

/// How often in a row a topic must be missing: brokers that start may not know all topics yet, nor any broker one that was
/// made a moment ago.
pub const MISSING_MAX: u32 = 3;

/// Partitions per topic.
pub type Counts = BTreeMap<String, usize>;

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

/// Partition counts of all topics of the stage, if they fit each other.
///
/// # Errors
/// With what is wrong.
pub fn inspect(client: &BaseConsumer<Plain>, stage: &dyn Stage) -> Result<Counts, Problem> {
    let mut counts = Counts::new();
    let changelog = stage.changelog().to_owned();
    for topic in stage.inputs().iter().chain(stage.outputs()).chain([&changelog]) {
        counts.insert(topic.clone(), count(client, topic)?);
    }
    fit(stage, &counts).map_err(Problem::Wrong)?;
    Ok(counts)
}

/// Partitions of a topic.
///
/// # Errors
/// If it is not there, may not be looked at, or nobody answers.
pub fn count(client: &BaseConsumer<Plain>, topic: &str) -> Result<usize, Problem> {
    let unreachable = |error: KafkaError| match error.rdkafka_error_code() {
        Some(code) if is_authorization(code) => Problem::Wrong(format!("{error}{}", advice(code))),
        _ => Problem::Unreachable(format!("asking for topic `{topic}`: {error}")),
    };
    let metadata = client.fetch_metadata(Some(topic), ASK).map_err(unreachable)?;
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
fn fit(stage: &dyn Stage, counts: &Counts) -> Result<(), String> {
    let Some(primary) = stage.inputs().first() else { return Err("the stage reads no topic".to_owned()) };
    let of = |topic: &str| counts.get(topic).copied().unwrap_or_default();
    for topic in stage.inputs().iter().skip(1).map(String::as_str).chain([stage.changelog()]) {
        if of(topic) != of(primary) {
            return Err(format!(
                "topic `{topic}` has {} partitions and `{primary}` {}: they must have equally many, as records are matched \
                 by partition. Create `{topic}` anew with {} partitions",
                of(topic),
                of(primary),
                of(primary)
            ));
        }
    }
    Ok(())
}

/// How the topics differ from what they were, if they do.
fn changed(before: &Counts, now: &Counts) -> Option<String> {
    before.iter().find_map(|(topic, count)| {
        let found = now.get(topic)?;
        (found != count).then(|| {
            format!(
                "topic `{topic}` had {count} partitions and now has {found}: keys are in other partitions than before. \
                 Start anew: `postdict topics reset`"
            )
        })
    })
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
        before: Counts,
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
                let problem = match inspect(&client, &*stage) {
                    Ok(now) => {
                        missing = 0;
                        changed(&before, &now)
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

/// Why inputs cannot be read at these positions, after the reader said that they cannot.
pub fn explain(client: &BaseConsumer<Plain>, stage: &dyn Stage, positions: &BTreeMap<i32, Vec<i64>>) -> String {
    for (partition, positions) in positions {
        for (topic, position) in stage.inputs().iter().zip(positions) {
            if let Ok((low, high)) = client.fetch_watermarks(topic, *partition, ASK)
                && let Some(what) = gap(topic, *partition, *position, low, high)
            {
                return what;
            }
        }
    }
    format!(
        "an offset of {} is not on the brokers any more: retention deleted records before they were read, or a topic was \
         created again",
        stage.inputs().join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, usize)]) -> Counts {
        counts.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect()
    }

    #[test]
    fn more_partitions_than_before_are_seen() {
        let before = counts(&[("labels", 4), ("predictions", 4)]);
        assert_eq!(changed(&before, &before), None);
        let now = counts(&[("labels", 4), ("predictions", 6)]);
        assert!(
            changed(&before, &now).is_some_and(|what| what.contains("`predictions` had 4 partitions and now has 6"))
        );
    }
}
