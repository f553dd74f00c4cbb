//! Postdict: predict, then postdict.

pub mod event;

pub mod codec;

pub mod join;

pub mod aggregate;

pub mod assess;

pub mod metrics;

pub mod task;



pub mod replay;
