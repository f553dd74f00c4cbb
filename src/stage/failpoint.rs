//! Places where tests end the process, as a crash would. They do nothing in release builds.
//!
//! `POSTDICT_FAILPOINT=step` ends the process when it comes to that step; `step:3` the third time, and `join/step` where the
//! stage `join` comes to it. With
//! `POSTDICT_FAILPOINT_STOP=1` it is not ended but stopped, until a signal continues it; with `POSTDICT_FAILPOINT_HOLD=path`
//! only the thread waits there, until that file exists.

/// Passes the step of that name.
#[cfg(not(debug_assertions))]
pub fn pass(_step: &str) {}

/// Passes the step of that name.
#[cfg(debug_assertions)]
pub fn pass(step: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Wanted {
        /// The threads of a stage have names that begin with its own; empty: any.
        stage: String,
        step: String,
        count: u32,
    }

    static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let wanted = std::env::var("POSTDICT_FAILPOINT").ok()?;
        let (place, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        let (stage, step) = place.split_once('/').unwrap_or(("", place));
        Some(Wanted { stage: stage.to_owned(), step: step.to_owned(), count: count.parse().ok()? })
    });
    let Some(wanted) = wanted else { return };
    let thread = std::thread::current();
    let is_there = step == wanted.step && thread.name().unwrap_or_default().starts_with(&wanted.stage);
    if is_there && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == wanted.count {
        end(step);
    }
}

/// Ends or stops this process by a signal, so that nothing of it runs on; or holds the thread.
#[cfg(debug_assertions)]
fn end(step: &str) {
    if let Some(path) = std::env::var_os("POSTDICT_FAILPOINT_HOLD") {
        tracing::warn!(step, "failpoint: held");
        while !std::path::Path::new(&path).exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        return;
    }
    let signal = if std::env::var_os("POSTDICT_FAILPOINT_STOP").is_some() { "STOP" } else { "KILL" };
    tracing::warn!(step, signal, "failpoint");
    let own = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-s", signal, &own]).status();
}
