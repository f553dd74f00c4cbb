//! Bytes of single records of one writer schema → Arrow columns, bad records set apart.

use super::super::error::CodecError;
use super::super::message::Fault;
use super::super::trie::Trie;
use super::project::{Projection, project};
use super::unmapped::Unmapped;
use crate::event::Reason;
use arrow_array::RecordBatch;
use arrow_avro::reader::{Decoder, DecoderMode, ReaderBuilder};
use arrow_avro::schema::{AvroSchema, SchemaStore};
use arrow_schema::ArrowError;
use std::sync::Arc;

/// Where a record of the input went.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// A row of one of the staged batches.
    Row { batch: usize, row: usize },
    /// Nowhere.
    Fault { fault: Fault, schema_id: Option<i32> },
}

/// Decoded records of a batch of messages, before their values are looked at.
#[derive(Debug)]
pub(super) struct Staged {
    /// Columns, each batch of one schema, and what of that schema no column takes.
    pub batches: Vec<(RecordBatch, Option<i32>, Arc<Unmapped>)>,
    /// By message: where it went.
    pub places: Vec<Place>,
}

impl Staged {
    /// Room for `count` messages, none of which has been placed.
    pub(super) fn new(count: usize) -> Self {
        let unplaced = Place::Fault { fault: Fault::new(Reason::Undecodable, ""), schema_id: None };
        Staged { batches: Vec::new(), places: vec![unplaced; count] }
    }

    pub(super) fn fault(&mut self, index: usize, schema_id: Option<i32>, fault: Fault) {
        self.places[index] = Place::Fault { fault, schema_id };
    }
}

/// A record to be decoded: its index among the messages, and its bytes.
pub(super) type Datum<'m> = (usize, &'m [u8]);

/// Decodes records of one writer schema.
#[derive(Debug)]
pub(super) struct DatumDecoder {
    projection: Projection,
    schema_id: Option<i32>,
    unmapped: Arc<Unmapped>,
    decoder: Decoder,
}

impl DatumDecoder {
    /// A decoder of the writer schema `schema` (JSON text) that skips what `trie` does not lead to.
    pub(super) fn try_new(schema: &str, schema_id: Option<i32>, trie: &Trie) -> Result<Self, CodecError> {
        let unusable = |problem| {
            let which = schema_id.map_or("the writer schema".to_owned(), |id| format!("schema {id}"));
            CodecError::Schema { which, problem }
        };
        let mut projection = project(schema, trie).map_err(unusable)?;
        let unmapped = Arc::new(Unmapped::of(schema, trie.watched()));
        let decoder = match build(&projection) {
            Ok(decoder) => decoder,
            // What cannot be projected may still be decoded whole.
            Err(_) => {
                projection.reader = None;
                build(&projection).map_err(|error| unusable(error.to_string()))?
            }
        };
        Ok(DatumDecoder { projection, schema_id, unmapped, decoder })
    }

    /// Decodes `records`, each of which must be exactly one datum.
    pub(super) fn decode(&mut self, records: &[Datum<'_>], staged: &mut Staged) {
        let mut start = 0;
        for (at, &(index, bytes)) in records.iter().enumerate() {
            if let Err(problem) = self.feed(bytes) {
                self.undecodable(index, problem, staged);
                // The failed record left its first fields behind: what came before is decoded again without it.
                self.reset();
                self.decode_good(&records[start..at], staged);
                start = at + 1;
            }
        }
        self.flush(&records[start..], staged);
    }

    /// Finds the boundaries of up to `count` datums that follow one another in `bytes`. Returns those that are whole,
    /// and what is wrong with the rest.
    pub(super) fn split<'b>(&mut self, bytes: &'b [u8], count: usize) -> (Vec<&'b [u8]>, Option<String>) {
        let mut datums = Vec::with_capacity(count.min(bytes.len()));
        let mut rest = bytes;
        let mut problem = None;
        for _ in 0..count {
            match self.decoder.decode(rest) {
                Ok(length) => {
                    let (datum, after) = rest.split_at(length);
                    datums.push(datum);
                    rest = after;
                }
                Err(error) => {
                    problem = Some(error.to_string());
                    self.reset();
                    return (datums, problem);
                }
            }
        }
        if !rest.is_empty() {
            problem = Some(format!("{} bytes left over after the last record", rest.len()));
        }
        (datums, problem)
    }

    /// Stages the datums that [`Self::split`] has just found.
    pub(super) fn finish_split(&mut self, datums: &[&[u8]], staged: &mut Staged) {
        let records: Vec<Datum<'_>> = datums.iter().copied().enumerate().collect();
        if self.decoder.batch_is_empty() {
            self.decode(&records, staged);
        } else {
            self.flush(&records, staged);
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        match self.decoder.decode(bytes) {
            Ok(read) if read == bytes.len() => Ok(()),
            Ok(read) => Err(format!("{} bytes left over after the record", bytes.len() - read)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Decodes records, each of which is known to be one datum.
    fn decode_good(&mut self, records: &[Datum<'_>], staged: &mut Staged) {
        for (_, bytes) in records {
            self.feed(bytes).expect("a record that decoded once decodes again");
        }
        self.flush(records, staged);
    }

    /// Stages the columns of `records`, all of which have been fed.
    fn flush(&mut self, records: &[Datum<'_>], staged: &mut Staged) {
        match self.decoder.flush() {
            Ok(None) => {}
            Ok(Some(batch)) => {
                for (row, (index, _)) in records.iter().enumerate() {
                    staged.places[*index] = Place::Row { batch: staged.batches.len(), row };
                }
                staged.batches.push((batch, self.schema_id, Arc::clone(&self.unmapped)));
            }
            // Some faults show only when the columns are put together: text that is not UTF-8.
            Err(_) => self.isolate(records, staged),
        }
    }

    /// Decodes each of `records` alone to find the bad ones, then the good ones together.
    fn isolate(&mut self, records: &[Datum<'_>], staged: &mut Staged) {
        let mut good = Vec::with_capacity(records.len());
        self.reset();
        for &(index, bytes) in records {
            let alone = self.feed(bytes).and_then(|()| self.decoder.flush().map_err(|error| error.to_string()));
            match alone {
                Ok(_) => good.push((index, bytes)),
                Err(problem) => {
                    self.undecodable(index, problem, staged);
                    self.reset();
                }
            }
        }
        // Without a bad one the fault is in the whole (more text than a column can hold): halves are smaller.
        if good.len() == records.len() && good.len() > 1 {
            let (first, second) = good.split_at(good.len() / 2);
            self.decode_good(first, staged);
            self.decode_good(second, staged);
        } else if good.len() < records.len() {
            self.decode_good(&good, staged);
        }
    }

    fn undecodable(&self, index: usize, problem: String, staged: &mut Staged) {
        staged.fault(index, self.schema_id, Fault::new(Reason::Undecodable, problem));
    }

    /// Forgets everything that was fed.
    fn reset(&mut self) {
        self.decoder = build(&self.projection).expect("a decoder that was built once can be built again");
    }
}

fn build(projection: &Projection) -> Result<Decoder, ArrowError> {
    let mut store = SchemaStore::new();
    let fingerprint = store.register(AvroSchema::new(projection.writer.clone()))?;
    let mut builder = ReaderBuilder::new()
        .with_decoder_mode(DecoderMode::UnframedDatum)
        .with_batch_size(usize::MAX)
        .with_writer_schema_store(store)
        .with_active_fingerprint(fingerprint);
    if let Some(reader) = &projection.reader {
        builder = builder.with_reader_schema(AvroSchema::new(reader.clone()));
    }
    builder.build_decoder()
}
