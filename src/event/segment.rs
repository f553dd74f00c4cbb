//! Segment values that stand for something else than a value of the column.

/// Value of a row that has none.
pub const MISSING: &str = "__missing__";

/// Value in a segment set that did not exist yet when the record was read; such a segment is not published.
pub const UNRECORDED: &str = "__unrecorded__";

/// What a cap folded: segment values, versions and classes over their maxima.
pub const OTHER: &str = "__other__";
