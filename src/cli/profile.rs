//! `postdict profile`: a reference profile from files or topics, and what is in one.

use super::profile_show::show;
#[cfg(feature = "kafka")]
use super::profile_topics::FromTopics;
use super::{Failure, grouped, print, replay, usage};
use crate::config::{Config, check_bins};
use crate::drift::profile::{
    BuildError, ColumnType, LabelsBuilder, MAX_CATEGORIES, OutputsBuilder, ProfileBuilder, TooManyScores,
};
use crate::event::{ModelSettings, PredictionBatch, PredictionColumns, Profile, Reference, ReferenceLabels, Settings};
use crate::replay::{Layout, Progress, Replay, ReplayError, check_readable, feature_names, read_predictions};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Make a reference profile that windows are compared with, show one, or merge several
///
/// A profile says what the predictions of a reference looked like, feature by feature: types, bins with their counts,
/// moments. It holds no rows. Name it in the configuration under `models.NAME.reference`, or give it to `replay
/// --reference`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ProfileCommand {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    make: Make,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show a profile: its features, and how their values are distributed
    Show {
        /// The profile
        #[arg(value_name = "PROFILE")]
        path: PathBuf,
        /// Print it as it would be written: JSON, all of it
        #[arg(long)]
        json: bool,
    },
    /// Add profiles that were counted in the same bins and do not overlap in time, such as windows that are final: hours
    /// into a week. Files hold a profile each, or one a line
    Merge {
        /// The profiles
        #[arg(value_name = "PROFILE", required = true)]
        paths: Vec<PathBuf>,
        /// File for their sum
        #[arg(long, value_name = "PROFILE")]
        out: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Make {
    /// Configuration file (YAML), for the layout of the records, and the topics
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files with the predictions of the reference, such as the model's test set
    #[cfg_attr(feature = "kafka", arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "topic"))]
    #[cfg_attr(not(feature = "kafka"), arg(long, value_name = "FILE", num_args = 1.., required = true))]
    predictions: Vec<PathBuf>,
    /// Files with their labels: the profile then knows how good the model was, what its scores meant, and how labels were
    /// distributed, and performance is estimated before labels come
    #[arg(long, value_name = "FILE", num_args = 1..)]
    labels: Vec<PathBuf>,
    #[cfg(feature = "kafka")]
    #[command(flatten)]
    topics: FromTopics,
    /// File for the profile
    #[arg(long, value_name = "PROFILE", required = true)]
    out: Option<PathBuf>,
    /// The model, where the files hold predictions of several
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// What a column holds, where it is not what it looks like: NAME=numeric, NAME=categorical or NAME=ignore
    #[arg(long = "type", value_name = "NAME=TYPE", value_parser = column_type)]
    types: Vec<(String, ColumnType)>,
    /// Values of a category that have bins of their own; others are one
    #[arg(long, value_name = "COUNT", default_value_t = MAX_CATEGORIES, value_parser = categories)]
    categories: usize,
    /// No progress bar and no summary
    #[arg(short, long)]
    quiet: bool,
}

fn column_type(text: &str) -> Result<(String, ColumnType), String> {
    let (name, written) = text.rsplit_once('=').ok_or("write NAME=TYPE")?;
    let column_type = match written {
        "numeric" => ColumnType::Numeric,
        "categorical" => ColumnType::Categorical,
        "ignore" => ColumnType::Ignored,
        _ => return Err(format!("`{written}` is no type; there are numeric, categorical and ignore")),
    };
    Ok((name.to_owned(), column_type))
}

fn categories(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|error| format!("{error}"))?;
    if (1..=10_000).contains(&count) { Ok(count) } else { Err("write a number from 1 to 10000".to_owned()) }
}

/// What is read.
struct Files<'f> {
    predictions: &'f [PathBuf],
    labels: &'f [PathBuf],
    /// Labels were asked for, whether there are any or not.
    has_labels: bool,
}

/// Why no profile was made.
#[derive(Debug, thiserror::Error)]
enum MakeError {
    #[error(transparent)]
    Read(#[from] ReplayError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Scores(#[from] TooManyScores),
    #[error("{0}")]
    Bins(String),
}

impl ProfileCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            Some(What::Show { path, json }) => {
                let profile = read(&path)?;
                print(&if json { profile.to_json() } else { show(&profile) })
            }
            Some(What::Merge { paths, out }) => super::profile_merge::run(&paths, &out),
            None => self.make.run(),
        }
    }
}

/// Reads a profile, or says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<Profile, Failure> {
    let wrong = |error: String| {
        eprintln!("error: {}: {error}", path.display());
        Failure::Running
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Profile::from_json(&text).map_err(|error| wrong(error.to_string()))
}

impl Make {
    fn run(self) -> Result<(), Failure> {
        let config = self.config.as_deref().map_or_else(|| Ok(Config::default()), replay::load)?;
        let files = || self.predictions.iter().chain(&self.labels);
        let mut problems: Vec<String> = files().filter_map(|path| check_readable(path).err()).collect();
        let Some(out) = self.out.clone() else { return Err(usage(&["--out is missing".to_owned()])) };
        let same = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        if files().any(|path| same(path) == same(&out)) {
            problems.push(format!("{}: would be overwritten; give --out another file", out.display()));
        }
        if !problems.is_empty() {
            return Err(usage(&problems));
        }
        let failed = |error: &dyn std::fmt::Display| {
            eprintln!("error: {error}");
            Failure::Running
        };
        let given = Files { predictions: &self.predictions, labels: &self.labels, has_labels: !self.labels.is_empty() };
        #[cfg(feature = "kafka")]
        let fetched = if self.topics.topic { Some(self.topics.fetch(&config, self.quiet)?) } else { None };
        #[cfg(feature = "kafka")]
        let given = fetched.as_ref().map_or(given, |fetched| Files {
            predictions: &fetched.predictions,
            labels: &fetched.labels,
            has_labels: self.topics.topic_labels,
        });
        let (profile, rejected) = self.make(&config, &given).map_err(|error| failed(&error))?;
        std::fs::write(&out, profile.to_json()).map_err(|error| failed(&format!("{}: {error}", out.display())))?;
        if !self.quiet {
            if rejected > 0 {
                eprintln!("warning: {} records are no predictions and were left out", grouped(rejected));
            }
            let Profile { model_id, rows, features, id, .. } = &profile;
            eprintln!(
                "profile {id} of model `{model_id}`: {} predictions, {} features, written to {}",
                grouped(rows.unsigned_abs()),
                features.len(),
                out.display()
            );
        }
        Ok(())
    }

    fn make(&self, config: &Config, files: &Files<'_>) -> Result<(Profile, u64), MakeError> {
        let (format, fields) = (&config.predictions.format, &config.predictions.fields);
        let names = feature_names(files.predictions, format, fields)?;
        let known = |name: &String| names.contains(name);
        for (name, _) in self.types.iter().filter(|(name, _)| !known(name)) {
            eprintln!("warning: --type {name}: no record has such a feature");
        }
        let types: BTreeMap<String, ColumnType> = self.types.iter().cloned().collect();
        let mut builder = ProfileBuilder::new(self.model.clone(), &names, types, self.categories);
        let layout = Layout {
            predictions: (format.clone(), fields.clone()),
            labels: (config.labels.format.clone(), config.labels.fields.clone()),
            columns: PredictionColumns { features: names, ..PredictionColumns::default() },
        };
        let of_labels = layout.clone();
        let of_outputs = layout.clone();
        let rejected = self.read(files, layout, |batch| builder.add(batch).map_err(MakeError::from))?;
        let (profile, notes) = builder.finish(self.model.is_some())?;
        let profile = self.with_outputs(profile, files, of_outputs)?;
        let profile = if !files.has_labels {
            profile
        } else {
            let labels = self.read_labels(&profile, files, config, of_labels)?;
            if labels.is_none() && !self.quiet {
                eprintln!("warning: no label met a prediction of model `{}`: the profile has none", profile.model_id);
            }
            Profile { labels, ..profile }.with_id()
        };
        if !self.quiet {
            notes.iter().for_each(|note| eprintln!("note: {}: {}", note.column, note.text));
        }
        Ok((profile, rejected))
    }

    /// Gives `each` the predictions, batch by batch, and returns how many records are none.
    fn read(
        &self,
        files: &Files<'_>,
        layout: Layout,
        each: impl FnMut(&PredictionBatch) -> Result<(), MakeError>,
    ) -> Result<u64, MakeError> {
        let sizes = files.predictions.iter().filter_map(|path| std::fs::metadata(path).ok());
        let total = sizes.map(|metadata| metadata.len()).sum();
        let progress = Progress::new(total, !self.quiet && std::io::stderr().is_terminal());
        let read = read_predictions(files.predictions, layout, &progress, each);
        progress.clear();
        read
    }

    /// The profile with what the model gave out per bin. Bins are known once all was read, so it is read again.
    fn with_outputs(&self, profile: Profile, files: &Files<'_>, layout: Layout) -> Result<Profile, MakeError> {
        let is_known = |name: &String| profile.features.iter().any(|feature| *feature.name == **name);
        let features: Vec<String> = layout.columns.features.into_iter().filter(is_known).collect();
        let mut builder = match OutputsBuilder::try_new(profile, &features) {
            Ok(builder) => builder,
            Err(profile) => return Ok(*profile),
        };
        let layout = Layout { columns: PredictionColumns { features, ..PredictionColumns::default() }, ..layout };
        self.read(files, layout, |batch| {
            builder.add(batch);
            Ok(())
        })?;
        Ok(builder.finish())
    }

    /// What the labels of the profile's model say.
    fn read_labels(
        &self,
        profile: &Profile,
        files: &Files<'_>,
        config: &Config,
        layout: Layout,
    ) -> Result<Option<ReferenceLabels>, MakeError> {
        let settings = Arc::new(in_force(profile, &config.settings).map_err(MakeError::Bins)?);
        let layout = Layout { columns: settings.columns(), ..layout };
        let replay = Replay::of_reference(files.predictions, files.labels, layout, Arc::clone(&settings));
        let sizes = files.predictions.iter().chain(files.labels).filter_map(|path| std::fs::metadata(path).ok());
        let progress =
            Progress::new(sizes.map(|file| file.len()).sum(), !self.quiet && std::io::stderr().is_terminal());
        let mut labels = LabelsBuilder::default();
        let read = replay.labelled(&profile.model_id, &progress, |row| labels.add(row).map_err(MakeError::from));
        progress.clear();
        let (all, summary) = read?;
        if let Some(failure) = summary.failures.into_iter().next() {
            return Err(failure.into());
        }
        let undecoded = summary.undecoded_labels;
        if undecoded > 0 && !self.quiet {
            eprintln!("warning: {} records are no labels and were left out", grouped(undecoded));
        }
        let settings = settings.model(&profile.model_id);
        Ok(labels.finish(settings.task.unwrap_or(profile.task), settings, &all))
    }
}

/// Settings with `profile` in force, so that segments which are its bins have values: of its features, those alone.
fn in_force(profile: &Profile, settings: &Settings) -> Result<Settings, String> {
    let model = &*profile.model_id;
    let own = settings.model(model);
    check_bins(model, own, profile)?;
    let binned = own.binned_features();
    let features = profile.features.iter().filter(|feature| binned.contains(&&*feature.name)).cloned().collect();
    let of_bins = Profile { features, labels: None, ..profile.clone() };
    let reference = Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(of_bins)) };
    let references = if binned.is_empty() { Vec::new() } else { vec![reference] };
    let mut settings = settings.clone();
    settings.models.insert(model.to_owned(), Arc::new(ModelSettings { references, ..ModelSettings::clone(own) }));
    Ok(settings)
}
