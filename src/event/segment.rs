//! Segment values that stand for something else than a value of the column.

/// Value of a row that has none.
pub const MISSING: &str = "__missing__";

/// Longest name of a model, version, segment value or class, in bytes. Names are part of the state, of partials and of
/// rows, each of which must fit a record: one of a megabyte would stop the service for good.
pub const MAX_NAME_BYTES: usize = 512;

/// What a cap folded: segment values, versions and classes over their maxima, or longer than [`MAX_NAME_BYTES`].
pub const OTHER: &str = "__other__";
