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

impl RowKind {
    /// All kinds, by their number.
    pub const ALL: [RowKind; 4] = [RowKind::Binary, RowKind::Multiclass, RowKind::Regression, RowKind::Failed];
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
    /// Whether it has a label, and of what time. The label itself is with the labels.
    pub settled: Settled,
    /// Predicted class; see [`RowKind`].
    pub class: u16,
    /// What the fields above mean.
    pub kind: RowKind,
}

/// What has become of a row, in 40 bits: it waits (0), it was removed and only takes space until its table is compacted
/// (all ones), it waits again (one less), or how far its label's time is from its own, to the millisecond, within 17 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled([u8; 5]);

impl Settled {
    /// No label has come.
    pub const WAITING: Settled = Settled([0; 5]);
    /// The last label was taken back.
    pub const WAITING_AGAIN: Settled = Settled([0xfe, 0xff, 0xff, 0xff, 0xff]);
    /// The row is no more.
    pub const REMOVED: Settled = Settled([0xff; 5]);
    /// A delay of 0.
    const ORIGIN: i64 = 1 << 39;

    /// A label came `delay_ms` after its prediction.
    pub fn after(delay_ms: Millis) -> Settled {
        let bits = delay_ms.saturating_add(Self::ORIGIN).clamp(1, 2 * Self::ORIGIN - 3) as u64;
        let [a, b, c, d, e, ..] = bits.to_le_bytes();
        Settled([a, b, c, d, e])
    }

    /// How long after its prediction the label came; `None` where there is none.
    pub fn delay_ms(self) -> Option<Millis> {
        let [a, b, c, d, e] = self.0;
        let bits = u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]);
        (!self.is_waiting() && self != Self::REMOVED).then(|| bits as i64 - Self::ORIGIN)
    }

    /// True where there is no label, or none any more.
    pub fn is_waiting(self) -> bool {
        self == Self::WAITING || self == Self::WAITING_AGAIN
    }
}

impl PendingRow {
    /// True while no label has come (or the last one was taken back).
    pub fn is_waiting(&self) -> bool {
        self.settled.is_waiting()
    }

    /// True if a label has ever come.
    pub fn was_settled(&self) -> bool {
        self.settled != Settled::WAITING
    }

    /// Marks the row as labelled at `label_time`.
    pub fn settle(&mut self, label_time: Millis) {
        self.settled = Settled::after(label_time - self.time);
    }

    /// True if the row's label is of `label_time`.
    pub fn is_settled_at(&self, label_time: Millis) -> bool {
        self.settled == Settled::after(label_time - self.time)
    }

    /// Makes the row wait again, if it has ever had a label.
    pub fn unsettle(&mut self) {
        if self.was_settled() {
            self.settled = Settled::WAITING_AGAIN;
        }
    }

    /// True if `watermark` has passed the label's time by more than `correction_horizon_ms`, so that no label can refer to
    /// the row any more; and the row's own time, after which a repetition is likely.
    pub fn is_forgettable(&self, watermark: Millis, correction_horizon_ms: Millis) -> bool {
        self.settled == Settled::REMOVED || self.is_beyond_correction(watermark, correction_horizon_ms)
    }

    /// True if the row has a label, and `time` is more than `correction_horizon_ms` after it and after the row's own time.
    pub fn is_beyond_correction(&self, time: Millis, correction_horizon_ms: Millis) -> bool {
        self.settled.delay_ms().is_some_and(|delay| time > self.time + delay.max(0) + correction_horizon_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_48_bytes() {
        assert_eq!(size_of::<PendingRow>(), 48);
    }

    #[test]
    fn what_has_become_of_a_row_is_exact_within_17_years() {
        let years = |years: i64| years * 365 * 86_400_000;
        for delay in [0, 1, -1, 86_400_000, -years(17), years(17)] {
            assert_eq!(Settled::after(delay).delay_ms(), Some(delay));
        }
        for delay in [i64::MIN, -years(18), years(18), i64::MAX] {
            assert!(Settled::after(delay).delay_ms().is_some_and(|settled| settled.abs() > years(17)));
        }
        for no_label in [Settled::WAITING, Settled::WAITING_AGAIN, Settled::REMOVED] {
            assert_eq!(no_label.delay_ms(), None);
        }
    }

    #[test]
    fn a_settled_row_is_kept_at_least_until_its_correction_horizon() {
        let mut row = PendingRow {
            key: RequestKey(1),
            time: 0,
            output: 0.5,
            series: SeriesId(0),
            payload: PayloadAt::NONE,
            settled: Settled::WAITING,
            class: 0,
            kind: RowKind::Binary,
        };
        assert!(!row.is_forgettable(i64::MAX / 2, 0), "a waiting row is not forgotten, it expires");
        row.settle(1_999);
        assert!(!row.is_forgettable(1_999 + 500, 500));
        assert!(row.is_forgettable(1_999 + 501, 500));
        (row.time, row.settled) = (5_000, Settled::after(-3_000));
        assert!(!row.is_forgettable(5_500, 500), "a label that came early is no reason to forget a fresh prediction");
        assert!(row.is_forgettable(5_501, 500));
        row.unsettle();
        assert!(row.is_waiting() && row.was_settled());
    }
}
