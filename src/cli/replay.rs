//! `postdict replay`: files through the same two tasks as the service, no broker.

use super::{Failure, grouped, usage, when};
use crate::assess::Revisions;
use crate::config::{self, Config, check_bins};
use crate::event::{Millis, ModelSettings, Profile, Reference, Settings};
use crate::replay::{self, AtEnd, Layout, OutputFiles, Progress, ReplayError, Summary};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Play files through the same tasks as the service, without a broker
///
/// Reads NDJSON and Avro container files, plain or compressed (.gz, .zst), and writes `metrics.ndjson`, `alerts.ndjson` and
/// `dead_letters.ndjson`; two runs on the same files write the same bytes. Without a configuration, records are in the
/// default layout and the positive label is 1.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files with predictions
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    predictions: Vec<PathBuf>,
    /// Files with labels
    #[arg(long, value_name = "FILE", num_args = 1..)]
    labels: Vec<PathBuf>,
    /// Profile that windows of its model are compared with, as `postdict profile` writes it; in the configuration:
    /// `models.NAME.reference`
    #[arg(long, value_name = "PROFILE")]
    reference: Option<PathBuf>,
    /// Rules of alerts (YAML, `rules: […]`), in the place of all that the configuration has
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Directory for the output, made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// When the files end: `close` makes everything expired and final, `hold` leaves it open as the service does
    /// [default: close, or hold with --to]
    #[arg(long, value_name = "WHAT")]
    at_end: Option<End>,
    /// Which revisions of a window to write: `all`, also while it fills; `ended`, from its end on; only the `final` one.
    /// Alerts of rules with `provisional: true` see these too
    #[arg(long, value_name = "WHICH", default_value = "ended")]
    revisions: Which,
    /// Also write `labelled.ndjson`: predictions with what became of them
    #[arg(long)]
    labelled: bool,
    /// Also write `profiles.ndjson`: windows that are final as profiles, as the service writes them to `topics.profiles`
    #[arg(long)]
    profiles: bool,
    /// Leave out records before this time (2013-07-01, 2013-07-01T06:00:00Z or ms since 1970)
    #[arg(long, value_name = "TIME", value_parser = when::parse)]
    from: Option<Millis>,
    /// Leave out records after this time (a date is its whole day), and hold at the end
    #[arg(long, value_name = "TIME", value_parser = when::parse_end)]
    to: Option<Millis>,
    /// Stop after this many records of both inputs together, in the order of their times
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// No progress bar and no summary
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum End {
    Close,
    Hold,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Which {
    All,
    Ended,
    Final,
}

/// Reads a configuration, showing every problem.
pub(super) fn load(path: &Path) -> Result<Config, Failure> {
    config::load(path).map_err(|problems| {
        super::check::show(&problems);
        Failure::Usage
    })
}

impl Replay {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut config = self.config.as_deref().map_or_else(|| Ok(Config::default()), load);
        let mut problems = self.contradictions();
        if let (Ok(config), Some(path)) = (&mut config, &self.reference) {
            problems.extend(refer_to(path, &mut config.settings).err());
        }
        if let (Ok(own), Some(path)) = (&mut config, &self.rules)
            && let Err(failure) = use_rules(path, own)
        {
            config = Err(failure);
        }
        let settings = config.as_ref().map(|config| Arc::new(config.settings.clone())).unwrap_or_default();
        let replay = replay::Replay {
            predictions: self.predictions.clone(),
            labels: self.labels.clone(),
            layout: layout(config.as_ref().unwrap_or(&Config::default())),
            settings,
            at_end: match (self.at_end, self.to) {
                (Some(End::Hold), _) | (None, Some(_)) => AtEnd::Hold,
                (Some(End::Close), _) | (None, None) => AtEnd::Close,
            },
            revisions: match self.revisions {
                Which::All => Revisions::All,
                Which::Ended => Revisions::Ended,
                Which::Final => Revisions::Final,
            },
            with_labelled: self.labelled,
            commit_every_ms: None,
            from: self.from,
            to: self.to,
            limit: self.limit,
        };
        problems.extend(replay.check_inputs());
        if !problems.is_empty() {
            return Err(usage(&problems));
        }
        super::check::show(&config?.warnings);
        self.replay(replay)
    }

    /// Options that make no sense together.
    fn contradictions(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            problems.push("--from is later than --to, so no record is left".to_owned());
        }
        if self.to.is_some() && self.at_end == Some(End::Close) {
            problems.push(
                "--to holds at its time, as the service would have then; it cannot go with --at-end close".to_owned(),
            );
        }
        if self.limit == Some(0) {
            problems.push("--limit 0 leaves no record".to_owned());
        }
        problems.extend(file_problems(&self.predictions, &self.labels, Some(&self.out)));
        problems
    }

    fn replay(&self, replay: replay::Replay) -> Result<(), Failure> {
        let sizes = self.predictions.iter().chain(&self.labels).filter_map(|path| std::fs::metadata(path).ok());
        let total = sizes.map(|metadata| metadata.len()).sum();
        let progress = Progress::new(total, !self.quiet && std::io::stderr().is_terminal());
        let stop = Arc::new(AtomicBool::new(false));
        let on_signal = Arc::clone(&stop);
        if let Err(error) = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed)) {
            eprintln!("warning: Ctrl-C will stop without a summary: {error}");
        }
        let started = Instant::now();
        let done = OutputFiles::create(&self.out, self.labelled, self.profiles)
            .and_then(|output| replay.run(output, &progress, &stop));
        progress.clear();
        match done {
            Ok(summary) => self.report(&summary, started.elapsed().as_secs_f64()),
            Err(error) => Err(failed(&error)),
        }
    }

    fn report(&self, summary: &Summary, seconds: f64) -> Result<(), Failure> {
        if !self.quiet || summary.interrupted {
            tell(summary, seconds);
        }
        summary.failures.iter().for_each(|failure| eprintln!("error: {failure}"));
        if let Err(imbalance) = summary.accounting.check() {
            eprintln!("error: records are unaccounted for, which is a bug: {imbalance}");
            return Err(Failure::Running);
        }
        match (summary.interrupted, summary.failures.is_empty()) {
            (true, _) => Err(Failure::Interrupted),
            (false, false) => Err(Failure::Running),
            (false, true) => Ok(()),
        }
    }
}

/// Files that are given twice or would be overwritten, and a directory that is none.
pub(super) fn file_problems(predictions: &[PathBuf], labels: &[PathBuf], out: Option<&Path>) -> Vec<String> {
    let mut problems = Vec::new();
    // One file may have several names. One that is not there is reported where it is read.
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut files: Vec<(PathBuf, &PathBuf)> = predictions.iter().chain(labels).map(|path| (same(path), path)).collect();
    files.sort();
    for pair in files.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        problems.push(format!("{}: is given twice", pair[1].1.display()));
    }
    let Some(out) = out else { return problems };
    for output in OutputFiles::NAMES.map(|name| same(&out.join(name))) {
        for (_, input) in files.iter().filter(|(file, _)| *file == output) {
            problems.push(format!("{}: would be overwritten; give --out another directory", input.display()));
        }
    }
    if out.exists() && !out.is_dir() {
        problems.push(format!("{}: is no directory; --out takes one", out.display()));
    }
    problems
}

/// Puts the rules of the file at `path` in the place of those of `config`, showing every problem.
pub(super) fn use_rules(path: &Path, config: &mut Config) -> Result<(), Failure> {
    let rules = config::load_rules(path, config).map_err(|problems| {
        super::check::show(&problems);
        Failure::Usage
    })?;
    config.settings.alerts = Arc::new(rules);
    Ok(())
}

/// Compares the windows of the model that the profile at `path` is of with it.
pub(super) fn refer_to(path: &Path, settings: &mut Settings) -> Result<(), String> {
    let why = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| why(&error))?;
    let profile = Profile::from_json(&text).map_err(|error| why(&error))?;
    let model = profile.model_id.to_string();
    let mut own = ModelSettings::clone(settings.model(&model));
    if !own.references.is_empty() {
        return Err(why(&format!(
            "the configuration has a reference of model `{model}` already, or `features` for where there is none; leave one \
             of them out"
        )));
    }
    check_bins(&model, &own, &profile).map_err(|error| why(&error))?;
    own.references = vec![Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(profile)) }];
    settings.models.insert(model, Arc::new(own));
    Ok(())
}

pub(super) fn failed(error: &ReplayError) -> Failure {
    eprintln!("error: {error}");
    Failure::Running
}

pub(super) fn layout(config: &Config) -> Layout {
    Layout {
        predictions: (config.predictions.format.clone(), config.predictions.fields.clone()),
        labels: (config.labels.format.clone(), config.labels.fields.clone()),
        columns: config.settings.columns(),
    }
}

/// The last lines: what came in, what became of it, what was written.
fn tell(summary: &Summary, seconds: f64) {
    let accounting = &summary.accounting;
    let stopped = if summary.interrupted { "stopped after" } else { "read" };
    let rate = (summary.records as f64 / seconds.max(1e-9)) as u64;
    eprintln!("{stopped} {} records in {seconds:.1} s ({} per second)", grouped(summary.records), grouped(rate));
    let line = |what: &str, total: u64, parts: &[(&str, u64)]| {
        let parts: Vec<String> = (parts.iter().filter(|(_, count)| *count > 0))
            .map(|(what, count)| format!("{} {what}", grouped(*count)))
            .collect();
        eprintln!("  {what:<12} {:>12}   {}", grouped(total), parts.join(", "));
    };
    // Failed requests wait too, for labels that nobody counts.
    let waiting = (accounting.waiting_predictions + accounting.settled_errors).saturating_sub(accounting.errors);
    line(
        "predictions",
        accounting.prediction_records + summary.undecoded_predictions,
        &[
            ("matched", accounting.matched),
            ("without a label in time", accounting.expired),
            ("still waiting for a label", waiting),
            ("failed requests", accounting.errors),
            ("duplicate", accounting.duplicate_predictions),
            ("late", accounting.late_predictions),
            ("rejected", accounting.rejected_predictions + summary.undecoded_predictions),
        ],
    );
    line(
        "labels",
        accounting.label_records + summary.undecoded_labels,
        &[
            ("used", accounting.used_labels),
            ("duplicate", accounting.duplicate_labels),
            ("corrected another", accounting.corrected_labels),
            ("retracted another", accounting.retracted_labels),
            ("without a prediction", accounting.orphan_labels),
            ("still waiting for a prediction", accounting.waiting_labels),
            ("late", accounting.late_labels),
            ("rejected", accounting.rejected_labels + summary.undecoded_labels),
        ],
    );
    if summary.late_rows > 0 {
        eprintln!(
            "  {} changes came for windows that were final, which they did not change",
            grouped(summary.late_rows)
        );
    }
    if summary.over_cap > 0 {
        let over_cap = grouped(summary.over_cap);
        eprintln!("  alerts had no room for {over_cap} series or windows, which no rule has judged: see alerts.caps");
    }
    if summary.skipped_outcomes > 0 {
        let skipped = grouped(summary.skipped_outcomes);
        eprintln!("  {skipped} outcomes came too late for their order, and no detector of concept drift has read them");
    }
    if summary.left_out_features > 0 {
        let left_out = grouped(summary.left_out_features);
        eprintln!("  {left_out} features of closed windows are too large for a record, and are in no profile");
    }
    if summary.fired_alerts > 0 {
        eprintln!("  alerts fired {} times", grouped(summary.fired_alerts));
    }
    if accounting.folded > 0 {
        eprintln!("  {} values were over a cap and folded into __other__", grouped(accounting.folded));
    }
    if accounting.evicted > 0 {
        eprintln!(
            "  {} waiting records were dropped before their time: see caps.pending_rows",
            grouped(accounting.evicted)
        );
    }
    let mut reasons: Vec<_> = summary.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    if !reasons.is_empty() {
        let reasons: Vec<String> =
            reasons.iter().take(3).map(|(reason, count)| format!("{} {}", grouped(**count), reason.as_str())).collect();
        eprintln!("  dead letters, most of them for these reasons: {}", reasons.join(", "));
    }
    for written in &summary.written {
        eprintln!("  wrote {:>12} rows to {}", grouped(written.row_count), written.path.display());
    }
}
