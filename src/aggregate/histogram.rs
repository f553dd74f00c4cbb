//! (being written)
/// Signed logarithmic histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {}
