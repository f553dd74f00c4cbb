//! Logs: set up once per process, and librdkafka's own lines led into them, not more than a reader can take in.
//!
//! Levels by what the operator does: *info* is life cycle, *warn* was recovered from without loss, *error* needs somebody.

use super::errors::{advice, is_authorization};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use std::io;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object per line.
    Json,
}

/// Starts logging to standard error. `filter` is in the form of `RUST_LOG`, such as `info` or `postdict=debug`.
///
/// # Errors
/// If the filter is wrong, or logging was started before.
pub fn start(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("wrong log filter `{filter}`: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|error| format!("cannot start logging: {error}"))
}

/// Lines in one [`PERIOD`] and of one client; the rest is counted.
const LINES_MAX: u32 = 5;
const PERIOD: Duration = Duration::from_secs(30);

/// Lets a few lines through per period.
#[derive(Debug, Default)]
struct Limit {
    since: Option<Instant>,
    lines: u32,
}

impl Limit {
    /// `None` if the line is not to be shown; else how many were not since the last that was.
    fn admit(&mut self, now: Instant) -> Option<u32> {
        let fresh = self.since.is_none_or(|since| now.duration_since(since) >= PERIOD);
        if fresh {
            let hidden = self.lines.saturating_sub(LINES_MAX);
            *self = Limit { since: Some(now), lines: 1 };
            return Some(hidden);
        }
        self.lines = self.lines.saturating_add(1);
        (self.lines <= LINES_MAX).then_some(0)
    }
}

/// The log of one client.
#[derive(Debug)]
pub struct ClientLog {
    stage: String,
    role: &'static str,
    limit: Mutex<Limit>,
    /// That the brokers refused the credentials.
    refusal: Mutex<Option<String>>,
}

impl ClientLog {
    /// For the client of a stage that plays this role.
    pub fn new(stage: &str, role: &'static str) -> ClientLog {
        ClientLog { stage: stage.to_owned(), role, limit: Mutex::default(), refusal: Mutex::default() }
    }

    /// Something that librdkafka recovers from by itself.
    pub fn warn(&self, text: &str) {
        let admitted = self.limit.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).admit(Instant::now());
        if let Some(hidden) = admitted {
            tracing::warn!(stage = %self.stage, client = self.role, hidden, "{text}");
        }
    }

    /// That the brokers refused the credentials, if they did: librdkafka only tries again.
    pub fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// A line of librdkafka's log.
    pub fn line(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            // These say that a connection was lost: so does the error that comes with them.
            _ if matches!(facility, "FAIL" | "CONFWARN" | "PREFRESH") => {
                tracing::debug!(stage = %self.stage, client = self.role, facility, "{text}")
            }
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => self.warn(&format!("librdkafka: {facility}: {text}")),
            _ => tracing::debug!(stage = %self.stage, client = self.role, facility, "{text}"),
        }
    }

    /// An error that is not the answer to a call.
    pub fn error(&self, error: &KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // Not an error, but reported as one.
            Some(Code::PartitionEOF) => {}
            Some(code) if is_authorization(code) => {
                let text = format!("{reason}{}", advice(code));
                tracing::error!(stage = %self.stage, client = self.role, "{text}");
                *self.refusal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(text);
            }
            _ => self.warn(reason),
        }
    }
}

/// A client that has nothing to say but its log.
pub struct Plain(pub ClientLog);

impl ClientContext for Plain {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl ConsumerContext for Plain {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_lines_is_a_few_lines() {
        let (start, mut limit) = (Instant::now(), Limit::default());
        let admitted = |limit: &mut Limit, second: u64| limit.admit(start + Duration::from_secs(second));
        let shown = (0..100).filter(|_| admitted(&mut limit, 1).is_some()).count();
        assert_eq!(shown, LINES_MAX as usize);
        assert_eq!(admitted(&mut limit, 40), Some(95), "the hidden ones are counted");
        assert_eq!(admitted(&mut limit, 41), Some(0));
    }
}
