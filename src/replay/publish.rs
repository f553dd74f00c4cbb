//! The second half of a replay, on its own thread: ASSESS, and the writing of what it publishes.

use super::output::OutputFiles;
use super::summary::Summary;
use super::{AtEnd, ReplayError};
use crate::aggregate::partial::PartialBatch;
use crate::assess::{Outlet, Revisions};
use crate::codec::{MAX_PROFILE_BYTES, profile_records};
use crate::event::{AlertRow, MetricRow, Millis, Profile, ProfileWindow, Reject, Settings};
use crate::task::{AssessTask, JoinOutput};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Commits that may wait for ASSESS.
const COMMITS_AHEAD: usize = 4;

/// One commit of the join on its way to ASSESS.
struct Commit {
    partials: PartialBatch,
    rejects: Vec<Reject>,
    labelled: Vec<crate::event::LabelledRow>,
    now: Millis,
}

/// What the thread is told.
enum Message {
    Commit(Box<Commit>),
    End(AtEnd),
}

/// What the thread did.
struct Published {
    output: OutputFiles,
    late_rows: u64,
    skipped_outcomes: u64,
    over_cap: u64,
    left_out: u64,
    fired_alerts: u64,
    models: Vec<Arc<str>>,
    /// It was told to stop and left something out.
    interrupted: bool,
}

/// The handle of the publishing thread.
pub struct Publication {
    sender: SyncSender<Message>,
    thread: JoinHandle<Result<Published, ReplayError>>,
}

impl Publication {
    /// Starts the thread.
    pub fn start(settings: Arc<Settings>, revisions: Revisions, output: OutputFiles, stop: Arc<AtomicBool>) -> Self {
        let (sender, receiver) = sync_channel(COMMITS_AHEAD);
        let task = AssessTask::new(settings, 1, revisions);
        let thread = std::thread::Builder::new()
            .name("assess".to_owned())
            .spawn(move || publish(task, &receiver, output, &stop))
            .expect("the system can start a thread");
        Publication { sender, thread }
    }

    /// Hands on a commit.
    pub fn send(&mut self, commit: JoinOutput, rejects: Vec<Reject>, now: Option<Millis>) -> Result<(), ReplayError> {
        let JoinOutput { partials, labelled, accounting: _, delta: _ } = commit;
        let commit = Commit { partials, rejects, labelled, now: now.unwrap_or(0) };
        // A thread that stopped has an error, which `finish` brings to light.
        let _ = self.sender.send(Message::Commit(Box::new(commit)));
        Ok(())
    }

    /// Ends the thread: `None` leaves everything as it is.
    pub fn finish(self, at_end: Option<AtEnd>, summary: &mut Summary) -> Result<(), ReplayError> {
        if let Some(at_end) = at_end {
            let _ = self.sender.send(Message::End(at_end));
        }
        drop(self.sender);
        let published = match self.thread.join() {
            Ok(published) => published?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        summary.late_rows = published.late_rows;
        summary.skipped_outcomes = published.skipped_outcomes;
        summary.over_cap = published.over_cap;
        summary.left_out_features = published.left_out;
        summary.fired_alerts = published.fired_alerts;
        summary.models = published.models;
        summary.interrupted |= published.interrupted;
        summary.written = published.output.finish()?;
        Ok(())
    }
}

fn publish(
    mut task: AssessTask,
    receiver: &Receiver<Message>,
    mut output: OutputFiles,
    stop: &AtomicBool,
) -> Result<Published, ReplayError> {
    let mut now = 0;
    let mut interrupted = false;
    let (mut left_out, mut fired_alerts) = (0, 0);
    for message in receiver {
        if stop.load(Ordering::Relaxed) {
            interrupted = true;
            break;
        }
        if let Message::Commit(commit) = &message {
            now = commit.now;
            output.write_rejects(&commit.rejects)?;
            output.write_labelled(&commit.labelled)?;
        }
        let (left_out, fired_alerts) = (&mut left_out, &mut fired_alerts);
        let mut write = Writing { output: &mut output, written: Ok(()), left_out, fired_alerts };
        match message {
            Message::Commit(commit) => task.step_to([&commit.partials], now, usize::MAX, &mut write),
            Message::End(AtEnd::Close) => task.close_to(now, &mut write),
            Message::End(AtEnd::Hold) => task.flush_to(now, usize::MAX, &mut write),
        };
        write.written?;
    }
    let models = task.assess().model_ids().map(Arc::clone).collect();
    let (late_rows, skipped_outcomes) = (task.assess().late_rows(), task.assess().skipped_outcomes());
    let over_cap = task.alerts().over_cap();
    Ok(Published { output, late_rows, skipped_outcomes, over_cap, left_out, fired_alerts, models, interrupted })
}

/// What is published on its way into the files, up to the first that cannot be written.
struct Writing<'o> {
    output: &'o mut OutputFiles,
    written: Result<(), ReplayError>,
    left_out: &'o mut u64,
    fired_alerts: &'o mut u64,
}

impl Outlet for Writing<'_> {
    fn row(&mut self, row: &MetricRow) {
        if self.written.is_ok() {
            self.written = self.output.write_metric(row);
        }
    }

    fn takes_profiles(&self) -> bool {
        self.output.takes_profiles()
    }

    fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        let made = profile_records(profile, window, MAX_PROFILE_BYTES);
        *self.left_out += made.left_out;
        if self.written.is_ok() {
            self.written = self.output.write_profiles(&made.records);
        }
    }

    fn alert(&mut self, alert: &AlertRow) {
        *self.fired_alerts += u64::from(alert.state.is_open() && !alert.previous_state.is_open());
        if self.written.is_ok() {
            self.written = self.output.write_alert(alert);
        }
    }
}
