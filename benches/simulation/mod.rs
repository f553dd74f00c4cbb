//! Made-up columns of known distributions, their reference profiles and windows, and what each rule says about them.
//!
//! * [`random`]: draws from a fixed sequence: uniform, gamma, binomial, multinomial.
//! * [`law`]: the distributions, and how they change.
//! * [`reference`]: a reference and its profile: made of rows by the library's builder, or drawn as counts.
//! * [`window`]: a window of the same column in the same bins: rows one by one, or drawn as counts.
//! * [`verdict`]: what each of our methods has to say, and the peers' rules on the same rows.
//! * [`peers`]: these rules.
//! * [`tally`]: shares of windows with their intervals.

pub mod law;
pub mod peers;
pub mod random;
pub mod reference;
pub mod tally;
pub mod verdict;
pub mod window;
