//! Alerts: metric rows in, changes of alerts out. Which series a rule is about, which of their windows count, whether a
//! value is bad, and when an alert begins and ends.
//!
//! An alert is a function of the windows of its series in the order of their time, whatever order they came in: a window
//! that changes later has its part of that judged again.

pub mod condition;
mod point;
mod reference;
pub mod summary;
pub mod template;
mod verdict;

pub use condition::{judge, least_windows, within_range};
pub use point::{Contributor, Earlier, Point};
pub use reference::reference_value;
pub use summary::summary;
pub use template::Template;
pub use verdict::{Judgement, Unjudged, Verdict};
