//! Labels in: each is taken to every prediction of its request id, and remembered as long as something may refer to it.

use super::Join;
use super::accounting::LabelOutcome;
use super::labels::{LabelPlace, LabelRow, LabelStore, LabelTruth};
use super::outcome::{self, RowReader};
use super::pending::{PendingRow, RowKind, RowRef};
use super::request::RequestKey;
use super::rules::{self, Claim, Effect, Truth};
use super::series::ModelId;
use crate::aggregate::{ClassId, Count, Observation};
use crate::event::prediction::text;
use crate::event::{LabelBatch, Millis, Reason, Role};
use arrow_array::Array;
use std::ops::Range;
use std::sync::Arc;

impl Join {
    /// Takes in the labels of `rows`.
    pub fn labels(&mut self, batch: &LabelBatch, rows: Range<usize>) {
        let source = self.sources.intern(&batch.origin);
        for row in rows {
            self.label(batch, source, row);
        }
    }

    fn label(&mut self, batch: &LabelBatch, source: u16, row: usize) {
        self.accounting.label_records += 1;
        let time = batch.time(row);
        let truth = if batch.deleted.value(row) {
            LabelTruth::Deleted
        } else if batch.number.is_valid(row) {
            LabelTruth::Number(batch.number.value(row))
        } else {
            LabelTruth::Text(self.texts.intern(text(&batch.text, row).unwrap_or_default()))
        };
        let model = match text(&batch.model_id, row).map(|name| self.registry.model_id(name)).transpose() {
            Ok(model) => model,
            Err(error) => {
                self.accounting.rejected_labels += 1;
                let offset = batch.offset.value(row);
                return self.reject(&batch.origin, offset, time, Reason::TooManyModels, error.detail());
            }
        };
        if let Some(ahead) = self.label_too_far_ahead(time, model) {
            self.accounting.rejected_labels += 1;
            return self.reject(&batch.origin, batch.offset.value(row), time, Reason::TooFarAhead, ahead);
        }
        self.time.advance(Role::Labels, time);
        let weight = batch.weight.is_valid(row).then(|| batch.weight.value(row));
        let key = RequestKey::of(batch.request_id.value(row));
        let place = LabelPlace { source, offset: batch.offset.value(row) };
        let label = LabelRow::new(key, time, (self.accounting.label_records, place), truth, model, weight);
        let known = self.labels_of(label.key, self.reach.labels_beside(time));
        if known.len() >= LabelStore::MAX_PER_REQUEST {
            self.accounting.rejected_labels += 1;
            let detail = format!("{} labels of its request id are remembered, the most that can be", known.len());
            self.reject(&batch.origin, batch.offset.value(row), time, Reason::TooManyLabels, detail);
            self.scratch.labels = known;
            return;
        }
        let outcome = self.take_to_predictions(&label, &known, batch.request_id.value(row));
        match outcome {
            LabelOutcome::Waiting if self.labels.is_past(time) => self.late_label(batch, row, model),
            _ => self.remember(label.with_outcome(outcome)),
        }
        self.scratch.labels = known;
    }

    /// A label may be as far ahead as its model allows, or as the most generous one does where it names none.
    fn label_too_far_ahead(&self, time: Millis, model: Option<ModelId>) -> Option<String> {
        let (lateness, max_ahead) = match model {
            None => (self.allowed_lateness_ms, self.max_ahead_ms),
            Some(model) => {
                let settings = &self.registry.model(model).settings;
                (settings.allowed_lateness_ms, settings.max_ahead_ms)
            }
        };
        self.too_far_ahead(Role::Labels, time, lateness, max_ahead)
    }

    /// A label that `row`'s model cannot read, now or long after it came: its bytes may be gone, its place is known.
    fn reject_unreadable(&mut self, row: &PendingRow, label: &LabelRow) {
        let series = self.registry.series(row.series);
        let model = Arc::clone(&self.registry.model(series.model).name);
        let detail = format!("model {model} predicts numbers, the label is none");
        let place = label.place();
        self.reject(&self.sources.get(place.source), place.offset, label.time, Reason::WrongLabel, detail);
    }

    /// Applies `label` to every prediction of its request id; returns the greatest of what it did.
    fn take_to_predictions(&mut self, label: &LabelRow, known: &[LabelRow], request_id: &str) -> LabelOutcome {
        let mut places = std::mem::take(&mut self.scratch.rows);
        let mut scores = std::mem::take(&mut self.scratch.scores);
        places.clear();
        self.pending.find(label.key, self.reach.predictions(label.time), &mut places);
        let mut greatest = LabelOutcome::Waiting;
        for place in &places {
            let row = *self.pending.get(*place);
            let Some(current) = self.label_in_force(&row, known) else { continue };
            let effect = self.effect(&row, current, label);
            self.pending.scores(*place, &mut scores);
            self.apply(&row, &scores, effect, label);
            self.publish(&row, &scores, effect, request_id, label.weight());
            self.note_first_match(&row, &scores, effect, request_id);
            self.settle(*place, effect);
            greatest = greatest.max(outcome_of(effect));
        }
        self.scratch.scores = scores;
        self.scratch.rows = places;
        greatest
    }

    /// The label that a row has (`Some(None)`: it waits), from its request id's labels before this one; `None` if that
    /// label is forgotten, so that nothing can refer to the match any more.
    ///
    /// Earlier labels may be forgotten while this one is not, so they cannot be asked: it is among the labels of its time,
    /// all of which are remembered as long, and the last of them that changed anything.
    fn label_in_force(&self, row: &PendingRow, known: &[LabelRow]) -> Option<Option<Truth>> {
        if row.is_waiting() {
            return Some(None);
        }
        let model = self.registry.series(row.series).model;
        let of_its_time = known.iter().filter(|label| row.is_settled_at(label.time));
        let reader = RowReader { texts: &self.texts, kind: row.kind };
        rules::in_force(model, of_its_time, &reader).map(Some)
    }

    /// What `label` does to `row`, whose label is `current`.
    pub(super) fn effect(&self, row: &PendingRow, current: Option<Truth>, label: &LabelRow) -> Effect {
        let model = self.registry.series(row.series).model;
        let claim = Claim { model, time: row.time };
        let reader = RowReader { texts: &self.texts, kind: row.kind };
        rules::effect(claim, current, label, self.registry.settings_of(row.series), &reader)
    }

    /// Takes note of what `label` did to `row`.
    pub(super) fn apply(&mut self, row: &PendingRow, scores: &[(ClassId, f64)], effect: Effect, label: &LabelRow) {
        if row.kind == RowKind::Failed {
            return self.apply_to_failed(effect);
        }
        let observation = {
            let mut outcome = |truth: Truth| {
                outcome::outcome(&mut self.registry, &self.texts, row, scores, truth.truth)
                    .map(|outcome| outcome::fact(row, truth.time, outcome))
                    .expect("the rules let only readable labels of predictions through")
            };
            match effect {
                Effect::None => return,
                Effect::Unreadable => Observation::Counted { what: Count::DeadLetters, by: 1 },
                Effect::Duplicate => Observation::DuplicateLabel { time: label.time },
                Effect::Matched(new) => Observation::Matched(outcome(new)),
                Effect::Corrected { old, new } => Observation::Corrected { old: outcome(old), new: outcome(new) },
                Effect::Retracted { old } => Observation::Retracted { old: outcome(old), time: label.time },
            }
        };
        self.observe(row.series, row.time, &observation);
        if effect == Effect::Unreadable {
            self.reject_unreadable(row, label);
        }
        match effect {
            Effect::Matched(_) => {
                self.accounting.matched += 1;
                self.waits(row, scores, -1);
            }
            Effect::Retracted { .. } => {
                self.accounting.matched -= 1;
                self.waits(row, scores, 1);
            }
            _ => {}
        }
    }

    /// A label for a failed request is used and ignored: no window waits for it, so none counts it.
    fn apply_to_failed(&mut self, effect: Effect) {
        match effect {
            Effect::Matched(_) => self.accounting.settled_errors += 1,
            Effect::Retracted { .. } => self.accounting.settled_errors -= 1,
            Effect::Corrected { .. } | Effect::Duplicate | Effect::None | Effect::Unreadable => {}
        }
    }

    /// Takes note that a prediction waits (1) or waits no longer (−1), where that matters: with `on_expiry`.
    pub(super) fn waits(&mut self, row: &PendingRow, scores: &[(ClassId, f64)], sign: i64) {
        let Some(on_expiry) = self.registry.settings_of(row.series).on_expiry.clone() else { return };
        let truth = match self.registry.on_expiry_number(row.series) {
            Some(number) => LabelTruth::Number(number),
            None => LabelTruth::Text(self.texts.intern(&on_expiry)),
        };
        if let Some(outcome) = outcome::outcome(&mut self.registry, &self.texts, row, scores, truth) {
            self.observe(row.series, row.time, &Observation::Waiting { outcome, sign });
        }
    }

    /// Notes in the pending buffer what a label did to the row at `place`.
    fn settle(&mut self, place: RowRef, effect: Effect) {
        match effect {
            Effect::Matched(new) | Effect::Corrected { new, .. } => {
                self.pending.settle(place, new.time);
                if self.forgets_on_match(place) {
                    self.pending.remove(place);
                }
            }
            Effect::Retracted { .. } => self.pending.unsettle(place),
            Effect::None | Effect::Duplicate | Effect::Unreadable => {}
        }
    }

    /// Keeps a change of a label for the `labelled` topic, if that is asked for.
    pub(super) fn publish(
        &mut self,
        row: &PendingRow,
        scores: &[(ClassId, f64)],
        effect: Effect,
        request_id: &str,
        weight: Option<f64>,
    ) {
        let (truth, outcome) = match effect {
            Effect::Matched(new) => (new, "matched"),
            Effect::Corrected { new, .. } => (new, "corrected"),
            Effect::Retracted { old } => (old, "retracted"),
            Effect::None | Effect::Duplicate | Effect::Unreadable => return,
        };
        if row.kind == RowKind::Failed {
            return;
        }
        if let Some(labelled) = &mut self.labelled {
            let label = (truth.time, outcome::truth_text(&self.texts, truth.truth), weight);
            let id = request_id.to_owned();
            labelled.push(super::labelled::labelled_row(&self.registry, row, scores, id, Some(label), outcome));
        }
    }

    /// Remembers a label for as long as something may refer to it.
    fn remember(&mut self, label: LabelRow) {
        self.accounting.label(None, label.outcome);
        if !label.is_met() {
            self.unmet(&label, 1);
        } else if !self.remembers_matches {
            return;
        }
        self.labels.insert(label);
    }

    /// Counts a label that no prediction has met (1), or takes that back (−1): under the model that it names, or `""`, in
    /// the window of its own time.
    pub(super) fn unmet(&mut self, label: &LabelRow, by: i64) {
        if let Some(series) = self.series_of_label(label.model()) {
            self.count(series, label.time, Count::UnmetLabels, by);
        }
    }

    fn late_label(&mut self, batch: &LabelBatch, row: usize, model: Option<ModelId>) {
        let time = batch.time(row);
        self.accounting.late_labels += 1;
        if let Some(series) = self.series_of_label(model) {
            // Its own windows are final, so it shows in the window in which it came.
            let shown_at = self.time.newest(Role::Labels).unwrap_or(time);
            self.count(series, shown_at, Count::LateLabels, 1);
        }
        let detail = "no prediction is held that it could belong to".to_owned();
        self.reject(&batch.origin, batch.offset.value(row), time, Reason::Late, detail);
    }

    /// The series under which a label without a prediction counts; `None` if there is no room for model `""`.
    fn series_of_label(&mut self, model: Option<ModelId>) -> Option<crate::aggregate::SeriesId> {
        let model = model.map_or_else(|| self.registry.model_id(""), Ok).ok()?;
        Some(self.registry.without_prediction(model))
    }
}

/// A label's outcome as the accounting sees it.
pub(super) fn outcome_of(effect: Effect) -> LabelOutcome {
    match effect {
        Effect::None => LabelOutcome::Waiting,
        Effect::Unreadable => LabelOutcome::Rejected,
        Effect::Duplicate => LabelOutcome::Duplicate,
        Effect::Retracted { .. } => LabelOutcome::Retracted,
        Effect::Corrected { .. } => LabelOutcome::Corrected,
        Effect::Matched(_) => LabelOutcome::Used,
    }
}
