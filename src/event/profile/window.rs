//! Which closed window a published profile is of: what a reader of the `profiles` topic groups and merges by.
//!
//! It is no part of the profile's id, which names what was counted: so the profile of a window has the very id that rows
//! name as `reference_id` where a later window is compared with that one.

use super::ReferenceId;
use crate::event::Millis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A closed window of one model, and one version of it or all together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileWindow {
    /// Names window and series, the same in every run: the `id` that a metric row called `profile` would have.
    pub id: Arc<str>,
    /// The version; `""` for all together.
    pub model_version: Arc<str>,
    /// Start, inclusive, ms since the epoch.
    pub start_ms: Millis,
    /// End, exclusive.
    pub end_ms: Millis,
    /// Length of the window.
    pub size_ms: Millis,
    /// From one window's start to the next one's: equal to the length unless windows overlap.
    pub advance_ms: Millis,
    /// The reference in whose bins was counted. Only counts in the bins of the same one can be added.
    pub reference_id: ReferenceId,
    /// Which part of the window's features this is, from 1: a record has a limit.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
}

impl ProfileWindow {
    /// False of what no window says of itself.
    pub(super) fn is_possible(&self) -> bool {
        self.size_ms > 0
            && self.advance_ms > 0
            && self.start_ms.checked_add(self.size_ms) == Some(self.end_ms)
            && (1..=self.parts).contains(&self.part)
    }
}
