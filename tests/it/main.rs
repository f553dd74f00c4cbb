//! Everything that is tested through the package's own files and public interface, in one binary so that it links once.
//!
//! `tidy`, `schemas` and `shipped` watch over the source tree; `shared` finds the large oracle where it is checked out.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read files and stop at the first surprise"
)]

mod command_line;
mod schemas;
mod shared;
mod shipped;
mod tidy;
