//! One waiting prediction: 48 bytes, everything included but class scores.

use crate::event::Millis;
use crate::join::request::RequestKey;
use crate::join::series::SeriesId;

/// What kind of output a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RowKind {
    /// `output` is the score or NaN, `class` 1 where the positive class was predicted.
    Binary,
    /// `class` is the predicted class, scores are in the payload.
    Multiclass,
    /// `output` is the predicted value.
    Regression,
    /// A failed request: its label is used and ignored.
    Failed,
}

/// Where a row's payload starts in its table's heap, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadAt(pub u32);

impl PayloadAt {
    /// The row has no payload.
    pub const NONE: PayloadAt = PayloadAt(u32::MAX);
}

/// A prediction that waits for its label, or has one that may still be corrected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PendingRow {
    /// Hash of the request id.
    pub key: RequestKey,
    /// Event time of the prediction.
    pub time: Millis,
    /// Score or value; see [`RowKind`].
    pub output: f64,
    /// Model, version and segment values.
    pub series: SeriesId,
    /// Class scores and request id, where they must be kept.
    pub payload: PayloadAt,
    /// 0 while the row waits; else its label's time in seconds, rounded up (reaches the year 2106), which says when the
    /// row may be forgotten. The exact time and the label itself are with the label.
    pub settled_s: u32,
    /// Predicted class; see [`RowKind`].
    pub class: u16,
    /// What the fields above mean.
    pub kind: RowKind,
    /// The row was removed and only takes space until the table is compacted.
    pub removed: bool,
}

impl PendingRow {
    /// True while no label has come (or the last one was taken back).
    pub fn is_waiting(&self) -> bool {
        self.settled_s == 0
    }

    /// Marks the row as labelled at `label_time`.
    pub fn settle(&mut self, label_time: Millis) {
        self.settled_s = settled_s(label_time);
    }

    /// True if the row's label is of `label_time` (to the second).
    pub fn is_settled_at(&self, label_time: Millis) -> bool {
        self.settled_s == settled_s(label_time)
    }

    /// Makes the row wait again.
    pub fn unsettle(&mut self) {
        self.settled_s = 0;
    }

    /// True if `watermark` has passed the label's time by more than `correction_horizon_ms`, so that no label can refer to
    /// the row any more; and the row's own time, after which a repetition is likely.
    pub fn is_forgettable(&self, watermark: Millis, correction_horizon_ms: Millis) -> bool {
        let settled = self.time.max(i64::from(self.settled_s) * 1000);
        self.removed || (!self.is_waiting() && watermark > settled + correction_horizon_ms)
    }
}

/// Seconds since the epoch, rounded up, never 0.
fn settled_s(label_time: Millis) -> u32 {
    u32::try_from((label_time / 1000 + 1).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_48_bytes() {
        assert_eq!(size_of::<PendingRow>(), 48);
    }

    #[test]
    fn a_settled_row_is_kept_at_least_until_its_correction_horizon() {
        let mut row = PendingRow {
            key: RequestKey(1),
            time: 0,
            output: 0.5,
            series: SeriesId(0),
            payload: PayloadAt::NONE,
            settled_s: 0,
            class: 0,
            kind: RowKind::Binary,
            removed: false,
        };
        assert!(!row.is_forgettable(i64::MAX / 2, 0), "a waiting row is not forgotten, it expires");
        row.settle(1_999);
        assert!(!row.is_forgettable(1_999 + 500, 500));
        assert!(row.is_forgettable(1_999 + 1_000 + 501, 500));
        row.time = 5_000;
        assert!(!row.is_forgettable(5_500, 500), "a label that came early is no reason to forget a fresh prediction");
        assert!(row.is_forgettable(5_501, 500));
        row.unsettle();
        assert!(row.is_waiting());
    }
}
