//! `postdict alerts`: what alerts there are, and what people say of them.
//!
//! `fold`: where all alerts stand. `draw`: alerts for people. `say`: silences and acknowledgements.

mod draw;
mod fold;
mod say;

use super::{Failure, print, usage};
use crate::codec::rows::decode_alert;
use crate::config::Config;
use crate::event::{AlertRow, Millis};
use crate::stage::Options;
use crate::stage::collect::Span;
use crate::stage::followed::{Watched, read, watch};
use fold::Fold;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

/// List alerts, look at one, follow them; silence or acknowledge them while the service runs
///
/// They are read from the topic of alerts, as everybody else reads them. What people say of them is kept on the topic that
/// `topics.control` names, which every process of the service follows.
#[derive(Debug, clap::Args)]
pub struct AlertsCommand {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List open alerts, the worst first
    List {
        /// Also those that are over, or wait for more windows
        #[arg(long)]
        all: bool,
        /// One JSON object a line, as on the topic
        #[arg(long)]
        json: bool,
    },
    /// Show one alert with its evidence, and its changes as far as the topic still has them
    Show {
        /// Its id, or how it begins
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Show open alerts, then each change as it comes
    Follow {
        /// One JSON object a line, as on the topic
        #[arg(long)]
        json: bool,
    },
    /// Tell nobody of some alerts for a while; patterns may have `*` and `?`
    Silence(say::SilenceWords),
    /// Say that somebody looks after an open alert; it holds until that is over
    Acknowledge(say::AcknowledgeWords),
    /// List what people have said: silences that are not over, and acknowledgements
    Silences,
    /// Take a silence or an acknowledgement back
    TakeBack {
        /// Id of the silence or of the alert, or how it begins; `silences` lists them
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl AlertsCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (config, options) = super::on_kafka(&self.config)?;
        let shell = Shell { config: &config, options: &options, file: self.config.display().to_string(), now: now() };
        match self.what {
            What::List { all, json } => shell.list(all, json),
            What::Show { id } => shell.show(&id),
            What::Follow { json } => shell.follow(json),
            What::Silence(words) => shell.silence(words),
            What::Acknowledge(words) => shell.acknowledge(words),
            What::Silences => shell.silences(),
            What::TakeBack { id } => shell.take_back(&id),
        }
    }
}

/// What all of these commands need.
struct Shell<'a> {
    config: &'a Config,
    options: &'a Options,
    /// The configuration's file, for messages.
    file: String,
    /// The clock.
    now: Millis,
}

fn now() -> Millis {
    Millis::try_from(UNIX_EPOCH.elapsed().unwrap_or_default().as_millis()).unwrap_or(Millis::MAX)
}

fn failed(why: String) -> Failure {
    eprintln!("error: {why}");
    Failure::Running
}

/// Says each problem that was found.
fn refused(problems: &[String]) -> Result<(), Failure> {
    if problems.is_empty() { Ok(()) } else { Err(usage(problems)) }
}

impl Shell<'_> {
    fn topic(&self) -> &str {
        &self.config.topics.alerts.name
    }

    /// Gives `each` the changes that the topic has, and returns where all alerts stand.
    fn fold(&self, mut each: impl FnMut(&AlertRow)) -> Result<Fold, Failure> {
        let mut fold = Fold::default();
        let read = read(self.options, self.topic(), Span::default(), |partition, messages| {
            for message in messages {
                let row = message.value.map(decode_alert);
                if let Some(Ok(row)) = &row {
                    each(row);
                }
                fold.take(partition, message.key, row);
            }
        });
        read.map_err(failed)?;
        self.warn(&fold);
        Ok(fold)
    }

    fn warn(&self, fold: &Fold) {
        if let Some((count, first)) = fold.unreadable() {
            let topic = self.topic();
            eprintln!("warning: {count} records of topic `{topic}` are no alerts, and are left out: {first}");
        }
    }

    fn list(&self, all: bool, json: bool) -> Result<(), Failure> {
        let fold = self.fold(|_| {})?;
        let rows = fold.sorted(all);
        if json {
            return print(&rows.into_iter().map(draw::json).collect::<String>());
        }
        if rows.is_empty() {
            let others = fold.len();
            return print(&match (all, others) {
                (_, 0) => "there is no alert\n".to_owned(),
                (_, 1) => "no alert is open; --all shows one that is not\n".to_owned(),
                (_, others) => format!("no alert is open; --all shows {others} that are not\n"),
            });
        }
        print(&draw::table(&rows, fold.id_length()))
    }

    fn show(&self, id: &str) -> Result<(), Failure> {
        let mut changes = Vec::new();
        let fold = self.fold(|row| {
            if row.alert_id.starts_with(id) {
                changes.push(row.clone());
            }
        })?;
        let row = fold.find(id).map_err(|why| usage(&[why]))?;
        changes.retain(|change| change.alert_id == row.alert_id);
        print(&draw::details(row, &changes))
    }

    fn follow(&self, json: bool) -> Result<(), Failure> {
        let mut fold = Fold::default();
        let line = |row: &AlertRow| if json { draw::json(row) } else { draw::change(row) };
        watch(self.options, "alerts", self.topic(), |watched| {
            let record = match watched {
                Watched::Old(record) | Watched::New(record) => record,
                Watched::End => {
                    self.warn(&fold);
                    return put(&fold.sorted(false).into_iter().map(line).collect::<String>());
                }
            };
            let row = record.value.as_deref().map(decode_alert);
            let text = match &row {
                Some(Ok(row)) if matches!(watched, Watched::New(_)) => line(row),
                _ => String::new(),
            };
            fold.take(record.partition, record.key.as_deref(), row);
            put(&text)
        })
        .map_err(failed)
    }
}

/// Prints what came, until nobody looks on.
fn put(text: &str) -> ControlFlow<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    }
}
