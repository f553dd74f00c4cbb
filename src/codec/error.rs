//! What makes a decoder impossible to build: a fault of the configuration, never of a record.

/// Why a decoder could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// A writer schema is not JSON, not Avro, or not a record.
    #[error("{which} cannot be used: {problem}")]
    Schema {
        /// `schema 12`, or `the writer schema`.
        which: String,
        /// What is wrong with it.
        problem: String,
    },
}
