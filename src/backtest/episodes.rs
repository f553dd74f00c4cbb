//! `Episode`: an alert from the row with which it opened to the one with which it was over.

use crate::event::alert::{AlertRow, AlertState, Severity};
use crate::event::{Millis, Settings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Windows between the end of an episode and the next one of the same alert, up to which that is a reopening.
const FLAPPING_WINDOWS: Millis = 3;

/// One time that an alert was open.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Episode {
    /// Id of the rule.
    pub rule: Arc<str>,
    /// Names the alert.
    pub alert_id: Arc<str>,
    /// The model; empty for what is about all of them.
    pub model_id: Arc<str>,
    /// Its version; empty for all together.
    pub model_version: Arc<str>,
    /// Columns that make the segment; empty for the whole model.
    pub segment_key: Arc<str>,
    /// Their values.
    pub segment_value: Arc<str>,
    /// The feature, of a metric about one.
    pub feature: Option<Arc<str>>,
    /// The class, of a metric about one.
    pub class: Option<Arc<str>>,
    /// What it opened as: firing or no_data.
    pub state: AlertState,
    /// The worst that it had.
    pub severity: Severity,
    /// Start of the first window on account of which it opened, in event time; of absence, when something came last.
    pub from: Millis,
    /// End of that window.
    pub began: Millis,
    /// When it was found.
    pub found: Millis,
    /// When it was found to be over; `None`: it is open.
    pub over: Option<Millis>,
    /// The same alert had been over for a few windows only.
    pub is_reopened: bool,
    /// What it said when it opened.
    pub summary: String,
}

impl Episode {
    /// How long somebody was told that it is open, where the history ends at `end`.
    pub fn length(&self, end: Millis) -> Millis {
        self.over.unwrap_or(end).saturating_sub(self.found).max(0)
    }

    /// True if it lies in `from` to `to` (exclusive), in part or whole.
    pub fn overlaps(&self, from: Millis, to: Millis) -> bool {
        // One that was found too late has no length.
        let end = self.over.map_or(Millis::MAX, |over| over.max(self.from.saturating_add(1)));
        self.from < to && from < end
    }
}

/// What is known of an alert between its rows.
#[derive(Debug, Default)]
struct Known {
    /// Place of the episode that is open.
    open: Option<usize>,
    /// When the last one was over, in event time.
    over: Option<Millis>,
}

/// Puts episodes together, row by row.
#[derive(Debug)]
pub struct Episodes {
    settings: Arc<Settings>,
    known: BTreeMap<Arc<str>, Known>,
    list: Vec<Episode>,
}

impl Episodes {
    /// None yet, of models with these settings.
    pub fn new(settings: Arc<Settings>) -> Episodes {
        Episodes { settings, known: BTreeMap::new(), list: Vec::new() }
    }

    /// Takes in a row; those of one alert in the order of their sequence.
    pub fn take(&mut self, row: &AlertRow) {
        if !self.known.contains_key(&row.alert_id) {
            self.known.insert(Arc::clone(&row.alert_id), Known::default());
        }
        let window_ms = row.window_size_ms.unwrap_or_else(|| smallest_window(&self.settings, &row.model_id));
        let Some(known) = self.known.get_mut(&row.alert_id) else { return };
        match (known.open, row.state.is_open()) {
            (None, true) => {
                let began = row.started_at.unwrap_or(row.evaluated_at);
                let rest = window_ms.saturating_mul(FLAPPING_WINDOWS);
                let is_reopened = known.over.is_some_and(|over| began.saturating_sub(over) <= rest);
                known.open = Some(self.list.len());
                self.list.push(opened(row, began, is_reopened));
            }
            (Some(place), true) => {
                let episode = &mut self.list[place];
                episode.severity = episode.severity.max(row.severity);
            }
            (Some(place), false) => {
                known.open = None;
                known.over = Some(row.resolved_at.unwrap_or(row.evaluated_at));
                self.list[place].over = Some(row.evaluated_at);
            }
            (None, false) => {}
        }
    }

    /// All of them, in the order in which they were found.
    pub fn list(&self) -> &[Episode] {
        &self.list
    }
}

pub(super) fn opened(row: &AlertRow, began: Millis, is_reopened: bool) -> Episode {
    Episode {
        rule: Arc::clone(&row.rule),
        alert_id: Arc::clone(&row.alert_id),
        model_id: Arc::clone(&row.model_id),
        model_version: Arc::clone(&row.model_version),
        segment_key: Arc::clone(&row.segment_key),
        segment_value: Arc::clone(&row.segment_value),
        feature: row.feature.clone(),
        class: row.class.clone(),
        state: row.state,
        severity: row.severity,
        from: began.saturating_sub(row.window_size_ms.unwrap_or(0)),
        began,
        found: row.evaluated_at,
        over: None,
        is_reopened,
        summary: row.summary.clone(),
    }
}

/// The smallest window of a model; of all models together, that of the defaults.
fn smallest_window(settings: &Settings, model: &str) -> Millis {
    settings.model(model).windows.iter().map(|window| window.size_ms).min().unwrap_or(0)
}
