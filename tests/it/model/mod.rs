//! The tasks held against a naive model of the contract, and against themselves under every order of their input.
//!
//! `world` makes settings and topics, `naive` and `statistics` say what should come out, `drive` runs the tasks.

mod against;
mod alerts;
mod announced;
mod cases;
mod closed;
mod contributions;
mod detection;
pub mod drive;
mod moved;
pub mod moving;
mod naive;
mod order;
mod published;
mod references;
mod segments;
mod statistics;
mod weather;
mod windows;
mod world;
