//! The labels of a reference: files straight through the join, as a replay would, and what became of one model's predictions.

use super::{Progress, Summary};
use super::{Replay, ReplayError};
use crate::aggregate::partial::PartialBatch;
use crate::aggregate::{Cell, ClassNames, Count, Linear, Quality};
use crate::event::LabelledRow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// All predictions of one model together.
#[derive(Debug)]
pub struct LabelledCell {
    /// What is remembered of them.
    pub cell: Cell,
    /// Names of its classes.
    pub classes: ClassNames,
    /// The labelled ones per segment key and value.
    pub segments: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Quality>>,
}

impl LabelledCell {
    fn add(&mut self, partials: &PartialBatch, model_id: &str) {
        for row in &partials.rows {
            let series = &partials.series[row.series as usize];
            let model = &partials.models[series.model as usize];
            if *model.id != *model_id || series.segments.is_none() {
                continue;
            }
            let table: Vec<_> = model.classes.iter().map(|name| self.classes.intern(name)).collect();
            let mut cell = row.change.to_cell();
            cell.remap(&table);
            for (key, value) in model.segment_keys.iter().zip(series.segments.iter().flatten()) {
                let values = self.segments.entry(Arc::clone(key)).or_default();
                let quality = values.entry(Arc::clone(value)).or_default();
                quality.merge(&cell.quality);
                quality.merge(&cell.on_expiry);
            }
            // Nothing more comes: what has not met its label has expired, with the label that it has for such cases.
            let expired = std::mem::take(&mut cell.on_expiry);
            cell.add_count(Count::Matched, expired.rows());
            cell.quality.merge(&expired);
            self.cell.merge(&cell);
        }
    }
}

impl Replay {
    /// Gives `each` the rows of `model_id`'s predictions and what became of them, and returns all of them together.
    ///
    /// # Errors
    /// If a file cannot be read to its end, or `each` fails.
    pub fn labelled<E: From<ReplayError>>(
        mut self,
        model_id: &str,
        progress: &Progress,
        mut each: impl FnMut(LabelledRow) -> Result<(), E>,
    ) -> Result<(LabelledCell, Summary), E> {
        self.with_labelled = true;
        let classes = ClassNames::new(self.settings.caps.classes);
        let mut all = LabelledCell { cell: Cell::default(), classes, segments: BTreeMap::new() };
        let mut summary = Summary::default();
        let stop = AtomicBool::new(false);
        self.join(progress, &stop, &mut summary, &mut |commit, _, _| {
            all.add(&commit.partials, model_id);
            commit.labelled.into_iter().filter(|row| *row.model_id == *model_id).try_for_each(&mut each)
        })?;
        Ok((all, summary))
    }

    /// How a model's labels are read from `labels` beside `predictions`, with nothing left out.
    pub fn of_reference(
        predictions: &[std::path::PathBuf],
        labels: &[std::path::PathBuf],
        layout: super::Layout,
        settings: Arc<crate::event::Settings>,
    ) -> Replay {
        Replay {
            predictions: predictions.to_vec(),
            labels: labels.to_vec(),
            layout,
            settings,
            at_end: super::AtEnd::Close,
            revisions: crate::assess::Revisions::Final,
            with_labelled: true,
            from: None,
            to: None,
            limit: None,
        }
    }
}
