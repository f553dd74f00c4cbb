//! Confluent framing: a zero byte, the writer schema's id (4 bytes, big-endian), then one record.

use super::super::error::CodecError;
use super::super::layout::Paths;
use super::super::message::{Fault, Message};
use super::super::payload::{Sink, null_value};
use super::super::trie::Trie;
use super::datum::{Datum, DatumDecoder, Staged};
use super::extract;
use crate::event::Reason;
use std::collections::BTreeMap;

/// Reads framed records, whatever schemas they mix.
#[derive(Debug)]
pub(crate) struct ConfluentReader {
    decoders: BTreeMap<i32, DatumDecoder>,
    paths: Vec<Vec<String>>,
}

impl ConfluentReader {
    pub(crate) fn try_new(
        schemas: &BTreeMap<i32, String>,
        Paths { paths, watched, .. }: Paths,
    ) -> Result<Self, CodecError> {
        let trie = Trie::new(&paths).watching(watched);
        let decoder = |(&id, schema): (&i32, &String)| Ok((id, DatumDecoder::try_new(schema, Some(id), &trie)?));
        Ok(ConfluentReader { decoders: schemas.iter().map(decoder).collect::<Result<_, _>>()?, paths })
    }

    pub(crate) fn read(&mut self, messages: &[Message<'_>], sink: &mut impl Sink) {
        let mut staged = Staged::new(messages.len());
        // Schemas may alternate record by record, so each gets its own columns; the order of the messages comes back
        // when the rows are picked up.
        let mut by_schema: BTreeMap<i32, Vec<Datum<'_>>> = BTreeMap::new();
        for (index, message) in messages.iter().enumerate() {
            match message.value.ok_or_else(null_value).and_then(unframe) {
                Ok((id, datum)) => by_schema.entry(id).or_default().push((index, datum)),
                Err(fault) => staged.fault(index, None, fault),
            }
        }
        for (id, datums) in by_schema {
            match self.decoders.get_mut(&id) {
                Some(decoder) => decoder.decode(&datums, &mut staged),
                None => datums.iter().for_each(|(index, _)| {
                    let fault = Fault::new(Reason::UnknownSchema, format!("schema {id} is not known"));
                    staged.fault(*index, Some(id), fault);
                }),
            }
        }
        extract::emit(&staged, &self.paths, messages, sink);
    }
}

/// Takes the frame off.
fn unframe(bytes: &[u8]) -> Result<(i32, &[u8]), Fault> {
    match bytes {
        [0, a, b, c, d, datum @ ..] => Ok((i32::from_be_bytes([*a, *b, *c, *d]), datum)),
        [0, ..] | [] => Err(Fault::new(Reason::BadFraming, format!("{} bytes, a frame has 5", bytes.len()))),
        [magic, ..] => Err(Fault::new(Reason::BadFraming, format!("the first byte is {magic:#04x}, not 0"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_a_zero_and_an_id() {
        assert_eq!(unframe(&[0, 0, 0, 1, 2, 9, 8]), Ok((258, &[9, 8][..])));
        for bad in [&[][..], &[0, 0, 0, 1], &[1, 0, 0, 0, 1, 9]] {
            assert_eq!(unframe(bad).map_err(|fault| fault.reason), Err(Reason::BadFraming));
        }
    }
}
