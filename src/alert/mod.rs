//! Alerts: metric rows in, changes of alerts out. Which series a rule is about, which of their windows count, whether a
//! value is bad, and when an alert begins and ends.
//!
//! An alert is a function of the windows of its series in the order of their time, whatever order they came in: a window
//! that changes later has its part of that judged again.

mod active;
#[expect(clippy::module_inception, reason = "an alert is what the module is about")]
mod alert;
mod alerts;
pub mod condition;
mod evidence;
mod group;
mod identity;
mod machine;
mod model;
mod point;
mod presence;
mod reference;
mod row;
mod rules;
mod series;
pub mod summary;
mod tell;
pub mod template;
#[cfg(test)]
mod tests;
mod verdict;
mod windows;
mod wire;

pub use alert::Suppression;
pub use alerts::Alerts;
pub use condition::{judge, least_windows, within_range};
pub use model::Progress;
pub use point::{Contributor, Earlier, Point};
pub use reference::reference_value;
pub use summary::summary;
pub use template::Template;
pub use verdict::{Judgement, Unjudged, Verdict};
