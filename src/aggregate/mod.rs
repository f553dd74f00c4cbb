//! Accumulators: what is remembered of rows once they are folded. Everything is linear: it can be added, merged in any
//! order and subtracted again without a trace, because counts are integers and sums of real numbers are exact.

pub mod binary;
pub mod bins;
pub mod cell;
pub mod classes;
pub mod counts;
pub mod distinct;
pub mod exact;
pub mod expected;
pub mod features;
pub mod first_match;
pub mod histogram;
#[cfg(test)]
mod laws;
pub mod linear;
mod loss;
pub mod multiclass;
pub mod observation;
pub mod outputs;
pub mod partial;
mod probability;
pub mod quality;
pub mod rational;
pub mod regression;
mod round;
pub mod wire;

pub use binary::{BinaryAccumulator, BinaryConfusion, BinaryOutcome, CalibrationBin};
pub use bins::{SCORE_BINS, ScoreBins};
pub use cell::{Cell, Count, LabelDelay, Latency};
pub use classes::ClassNames;
pub use counts::SortedCounts;
pub use distinct::Distinct;
pub use exact::ExactSum;
pub use expected::{Expected, ExpectedClasses, ExpectedConfusion, ExpectedPositives};
pub use features::Features;
pub use first_match::FirstMatch;
pub use histogram::Histogram;
pub use linear::Linear;
pub use loss::loss;
pub use multiclass::{ClassId, MulticlassAccumulator, MulticlassOutcome, OneVsRest};
pub use observation::{LabelFact, Observation};
pub use outputs::{OutputSum, OutputSums};
pub use partial::{PartialBatch, PartialBuilder, SeriesId};
pub use quality::{Quality, QualityOutcome};
pub use rational::{Rational, ratio_to_f64};
pub use regression::{RegressionAccumulator, RegressionOutcome};
pub use wire::{Wire, WireError};
