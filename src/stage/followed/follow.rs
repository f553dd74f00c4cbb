//! Following a topic: everything that is there at the start, and what comes then.

use super::super::log::ClientLog;
use super::super::options::Options;
use super::super::properties::{Ids, Properties};
use super::super::run::Stop;
use super::super::topics::Problem;
use super::Followed;
use super::topic::{TopicReader, TopicRecord};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How long one look for records takes.
const LOOK: Duration = Duration::from_millis(100);

/// Between two lines about the same wait.
const SAY: Duration = Duration::from_secs(30);

/// What a topic says, as far as it was read.
pub trait Content: Send + 'static {
    /// What stages are told of it.
    type Value: Send + Sync + 'static;

    /// What the topic is for, in messages and names of threads.
    const NAME: &'static str;

    /// The stage as whose group its reader comes to the brokers.
    const GROUP: &'static str;

    /// Takes a record; true if it changes anything.
    fn take(&mut self, record: &TopicRecord) -> bool;

    /// What is known.
    fn value(&self) -> Self::Value;

    /// That all that was there at the start can be used.
    ///
    /// # Errors
    /// With what cannot, and what to do.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What is known, and the thread that follows the topic, if there is one; it ends when this is dropped.
pub struct Follower<T> {
    followed: Arc<Followed<T>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<T> Follower<T> {
    /// Of this alone: there is no topic.
    pub fn of(value: T) -> Follower<T> {
        Follower { followed: Followed::new(Arc::new(value)), stop: None, thread: None }
    }

    /// What is known.
    pub fn followed(&self) -> &Arc<Followed<T>> {
        &self.followed
    }
}

impl<T> Drop for Follower<T> {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// All that is on a topic with so many partitions, and from now on what comes to it. `None` if it is to stop before all is
/// read.
///
/// # Errors
/// If the topic may not be read, or says what cannot be used.
pub fn start<C: Content>(
    mut content: C,
    options: &Options,
    (topic, partitions): (&str, usize),
    stop: &Stop,
) -> Result<Option<Follower<C::Value>>, String> {
    let properties = Properties::new(options, &Ids::new(options, C::GROUP, 0));
    let mut reader = TopicReader::open(&properties, C::NAME, topic, partitions)?;
    let (mut records, mut said) = (0_u64, Instant::now());
    while !reader.is_at_end() {
        if stop.is_requested() {
            return Ok(None);
        }
        match reader.next(LOOK) {
            Ok(Some(record)) => {
                records += 1;
                content.take(&record);
            }
            Ok(None) | Err(Problem::Unreachable(_)) if said.elapsed() > SAY => {
                said = Instant::now();
                tracing::warn!("waiting for the brokers: topic `{topic}` was not read to its end");
            }
            Ok(None) | Err(Problem::Unreachable(_)) => {}
            Err(Problem::Missing(why) | Problem::Wrong(why)) => return Err(why),
        }
    }
    content.check()?;
    tracing::info!(topic, records, "the topic of {} is read to its end", C::NAME);
    let followed = Followed::new(Arc::new(content.value()));
    let (told, stopped) = channel();
    let following = Arc::clone(&followed);
    let thread = Builder::new()
        .name(C::NAME.to_owned())
        .spawn(move || follow(content, reader, &following, &stopped))
        .map_err(|error| format!("making a thread: {error}"))?;
    Ok(Some(Follower { followed, stop: Some(told), thread: Some(thread) }))
}

/// Takes what comes until it is told to stop.
fn follow<C: Content>(mut content: C, mut reader: TopicReader, followed: &Followed<C::Value>, stopped: &Receiver<()>) {
    let log = ClientLog::new(C::NAME, "reader");
    while stopped.try_recv() == Err(TryRecvError::Empty) {
        let mut has_changed = false;
        loop {
            match reader.next(if has_changed { Duration::ZERO } else { LOOK }) {
                Ok(Some(record)) => has_changed |= content.take(&record),
                Ok(None) => break,
                Err(Problem::Unreachable(why) | Problem::Missing(why) | Problem::Wrong(why)) => {
                    log.warn(&why);
                    break;
                }
            }
        }
        if has_changed {
            followed.replace(Arc::new(content.value()));
        }
    }
}
