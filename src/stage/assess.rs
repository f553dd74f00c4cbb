//! The ASSESS stage: partials in, metric rows out.
//!
//! Its only input is durable and in order, so its log does not repeat it. It holds what the wall clock decided: with each
//! commit, when rows were published. A restart reads the partials again from the last snapshot on, publishes at the same
//! places with the same clock into nothing, and so comes to the very state that was left, revisions included.

use super::plan::{changelog_topic, partials_topic};
use super::work::{Fetched, InputId, Outgoing, OutputId, Restore, Restored, Stage, StageTask};
use super::work::{StateError, Unit};
use crate::aggregate::Wire;
use crate::aggregate::partial::PartialBatch;
use crate::aggregate::wire::{WireError, put_signed, take_byte, take_signed};
use crate::assess::Revisions;
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
    inputs: Vec<String>,
    outputs: Vec<String>,
    changelog: String,
    join_partitions: usize,
}

impl AssessStage {
    /// By the configuration; the predictions topic has `join_partitions`.
    pub fn new(config: Arc<Config>, join_partitions: usize) -> AssessStage {
        let id = &config.kafka.application_id;
        AssessStage {
            settings: Arc::new(config.settings.clone()),
            inputs: vec![partials_topic(id)],
            outputs: vec![config.topics.metrics.name.clone()],
            changelog: changelog_topic(id, "assess"),
            join_partitions,
            config,
        }
    }
}

impl Stage for AssessStage {
    fn name(&self) -> &'static str {
        "assess"
    }

    fn inputs(&self) -> &[String] {
        &self.inputs
    }

    fn outputs(&self) -> &[String] {
        &self.outputs
    }

    fn changelog(&self) -> &str {
        &self.changelog
    }

    fn restore(&self, _partition: i32) -> Box<dyn Restore> {
        Box::new(AssessWorkRestore {
            settings: Arc::clone(&self.settings),
            join_partitions: self.join_partitions,
            encoder: RowEncoder::metrics(self.config.topics.metrics.format),
            start: None,
            publications: VecDeque::new(),
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
}

struct AssessWorkRestore {
    settings: Arc<Settings>,
    join_partitions: usize,
    encoder: RowEncoder,
    /// The first offset that is to be read again.
    start: Option<i64>,
    publications: VecDeque<Publication>,
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
            let tag = take_byte(input).map_err(corrupt)?;
            let number = take_signed(input).map_err(corrupt)?;
            match tag {
                tag if tag == Entry::Start as u8 => self.start = Some(number),
                tag if tag == Entry::Published as u8 || tag == Entry::Flushed as u8 => {
                    let is_flush = tag == Entry::Flushed as u8;
                    self.publications.push_back(Publication { position, now: number, is_flush });
                }
                tag => return Err(StateError::Corrupt(format!("an unknown entry {tag}"))),
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        let task = AssessTask::new(self.settings, self.join_partitions, Revisions::All);
        let mut work = AssessWork {
            task,
            encoder: self.encoder,
            publications: self.publications,
            start: self.start,
            is_start_logged: self.start.is_some(),
            has_news: false,
            is_idle: false,
            taken_bytes: 0,
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
    encoder: RowEncoder,
    /// What is still to be published into nothing.
    publications: VecDeque<Publication>,
    start: Option<i64>,
    is_start_logged: bool,
    /// Partials came since the last commit.
    has_news: bool,
    is_idle: bool,
    taken_bytes: usize,
}

impl StageTask for AssessWork {
    fn step(&mut self, _input: InputId, records: &Fetched, _now: Millis) {
        for record in &records.records {
            self.start.get_or_insert(record.offset);
            let range = record.value.as_ref().expect("partials have values");
            let mut bytes = &records.bytes[range.start as usize..range.end as usize];
            let batch = PartialBatch::decode(&mut bytes)
                .unwrap_or_else(|error| panic!("partials at offset {}: {error}", record.offset));
            self.catch_up(record.offset);
            self.task.merge(&batch);
            self.taken_bytes += range.len();
            self.has_news = true;
            self.catch_up(record.offset + 1);
        }
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
        let mut delta = Vec::new();
        if std::mem::take(&mut self.has_news) || !outputs.is_empty() {
            let mut piece = vec![FORMAT];
            if let Some(start) = self.start.filter(|_| !std::mem::replace(&mut self.is_start_logged, true)) {
                piece.push(Entry::Start as u8);
                put_signed(&mut piece, start);
            }
            piece.push(if is_flush { Entry::Flushed } else { Entry::Published } as u8);
            put_signed(&mut piece, now);
            delta.push(piece);
        }
        Unit { outputs, delta }
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
