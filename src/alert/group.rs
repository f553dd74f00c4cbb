//! Alerts about other alerts: groups, and rules about rules.

use super::alert::Alert;
use super::identity::alert_id;
use super::machine::Phase;
use super::model::{AlertKey, ModelAlerts};
use super::series::{SeriesColumns, SeriesKey};
use super::tell::Telling;
use crate::event::Millis;
use crate::event::alert::{AlertCause, Presence, Severity, Watch};
use std::collections::BTreeMap;
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

    /// Sets whether an alert that is not about windows fires, and tells that.
    fn set(&mut self, key: AlertKey, firing: Option<(Severity, Millis)>, cause: AlertCause, telling: &mut Telling<'_>) {
        let time = telling.time();
        if let Some(alert) = self.alerts.get_mut(&key) {
            alert.base.set(firing, time);
        }
        self.tell(key, cause, telling);
    }

    /// Tells of a rule whose series are one alert together.
    pub(super) fn tell_group(&mut self, rule: u32, telling: &mut Telling<'_>) {
        let whole = self.whole();
        let scope = whole.key();
        let firing = self.firing(rule).filter(|(key, _)| *key != scope).fold(None, |worst, (_, machine)| {
            let (severity, since) = worst.unwrap_or((Severity::Info, Millis::MAX));
            let this = (machine.severity.unwrap_or(Severity::Warning), machine.started_at.unwrap_or(telling.time()));
            Some((severity.max(this.0), since.min(this.1)))
        });
        let is_known = self.alerts.contains_key(&(rule, scope));
        if firing.is_some() || is_known {
            let key = self.of_scope(rule, whole);
            self.set(key, firing, AlertCause::Window, telling);
        }
    }

    /// Tells of a rule about rules: it fires where they fire for the same version and segment.
    pub(super) fn tell_composite(&mut self, rule: u32, telling: &mut Telling<'_>) {
        let Watch::Rules { rules, all, severity } = self.rules.get(rule).watch.clone() else { return };
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
        over.into_iter().for_each(|key| self.set(key, None, AlertCause::Window, telling));
        for (columns, _, worst, since) in scopes.into_values() {
            let key = self.of_scope(rule, columns);
            self.set(key, Some((severity.unwrap_or(worst), since)), AlertCause::Window, telling);
        }
    }

    /// Tells what has not come for too long, by the clock, and what has come again.
    pub(super) fn look_for_absence(&mut self, telling: &mut Telling<'_>) {
        telling.at(None);
        let (now, awake_since) = (telling.now, telling.awake_since);
        for place in self.rules.absences.clone() {
            let Watch::Absence { of, for_ms, severity, .. } = self.rules.get(place).watch else { continue };
            let goes_on = |at: Millis| now.saturating_sub(at.max(awake_since)) < for_ms;
            let model_goes_on = self.presences.last(Presence::Predictions).iter().any(|(_, at)| goes_on(*at));
            for (version, at) in self.presences.last(of) {
                // A version is missed only while the model has others.
                let is_absent = !goes_on(at) && (of != Presence::Version || model_goes_on);
                let empty: Arc<str> = "".into();
                let columns = SeriesColumns::of_scope(&version, &empty, &empty);
                let known = self.alerts.get(&(place, columns.key()));
                let was_absent = known.is_some_and(|alert| alert.base.phase == Phase::Firing);
                // That the model itself has stopped does not bring its version back.
                let stays = of == Presence::Version && !model_goes_on && was_absent;
                if is_absent != was_absent && !stays {
                    let key = self.of_scope(place, columns);
                    self.set(key, is_absent.then_some((severity, at)), AlertCause::Time, telling);
                }
            }
        }
    }
}
