//! (being written)
/// Exact sum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactSum {}
/// Exact quotient.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rational {}
