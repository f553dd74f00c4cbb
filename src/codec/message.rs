//! One record as it came, and what became of many.

use super::avro::container::ContainerError;
use crate::event::{Millis, Origin, Reason, Reject};

/// A record as the transport delivered it, before anything is known about its content.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Offset in the partition, or the record's number in the file (from 0). Strictly increasing within a batch.
    pub offset: i64,
    /// The broker's timestamp; `None` for files.
    pub timestamp: Option<Millis>,
    /// Message key; `None` for files and for null keys.
    pub key: Option<&'a [u8]>,
    /// Message value; `None` for a null value (a tombstone).
    pub value: Option<&'a [u8]>,
    /// Message headers in their order; a name may repeat.
    pub headers: &'a [(String, Option<Vec<u8>>)],
}

impl<'a> Message<'a> {
    /// A record of a file: a place and bytes, nothing else.
    pub fn of_file(number: i64, value: &'a [u8]) -> Self {
        Message { offset: number, timestamp: None, key: None, value: Some(value), headers: &[] }
    }

    /// This record as a reject, with everything that is needed to repair it and send it again.
    pub(crate) fn reject(&self, origin: &Origin, schema_id: Option<i32>, fault: Fault) -> Reject {
        Reject {
            origin: origin.clone(),
            offset: self.offset,
            timestamp: self.timestamp,
            reason: fault.reason,
            detail: bounded(fault.detail),
            schema_id,
            key: self.key.map(<[u8]>::to_vec),
            value: self.value.map(<[u8]>::to_vec),
            headers: self.headers.to_vec(),
        }
    }
}

/// A batch of records, each of which is a row of `batch` or one of `rejects`.
#[derive(Debug, Clone)]
pub struct Decoded<B> {
    /// The valid records, in their order.
    pub batch: B,
    /// The others, in their order.
    pub rejects: Vec<Reject>,
}

/// What a block of a container file became.
#[derive(Debug)]
pub struct DecodedBlock<B> {
    /// Everything up to the first record that cannot be told from its neighbours.
    pub decoded: Decoded<B>,
    /// Set where the block is corrupt: what follows in it is lost.
    pub corrupt: Option<ContainerError>,
}

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    /// The bounded reason.
    pub reason: Reason,
    /// The field and what was found in it.
    pub detail: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Fault { reason, detail: detail.into() }
    }
}

fn bounded(mut detail: String) -> String {
    if let Some((end, _)) = detail.char_indices().nth(Reject::MAX_DETAIL) {
        detail.truncate(end);
    }
    detail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        assert_eq!(bounded("é".repeat(500)).chars().count(), Reject::MAX_DETAIL);
        assert_eq!(bounded("short".to_owned()), "short");
    }
}
