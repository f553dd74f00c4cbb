//! Plays files of JSON lines onto the input topics, as the systems would that write there: keyed by request id, in the
//! order of event time over both topics, as fast as the brokers take them or at a pace of event time.
//!
//! ```text
//!  file ─► lines ─┐
//!                 ├─► earliest head ─► pace ─► writer ─► predictions, labels
//!  file ─► lines ─┘
//! ```
//!
//! Values go out as they are in the file. What they say is the service's to judge: of a record that it will reject, too,
//! all that is needed here is the request id and the time, as far as they can be read.

mod lines;
mod pace;
mod writer;

pub use pace::Pace;

use super::options::Options;
use super::properties::{Ids, Properties};
use super::run::Stop;
use crate::codec::{CodecError, HeadingReader};
use crate::config::Config;
use crate::event::{Millis, Role};
use lines::Lines;
use pace::Schedule;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use writer::Writer;

/// What to play.
#[derive(Debug, Clone)]
pub struct Feed {
    /// Files with predictions, in order of precedence.
    pub predictions: Vec<PathBuf>,
    /// Files with labels, likewise.
    pub labels: Vec<PathBuf>,
    /// How fast.
    pub pace: Pace,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Predictions that the brokers have.
    pub predictions: u64,
    /// Labels that the brokers have.
    pub labels: u64,
    /// Records among them, or on the way, that have no key, as their request id could not be read.
    pub without_key: u64,
    /// Records that were handed over, and that the brokers may or may not have.
    pub unconfirmed: u64,
    /// Event time of the newest record that was handed over.
    pub newest: Option<Millis>,
    /// It was stopped before the files ended.
    pub was_stopped: bool,
}

/// Why it did not send everything.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A file cannot be read to its end.
    #[error("{}: {message}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in it.
        message: String,
    },
    /// A schema cannot be used.
    #[error(transparent)]
    Schema(#[from] CodecError),
    /// The brokers refuse a record, or the client cannot be made.
    #[error("{0}")]
    Kafka(String),
}

/// How long a stop waits for what is on the way.
const STOP: Duration = Duration::from_millis(500);
/// Between two calls of `tell`.
const TELL: Duration = Duration::from_secs(10);
/// Memory for the text of all files together.
const TEXT_BYTES: usize = 16 << 20;

impl Feed {
    /// Sends everything, until the end or until `stop` is requested. `tell` is called every ten seconds.
    ///
    /// # Errors
    /// With the first problem; what was sent before it stays sent, and is in the other part of the result.
    pub fn run(
        &self,
        config: &Config,
        options: &Options,
        stop: &Stop,
        tell: &mut dyn FnMut(&Sent),
    ) -> (Sent, Result<(), FeedError>) {
        let mut sent = Sent::default();
        let properties = Properties::new(options, &Ids::new(options, "produce", 0));
        let mut writer = match Writer::new(&properties.feed()) {
            Ok(writer) => writer,
            Err(error) => return (sent, Err(error)),
        };
        let mut done = self.send(config, &mut writer, stop, &mut sent, tell);
        let patience = |since: Instant| since.elapsed() < STOP;
        let mut stopped_at = stop.is_requested().then(Instant::now);
        while writer.unconfirmed() > 0 && stopped_at.is_none_or(patience) && !writer.is_refused() {
            writer.serve(Duration::from_millis(20));
            if stop.is_requested() {
                stopped_at.get_or_insert_with(Instant::now);
            }
        }
        done = done.and_then(|()| writer.check());
        sent.was_stopped = stop.is_requested();
        writer.count(&mut sent);
        writer.give_up();
        (sent, done)
    }

    fn send(
        &self,
        config: &Config,
        writer: &mut Writer,
        stop: &Stop,
        sent: &mut Sent,
        tell: &mut dyn FnMut(&Sent),
    ) -> Result<(), FeedError> {
        let mut inputs = self.open(config)?;
        let mut schedule = Schedule::new(self.pace);
        let mut told = Instant::now();
        while !stop.is_requested() {
            // Ties go by argument order, predictions first, as in a replay.
            let heads = inputs.iter().enumerate().filter_map(|(place, lines)| Some((lines.time()?, place)));
            let Some((time, place)) = heads.min() else { return Ok(()) };
            let input = &mut inputs[place];
            while !stop.is_requested() {
                if told.elapsed() >= TELL {
                    told = Instant::now();
                    writer.count(sent);
                    tell(sent);
                }
                match schedule.until(time, Instant::now()) {
                    Some(wait) => writer.serve(wait.min(Duration::from_millis(50))),
                    None => break,
                }
                writer.check()?;
            }
            let topic = match input.role() {
                Role::Predictions => config.topics.predictions.as_str(),
                Role::Labels => config.topics.labels.as_str(),
            };
            let Some((key, value)) = input.record() else { continue };
            if !writer.send(input.role(), topic, key, value, stop)? {
                return Ok(());
            }
            sent.without_key += u64::from(key.is_none());
            sent.newest = sent.newest.max(Some(time));
            input.advance()?;
        }
        Ok(())
    }

    fn open(&self, config: &Config) -> Result<Vec<Lines>, FeedError> {
        let files = (self.predictions.len() + self.labels.len()).max(1);
        let chunk_bytes = (TEXT_BYTES / files).clamp(4 << 10, 256 << 10);
        let predictions = self.predictions.iter().map(|path| {
            let headings = HeadingReader::of_predictions(&config.predictions.format, &config.predictions.fields)?;
            Lines::open(Role::Predictions, path, headings, chunk_bytes)
        });
        let labels = self.labels.iter().map(|path| {
            let headings = HeadingReader::of_labels(&config.labels.format, &config.labels.fields)?;
            Lines::open(Role::Labels, path, headings, chunk_bytes)
        });
        predictions.chain(labels).collect()
    }
}
