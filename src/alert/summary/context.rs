//! `Context`: what the line of an alert, and its templates, can tell.

use crate::alert::{Contributor, Judgement};
use crate::event::Millis;
use crate::event::alert::{AlertCause, AlertState, Baseline, Condition, Presence, Severity, Unit};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A change of an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    /// Id of the rule.
    pub rule: Arc<str>,
    /// Id of the alert.
    pub alert_id: Arc<str>,
    /// What it is now.
    pub state: AlertState,
    /// How bad it is, or was.
    pub severity: Severity,
    /// Why it changed.
    pub cause: AlertCause,
    /// The model; empty for all of them.
    pub model: Arc<str>,
    /// Its version; empty for all versions together.
    pub version: Arc<str>,
    /// `country=BR`; empty for the whole model.
    pub segment: Arc<str>,
    /// The feature, of a metric about one.
    pub feature: Option<Arc<str>>,
    /// The class, of a metric about one.
    pub class: Option<Arc<str>>,
    /// The predicted class of a confusion cell.
    pub predicted_class: Option<Arc<str>>,
    /// What the rule watches.
    pub subject: Subject,
    /// For how long it has been open, or was.
    pub open_ms: Option<Millis>,
    /// Why nobody is told: silence, inactive_hours, inhibited, cooldown, too_many.
    pub suppressed_by: Option<Arc<str>>,
    /// Who looks after it.
    pub acknowledged_by: Option<Arc<str>>,
    /// Labels of the rule.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
}

/// What a rule watches, and what it found.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it lives while one line is written")]
pub enum Subject {
    /// Values of a metric.
    Metric(Measured),
    /// That something does not come.
    Absence {
        /// What.
        of: Presence,
        /// For how long; of what is over, for how long it had not.
        for_ms: Millis,
        /// When something came last, in event time.
        since_ms: Option<Millis>,
    },
    /// Other rules.
    Rules {
        /// Which of them fire.
        firing: Vec<Arc<str>>,
        /// All of them must.
        all: bool,
        /// How many there are.
        of: usize,
    },
    /// All series of a rule together.
    Group {
        /// How many of them fire.
        firing: usize,
        /// How many there are.
        of: usize,
        /// The worst of those that fire, first: features, segments or versions.
        names: Vec<Arc<str>>,
    },
}

/// The last window that was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Name of the metric.
    pub metric: Arc<str>,
    /// The metric's value, whatever it is compared with.
    pub value: Option<f64>,
    /// Lower end of its 95 % sampling interval.
    pub lower: Option<f64>,
    /// Upper end of it.
    pub upper: Option<f64>,
    /// What the thresholds are of.
    pub compared: Compared,
    /// What it was compared with.
    pub baseline: Option<f64>,
    /// Below this it is bad; of the difference, where that is judged.
    pub threshold_lower: Option<f64>,
    /// Above this it is bad.
    pub threshold_upper: Option<f64>,
    /// So many are bad …
    pub bad: u32,
    /// … of the last so many, …
    pub of: u32,
    /// … and it fires at so many.
    pub fire: u32,
    /// Start of the window.
    pub window_start: Millis,
    /// Its length.
    pub window_size_ms: Millis,
    /// Rows that the metric rests on.
    pub count: i64,
    /// Matched per prediction, of metrics that need labels.
    pub coverage: Option<f64>,
    /// Segments or features of the window, the worst first.
    pub worst: Vec<Contributor>,
    /// Reference profile that the metric was compared with.
    pub reference_id: Option<Arc<str>>,
}

/// What thresholds are of.
#[derive(Debug, Clone, PartialEq)]
pub enum Compared {
    /// The value.
    Static,
    /// A difference.
    Relative {
        /// From what.
        baseline: Baseline,
        /// In what.
        unit: Unit,
        /// How much it is.
        difference: Option<f64>,
    },
    /// The value, by what was to be expected.
    Dynamic {
        /// Of which history.
        baseline: Baseline,
    },
}

impl Compared {
    /// What `condition` compared for `judgement`.
    pub fn of(condition: &Condition, judgement: &Judgement) -> Compared {
        match condition {
            Condition::Static { .. } => Compared::Static,
            Condition::Relative { baseline, unit, .. } => {
                Compared::Relative { baseline: baseline.clone(), unit: *unit, difference: judgement.judged }
            }
            Condition::Dynamic { baseline, .. } => Compared::Dynamic { baseline: baseline.clone() },
        }
    }
}

impl Measured {
    /// What the thresholds are of.
    pub fn judged(&self) -> Option<f64> {
        match &self.compared {
            Compared::Relative { difference, .. } => *difference,
            _ => self.value,
        }
    }
}
