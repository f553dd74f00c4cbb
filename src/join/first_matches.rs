//! Predictions that meet a label for the first time, kept until the commit for the detectors of their model.
//!
//! A detector cannot take back what it has read, so it reads the first label of a prediction and no other: repetitions,
//! corrections, and what comes after a retraction do not reach it. Which label is the first is a matter of the labels'
//! arrival alone, as with all rules of the join.

use super::Join;
use super::outcome;
use super::pending::{PendingRow, RowKind};
use super::rules::Effect;
use crate::aggregate::{ClassId, FirstMatch, SeriesId, loss};
use crate::event::Millis;
use std::collections::BTreeMap;

/// First matches since the last commit, by series and pane.
#[derive(Debug, Default)]
pub struct FirstMatches {
    by_cell: BTreeMap<(SeriesId, Millis), Vec<FirstMatch>>,
}

impl FirstMatches {
    /// Takes all out; of each cell sorted, so that equal matches are equal however they came to light.
    pub fn take(&mut self) -> BTreeMap<(SeriesId, Millis), Vec<FirstMatch>> {
        let mut by_cell = std::mem::take(&mut self.by_cell);
        for matches in by_cell.values_mut() {
            matches.sort_unstable_by(|one, other| {
                let times = |of: &FirstMatch| (of.prediction_time, of.label_time);
                let loss = |of: &FirstMatch| of.loss.map(f64::to_bits);
                (times(one).cmp(&times(other)))
                    .then_with(|| one.request_id.cmp(&other.request_id))
                    .then_with(|| loss(one).cmp(&loss(other)))
            });
        }
        by_cell
    }
}

impl Join {
    /// Takes note of what a label is about to do to `row`, if it is the first that the row meets and the model has
    /// detectors. Those that it has today: they read what they are told from now on.
    pub(super) fn note_first_match(
        &mut self,
        row: &PendingRow,
        scores: &[(ClassId, f64)],
        effect: Effect,
        request_id: &str,
    ) {
        let Effect::Matched(new) = effect else { return };
        if row.was_settled() || row.kind == RowKind::Failed {
            return;
        }
        let model = self.registry.series(row.series).model;
        let Some(kind) = self.registry.model(model).settings.detectors.as_ref().map(|detectors| detectors.loss) else {
            return;
        };
        let outcome = outcome::outcome(&mut self.registry, &self.texts, row, scores, new.truth);
        let pane_ms = self.registry.settings_of(row.series).pane_ms;
        let pane = row.time - row.time.rem_euclid(pane_ms);
        self.first_matches.by_cell.entry((row.series, pane)).or_default().push(FirstMatch {
            prediction_time: row.time,
            label_time: new.time,
            request_id: FirstMatch::kept_id(request_id),
            loss: outcome.and_then(|outcome| loss(kind, &outcome)),
        });
    }
}
