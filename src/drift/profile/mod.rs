//! Making a reference profile: what is known of each column of its rows, what type that is, and where its bins lie.

mod all_predictions;
mod builder;
#[cfg(test)]
mod builder_tests;
mod column;
mod labels;
mod outputs;
mod sketch;

pub use all_predictions::AllPredictions;
pub use builder::{BuildError, MAX_CATEGORIES, Note, ProfileBuilder};
pub use column::ColumnType;
pub use labels::{LabelsBuilder, TooManyScores};
pub use outputs::OutputsBuilder;
