//! Records of the labels topic → [`LabelBatch`].

use super::columns::TextColumnBuilder;
use super::decoder::Rows;
use super::layout::LabelLayout;
use super::message::{Fault, Message};
use super::scalar::Record;
use super::validate::{self, TextValue};
use crate::event::{LabelBatch, Origin, Reason};
use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};

/// The rows of a batch that is being decoded.
///
/// A record with several faults is rejected for the first in this order: `request_id`, `timestamp`, `label`,
/// `deleted`, `weight`, `model_id`, and last that it has neither a label nor `deleted`.
#[derive(Debug)]
pub(super) struct LabelRows {
    layout: LabelLayout,
    offset: Int64Builder,
    request_id: StringBuilder,
    time: Int64Builder,
    number: Float64Builder,
    text: TextColumnBuilder,
    deleted: BooleanBuilder,
    model_id: TextColumnBuilder,
    weight: Float64Builder,
    /// Texts that must be written before they are stored.
    buffer: String,
}

impl LabelRows {
    pub(super) fn new(layout: LabelLayout) -> Self {
        LabelRows {
            layout,
            offset: Int64Builder::new(),
            request_id: StringBuilder::new(),
            time: Int64Builder::new(),
            number: Float64Builder::new(),
            text: TextColumnBuilder::new(),
            deleted: BooleanBuilder::new(),
            model_id: TextColumnBuilder::new(),
            weight: Float64Builder::new(),
            buffer: String::new(),
        }
    }
}

impl Rows for LabelRows {
    type Batch = LabelBatch;

    fn reserve(&mut self, rows: usize) {
        self.text.reserve(rows);
        self.model_id.reserve(rows);
    }

    fn push(&mut self, message: &Message<'_>, record: &impl Record) -> Result<(), Fault> {
        let layout = &self.layout;
        let request_id = validate::request_id(layout.request_id.read(message, record))?;
        let time = validate::event_time(layout.timestamp.read(message, record), message.timestamp)?;
        let label = validate::label(layout.label.read(message, record))?;
        let deleted = validate::flag("deleted", layout.deleted.read(message, record))?;
        let weight = validate::number("weight", layout.weight.read(message, record))?;
        let model_id = validate::name("model_id", layout.model_id.read(message, record))?;
        if label.is_none() && !deleted {
            return Err(Fault::new(Reason::MissingValue, "label: absent or null, and the record is not deleted"));
        }

        let buffer = &mut self.buffer;
        self.offset.append_value(message.offset);
        self.request_id.append_value(request_id.text(buffer));
        self.time.append_value(time);
        let (number, text) = match label {
            Some(TextValue::Number(number)) => (Some(number), None),
            other => (None, other),
        };
        self.number.append_option(number);
        self.text.push(text.as_ref().map(|text| text.text(buffer)));
        self.deleted.append_value(deleted);
        self.model_id.push(model_id.as_ref().map(|name| name.text(buffer)));
        self.weight.append_option(weight);
        Ok(())
    }

    fn finish(&mut self, origin: &Origin) -> LabelBatch {
        LabelBatch {
            origin: origin.clone(),
            offset: self.offset.finish(),
            request_id: self.request_id.finish(),
            time: self.time.finish(),
            number: self.number.finish(),
            text: self.text.finish(),
            deleted: self.deleted.finish(),
            model_id: self.model_id.finish(),
            weight: self.weight.finish(),
        }
    }
}
