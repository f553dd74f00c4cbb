//! Back-tests: what rules of alerts would have been worth on a history. Pure: what came out of a replay in, figures out.
//!
//! ```text
//!  sweep ─► variants of a rule ─► (replay) ─► rows of alerts ─► episodes ─┬─► tally ─┐
//!                                                        incidents ──────┴─► score ──┴─► report ─► gate
//! ```

mod episodes;
#[cfg(test)]
pub(crate) mod episodes_tests;
mod figure;
mod gate;
mod key;
mod report;
mod score;
mod sweep;
#[cfg(test)]
mod sweep_tests;
mod tally;

pub use episodes::{Episode, Episodes};
pub use figure::Figure;
pub use gate::{Gate, Judged};
pub use key::Kind;
pub use report::{Found, Report, RuleLine, SweepLine, SweepTable};
pub use score::Score;
pub use sweep::{Sweep, rule_ids};
pub use tally::{History, Tally};
