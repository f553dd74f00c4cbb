//! The ASSESS stage: partials in; metric rows, alerts, and closed windows as profiles where they have a topic out.
//!
//! Its only input is durable and in order, so its log does not repeat it. It holds what the wall clock decided: with each
//! commit, when rows were published. A restart reads the partials again from the last snapshot on, publishes at the same
//! places with the same clock into nothing, and so comes to the very state that was left, revisions included.
//!
//! That holds only if it publishes what was published then. So the log also says by what: the settings and the names of
//! the metrics that there were, at its beginning and wherever they changed. A restart goes by what the log says, and turns
//! to today's configuration once it has caught up; what that changes in windows that are open is published when they are
//! due. The same holds for what people had said of alerts, and for when somebody took the work up. A metric that a version of the program computes otherwise cannot be seen from its name: its row stays as it was
//! sent until it is told again.
//!
//! A snapshot is taken at one moment and written over several commits. Once it is complete, neither the log nor the
//! partials before that moment are needed any more.

use super::assess_log::{Basis, Entry, Event, FORMAT, Log, NOTHING_READ, PART_BYTES, Publication};
use super::assess_log::{piece, put, put_basis, put_control, put_model};
use super::assess_outbox::{Outbox, Outputs, Publishing};
use super::assess_snapshot::{AssessPace, Snapshot};
use super::assess_warnings::Warnings;
use super::control::{self, Controls};
use super::plan::{changelog_topic, partials_topic};
use super::references::{References, Seen};
use super::work::{
    BadRecord, Description, Fetched, InputId, Restore, Restored, SnapshotMark, Stage, StageTask, StateError, Unit,
};
use crate::aggregate::Wire;
use crate::aggregate::partial::PartialBatch;
use crate::assess::{Assess, Revisions, SnapshotError, Told};
use crate::config::Config;
use crate::event::Millis;
use crate::event::alert::Control;
use crate::task::AssessTask;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// What a record of the partials takes beside its bytes.
const BYTES_PER_RECORD: usize = 70;

/// Publishing takes a restart as long as so many bytes of partials, and each row as long as so many more.
const BYTES_PER_PUBLICATION: usize = 1_000;
const BYTES_PER_ROW: usize = 50;

/// Between two commits, if the configuration does not have them more seldom: after a longer time, because brokers or the
/// process itself stood still, the work is taken up again.
const AWAY_MS: Millis = 30_000;

/// ASSESS as a stage.
pub struct AssessStage {
    config: Arc<Config>,
    references: Arc<References>,
    control: Arc<Controls>,
    description: Description,
    join_partitions: usize,
    pace: AssessPace,
}

impl AssessStage {
    /// By the configuration; the predictions topic has `join_partitions`.
    pub fn new(config: Arc<Config>, join_partitions: usize) -> AssessStage {
        let id = &config.kafka.application_id;
        let has_alerts = !config.settings.alerts.is_empty();
        AssessStage {
            references: References::new(Arc::new(config.settings.clone())),
            control: Controls::new(Arc::default()),
            description: Description {
                name: "assess",
                inputs: vec![partials_topic(id)],
                outputs: Outputs::topics(&config, has_alerts),
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

    /// The same with what people say of alerts.
    pub fn with_control(self, control: Arc<Controls>) -> AssessStage {
        AssessStage { control, ..self }
    }

    /// The same with the topic of alerts even if there is no rule: alerts of rules that were taken out are over.
    pub fn with_alerts_topic(mut self) -> AssessStage {
        self.description.outputs = Outputs::topics(&self.config, true);
        self
    }
}

impl Stage for AssessStage {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, partition: i32) -> Box<dyn Restore> {
        Box::new(AssessWorkRestore {
            watches_source: partition == 0,
            away_ms: AWAY_MS.max(self.config.commit_interval_ms.saturating_mul(3)),
            seen: self.references.look(),
            references: Arc::clone(&self.references),
            join_partitions: self.join_partitions,
            said: self.control.look(),
            control: Arc::clone(&self.control),
            to: Outputs::new(&self.config, &self.description.outputs),
            log: Log::default(),
            pace: self.pace,
        })
    }
}

struct AssessWorkRestore {
    /// One task says for all of them that nothing comes at all.
    watches_source: bool,
    away_ms: Millis,
    seen: Seen,
    references: Arc<References>,
    said: control::Seen,
    control: Arc<Controls>,
    join_partitions: usize,
    to: Outputs,
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
        let settings = Arc::clone(&self.seen.value);
        let today = Arc::new(Basis::of_today(settings, self.pace.rows_per_commit));
        let bases = log.bases()?;
        let first = bases.as_ref().map_or(&today, |bases| &bases.first);
        let settings = Arc::clone(&first.settings);
        let mut task = match &log.snapshot {
            None => AssessTask::new(settings, partitions, Revisions::All),
            Some(bytes) => AssessTask::restored(bytes, settings, partitions, Revisions::All).map_err(state_error)?,
        };
        if !self.watches_source {
            task.leave_source();
        }
        task.publish_only(first.other_metrics());
        task.set_control(Arc::clone(&log.first_control));
        let mut models = log.models;
        models.extend(task.assess().model_ids().cloned());
        if let Some(bases) = &bases {
            Assess::check_change(&models, &bases.last.settings, &today.settings).map_err(state_error)?;
        }
        let today_has_no_rules = today.settings.alerts.is_empty();
        let mut work = AssessWork {
            task,
            join_partitions: partitions,
            to: self.to,
            events: log.events,
            start: log.start,
            is_start_logged: log.start.is_some(),
            in_force: Arc::clone(first),
            logged: bases.as_ref().map(|bases| Arc::clone(&bases.last)),
            today,
            seen: self.seen,
            references: self.references,
            in_force_control: log.first_control,
            logged_control: log.control,
            said: self.said,
            control: self.control,
            // Nothing was awaited by one that has seen nothing, nor by nobody.
            is_resumed: bases.is_none() || today_has_no_rules,
            looked_at: None,
            away_ms: self.away_ms,
            models,
            has_news: false,
            has_more: false,
            taken_bytes: 0,
            warnings: Warnings::default(),
            repeated_bytes: 0,
            pace: self.pace,
            snapshot: None,
            snapshot_bytes: log.snapshot.map_or(0, |bytes| bytes.len()),
        };
        match work.start {
            Some(start) => work.catch_up(start),
            None => work.turn_to_today(),
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
    /// Where rows go.
    to: Outputs,
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
    /// What people have said of alerts: while it catches up, what they had said.
    in_force_control: Arc<Control>,
    /// What the log says of that.
    logged_control: Arc<Control>,
    /// What they have said by now.
    said: control::Seen,
    control: Arc<Controls>,
    /// Since it was restored, the task knows that somebody has taken the work up.
    is_resumed: bool,
    /// When it committed last, by the clock.
    looked_at: Option<Millis>,
    away_ms: Millis,
    /// Models that the log names.
    models: BTreeSet<Arc<str>>,
    /// Partials that change what is to be published came since the last commit.
    has_news: bool,
    /// There was no room for all rows in the last commit.
    has_more: bool,
    taken_bytes: usize,
    /// What is to be said with the next commit.
    warnings: Warnings,
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
                self.warnings.skipped += self.task.assess().skipped_outcomes().saturating_sub(skipped_before);
                if late > 0 {
                    *self.warnings.late.entry(batch.partition).or_default() += late;
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
        let was_away = self.looked_at.replace(now).is_some_and(|at| now.saturating_sub(at) > self.away_ms);
        let awaits = !self.in_force.settings.alerts.is_empty();
        let is_resuming = !std::mem::replace(&mut self.is_resumed, true) || was_away && awaits;
        if is_resuming {
            self.task.resume(now);
        }
        let over_cap = self.task.alerts().over_cap();
        let (told, alerts) = self.publish(now, is_flush, Some(&mut outbox));
        self.warnings.over_cap = self.task.alerts().over_cap().saturating_sub(over_cap);
        self.taken_bytes = 0;
        self.warnings.left_out = outbox.left_out;
        self.warnings.untold_alerts = outbox.untold_alerts;
        self.warnings.unknown_references = told.unknown_references;
        self.warnings.say();
        self.has_more = told.has_more;
        let mut unit = Unit { outputs: outbox.outputs, ..Unit::default() };
        // A window that was looked at pauses, even if nothing in it had changed; and the next model has had its turn, even if
        // it had nothing to tell. Alerts also come of time alone.
        let had_news = std::mem::take(&mut self.has_news);
        if had_news || told.has_looked || was_between_models || is_resuming || alerts > 0 {
            if self.logged.replace(Arc::clone(&self.in_force)).is_none_or(|logged| logged != self.in_force) {
                put_basis(&mut unit.delta, &self.in_force);
            }
            if !Arc::ptr_eq(&self.logged_control, &self.in_force_control) {
                let logged = std::mem::replace(&mut self.logged_control, Arc::clone(&self.in_force_control));
                if logged != self.in_force_control {
                    put_control(&mut unit.delta, &self.in_force_control);
                }
            }
            let mut piece = self.log_models(&mut unit.delta);
            if !std::mem::replace(&mut self.is_start_logged, true) {
                put(&mut piece, Entry::Start, self.start.unwrap_or(NOTHING_READ));
            }
            if is_resuming {
                put(&mut piece, Entry::Resumed, now);
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
        self.follow_control();
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
        self.today = Arc::new(Basis::of_today(Arc::clone(&news.value), self.pace.rows_per_commit));
        self.seen = news;
        self.change(Arc::clone(&self.today));
        // What it changes in windows that are open is published, whether partials come or not.
        self.has_news = true;
    }

    /// Goes on with what people have said meanwhile: at the same place.
    fn follow_control(&mut self) {
        let Some(news) = self.control.news(&self.said) else { return };
        self.said = news;
        self.change_control(Arc::clone(&self.said.value));
    }

    fn begin_snapshot(&mut self, unit: &mut Unit) {
        let bytes = self.task.snapshot();
        // The log may begin here.
        put_basis(&mut unit.delta, &self.in_force);
        if *self.in_force_control != Control::default() {
            put_control(&mut unit.delta, &self.in_force_control);
        }
        unit.delta.push(piece(Entry::SnapshotStart, bytes.len() as i64));
        unit.snapshot = Some(SnapshotMark::Start);
        (self.repeated_bytes, self.snapshot_bytes) = (0, bytes.len());
        self.snapshot = Some(Snapshot::new(bytes));
    }

    fn continue_snapshot(&mut self, unit: &mut Unit) {
        let Some(snapshot) = &mut self.snapshot else { return };
        if snapshot.write(self.pace.bytes_per_commit, &mut unit.delta) {
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
        let is_later = |event: &Event| event.position().is_some_and(|then| then > position);
        while let Some(event) = self.events.pop_front() {
            if is_later(&event) {
                self.events.push_front(event);
                return;
            }
            match event {
                Event::Resumed { now, .. } => self.task.resume(now),
                Event::Control(control) => self.change_control(control),
                Event::Published(Publication { now, is_flush, .. }) => {
                    self.publish(now, is_flush, None);
                    self.has_news = false;
                }
                Event::Changed(basis) => self.change(basis),
            }
        }
        self.turn_to_today();
    }

    /// Goes on with what there is now, once nothing is to be gone through again.
    fn turn_to_today(&mut self) {
        if !Arc::ptr_eq(&self.in_force, &self.today) {
            if self.in_force != self.today {
                self.change(Arc::clone(&self.today));
            }
            self.in_force = Arc::clone(&self.today);
        }
        if !Arc::ptr_eq(&self.in_force_control, &self.said.value) {
            self.change_control(Arc::clone(&self.said.value));
        }
    }

    fn change_control(&mut self, control: Arc<Control>) {
        if self.in_force_control != control {
            self.task.set_control(Arc::clone(&control));
            // So that the log has it, whether partials come or not.
            self.has_news = true;
        }
        self.in_force_control = control;
    }

    fn change(&mut self, basis: Arc<Basis>) {
        self.task
            .change_settings(Arc::clone(&basis.settings))
            .expect("a change that was made, or was checked when the task was restored");
        self.task.publish_only(basis.other_metrics());
        self.in_force = basis;
    }

    /// Publishes what is final or due, into nothing without an outbox; says how many alerts went out, too.
    fn publish(&mut self, now: Millis, is_flush: bool, outbox: Option<&mut Outbox>) -> (Told, usize) {
        let room = self.in_force.rows_per_commit;
        let mut publishing = Publishing { to: &self.to, outbox, rows: 0, alerts: 0 };
        let told = if is_flush {
            self.task.flush_to(now, room, &mut publishing)
        } else {
            self.task.step_to([], now, room, &mut publishing)
        };
        let Publishing { rows, alerts, .. } = publishing;
        if told.has_looked || alerts > 0 {
            // Where little comes, most of what a restart repeats is this.
            self.repeated_bytes += BYTES_PER_PUBLICATION + BYTES_PER_ROW * rows;
        }
        (told, alerts)
    }
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
