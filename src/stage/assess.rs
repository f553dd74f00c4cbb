//! The ASSESS stage: partials in, metric rows out.
//!
//! Its only input is durable and in order, so its log does not repeat it. It holds what the wall clock decided: with each
//! commit, when rows were published. A restart reads the partials again from the last snapshot on, publishes at the same
//! places with the same clock into nothing, and so comes to the very state that was left, revisions included.
//!
//! A snapshot is taken at one moment and written over several commits. Once it is complete, neither the log nor the
//! partials before that moment are needed any more.

use super::plan::{changelog_topic, partials_topic};
use super::work::{
    BadRecord, Description, Fetched, InputId, Outgoing, OutputId, Restore, Restored, SnapshotMark, Stage, StageTask,
};
use super::work::{StateError, Unit};
use crate::aggregate::Wire;
use crate::aggregate::partial::PartialBatch;
use crate::aggregate::wire::{WireError, put_signed, take_byte, take_bytes, take_signed};
use crate::assess::{Revisions, SnapshotError};
use crate::codec::RowEncoder;
use crate::config::Config;
use crate::event::{MetricRow, Millis, Settings};
use crate::task::AssessTask;
use std::collections::VecDeque;
use std::sync::Arc;

const METRICS: OutputId = OutputId(0);

/// First byte of every piece of a delta: the version of its format.
const FORMAT: u8 = 1;

/// ASSESS as a stage.
pub struct AssessStage {
    config: Arc<Config>,
    settings: Arc<Settings>,
    description: Description,
    join_partitions: usize,
    pace: AssessPace,
}

impl AssessStage {
    /// By the configuration; the predictions topic has `join_partitions`.
    pub fn new(config: Arc<Config>, join_partitions: usize) -> AssessStage {
        let id = &config.kafka.application_id;
        AssessStage {
            settings: Arc::new(config.settings.clone()),
            description: Description {
                name: "assess",
                inputs: vec![partials_topic(id)],
                outputs: vec![config.topics.metrics.name.clone()],
                changelog: changelog_topic(id, "assess"),
                owns_inputs: true,
            },
            join_partitions,
            pace: AssessPace::default(),
            config,
        }
    }

    /// The same with snapshots at another pace.
    pub fn with_pace(self, pace: AssessPace) -> AssessStage {
        AssessStage { pace, ..self }
    }
}

impl Stage for AssessStage {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, _partition: i32) -> Box<dyn Restore> {
        Box::new(AssessWorkRestore {
            settings: Arc::clone(&self.settings),
            join_partitions: self.join_partitions,
            encoder: RowEncoder::metrics(self.config.topics.metrics.format),
            start: None,
            publications: VecDeque::new(),
            snapshot: None,
            arriving: None,
            pace: self.pace,
        })
    }
}

/// When rows were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Publication {
    /// Next offset of the partials that were not yet taken in then.
    position: i64,
    /// The clock that was handed in.
    now: Millis,
    /// All inputs were silent, so that nothing was held back.
    is_flush: bool,
}

/// What a piece of the log begins with.
#[repr(u8)]
enum Entry {
    /// The first offset that was ever read.
    Start = 1,
    /// Rows were published.
    Published = 2,
    /// Rows were published, and nothing was held back.
    Flushed = 3,
    /// A snapshot of so many bytes begins: of the state after what was published last.
    SnapshotStart = 4,
    /// The next so many bytes of it.
    SnapshotPart = 5,
}

/// A snapshot on its way into the log, or out of it.
#[derive(Debug, Default)]
struct Snapshot {
    bytes: Vec<u8>,
    /// How many of them were written.
    written: usize,
}

/// When snapshots are taken, and how much of them is written at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssessPace {
    /// Partials that a restart may have to take in again are at most about this long, or twice as long as the state.
    pub repeated_bytes: usize,
    /// How much of a snapshot is written with one commit.
    pub bytes_per_commit: usize,
}

impl Default for AssessPace {
    /// 16 MiB of partials are taken in again within seconds.
    fn default() -> Self {
        AssessPace { repeated_bytes: 16 << 20, bytes_per_commit: 4 << 20 }
    }
}

/// A part of a snapshot: with what stands before it, it fits a record.
const PART_BYTES: usize = 768 << 10;

struct AssessWorkRestore {
    settings: Arc<Settings>,
    join_partitions: usize,
    encoder: RowEncoder,
    /// The first offset that is to be read again.
    start: Option<i64>,
    publications: VecDeque<Publication>,
    /// The last complete snapshot.
    snapshot: Option<Vec<u8>>,
    /// One that is not complete yet.
    arriving: Option<Arriving>,
    pace: AssessPace,
}

/// A snapshot that is being read.
struct Arriving {
    bytes: Vec<u8>,
    length: usize,
    /// Next offset of the partials that it does not hold.
    position: i64,
    /// Publications that it holds.
    publications: usize,
}

impl AssessWorkRestore {
    fn entry(&mut self, input: &mut &[u8], position: i64) -> Result<(), StateError> {
        let corrupt = |error: WireError| StateError::Corrupt(error.to_string());
        let tag = take_byte(input).map_err(corrupt)?;
        let number = take_signed(input).map_err(corrupt)?;
        let length = || usize::try_from(number).map_err(|_| StateError::Corrupt("an impossible length".to_owned()));
        match tag {
            tag if tag == Entry::Start as u8 => self.start = Some(number),
            tag if tag == Entry::Published as u8 || tag == Entry::Flushed as u8 => {
                let is_flush = tag == Entry::Flushed as u8;
                self.publications.push_back(Publication { position, now: number, is_flush });
            }
            tag if tag == Entry::SnapshotStart as u8 => {
                // One that its writer did not finish is never finished.
                let publications = self.publications.len();
                self.arriving = Some(Arriving { bytes: Vec::new(), length: length()?, position, publications });
            }
            tag if tag == Entry::SnapshotPart as u8 => {
                let bytes = take_bytes(input, length()?).map_err(corrupt)?;
                let Some(arriving) = &mut self.arriving else {
                    return Err(StateError::Corrupt("a part of no snapshot".to_owned()));
                };
                arriving.bytes.extend_from_slice(bytes);
                if arriving.bytes.len() >= arriving.length {
                    self.complete();
                }
            }
            tag => return Err(StateError::Corrupt(format!("an unknown entry {tag}"))),
        }
        Ok(())
    }

    /// Goes on from the snapshot that has arrived.
    fn complete(&mut self) {
        if let Some(arrived) = self.arriving.take() {
            self.publications.drain(..arrived.publications);
            self.start = Some(arrived.position);
            self.snapshot = Some(arrived.bytes);
        }
    }
}

impl Restore for AssessWorkRestore {
    fn apply(&mut self, positions: &[i64], mut payload: &[u8]) -> Result<(), StateError> {
        if payload.is_empty() {
            return Ok(());
        }
        let position =
            *positions.first().ok_or_else(|| StateError::Corrupt("a commit without positions".to_owned()))?;
        let input = &mut payload;
        let corrupt = |error: WireError| StateError::Corrupt(error.to_string());
        match take_byte(input).map_err(corrupt)? {
            FORMAT => {}
            found => return Err(StateError::Newer { found: u32::from(found), known: u32::from(FORMAT) }),
        }
        while !input.is_empty() {
            self.entry(input, position)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        if self.start.is_none() && !self.publications.is_empty() {
            return Err(StateError::Corrupt("the log begins with a snapshot that is not complete".to_owned()));
        }
        let (settings, partitions) = (self.settings, self.join_partitions);
        let task = match &self.snapshot {
            None => AssessTask::new(settings, partitions, Revisions::All),
            Some(bytes) => {
                AssessTask::restored(bytes, settings, partitions, Revisions::All).map_err(|error| match error {
                    SnapshotError::Corrupt(error) => StateError::Corrupt(error.to_string()),
                    SnapshotError::Newer(found) => {
                        StateError::Newer { found: u32::from(found), known: u32::from(FORMAT) }
                    }
                    SnapshotError::Configuration(what) => StateError::Configuration(what),
                })?
            }
        };
        let mut work = AssessWork {
            task,
            join_partitions: partitions,
            encoder: self.encoder,
            publications: self.publications,
            start: self.start,
            is_start_logged: self.start.is_some(),
            has_news: false,
            is_idle: false,
            taken_bytes: 0,
            repeated_bytes: 0,
            pace: self.pace,
            snapshot: None,
            snapshot_bytes: self.snapshot.map_or(0, |bytes| bytes.len()),
        };
        if let Some(start) = self.start {
            work.catch_up(start);
        }
        Ok(Restored { task: Box::new(work), read_from: self.start.map(|start| vec![start]) })
    }
}

/// ASSESS of one partition of the partials.
struct AssessWork {
    task: AssessTask,
    join_partitions: usize,
    encoder: RowEncoder,
    /// What is still to be published into nothing.
    publications: VecDeque<Publication>,
    start: Option<i64>,
    is_start_logged: bool,
    /// Partials came since the last commit.
    has_news: bool,
    is_idle: bool,
    taken_bytes: usize,
    /// Length of the partials since the last snapshot.
    repeated_bytes: usize,
    pace: AssessPace,
    /// A snapshot that is being written.
    snapshot: Option<Snapshot>,
    /// Length of the last one.
    snapshot_bytes: usize,
}

impl StageTask for AssessWork {
    fn step(&mut self, _input: InputId, records: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        for record in &records.records {
            self.start.get_or_insert(record.offset);
            let bad = |what: String| BadRecord { offset: record.offset, what };
            let range = record.value.as_ref().ok_or_else(|| bad("it has no value".to_owned()))?;
            let mut bytes = &records.bytes[range.start as usize..range.end as usize];
            let batch = PartialBatch::decode(&mut bytes).map_err(|error| bad(error.to_string()))?;
            if !bytes.is_empty() {
                return Err(bad(format!("{} bytes are left over", bytes.len())));
            }
            if usize::try_from(batch.partition).map_or(true, |partition| partition >= self.join_partitions) {
                return Err(bad(format!("it is of partition {}, which JOIN does not have", batch.partition)));
            }
            self.catch_up(record.offset);
            self.task.merge(&batch);
            self.taken_bytes += range.len();
            self.repeated_bytes += range.len();
            self.has_news = true;
            self.catch_up(record.offset + 1);
        }
        Ok(())
    }

    fn set_idle(&mut self, _input: InputId, idle: bool, _now: Millis) {
        self.is_idle = idle;
    }

    fn commit(&mut self, now: Millis) -> Unit {
        let mut outputs = Vec::new();
        let is_flush = self.is_idle && self.task.assess().watermark().is_all_idle();
        self.publish(now, is_flush, |row, encoder| {
            outputs.push(Outgoing {
                output: METRICS,
                partition: None,
                timestamp: None,
                key: Some(row.id.clone().into_bytes()),
                value: Some(encoder.metric(row)),
                headers: Vec::new(),
            });
        });
        self.taken_bytes = 0;
        let mut unit = Unit { outputs, ..Unit::default() };
        if std::mem::take(&mut self.has_news) || !unit.outputs.is_empty() {
            let mut piece = vec![FORMAT];
            if let Some(start) = self.start.filter(|_| !std::mem::replace(&mut self.is_start_logged, true)) {
                put_entry(&mut piece, Entry::Start, start);
            }
            put_entry(&mut piece, if is_flush { Entry::Flushed } else { Entry::Published }, now);
            unit.delta.push(piece);
            if self.snapshot.is_none() && self.repeated_bytes > self.pace.repeated_bytes.max(2 * self.snapshot_bytes) {
                self.begin_snapshot(&mut unit);
            }
        }
        self.continue_snapshot(&mut unit);
        unit
    }

    fn uncommitted_bytes(&self) -> usize {
        // What is published is not known before: a small multiple of what came in.
        4 * self.taken_bytes
    }

    fn is_catching_up(&self) -> bool {
        !self.publications.is_empty()
    }
}

impl AssessWork {
    fn begin_snapshot(&mut self, unit: &mut Unit) {
        let bytes = self.task.snapshot();
        let mut piece = vec![FORMAT];
        put_entry(&mut piece, Entry::SnapshotStart, bytes.len() as i64);
        unit.delta.push(piece);
        unit.snapshot = Some(SnapshotMark::Start);
        (self.repeated_bytes, self.snapshot_bytes) = (0, bytes.len());
        self.snapshot = Some(Snapshot { bytes, written: 0 });
    }

    fn continue_snapshot(&mut self, unit: &mut Unit) {
        let Some(snapshot) = &mut self.snapshot else { return };
        let mut budget = self.pace.bytes_per_commit;
        while budget > 0 && snapshot.written < snapshot.bytes.len() {
            let rest = &snapshot.bytes[snapshot.written..];
            let part = &rest[..rest.len().min(PART_BYTES).min(budget)];
            let mut piece = vec![FORMAT];
            put_entry(&mut piece, Entry::SnapshotPart, part.len() as i64);
            piece.extend_from_slice(part);
            snapshot.written += part.len();
            budget = budget.saturating_sub(part.len());
            unit.delta.push(piece);
        }
        if snapshot.written == snapshot.bytes.len() {
            self.snapshot = None;
            unit.snapshot = Some(unit.snapshot.map_or(SnapshotMark::End, |_| SnapshotMark::Whole));
        }
    }

    /// Publishes into nothing what was published when all partials before `position` had been taken in.
    fn catch_up(&mut self, position: i64) {
        while let Some(publication) = self.publications.front().copied().filter(|next| next.position <= position) {
            self.publish(publication.now, publication.is_flush, |_, _| {});
            self.publications.pop_front();
            self.has_news = false;
        }
    }

    fn publish(&mut self, now: Millis, is_flush: bool, mut sink: impl FnMut(&MetricRow, &RowEncoder)) {
        let encoder = &self.encoder;
        let mut sink = |row: &MetricRow| sink(row, encoder);
        if is_flush {
            self.task.flush_to(now, &mut sink);
        } else {
            self.task.step_to([], now, &mut sink);
        }
    }
}

fn put_entry(piece: &mut Vec<u8>, entry: Entry, number: i64) {
    piece.push(entry as u8);
    put_signed(piece, number);
}
