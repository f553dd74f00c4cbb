//! Segment values that stand for something else than a value of the column.

/// Value of a row that has none.
pub const MISSING: &str = "__missing__";

/// What a cap folded: segment values, versions and classes over their maxima.
pub const OTHER: &str = "__other__";
