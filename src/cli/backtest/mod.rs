//! `postdict backtest`: what rules of alerts would have been worth on a history.
//!
//! ```text
//!   files ─► replay ─► rows of alerts ─► backtest::Report ─┬─► tables ─► terminal (with `chart`), page
//!                                                          ├─► svg
//!                                                          └─► gates ─► exit status
//! ```

mod chart;
mod page;
mod svg;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use super::replay::{self as command, load};
use super::{Failure, grouped, usage, when};
use crate::assess::Revisions;
use crate::backtest::{Episodes, Gate, History, Judged, Report, Sweep, rule_ids};
use crate::config::{Config, Incident, load_incidents};
use crate::event::{Millis, Settings};
use crate::replay::{AtEnd, OutputFiles, Progress, Replay, Summary};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Say what rules of alerts would have been worth on a history
///
/// Plays files through the same tasks as the service, once, and counts the alerts: how many, how long, how soon, and, with
/// known incidents, how many of them were about one and how many incidents they told of. Tries out other numbers in the same
/// pass. Times are event times: an alert is found when the newest record says so.
#[derive(Debug, clap::Args)]
pub struct Backtest {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files with predictions
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    predictions: Vec<PathBuf>,
    /// Files with labels
    #[arg(long, value_name = "FILE", num_args = 1..)]
    labels: Vec<PathBuf>,
    /// Profile that windows of its model are compared with, as `postdict profile` writes it
    #[arg(long, value_name = "PROFILE")]
    reference: Option<PathBuf>,
    /// Rules of alerts (YAML, `rules: […]`), in the place of all that the configuration has
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Known incidents: a YAML list of `{from: TIME, to: TIME, name: TEXT, model: "PATTERN", rules: ["PATTERN"]}`, of which
    /// `from` and `to` are needed. `[]` says that all was well
    #[arg(long, value_name = "FILE")]
    incidents: Option<PathBuf>,
    /// Try other numbers in a rule, keys as in the configuration: `recall-low.min=0.6..0.9/7` for seven values. May be
    /// repeated; each is by itself
    #[arg(long, value_name = "RULE.KEY=A..B[/STEPS]")]
    sweep: Vec<String>,
    /// Fail (exit status 1) unless this holds: `precision>=0.9`, `recall>=80%`, `delay<=2d`, `alerts<=3`, `open<=0`,
    /// `critical<=0`, `flapping<=1`; of one rule, `recall-low: alerts<=3`. May be repeated
    #[arg(long, value_name = "GATE")]
    require: Vec<String>,
    /// Also draw the alerts, the incidents and what was tried, as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Also write a page with that picture and all tables, as HTML in one file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print all of it as one JSON document; times are ms since 1970
    #[arg(long)]
    json: bool,
    /// Also write what `postdict replay --revisions all` writes to this directory, made if it is not there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave out records before this time (2013-07-01, 2013-07-01T06:00:00Z or ms since 1970)
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    from: Option<Millis>,
    /// Leave out records after this time (a date is its whole day), and hold at the end: what is
    /// not final then is not judged as such
    #[arg(long, value_name = "TIME", value_parser = when::parse_end)]
    to: Option<Millis>,
    /// No progress bar
    #[arg(short, long)]
    quiet: bool,
}

/// What is asked of the history, every part of it valid.
struct Questions {
    rules: Vec<Arc<str>>,
    incidents: Option<Vec<Incident>>,
    sweeps: Vec<Sweep>,
    gates: Vec<Gate>,
}

/// All of it, as JSON.
#[derive(Serialize)]
struct Document<'d> {
    #[serde(flatten)]
    report: &'d Report,
    gates: &'d [Judged],
}

impl Backtest {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut config = self.config.as_deref().map_or_else(|| Ok(Config::default()), load)?;
        let mut problems = self.contradictions();
        problems.extend(self.reference.as_ref().and_then(|path| command::refer_to(path, &mut config.settings).err()));
        super::check::show(&config.warnings);
        if let Some(path) = &self.rules {
            command::use_rules(path, &mut config)?;
        }
        let questions = self.questions(&config, &mut problems)?;
        let alerts = Sweep::with_variants(&config.settings.alerts, &questions.sweeps);
        let settings = Settings { alerts: Arc::new(alerts), ..config.settings.clone() };
        let replay = self.replay(&config, Arc::new(settings));
        problems.extend(replay.check_inputs());
        if !problems.is_empty() {
            return Err(usage(&problems));
        }
        let (report, summary) = self.play(replay, &questions)?;
        self.tell(&report, &questions, &summary)
    }

    /// Options that make no sense together.
    fn contradictions(&self) -> Vec<String> {
        let mut problems = command::file_problems(&self.predictions, &self.labels, self.out.as_deref());
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            problems.push("--from is later than --to, so no record is left".to_owned());
        }
        if self.svg.is_some() && self.svg == self.html {
            problems.push("--svg and --html name the same file".to_owned());
        }
        problems
    }

    fn questions(&self, config: &Config, problems: &mut Vec<String>) -> Result<Questions, Failure> {
        let alerts = &config.settings.alerts;
        let rules = rule_ids(alerts);
        let ids: Vec<&str> = rules.iter().map(|id| &**id).collect();
        let incidents = self.incidents.as_ref().map(|path| load_incidents(path, &ids)).transpose();
        let incidents = incidents.map_err(|found| {
            super::check::show(&found);
            Failure::Usage
        });
        let knows_incidents = self.incidents.is_some();
        let mut sweeps = Vec::new();
        for swept in self.sweep.iter().map(|text| Sweep::parse(text, alerts)) {
            swept.map_or_else(|problem| problems.push(problem), |sweep| sweeps.push(sweep));
        }
        let mut gates = Vec::new();
        for gate in self.require.iter().map(|text| Gate::parse(text, &rules, knows_incidents)) {
            gate.map_or_else(|problem| problems.push(problem), |gate| gates.push(gate));
        }
        if rules.is_empty() {
            problems.push("there is no rule of alerts; write some, or leave `alerts: none` out".to_owned());
        }
        match incidents {
            Ok(incidents) => Ok(Questions { rules, incidents, sweeps, gates }),
            Err(failure) => {
                usage(problems);
                Err(failure)
            }
        }
    }

    fn replay(&self, config: &Config, settings: Arc<Settings>) -> Replay {
        Replay {
            predictions: self.predictions.clone(),
            labels: self.labels.clone(),
            layout: command::layout(config),
            commit_every_ms: Some(commit_every(&settings)),
            settings,
            at_end: if self.to.is_some() { AtEnd::Hold } else { AtEnd::Close },
            // Rules about absence see what comes before a window has ended.
            revisions: Revisions::All,
            with_labelled: false,
            from: self.from,
            to: self.to,
            limit: None,
        }
    }

    /// The one pass over the history.
    fn play(&self, replay: Replay, questions: &Questions) -> Result<(Report, Summary), Failure> {
        let sizes = self.predictions.iter().chain(&self.labels).filter_map(|path| std::fs::metadata(path).ok());
        let total = sizes.map(|metadata| metadata.len()).sum();
        let progress = Progress::new(total, !self.quiet && std::io::stderr().is_terminal());
        let stop = Arc::new(AtomicBool::new(false));
        let on_signal = Arc::clone(&stop);
        if let Err(error) = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)) {
            eprintln!("warning: Ctrl-C will stop without a word: {error}");
        }
        let episodes = Arc::new(Mutex::new(Episodes::new(Arc::clone(&replay.settings))));
        let heard = Arc::clone(&episodes);
        let output = match &self.out {
            Some(directory) => OutputFiles::create(directory, false, false),
            None => Ok(OutputFiles::nowhere()),
        };
        let done = output.and_then(|output| {
            let listener = Box::new(move |row: &_| take(&heard, row));
            replay.run(output.heard_by(listener), &progress, &stop)
        });
        progress.clear();
        let summary = done.map_err(|error| command::failed(&error))?;
        let (from, to) = summary.span.unwrap_or_default();
        let episodes = episodes.lock().unwrap_or_else(PoisonError::into_inner);
        let report = Report::new(
            episodes.list(),
            &questions.rules,
            questions.incidents.as_deref(),
            &questions.sweeps,
            History { from, to },
        );
        Ok((report, summary))
    }

    fn tell(&self, report: &Report, questions: &Questions, summary: &Summary) -> Result<(), Failure> {
        summary.failures.iter().for_each(|failure| eprintln!("error: {failure}"));
        if let Err(imbalance) = summary.accounting.check() {
            eprintln!("error: records are unaccounted for, which is a bug: {imbalance}");
            return Err(Failure::Running);
        }
        if summary.interrupted {
            eprintln!("stopped after {} records", grouped(summary.records));
            return Err(Failure::Interrupted);
        }
        if summary.span.is_none() {
            eprintln!("error: no record was left to judge");
            return Err(Failure::Running);
        }
        let judged: Vec<Judged> = questions.gates.iter().map(|gate| gate.judge(report)).collect();
        if self.json {
            let document = Document { report, gates: &judged };
            let text = serde_json::to_string_pretty(&document).expect("figures and texts are JSON");
            super::print(&format!("{text}\n"))?;
        } else {
            text::print(report, &judged)?;
        }
        let wants_picture = self.svg.is_some() || self.html.is_some();
        let picture = if wants_picture { svg::draw(report) } else { String::new() };
        if let Some(path) = &self.svg {
            write(path, &picture)?;
        }
        if let Some(path) = &self.html {
            write(path, &page::page(report, &judged, &picture))?;
        }
        for gate in judged.iter().filter(|gate| !gate.holds) {
            eprintln!("error: `{}` does not hold: {}", gate.gate, gate.found);
        }
        match summary.failures.is_empty() && judged.iter().all(|gate| gate.holds) {
            true => Ok(()),
            false => Err(Failure::Running),
        }
    }
}

/// Takes in a row; false if it is of a rule that was only tried.
fn take(episodes: &Mutex<Episodes>, row: &crate::event::AlertRow) -> bool {
    episodes.lock().unwrap_or_else(PoisonError::into_inner).take(row);
    !Sweep::is_variant(&row.rule)
}

/// Time between commits: a small part of the smallest window, so that delays are not those of the replay.
fn commit_every(settings: &Settings) -> Millis {
    const HOUR: Millis = 3_600_000;
    let models = std::iter::once(&settings.defaults).chain(settings.models.values());
    let smallest = models.flat_map(|model| &model.windows).map(|window| window.size_ms).min().unwrap_or(HOUR);
    (smallest / 24).clamp(1_000, HOUR)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| {
        eprintln!("error: {}: cannot be written: {error}", path.display());
        Failure::Running
    })
}
