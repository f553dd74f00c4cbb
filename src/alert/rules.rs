//! `Rules`: the rules of one model, found by what they are about. Models mostly have the same rules, so the index is shared.

use super::series::SeriesColumns;
use crate::event::alert::{AlertRule, Baseline, Condition, Presence, Selector, Watch};
use crate::event::{MetricRow, Millis, ModelSettings, WindowSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A list of rules, found by what they are about: one for all models that share it.
#[derive(Debug)]
pub struct RuleIndex {
    /// In the order of the configuration.
    pub list: Arc<Vec<AlertRule>>,
    by_metric: BTreeMap<Arc<str>, Vec<u32>>,
    by_id: BTreeMap<Arc<str>, u32>,
    /// Rules about other rules, by what they are about.
    composites: BTreeMap<u32, Vec<u32>>,
    /// Rules about absence.
    absences: Vec<u32>,
}

impl RuleIndex {
    /// Of a list.
    pub fn new(list: &Arc<Vec<AlertRule>>) -> RuleIndex {
        let mut index = RuleIndex {
            list: Arc::clone(list),
            by_metric: BTreeMap::new(),
            by_id: BTreeMap::new(),
            composites: BTreeMap::new(),
            absences: Vec::new(),
        };
        for (rule, place) in list.iter().zip(0..) {
            index.by_id.insert(Arc::clone(&rule.id), place);
            match &rule.watch {
                Watch::Metric { metric, .. } => {
                    index.by_metric.entry(Arc::clone(metric)).or_default().push(place);
                }
                Watch::Absence { .. } => index.absences.push(place),
                Watch::Rules { .. } => {}
            }
        }
        for (rule, place) in list.iter().zip(0..) {
            if let Watch::Rules { rules, .. } = &rule.watch {
                for part in rules.iter().filter_map(|id| index.by_id.get(id).copied()) {
                    index.composites.entry(part).or_default().push(place);
                }
            }
        }
        index
    }

    /// True if a rule says when nothing comes at all.
    pub fn watches_source(&self) -> bool {
        let watch = |place: &u32| &self.list[*place as usize].watch;
        self.absences.iter().any(|place| matches!(watch(place), Watch::Absence { of: Presence::Source, .. }))
    }
}

/// How far back a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// So many windows that count.
    pub windows: usize,
    /// So long, in event time.
    pub span_ms: Millis,
}

/// The rules of one model.
#[derive(Debug, Clone)]
pub struct Rules {
    index: Arc<RuleIndex>,
    /// Rules about absence that are about the model.
    pub absences: Vec<u32>,
    /// Windows of the model.
    windows: Vec<WindowSpec>,
    /// Window size that is meant where none is named.
    smallest_ms: Millis,
    /// What is meant where nothing is named that a metric of drift is compared with.
    compared_with: Arc<str>,
}

impl Rules {
    /// Those of `index` for `model`.
    pub fn new(model: &str, index: &Arc<RuleIndex>, settings: &ModelSettings) -> Rules {
        let is_about = |place: &&u32| match &index.list[**place as usize].watch {
            Watch::Absence { model: pattern, .. } => pattern.as_ref().is_none_or(|pattern| pattern.matches(model)),
            _ => false,
        };
        Rules {
            index: Arc::clone(index),
            absences: index.absences.iter().filter(is_about).copied().collect(),
            windows: settings.windows.clone(),
            smallest_ms: settings.windows.iter().map(|window| window.size_ms).min().unwrap_or(0),
            compared_with: settings.drift.compare_with.first().map_or("fixed".into(), |first| first.kind().into()),
        }
    }

    /// Size of the model's smallest windows.
    pub fn smallest_ms(&self) -> Millis {
        self.smallest_ms
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.index.list.len()
    }

    /// A rule.
    pub fn get(&self, place: u32) -> &AlertRule {
        &self.index.list[place as usize]
    }

    /// The place of the rule with this id.
    pub fn place(&self, id: &str) -> Option<u32> {
        self.index.by_id.get(id).copied()
    }

    /// True if any rule is about this metric.
    pub fn is_about(&self, metric: &str) -> bool {
        self.index.by_metric.contains_key(metric)
    }

    /// Rules about rules of which `part` is one.
    pub fn composites_of(&self, part: u32) -> &[u32] {
        self.index.composites.get(&part).map_or(&[], Vec::as_slice)
    }

    /// Rules about the series of `row`, ascending.
    pub fn about(&self, row: &MetricRow) -> Vec<u32> {
        let Some(places) = self.index.by_metric.get(&row.metric) else { return Vec::new() };
        let selects = |place: &&u32| match &self.get(**place).watch {
            Watch::Metric { select, .. } => self.selects(select, row),
            _ => false,
        };
        places.iter().filter(selects).copied().collect()
    }

    fn selects(&self, select: &Selector, row: &MetricRow) -> bool {
        let is_compared = match (&select.reference_kind, &row.reference_kind) {
            (_, None) => true,
            (Some(wanted), Some(kind)) => wanted == kind,
            (None, Some(kind)) => self.compared_with == *kind,
        };
        let spec = WindowSpec { size_ms: row.window_size_ms, advance_ms: row.window_advance_ms };
        is_compared
            && self.windows.contains(&spec)
            && row.window_size_ms == select.window_size_ms.unwrap_or(self.smallest_ms)
            && select.selects(row)
    }

    /// Rules about a series that is known.
    pub fn still_about(&self, model: &Arc<str>, series: &SeriesColumns) -> Vec<u32> {
        series.as_row(model).map_or(Vec::new(), |row| self.about(&row))
    }

    /// True if any of the rules judges windows that are not final.
    pub fn any_provisional(&self, places: &[u32]) -> bool {
        places.iter().any(|place| self.get(*place).gates.provisional)
    }

    /// How far back any of the rules looks.
    pub fn reach(&self, places: &[u32]) -> Reach {
        let mut reach = Reach { windows: 1, span_ms: 0 };
        for place in places {
            let rule = self.get(*place);
            reach.windows = reach.windows.max(rule.gates.of as usize);
            let Watch::Metric { condition, .. } = &rule.watch else { continue };
            let (Condition::Relative { baseline, .. } | Condition::Dynamic { baseline, .. }) = condition else {
                continue;
            };
            match baseline {
                Baseline::Reference => {}
                Baseline::Previous => reach.windows = reach.windows.max(2),
                // Some of them may not count.
                Baseline::Trailing { windows } => reach.windows = reach.windows.max(2 * *windows as usize + 1),
                Baseline::Ago { ms } => reach.span_ms = reach.span_ms.max(*ms),
                Baseline::Season { ms, seasons } => {
                    reach.span_ms = reach.span_ms.max(ms.saturating_mul(Millis::from(*seasons)));
                }
            }
        }
        reach
    }
}
