//! (being written)
/// Counts per score bin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreBins {}
