//! `AllPredictions`: everything that the join gave out of one model, as if it were one window that is final.

use crate::aggregate::partial::PartialBatch;
use crate::aggregate::{Cell, ClassNames, Count, Linear, Quality};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All predictions of one model together.
#[derive(Debug)]
pub struct AllPredictions {
    /// What is remembered of them.
    pub cell: Cell,
    /// Names of its classes.
    pub classes: ClassNames,
    /// The labelled ones per segment key and value.
    pub segments: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Quality>>,
}

impl AllPredictions {
    /// None yet, of a model with at most so many classes.
    pub fn new(max_classes: usize) -> AllPredictions {
        AllPredictions { cell: Cell::default(), classes: ClassNames::new(max_classes), segments: BTreeMap::new() }
    }

    /// Adds what `partials` hold of `model_id`. Nothing may come after the last of them: what has not met its label has
    /// expired, with the label that it has for such cases.
    pub fn add(&mut self, partials: &PartialBatch, model_id: &str) {
        for row in &partials.rows {
            let series = &partials.series[row.series as usize];
            let model = &partials.models[series.model as usize];
            if *model.id != *model_id || series.segments.is_none() {
                continue;
            }
            let table: Vec<_> = model.classes.iter().map(|name| self.classes.intern(name)).collect();
            let mut cell = row.change.to_cell();
            cell.remap(&table);
            let expired = std::mem::take(&mut cell.on_expiry);
            cell.add_count(Count::Matched, expired.rows());
            cell.quality.merge(&expired);
            for (key, value) in model.segment_keys.iter().zip(series.segments.iter().flatten()) {
                let values = self.segments.entry(Arc::clone(key)).or_default();
                values.entry(Arc::clone(value)).or_default().merge(&cell.quality);
            }
            self.cell.merge(&cell);
        }
    }
}
