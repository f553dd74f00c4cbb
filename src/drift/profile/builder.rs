//! `ProfileBuilder`: predictions in, a profile out, whatever their order and batches were.
//!
//! Bins are quantiles of the reference, so its numbers are held until all are there; the profile holds none of them.

use super::column::{Column, ColumnType, TOO_MANY};
use crate::event::prediction::text;
use crate::event::{FeatureSource, FeatureValue, Millis, PredictionBatch, Profile, ReferenceId, TaskKind};
use arrow_array::Array;
use std::collections::BTreeMap;

/// Values of categories with bins of their own, unless the user says otherwise.
pub const MAX_CATEGORIES: usize = 50;
/// Numbers that are held, at most: 8 bytes each.
const MAX_NUMBERS: usize = 100_000_000;

/// Collects the predictions of one model.
#[derive(Debug)]
pub struct ProfileBuilder {
    model: Option<String>,
    types: BTreeMap<String, ColumnType>,
    categories: usize,
    columns: Vec<Column>,
    outputs: Vec<Column>,
    rows: i64,
    times: Option<(Millis, Millis)>,
    tasks: [i64; 3],
    others: BTreeMap<String, i64>,
}

/// Something about a column that its owner should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Name of the column.
    pub column: String,
    /// What, for people.
    pub text: &'static str,
}

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// No prediction was there.
    #[error("there is no prediction of {0}")]
    NoRows(String),
    /// Predictions of several models were there, and none was named.
    #[error("there are predictions of several models ({0}); name one with --model")]
    SeveralModels(String),
    /// There are more numbers than are held.
    #[error("the reference has more than {MAX_NUMBERS} numbers; a sample of it makes as good a profile")]
    TooLarge,
}

impl ProfileBuilder {
    /// Of predictions of `model`, or of the only one; batches have the features `columns`. `types` are declared, the others
    /// inferred; `categories` is how many values of a category have bins of their own.
    pub fn new(
        model: Option<String>,
        columns: &[String],
        types: BTreeMap<String, ColumnType>,
        categories: usize,
    ) -> ProfileBuilder {
        let is_free = |name: &str| columns.iter().all(|column| column != name);
        ProfileBuilder {
            model,
            types,
            categories,
            columns: columns.iter().map(|name| Column::new(name, FeatureSource::Feature)).collect(),
            outputs: (FeatureSource::OUTPUTS.into_iter())
                .filter(|(_, name)| is_free(name))
                .map(|(source, name)| Column::new(name, source))
                .collect(),
            rows: 0,
            times: None,
            tasks: [0; 3],
            others: BTreeMap::new(),
        }
    }

    /// Adds the predictions of a batch.
    ///
    /// # Errors
    /// If there are too many.
    pub fn add(&mut self, batch: &PredictionBatch) -> Result<(), BuildError> {
        for row in (0..batch.len()).filter(|row| !batch.failed.value(*row)) {
            let model = text(&batch.model_id, row).unwrap_or_default();
            match &self.model {
                Some(wanted) if wanted != model => {
                    if self.others.len() < 10 || self.others.contains_key(model) {
                        *self.others.entry(model.to_owned()).or_default() += 1;
                    }
                    continue;
                }
                Some(_) => {}
                None => self.model = Some(model.to_owned()),
            }
            self.add_row(batch, row);
        }
        let held: usize = self.columns.iter().chain(&self.outputs).map(Column::held).sum();
        if held > MAX_NUMBERS { Err(BuildError::TooLarge) } else { Ok(()) }
    }

    fn add_row(&mut self, batch: &PredictionBatch, row: usize) {
        self.rows += 1;
        let time = batch.time(row);
        let (first, last) = self.times.unwrap_or((time, time));
        self.times = Some((first.min(time), last.max(time)));
        let has_scores = batch.scores.as_ref().is_some_and(|scores| scores.is_valid(row));
        let task = match (has_scores, batch.score.is_valid(row), batch.predicted_value.is_valid(row)) {
            (true, ..) => TaskKind::Multiclass,
            (_, true, _) => TaskKind::Binary,
            (_, _, true) => TaskKind::Regression,
            _ => TaskKind::Multiclass,
        };
        self.tasks[task as usize] += 1;
        for (column, values) in self.columns.iter_mut().zip(&batch.features) {
            column.add(values.value(row));
        }
        for column in &mut self.outputs {
            column.add(batch.output(column.source(), row).unwrap_or(FeatureValue::Missing));
        }
    }

    /// The profile, and what its owner should know.
    ///
    /// # Errors
    /// If there is nothing to make it of, or several models and none was named.
    pub fn finish(self, is_named: bool) -> Result<(Profile, Vec<Note>), BuildError> {
        let model = self.model.clone().map_or("any model".to_owned(), |model| format!("model `{model}`"));
        let Some((first_ms, last_ms)) = self.times else { return Err(BuildError::NoRows(model)) };
        if !is_named && !self.others.is_empty() {
            let names: Vec<&str> = self.model.iter().chain(self.others.keys()).map(String::as_str).collect();
            return Err(BuildError::SeveralModels(names.join(", ")));
        }
        let mut notes = Vec::new();
        let mut features = Vec::new();
        let outputs = self.outputs.into_iter().filter(|column| !column.is_empty());
        for column in self.columns.into_iter().chain(outputs) {
            let (inferred, why) = column.infer();
            let declared = self.types.get(column.name()).copied();
            let name = column.name().to_owned();
            let mut note = |text| notes.push(Note { column: name.clone(), text });
            if let Some(why) = why.filter(|_| declared.is_none()) {
                note(why);
            }
            let column_type = declared.unwrap_or(inferred);
            match column.into_profile(column_type, self.categories) {
                Some(feature) => features.push(feature),
                None if column_type == ColumnType::Ignored => note("left out"),
                None if column_type == ColumnType::Categorical => {
                    note(TOO_MANY);
                    note("left out");
                }
                None => note("left out: it has no number"),
            }
        }
        features.sort_by(|a, b| a.name.cmp(&b.name));
        let most = |task: &TaskKind| self.tasks[*task as usize];
        let task = TaskKind::ALL.into_iter().max_by_key(most).unwrap_or(TaskKind::Binary);
        let profile = Profile {
            id: ReferenceId(0),
            model_id: self.model.unwrap_or_default().into(),
            task,
            rows: self.rows,
            first_ms,
            last_ms,
            features,
            labels: None,
            window: None,
        };
        Ok((profile.with_id(), notes))
    }
}
