//! Predictions in: each gets its series, meets the labels that came before it, and waits for those to come.

use super::accounting::LabelOutcome;
use super::features::{KnownBins, Output};
use super::label::outcome_of;
use super::labels::LabelRow;
use super::pending::{Payload, PayloadAt, PendingRow, RowKind, Settled};
use super::request::RequestKey;
use super::rules::{self, Effect};
use super::series::{ModelId, SeriesRegistry, TooManyModels};
use super::{Join, forgettable};
use crate::aggregate::{ClassId, Count, Observation, SeriesId};
use crate::event::label::binary_class;
use crate::event::prediction::{TextColumn, text};
use crate::event::{Millis, ModelSettings, PredictionBatch, Reason, Role, TaskKind};
use arrow_array::{Array, Float64Array, StructArray};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// A model of a batch, or that there is no room for it.
type KnownModel = Result<(ModelId, Arc<ModelSettings>), TooManyModels>;

/// A batch of predictions and what the join has looked up for it: names are resolved once per batch, not per row.
#[derive(Debug)]
pub struct PredictionReader {
    batch: PredictionBatch,
    known_bins: KnownBins,
    models: Vec<Option<KnownModel>>,
    series: SeriesCodes,
    /// Likewise where numbers in bins are part of it: the codes of the columns, then those of the bins.
    binned_series: HashMap<SmallVec<[u32; 12]>, SeriesId>,
}

/// The series of each combination of codes of a batch's columns: model, version, segments.
#[derive(Debug)]
enum SeriesCodes {
    /// There are few possible combinations: by their number.
    Dense(Vec<Option<SeriesId>>),
    Sparse(HashMap<SmallVec<[u32; 6]>, SeriesId>),
}

impl PredictionReader {
    /// A reader of `batch` for one join.
    pub fn new(batch: PredictionBatch) -> Self {
        let possible = columns(&batch).map(|column| column.values().len() + 1).try_fold(1, usize::checked_mul);
        PredictionReader {
            models: vec![None; batch.model_id.values().len()],
            series: match possible.filter(|possible| *possible <= 256.max(batch.len())) {
                Some(possible) => SeriesCodes::Dense(vec![None; possible]),
                None => SeriesCodes::Sparse(HashMap::new()),
            },
            binned_series: HashMap::new(),
            known_bins: KnownBins::default(),
            batch,
        }
    }

    /// The batch.
    pub fn batch(&self) -> &PredictionBatch {
        &self.batch
    }

    fn model(&mut self, registry: &mut SeriesRegistry, row: usize) -> Result<ModelId, TooManyModels> {
        let code = self.batch.model_id.key(row).unwrap_or(0);
        let batch = &self.batch;
        let known = self.models[code].get_or_insert_with(|| {
            let id = registry.model_id(text(&batch.model_id, row).unwrap_or_default())?;
            Ok((id, Arc::clone(&registry.model(id).settings)))
        });
        known.as_ref().map(|(id, _)| *id).map_err(|error| *error)
    }

    /// The settings of a row's model, which was looked up.
    fn settings(&self, row: usize) -> &ModelSettings {
        let known = &self.models[self.batch.model_id.key(row).unwrap_or(0)];
        let known = known.as_ref().and_then(|known| known.as_ref().ok());
        &known.expect("a model is looked up before its settings").1
    }

    fn series(&mut self, registry: &mut SeriesRegistry, model: ModelId, row: usize) -> SeriesId {
        let batch = &self.batch;
        let bins = &registry.model(model).bins;
        if !bins.is_empty() {
            let mut key: SmallVec<[u32; 12]> = codes(batch, row).collect();
            let columns = key.len();
            key.extend(bins.codes(batch, row));
            if let Some(known) = self.binned_series.get(&key) {
                return *known;
            }
            let series = look_up(registry, model, batch, row, &key[columns..]);
            self.binned_series.insert(key, series);
            return series;
        }
        let look_up = || look_up(registry, model, batch, row, &[]);
        match &mut self.series {
            SeriesCodes::Dense(known) => {
                let number = columns(batch).fold(0, |number, column| {
                    number * (column.values().len() + 1) + column.key(row).map_or(0, |code| code + 1)
                });
                *known[number].get_or_insert_with(look_up)
            }
            SeriesCodes::Sparse(known) => *known.entry(codes(batch, row).collect()).or_insert_with(look_up),
        }
    }
}

/// The series of a row whose numbers lie in these bins, by its names.
fn look_up(
    registry: &mut SeriesRegistry,
    model: ModelId,
    batch: &PredictionBatch,
    row: usize,
    bins: &[u32],
) -> SeriesId {
    let version = text(&batch.model_version, row).unwrap_or_default();
    let column = |column| batch.segments.get(column).and_then(|column| text(column, row));
    registry.of_prediction(model, version, column, bins)
}

/// The codes of a row in the columns whose values make the series.
fn codes(batch: &PredictionBatch, row: usize) -> impl Iterator<Item = u32> {
    columns(batch).map(move |column| column.key(row).map_or(u32::MAX, |code| code as u32))
}

/// The columns whose values make the series.
fn columns(batch: &PredictionBatch) -> impl Iterator<Item = &TextColumn> {
    [&batch.model_id, &batch.model_version].into_iter().chain(&batch.segments)
}

impl Join {
    /// Takes in the predictions of `rows`.
    pub fn predictions(&mut self, reader: &mut PredictionReader, rows: Range<usize>) {
        for row in rows {
            self.prediction(reader, row);
        }
    }

    fn prediction(&mut self, reader: &mut PredictionReader, row: usize) {
        self.accounting.prediction_records += 1;
        let model = match reader.model(&mut self.registry, row) {
            Ok(model) => model,
            Err(error) => {
                self.accounting.rejected_predictions += 1;
                let batch = &reader.batch;
                let (offset, time) = (batch.offset.value(row), batch.time(row));
                return self.reject(&batch.origin, offset, time, Reason::TooManyModels, error.detail());
            }
        };
        let series = reader.series(&mut self.registry, model, row);
        let (batch, settings) = (&reader.batch, reader.settings(row));
        let time = batch.time(row);
        if let Err((reason, detail)) = self.admit(settings, batch, row) {
            if reason == Reason::Late {
                self.accounting.late_predictions += 1;
                // Its own windows are final, so it shows in the window in which it came.
                let shown_at = self.time.newest(Role::Predictions).unwrap_or(time);
                self.count(series, shown_at, Count::LatePredictions, 1);
            } else {
                self.accounting.rejected_predictions += 1;
                self.count(series, time, Count::DeadLetters, 1);
            }
            return self.reject(&batch.origin, batch.offset.value(row), time, reason, detail);
        }
        self.time.advance(Role::Predictions, time);

        let mut scores = std::mem::take(&mut self.scratch.scores);
        let waiting = self.waiting_row(settings, model, series, batch, row, &mut scores);
        if self.is_duplicate(&waiting) {
            self.accounting.duplicate_predictions += 1;
            self.count(series, time, Count::DuplicatePredictions, 1);
        } else {
            if waiting.kind != RowKind::Failed {
                self.observe_features(&waiting, &scores, reader, row);
            }
            self.accept(waiting, &scores, &reader.batch, row, reader.settings(row));
        }
        self.scratch.scores = scores;
    }

    /// Says why a prediction cannot be taken, if so.
    fn admit(&self, settings: &ModelSettings, batch: &PredictionBatch, row: usize) -> Result<(), (Reason, String)> {
        let time = batch.time(row);
        let is_final = |watermark| last_window_end(settings, time) + settings.revise_for_ms <= watermark;
        if self.watermark(settings).is_some_and(is_final) {
            return Err((Reason::Late, "all windows of its time are final".to_owned()));
        }
        if let Some(ahead) =
            self.too_far_ahead(Role::Predictions, time, settings.allowed_lateness_ms, settings.max_ahead_ms)
        {
            return Err((Reason::TooFarAhead, ahead));
        }
        let fits = match settings.task {
            _ if batch.failed.value(row) => true,
            None => true,
            Some(TaskKind::Binary) => batch.score.is_valid(row) || batch.predicted_label.is_valid(row),
            Some(TaskKind::Multiclass) => has_scores(batch, row) || batch.predicted_label.is_valid(row),
            Some(TaskKind::Regression) => batch.predicted_value.is_valid(row),
        };
        let task = settings.task.map_or("", TaskKind::name);
        if fits { Ok(()) } else { Err((Reason::WrongTask, format!("has no output of a {task} model"))) }
    }

    /// The row that waits for the prediction's label; class scores go to `scores`.
    fn waiting_row(
        &mut self,
        settings: &ModelSettings,
        model: ModelId,
        series: SeriesId,
        batch: &PredictionBatch,
        row: usize,
        scores: &mut Vec<(ClassId, f64)>,
    ) -> PendingRow {
        scores.clear();
        let label = text(&batch.predicted_label, row);
        let kind = row_kind(settings, batch, row);
        let (output, class) = match kind {
            RowKind::Failed => (f64::NAN, 0),
            RowKind::Regression => (batch.predicted_value.value(row), 0),
            RowKind::Binary => {
                let score = if batch.score.is_valid(row) { batch.score.value(row) } else { f64::NAN };
                let positive = match label {
                    Some(label) => binary_class(label) == settings.positive_label,
                    None => score >= settings.threshold,
                };
                (score, u16::from(positive))
            }
            RowKind::Multiclass => {
                let classes = &mut self.registry.model_mut(model).classes;
                let best = read_scores(batch, row, scores, |name| classes.intern(name));
                (f64::NAN, label.or(best).map_or(0, |name| classes.intern(name).0))
            }
        };
        PendingRow {
            key: RequestKey::of(batch.request_id.value(row)),
            time: batch.time(row),
            output,
            series,
            payload: PayloadAt::NONE,
            settled: Settled::WAITING,
            class,
            kind,
        }
    }

    /// True if the same model and version has a prediction for the request id already, at most its model's horizons apart
    /// in time, and not beyond the correction of its label. What is held longer by chance, because another model needs it
    /// or nothing asked for its space yet, is no duplicate, as it would not be elsewhere.
    fn is_duplicate(&mut self, row: &PendingRow) -> bool {
        let mut places = std::mem::take(&mut self.scratch.rows);
        places.clear();
        let series = self.registry.series(row.series);
        let settings = &self.registry.model(series.model).settings;
        let remembered_ms = settings.label_horizon_ms + settings.correction_horizon_ms;
        let times = row.time - remembered_ms..=row.time + remembered_ms;
        self.pending.find(row.key, times.clone(), &mut places);
        let found = places.iter().any(|place| {
            let other = self.pending.get(*place);
            let other_series = self.registry.series(other.series);
            times.contains(&other.time)
                && !other.is_beyond_correction(row.time, settings.correction_horizon_ms)
                && (other.kind == RowKind::Failed) == (row.kind == RowKind::Failed)
                && other_series.model == series.model
                && other_series.version == series.version
        });
        self.scratch.rows = places;
        found
    }

    fn accept(
        &mut self,
        mut waiting: PendingRow,
        scores: &[(ClassId, f64)],
        batch: &PredictionBatch,
        row: usize,
        settings: &ModelSettings,
    ) {
        let latency_ms = batch.latency_ms.is_valid(row).then(|| batch.latency_ms.value(row));
        if waiting.kind == RowKind::Failed {
            self.accounting.errors += 1;
            self.observe(waiting.series, waiting.time, &Observation::Failed { latency_ms });
        } else {
            self.accounting.predictions += 1;
            let task = match waiting.kind {
                RowKind::Multiclass => TaskKind::Multiclass,
                RowKind::Regression => TaskKind::Regression,
                RowKind::Binary | RowKind::Failed => TaskKind::Binary,
            };
            self.observe(waiting.series, waiting.time, &Observation::Predicted { task, latency_ms });
            self.waits(&waiting, scores, 1);
        }
        let request_id = batch.request_id.value(row);
        let is_matched = self.meet_labels(&mut waiting, scores, request_id);
        if is_matched && settings.correction_horizon_ms == 0 {
            return;
        }
        let kept_id = self.labelled.is_some().then_some(request_id);
        let registry = &self.registry;
        let watermark = self.time.reached().map_or(Millis::MIN / 2, |reached| reached - self.allowed_lateness_ms);
        let forget = |row: &PendingRow| forgettable(registry, row, watermark);
        self.pending.insert(waiting, Payload { scores, request_id: kept_id }, forget);
    }

    fn observe_features(
        &mut self,
        waiting: &PendingRow,
        scores: &[(ClassId, f64)],
        reader: &mut PredictionReader,
        row: usize,
    ) {
        let model_id = self.registry.series(waiting.series).model;
        let model = self.registry.model(model_id);
        if !model.features.is_in_force(waiting.time) {
            return;
        }
        let (features, pane_ms) = (Arc::clone(&model.features), model.settings.pane_ms);
        let by_segment = model.settings.drift.by_segment;
        let series = if by_segment { waiting.series } else { self.registry.of_features(waiting.series) };
        let pane = waiting.time - waiting.time.rem_euclid(pane_ms);
        let output = Output { row: waiting, scores, classes: &self.registry.model(model_id).classes };
        let PredictionReader { batch, known_bins, .. } = reader;
        features.observe(batch, known_bins, row, output, self.partials.features(series, pane));
    }

    /// Takes a new prediction through the labels that came before it; true if it has a label then.
    fn meet_labels(&mut self, row: &mut PendingRow, scores: &[(ClassId, f64)], request_id: &str) -> bool {
        let known = self.labels_of(row.key, self.reach.labels(row.time));
        let mut in_force = None;
        for label in &known {
            let effect = self.effect(row, in_force, label);
            if effect == Effect::None {
                continue;
            }
            self.apply(row, scores, effect, label);
            self.publish(row, scores, effect, request_id, label.weight());
            self.note_first_match(row, scores, effect, request_id);
            in_force = rules::after(in_force, effect);
            match in_force {
                Some(truth) => row.settle(truth.time),
                None => row.unsettle(),
            }
            self.met(label, effect);
        }
        self.scratch.labels = known;
        in_force.is_some()
    }

    /// Notes that a prediction met a label which was remembered.
    fn met(&mut self, label: &LabelRow, effect: Effect) {
        let outcome = outcome_of(effect);
        if outcome > label.outcome {
            self.accounting.label(Some(label.outcome), outcome);
        }
        if label.outcome == LabelOutcome::Waiting {
            self.unmet(label, -1);
        }
        // A prediction of another model that remembers its matches may still want it.
        if matches!(effect, Effect::Matched(_)) && !self.remembers_matches {
            self.labels.remove(label);
        } else {
            self.labels.set_outcome(label, outcome.max(label.outcome));
        }
    }
}

/// End of the last window that `time` lies in.
fn last_window_end(settings: &ModelSettings, time: Millis) -> Millis {
    let end = |window: &crate::event::WindowSpec| time - time.rem_euclid(window.advance_ms) + window.size_ms;
    settings.windows.iter().map(end).max().unwrap_or(time)
}

/// What kind of output a row has: the configured task, or what the record says.
fn row_kind(settings: &ModelSettings, batch: &PredictionBatch, row: usize) -> RowKind {
    match settings.task {
        _ if batch.failed.value(row) => RowKind::Failed,
        Some(TaskKind::Binary) => RowKind::Binary,
        Some(TaskKind::Multiclass) => RowKind::Multiclass,
        Some(TaskKind::Regression) => RowKind::Regression,
        None if has_scores(batch, row) => RowKind::Multiclass,
        None if batch.score.is_valid(row) => RowKind::Binary,
        None if batch.predicted_value.is_valid(row) => RowKind::Regression,
        None => RowKind::Multiclass,
    }
}

fn has_scores(batch: &PredictionBatch, row: usize) -> bool {
    batch.scores.as_ref().is_some_and(|scores| scores.is_valid(row) && scores.value_length(row) > 0)
}

/// Reads a row's class scores; returns the class of the greatest, of several the first by text.
fn read_scores<'b>(
    batch: &'b PredictionBatch,
    row: usize,
    scores: &mut Vec<(ClassId, f64)>,
    mut intern: impl FnMut(&str) -> ClassId,
) -> Option<&'b str> {
    let list = batch.scores.as_ref().filter(|_| has_scores(batch, row))?;
    let entries = list.values().as_any().downcast_ref::<StructArray>()?;
    let classes = entries.column(0).as_any().downcast_ref::<TextColumn>()?;
    let values = entries.column(1).as_any().downcast_ref::<Float64Array>()?;
    let first = usize::try_from(list.value_offsets()[row]).ok()?;
    let len = usize::try_from(list.value_length(row)).ok()?;
    let mut best: Option<(&str, f64)> = None;
    for entry in first..first + len {
        let (Some(name), score) = (text(classes, entry), values.value(entry)) else { continue };
        if best.is_none_or(|(best_name, best)| score > best || score == best && name < best_name) {
            best = Some((name, score));
        }
        let class = intern(name);
        // Several classes over the cap are one.
        match scores.iter_mut().find(|(known, _)| *known == class) {
            Some((_, sum)) => *sum += score,
            None => scores.push((class, score)),
        }
    }
    best.map(|(name, _)| name)
}
