//! Following the topic of references: everything that is there at the start, and what comes then.

use super::super::log::ClientLog;
use super::super::options::Options;
use super::super::properties::{Ids, Properties};
use super::super::run::Stop;
use super::super::topics::Problem;
use super::References;
use super::topic::{TopicReader, TopicRecord};
use crate::codec::reference::{ReferenceRecord, decode_reference};
use crate::config::Config;
use crate::event::{AnnouncedReference, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long one look for records takes.
const LOOK: Duration = Duration::from_millis(100);

/// Between two lines about the same wait.
const SAY: Duration = Duration::from_secs(30);

/// The references that are known, and the thread that follows the topic, if there is one; it ends when this is dropped.
pub struct Follower {
    references: Arc<References>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Of these settings alone: there is no topic.
    pub fn of(settings: &Settings) -> Follower {
        Follower { references: References::new(Arc::new(settings.clone())), stop: None, thread: None }
    }

    /// What is known.
    pub fn references(&self) -> &Arc<References> {
        &self.references
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The references of the configuration and of a topic with so many partitions: all that are there, and from now on those that
/// come. `None` if it is to stop before all is read.
///
/// # Errors
/// If the topic may not be read, or says what cannot be used.
pub fn start(
    config: &Arc<Config>,
    options: &Options,
    (topic, partitions): (&str, usize),
    stop: &Stop,
) -> Result<Option<Follower>, String> {
    let properties = Properties::new(options, &Ids::new(options, "join", 0));
    let mut reader = TopicReader::open(&properties, topic, partitions)?;
    let mut known = Known::new(config, topic);
    let mut said = Instant::now();
    while !reader.is_at_end() {
        if stop.is_requested() {
            return Ok(None);
        }
        match reader.next(LOOK) {
            Ok(Some(record)) => drop(known.take(&record)),
            Ok(None) | Err(Problem::Unreachable(_)) if said.elapsed() > SAY => {
                said = Instant::now();
                tracing::warn!("waiting for the brokers: topic `{topic}` was not read to its end");
            }
            Ok(None) | Err(Problem::Unreachable(_)) => {}
            Err(Problem::Missing(why) | Problem::Wrong(why)) => return Err(why),
        }
    }
    known.check()?;
    tracing::info!(topic, announced = known.by_key.len(), "references are read");
    let references = References::new(Arc::new(known.settings()));
    let (told, stopped) = channel();
    let following = Arc::clone(&references);
    let thread = Builder::new()
        .name("references".to_owned())
        .spawn(move || known.follow(reader, &following, &stopped))
        .map_err(|error| format!("making a thread: {error}"))?;
    Ok(Some(Follower { references, stop: Some(told), thread: Some(thread) }))
}

/// What the topic says.
struct Known {
    config: Arc<Config>,
    topic: String,
    by_key: BTreeMap<Vec<u8>, AnnouncedReference>,
    /// What was last announced under these keys, and why it is refused.
    refused: BTreeMap<Vec<u8>, String>,
}

impl Known {
    fn new(config: &Arc<Config>, topic: &str) -> Known {
        let (by_key, refused) = (BTreeMap::new(), BTreeMap::new());
        Known { config: Arc::clone(config), topic: topic.to_owned(), by_key, refused }
    }

    /// That everything can be used. What cannot may have been in force until now, so going on without it would silently
    /// compare with something else.
    fn check(&self) -> Result<(), String> {
        let complaints: Vec<String> = self
            .refused
            .iter()
            .map(|(key, why)| format!("reference `{}`: {why}", String::from_utf8_lossy(key)))
            .collect();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(format!(
            "topic `{}`: {}. Correct the configuration, announce another in its place, or take it back: `postdict references \
             take-back`",
            self.topic,
            complaints.join("; ")
        ))
    }

    fn settings(&self) -> Settings {
        self.config.settings_with(self.by_key.values())
    }

    /// Takes a record; true if it changes anything. One that cannot be used changes nothing: what was known stays.
    fn take(&mut self, record: &TopicRecord) -> bool {
        let place = format!("`{}`/{}, offset {}", self.topic, record.partition, record.offset);
        let key = record.key.clone().unwrap_or_default();
        self.refused.remove(&key);
        match self.read(record) {
            Ok(ReferenceRecord::TakenBack) => {
                let taken = self.by_key.remove(&key);
                if let Some(AnnouncedReference { model_id, profile, .. }) = &taken {
                    tracing::info!(model = &**model_id, "reference {} is taken back", profile.id);
                }
                taken.is_some()
            }
            Ok(ReferenceRecord::Announced(announced)) => {
                let from = announced.from_ms.and_then(|from| jiff::Timestamp::from_millisecond(from).ok());
                let from = from.map_or("the beginning".to_owned(), |from| from.to_string());
                let (model, id) = (&*announced.model_id, announced.profile.id);
                tracing::info!(model, "reference {id} is announced, from {from} on");
                self.by_key.insert(key, announced.clone()).is_none_or(|before| before != announced)
            }
            Err(why) => {
                tracing::error!("a reference is refused, and those that there were stay in force: {place}: {why}");
                // What has another key was never in force.
                if decode_reference(&key, None).is_ok() {
                    self.refused.insert(key, why);
                }
                false
            }
        }
    }

    fn read(&self, record: &TopicRecord) -> Result<ReferenceRecord, String> {
        let key = record.key.as_deref().unwrap_or_default();
        let read = decode_reference(key, record.value.as_deref()).map_err(|error| error.to_string())?;
        match &read {
            ReferenceRecord::Announced(announced) => self.config.refusal(announced).map_or(Ok(()), Err)?,
            ReferenceRecord::TakenBack => {}
        }
        Ok(read)
    }

    /// Takes what comes until it is told to stop.
    fn follow(mut self, mut reader: TopicReader, references: &References, stopped: &Receiver<()>) {
        let log = ClientLog::new("references", "reader");
        while stopped.try_recv() == Err(TryRecvError::Empty) {
            let mut has_changed = false;
            loop {
                match reader.next(if has_changed { Duration::ZERO } else { LOOK }) {
                    Ok(Some(record)) => has_changed |= self.take(&record),
                    Ok(None) => break,
                    Err(Problem::Unreachable(why) | Problem::Missing(why) | Problem::Wrong(why)) => {
                        log.warn(&why);
                        break;
                    }
                }
            }
            if has_changed {
                references.replace(Arc::new(self.settings()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::reference::encode_reference;
    use crate::event::Millis;
    use crate::event::profile::samples::profile;

    const DAY: Millis = 86_400_000;

    fn known() -> Known {
        Known::new(&Arc::new(Config::default()), "references")
    }

    fn record(model_id: &str, from_ms: Millis) -> TopicRecord {
        let announced =
            AnnouncedReference { model_id: model_id.into(), from_ms: Some(from_ms), profile: Arc::new(profile()) };
        let (key, value) = encode_reference(&announced);
        let (key, value) = (Some(key.into_bytes()), Some(value.into_bytes()));
        TopicRecord { partition: 0, offset: 7, key, value }
    }

    fn begins(known: &Known) -> Vec<Option<Millis>> {
        known.settings().model("m").references.iter().map(|reference| reference.from_ms).collect()
    }

    #[test]
    fn the_last_record_of_a_key_holds() {
        let mut known = known();
        assert!(known.take(&record("m", 2 * DAY)) && known.take(&record("m", DAY)));
        assert!(!known.take(&record("m", DAY)), "it says the same");
        assert_eq!(begins(&known), [Some(DAY), Some(2 * DAY)]);
        let tombstone = TopicRecord { value: None, ..record("m", DAY) };
        assert!(known.take(&tombstone) && !known.take(&tombstone));
        assert_eq!(begins(&known), [Some(2 * DAY)]);
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut known = known();
        assert!(known.take(&record("m", DAY)));
        let garbage = TopicRecord { value: Some(b"garbage".to_vec()), ..record("m", DAY) };
        let keyless = TopicRecord { key: None, ..record("m", DAY) };
        for refused in [garbage, record("another", DAY), keyless] {
            assert!(!known.take(&refused), "{refused:?}");
        }
        assert_eq!(begins(&known), [Some(DAY)]);
        let said = known.check().expect_err("after a restart, it would not be known any more");
        assert!(said.contains("`m@1970-01-02T00:00:00Z`") && said.contains("`another@1970-01-02T00:00:00Z`"), "{said}");
        assert!(!known.take(&record("m", DAY)));
        known.take(&TopicRecord { value: None, ..record("another", DAY) });
        assert_eq!(known.check(), Ok(()));
    }
}
