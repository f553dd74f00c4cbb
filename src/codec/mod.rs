//! Bytes ⇄ columns.

pub mod mapping;

pub use mapping::{FieldPath, Format, LabelFields, PredictionFields};
