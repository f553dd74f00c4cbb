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
use crate::event::{Origin, Reject};

/// Decodes records of one layout and format. One per thread: it keeps buffers between batches, but no state that any
/// result depends on.
#[derive(Debug)]
pub struct Decoder<R> {
    payload: Payload,
    rows: R,
}

/// Decodes predictions.
pub type PredictionDecoder = Decoder<PredictionRows>;

/// Decodes labels.
pub type LabelDecoder = Decoder<LabelRows>;

/// Builds the rows of one role. Implemented by the two roles and by nothing else.
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
    /// A decoder of `format`, mapped by `fields`, whose batches have these `segment_columns`
    /// (see [`crate::event::Settings::segment_columns`]).
    ///
    /// Errors if a writer schema cannot be used.
    pub fn try_new(format: &Format, fields: &PredictionFields, segment_columns: &[String]) -> Result<Self, CodecError> {
        let (layout, paths) = PredictionLayout::new(fields, segment_columns);
        Ok(Decoder { payload: Payload::try_new(format, paths)?, rows: PredictionRows::new(layout) })
    }
}

impl LabelDecoder {
    /// A decoder of `format`, mapped by `fields`. Errors if a writer schema cannot be used.
    pub fn try_new(format: &Format, fields: &LabelFields) -> Result<Self, CodecError> {
        let (layout, paths) = LabelLayout::new(fields);
        Ok(Decoder { payload: Payload::try_new(format, paths)?, rows: LabelRows::new(layout) })
    }
}

#[expect(private_bounds, reason = "the roles are closed: nobody else implements them")]
impl<R: Rows> Decoder<R> {
    /// Decodes `messages`, whose offsets are strictly increasing. Each becomes a row or a reject.
    pub fn decode(&mut self, origin: &Origin, messages: &[Message<'_>]) -> Decoded<R::Batch> {
        self.rows.reserve(messages.len());
        let mut collector = Collector { origin, rows: &mut self.rows, rejects: Vec::new() };
        self.payload.read(messages, &mut collector);
        let rejects = collector.rejects;
        Decoded { batch: self.rows.finish(origin), rejects }
    }

    /// Decodes a block of a container file. The decoder's format must be [`Format::AvroPlain`] with the file's schema;
    /// a reject's raw bytes are the Avro datum, without framing.
    ///
    /// # Panics
    /// If the decoder is of another format.
    pub fn decode_block(&mut self, origin: &Origin, block: &Block) -> DecodedBlock<R::Batch> {
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
