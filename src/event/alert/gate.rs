//! `Gates`: which windows count for a rule, how many of them it needs, and when nobody is to be told.

use crate::event::{Millis, Weekday};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// When a window has enough labels to be judged: what comes first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maturity {
    /// Share of its predictions that have their label, in [0, 1].
    pub coverage: f64,
    /// How long it has ended; `None`: only coverage counts, or that it is final.
    pub wait_ms: Option<Millis>,
}

/// Hours in which somebody is to be told, by the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveHours {
    /// On these days; ascending, without repetition, not empty.
    pub days: Vec<Weekday>,
    /// Minutes after midnight, inclusive, in [0, 1440).
    pub from_minute: u16,
    /// Minutes after midnight, exclusive, in (0, 1440]; if not after `from_minute`, it is on the next day.
    pub to_minute: u16,
    /// East of Greenwich, in minutes.
    pub offset_minutes: i16,
}

/// What stands between a bad value and an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Windows whose metric rests on fewer rows do not count.
    pub min_count: i64,
    /// Windows that are not final count as soon as they have ended and are mature. Else only those that are final.
    pub provisional: bool,
    /// When a window is mature, of metrics that need labels.
    pub maturity: Maturity,
    /// It fires if so many, 1 ≤ `fire` ≤ `of`, …
    pub fire: u32,
    /// … of the last so many windows that counted are bad; at most 64.
    pub of: u32,
    /// It is over if so many windows in a row are good, > 0.
    pub clear: u32,
    /// While it fires, a window is good only within these limits, which are narrower than those that fire; of what the
    /// condition's limits are of. `None`: within the limits that fire.
    pub clear_limits: Option<super::Limits>,
    /// After it was over, it does not fire again for so long, in event time.
    pub cooldown_ms: Millis,
    /// Windows of a version that begin so soon after its first do not count.
    pub warm_up_ms: Millis,
    /// When somebody is to be told; `None`: always.
    pub active: Option<ActiveHours>,
    /// Ids of rules: while one of them fires for the same model and the same or all of its segments and versions, nobody is
    /// told.
    pub inhibited_by: Vec<Arc<str>>,
}

impl Default for Gates {
    fn default() -> Self {
        Gates {
            min_count: 30,
            provisional: false,
            maturity: Maturity { coverage: 0.9, wait_ms: None },
            fire: 1,
            of: 1,
            clear: 1,
            clear_limits: None,
            cooldown_ms: 0,
            warm_up_ms: 0,
            active: None,
            inhibited_by: Vec::new(),
        }
    }
}
