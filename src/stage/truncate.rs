//! Deletes what complete snapshots have made superfluous: the beginning of changelogs, and of inputs that nobody else reads.
//!
//! Housekeeping: it happens beside the work, and where it fails the log stays longer than it must.

use super::commit::Part;
use super::failpoint::pass;
use super::log::Plain;
use super::work::{SnapshotMark, Stage};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long one question to the brokers may take.
const ASK: Duration = Duration::from_secs(10);
/// Deletions that may wait; more are left out, as the next snapshot makes up for them.
const WAITING_MAX: usize = 64;

/// Offsets before which records of a topic partition are not needed.
type Cuts = Vec<(String, i32, i64)>;

/// Follows snapshots and deletes behind them.
pub struct Truncation {
    stage: Arc<dyn Stage>,
    ends: Arc<BaseConsumer<Plain>>,
    /// Of each partition with a snapshot that has begun: what can go once it is complete.
    begun: BTreeMap<i32, Cuts>,
    sender: Option<SyncSender<Cuts>>,
    thread: Option<JoinHandle<()>>,
}

impl Truncation {
    /// Starts the thread that deletes.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        stage: Arc<dyn Stage>,
        ends: Arc<BaseConsumer<Plain>>,
        client: AdminClient<Plain>,
    ) -> std::io::Result<Truncation> {
        let (sender, receiver) = sync_channel::<Cuts>(WAITING_MAX);
        let name = stage.name();
        let work = move || {
            for cuts in receiver {
                pass("truncate.begin");
                let deleted = delete(&client, &cuts);
                pass("truncate.done");
                match deleted {
                    Ok(()) => tracing::info!(stage = name, ?cuts, "deleted what a snapshot replaces"),
                    Err(error) => {
                        let advice = match error.rdkafka_error_code() {
                            Some(Code::TopicAuthorizationFailed) => "; allow DELETE on it, or the topic grows for ever",
                            _ => "",
                        };
                        tracing::warn!(stage = name, ?cuts, "cannot delete what a snapshot replaces: {error}{advice}")
                    }
                }
            }
        };
        let thread = Builder::new().name(format!("{name}-truncate")).spawn(work)?;
        Ok(Truncation { stage, ends, begun: BTreeMap::new(), sender: Some(sender), thread: Some(thread) })
    }

    /// Before the parts are sent: notes where snapshots begin.
    pub fn before_commit(&mut self, parts: &[Part]) {
        if parts.iter().any(|part| part.snapshot.is_none() && self.begun.contains_key(&part.partition)) {
            pass("snapshot.part");
        }
        for part in parts.iter().filter(|part| part.snapshot.is_some_and(SnapshotMark::starts)) {
            let changelog = self.stage.changelog();
            // Only this process writes there, so its next block is at the end or behind it.
            let Ok((_, end)) = self.ends.fetch_watermarks(changelog, part.partition, ASK) else { continue };
            let mut cuts = vec![(changelog.to_owned(), part.partition, end)];
            if self.stage.owns_inputs() {
                let inputs = self.stage.inputs().iter().zip(&part.next);
                cuts.extend(inputs.map(|(topic, position)| (topic.clone(), part.partition, *position)));
            }
            self.begun.insert(part.partition, cuts);
        }
    }

    /// After the parts are durable: has what complete snapshots replace deleted.
    pub fn committed(&mut self, parts: &[Part]) {
        for part in parts.iter().filter(|part| part.snapshot.is_some_and(SnapshotMark::ends)) {
            pass("snapshot.durable");
            if let (Some(cuts), Some(sender)) = (self.begun.remove(&part.partition), &self.sender) {
                let _ = sender.try_send(cuts);
            }
        }
    }

    /// A partition is not this process's any more.
    pub fn forget(&mut self, partition: i32) {
        self.begun.remove(&partition);
    }
}

impl Drop for Truncation {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn delete(client: &AdminClient<Plain>, cuts: &Cuts) -> Result<(), KafkaError> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in cuts {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    let options = AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK));
    let done = pollster::block_on(client.delete_records(&list, &options))?;
    done.elements().iter().try_for_each(|element| element.error())
}
