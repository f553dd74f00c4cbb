//! The ASSESS stage: partials in, metric rows out, and closed windows as profiles where they have a topic.
//!
//! Its only input is durable and in order, so its log does not repeat it. It holds what the wall clock decided: with each
//! commit, when rows were published. A restart reads the partials again from the last snapshot on, publishes at the same
//! places with the same clock into nothing, and so comes to the very state that was left, revisions included.
//!
//! That holds only if it publishes what was published then. So the log also says by what: the settings and the names of
//! the metrics that there were, at its beginning and wherever they changed. A restart goes by what the log says, and turns
//! to today's configuration once it has caught up; what that changes in windows that are open is published when they are
//! due. A metric that a version of the program computes otherwise cannot be seen from its name: its row stays as it was
//! sent until it is told again.
//!
//! A snapshot is taken at one moment and written over several commits. Once it is complete, neither the log nor the
//! partials before that moment are needed any more.

use super::assess_log::{Basis, Entry, Event, FORMAT, Log, PART_BYTES, Publication, piece, put, put_basis, put_model};
use super::assess_outbox::{Outbox, Publishing};
use super::plan::{changelog_topic, partials_topic};
use super::references::{References, Seen};
use super::work::{
    BadRecord, Description, Fetched, InputId, Restore, Restored, SnapshotMark, Stage, StageTask, StateError, Unit,
};
use crate::aggregate::Wire;
use crate::aggregate::partial::PartialBatch;
use crate::assess::{Assess, Revisions, SnapshotError, Told};
use crate::codec::RowEncoder;
use crate::config::Config;
use crate::event::Millis;
use crate::task::AssessTask;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What a record of the partials takes beside its bytes.
const BYTES_PER_RECORD: usize = 70;

/// Publishing takes a restart as long as so many bytes of partials, and each row as long as so many more.
const BYTES_PER_PUBLICATION: usize = 1_000;
const BYTES_PER_ROW: usize = 50;

/// ASSESS as a stage.
pub struct AssessStage {
    config: Arc<Config>,
    references: Arc<References>,
    description: Description,
    join_partitions: usize,
    pace: AssessPace,
}

impl AssessStage {
    /// By the configuration; the predictions topic has `join_partitions`.
    pub fn new(config: Arc<Config>, join_partitions: usize) -> AssessStage {
        let id = &config.kafka.application_id;
        let topics = &config.topics;
        AssessStage {
            references: References::new(Arc::new(config.settings.clone())),
            description: Description {
                name: "assess",
                inputs: vec![partials_topic(id)],
                outputs: [&topics.metrics.name].into_iter().chain(&topics.profiles).cloned().collect(),
                placed_outputs: Vec::new(),
                changelog: changelog_topic(id, "assess"),
                owns_inputs: true,
                needs_idleness: false,
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

    /// The same with the references that are announced, too.
    pub fn with_references(self, references: Arc<References>) -> AssessStage {
        AssessStage { references, ..self }
    }
}

impl Stage for AssessStage {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, _partition: i32) -> Box<dyn Restore> {
        Box::new(AssessWorkRestore {
            seen: self.references.look(),
            references: Arc::clone(&self.references),
            join_partitions: self.join_partitions,
            encoder: RowEncoder::metrics(self.config.topics.metrics.format),
            has_profiles: self.config.topics.profiles.is_some(),
            log: Log::default(),
            pace: self.pace,
        })
    }
}

/// A snapshot on its way into the log.
#[derive(Debug, Default)]
struct Snapshot {
    bytes: Vec<u8>,
    /// How many of them were written.
    written: usize,
}

/// When snapshots are taken, and how much is written at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssessPace {
    /// What a restart may have to do again is at most about what taking in so many bytes of partials is, or twice as many
    /// as the state has.
    pub repeated_bytes: usize,
    /// How much of a snapshot is written with one commit.
    pub bytes_per_commit: usize,
    /// How many rows are published with one commit, about; the next one follows at once if there are more.
    pub rows_per_commit: usize,
}

impl Default for AssessPace {
    /// 16 MiB of partials are taken in again within seconds. What a commit publishes is in memory twice for a moment: some
    /// 10 MB.
    fn default() -> Self {
        AssessPace { repeated_bytes: 16 << 20, bytes_per_commit: 4 << 20, rows_per_commit: 10_000 }
    }
}

struct AssessWorkRestore {
    seen: Seen,
    references: Arc<References>,
    join_partitions: usize,
    encoder: RowEncoder,
    has_profiles: bool,
    log: Log,
    pace: AssessPace,
}

impl Restore for AssessWorkRestore {
    fn apply(&mut self, positions: &[i64], payload: &[u8]) -> Result<(), StateError> {
        if payload.is_empty() {
            return Ok(());
        }
        let position =
            *positions.first().ok_or_else(|| StateError::Corrupt("a commit without positions".to_owned()))?;
        self.log.read(position, payload)
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        let (log, partitions) = (self.log, self.join_partitions);
        let settings = Arc::clone(&self.seen.settings);
        let today = Arc::new(Basis::of_today(settings, self.pace.rows_per_commit));
        let bases = log.bases()?;
        let first = bases.as_ref().map_or(&today, |bases| &bases.first);
        let settings = Arc::clone(&first.settings);
        let mut task = match &log.snapshot {
            None => AssessTask::new(settings, partitions, Revisions::All),
            Some(bytes) => AssessTask::restored(bytes, settings, partitions, Revisions::All).map_err(state_error)?,
        };
        task.publish_only(first.other_metrics());
        let mut models = log.models;
        models.extend(task.assess().model_ids().cloned());
        if let Some(bases) = &bases {
            Assess::check_change(&models, &bases.last.settings, &today.settings).map_err(state_error)?;
        }
        let mut work = AssessWork {
            task,
            join_partitions: partitions,
            encoder: self.encoder,
            has_profiles: self.has_profiles,
            events: log.events,
            start: log.start,
            is_start_logged: log.start.is_some(),
            in_force: Arc::clone(first),
            logged: bases.as_ref().map(|bases| Arc::clone(&bases.last)),
            today,
            seen: self.seen,
            references: self.references,
            models,
            has_news: false,
            has_more: false,
            taken_bytes: 0,
            late: BTreeMap::new(),
            skipped: 0,
            repeated_bytes: 0,
            pace: self.pace,
            snapshot: None,
            snapshot_bytes: log.snapshot.map_or(0, |bytes| bytes.len()),
        };
        if let Some(start) = work.start {
            work.catch_up(start);
        }
        Ok(Restored { task: Box::new(work), read_from: log.start.map(|start| vec![start]) })
    }
}

fn state_error(error: SnapshotError) -> StateError {
    match error {
        SnapshotError::Corrupt(error) => StateError::Corrupt(error.to_string()),
        SnapshotError::Newer(found) => StateError::Newer { found: u32::from(found), known: u32::from(FORMAT) },
        SnapshotError::Configuration(what) => StateError::Configuration(what),
    }
}

/// ASSESS of one partition of the partials.
struct AssessWork {
    task: AssessTask,
    join_partitions: usize,
    encoder: RowEncoder,
    /// There is a topic for closed windows as profiles.
    has_profiles: bool,
    /// What is still to be gone through again.
    events: VecDeque<Event>,
    start: Option<i64>,
    is_start_logged: bool,
    /// What rows are published by: while it catches up, what they were published by.
    in_force: Arc<Basis>,
    /// What the log says of that.
    logged: Option<Arc<Basis>>,
    /// What rows are published by once it has caught up.
    today: Arc<Basis>,
    /// The references of that.
    seen: Seen,
    references: Arc<References>,
    /// Models that the log names.
    models: BTreeSet<Arc<str>>,
    /// Partials that change what is to be published came since the last commit.
    has_news: bool,
    /// There was no room for all rows in the last commit.
    has_more: bool,
    taken_bytes: usize,
    /// Changes that came after their windows were final since the last commit, by JOIN's partition.
    late: BTreeMap<i32, u64>,
    /// Outcomes that detectors have skipped since then.
    skipped: u64,
    /// Length of the partials since the last snapshot, and what was published as if it were partials.
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
            let state = |task: &AssessTask| {
                let watermark = task.assess().watermark();
                (watermark.reached(), watermark.newest(), watermark.is_settled())
            };
            let (before, late_before) = (state(&self.task), self.task.assess().late_rows());
            let skipped_before = self.task.assess().skipped_outcomes();
            self.task.merge(&batch);
            let late = self.task.assess().late_rows() - late_before;
            // Of what comes in again nothing is committed, so it would be full for as long, and what was late was said.
            if !self.is_catching_up() {
                self.taken_bytes += range.len();
                self.skipped += self.task.assess().skipped_outcomes().saturating_sub(skipped_before);
                if late > 0 {
                    *self.late.entry(batch.partition).or_default() += late;
                }
            }
            self.repeated_bytes += BYTES_PER_RECORD + range.len();
            // Idle partitions say so again and again: mostly that changes nothing, and need not be gone through again.
            self.has_news |= !batch.rows.is_empty() || before != state(&self.task);
            self.catch_up(record.offset + 1);
        }
        Ok(())
    }

    fn commit(&mut self, now: Millis) -> Unit {
        let mut outbox = Outbox::default();
        let is_flush = self.task.assess().watermark().is_settled();
        let was_between_models = self.task.assess().is_between_models();
        let told = self.publish(now, is_flush, Some(&mut outbox));
        self.taken_bytes = 0;
        self.warn(outbox.left_out, told.unknown_references);
        self.has_more = told.has_more;
        let mut unit = Unit { outputs: outbox.outputs, ..Unit::default() };
        // A window that was looked at pauses, even if nothing in it had changed; and the next model has had its turn, even if
        // it had nothing to tell.
        let had_news = std::mem::take(&mut self.has_news);
        if had_news || told.has_looked || was_between_models {
            if self.logged.replace(Arc::clone(&self.in_force)).is_none_or(|logged| logged != self.in_force) {
                put_basis(&mut unit.delta, &self.in_force);
            }
            let mut piece = self.log_models(&mut unit.delta);
            if let Some(start) = self.start.filter(|_| !std::mem::replace(&mut self.is_start_logged, true)) {
                put(&mut piece, Entry::Start, start);
            }
            put(&mut piece, if is_flush { Entry::Flushed } else { Entry::Published }, now);
            unit.delta.push(piece);
        }
        // Also where nothing is published: partitions that are silent say so again and again. Where it began is in the log
        // by then.
        let is_due = self.repeated_bytes > self.pace.repeated_bytes.max(2 * self.snapshot_bytes);
        if self.snapshot.is_none() && self.logged.is_some() && is_due {
            self.begin_snapshot(&mut unit);
        }
        self.continue_snapshot(&mut unit);
        self.follow_references();
        unit
    }

    fn uncommitted_bytes(&self) -> usize {
        // What is published is not known before: a small multiple of what came in.
        4 * self.taken_bytes
    }

    fn wants_commit(&self) -> bool {
        self.has_more
    }

    fn is_catching_up(&self) -> bool {
        !self.events.is_empty()
    }
}

impl AssessWork {
    /// Goes on with what was announced meanwhile. Between a commit and what is taken in next: there a restart turns to it too.
    fn follow_references(&mut self) {
        let Some(news) = self.references.news(&self.seen) else { return };
        self.today = Arc::new(Basis::of_today(Arc::clone(&news.settings), self.pace.rows_per_commit));
        self.seen = news;
        self.change(Arc::clone(&self.today));
        // What it changes in windows that are open is published, whether partials come or not.
        self.has_news = true;
    }

    /// Once with a commit, not with each record.
    fn warn(&mut self, left_out: u64, unknown_references: u64) {
        if unknown_references > 0 {
            tracing::warn!(
                stage = "assess",
                "{unknown_references} series of windows became final, and the reference in whose bins their features were \
                 counted is not known: nothing more is said of these features. It was taken out of the configuration, or \
                 the topic of references is not read"
            );
        }
        if left_out > 0 {
            tracing::warn!(
                stage = "assess",
                "{left_out} features of closed windows are larger than a record can be, and are in no profile: they have too \
                 many or too long values (`postdict profile --categories`)"
            );
        }
        let skipped = std::mem::take(&mut self.skipped);
        if skipped > 0 {
            tracing::warn!(
                stage = "assess",
                "{skipped} outcomes came behind the watermark, or were too many to wait for it, and no detector of concept \
                 drift has read them: labels lag behind others by more than `allowed_lateness`"
            );
        }
        for (partition, late) in std::mem::take(&mut self.late) {
            tracing::warn!(
                stage = "assess",
                partition,
                "{late} changes of JOIN's partition {partition} came after their windows were final, and are not in them: \
                 it was silent, and their records were written after others that were far ahead of them in event time"
            );
        }
    }

    fn begin_snapshot(&mut self, unit: &mut Unit) {
        let bytes = self.task.snapshot();
        // The log may begin here.
        put_basis(&mut unit.delta, &self.in_force);
        unit.delta.push(piece(Entry::SnapshotStart, bytes.len() as i64));
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
            let mut piece = piece(Entry::SnapshotPart, part.len() as i64);
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

    /// Logs the models that were not seen before. The last piece has room for more.
    fn log_models(&mut self, delta: &mut Vec<Vec<u8>>) -> Vec<u8> {
        let mut piece = vec![FORMAT];
        if self.models.len() < self.task.assess().model_count() {
            for model in self.task.assess().model_ids() {
                if self.models.insert(Arc::clone(model)) {
                    put_model(&mut piece, model);
                    if piece.len() > PART_BYTES / 2 {
                        delta.push(std::mem::replace(&mut piece, vec![FORMAT]));
                    }
                }
            }
        }
        piece
    }

    /// Goes through what happened before the partials at `position` were taken in, and publishes into nothing; once all
    /// that is over, what it does is by today's basis.
    fn catch_up(&mut self, position: i64) {
        while let Some(event) = self.events.pop_front() {
            match event {
                Event::Published(publication) if publication.position > position => {
                    self.events.push_front(event);
                    return;
                }
                Event::Published(Publication { now, is_flush, .. }) => {
                    self.publish(now, is_flush, None);
                    self.has_news = false;
                }
                Event::Changed(basis) => self.change(basis),
            }
        }
        if !Arc::ptr_eq(&self.in_force, &self.today) {
            if self.in_force != self.today {
                self.change(Arc::clone(&self.today));
            }
            self.in_force = Arc::clone(&self.today);
        }
    }

    fn change(&mut self, basis: Arc<Basis>) {
        self.task
            .change_settings(Arc::clone(&basis.settings))
            .expect("a change that was made, or was checked when the task was restored");
        self.task.publish_only(basis.other_metrics());
        self.in_force = basis;
    }

    /// Publishes what is final or due; into nothing without an outbox.
    fn publish(&mut self, now: Millis, is_flush: bool, outbox: Option<&mut Outbox>) -> Told {
        let room = self.in_force.rows_per_commit;
        let mut publishing = Publishing { encoder: &self.encoder, has_profiles: self.has_profiles, outbox, rows: 0 };
        let told = if is_flush {
            self.task.flush_to(now, room, &mut publishing)
        } else {
            self.task.step_to([], now, room, &mut publishing)
        };
        let rows = publishing.rows;
        if told.has_looked {
            // Where little comes, most of what a restart repeats is this.
            self.repeated_bytes += BYTES_PER_PUBLICATION + BYTES_PER_ROW * rows;
        }
        told
    }
}
