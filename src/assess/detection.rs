//! Concept drift of one model: outcomes of all partitions, brought into one order, read by detectors.
//!
//! ```text
//!  first matches ─► sorter ─(watermark)─► detectors of the model, of each version, … ─► firings per pane
//! ```
//!
//! The order is that in which outcomes become known: by the later of the label's time and the prediction's, then by the
//! prediction's time, then by request id. An outcome leaves the sorter when the model's watermark has passed it, and from
//! then on nothing that belongs before it is expected. So what detectors read is a function of the records alone, as long
//! as none comes behind the watermark; one that does is skipped and counted.
//!
//! By the order of predictions, an outcome can be read only once every prediction before it has met its label or can meet
//! none any more. Outcomes are released by whole panes then, and a window is final no sooner than it is read.
//!
//! A firing belongs to the pane of the prediction whose loss it followed. By label time, a window that is final has been
//! read to its end without more ado: its last label is behind the watermark by then.

use super::cells::{GroupId, VersionId};
use super::names::WHOLE;
use super::window::PublishedSeries;
use crate::aggregate::partial::PartialRow;
use crate::drift::detectors::{Change, Detector, Outcome, Sorter};
use crate::event::{Detectors, Millis, ModelSettings, OutcomeOrder};
use std::collections::BTreeMap;

/// Outcomes of a model that wait for the watermark; of more, those that are furthest ahead are skipped and counted.
const CAPACITY: u32 = 1 << 21;

/// Stands for a loss that a prediction has not; detectors are not asked to read it.
pub(super) const NO_LOSS: f64 = f64::NAN;

/// The series that an outcome is of: its version, where that has a name, and its groups.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub version: Option<VersionId>,
    pub groups: Vec<GroupId>,
}

/// What one detector did with outcomes of one pane.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    /// Outcomes that it read.
    pub read: u64,
    /// Of these, after how many it fired.
    pub fired: u64,
    /// The last time that it did.
    pub last: Option<Firing>,
}

/// What a detector says when it fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Firing {
    /// Outcomes that it had read by then.
    pub read: u64,
    /// Event time of the prediction whose loss was the first of the new level.
    pub began: Millis,
    /// Mean loss before.
    pub before: f64,
    /// Mean loss from then on.
    pub after: f64,
}

/// The detectors of one model, with everything that they wait for.
#[derive(Debug, Clone)]
pub struct Detection {
    pub(super) settings: Detectors,
    pub(super) sorter: Sorter,
    /// By the number that outcomes in the sorter have.
    pub(super) sources: Vec<Source>,
    pub(super) numbers: BTreeMap<Source, u32>,
    /// A detector per method.
    pub(super) streams: BTreeMap<PublishedSeries, Vec<Detector>>,
    /// By start of the pane; a tally per method.
    pub(super) tallies: BTreeMap<Millis, BTreeMap<PublishedSeries, Vec<Tally>>>,
    /// Predictions per pane that have never met a label; kept where outcomes are read in the order of predictions.
    pub(super) unmet: BTreeMap<Millis, i64>,
    /// Windows that end later are not read to their end.
    pub(super) read_until: Millis,
}

impl Detection {
    /// As the model's settings say; `None` where it has no detectors.
    pub fn of(settings: &ModelSettings) -> Option<Box<Detection>> {
        settings.detectors.as_ref().map(|detectors| Box::new(Detection::new(detectors.clone())))
    }

    pub(super) fn new(settings: Detectors) -> Detection {
        Detection {
            sorter: Sorter::new(settings.order, CAPACITY),
            read_until: match settings.order {
                OutcomeOrder::LabelTime => Millis::MAX,
                OutcomeOrder::PredictionTime => Millis::MIN,
            },
            settings,
            sources: Vec::new(),
            numbers: BTreeMap::new(),
            streams: BTreeMap::new(),
            tallies: BTreeMap::new(),
            unmet: BTreeMap::new(),
        }
    }

    /// Takes the outcomes of a row that has so many new predictions, to be read when their time has come.
    pub fn take(&mut self, row: &PartialRow, predictions: i64, version: Option<VersionId>, groups: &[GroupId]) {
        if self.settings.order == OutcomeOrder::PredictionTime {
            *self.unmet.entry(row.pane).or_default() += predictions - row.first_matches.len() as i64;
        }
        if row.first_matches.is_empty() {
            return;
        }
        let groups = if self.settings.by_segment { groups.to_vec() } else { vec![WHOLE] };
        let source = self.number(Source { version, groups });
        for first_match in &row.first_matches {
            self.sorter.insert(Outcome {
                // A label that is there before its prediction says nothing before that.
                label_time: first_match.label_time.max(first_match.prediction_time),
                prediction_time: first_match.prediction_time,
                request_id: first_match.request_id.clone(),
                loss: first_match.loss.unwrap_or(NO_LOSS),
                source,
            });
        }
    }

    pub(super) fn number(&mut self, source: Source) -> u32 {
        if let Some(number) = self.numbers.get(&source) {
            return *number;
        }
        let number = self.sources.len() as u32;
        self.sources.push(source.clone());
        self.numbers.insert(source, number);
        number
    }

    /// Lets the detectors read what `watermark` has passed. Returns the panes and groups about which something is new, of
    /// the panes that are held.
    pub fn release(
        &mut self,
        watermark: Millis,
        settings: &ModelSettings,
        is_held: impl Fn(Millis) -> bool,
    ) -> Vec<(Millis, GroupId)> {
        let limit = match self.settings.order {
            OutcomeOrder::LabelTime => watermark,
            OutcomeOrder::PredictionTime => {
                self.read_until = self.read_until.max(self.complete_until(watermark, settings));
                self.read_until
            }
        };
        let (sources, methods) = (&self.sources, &self.settings.methods);
        let (streams, tallies) = (&mut self.streams, &mut self.tallies);
        let mut news = Vec::new();
        self.sorter.release(limit, |outcome| {
            let Some(source) = sources.get(outcome.source as usize) else { return };
            let pane = outcome.prediction_time.wrapping_sub(outcome.prediction_time.rem_euclid(settings.pane_ms));
            let is_held = is_held(pane);
            for group in &source.groups {
                if is_held && news.last() != Some(&(pane, *group)) {
                    news.push((pane, *group));
                }
                for version in std::iter::once(None).chain(source.version.map(Some)) {
                    let series = (*group, version);
                    let detectors = streams.entry(series).or_insert_with(|| {
                        let new = |parameters| Detector::try_new(parameters).expect("the configuration was checked");
                        methods.iter().copied().map(new).collect()
                    });
                    let done = detectors.iter_mut().map(|detector| read(detector, &outcome));
                    if is_held {
                        let of_pane = tallies.entry(pane).or_default().entry(series);
                        let sums = of_pane.or_insert_with(|| vec![Tally::default(); methods.len()]);
                        sums.iter_mut().zip(done).for_each(|(sum, done)| sum.add(done));
                    } else {
                        done.for_each(drop);
                    }
                }
            }
        });
        news.sort_unstable();
        news.dedup();
        news
    }

    /// Start of the first pane in which a prediction may still wait for its first label.
    fn complete_until(&self, watermark: Millis, settings: &ModelSettings) -> Millis {
        let ended = watermark - watermark.rem_euclid(settings.pane_ms);
        let mut waiting = self.unmet.iter().filter(|(_, unmet)| **unmet > 0).map(|(pane, _)| *pane);
        let is_open = |pane: &Millis| {
            let expires = pane.saturating_add(settings.pane_ms).saturating_add(settings.label_horizon_ms);
            watermark < expires
        };
        waiting.find(is_open).map_or(ended, |pane| pane.min(ended))
    }

    /// True if the detectors have read everything of windows that end at `end`.
    pub fn has_read(&self, end: Millis) -> bool {
        end <= self.read_until
    }

    /// Forgets a pane that no window needs.
    pub fn forget(&mut self, pane: Millis) {
        self.tallies.remove(&pane);
        self.unmet.remove(&pane);
    }

    /// True if there are detectors of `group`; of comparisons there are none.
    pub fn covers(&self, group: GroupId, is_comparison: bool) -> bool {
        group == WHOLE || self.settings.by_segment && !is_comparison
    }

    /// The tallies of `series` over the panes of a window, in the order of the methods; `None` if nothing was released.
    pub fn tallies(&self, series: PublishedSeries, start: Millis, end: Millis) -> Option<Vec<Tally>> {
        let mut of_panes = self.tallies.range(start..end).filter_map(|(_, pane)| pane.get(&series));
        let mut sums = of_panes.next()?.clone();
        for tallies in of_panes {
            sums.iter_mut().zip(tallies).for_each(|(sum, tally)| sum.add(*tally));
        }
        Some(sums)
    }

    /// The methods, in their order.
    pub fn settings(&self) -> &Detectors {
        &self.settings
    }

    /// Outcomes that were skipped because they came behind the watermark, or there was no room for them.
    pub fn skipped(&self) -> u64 {
        self.sorter.late() + self.sorter.dropped()
    }
}

/// Lets `detector` read an outcome.
fn read(detector: &mut Detector, outcome: &Outcome) -> Tally {
    if outcome.loss.is_nan() {
        return Tally::default();
    }
    let before = detector.taken();
    let change = detector.update(outcome.loss, outcome.prediction_time).change();
    let read = detector.taken();
    let firing = |change: Change| Firing { read, began: change.began.time, before: change.before, after: change.after };
    Tally { read: read - before, fired: u64::from(change.is_some()), last: change.map(firing) }
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.read += other.read;
        self.fired += other.fired;
        let read = |last: &Option<Firing>| last.map(|firing| firing.read);
        if read(&other.last) > read(&self.last) {
            self.last = other.last;
        }
    }
}
