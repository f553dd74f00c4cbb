//! The accumulator of whatever task a model has, and one outcome of it.

use super::{
    BinaryAccumulator, BinaryOutcome, MulticlassAccumulator, MulticlassOutcome, RegressionAccumulator,
    RegressionOutcome,
};

/// One labelled prediction of any task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QualityOutcome<'a> {
    Binary(BinaryOutcome),
    Multiclass(MulticlassOutcome<'a>),
    Regression(RegressionOutcome),
}

/// Model quality of labelled rows. A model whose task is inferred may hold several tasks, so each is optional.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    pub binary: Option<Box<BinaryAccumulator>>,
    pub multiclass: Option<Box<MulticlassAccumulator>>,
    pub regression: Option<Box<RegressionAccumulator>>,
}
