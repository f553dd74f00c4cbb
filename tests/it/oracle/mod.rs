//! Postdict against independent tools: its metrics of published prediction streams, and theirs of the same rows.
//!
//! `shipped` uses the small oracle that comes with the package and never skips; the others use the large one. A test says
//! how many values it compared, and fails if they are fewer than there are.

mod columns;
mod compare;
mod fairness;
mod fold;
mod lateness;
mod performance;
mod published;
mod run;
mod sets;
mod shipped;
mod table;
