//! What ASSESS has to warn of: once with a commit, not with each record.

use std::collections::BTreeMap;

/// What came up since the last commit.
#[derive(Debug, Default)]
pub struct Warnings {
    /// Changes that came after their windows were final, by JOIN's partition.
    pub late: BTreeMap<i32, u64>,
    /// Outcomes that detectors have skipped.
    pub skipped: u64,
    /// Series of windows that became final with a reference that is not known.
    pub unknown_references: u64,
    /// Features that are larger than a record each, and are in no profile.
    pub left_out: u64,
    /// Changes of alerts for which there is no topic.
    pub untold_alerts: u64,
    /// Series and windows that alerts had no room for.
    pub over_cap: u64,
}

impl Warnings {
    /// Says all of it, and forgets it.
    pub fn say(&mut self) {
        let Warnings { late, skipped, unknown_references, left_out, untold_alerts, over_cap } = std::mem::take(self);
        if unknown_references > 0 {
            tracing::warn!(
                stage = "assess",
                "{unknown_references} series of windows became final, and the reference in whose bins their features were \
                 counted is not known: nothing more is said of these features. It was taken out of the configuration, or \
                 the topic of references is not read"
            );
        }
        if left_out > 0 {
            tracing::warn!(
                stage = "assess",
                "{left_out} features of closed windows are larger than a record can be, and are in no profile: they have too \
                 many or too long values (`postdict profile --categories`)"
            );
        }
        if skipped > 0 {
            tracing::warn!(
                stage = "assess",
                "{skipped} outcomes came behind the watermark, or were too many to wait for it, and no detector of concept \
                 drift has read them: labels lag behind others by more than `allowed_lateness`"
            );
        }
        if untold_alerts > 0 {
            tracing::warn!(
                stage = "assess",
                "{untold_alerts} changes of alerts are told nobody: no rule is left, and there is no topic for alerts"
            );
        }
        if over_cap > 0 {
            tracing::warn!(
                stage = "assess",
                "alerts had no room for {over_cap} series or windows, which no rule has judged: see `alerts.caps`"
            );
        }
        for (partition, late) in late {
            tracing::warn!(
                stage = "assess",
                partition,
                "{late} changes of JOIN's partition {partition} came after their windows were final, and are not in them: \
                 it was silent, and their records were written after others that were far ahead of them in event time"
            );
        }
    }
}
