//! The `postdict` program.

fn main() {}
