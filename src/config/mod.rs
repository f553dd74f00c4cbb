//! The operator's configuration: YAML → what is written, each value with its place → what is used.
//!
//! ```text
//! document   YAML text as a tree with places          problem   what is wrong, rendered
//! section    typed values and known keys from it      nearest   the name that was meant
//! raw        what is written about a model            model     … with defaults, checked → event::ModelSettings
//! format, fields, layout_check                        the inputs → codec::Format and fields
//! alerts                                              rules of alerts → event::alert::AlertSettings
//! incidents                                           what alerts are held against in a back-test
//! topics, kafka, start                                the shell's part
//! ```
//!
//! Nothing is accepted silently: an unknown key, a key that has no effect and a key for a part that does not exist yet
//! are all reported, every problem of the file at once.

#![allow(clippy::disallowed_methods, reason = "the shell: reads the configuration and the schema files it names")]

mod alerts;
mod announced;
mod comparison;
mod detectors;
mod document;
mod duration;
mod features;
mod field_path;
mod fields;
mod format;
mod incidents;
mod kafka;
mod layout_check;
mod model;
mod nearest;
mod problem;
mod raw;
mod reference;
mod section;
mod segments;
mod service;
mod start;
#[cfg(test)]
mod tests;
mod topics;
mod windows;

pub use alerts::{load_rules, parse_rules};
pub use duration::format as written_duration;
pub use duration::read as read_duration;
pub use incidents::{Incident, load_incidents, parse_incidents};
pub use kafka::{Kafka, is_id};
pub use nearest::nearest as nearest_name;
pub use problem::{Place, Problem, Problems, Severity};
pub use segments::check_bins;
pub use start::Start;
pub use topics::{OutputTopic, Topics};

use crate::codec::{Format, LabelFields, PredictionFields};
use crate::event::{Millis, Settings};
use problem::Report;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Everything an operator can configure, validated, every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What the stages need to know about the models.
    pub settings: Settings,
    /// How Kafka is reached.
    pub kafka: Kafka,
    /// Names of the topics.
    pub topics: Topics,
    /// How predictions are read.
    pub predictions: InputSpec<PredictionFields>,
    /// How labels are read.
    pub labels: InputSpec<LabelFields>,
    /// Time between two commits, > 0.
    pub commit_interval_ms: Millis,
    /// Where inputs without state are read from.
    pub start: Start,
    /// What is accepted but does not do what it seems to; shown to the operator. Empty, or warnings only.
    pub warnings: Problems,
}

/// How the records of one input are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSpec<F> {
    /// How bytes become values.
    pub format: Format,
    /// Which value plays which role.
    pub fields: F,
}

impl Default for Config {
    /// The built-in defaults: JSON in the default layout, and the built-in rules of alerts. What `replay` uses without a configuration.
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.alerts = Arc::new(alerts::built_in(&settings));
        Config {
            settings,
            kafka: Kafka::default(),
            topics: Topics::default(),
            predictions: InputSpec { format: Format::Json, fields: fields::default_predictions() },
            labels: InputSpec { format: Format::Json, fields: fields::default_labels() },
            commit_interval_ms: 1000,
            start: Start::default(),
            warnings: Problems::default(),
        }
    }
}

/// Reads a configuration file, and the schema files that it names.
///
/// # Errors
/// Every problem of the configuration at once; or the one that kept it from being read.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let text = read_text(path, "configuration", "give its path with `-c`")?;
    parse(&text, &path.display().to_string(), &|path| std::fs::read_to_string(path))
}

/// The text of a file that an operator wrote; `help` is for one that cannot be read.
fn read_text(path: &Path, what: &str, help: &str) -> Result<String, Problems> {
    let whole_file = |message: String, help: &str| {
        let mut report = Report::default();
        report.file_error(message).help(help);
        report.into_problems(&path.display().to_string(), "")
    };
    let bytes = std::fs::read(path).map_err(|error| whole_file(format!("cannot read the {what}: {error}"), help))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        whole_file(format!("not UTF-8: the first wrong byte is in line {line}"), "save the file as UTF-8")
    })
}

/// Reads a configuration from its text. `file_name` is for messages and names the folder that schema files are relative
/// to; `read_file` reads those.
///
/// # Errors
/// Every problem of the configuration at once.
pub fn parse(text: &str, file_name: &str, read_file: &dyn Fn(&Path) -> io::Result<String>) -> Result<Config, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let folder = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let files = format::NamedFiles { folder, read: read_file };
    let mut report = Report::default();
    let config = document::read(text, &mut report).map(|root| service::read(&root, &files, &mut report));
    let problems = report.into_problems(file_name, text);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        Some(config) if !problems.has_errors() => Ok(Config { warnings: problems, ..config }),
        _ => Err(problems),
    }
}
