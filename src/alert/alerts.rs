//! `Alerts`: the alerts of all models of one partition.

use super::model::{ModelAlerts, Progress};
use super::presence::Seen;
use super::rules::RuleIndex;
use super::tell::Telling;
use crate::event::alert::{AlertRow, Control};
use crate::event::{AlertSettings, MetricRow, Millis, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands for all models together.
const SOURCE: &str = "";

/// All rules, found by what they are about.
#[derive(Debug)]
struct Indexes {
    defaults: Arc<RuleIndex>,
    models: BTreeMap<String, Arc<RuleIndex>>,
}

impl Indexes {
    fn new(alerts: &AlertSettings) -> Indexes {
        let index = |list| Arc::new(RuleIndex::new(list));
        let models = alerts.models.iter().map(|(id, list)| (id.clone(), index(list)));
        Indexes { defaults: index(&alerts.defaults), models: models.collect() }
    }

    fn of(&self, model: &str) -> &Arc<RuleIndex> {
        self.models.get(model).unwrap_or(&self.defaults)
    }
}

/// The alerts of all models of one partition.
#[derive(Debug)]
pub struct Alerts {
    pub(super) settings: Arc<Settings>,
    pub(super) models: BTreeMap<Arc<str>, ModelAlerts>,
    indexes: Indexes,
    control: Arc<Control>,
    /// Somebody has said something that was not looked at yet.
    has_news: bool,
    /// Largest event time that was seen.
    pub(super) newest: Option<Millis>,
    /// When anything came last, by the clock.
    pub(super) source: Option<Seen>,
    /// It says of the source as a whole when that stalls.
    watches_source: bool,
    /// There are no rules at all.
    is_idle: bool,
}

impl Alerts {
    /// Nothing was seen yet.
    pub fn new(settings: &Arc<Settings>) -> Alerts {
        Alerts {
            is_idle: settings.alerts.is_empty(),
            settings: Arc::clone(settings),
            models: BTreeMap::new(),
            indexes: Indexes::new(&settings.alerts),
            control: Arc::default(),
            has_news: false,
            newest: None,
            source: None,
            watches_source: true,
        }
    }

    /// Leaves it to another partition to say that nothing comes at all.
    pub fn leave_source(&mut self) {
        self.watches_source = false;
    }

    /// From now on, people have said this.
    pub fn set_control(&mut self, control: Arc<Control>) {
        self.has_news |= self.control != control;
        self.control = control;
    }

    /// Somebody looks again, at `now`: what did not come while nobody did is not missed, so all waiting begins anew. What is
    /// missed already stays so.
    pub fn resume(&mut self, now: Millis) {
        self.source.iter_mut().for_each(|source| source.wait_anew(now));
        self.models.values_mut().for_each(|model| model.presences.wait_anew(now));
    }

    /// Notes the largest event time that was seen: records were read, whether anything came of them or not.
    pub fn note_newest(&mut self, newest: Option<Millis>, now: Millis) {
        if !self.is_idle && newest > self.newest {
            (self.newest, self.source) = (newest, Some(Seen::new(now)));
        }
    }

    /// Notes that something has come of a model: predictions of some versions, or labels.
    pub fn note(&mut self, id: &Arc<str>, versions: &[&Arc<str>], has_labels: bool, now: Millis) {
        if self.is_idle {
            return;
        }
        self.source = Some(Seen::new(now));
        self.model(id).presences.note(versions, has_labels, now);
    }

    /// Takes in a row.
    pub fn take(&mut self, row: &MetricRow) {
        if self.is_idle {
            return;
        }
        self.model(&row.model_id).take(row);
    }

    /// A model, which begins if nothing is known of it.
    fn model(&mut self, id: &Arc<str>) -> &mut ModelAlerts {
        if !self.models.contains_key(id) {
            let model = self.empty(id);
            self.models.insert(Arc::clone(id), model);
        }
        self.models.get_mut(id).expect("it was put there")
    }

    /// A model of which nothing is known, to be filled in.
    pub(super) fn empty(&self, id: &Arc<str>) -> ModelAlerts {
        ModelAlerts::new(id, self.settings.model(id), &self.settings.alerts, self.indexes.of(id))
    }

    /// Judges what can be judged at `now`, where `progress` says how far a model has come. Gives out what changed; returns how
    /// much that is.
    pub fn evaluate(&mut self, now: Millis, progress: impl Fn(&str) -> Progress, mut out: impl FnMut(AlertRow)) -> u64 {
        if self.is_idle && self.models.is_empty() {
            return 0;
        }
        if self.watches_source && self.source.is_some() && self.indexes.of(SOURCE).watches_source() {
            self.model(&SOURCE.into());
        }
        let control = Arc::clone(&self.control);
        let mut telling = Telling::new(now, &control, std::mem::take(&mut self.has_news), &mut out);
        for (id, model) in &mut self.models {
            model.presences.source = self.source.filter(|_| self.watches_source && **id == *SOURCE);
            model.evaluate(&progress, &mut telling);
        }
        telling.told
    }

    /// Goes on under other settings. Alerts whose rules are gone end with the next evaluation.
    pub fn change_settings(&mut self, settings: &Arc<Settings>) {
        self.is_idle = settings.alerts.is_empty();
        self.settings = Arc::clone(settings);
        self.indexes = Indexes::new(&settings.alerts);
        for (id, model) in &mut self.models {
            model.change_settings(settings.model(id), &settings.alerts, self.indexes.of(id));
        }
    }

    /// Series that there was no room for, and windows that were forgotten before they were judged.
    pub fn over_cap(&self) -> u64 {
        self.models.values().map(|model| model.over_cap).sum()
    }

    /// Alerts that were told to be open.
    pub fn open_count(&self) -> usize {
        self.models.values().map(|model| model.open.len()).sum()
    }

    /// Series that are watched, and alerts that are remembered.
    pub fn held(&self) -> (usize, usize) {
        let counts = self.models.values().map(|model| (model.series.len(), model.alerts.len()));
        counts.fold((0, 0), |(series, alerts), (s, a)| (series + s, alerts + a))
    }
}
