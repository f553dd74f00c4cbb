//! The two tasks: values in, values out. `run`, `replay`, tests and simulations drive the same ones.

mod assess;
mod join;

pub use assess::{AssessOutput, AssessTask};
pub use join::{JoinInput, JoinOutput, JoinTask};
