//! Alerts about other alerts: groups, and rules about rules.

use super::alert::Alert;
use super::identity::alert_id;
use super::machine::Phase;
use super::model::{AlertKey, ModelAlerts};
use super::presence::Seen;
use super::series::{SeriesColumns, SeriesKey};
use super::tell::Telling;
use crate::event::Millis;
use crate::event::alert::{AlertCause, Presence, Severity, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl ModelAlerts {
    /// The alert of `rule` about the model, or a version or segment of it, as such.
    fn of_scope(&mut self, rule: u32, columns: SeriesColumns) -> AlertKey {
        let id = alert_id(&self.rules.get(rule).id, &self.id, &columns);
        let key = (rule, self.scope(columns));
        self.alerts.entry(key).or_insert_with(|| Alert::new(id));
        key
    }

    fn whole(&self) -> SeriesColumns {
        let empty: Arc<str> = "".into();
        SeriesColumns::of_scope(&empty, &empty, &empty)
    }

    /// Sets whether an alert that is not about windows of its own fires; gives its key.
    fn set(&mut self, key: AlertKey, firing: Option<(Severity, Millis)>, telling: &Telling<'_>) -> AlertKey {
        let time = telling.time();
        let gates = &self.rules.get(key.0).gates;
        if let Some(alert) = self.alerts.get_mut(&key) {
            alert.base.set(firing, time, gates);
            // What is told of it later is about this window.
            alert.base_until = telling.end().or(alert.base_until);
        }
        key
    }

    /// Sets the alert of a rule whose series are one alert together; gives its key.
    pub(super) fn set_group(&mut self, rule: u32, telling: &Telling<'_>) -> Vec<AlertKey> {
        let whole = self.whole();
        let scope = whole.key();
        let firing = self.firing(rule).filter(|(key, _)| *key != scope).fold(None, |worst, (_, machine)| {
            let (severity, since) = worst.unwrap_or((Severity::Info, Millis::MAX));
            let this = (machine.severity.unwrap_or(Severity::Warning), machine.started_at.unwrap_or(telling.time()));
            Some((severity.max(this.0), since.min(this.1)))
        });
        if firing.is_none() && !self.alerts.contains_key(&(rule, scope)) {
            return Vec::new();
        }
        let key = self.of_scope(rule, whole);
        vec![self.set(key, firing, telling)]
    }

    /// Sets the alerts of a rule about rules: it fires where they fire for the same version and segment. Gives their keys.
    pub(super) fn set_composite(&mut self, rule: u32, telling: &Telling<'_>) -> Vec<AlertKey> {
        let Watch::Rules { rules, all, severity } = self.rules.get(rule).watch.clone() else { return Vec::new() };
        let parts: Vec<u32> = rules.iter().filter_map(|id| self.rules.place(id)).collect();
        // By scope: which of the parts fire, how badly, since when.
        let mut scopes: BTreeMap<SeriesKey, (SeriesColumns, Vec<u32>, Severity, Millis)> = BTreeMap::new();
        for part in &parts {
            for (key, machine) in self.firing(*part) {
                let Some(series) = self.series.get(&key) else { continue };
                let of = &series.columns;
                let columns = SeriesColumns::of_scope(&of.version, &of.segment_key, &of.segment_value);
                let this = machine.severity.unwrap_or(Severity::Warning);
                let since = machine.started_at.unwrap_or(telling.time());
                let scope = scopes.entry(columns.key()).or_insert_with(|| (columns, Vec::new(), this, since));
                if scope.1.last() != Some(part) {
                    scope.1.push(*part);
                }
                // All of them fire since the last one does; one of them, since the first.
                let is_later = all == (since > scope.3);
                (scope.2, scope.3) = (scope.2.max(this), if is_later { since } else { scope.3 });
            }
        }
        let needed = if all { parts.len() } else { 1 };
        scopes.retain(|_, (_, firing, _, _)| firing.len() >= needed);
        let known = self.alerts.range((rule, SeriesKey::MIN)..=(rule, SeriesKey::MAX)).map(|(key, _)| *key);
        let over: Vec<AlertKey> = known.filter(|key| !scopes.contains_key(&key.1)).collect();
        let mut keys: Vec<AlertKey> = over.into_iter().map(|key| self.set(key, None, telling)).collect();
        for (columns, _, worst, since) in scopes.into_values() {
            let key = self.of_scope(rule, columns);
            keys.push(self.set(key, Some((severity.unwrap_or(worst), since)), telling));
        }
        keys
    }

    /// Tells of groups and of rules about rules what other rules make of them.
    pub(super) fn tell_of_change(&mut self, telling: &mut Telling<'_>) {
        telling.at(None);
        let mut keys = Vec::new();
        for place in 0..self.rules.count() as u32 {
            let rule = self.rules.get(place);
            match rule.watch {
                Watch::Metric { .. } if rule.group => keys.extend(self.set_group(place, telling)),
                Watch::Rules { .. } => keys.extend(self.set_composite(place, telling)),
                Watch::Metric { .. } | Watch::Absence { .. } => {}
            }
        }
        keys.into_iter().for_each(|key| self.tell(key, AlertCause::Time, telling));
    }

    /// Tells what has not come for too long, by the clock, and what has come again.
    pub(super) fn look_for_absence(&mut self, telling: &mut Telling<'_>) {
        telling.at(None);
        let now = telling.now;
        let mut composites = BTreeSet::new();
        for place in self.rules.absences.clone() {
            let Watch::Absence { of, for_ms, severity, .. } = self.rules.get(place).watch else { continue };
            let is_silent = |seen: Seen| seen.silent_ms(now) >= for_ms;
            let model_is_silent = self.presences.last(Presence::Predictions).iter().all(|(_, seen)| is_silent(*seen));
            let last = self.presences.last(of);
            let mut set = Vec::new();
            let empty: Arc<str> = "".into();
            for (version, seen) in &last {
                let columns = SeriesColumns::of_scope(version, &empty, &empty);
                let since = self.absent_since((place, columns.key()));
                let firing = match since {
                    // What is missed comes back with something, and not because somebody looked away.
                    Some(since) => (seen.at <= since).then_some((severity, since)),
                    // A version is missed only while the model has others.
                    None => {
                        let is_missed = is_silent(*seen) && (of != Presence::Version || !model_is_silent);
                        is_missed.then_some((severity, seen.at))
                    }
                };
                if firing.is_some() != since.is_some() {
                    set.push((columns, firing));
                }
            }
            // Of what is not watched any more, nothing is missed.
            for (key, _) in self.firing(place) {
                let columns = self.series.get(&key).map(|series| series.columns.clone());
                let is_watched = |columns: &SeriesColumns| last.iter().any(|(version, _)| *version == columns.version);
                set.extend(columns.filter(|columns| !is_watched(columns)).map(|columns| (columns, None)));
            }
            for (columns, firing) in set {
                let key = self.of_scope(place, columns);
                self.set(key, firing, telling);
                self.tell(key, AlertCause::Time, telling);
                composites.extend(self.rules.composites_of(place));
            }
        }
        let keys: Vec<AlertKey> =
            composites.into_iter().flat_map(|rule: u32| self.set_composite(rule, telling)).collect();
        keys.into_iter().for_each(|key| self.tell(key, AlertCause::Time, telling));
    }

    /// When something came last, of an alert that misses it.
    fn absent_since(&self, key: AlertKey) -> Option<Millis> {
        let base = self.alerts.get(&key).map(|alert| &alert.base)?;
        base.started_at.filter(|_| matches!(base.phase, Phase::Firing))
    }
}
