//! One fact about one record, and how a cell takes note of it.
//!
//! A cell that saw few records travels as the facts themselves: a late label for an old pane is about twenty bytes, where
//! the accumulators that it touches would be ten times that.

use super::{BinaryOutcome, Cell, Count, QualityOutcome, RegressionOutcome};
use crate::event::{Millis, TaskKind};

/// A label as a cell sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LabelFact<O> {
    /// Time of the label.
    pub time: Millis,
    /// Time of the label less time of the prediction.
    pub delay_ms: Millis,
    /// What the prediction and the label say together.
    pub outcome: O,
}

/// The outcome of a row that fits a few bytes; multiclass rows are folded at once instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SmallOutcome {
    /// Of a binary model.
    Binary(BinaryOutcome),
    /// Of a model of a number.
    Regression(RegressionOutcome),
}

impl SmallOutcome {
    /// The same as a general outcome.
    pub fn as_quality(&self) -> QualityOutcome<'static> {
        match self {
            SmallOutcome::Binary(outcome) => QualityOutcome::Binary(*outcome),
            SmallOutcome::Regression(outcome) => QualityOutcome::Regression(*outcome),
        }
    }
}

/// A fact about one record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observation<O> {
    /// A prediction was accepted.
    Predicted {
        /// Task of its model.
        task: TaskKind,
        /// How long the model took.
        latency_ms: Option<f64>,
    },
    /// A request failed.
    Failed {
        /// How long the model took.
        latency_ms: Option<f64>,
    },
    /// Something was counted.
    Counted {
        /// What.
        what: Count,
        /// How often; negative where it is taken back.
        by: i64,
    },
    /// A waiting prediction got its label.
    Matched(LabelFact<O>),
    /// The label was repeated.
    DuplicateLabel {
        /// Time of the repetition.
        time: Millis,
    },
    /// Another label took its place.
    Corrected {
        /// What was in force.
        old: LabelFact<O>,
        /// What is now.
        new: LabelFact<O>,
    },
    /// The label was taken back.
    Retracted {
        /// What was in force.
        old: LabelFact<O>,
        /// Time of the retraction.
        time: Millis,
    },
    /// A prediction waits, and would have this outcome if it expired; or it waits no longer.
    Waiting {
        /// The outcome with the label that `on_expiry` gives.
        outcome: O,
        /// 1: it waits; −1: no longer.
        sign: i64,
    },
}

impl<O> Observation<O> {
    /// The same fact with another form of outcome.
    pub fn map<P>(&self, outcome: impl Fn(&O) -> P) -> Observation<P> {
        let fact = |fact: &LabelFact<O>| LabelFact {
            time: fact.time,
            delay_ms: fact.delay_ms,
            outcome: outcome(&fact.outcome),
        };
        match self {
            Observation::Predicted { task, latency_ms } => {
                Observation::Predicted { task: *task, latency_ms: *latency_ms }
            }
            Observation::Failed { latency_ms } => Observation::Failed { latency_ms: *latency_ms },
            Observation::Counted { what, by } => Observation::Counted { what: *what, by: *by },
            Observation::Matched(new) => Observation::Matched(fact(new)),
            Observation::DuplicateLabel { time } => Observation::DuplicateLabel { time: *time },
            Observation::Corrected { old, new } => Observation::Corrected { old: fact(old), new: fact(new) },
            Observation::Retracted { old, time } => Observation::Retracted { old: fact(old), time: *time },
            Observation::Waiting { outcome: waiting, sign } => {
                Observation::Waiting { outcome: outcome(waiting), sign: *sign }
            }
        }
    }
}

impl Cell {
    /// Takes note of a fact.
    pub fn observe(&mut self, observation: &Observation<QualityOutcome>) {
        match observation {
            Observation::Predicted { task, latency_ms } => {
                self.add_count(Count::Predictions, 1);
                match task {
                    TaskKind::Binary => {}
                    TaskKind::Multiclass => self.add_count(Count::MulticlassPredictions, 1),
                    TaskKind::Regression => self.add_count(Count::RegressionPredictions, 1),
                }
                self.add_latency(*latency_ms);
            }
            Observation::Failed { latency_ms } => {
                self.add_count(Count::Errors, 1);
                self.add_latency(*latency_ms);
            }
            Observation::Counted { what, by } => self.add_count(*what, *by),
            Observation::Matched(new) => {
                self.add_count(Count::UsedLabels, 1);
                self.add_count(Count::Matched, 1);
                self.add_label(1, new);
                self.touch(new.time);
            }
            Observation::DuplicateLabel { time } => {
                self.add_count(Count::DuplicateLabels, 1);
                self.touch(*time);
            }
            Observation::Corrected { old, new } => {
                self.add_count(Count::CorrectedLabels, 1);
                self.add_label(-1, old);
                self.add_label(1, new);
                self.touch(new.time);
            }
            Observation::Retracted { old, time } => {
                self.add_count(Count::RetractedLabels, 1);
                self.add_count(Count::Matched, -1);
                self.add_label(-1, old);
                self.touch(*time);
            }
            Observation::Waiting { outcome, sign } => self.on_expiry.add(*sign, *outcome),
        }
    }

    fn add_latency(&mut self, latency_ms: Option<f64>) {
        if let Some(latency_ms) = latency_ms {
            self.latency.add(latency_ms);
        }
    }

    fn add_label(&mut self, sign: i64, fact: &LabelFact<QualityOutcome>) {
        self.label_delay.add(sign, fact.delay_ms);
        if let QualityOutcome::Multiclass(outcome) = &fact.outcome
            && sign < 0
        {
            self.add_taken_back((outcome.actual, outcome.predicted));
        }
        self.quality.add(sign, fact.outcome);
    }
}
