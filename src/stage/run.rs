//! Runs stages in this process: a thread each, until they are stopped, one fails, or one hangs.

use super::engine;
use super::errors::RunError;
use super::message::Message;
use super::options::Options;
use super::properties::Ids;
use super::watchdog::Watch;
use super::work::Stage;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// How often signals and the watchdog are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Asks a run to stop.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks. May be called from anywhere, any number of times.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// True once it was asked for.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Asks when the process gets SIGTERM, SIGINT (Ctrl-C) or SIGHUP.
    ///
    /// # Errors
    /// If the process handles them already.
    pub fn on_signals(&self) -> Result<(), RunError> {
        let stop = self.clone();
        ctrlc::set_handler(move || stop.request())
            .map_err(|error| RunError::Start(format!("cannot handle signals: {error}")))
    }
}

/// A call that takes so long is spoken of.
const SAY: Duration = Duration::from_secs(10);

/// A stage that runs.
struct Runner {
    name: &'static str,
    watch: Watch,
    engine: Sender<Message>,
    /// For how long the call it is in had taken when that was last said.
    said: Duration,
}

/// Runs the stages until `stop` is requested and everything that was read is committed.
///
/// Returns early, and leaves threads behind, only where a call does not come back: the process should then end.
///
/// # Errors
/// The first reason for which a stage ended without being asked to.
pub fn run(stages: Vec<Arc<dyn Stage>>, options: &Options, stop: &Stop) -> Result<(), RunError> {
    let random = RandomState::new().hash_one(std::process::id());
    let (done, finished) = channel();
    let mut runners = BTreeMap::new();
    let stage_count = stages.len();
    // Distinct from the caller's, so that a failing stage stops the others and nobody else.
    let own_stop = Stop::default();
    for stage in stages {
        let (name, ids) = (stage.name(), Ids::new(options, stage.name(), random));
        let (watch, inbox) = (Watch::default(), channel());
        runners.insert(name, Runner { name, watch: watch.clone(), engine: inbox.0.clone(), said: Duration::ZERO });
        let (options, stop, done) = (options.clone(), own_stop.clone(), done.clone());
        let work = move || {
            let run = || engine::run(stage, options, &ids, watch, stop, inbox);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
            let panicked = || RunError::Failed { stage: name.to_owned(), why: "a bug: its thread panicked".to_owned() };
            let _ = done.send((name, result.unwrap_or_else(|_| Err(panicked()))));
        };
        Builder::new()
            .name(format!("{name}-engine"))
            .spawn(work)
            .map_err(|error| RunError::Start(format!("stage `{name}`: making a thread: {error}")))?;
    }
    let mut first_error = None;
    let mut deadline: Option<Instant> = None;
    while !runners.is_empty() {
        match finished.recv_timeout(LOOK) {
            Ok((name, result)) => {
                runners.remove(name);
                if let Err(error) = result {
                    tracing::error!("{error}");
                    first_error.get_or_insert(error);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if deadline.is_none() && (stop.is_requested() || first_error.is_some()) {
            tracing::info!("stopping");
            deadline = Some(Instant::now() + options.stop_timeout);
            own_stop.request();
            runners.values().for_each(|runner| drop(runner.engine.send(Message::Stop)));
        }
        runners.values_mut().for_each(Runner::say_what_it_waits_for);
        if let Some(error) = runners.values().find_map(|runner| runner.overdue(options.watchdog, deadline)) {
            tracing::error!("{error}");
            return Err(first_error.unwrap_or(error));
        }
    }
    if let Some(error) = first_error.as_ref().filter(|_| stage_count > 1) {
        // The last word is why, not that the other stage has stopped.
        tracing::error!("ended: {error}");
    }
    first_error.map_or(Ok(()), Err)
}

impl Runner {
    /// Says which call does not come back, from time to time.
    fn say_what_it_waits_for(&mut self) {
        let Some((call, since)) = self.watch.waiting() else {
            self.said = Duration::ZERO;
            return;
        };
        if since < self.said {
            self.said = Duration::ZERO;
        }
        if since >= self.said + SAY {
            self.said = since;
            let (stage, since_s) = (self.name, since.as_secs());
            tracing::warn!(stage, since_s, "waits for the brokers: {call}");
        }
    }

    /// What is wrong if it has not answered for too long.
    fn overdue(&self, watchdog: Duration, deadline: Option<Instant>) -> Option<RunError> {
        let waiting = self.watch.waiting();
        let stage = self.name.to_owned();
        if let Some((call, since)) = waiting.filter(|(_, since)| *since > watchdog) {
            return Some(RunError::Hung { stage, call: call.to_owned(), seconds: since.as_secs() });
        }
        deadline.filter(|deadline| Instant::now() > *deadline).map(|_| {
            let why = match waiting {
                Some((call, since)) => format!("{call} has taken {} s so far", since.as_secs()),
                None => "it did not leave its group in time".to_owned(),
            };
            RunError::Unfinished { stage, why }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_does_not_come_back_is_noticed() {
        let runner = Runner { name: "join", watch: Watch::default(), engine: channel().0, said: Duration::ZERO };
        let (watchdog, now) = (Duration::from_millis(1), Instant::now());
        assert_eq!(runner.overdue(watchdog, None), None);
        runner.watch.during("committing", || {
            assert_eq!(runner.overdue(Duration::from_secs(60), None), None);
            std::thread::sleep(watchdog * 2);
            let hung = runner.overdue(watchdog, None).map(|error| error.to_string());
            assert!(hung.is_some_and(|text| text.contains("`join` has been in `committing`")));
        });
        let late = runner.overdue(watchdog, Some(now));
        assert!(matches!(late, Some(RunError::Unfinished { .. })), "a stop that takes too long");
    }
}
