//! Logs: set up once per process, and librdkafka's own lines led into them, not more than a reader can take in.
//!
//! Levels by what the operator does: *info* is life cycle, *warn* was recovered from without loss, *error* needs somebody.

use super::errors::{advice, is_authorization, is_mistrust};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use std::collections::BTreeMap;
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

/// After which time the same thing is said again.
const PERIOD: Duration = Duration::from_secs(60);
/// Different things that are said in one [`PERIOD`], at most.
const LINES_MAX: usize = 20;

/// What the clients of this process said a short time ago: they are many, and when a broker is away each says so.
static SAID: Mutex<Said> = Mutex::new(Said { by_gist: BTreeMap::new(), others: 0 });

#[derive(Debug)]
struct Said {
    /// By what was said: when, and how often it was not said since.
    by_gist: BTreeMap<String, (Instant, u32)>,
    /// Lines beyond [`LINES_MAX`] that were not said since that was last told.
    others: u32,
}

/// What was not shown before a line.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hidden {
    /// The same, so often.
    same: Option<u32>,
    /// Lines that were too many, whatever they said.
    others: Option<u32>,
}

impl Said {
    /// `None` if the text is not to be shown.
    fn admit(&mut self, text: &str, now: Instant) -> Option<Hidden> {
        let (key, is_recent) = (gist(text), |since: &Instant| now.duration_since(*since) < PERIOD);
        if let Some((_, hidden)) = self.by_gist.get_mut(key).filter(|(since, _)| is_recent(since)) {
            *hidden = hidden.saturating_add(1);
            return None;
        }
        if self.by_gist.values().filter(|(since, _)| is_recent(since)).count() >= LINES_MAX {
            self.others = self.others.saturating_add(1);
            return None;
        }
        let same = self.by_gist.insert(key.to_owned(), (now, 0)).map_or(0, |(_, hidden)| hidden);
        // What was said once only is not kept for ever.
        self.by_gist.retain(|_, (since, hidden)| is_recent(since) || *hidden > 0);
        while self.by_gist.len() > 2 * LINES_MAX {
            let dropped = self.by_gist.pop_first().map_or(0, |(_, (_, hidden))| hidden);
            self.others = self.others.saturating_add(dropped);
        }
        let some = |count: u32| (count > 0).then_some(count);
        Some(Hidden { same: some(same), others: some(std::mem::take(&mut self.others)) })
    }
}

/// What is the same in texts that say the same: without who said it, and without times.
fn gist(text: &str) -> &str {
    let mut gist = shown(text);
    while let Some((name, rest)) = gist.split_once(": ")
        && !name.contains(' ')
    {
        gist = rest;
    }
    gist
}

/// The text without librdkafka's own counting, such as `(after 3ms in state CONNECT, 1 identical error(s) suppressed)`.
fn shown(text: &str) -> &str {
    text.split_once(" (after ").map_or(text, |(before, _)| before)
}

/// The log of one client.
#[derive(Debug)]
pub struct ClientLog {
    stage: String,
    role: &'static str,
    /// That the brokers refused the credentials.
    refusal: Mutex<Option<String>>,
}

impl ClientLog {
    /// For the client of a stage that plays this role.
    pub fn new(stage: &str, role: &'static str) -> ClientLog {
        ClientLog { stage: stage.to_owned(), role, refusal: Mutex::default() }
    }

    /// Something that librdkafka recovers from by itself.
    pub fn warn(&self, text: &str) {
        if let Some(Hidden { same, others }) = admit(text) {
            tracing::warn!(stage = %self.stage, client = self.role, hidden = same, others_hidden = others, "{}", shown(text));
        }
    }

    /// That the brokers refused the credentials, or showed others than are trusted, if they did since this was last asked:
    /// librdkafka only tries again.
    pub fn take_refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }

    /// A line of librdkafka's log.
    pub fn line(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        // Which of its threads says so is of no use here.
        let text = text.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")).map_or(text, |(_, text)| text);
        match level {
            // These say that a connection was lost: so does the error that comes with them. And what is tried again by itself.
            _ if matches!(facility, "FAIL" | "CONFWARN" | "PREFRESH" | "REBALANCE") || text.ends_with(": retrying") => {
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
            // Said by each of them.
            Some(Code::AllBrokersDown) => tracing::debug!(stage = %self.stage, client = self.role, "{reason}"),
            Some(code) if is_authorization(code) || is_mistrust(code, reason) => {
                let text = format!("{}{}", shown(reason), advice(code));
                if let Some(Hidden { same, others }) = admit(&text) {
                    let (stage, client, text) = (&self.stage, self.role, shown(&text));
                    tracing::error!(%stage, client, hidden = same, others_hidden = others, "{text}");
                }
                *self.refusal.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(text);
            }
            _ => self.warn(reason),
        }
    }
}

/// `None` if the text was said a short time ago, or there are too many.
fn admit(text: &str) -> Option<Hidden> {
    SAID.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).admit(text, Instant::now())
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
        let (start, mut said) = (Instant::now(), Said { by_gist: BTreeMap::new(), others: 0 });
        let mut admitted = |text: &str, second: u64| said.admit(text, start + Duration::from_secs(second));
        let refused =
            "b-1:9092/1: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)";
        assert_eq!(admitted(refused, 0), Some(Hidden::default()));
        let of_another = refused.replace("b-1:9092/1", "GroupCoordinator").replace("0ms", "3ms");
        assert_eq!((1..50).filter_map(|second| admitted(&of_another, second)).count(), 0, "the same of another client");
        assert_eq!(
            admitted(refused, 61),
            Some(Hidden { same: Some(49), others: None }),
            "what was not said is counted"
        );
        let others = (0..100).filter(|i| admitted(&format!("broker {i} is away"), 62).is_some()).count();
        assert_eq!(others, LINES_MAX - 1);
        let too_many = Some(100 - 19);
        assert_eq!(admitted("all is well", 200), Some(Hidden { same: None, others: too_many }), "counted as well");
        assert_eq!(admitted("all is better", 200), Some(Hidden::default()), "once");
    }

    #[test]
    fn what_is_said_is_without_counting() {
        let text =
            "GroupCoordinator: b: Connect to b failed: refused (after 0ms in state CONNECT, 1 identical error(s))";
        assert_eq!(shown(text), "GroupCoordinator: b: Connect to b failed: refused");
        assert_eq!(gist(text), "Connect to b failed: refused");
        assert_eq!(gist("3/3 brokers are down"), "3/3 brokers are down");
    }
}
