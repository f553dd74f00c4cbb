//! The accumulator of whatever task a model has, and one outcome of it.

use super::{
    BinaryAccumulator, BinaryOutcome, ClassId, Linear, MulticlassAccumulator, MulticlassOutcome, RegressionAccumulator,
    RegressionOutcome,
};

/// One labelled prediction of any task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QualityOutcome<'a> {
    /// Of a binary model.
    Binary(BinaryOutcome),
    /// Of a model of many classes.
    Multiclass(MulticlassOutcome<'a>),
    /// Of a model of a number.
    Regression(RegressionOutcome),
}

/// Model quality of labelled rows. A model whose task is inferred may hold several tasks, so each is optional;
/// a task that nothing is remembered of is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    /// Of binary rows.
    pub binary: Option<Box<BinaryAccumulator>>,
    /// Of rows of many classes.
    pub multiclass: Option<Box<MulticlassAccumulator>>,
    /// Of rows of a number.
    pub regression: Option<Box<RegressionAccumulator>>,
}

impl Quality {
    /// Adds a labelled row (`sign` 1) or takes it back (`sign` −1).
    pub fn add(&mut self, sign: i64, outcome: QualityOutcome<'_>) {
        match outcome {
            QualityOutcome::Binary(outcome) => {
                self.binary.get_or_insert_default().add(sign, outcome);
                forget_zero(&mut self.binary);
            }
            QualityOutcome::Multiclass(outcome) => {
                self.multiclass.get_or_insert_default().add(sign, outcome);
                forget_zero(&mut self.multiclass);
            }
            QualityOutcome::Regression(outcome) => {
                self.regression.get_or_insert_default().add(sign, outcome);
                forget_zero(&mut self.regression);
            }
        }
    }

    /// Rows of all tasks together.
    pub fn rows(&self) -> i64 {
        let binary = self.binary.as_ref().map_or(0, |binary| binary.confusion.rows());
        let multiclass = self.multiclass.as_ref().map_or(0, |multiclass| multiclass.rows());
        binary + multiclass + self.regression.as_ref().map_or(0, |regression| regression.rows)
    }

    /// Renumbers classes, as [`MulticlassAccumulator::remap`] does.
    pub fn remap(&mut self, table: &[ClassId]) {
        if let Some(multiclass) = &mut self.multiclass {
            multiclass.remap(table);
        }
        forget_zero(&mut self.multiclass);
    }
}

/// Nothing remembered is `None`, so that equal values have one form. Cheap where there is a row: its count is looked at
/// first.
fn forget_zero<A: Linear>(part: &mut Option<Box<A>>) {
    if part.as_ref().is_some_and(|part| part.is_zero()) {
        *part = None;
    }
}

fn merge_part<A: Linear>(mine: &mut Option<Box<A>>, theirs: &Option<Box<A>>) {
    match (&mut *mine, theirs) {
        (_, None) => {}
        (None, Some(_)) => mine.clone_from(theirs),
        (Some(mine), Some(theirs)) => mine.merge(theirs),
    }
    forget_zero(mine);
}

impl Linear for Quality {
    fn merge(&mut self, other: &Self) {
        merge_part(&mut self.binary, &other.binary);
        merge_part(&mut self.multiclass, &other.multiclass);
        merge_part(&mut self.regression, &other.regression);
    }

    fn negate(&mut self) {
        self.binary.iter_mut().for_each(|part| part.negate());
        self.multiclass.iter_mut().for_each(|part| part.negate());
        self.regression.iter_mut().for_each(|part| part.negate());
    }

    fn is_zero(&self) -> bool {
        self.binary.is_none() && self.multiclass.is_none() && self.regression.is_none()
    }
}
