//! Avro records: `arrow-avro` decodes batches of bytes into columns, and the mapped paths are picked out of these.
//!
//! `confluent` and `plain` hand the bytes of each record to a `datum` decoder of its writer schema; `project`
//! tells that decoder which fields nobody needs; `extract` reads the mapped values of a row; `unmapped` names the features
//! that no column takes; [`container`] takes files apart into blocks of records.

pub mod container;

pub(crate) mod confluent;
pub(crate) mod plain;

mod datum;
mod extract;
mod project;
mod unmapped;
