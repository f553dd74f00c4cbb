//! What the demo shows, as plain values: the last row of every metric, and what happened last.

use super::play::{DAY, Step};
use super::text::day_name;
use crate::cli::grouped;
use crate::event::Millis;
use crate::metrics::Metric;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Window of a week.
pub const WEEK: Millis = 7 * DAY;
/// The window that holds all four weeks: they start at a multiple of 28 days since the epoch.
pub const ALL: Millis = 28 * DAY;

/// An event stays on the screen for this long in simulated time, unless something becomes final.
const EVENT_PAUSE: Millis = DAY / 2;

/// The last row of one metric.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figure {
    /// `None` where it is undefined.
    pub value: Option<f64>,
    /// Half of the width of the 95 % interval.
    pub margin: Option<f64>,
    /// How far binning can have moved it.
    pub error_bound: Option<f64>,
}

/// Everything known about one segment in one window.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    figures: BTreeMap<Arc<str>, Figure>,
    /// Revision of the accuracy, which changes whenever a label comes.
    pub revision: i32,
    /// Nothing can change it any more.
    pub is_final: bool,
    /// End of the window.
    pub end: Millis,
    /// The accuracy that was last published before the window ended.
    pub accuracy_at_end: Option<f64>,
}

impl Facts {
    /// The last row of `metric`.
    pub fn figure(&self, metric: Metric) -> Figure {
        self.figures.get(metric.name()).copied().unwrap_or_default()
    }

    /// A metric that counts something; 0 if nothing is known.
    pub fn count(&self, metric: Metric) -> u64 {
        self.figure(metric).value.unwrap_or(0.0) as u64
    }
}

/// A segment in a window: size, start, segment key and value.
type Place = (Millis, Millis, Arc<str>, Arc<str>);

/// The model of the screen.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Simulated time.
    pub now: Millis,
    /// Start of the first day.
    pub start: Millis,
    /// Start of the last day.
    pub last_day: Millis,
    /// Flights of the busiest day: a full bar.
    pub busiest_day: u64,
    /// What happened last, and when.
    pub event: Option<(Millis, String)>,
    facts: BTreeMap<Place, Facts>,
}

impl Screen {
    /// An empty screen for days with so many flights.
    pub fn new(flights_per_day: &BTreeMap<Millis, u64>) -> Self {
        let start = flights_per_day.keys().next().copied().unwrap_or(0);
        Screen {
            now: start,
            start,
            last_day: flights_per_day.keys().next_back().copied().unwrap_or(start),
            busiest_day: flights_per_day.values().copied().max().unwrap_or(0),
            event: None,
            facts: BTreeMap::new(),
        }
    }

    /// Takes in what a tick published and returns the days that became final by it, oldest first.
    pub fn update(&mut self, step: &Step) -> Vec<Millis> {
        self.now = step.now;
        let mut became_final = Vec::new();
        let mut changed = Vec::new();
        // Rows of single versions repeat those of all versions together: there is one version.
        for row in step.rows.iter().filter(|row| row.model_version.is_empty()) {
            let key =
                (row.window_size_ms, row.window_start, Arc::clone(&row.segment_key), Arc::clone(&row.segment_value));
            let facts = self.facts.entry(key).or_default();
            let margin = row.lower.zip(row.upper).map(|(lower, upper)| (upper - lower) / 2.0);
            let figure = Figure { value: row.value, margin, error_bound: row.error_bound };
            facts.figures.insert(Arc::clone(&row.metric), figure);
            if *row.metric == *Metric::Accuracy.name() {
                facts.revision = row.revision;
                facts.is_final = row.is_final;
                facts.end = row.window_end;
                if step.now <= row.window_end {
                    facts.accuracy_at_end = row.value;
                }
                if row.window_size_ms == DAY && row.segment_key.is_empty() {
                    if row.is_final { &mut became_final } else { &mut changed }.push(row.window_start);
                }
            }
        }
        self.note_event(&became_final, &changed);
        became_final
    }

    /// A window of the whole model.
    pub fn window(&self, size: Millis, start: Millis) -> Option<&Facts> {
        self.facts.get(&(size, start, "".into(), "".into()))
    }

    /// Days of the whole model, oldest first.
    pub fn days(&self) -> impl Iterator<Item = (Millis, &Facts)> {
        self.windows(DAY)
    }

    /// Windows of one size of the whole model, oldest first.
    pub fn windows(&self, size: Millis) -> impl Iterator<Item = (Millis, &Facts)> {
        let of_size = self.facts.range((size, Millis::MIN, "".into(), "".into())..);
        of_size
            .take_while(move |(place, _)| place.0 == size)
            .filter(|(place, _)| place.2.is_empty())
            .map(|(place, facts)| (place.1, facts))
    }

    /// Values of a segment column in one window, with what is known of each, in order of the values.
    pub fn segments(&self, size: Millis, start: Millis, key: &str) -> Vec<(Arc<str>, &Facts)> {
        let of_window = self.facts.range((size, start, key.into(), "".into())..);
        of_window
            .take_while(|(place, _)| (place.0, place.1, &*place.2) == (size, start, key))
            .map(|(place, facts)| (Arc::clone(&place.3), facts))
            .collect()
    }

    /// The day whose end changed most afterwards: its start and facts.
    pub fn most_revised(&self) -> Option<(Millis, &Facts)> {
        let change = |facts: &Facts| {
            let (before, now) = facts.accuracy_at_end.zip(facts.figure(Metric::Accuracy).value)?;
            Some((now - before).abs())
        };
        self.days()
            .filter_map(|(start, facts)| Some((change(facts)?, start, facts)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, start, facts)| (start, facts))
    }

    fn note_event(&mut self, became_final: &[Millis], changed: &[Millis]) {
        let is_rested = self.event.as_ref().is_none_or(|(since, _)| self.now >= since + EVENT_PAUSE);
        // Of the days that changed, the newest that has ended: that is what others would take for settled.
        let ended = changed.iter().rev().find(|start| **start + DAY <= self.now);
        let on_first_day = self.now < self.start + DAY;
        let day = match became_final.last() {
            Some(day) => Some(day),
            None => ended.or(changed.last().filter(|_| on_first_day)).filter(|_| is_rested),
        };
        if let Some(&day) = day {
            self.event = self.window(DAY, day).map(|facts| (self.now, self.told(day, facts)));
        }
    }

    fn told(&self, day: Millis, facts: &Facts) -> String {
        let name = day_name(day);
        let name = name.replace("  ", " ");
        let accuracy = facts.figure(Metric::Accuracy).value.unwrap_or(0.0);
        let pending = grouped(facts.count(Metric::Pending));
        match facts.accuracy_at_end {
            _ if facts.is_final => {
                let never = facts.count(Metric::Expired);
                format!("{name} is final: accuracy {accuracy:.3}; {never} flights never got a label")
            }
            Some(before) if facts.end <= self.now => {
                format!(
                    "{name} revised: accuracy {before:.3} when it ended, {accuracy:.3} now; {pending} labels still out"
                )
            }
            _ => format!(
                "{name} fills: {} flights, {pending} labels still out",
                grouped(facts.count(Metric::Predictions))
            ),
        }
    }
}
