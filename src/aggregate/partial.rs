//! Partials: what changed since the last commit, per series and pane.

use super::observation::{Observation, SmallOutcome};
use super::{Cell, Features, FirstMatch, QualityOutcome};
use crate::event::{Millis, Role};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// A series of one JOIN partition, interned: a model, a version and its segment values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(pub u32);

/// Cells with no more facts than this hold the facts; beyond, they are folded.
const MAX_FACTS: usize = 4;

/// The change of one cell.
#[derive(Debug, Clone, PartialEq)]
pub enum CellChange {
    /// The facts themselves, in the order in which they came to light.
    Facts(SmallVec<[Observation<SmallOutcome>; 1]>),
    /// Their sum.
    Folded(Box<Cell>),
}

impl CellChange {
    /// The change as a cell.
    pub fn to_cell(&self) -> Cell {
        match self {
            CellChange::Facts(facts) => {
                let mut cell = Cell::default();
                facts.iter().for_each(|fact| cell.observe(&fact.map(SmallOutcome::as_quality)));
                cell
            }
            CellChange::Folded(cell) => Cell::clone(cell),
        }
    }
}

/// One row of a partial batch.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialRow {
    /// Index into the batch's series.
    pub series: u32,
    /// Start of the pane.
    pub pane: Millis,
    /// What changed.
    pub change: CellChange,
    /// Predictions of it that met a label for the first time, where the model has detectors.
    pub first_matches: Vec<FirstMatch>,
}

/// A series by name: rows refer to it by its place in the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesName {
    /// Index into the batch's models.
    pub model: u32,
    /// `""` where the predictions have none.
    pub version: Arc<str>,
    /// One value per segment key of the model; `None` for records without a prediction.
    pub segments: Option<Box<[Arc<str>]>>,
}

/// A model by name, with its classes in the numbering of the batch's cells, and the segment sets that its series have
/// values in: predictions that were read under another configuration have others, so a model may come several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// `""` for labels that name none.
    pub id: Arc<str>,
    /// Class names by number.
    pub classes: Vec<Arc<str>>,
    /// What the values of its series' segments are values of.
    pub segment_keys: Vec<Arc<str>>,
}

/// How far a topic of one partition has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Largest event time seen.
    pub newest: Option<Millis>,
    /// How many times in a row it was found at its log's end and silent for the idle time-out, each time after the time
    /// before was durably said; 0: it flows.
    pub idle_checks: u64,
}

impl Progress {
    /// At the log's end, and silent for the idle time-out, when it was last looked at.
    pub fn is_idle(&self) -> bool {
        self.idle_checks > 0
    }
}

/// All changes of one JOIN partition in one commit, and how far its topics have come.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialBatch {
    /// Partition of the input topics.
    pub partition: i32,
    /// Of the predictions topic.
    pub predictions: Progress,
    /// Of the labels topic.
    pub labels: Progress,
    /// Models that the series refer to.
    pub models: Vec<ModelName>,
    /// Series that the rows refer to.
    pub series: Vec<SeriesName>,
    /// Sorted by series and pane.
    pub rows: Vec<PartialRow>,
}

impl PartialBatch {
    /// The rows of the models that `keep` names, with only the names that they need.
    pub fn of_models(&self, keep: impl Fn(&ModelName) -> bool) -> PartialBatch {
        let kept: Vec<bool> = self.models.iter().map(keep).collect();
        let rows = self.rows.iter().filter(|row| kept[self.series[row.series as usize].model as usize]);
        self.with_rows(rows.cloned())
    }

    /// Two batches that add up to this one: the halves of its rows, or of a single row those of its change. `None` if it
    /// cannot be divided.
    pub fn halves(&self) -> Option<[PartialBatch; 2]> {
        let [row] = &self.rows[..] else {
            let (first, second) = self.rows.split_at(self.rows.len() / 2);
            return (!first.is_empty()).then(|| [first, second].map(|rows| self.with_rows(rows.iter().cloned())));
        };
        let part = |cell, first_matches: &[FirstMatch]| {
            let change = CellChange::Folded(Box::new(cell));
            self.with_rows([PartialRow { change, first_matches: first_matches.to_vec(), ..*row }].into_iter())
        };
        let (first, second) = row.first_matches.split_at(row.first_matches.len() / 2);
        if !first.is_empty() {
            return Some([part(row.change.to_cell(), first), part(Cell::default(), second)]);
        }
        let [cell, rest] = row.change.to_cell().halves()?;
        Some([part(cell, second), part(rest, &[])])
    }

    /// The same with some of its rows, in their order, and only the names that they need.
    fn with_rows(&self, rows: impl Iterator<Item = PartialRow>) -> PartialBatch {
        let mut batch = PartialBatch {
            partition: self.partition,
            predictions: self.predictions,
            labels: self.labels,
            models: Vec::new(),
            series: Vec::new(),
            rows: Vec::new(),
        };
        let mut models: Vec<Option<u32>> = vec![None; self.models.len()];
        let mut last = None;
        for row in rows {
            if last.replace(row.series) != Some(row.series) {
                let series = &self.series[row.series as usize];
                let model = *models[series.model as usize].get_or_insert_with(|| {
                    batch.models.push(self.models[series.model as usize].clone());
                    batch.models.len() as u32 - 1
                });
                batch.series.push(SeriesName { model, ..series.clone() });
            }
            batch.rows.push(PartialRow { series: batch.series.len() as u32 - 1, ..row });
        }
        batch
    }

    /// Progress of `role`'s topic.
    pub fn progress(&self, role: Role) -> Progress {
        match role {
            Role::Predictions => self.predictions,
            Role::Labels => self.labels,
        }
    }
}

/// Collects the changes of one commit.
#[derive(Debug, Default)]
pub struct PartialBuilder {
    places: HashMap<(SeriesId, Millis), usize>,
    cells: Vec<((SeriesId, Millis), CellChange)>,
    /// The cell that was changed last: records of one series and pane come in runs.
    last: usize,
    /// The cell whose features were changed last.
    last_features: usize,
}

impl PartialBuilder {
    /// Takes note of a fact about `series` in the pane that starts at `pane`.
    pub fn observe(&mut self, series: SeriesId, pane: Millis, observation: &Observation<QualityOutcome>) {
        let change = self.cell(series, pane);
        match change {
            CellChange::Folded(cell) => cell.observe(observation),
            CellChange::Facts(facts) => match small(observation) {
                Some(fact) if facts.len() < MAX_FACTS => facts.push(fact),
                _ => {
                    let mut cell = change.to_cell();
                    cell.observe(observation);
                    *change = CellChange::Folded(Box::new(cell));
                }
            },
        }
    }

    /// The features of `series` in the pane that starts at `pane`, to be added to.
    pub fn features(&mut self, series: SeriesId, pane: Millis) -> &mut Features {
        let last = std::mem::replace(&mut self.last, self.last_features);
        let _ = self.cell(series, pane);
        self.last_features = std::mem::replace(&mut self.last, last);
        let change = &mut self.cells[self.last_features].1;
        if let CellChange::Facts(_) = change {
            *change = CellChange::Folded(Box::new(change.to_cell()));
        }
        match change {
            CellChange::Folded(cell) => &mut cell.features,
            CellChange::Facts(_) => unreachable!("folded above"),
        }
    }

    fn cell(&mut self, series: SeriesId, pane: Millis) -> &mut CellChange {
        let key = (series, pane);
        if self.cells.get(self.last).is_none_or(|(last, _)| *last != key) {
            self.last = *self.places.entry(key).or_insert_with(|| {
                self.cells.push((key, CellChange::Facts(SmallVec::new())));
                self.cells.len() - 1
            });
        }
        &mut self.cells[self.last].1
    }

    /// Cells that changed.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// True if nothing changed.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Takes all changes out, sorted by series and pane.
    pub fn take(&mut self) -> Vec<((SeriesId, Millis), CellChange)> {
        self.places.clear();
        (self.last, self.last_features) = (0, 0);
        let mut cells = std::mem::take(&mut self.cells);
        cells.sort_unstable_by_key(|(key, _)| *key);
        cells
    }
}

/// The fact in its small form; `None` if it has class scores.
fn small(observation: &Observation<QualityOutcome>) -> Option<Observation<SmallOutcome>> {
    fn outcome(outcome: &QualityOutcome) -> Option<SmallOutcome> {
        match outcome {
            QualityOutcome::Binary(outcome) => Some(SmallOutcome::Binary(*outcome)),
            QualityOutcome::Regression(outcome) => Some(SmallOutcome::Regression(*outcome)),
            QualityOutcome::Multiclass(_) => None,
        }
    }
    let is_small = match observation {
        Observation::Matched(fact) | Observation::Retracted { old: fact, .. } => outcome(&fact.outcome).is_some(),
        Observation::Corrected { old, new } => outcome(&old.outcome).and(outcome(&new.outcome)).is_some(),
        Observation::Waiting { outcome: waiting, .. } => outcome(waiting).is_some(),
        Observation::Predicted { .. }
        | Observation::Failed { .. }
        | Observation::Counted { .. }
        | Observation::DuplicateLabel { .. } => true,
    };
    is_small.then(|| observation.map(|big| outcome(big).expect("checked above")))
}
