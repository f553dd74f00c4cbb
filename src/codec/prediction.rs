//! Records of the predictions topic → [`PredictionBatch`].

use super::columns::{FeatureColumnBuilder, ScoresBuilder, TextColumnBuilder};
use super::decoder::Rows;
use super::layout::{PredictionLayout, Source};
use super::message::{Fault, Message};
use super::scalar::{Record, Scalar};
use super::unknown::UnknownFeaturesBuilder;
use super::validate::{self, TextValue};
use crate::event::{Origin, PredictionBatch, Reason};
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};

/// The rows of a batch that is being decoded.
///
/// A record with several faults is rejected for the first in this order: `request_id`, `model_id`, `model_version`,
/// `timestamp`, `score`, `predicted_label`, `scores`, `predicted_value`, `latency_ms`, `error`, the segment columns by
/// their order, and last that it has no output at all.
#[derive(Debug)]
pub(super) struct PredictionRows {
    layout: PredictionLayout,
    offset: Int64Builder,
    request_id: StringBuilder,
    model_id: TextColumnBuilder,
    model_version: TextColumnBuilder,
    time: Int64Builder,
    score: Float64Builder,
    predicted_label: TextColumnBuilder,
    scores: ScoresBuilder,
    predicted_value: Float64Builder,
    latency_ms: Float64Builder,
    failed: BooleanBuilder,
    segments: Vec<TextColumnBuilder>,
    features: Vec<FeatureColumnBuilder>,
    unknown: UnknownFeaturesBuilder,
    /// Texts that must be written before they are stored.
    buffer: String,
}

impl PredictionRows {
    pub(super) fn new(layout: PredictionLayout) -> Self {
        PredictionRows {
            offset: Int64Builder::new(),
            request_id: StringBuilder::new(),
            model_id: TextColumnBuilder::new(),
            model_version: TextColumnBuilder::new(),
            time: Int64Builder::new(),
            score: Float64Builder::new(),
            predicted_label: TextColumnBuilder::new(),
            scores: ScoresBuilder::new(),
            predicted_value: Float64Builder::new(),
            latency_ms: Float64Builder::new(),
            failed: BooleanBuilder::new(),
            segments: layout.segments.iter().map(|_| TextColumnBuilder::new()).collect(),
            features: layout.features.iter().map(|_| FeatureColumnBuilder::new()).collect(),
            unknown: UnknownFeaturesBuilder::default(),
            buffer: String::new(),
            layout,
        }
    }
}

/// The valid values of one record, except the lists, which are read a second time when they are stored.
struct Row<'r> {
    request_id: TextValue<'r>,
    model_id: TextValue<'r>,
    model_version: TextValue<'r>,
    time: i64,
    score: Option<f64>,
    predicted_label: Option<TextValue<'r>>,
    predicted_value: Option<f64>,
    latency_ms: Option<f64>,
    failed: bool,
}

impl PredictionLayout {
    fn row<'r>(&'r self, message: &Message<'r>, record: &'r impl Record) -> Result<Row<'r>, Fault> {
        let request_id = validate::request_id(self.request_id.read(message, record))?;
        let model_id = validate::name("model_id", self.model_id.read(message, record))?
            .ok_or_else(|| Fault::new(Reason::MissingModelId, "model_id: absent, null or empty"))?;
        let model_version = validate::name("model_version", self.model_version.read(message, record))?;
        let time = validate::event_time(self.timestamp.read(message, record), message.timestamp)?;
        let score = validate::score("score", self.score.read(message, record))?;
        let predicted_label = validate::text("predicted_label", self.predicted_label.read(message, record))?;
        let has_scores = self.check_scores(message, record)?;
        let predicted_value = validate::number("predicted_value", self.predicted_value.read(message, record))?;
        let latency_ms = validate::duration("latency_ms", self.latency_ms.read(message, record))?;
        let failed = validate::failed(self.error.read(message, record))?;
        self.segments.iter().try_for_each(|(column, sources)| {
            sources.iter().try_for_each(|source| validate::text(column, source.read(message, record)).map(drop))
        })?;
        if !failed && score.is_none() && predicted_label.is_none() && !has_scores && predicted_value.is_none() {
            return Err(Fault::new(
                Reason::MissingValue,
                "none of score, predicted_label, scores and predicted_value is set",
            ));
        }
        let model_version = model_version.unwrap_or(TextValue::Text(""));
        Ok(Row {
            request_id,
            model_id,
            model_version,
            time,
            score,
            predicted_label,
            predicted_value,
            latency_ms,
            failed,
        })
    }

    /// Checks the class scores; true if there are any.
    fn check_scores<'r>(&'r self, message: &Message<'r>, record: &'r impl Record) -> Result<bool, Fault> {
        let Source::Slot(slot) = self.scores else {
            return match self.scores.read(message, record) {
                Scalar::Null => Ok(false),
                found => Err(validate::not_an_object("scores", found)),
            };
        };
        match record.scalar(slot) {
            Scalar::Null => Ok(false),
            Scalar::Object => {
                let mut any = false;
                record.members(slot, &mut |class, score| {
                    any |= validate::class_score(class, score)?.is_some();
                    Ok(())
                })?;
                Ok(any)
            }
            found => Err(validate::not_an_object("scores", found)),
        }
    }
}

impl Rows for PredictionRows {
    type Batch = PredictionBatch;

    fn reserve(&mut self, rows: usize) {
        let texts = [&mut self.model_id, &mut self.model_version, &mut self.predicted_label];
        texts.into_iter().chain(&mut self.segments).for_each(|column| column.reserve(rows));
        self.scores.reserve(rows);
        self.features.iter_mut().for_each(|column| column.reserve(rows));
    }

    fn push(&mut self, message: &Message<'_>, record: &impl Record) -> Result<(), Fault> {
        let row = self.layout.row(message, record)?;
        let buffer = &mut self.buffer;
        self.offset.append_value(message.offset);
        self.request_id.append_value(row.request_id.text(buffer));
        self.model_id.push(Some(row.model_id.text(buffer)));
        self.model_version.push(Some(row.model_version.text(buffer)));
        self.time.append_value(row.time);
        self.score.append_option(row.score);
        self.predicted_label.push(row.predicted_label.as_ref().map(|label| label.text(buffer)));
        // Here and for the segments: the checks have passed, so `?` is never taken in the middle of a row.
        if let Source::Slot(slot) = self.layout.scores {
            let scores = &mut self.scores;
            record.members(slot, &mut |class, score| {
                if let Some(score) = validate::class_score(class, score)? {
                    scores.add(class, score);
                }
                Ok(())
            })?;
        }
        self.scores.end_row();
        self.predicted_value.append_option(row.predicted_value);
        self.latency_ms.append_option(row.latency_ms);
        self.failed.append_value(row.failed);
        for (builder, (column, [first, second])) in self.segments.iter_mut().zip(&self.layout.segments) {
            let value = match validate::text(column, first.read(message, record))? {
                None => validate::text(column, second.read(message, record))?,
                found => found,
            };
            builder.push(value.as_ref().map(|value| value.text(buffer)));
        }
        for (builder, source) in self.features.iter_mut().zip(&self.layout.features) {
            builder.push(source.read(message, record));
        }
        let unknown = &mut self.unknown;
        record.noted(&mut |name| unknown.note(name));
        unknown.end_row();
        Ok(())
    }

    fn finish(&mut self, origin: &Origin) -> PredictionBatch {
        PredictionBatch {
            origin: origin.clone(),
            offset: self.offset.finish(),
            request_id: self.request_id.finish(),
            model_id: self.model_id.finish(),
            model_version: self.model_version.finish(),
            time: self.time.finish(),
            score: self.score.finish(),
            predicted_label: self.predicted_label.finish(),
            scores: self.scores.finish(),
            predicted_value: self.predicted_value.finish(),
            latency_ms: self.latency_ms.finish(),
            failed: self.failed.finish(),
            segments: self.segments.iter_mut().map(TextColumnBuilder::finish).collect(),
            features: self.features.iter_mut().map(FeatureColumnBuilder::finish).collect(),
            unknown: self.unknown.finish(),
        }
    }
}
