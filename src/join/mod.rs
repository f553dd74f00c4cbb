//! The join: predictions and the labels that arrive later, matched by request id, one partition at a time.
//!
//! What comes out are linear facts about records (matched, corrected, a label that nobody met), never statements about
//! time. Whether a waiting prediction has *expired* and an unmet label is an *orphan* is decided once, in ASSESS, against
//! the watermark of all partitions; so the result depends neither on which topic is read first nor on how requests are
//! spread over partitions. Here, time only decides when a row is dropped from memory.

pub mod accounting;
mod features;
pub mod first_matches;
mod label;
mod labelled;
mod labels;
mod outcome;
pub mod pending;
mod prediction;
pub mod references;
pub mod request;
mod rules;
mod segment_bins;
#[cfg(test)]
mod segment_bins_tests;
mod series;
mod sources;
pub mod state;
mod texts;
mod watermark;

pub use accounting::{Accounting, LabelOutcome};
pub use prediction::PredictionReader;
pub use references::Deviation;
pub use series::{ModelId, Series, SeriesRegistry, TermsId};
pub use watermark::StreamTime;

use crate::aggregate::{Count, Observation, PartialBuilder, QualityOutcome, SeriesId};
use crate::event::{LabelledRow, Millis, ModelSettings, Origin, Reason, Reject, Role, Settings};
use first_matches::FirstMatches;
use labels::{LabelRow, LabelStore};
use outcome::Scratch;
use pending::{PendingBuffer, PendingRow, RowRef};
use sources::Sources;
use std::ops::RangeInclusive;
use std::sync::Arc;
use texts::LabelTexts;

/// The join of one partition.
#[derive(Debug)]
pub struct Join {
    registry: SeriesRegistry,
    pending: PendingBuffer,
    labels: LabelStore,
    texts: LabelTexts,
    sources: Sources,
    time: StreamTime,
    accounting: Accounting,
    partials: PartialBuilder,
    first_matches: FirstMatches,
    rejects: Vec<Reject>,
    labelled: Option<Vec<LabelledRow>>,
    /// Largest allowed lateness of any model: nothing is dropped before the last of them allows it.
    allowed_lateness_ms: Millis,
    /// How far apart records can be that have to do with each other.
    reach: Reach,
    /// The most that any model allows a record to be ahead of its topic; `None` if one of them allows anything.
    max_ahead_ms: Option<Millis>,
    /// Some model has a correction horizon, so labels are remembered after their match.
    remembers_matches: bool,
    /// There is more to drop than was dropped at once.
    is_expiring: bool,
    scratch: Scratch,
    /// References that come into force later than declared, since they were last taken, with their models.
    deviations: Vec<(Arc<str>, Deviation)>,
    /// What is known of the log of changes, where there is one.
    log: Option<state::StateLog>,
}

/// Where each prediction that expires is told of: so many at once. A segment may hold days of them, which would be more than
/// fits memory, or one transaction; but more than come with a batch, so that they do leave.
const EXPIRED_AT_ONCE: usize = 1 << 14;

/// How far apart records can be that have to do with each other, over all models. Lookups go no further, so that they
/// cost the same however far one topic is ahead of the other.
#[derive(Debug, Clone, Copy)]
struct Reach {
    early_ms: Millis,
    /// How long a row is remembered: horizon and correction horizon.
    remembered_ms: Millis,
}

/// How long something is remembered, over all settings.
#[derive(Debug, Clone, Copy, Default)]
struct Patience {
    /// Predictions.
    row_ms: Millis,
    /// Labels.
    label_ms: Millis,
    early_ms: Millis,
    /// Some settings have a correction horizon.
    remembers_matches: bool,
}

impl Patience {
    fn of<'s>(settings: impl Iterator<Item = &'s ModelSettings>) -> Patience {
        settings.fold(Patience::default(), |most, settings| {
            let (early_ms, correction_ms) = (settings.early_label_retention_ms, settings.correction_horizon_ms);
            most.or(Patience {
                row_ms: settings.label_horizon_ms + correction_ms,
                label_ms: early_ms.max(correction_ms),
                early_ms,
                remembers_matches: correction_ms > 0,
            })
        })
    }

    fn or(self, other: Patience) -> Patience {
        Patience {
            row_ms: self.row_ms.max(other.row_ms),
            label_ms: self.label_ms.max(other.label_ms),
            early_ms: self.early_ms.max(other.early_ms),
            remembers_matches: self.remembers_matches || other.remembers_matches,
        }
    }

    fn reach(self) -> Reach {
        Reach { early_ms: self.early_ms, remembered_ms: self.row_ms }
    }
}

impl Reach {
    /// Times of the predictions that a label of `time` can belong to.
    fn predictions(self, time: Millis) -> RangeInclusive<Millis> {
        time - self.remembered_ms..=time + self.early_ms
    }

    /// Times of the labels that can belong to a prediction of `time`.
    fn labels(self, time: Millis) -> RangeInclusive<Millis> {
        time - self.early_ms..=time + self.remembered_ms
    }

    /// Times of the labels that can belong to the same prediction as a label of `time`.
    fn labels_beside(self, time: Millis) -> RangeInclusive<Millis> {
        let apart = self.early_ms + self.remembered_ms;
        time - apart..=time + apart
    }
}

impl Join {
    /// A join that has seen nothing. `with_labelled` keeps what the `labelled` topic needs.
    pub fn new(settings: Arc<Settings>, with_labelled: bool) -> Self {
        let patience = Patience::of(settings.all());
        Join {
            pending: PendingBuffer::new(patience.row_ms),
            labels: LabelStore::new(patience.label_ms),
            remembers_matches: patience.remembers_matches,
            allowed_lateness_ms: settings.all().map(|model| model.allowed_lateness_ms).max().unwrap_or(0),
            reach: patience.reach(),
            max_ahead_ms: settings
                .all()
                .map(|model| model.max_ahead_ms)
                .reduce(|one, other| Some(one?.max(other?)))
                .flatten(),
            registry: SeriesRegistry::new(Arc::clone(&settings)),
            texts: LabelTexts::default(),
            sources: Sources::default(),
            time: StreamTime::default(),
            accounting: Accounting::default(),
            partials: PartialBuilder::default(),
            first_matches: FirstMatches::default(),
            rejects: Vec::new(),
            labelled: with_labelled.then(Vec::new),
            is_expiring: false,
            scratch: Scratch::default(),
            deviations: Vec::new(),
            log: None,
        }
    }

    /// Remembers as long as the predictions that are held were promised under the settings of their time.
    fn keep_promises(&mut self) {
        let mut terms: Vec<TermsId> = Vec::new();
        for row in self.pending.rows() {
            let of_row = self.registry.series(row.series).terms;
            // Few, and the last one mostly.
            if !terms.iter().rev().any(|known| *known == of_row) {
                terms.push(of_row);
            }
        }
        let patience = Patience::of(self.registry.settings().all());
        let patience = patience.or(Patience::of(terms.into_iter().map(|terms| &**self.registry.terms(terms))));
        self.pending.keep_for(patience.row_ms);
        self.labels.keep_for(patience.label_ms);
        self.remembers_matches = patience.remembers_matches;
        self.reach = patience.reach();
    }

    /// Goes on with the references that `settings` have; all else in them is as it was. What is read from now on may need other
    /// [columns](Settings::columns).
    pub fn change_references(&mut self, settings: Arc<Settings>) {
        let newest = self.time.newest(Role::Predictions);
        self.deviations.extend(self.registry.change_references(settings, newest));
    }

    /// References that come into force later than declared, as they would put two into what was read: since the last call,
    /// with their models.
    pub fn take_deviations(&mut self) -> Vec<(Arc<str>, Deviation)> {
        std::mem::take(&mut self.deviations)
    }

    /// True if [`Self::expire`] has more to drop, though nothing has come.
    pub fn is_expiring(&self) -> bool {
        self.is_expiring
    }

    /// Drops what both topics' watermarks have passed, and the oldest of what is over the cap. Call after a batch.
    pub fn expire(&mut self) {
        let cap = self.registry.settings().caps.pending_rows;
        self.drop_passed(cap);
    }

    /// Nothing more comes: drops the oldest part of what is held. False if nothing was.
    pub fn close_oldest(&mut self) -> bool {
        let most = self.pending.len().max(self.labels.len());
        let evicted = self.accounting.evicted;
        self.drop_passed(most.saturating_sub(1));
        // At the end, nothing is dropped before its time.
        self.accounting.evicted = evicted;
        most > 0
    }

    fn drop_passed(&mut self, cap: usize) {
        let watermark = self.time.reached().map(|reached| reached - self.allowed_lateness_ms);
        let orphans = watermark.map_or(0, |watermark| self.labels.expire(watermark));
        let evicted_labels = self.labels.shrink(cap);
        self.accounting.orphan_labels += (orphans + evicted_labels) as u64;
        self.accounting.evicted += evicted_labels as u64;

        let budget = if self.labelled.is_some() { EXPIRED_AT_ONCE } else { usize::MAX };
        self.is_expiring = false;
        let (registry, accounting, labelled) = (&self.registry, &mut self.accounting, &mut self.labelled);
        let mut dropped = |row: &PendingRow, request_id: &dyn Fn() -> String| {
            if !row.is_waiting() {
                return;
            }
            if row.kind == pending::RowKind::Failed {
                accounting.settled_errors += 1;
                return;
            }
            accounting.expired += 1;
            if let Some(labelled) = labelled {
                labelled.push(labelled::labelled_row(registry, row, &[], request_id(), None, "expired"));
            }
        };
        if let Some(watermark) = watermark {
            let forget = |row: &PendingRow| forgettable(registry, row, watermark);
            self.is_expiring = self.pending.expire(watermark, budget, forget, &mut dropped);
        }
        let held = self.pending.waiting();
        self.is_expiring |= self.pending.shrink(cap, budget, &mut dropped);
        self.accounting.evicted += (held - self.pending.waiting()) as u64;
    }

    /// It is asked now whether a silent topic is at its log's end: what was taken in so far came before the answer.
    pub fn before_look(&mut self, role: Role) {
        self.time.before_look(role);
    }

    /// A topic was found at its log's end and silent for the idle time-out, once more; or it is so no longer.
    pub fn set_idle(&mut self, role: Role, idle: bool) {
        self.time.set_idle(role, idle);
    }

    /// How far the topics have come.
    pub fn time(&self) -> &StreamTime {
        &self.time
    }

    /// What became of every record so far. See [`Accounting::check`] for the law.
    pub fn accounting(&self) -> Accounting {
        Accounting {
            waiting_predictions: self.pending.waiting() as u64,
            waiting_labels: self.labels.unmet() as u64,
            folded: self.registry.folded() + self.texts.folded(),
            ..self.accounting
        }
    }

    /// Resident size of what is remembered.
    pub fn bytes(&self) -> usize {
        self.pending.bytes() + self.labels.bytes()
    }

    /// Rows held in the pending buffer, waiting or settled.
    pub fn held_rows(&self) -> usize {
        self.pending.len()
    }

    /// Names of models, versions, segments and classes.
    pub fn registry(&self) -> &SeriesRegistry {
        &self.registry
    }

    /// The changes since the last call.
    pub fn partials(&mut self) -> &mut PartialBuilder {
        &mut self.partials
    }

    /// What detectors need, since the last call.
    pub fn first_matches(&mut self) -> &mut FirstMatches {
        &mut self.first_matches
    }

    /// Records rejected since the last call.
    pub fn take_rejects(&mut self) -> Vec<Reject> {
        std::mem::take(&mut self.rejects)
    }

    /// How many changes of labels there were since they were last taken.
    pub fn labelled_len(&self) -> usize {
        self.labelled.as_ref().map_or(0, Vec::len)
    }

    /// Changes of labels since the last call, if they were asked for.
    pub fn take_labelled(&mut self) -> Vec<LabelledRow> {
        self.labelled.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn observe(&mut self, series: SeriesId, time: Millis, observation: &Observation<QualityOutcome>) {
        let pane_ms = self.registry.settings_of(series).pane_ms;
        self.partials.observe(series, time - time.rem_euclid(pane_ms), observation);
    }

    fn count(&mut self, series: SeriesId, time: Millis, what: Count, by: i64) {
        self.observe(series, time, &Observation::Counted { what, by });
    }

    /// The watermark of a model in this partition: nothing earlier is expected.
    fn watermark(&self, settings: &ModelSettings) -> Option<Millis> {
        self.time.reached().map(|reached| reached - settings.allowed_lateness_ms)
    }

    /// Says how far `time` is ahead of its own topic's watermark, if that is more than `max_ahead` allows. The other topic
    /// does not matter: it may be read much later.
    fn too_far_ahead(&self, role: Role, time: Millis, lateness: Millis, max_ahead: Option<Millis>) -> Option<String> {
        let watermark = self.time.newest(role)? - lateness;
        let ahead = time - watermark;
        // What is no later than the newest of its topic is never too far ahead, however small the limit.
        let is_news = time > watermark + lateness;
        (is_news && ahead > max_ahead?)
            .then(|| format!("{ahead} ms ahead of its topic's watermark, more than max_ahead"))
    }

    fn reject(&mut self, origin: &Origin, offset: i64, timestamp: Millis, reason: Reason, detail: String) {
        let origin = origin.clone();
        self.rejects.push(Reject {
            origin,
            offset,
            timestamp: Some(timestamp),
            reason,
            detail,
            schema_id: None,
            key: None,
            value: None,
            headers: Vec::new(),
        });
    }

    /// True if `place`'s row and its label need not be remembered: its model forgets on match.
    fn forgets_on_match(&self, place: RowRef) -> bool {
        self.registry.settings_of(self.pending.get(place).series).correction_horizon_ms == 0
    }

    fn labels_of(&mut self, key: request::RequestKey, times: RangeInclusive<Millis>) -> Vec<LabelRow> {
        let mut labels = std::mem::take(&mut self.scratch.labels);
        self.labels.find(key, times, &mut labels);
        labels
    }
}

/// True if nothing can refer to `row` any more.
fn forgettable(registry: &SeriesRegistry, row: &PendingRow, watermark: Millis) -> bool {
    row.is_forgettable(watermark, registry.settings_of(row.series).correction_horizon_ms)
}
