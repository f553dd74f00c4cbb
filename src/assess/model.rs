//! One model in ASSESS: its panes, its windows, and what of them is due to be published.

use super::cells::{GroupId, Pane, VersionId};
use super::detection::Detection;
use super::names::{EXPECTATIONS, FEATURES, Membership, Names};
use super::past::Past;
use super::past_errors::PastErrors;
use super::promise::Promise;
use super::publish::Publisher;
use super::rows::Rows;
use super::window::{Window, Windows, revisable_ms};
use crate::aggregate::partial::{ModelName, PartialRow, SeriesName};
use crate::aggregate::{Cell, ClassId, Count};
use crate::event::{Caps, Millis, ModelSettings};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The clocks of one step.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Event time that all inputs have reached; `None` while one has shown nothing; `Millis::MAX` once all is closed.
    pub reached: Option<Millis>,
    /// Largest event time seen: what revisions are paced by.
    pub event_time: Millis,
    /// The clock handed to the task.
    pub now: Millis,
    /// Least time between two revisions of a window by that clock.
    pub emit_interval_ms: Millis,
}

/// What is published of windows that are not final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revisions {
    /// All: also while a window is still filling. What the service does.
    All,
    /// From the end of a window on.
    Ended,
    /// None: a window is published once, when it is final.
    Final,
}

/// One model: everything about it meets here.
#[derive(Debug)]
pub struct ModelAssess {
    pub(super) id: Arc<str>,
    /// In force: today's, and what was promised before.
    pub(super) settings: Arc<ModelSettings>,
    pub(super) promise: Option<Promise>,
    pub(super) names: Names,
    pub(super) panes: BTreeMap<Millis, Pane>,
    /// What is left of panes that are gone.
    pub(super) past: Past,
    pub(super) windows: Vec<Windows>,
    /// How good estimates of performance were.
    pub(super) past_errors: PastErrors,
    /// Where detectors are configured.
    pub(super) detection: Option<Box<Detection>>,
    /// Up to here, panes that expired or whose unmet labels became orphans have marked their windows as changed.
    pub(super) expired_until: Millis,
    pub(super) orphaned_until: Millis,
    /// What has come since somebody asked last.
    pub(super) arrived: Arrived,
}

/// What has come of a model.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Versions with predictions.
    pub versions: BTreeSet<VersionId>,
    /// Labels came.
    pub has_labels: bool,
}

impl ModelAssess {
    /// Nothing is known of the model but its settings.
    pub fn new(id: Arc<str>, settings: Arc<ModelSettings>, caps: Caps) -> Self {
        ModelAssess {
            id,
            names: Names::new(&settings, caps.classes),
            panes: BTreeMap::new(),
            past: Past::new(&settings),
            windows: settings.windows.iter().map(|spec| Windows::new(*spec)).collect(),
            past_errors: PastErrors::default(),
            detection: Detection::of(&settings),
            settings,
            promise: None,
            expired_until: Millis::MIN,
            orphaned_until: Millis::MIN,
            arrived: Arrived::default(),
        }
    }

    /// Adds rows of one series of a batch; returns how many changed nothing because every window of their pane is final, or
    /// not all because one that is compared with it is.
    pub fn merge(&mut self, model: &ModelName, series: &SeriesName, rows: &[PartialRow]) -> usize {
        let classes = self.names.class_ids(model);
        let version = self.names.version_id(&series.version);
        let Membership { groups, lacks } = self.names.membership(model, series);
        if let Some(newest) = rows.last().filter(|_| !lacks.is_empty()) {
            let begins = newest.pane.saturating_add(1);
            lacks.iter().for_each(|set| self.names.begins[*set] = self.names.begins[*set].max(begins));
        }
        rows.iter().filter(|row| !self.merge_row(row, &classes, version, &groups)).count()
    }

    /// `groups` without those of segment sets that begin after `pane`, unless the pane has groups of the set.
    fn begun<'g>(&self, groups: &'g [GroupId], pane: Millis) -> Cow<'g, [GroupId]> {
        if self.names.begins.iter().all(|begins| *begins <= pane) {
            return Cow::Borrowed(groups);
        }
        let sets: BTreeSet<u16> = (self.panes.get(&pane).into_iter())
            .flat_map(Pane::groups)
            .filter_map(|group| self.names.group(group).set)
            .collect();
        let has_begun = |group: &GroupId| {
            let set = self.names.group(*group).set;
            set.is_none_or(|set| self.names.begins[usize::from(set)] <= pane || sets.contains(&set))
        };
        Cow::Owned(groups.iter().copied().filter(has_begun).collect())
    }

    fn merge_row(&mut self, row: &PartialRow, classes: &[ClassId], version: VersionId, groups: &[GroupId]) -> bool {
        if self.windows.iter().all(|windows| windows.all_closed(row.pane)) {
            return false;
        }
        let groups = &*self.begun(groups, row.pane);
        let mut change = row.change.to_cell();
        change.remap(classes);
        let mut features = change.features.take();
        let expected = features.take_expected();
        if let Some(detection) = &mut self.detection {
            let version = (!self.names.version(version).is_empty()).then_some(version);
            detection.take(row, change.count(Count::Predictions), version, groups);
        }
        let unmatched = change.count(Count::Predictions) - change.count(Count::Matched);
        let unmet = change.count(Count::UnmetLabels);
        if change.count(Count::Predictions) > 0 {
            self.arrived.versions.insert(version);
        }
        self.arrived.has_labels |= change.count(Count::Matched) > 0 || unmet > 0;

        let pane = self.panes.entry(row.pane).or_default();
        pane.unmatched += unmatched;
        pane.unmet += unmet;
        let mut of_reference = Vec::new();
        if !features.is_zero() {
            let cell = Cell::of_features(features);
            of_reference.extend(groups.iter().map(|group| self.names.features_of(*group)));
            of_reference.iter().for_each(|group| pane.merge(*group, version, &cell));
        }
        if !expected.is_zero() {
            pane.merge(EXPECTATIONS, version, &Cell::of_features(expected));
            of_reference.push(EXPECTATIONS);
        }
        let groups = if !of_reference.is_empty() && change.is_zero() { &[] } else { groups };
        for group in groups {
            pane.merge(*group, version, &change);
        }
        for windows in &mut self.windows {
            for start in windows.starts(row.pane) {
                if windows.is_closed(start) {
                    continue;
                }
                let window = windows.open.entry(start).or_default();
                window.unmatched += unmatched;
                window.unmet += unmet;
                window.last_label_time = window.last_label_time.max(change.last_label_time);
                window.changed.extend(groups);
                window.changed.extend(&of_reference);
            }
        }
        !(of_reference.contains(&FEATURES) && self.mark_compared(row.pane))
    }

    /// Publishes what is final and what is due, and forgets what is final; what there is no room for, another time.
    pub fn publish(&mut self, moment: Moment, revisions: Revisions, rows: &mut Rows<'_>) {
        if let Some(reached) = moment.reached {
            let watermark = reached.saturating_sub(self.settings.allowed_lateness_ms);
            self.detect(watermark);
            self.mark_changed_by_time(watermark);
            self.publish_final(watermark, rows);
        }
        self.publish_changed(rows, moment.reached, |start, end, window, settings| match revisions {
            Revisions::Final => false,
            Revisions::Ended if end > moment.event_time => false,
            Revisions::Ended | Revisions::All => {
                window.is_due(start, settings, moment.event_time, moment.now, moment.emit_interval_ms)
            }
        });
        self.note_revisions(moment);
        self.pack(moment.reached);
        self.end_promise();
    }

    /// Lets the detectors read on, and notes which windows that changes.
    fn detect(&mut self, watermark: Millis) {
        let Some(detection) = &mut self.detection else { return };
        let panes = &self.panes;
        for (pane, group) in detection.release(watermark, &self.settings, |pane| panes.contains_key(&pane)) {
            for windows in &mut self.windows {
                for start in windows.starts(pane) {
                    if let Some(window) = windows.open.get_mut(&start) {
                        window.changed.insert(group);
                    }
                }
            }
        }
    }

    /// Goes over to today's horizons once all that was promised others is gone.
    fn end_promise(&mut self) {
        let is_over = |promise: &mut Promise| self.panes.range(..promise.before).next().is_none();
        if let Some(Promise { today, .. }) = self.promise.take_if(is_over) {
            self.settings = today;
            (self.expired_until, self.orphaned_until) = (Millis::MIN, Millis::MIN);
        }
    }

    /// The first moment of which nothing is known yet, where `newest` is the largest event time seen: a record that was
    /// split may have brought rows before it told of their time.
    pub(super) fn news(&self, newest: Option<Millis>) -> Millis {
        let newest_pane = self.panes.last_key_value().map(|(start, _)| *start);
        newest.max(newest_pane).map_or(Millis::MIN, |newest| newest.saturating_add(1))
    }

    /// Publishes everything that changed, however recently its window was revised.
    pub fn flush(&mut self, moment: Moment, rows: &mut Rows<'_>) {
        self.publish_changed(rows, moment.reached, |_, _, _, _| true);
        self.note_revisions(moment);
    }

    /// Windows change by time alone when one of their panes expires, or its unmet labels become orphans.
    fn mark_changed_by_time(&mut self, watermark: Millis) {
        let pane_ms = self.settings.pane_ms;
        let crossed = |horizon: Millis, until: &mut Millis| {
            let newest = watermark.saturating_sub(horizon).saturating_sub(pane_ms);
            let oldest = std::mem::replace(until, (*until).max(newest));
            oldest.saturating_add(1)..=newest
        };
        let expired = crossed(self.settings.label_horizon_ms, &mut self.expired_until);
        let orphaned = crossed(self.settings.early_label_retention_ms, &mut self.orphaned_until);
        let mut changed: Vec<(Millis, Vec<GroupId>)> = Vec::new();
        if !expired.is_empty() {
            let panes = self.panes.range(expired).filter(|(_, pane)| pane.unmatched != 0);
            changed.extend(panes.map(|(start, pane)| (*start, pane.groups().collect())));
        }
        if !orphaned.is_empty() {
            let panes = self.panes.range(orphaned).filter(|(_, pane)| pane.unmet != 0);
            changed.extend(panes.map(|(start, pane)| (*start, pane.groups().collect())));
        }
        for (pane, groups) in changed {
            for windows in &mut self.windows {
                for start in windows.starts(pane) {
                    if let Some(window) = windows.open.get_mut(&start) {
                        window.changed.extend(&groups);
                    }
                }
            }
        }
    }

    fn publish_final(&mut self, watermark: Millis, rows: &mut Rows<'_>) {
        let mut has_closed = false;
        for place in 0..self.windows.len() {
            for start in self.windows[place].due_for_closing(&self.settings, watermark) {
                if rows.is_full() {
                    return;
                }
                let spec = self.windows[place].spec;
                if self.detection.as_ref().is_some_and(|detection| !detection.has_read(start + spec.size_ms)) {
                    continue;
                }
                let Some(mut window) = self.windows[place].close(start) else { continue };
                has_closed = true;
                let groups: BTreeSet<GroupId> =
                    self.panes.range(start..start + spec.size_ms).flat_map(|(_, pane)| pane.groups()).collect();
                window.changed = groups;
                self.publisher(watermark, true).window(spec, start, &mut window, rows);
                if self.past_errors.knows(spec, start) {
                    let later = PastErrors::held_against(spec, start, revisable_ms(&self.settings));
                    for (_, later) in self.windows[place].open.range_mut(later) {
                        later.changed.insert(EXPECTATIONS);
                    }
                }
                self.evict(start, start + spec.size_ms);
            }
            has_closed |= self.windows[place].close_by_age(&self.settings, watermark);
        }
        self.windows.retain(|windows| !windows.is_done());
        if has_closed {
            self.past.drop_final(&self.windows, &self.settings);
            self.past_errors.forget(watermark, revisable_ms(&self.settings));
        }
    }

    fn publish_changed(
        &mut self,
        rows: &mut Rows<'_>,
        reached: Option<Millis>,
        is_due: impl Fn(Millis, Millis, &Window, &ModelSettings) -> bool,
    ) {
        let watermark =
            reached.map_or(Millis::MIN, |reached| reached.saturating_sub(self.settings.allowed_lateness_ms));
        for place in 0..self.windows.len() {
            let spec = self.windows[place].spec;
            let due: Vec<Millis> = (self.windows[place].open.iter())
                .filter(|(_, window)| !window.changed.is_empty())
                .filter(|(start, window)| is_due(**start, **start + spec.size_ms, window, &self.settings))
                .map(|(start, _)| *start)
                .collect();
            for start in due {
                if rows.is_full() {
                    return;
                }
                let Some(mut window) = self.windows[place].open.remove(&start) else { continue };
                self.publisher(watermark, false).window(spec, start, &mut window, rows);
                self.windows[place].open.insert(start, window);
            }
        }
    }

    /// Starts the pause after a revision in every window that was just published.
    fn note_revisions(&mut self, moment: Moment) {
        for window in self.windows.iter_mut().flat_map(|windows| windows.open.values_mut()) {
            if window.just_published {
                window.just_published = false;
                window.revised_at = Some((moment.event_time, moment.now));
            }
        }
    }

    fn publisher(&mut self, watermark: Millis, is_final: bool) -> Publisher<'_> {
        Publisher {
            model: &self.id,
            settings: &self.settings,
            names: &mut self.names,
            panes: &self.panes,
            past: &self.past,
            detection: self.detection.as_deref(),
            past_errors: &mut self.past_errors,
            watermark,
            is_final,
        }
    }

    /// Drops the panes between `start` and `end` that no open window needs.
    fn evict(&mut self, start: Millis, end: Millis) {
        let windows = &self.windows;
        let is_needed = |pane: Millis| windows.iter().any(|windows| !windows.all_closed(pane));
        let dropped: Vec<Millis> =
            self.panes.range(start..end).map(|(pane, _)| *pane).filter(|pane| !is_needed(*pane)).collect();
        for pane in dropped {
            if let Some(gone) = self.panes.remove(&pane) {
                self.past.take(pane, gone, &self.windows, &self.settings);
            }
            if let Some(detection) = &mut self.detection {
                detection.forget(pane);
            }
        }
    }

    /// Packs the panes whose time has passed.
    fn pack(&mut self, reached: Option<Millis>) {
        if let Some(reached) = reached {
            for pane in self.panes.range_mut(..=reached.saturating_sub(self.settings.pane_ms)).map(|(_, pane)| pane) {
                pane.pack();
            }
        }
    }

    /// Has every open window looked at again: what it says is read out otherwise from now on.
    pub(super) fn mark_all_changed(&mut self) {
        for windows in &mut self.windows {
            let size_ms = windows.spec.size_ms;
            for (start, window) in &mut windows.open {
                window.changed.extend(self.panes.range(*start..*start + size_ms).flat_map(|(_, pane)| pane.groups()));
            }
        }
        (self.expired_until, self.orphaned_until) = (Millis::MIN, Millis::MIN);
    }

    /// Open windows, and panes held, those included that others are compared with.
    pub fn held(&self) -> (usize, usize) {
        (self.windows.iter().map(|windows| windows.open.len()).sum(), self.panes.len() + self.past.len())
    }
}
