//! Bytes → columns: JSON and Avro records of any layout become the batches of [`crate::event`].
//!
//! ```text
//!  file ─► compression ─► lines (NDJSON) ──────┐
//!                     └─► avro::container ─────┤
//!  topic ────────────────────────► Message ────┴─► Decoder ─► batch + rejects
//!                                                   │
//!                     json: one pass over the bytes │ avro: arrow-avro, then paths out of its columns
//!                                                   └─► validate (one set of rules) ─► columns
//! ```
//!
//! Every format hands each record to the same rules as a set of scalars, so that a value means the same
//! whatever it was written in. Only mapped fields are decoded. A bad record becomes a
//! [`Reject`](crate::event::Reject); its neighbours never notice.
//!
//! A decoder is a value: one per thread, no locks, nothing shared. It opens no files and knows no clock.

pub mod avro;
pub mod cloud_event;
pub mod compression;
pub mod control;
pub mod decoder;
pub mod error;
pub mod heading;
pub mod lines;
pub mod mapping;
pub mod message;
pub mod profile_records;
pub mod reference;
pub mod rows;

mod columns;
mod json;
mod label;
mod layout;
mod payload;
mod prediction;
mod scalar;
mod trie;
mod unknown;
mod validate;

pub use avro::container::{Block, ContainerError, ContainerReader};
pub use decoder::{LabelDecoder, PredictionDecoder};
pub use error::CodecError;
pub use heading::{Heading, HeadingReader};
pub use lines::{LineChunk, LineReader};
pub use mapping::{FieldPath, Format, LabelFields, PredictionFields};
pub use message::{Decoded, DecodedBlock, Message};
pub use profile_records::{MAX_PROFILE_BYTES, ProfileRecord, ProfileRecords, profile_records};
pub use rows::{RowEncoder, RowFormat};

#[cfg(test)]
mod tests;
