//! `AlertRow`: one change of the state of one alert. The last row of each `alert_id` is the state of all alerts.

use crate::event::Millis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How bad it is, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody should look, in working hours.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

    /// The name in configuration and rows.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nothing is wrong. Where every alert begins; told only after `pending`.
    Ok,
    /// Something is wrong, and not yet in enough windows, or nobody is to be told now (`suppressed_by`).
    Pending,
    /// Something is wrong.
    Firing,
    /// It was firing, and is not any more.
    Resolved,
    /// What a rule waits for does not come: no predictions, no labels.
    NoData,
}

impl AlertState {
    /// All states.
    pub const ALL: [AlertState; 5] =
        [AlertState::Ok, AlertState::Pending, AlertState::Firing, AlertState::Resolved, AlertState::NoData];

    /// The name in rows.
    pub fn name(self) -> &'static str {
        match self {
            AlertState::Ok => "ok",
            AlertState::Pending => "pending",
            AlertState::Firing => "firing",
            AlertState::Resolved => "resolved",
            AlertState::NoData => "no_data",
        }
    }

    /// True of states that ask for somebody's attention.
    pub fn is_open(self) -> bool {
        matches!(self, AlertState::Firing | AlertState::NoData)
    }
}

/// Why a row was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertCause {
    /// A window that the rule had not judged yet.
    Window,
    /// A window that it had judged has changed, or one came before others that it had.
    Revision,
    /// Time passed: what was awaited did not come, or what suppressed the alert is over.
    Time,
    /// It is open still, and the rule says to repeat that.
    Repeat,
    /// Somebody acknowledged it, or took that back.
    Acknowledgement,
    /// Windows of its series have stopped coming while others of the model go on.
    Gone,
    /// The rule was taken out, or selects its series no more.
    RuleRemoved,
}

impl AlertCause {
    /// All causes.
    pub const ALL: [AlertCause; 7] = [
        AlertCause::Window,
        AlertCause::Revision,
        AlertCause::Time,
        AlertCause::Repeat,
        AlertCause::Acknowledgement,
        AlertCause::Gone,
        AlertCause::RuleRemoved,
    ];

    /// The name in rows.
    pub fn name(self) -> &'static str {
        match self {
            AlertCause::Window => "window",
            AlertCause::Revision => "revision",
            AlertCause::Time => "time",
            AlertCause::Repeat => "repeat",
            AlertCause::Acknowledgement => "acknowledgement",
            AlertCause::Gone => "gone",
            AlertCause::RuleRemoved => "rule_removed",
        }
    }
}

/// A change of state of one alert: a row of `alerts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    /// Of this change: a hash of alert_id and sequence, the same in every run.
    pub id: String,
    /// Names the alert, a rule and a series: a hash, the same in every run. Also the message key: sinks upsert on it.
    pub alert_id: Arc<str>,
    /// 1, 2, 3 and so on, per alert_id.
    pub sequence: i64,
    /// Id of the rule.
    pub rule: Arc<str>,
    /// info, warning or critical; what it was last where it is over.
    pub severity: Severity,
    /// ok, pending, firing, resolved or no_data.
    pub state: AlertState,
    /// What it was before; ok before the first row.
    pub previous_state: AlertState,
    /// window, revision, time, repeat, acknowledgement, gone or rule_removed.
    pub cause: AlertCause,
    /// The model; empty for what is about all of them.
    pub model_id: Arc<str>,
    /// Its version; empty for all versions together.
    pub model_version: Arc<str>,
    /// Columns that make the segment; empty for the whole model.
    pub segment_key: Arc<str>,
    /// Their values.
    pub segment_value: Arc<str>,
    /// The feature, of a metric about one.
    pub feature: Option<Arc<str>>,
    /// The class, of a metric about one.
    pub class: Option<Arc<str>>,
    /// The predicted class of a confusion cell.
    pub predicted_class: Option<Arc<str>>,
    /// Name of the metric. Null of a rule about other rules or about what does not come.
    pub metric: Option<Arc<str>>,
    /// Of a drift metric, what the reference is.
    pub reference_kind: Option<Arc<str>>,
    /// What was judged: the metric's value, or how far it is from what it is compared with (in percent where the rule says
    /// so); of a rule about absence, for how many ms nothing came; of a group, how many of its alerts are firing.
    pub value: Option<f64>,
    /// Lower end of the metric's 95 % sampling interval.
    pub lower: Option<f64>,
    /// Upper end of it.
    pub upper: Option<f64>,
    /// Below this it fires.
    pub threshold_lower: Option<f64>,
    /// Above this it fires.
    pub threshold_upper: Option<f64>,
    /// Rows that the metric rests on.
    pub count: Option<i64>,
    /// Matched per prediction of the window, for metrics that need labels.
    pub label_coverage: Option<f64>,
    /// Start of the last window that was judged.
    pub window_start: Option<Millis>,
    /// Its end, exclusive.
    pub window_end: Option<Millis>,
    /// Its length.
    pub window_size_ms: Option<Millis>,
    /// Nothing can change that window any more.
    pub is_final: Option<bool>,
    /// End of the first of the windows on account of which it fired, in event time; of absence, when something came last.
    pub started_at: Option<Millis>,
    /// End of the window with which it was over, in event time.
    pub resolved_at: Option<Millis>,
    /// When this was found, by the clock: the wall clock of the service, the newest event time of a replay.
    pub evaluated_at: Millis,
    /// Reference profile that the metric was compared with.
    pub reference_id: Option<Arc<str>>,
    /// Who acknowledged it, while it is open.
    pub acknowledged_by: Option<Arc<str>>,
    /// Why nobody is told that it fires: silence, inactive_hours, inhibited, cooldown, too_many.
    pub suppressed_by: Option<Arc<str>>,
    /// One line for a tired human.
    pub summary: String,
    /// Labels of the rule, as the text of a JSON object.
    pub labels: String,
    /// Why, as the text of a JSON object: how the thresholds came about, the windows that counted, the worst segments or
    /// features, the members of a group.
    pub evidence: String,
    /// Where to look at it.
    pub dashboard_url: Option<String>,
    /// What to do about it.
    pub runbook_url: Option<String>,
}
