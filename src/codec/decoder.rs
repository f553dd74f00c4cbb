//! The decoders: messages in, a batch and rejects out.

use super::avro::container::Block;
use super::error::CodecError;
use super::label::LabelRows;
use super::layout::{LabelLayout, PredictionLayout};
use super::mapping::{Format, LabelFields, PredictionFields};
use super::message::{Decoded, DecodedBlock, Fault, Message};
use super::payload::{Payload, Sink};
use super::prediction::PredictionRows;
use super::scalar::Record;
use crate::event::{LabelBatch, Origin, PredictionBatch, PredictionColumns, Reject};

/// Decodes predictions of one layout and format. One per thread: it keeps buffers between batches, but no state that
/// any result depends on.
#[derive(Debug)]
pub struct PredictionDecoder(Decoder<PredictionRows>);

/// Decodes labels of one layout and format. One per thread, as [`PredictionDecoder`].
#[derive(Debug)]
pub struct LabelDecoder(Decoder<LabelRows>);

/// What the two have in common.
#[derive(Debug)]
struct Decoder<R> {
    payload: Payload,
    rows: R,
}

/// Builds the rows of one role.
pub(crate) trait Rows {
    type Batch;

    /// Says how many rows may follow.
    fn reserve(&mut self, rows: usize);

    /// Checks a record and appends it; a record with a fault leaves no trace.
    fn push(&mut self, message: &Message<'_>, record: &impl Record) -> Result<(), Fault>;

    /// The rows since the last call.
    fn finish(&mut self, origin: &Origin) -> Self::Batch;
}

impl PredictionDecoder {
    /// A decoder of `format`, mapped by `fields`, whose batches have these `columns` (see
    /// [`crate::event::Settings::columns`]).
    ///
    /// Errors if a writer schema cannot be used.
    pub fn try_new(
        format: &Format,
        fields: &PredictionFields,
        columns: &PredictionColumns,
    ) -> Result<Self, CodecError> {
        let (layout, paths) = PredictionLayout::new(fields, columns);
        let payload = Payload::try_new(format, paths)?;
        Ok(PredictionDecoder(Decoder { payload, rows: PredictionRows::new(layout) }))
    }

    /// Decodes `messages`, whose offsets are strictly increasing. Each becomes a row or a reject.
    pub fn decode(&mut self, origin: &Origin, messages: &[Message<'_>]) -> Decoded<PredictionBatch> {
        self.0.decode(origin, messages)
    }

    /// Decodes a block of a container file. The decoder's format must be [`Format::AvroPlain`] with the file's schema;
    /// a reject's raw bytes are the Avro datum, without framing.
    ///
    /// # Panics
    /// If the decoder is of another format.
    pub fn decode_block(&mut self, origin: &Origin, block: &Block) -> DecodedBlock<PredictionBatch> {
        self.0.decode_block(origin, block)
    }
}

impl LabelDecoder {
    /// A decoder of `format`, mapped by `fields`. Errors if a writer schema cannot be used.
    pub fn try_new(format: &Format, fields: &LabelFields) -> Result<Self, CodecError> {
        let (layout, paths) = LabelLayout::new(fields);
        let payload = Payload::try_new(format, paths)?;
        Ok(LabelDecoder(Decoder { payload, rows: LabelRows::new(layout) }))
    }

    /// Decodes `messages`, whose offsets are strictly increasing. Each becomes a row or a reject.
    pub fn decode(&mut self, origin: &Origin, messages: &[Message<'_>]) -> Decoded<LabelBatch> {
        self.0.decode(origin, messages)
    }

    /// Decodes a block of a container file; see [`PredictionDecoder::decode_block`].
    ///
    /// # Panics
    /// If the decoder's format is not [`Format::AvroPlain`].
    pub fn decode_block(&mut self, origin: &Origin, block: &Block) -> DecodedBlock<LabelBatch> {
        self.0.decode_block(origin, block)
    }
}

impl<R: Rows> Decoder<R> {
    fn decode(&mut self, origin: &Origin, messages: &[Message<'_>]) -> Decoded<R::Batch> {
        self.rows.reserve(messages.len());
        let mut collector = Collector { origin, rows: &mut self.rows, rejects: Vec::new() };
        self.payload.read(messages, &mut collector);
        let rejects = collector.rejects;
        Decoded { batch: self.rows.finish(origin), rejects }
    }

    fn decode_block(&mut self, origin: &Origin, block: &Block) -> DecodedBlock<R::Batch> {
        self.rows.reserve(block.record_count);
        let mut collector = Collector { origin, rows: &mut self.rows, rejects: Vec::new() };
        let corrupt = self.payload.read_block(block, &mut collector);
        let rejects = collector.rejects;
        DecodedBlock { decoded: Decoded { batch: self.rows.finish(origin), rejects }, corrupt }
    }
}

struct Collector<'a, R> {
    origin: &'a Origin,
    rows: &'a mut R,
    rejects: Vec<Reject>,
}

impl<R: Rows> Sink for Collector<'_, R> {
    #[inline]
    fn record(&mut self, message: &Message<'_>, schema_id: Option<i32>, record: &impl Record) {
        if let Err(fault) = self.rows.push(message, record) {
            self.fault(message, schema_id, fault);
        }
    }

    fn fault(&mut self, message: &Message<'_>, schema_id: Option<i32>, fault: Fault) {
        self.rejects.push(message.reject(self.origin, schema_id, fault));
    }
}
