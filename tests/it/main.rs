//! Everything that is tested through the package's own files and public interface, in one binary so that it links once.
//!
//! `backtest`, `command_line` and `demo` run the program; `changelogs` keeps the logs of the service readable; `deploy` reads what puts it into containers; `healthy_streams` has the built-in rules of alerts on simulated streams; `kafka` runs the service on a real broker; `model` holds the tasks against a naive model of the contract; `oracle`
//! compares what is published with what independent tools computed; `profiles` makes reference profiles; `strange_features` feeds what nobody wants to meet; `schemas`, `shipped` and `tidy` watch over the source
//! tree; `shared` finds the large oracle where it is checked out; `unfitted` has bins computed naively.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read files and stop at the first surprise"
)]

mod backtest;
#[cfg(feature = "kafka")]
mod changelogs;
mod closed_windows;
mod command_line;
mod demo;
mod deploy;
mod healthy_streams;
#[cfg(feature = "kafka")]
mod kafka;
mod model;
mod oracle;
mod profiles;
mod schemas;
mod shared;
mod shipped;
#[cfg(feature = "kafka")]
mod stages;
#[cfg(feature = "kafka")]
mod stages_compared;
#[cfg(feature = "kafka")]
mod stages_profiles;
mod strange_features;
mod tidy;
mod unfitted;
