//! The data sets of the large oracle, as their manifest describes them.

use super::fold::Place;
use super::run::Data;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Most panes in a window, and so the most windows of the published size in one that holds all rows.
const MAX_PANES: i64 = 1000;

/// One data set.
pub struct Set {
    /// Its name, and that of the model.
    pub name: String,
    model: String,
    task: String,
    threshold: Option<f64>,
    /// Size of the windows that were computed, in ms.
    pub window: i64,
    folder: PathBuf,
    manifest: Value,
}

/// Production, or the reference that production is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Before the model went live.
    Reference,
    /// After.
    Production,
}

impl Split {
    /// Both.
    pub const BOTH: [Split; 2] = [Split::Reference, Split::Production];

    /// The name in tables and manifest.
    pub fn name(self) -> &'static str {
        match self {
            Split::Reference => "reference",
            Split::Production => "production",
        }
    }
}

impl Set {
    /// The set `name` of the large oracle in `folder`.
    pub fn read(folder: &Path, name: &str) -> Set {
        let text = fs::read_to_string(folder.join("data/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let manifest = manifest[name].clone();
        let text = |key: &str| manifest[key].as_str().unwrap_or_else(|| panic!("{name} has no {key}")).to_owned();
        Set {
            name: name.to_owned(),
            model: text("model_id"),
            task: text("task"),
            threshold: manifest["threshold"].as_f64(),
            window: manifest["window_ms"].as_i64().unwrap(),
            folder: folder.to_owned(),
            manifest,
        }
    }

    /// Its task, as configured.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// Id of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The files of `split`.
    pub fn data(&self, split: Split) -> Data {
        let file = |role: &str| {
            let name = self.manifest["files"][split.name()][role].as_str().unwrap();
            self.folder.join("data").join(name)
        };
        Data { predictions: file("predictions"), labels: file("labels") }
    }

    /// A file with what other tools found.
    pub fn expected(&self, tool: &str, ending: &str) -> PathBuf {
        self.folder.join("expected").join(tool).join(format!("{}{ending}", self.name))
    }

    /// The smallest window that holds all of `split`, a multiple of the published one.
    pub fn whole(&self, split: Split) -> Place {
        let time = |key: &str| self.manifest["files"][split.name()][key].as_i64().unwrap();
        let (first, last) = (time("first_ts"), time("last_ts"));
        let holds_all = |size: &i64| first / size == last / size;
        let size = (2..=MAX_PANES).map(|times| times * self.window).find(holds_all);
        let size = size.expect("a window of 1000 panes that holds everything");
        Place::window(size, first / size * size)
    }

    /// The configuration of this model: windows of `sizes`, and `more` lines of YAML.
    pub fn config(&self, sizes: &[i64], horizon: &str, more: &[String]) -> String {
        let sizes: Vec<String> = sizes.iter().map(|size| format!("{size}ms")).collect();
        let task = format!("task: {}", self.task);
        let threshold = self.threshold.map(|threshold| format!("threshold: {threshold}"));
        let lines = [&task].into_iter().chain(&threshold).chain(more);
        let lines: Vec<String> = lines.map(|line| format!("    {line}\n")).collect();
        // Labels that nobody claims are of no model: they follow the defaults.
        let defaults = format!("defaults: {{windows: [{}], label_horizon: {horizon}}}", sizes.join(", "));
        format!("{defaults}\nmodels:\n  {}:\n{}", self.model, lines.concat())
    }
}
