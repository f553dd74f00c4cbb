//! `postdict produce`: files onto the input topics.

use super::run::partitions;
use super::{Failure, grouped, usage};
use crate::codec::Format;
use crate::config::Config;
use crate::event::Millis;
use crate::replay::check_readable;
use crate::stage::admin::Admin;
use crate::stage::feed::{Feed, Pace, Sent};
use crate::stage::{Options, Stop};
use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

/// Send files to the topics that the service reads, as the systems would that write there
///
/// Reads files with one JSON object per line, plain or compressed (.gz, .zst), and sends each line as it is, with the
/// request id as its key, in the order of event time over both topics. Ctrl-C stops it.
#[derive(Debug, clap::Args)]
pub struct Produce {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml")]
    config: PathBuf,
    /// Files with predictions
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "labels")]
    predictions: Vec<PathBuf>,
    /// Files with labels
    #[arg(long, value_name = "FILE", num_args = 1..)]
    labels: Vec<PathBuf>,
    /// Seconds of event time per second (3600: an hour in a second), or `max`: as fast as the brokers take records
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    pace: Pace,
}

impl Produce {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (config, options) = super::on_kafka(&self.config)?;
        let problems: Vec<String> = self.unsendable(&config).into_iter().chain(self.unreadable()).collect();
        if !problems.is_empty() {
            return Err(usage(&problems));
        }
        let stop = Stop::default();
        let failed = |why: String| {
            eprintln!("error: {why}");
            Failure::Running
        };
        stop.on_signals().map_err(|error| failed(error.to_string()))?;
        if !topics_fit(&config, &options, &stop).map_err(failed)? {
            return Err(Failure::Interrupted);
        }
        let started = Instant::now();
        let feed = Feed { predictions: self.predictions, labels: self.labels, pace: self.pace };
        let (sent, done) = feed.run(&config, &options, &stop, &mut |sent| eprintln!("{}", line("sent", sent)));
        let what = if sent.was_stopped { "stopped after sending" } else { "sent" };
        eprintln!("{} in {:.1} s", line(what, &sent), started.elapsed().as_secs_f64());
        if sent.without_key > 0 {
            eprintln!("  {} of them without a key, as their request id could not be read", grouped(sent.without_key));
        }
        if sent.unconfirmed > 0 {
            eprintln!("  {} more were not confirmed: the brokers may have them or not", grouped(sent.unconfirmed));
        }
        done.map_err(|error| failed(error.to_string()))?;
        if sent.was_stopped { Err(Failure::Interrupted) } else { Ok(()) }
    }

    /// Inputs whose configured format is not that of lines of text.
    fn unsendable(&self, config: &Config) -> Vec<String> {
        let inputs = [
            ("predictions", &config.predictions.format, self.predictions.is_empty()),
            ("labels", &config.labels.format, self.labels.is_empty()),
        ];
        let wrong = inputs.into_iter().filter(|(_, format, is_unused)| **format != Format::Json && !is_unused);
        wrong
            .map(|(role, ..)| {
                format!(
                    "{}: the format of `{role}` is not json, and lines of JSON are all that can be sent",
                    self.config.display()
                )
            })
            .collect()
    }

    fn unreadable(&self) -> impl Iterator<Item = String> {
        self.predictions.iter().chain(&self.labels).filter_map(|path| check_readable(path).err())
    }
}

/// Between two looks at whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// That both topics are there and fit each other; false if it is to stop before the brokers answered. They are asked on a
/// thread of its own: where they are away, a question lasts longer than whoever presses Ctrl-C wants to wait.
fn topics_fit(config: &Config, options: &Options, stop: &Stop) -> Result<bool, String> {
    let admin = Admin::new(options)?;
    let topics = [config.topics.predictions.clone(), config.topics.labels.clone()];
    let (answer, answered) = channel();
    let asking = stop.clone();
    let ask = move || {
        let _ = answer.send(fit(&admin, &topics, &asking));
    };
    Builder::new().name("topics".to_owned()).spawn(ask).map_err(|error| format!("making a thread: {error}"))?;
    while !stop.is_requested() {
        match answered.recv_timeout(LOOK) {
            Ok(fit) => return fit,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("a bug: asking for the topics panicked".to_owned()),
        }
    }
    Ok(false)
}

fn fit(admin: &Admin, [predictions, labels]: &[String; 2], stop: &Stop) -> Result<bool, String> {
    let Some(of_predictions) = partitions(admin, predictions, stop)? else { return Ok(false) };
    let Some(of_labels) = partitions(admin, labels, stop)? else { return Ok(false) };
    if of_predictions == of_labels {
        return Ok(true);
    }
    Err(format!(
        "topic `{predictions}` has {of_predictions} partitions and `{labels}` {of_labels}: a label would not be where its \
         prediction is; create one of them anew with as many as the other"
    ))
}

/// What was sent, and up to which event time.
fn line(what: &str, sent: &Sent) -> String {
    let until = sent.newest.and_then(day).map(|time| format!(", until {time}")).unwrap_or_default();
    format!("{what} {} predictions and {} labels{until}", grouped(sent.predictions), grouped(sent.labels))
}

fn day(time: Millis) -> Option<String> {
    Timestamp::from_millisecond(time).ok().map(|time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_one_line() {
        let sent = Sent { predictions: 26_362, labels: 1, newest: Some(1_372_600_000_000), ..Sent::default() };
        assert_eq!(line("sent", &sent), "sent 26,362 predictions and 1 labels, until 2013-06-30 13:46");
        assert_eq!(line("sent", &Sent::default()), "sent 0 predictions and 0 labels");
    }
}
