//! `postdict references`: what windows are compared with, announced while the service runs.

use super::{Failure, print, profile, usage};
use crate::codec::reference::reference_key;
use crate::config::Config;
use crate::event::{AnnouncedReference, Millis};
use crate::stage::references::Announcer;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Announce a reference to a service that runs, list those that were announced, or take one back
///
/// They are kept on the topic that `topics.references` names, beside those that the configuration has. Every process of
/// the service reads them when it starts, and those that come while it runs.
#[derive(Debug, clap::Args)]
pub struct ReferencesCommand {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Announce a profile as the reference of its model, from an event time on at which windows of every size begin
    ///
    /// Refused if that is not after the newest prediction: no window mixes two references.
    Announce {
        /// The profile
        #[arg(value_name = "PROFILE")]
        profile: PathBuf,
        /// From when on: 2026-05-01, 2026-05-01T06:00:00Z, or `beginning` if nothing was predicted yet [default: where windows
        /// begin after the newest prediction]
        #[arg(long, value_name = "TIME", value_parser = beginning)]
        from: Option<Beginning>,
    },
    /// List what was announced: model, from when on, profile
    List,
    /// Take a reference back that is not in force yet
    TakeBack {
        /// Its model
        #[arg(value_name = "MODEL")]
        model: String,
        /// From when on it would be in force, as `list` shows it
        #[arg(long, value_name = "TIME", value_parser = beginning)]
        from: Beginning,
    },
}

impl ReferencesCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (config, options) = super::on_kafka(&self.config)?;
        let Some(announcer) = Announcer::new(&config, &options) else {
            let file = self.config.display();
            return Err(usage(&[format!(
                "{file}: no topic for references: write `topics: {{references: NAME}}`, and make it with `postdict topics create`"
            )]));
        };
        match self.what {
            What::Announce { profile, from } => announce(&config, &announcer, &profile, from),
            What::List => list(&announcer),
            What::TakeBack { model, from } => take_back(&announcer, &model, from.0),
        }
    }
}

/// When a reference begins; `None`: at the beginning.
#[derive(Debug, Clone, Copy)]
struct Beginning(Option<Millis>);

fn beginning(text: &str) -> Result<Beginning, String> {
    if text == "beginning" { Ok(Beginning(None)) } else { super::when::parse(text).map(|time| Beginning(Some(time))) }
}

fn failed(why: String) -> Failure {
    eprintln!("error: {why}");
    Failure::Running
}

fn announce(config: &Config, announcer: &Announcer<'_>, path: &Path, from: Option<Beginning>) -> Result<(), Failure> {
    let profile = profile::read(path)?;
    let model = config.settings.model(&profile.model_id);
    let newest = announcer.newest_prediction().map_err(failed)?;
    let from_ms = match (from, newest) {
        (Some(Beginning(from)), _) => from,
        (None, Some(newest)) => Some(model.next_boundary(newest)),
        (None, None) => {
            return Err(usage(&[format!(
                "no prediction is there to go by: say from when on with --from, such as {}, or --from beginning if there never \
                 was one",
                time(model.next_boundary(profile.last_ms))
            )]));
        }
    };
    let announced = AnnouncedReference { model_id: Arc::clone(&profile.model_id), from_ms, profile: Arc::new(profile) };
    let path = path.display();
    if let Some(why) = config.refusal(&announced).or_else(|| config.off_boundary(&announced)) {
        return Err(usage(&[format!("{path}: {why}")]));
    }
    if let Some(newest) = newest.filter(|newest| *newest >= from_ms.unwrap_or(Millis::MIN)) {
        return Err(usage(&[format!(
            "{path}: {} has passed: there is a prediction of {}. The next time at which windows of every size begin is {}",
            begins(from_ms),
            time(newest),
            time(model.next_boundary(newest))
        )]));
    }
    announcer.announce(&announced).map_err(failed)?;
    let AnnouncedReference { model_id, profile, .. } = &announced;
    print(&format!("{}: reference of `{model_id}` from {} on\n", profile.id, begins(from_ms)))
}

fn list(announcer: &Announcer<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    for announced in announcer.list().map_err(failed)? {
        let _ = match announced.reference {
            Ok(AnnouncedReference { model_id, from_ms, profile }) => {
                writeln!(text, "{}  from {:<20}  {model_id}", profile.id, begins(from_ms))
            }
            Err(why) => writeln!(text, "refused: `{}`: {why}", announced.key),
        };
    }
    print(if text.is_empty() { "no reference was announced\n" } else { &text })
}

fn take_back(announcer: &Announcer<'_>, model: &str, from: Option<Millis>) -> Result<(), Failure> {
    let all = announcer.list().map_err(failed)?;
    let key = reference_key(model, from);
    let Some(found) = all.iter().find(|announced| announced.key == key) else {
        return Err(usage(&[format!("no reference of `{model}` was announced from {} on", begins(from))]));
    };
    // No process starts with one that is refused, so it is in force nowhere.
    let newest = if found.reference.is_ok() { announcer.newest_prediction().map_err(failed)? } else { None };
    if let Some(newest) = newest.filter(|newest| *newest >= from.unwrap_or(Millis::MIN)) {
        return Err(usage(&[format!(
            "the reference is in force: there is a prediction of {}. Announce another one in its place",
            time(newest)
        )]));
    }
    announcer.take_back(model, from).map_err(failed)?;
    print(&format!("taken back: reference of `{model}` from {} on\n", begins(from)))
}

fn begins(from_ms: Option<Millis>) -> String {
    from_ms.map_or("the beginning".to_owned(), time)
}

fn time(time: Millis) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| format!("{time} ms"), |time| time.to_string())
}
