//! Alerts: the rules that an operator wrote, the rows that say how an alert changed, and what people say of alerts while the
//! service runs.

pub mod condition;
pub mod control;
pub mod gate;
pub mod row;
pub mod rule;
pub mod selector;
pub mod settings;

pub use condition::{Baseline, BySeverity, Condition, Limits, Side, Unit};
pub use control::{Acknowledgement, Control, Matcher, Silence};
pub use gate::{ActiveHours, Gates, Maturity};
pub use row::{AlertCause, AlertRow, AlertState, Severity};
pub use rule::{AlertRule, Presence, Watch};
pub use selector::{Pattern, Selector};
pub use settings::{AlertCaps, AlertSettings, Maintenance};
