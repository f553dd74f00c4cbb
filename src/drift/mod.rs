//! Drift: has the world of a model changed, and when?

pub mod detectors;
