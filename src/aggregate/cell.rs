//! A cell: everything remembered of one series in one pane.

use super::{ExactSum, Histogram, Quality};

/// What is counted of every series, whatever its task. All counts are linear: facts about records, never about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Count {
    /// Accepted predictions.
    Predictions,
    /// Failed requests.
    Errors,
    /// Predictions that have a label.
    Matched,
    /// The same prediction again.
    DuplicatePredictions,
    /// Predictions whose windows were final.
    LatePredictions,
    /// Labels that gave a waiting prediction its label.
    UsedLabels,
    /// The same label again.
    DuplicateLabels,
    /// Labels that replaced another.
    CorrectedLabels,
    /// Labels that were taken back.
    RetractedLabels,
    /// Labels that no prediction has met: waiting, and orphans once nothing can meet them any more.
    UnmetLabels,
    /// Labels whose prediction was gone.
    LateLabels,
    /// Records of this series that went to dead letters.
    DeadLetters,
}

impl Count {
    /// How many there are.
    pub const LEN: usize = 12;
}

/// Latency of requests. Predictions are never taken back, so the maximum is exact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latency {
    pub histogram: Histogram,
    pub sum: ExactSum,
    /// Largest latency; only added to, so it is not part of the group laws.
    pub max: Option<f64>,
}

/// Time from prediction to label, in ms; negative where the label was first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelDelay {
    pub histogram: Histogram,
    /// Σ delay in ms.
    pub sum: i128,
}

/// Everything remembered of one series in one pane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    counts: [i64; Count::LEN],
    pub latency: Latency,
    pub label_delay: LabelDelay,
    /// Latest time of a label that changed this cell; only added to.
    pub last_label_time: Option<i64>,
    /// Of matched rows.
    pub quality: Quality,
    /// Of rows without a label, as if `on_expiry`'s label had come; counted in once their pane expires.
    pub on_expiry: Quality,
}
