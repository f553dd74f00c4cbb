//! `Verdict`: what a rule says of one window.

use crate::event::alert::Severity;

/// Why a window is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjudged {
    /// Its metric is undefined.
    Undefined,
    /// It rests on too few rows.
    TooFew,
    /// What it is compared with is not known (yet).
    NoBaseline,
    /// The rule needs a sampling interval, and there is none.
    NoInterval,
    /// It lies in a time of maintenance.
    Maintenance,
    /// Its version is too new.
    WarmUp,
}

/// What a rule says of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Unjudged(Unjudged),
    /// All is well.
    Good,
    /// Not bad enough to fire, and not good enough to be over.
    Between,
    /// Bad.
    Bad(Severity),
}

/// A verdict and how it came about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What was judged: the value, or its difference from the baseline.
    pub judged: Option<f64>,
    /// What it was compared with, if with anything.
    pub baseline: Option<f64>,
    /// Below this it is bad: the limits that were passed, else the mildest ones.
    pub threshold_lower: Option<f64>,
    /// Above this it is bad.
    pub threshold_upper: Option<f64>,
}

impl Judgement {
    /// Of a window that is not judged.
    pub fn unjudged(why: Unjudged) -> Judgement {
        Judgement {
            verdict: Verdict::Unjudged(why),
            judged: None,
            baseline: None,
            threshold_lower: None,
            threshold_upper: None,
        }
    }
}
