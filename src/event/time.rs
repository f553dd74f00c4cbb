//! Event time: milliseconds since 1970-01-01T00:00:00Z.

/// Milliseconds since the epoch, or a length of time in milliseconds.
pub type Millis = i64;

/// First instant that is not a plausible event time: 2100-01-01T00:00:00Z. Times outside `0..MAX_TIME_MS` are absurd
/// and make their record a dead letter, because one of them would carry the watermark past everything that waits.
pub const MAX_TIME_MS: Millis = 4_102_444_800_000;

/// True if `time` can be an event time.
pub fn is_plausible(time: Millis) -> bool {
    (0..MAX_TIME_MS).contains(&time)
}
