//! `postdict check`: every problem of a configuration, with its place.

use super::{Failure, print};
use crate::config;
use std::path::PathBuf;

/// Say what is wrong with a configuration, every problem at once; talks to nothing
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Configuration file (YAML)
    #[arg(short, long, value_name = "FILE", default_value = "postdict.yaml")]
    config: PathBuf,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = super::replay::load(&self.config)?;
        show(&config.warnings);
        let models = match config.settings.models.len() {
            0 => "every model by its defaults".to_owned(),
            1 => "1 model by name, every other by defaults".to_owned(),
            count => format!("{count} models by name, every other by defaults"),
        };
        print(&format!("{}: no problems; {models}\n", self.config.display()))
    }
}

/// Shows what is wrong with a configuration on standard error.
pub(super) fn show(problems: &config::Problems) {
    if !problems.is_empty() {
        eprintln!("{problems}");
    }
}
