//! Drift: how far the rows of a window have moved from a reference, and whether that is more than chance.
//!
//! ```text
//!  values ─► bins ─► counts of two samples ─► methods ─► statistics ─► decision
//!                                        └─► chance, p-values ────────┘
//! ```
//!
//! * [`crate::event::bins`]: fixed by the reference; a row is looked up once.
//! * [`TwoSamples`], [`OrderedSamples`]: counts per bin of reference and current window.
//! * [`methods`]: the statistics, one per file; [`Method`] names those that decide.
//! * [`distribution`], [`kolmogorov`], [`homogeneity`], [`most_frequent`]: p-values. [`chance`], [`wasserstein_chance`]:
//!   what a statistic reaches by chance alone.
//! * [`decision`]: large enough to matter, more than chance, and not one of many tests ([`false_discovery`]).
//! * [`read_out()`]: all of these for the features of a window, as metric values.
//! * [`detectors`]: concept drift, from a stream of errors in a defined order.
//! * [`profile`]: how a reference profile is made. [`profile_of()`]: one of earlier windows, on the bins of another,
//!   or on bins that suit any values where there is none.
//!
//! Everything but the detectors is a function of counts, in the order of the bins: equal counts give equal bits.

pub mod chance;
mod contribution;
pub mod decision;
#[cfg(test)]
mod decision_tests;
pub mod detectors;
pub mod distribution;
#[cfg(test)]
pub(crate) mod draw;
pub mod false_discovery;
pub mod homogeneity;
pub mod kolmogorov;
mod method;
pub mod methods;
pub mod most_frequent;
mod moving;
mod ordered;
pub mod profile;
mod read_out;
mod samples;
#[cfg(test)]
mod unfitted_tests;
pub mod wasserstein_chance;

pub use method::Method;
pub use moving::profile_of;
pub use ordered::OrderedSamples;
pub use read_out::{read_out, read_out_labels, read_out_moved, read_out_nothing};
pub use samples::TwoSamples;
