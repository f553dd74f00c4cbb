//! Avro without framing: every message is one record of one configured writer schema.

use super::super::error::CodecError;
use super::super::layout::Paths;
use super::super::message::Message;
use super::super::payload::{Sink, null_value};
use super::super::scalar::NoValue;
use super::super::trie::Trie;
use super::container::{Block, ContainerError};
use super::datum::{DatumDecoder, Staged};
use super::extract;

/// Reads records of one writer schema.
#[derive(Debug)]
pub(crate) struct PlainReader {
    decoder: DatumDecoder,
    paths: Vec<Vec<String>>,
}

impl PlainReader {
    pub(crate) fn try_new(schema: &str, Paths { paths, watched, .. }: Paths) -> Result<Self, CodecError> {
        let trie = Trie::new(&paths).watching(watched);
        Ok(PlainReader { decoder: DatumDecoder::try_new(schema, None, &trie)?, paths })
    }

    pub(crate) fn read(&mut self, messages: &[Message<'_>], sink: &mut impl Sink) {
        if self.paths.is_empty() {
            return messages.iter().for_each(|message| sink.record(message, None, &NoValue));
        }
        let mut staged = Staged::new(messages.len());
        let mut datums = Vec::with_capacity(messages.len());
        for (index, message) in messages.iter().enumerate() {
            match message.value {
                Some(bytes) => datums.push((index, bytes)),
                None => staged.fault(index, None, null_value()),
            }
        }
        self.decoder.decode(&datums, &mut staged);
        extract::emit(&staged, &self.paths, messages, sink);
    }

    pub(crate) fn read_block(&mut self, block: &Block, sink: &mut impl Sink) -> Option<ContainerError> {
        let (datums, problem) = self.decoder.split(&block.bytes, block.record_count);
        let mut staged = Staged::new(datums.len());
        self.decoder.finish_split(&datums, &mut staged);
        let messages: Vec<Message<'_>> =
            (block.first_record..).zip(&datums).map(|(number, bytes)| Message::of_file(number, bytes)).collect();
        extract::emit(&staged, &self.paths, &messages, sink);
        problem.map(|problem| ContainerError::Corrupt {
            position: block.position,
            problem: format!("record {}: {problem}", block.first_record.saturating_add(datums.len() as i64)),
        })
    }
}
