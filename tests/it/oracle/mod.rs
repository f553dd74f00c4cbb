//! Postdict against independent tools: its metrics of published prediction streams, and theirs of the same rows.
//!
//! `shipped` uses the small oracle that comes with the package and never skips; the others use the large one. A test says
//! how many values it compared, and fails if they are fewer than there are.

mod alerts_found;
mod columns;
pub mod compare;
mod concept_drift;
mod contributions;
mod detectors;
mod drift;
mod drift_found;
mod drift_moving;
mod drift_unprofiled;
mod drift_windows;
mod estimated;
mod expectations;
mod fairness;
pub mod fold;
mod lateness;
pub mod performance;
mod published;
mod run;
pub mod sets;
mod shipped;
mod table;
