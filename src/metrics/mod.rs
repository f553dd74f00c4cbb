//! Metric values, read from the accumulators of one window of one series: what is published of it.
//!
//! [`read_out`] is the way in, [`fairness::compare`] that for the groups of a protected column, [`estimated`] that before
//! labels come, [`change`] that for what has changed since. [`catalog`] says what every metric is, and [`reference()`]
//! prints it. Nothing here is remembered: reading twice gives the same bits, and the accumulators alone decide what is read.
//!
//! Rounding happens here and nowhere before. Sums arrive exact; most metrics are rounded once, at their last division. What
//! is summed in doubles (variances of intervals, average precision) is summed in the order of the bins or of the class
//! names, which no order of input can change.

mod accounting;
mod agreement;
mod binary;
pub mod catalog;
pub mod change;
mod confusion;
pub mod differences;
pub mod estimated;
pub mod fairness;
pub mod features;
mod interval;
mod metric;
mod multiclass;
mod operations;
mod quantile;
mod ranking;
mod reference;
mod regression;
pub mod schema_drift;
mod taken_back;
mod value;

pub use catalog::Family;
pub use metric::Metric;
pub use reference::reference;
pub use taken_back::keep_taken_back;
pub use value::{Decided, MetricValue, Undefined};

use crate::aggregate::{Cell, Count};
use crate::event::{Millis, ModelSettings, TaskKind};

/// What of a window depends on time, and is therefore decided where the watermarks are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowFacts {
    /// Length of the window, > 0.
    pub window_size_ms: Millis,
    /// Predictions without a label that may still get one.
    pub pending: i64,
    /// Predictions without a label that can get none any more.
    pub expired: i64,
    /// Labels that no prediction has met or can meet.
    pub orphans: i64,
}

/// Appends every metric of a window of one series, family by family.
///
/// `cell` is the window's, merged from its panes; with `on_expiry`, the caller has merged what expired into
/// `cell.quality` and counted it as matched. `tasks` are those that the model is known to have: their metrics are given
/// from the first prediction on, null as long as there is no label; other tasks' once the window has labelled rows of
/// them. `class_names` is indexed by class and holds every class of the cell.
///
/// Should a series hold both binary and multiclass rows, the names that the two families share (`accuracy`, macro
/// `precision`, …) are those of the binary rows, since one window can publish a name only once.
pub fn read_out<N: AsRef<str>>(
    cell: &Cell,
    facts: &WindowFacts,
    tasks: &[TaskKind],
    settings: &ModelSettings,
    class_names: &[N],
    out: &mut Vec<MetricValue>,
) {
    let without_rows = if cell.count(Count::Predictions) > 0 { Undefined::NoLabels } else { Undefined::NoRows };
    accounting::read_out(cell, facts, without_rows, out);
    operations::read_out(cell, facts, out);

    let quality = &cell.quality;
    let business_value = settings.business_value.as_ref();
    let binary = quality.binary.as_deref().filter(|binary| confusion::Counts::from(&binary.confusion).rows() > 0);
    match binary {
        Some(binary) => binary::read_out(binary, business_value, out),
        None if tasks.contains(&TaskKind::Binary) => {
            unlabelled(Family::Binary, without_rows, business_value.is_some(), out);
        }
        None => {}
    }

    let has_binary = binary.is_some() || tasks.contains(&TaskKind::Binary);
    let first_of_multiclass = out.len();
    match quality.multiclass.as_deref().filter(|multiclass| !multiclass.confusion.is_empty()) {
        Some(multiclass) => multiclass::read_out(multiclass, class_names, out),
        None if tasks.contains(&TaskKind::Multiclass) => unlabelled(Family::Multiclass, without_rows, false, out),
        None => {}
    }
    if has_binary {
        let multiclass = out.split_off(first_of_multiclass);
        let is_taken = |value: &MetricValue| value.class.is_none() && Family::Binary.entry(value.metric).is_some();
        out.extend(multiclass.into_iter().filter(|value| !is_taken(value)));
    }

    match quality.regression.as_deref().filter(|regression| regression.rows > 0) {
        Some(regression) => regression::read_out(regression, out),
        None if tasks.contains(&TaskKind::Regression) => unlabelled(Family::Regression, without_rows, false, out),
        None => {}
    }
}

/// The metrics of a family that has no labelled row yet. A confusion cell has no row of its own before it has a count,
/// and nobody asks for business value where it is not configured.
fn unlabelled(family: Family, reason: Undefined, with_business_value: bool, out: &mut Vec<MetricValue>) {
    let metrics = family.entries().iter().map(|entry| entry.metric);
    let published = metrics.filter(|&metric| match metric {
        Metric::Confusion => false,
        Metric::BusinessValue => with_business_value,
        _ => true,
    });
    out.extend(published.map(|metric| MetricValue::new(metric, Err(reason), 0)));
}

#[cfg(test)]
mod tests;
