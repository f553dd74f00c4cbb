//! Making a reference profile: what is known of each column of its rows, what type that is, and where its bins lie.

mod builder;
#[cfg(test)]
mod builder_tests;
mod column;
mod labels;
mod sketch;

pub use builder::{BuildError, MAX_CATEGORIES, Note, ProfileBuilder};
pub use column::ColumnType;
pub use labels::{AllPredictions, LabelsBuilder, TooManyScores};
