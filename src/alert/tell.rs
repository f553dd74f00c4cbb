//! What is told of alerts: changes of their state, unless something stands against it.

use super::alert::{Alert, Suppression, Told};
use super::machine::{Machine, Phase};
use super::model::{AlertKey, ModelAlerts};
use super::series::{SeriesColumns, SeriesKey};
use super::{active, row};
use crate::event::Millis;
use crate::event::alert::{AlertCause, AlertRow, AlertRule, AlertState, Control, Severity, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where changes go, and when it is.
pub struct Telling<'t> {
    /// The clock that was handed in.
    pub now: Millis,
    /// End of the window that is judged; `None`: it is about no window.
    end: Option<Millis>,
    /// What people have said.
    pub control: &'t Control,
    /// They have said something since the last time.
    pub has_news: bool,
    /// Takes the changes.
    pub out: &'t mut dyn FnMut(AlertRow),
    /// How many there were.
    pub told: u64,
}

impl<'t> Telling<'t> {
    /// At `now`.
    pub fn new(now: Millis, control: &'t Control, has_news: bool, out: &'t mut dyn FnMut(AlertRow)) -> Telling<'t> {
        Telling { now, end: None, control, has_news, out, told: 0 }
    }

    /// From now on, it is about the window that ends at `end`.
    pub fn at(&mut self, end: Option<Millis>) {
        self.end = end;
    }

    /// End of the window that is judged, if one is.
    pub fn end(&self) -> Option<Millis> {
        self.end
    }

    /// When it is: in event time where it is about a window, else by the clock.
    pub fn time(&self) -> Millis {
        self.end.unwrap_or(self.now)
    }
}

/// What is to be told next of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Next {
    state: AlertState,
    severity: Severity,
    suppressed_by: Option<Suppression>,
}

impl ModelAlerts {
    /// Tells what has changed of alerts that were judged, of groups and rules that they are part of, and of those that they
    /// inhibit; and again what is open still. `is_final`: the window is, so that rules that want that can be told again.
    pub(super) fn tell_touched(
        &mut self,
        touched: &BTreeMap<AlertKey, AlertCause>,
        is_final: bool,
        telling: &mut Telling<'_>,
    ) {
        let groups: BTreeSet<u32> =
            touched.keys().map(|key| key.0).filter(|rule| self.rules.get(*rule).group).collect();
        let composites: BTreeSet<u32> =
            touched.keys().flat_map(|key| self.rules.composites_of(key.0)).copied().collect();
        // Before anything is told, all is known of what stands against it.
        let mut others: Vec<AlertKey> = groups.into_iter().flat_map(|rule| self.set_group(rule, telling)).collect();
        others.extend(composites.into_iter().flat_map(|rule| self.set_composite(rule, telling)).collect::<Vec<_>>());
        for (key, cause) in touched {
            self.tell(*key, *cause, telling);
        }
        others.into_iter().for_each(|key| self.tell(key, AlertCause::Window, telling));
        // What was touched may have made room for what was looked at before.
        let held: Vec<AlertKey> = self.held.iter().copied().collect();
        for key in held {
            self.tell(key, touched.get(&key).copied().unwrap_or(AlertCause::Time), telling);
        }
        self.repeat(|rule| !is_by_clock(rule) && (is_final || rule.gates.provisional), telling);
    }

    /// Tells what has changed without windows: what people have said, and what the clock ends.
    pub(super) fn tell_again(&mut self, telling: &mut Telling<'_>) {
        telling.at(None);
        let held: Vec<AlertKey> = self.held.iter().copied().collect();
        held.into_iter().for_each(|key| self.tell(key, AlertCause::Time, telling));
        if telling.has_news {
            let open: Vec<AlertKey> = self.open.iter().copied().collect();
            open.into_iter().for_each(|key| self.tell(key, AlertCause::Acknowledgement, telling));
        }
        self.repeat(is_by_clock, telling);
    }

    /// Tells once more of what is open for long, where the rule says so.
    fn repeat(&mut self, is_meant: impl Fn(&AlertRule) -> bool, telling: &mut Telling<'_>) {
        let time = telling.time();
        let is_due = |key: &&AlertKey| {
            let Some(alert) = self.alerts.get(key) else { return false };
            let Some(series) = self.series.get(&key.1) else { return false };
            let rule = self.rules.get(key.0);
            let is_due = is_meant(rule)
                && rule.repeat_ms.is_some_and(|repeat| time >= alert.told.open_at.saturating_add(repeat));
            is_due
                && alert.told.acknowledged_by.is_none()
                && acknowledged_by(alert, alert.told.state, None, telling.control).is_none()
                && self.suppression(**key, &series.columns, alert, telling).is_none()
        };
        let due: Vec<AlertKey> = self.open.iter().filter(is_due).copied().collect();
        for key in due {
            let Some(told) = self.alerts.get(&key).map(|alert| alert.told.clone()) else { continue };
            let next = Next { state: told.state, severity: told.severity, suppressed_by: None };
            self.write(key, next, AlertCause::Repeat, telling);
        }
    }

    /// Tells of one alert, if something is to be told.
    pub(super) fn tell(&mut self, key: AlertKey, cause: AlertCause, telling: &mut Telling<'_>) {
        let Some((alert, rule)) = self.alerts.get(&key).map(|alert| (alert, self.rules.get(key.0))) else { return };
        if !rule.notify || rule.group && self.series.get(&key.1).is_some_and(|series| series.columns.metric.is_some()) {
            return;
        }
        let next = self.next(key, alert, rule, telling);
        let told = &alert.told;
        let is_other = next.state != told.state || next.state.is_open() && next.severity != told.severity;
        let acknowledged = acknowledged_by(alert, next.state, None, telling.control);
        let is_acknowledged = next.state.is_open() && acknowledged != told.acknowledged_by;
        match next.suppressed_by {
            Some(Suppression::Cooldown) | None => self.held.remove(&key),
            Some(_) => self.held.insert(key),
        };
        if is_other || is_acknowledged {
            let cause = if is_other { cause } else { AlertCause::Acknowledgement };
            // Being told to look again is no reason of its own.
            let is_by_time = cause == AlertCause::Acknowledgement && is_other;
            self.write(key, next, if is_by_time { AlertCause::Time } else { cause }, telling);
        } else if let Some(alert) = self.alerts.get_mut(&key) {
            alert.told.suppressed_by = next.suppressed_by;
        }
    }

    /// What is to be told of an alert, by what its windows say and what stands against it.
    fn next(&self, key: AlertKey, alert: &Alert, rule: &AlertRule, telling: &Telling<'_>) -> Next {
        let told = &alert.told;
        let series = self.series.get(&key.1);
        let machine = alert.machine(series.map_or(0, |series| series.size_ms()), &rule.gates);
        let open = match rule.watch {
            Watch::Absence { .. } => AlertState::NoData,
            Watch::Metric { .. } | Watch::Rules { .. } => AlertState::Firing,
        };
        let severity = machine.severity.unwrap_or(told.severity);
        let over = match told.state {
            state if state.is_open() => AlertState::Resolved,
            AlertState::Pending => AlertState::Ok,
            state => state,
        };
        match machine.phase {
            Phase::Ok | Phase::Resolved => Next { state: over, severity: told.severity, suppressed_by: None },
            // What was told to fire, and by a revision does not, is over.
            Phase::Pending if told.state.is_open() => {
                Next { state: over, severity: told.severity, suppressed_by: None }
            }
            Phase::Pending => {
                let suppressed_by = machine.is_cooling.then_some(Suppression::Cooldown);
                Next { state: AlertState::Pending, severity, suppressed_by }
            }
            Phase::Firing if told.state == open && severity <= told.severity => {
                Next { state: open, severity, suppressed_by: None }
            }
            Phase::Firing => {
                let columns = series.map(|series| &series.columns);
                let suppressed_by = columns.and_then(|columns| self.suppression(key, columns, alert, telling));
                match suppressed_by {
                    None => Next { state: open, severity, suppressed_by },
                    Some(_) if told.state == open => Next { state: open, severity: told.severity, suppressed_by },
                    Some(_) => Next { state: AlertState::Pending, severity, suppressed_by },
                }
            }
        }
    }

    /// What stands against telling that an alert fires.
    fn suppression(
        &self,
        key: AlertKey,
        series: &SeriesColumns,
        alert: &Alert,
        telling: &Telling<'_>,
    ) -> Option<Suppression> {
        let rule = self.rules.get(key.0);
        if self.is_inhibited(rule, series) {
            return Some(Suppression::Inhibited);
        }
        let machine = alert.machine(series.spec.map_or(0, |spec| spec.size_ms), &rule.gates);
        let severity = machine.severity.unwrap_or(alert.told.severity);
        if !telling.control.silences.is_empty() {
            let about = row::about(&self.id, &alert.id, rule, series, severity);
            if telling.control.silence_of(&about, telling.now).is_some() {
                return Some(Suppression::Silence);
            }
        }
        if rule.gates.active.as_ref().is_some_and(|hours| !active::is_active(hours, telling.now)) {
            return Some(Suppression::InactiveHours);
        }
        let open = self.open.range((key.0, SeriesKey::MIN)..=(key.0, SeriesKey::MAX)).filter(|open| **open != key);
        (open.count() >= self.alerts_settings.caps.open).then_some(Suppression::TooMany)
    }

    /// True if a rule that inhibits `rule` fires for the same model, and the same or all of its versions and segments.
    fn is_inhibited(&self, rule: &AlertRule, series: &SeriesColumns) -> bool {
        let places = rule.gates.inhibited_by.iter().filter_map(|id| self.rules.place(id));
        // Of a group, it is the members that fire.
        let inhibits = |place: u32, parent: &SeriesColumns| {
            (!self.rules.get(place).group || parent.metric.is_some()) && parent.covers(series)
        };
        places.into_iter().any(|place| {
            let mut firing = self.firing(place).filter_map(|(key, _)| self.series.get(&key));
            firing.any(|parent| inhibits(place, &parent.columns))
        })
    }

    /// Series for which a rule fires, suppressed or not.
    pub(super) fn firing(&self, rule: u32) -> impl Iterator<Item = (SeriesKey, Machine)> {
        let of_rule = self.alerts.range((rule, SeriesKey::MIN)..=(rule, SeriesKey::MAX));
        of_rule.filter_map(move |((_, key), alert)| {
            let size_ms = self.series.get(key).map_or(0, |series| series.size_ms());
            let machine = alert.machine(size_ms, &self.rules.get(rule).gates);
            (machine.phase == Phase::Firing).then_some((*key, machine))
        })
    }

    /// Writes a row, and notes what it says.
    fn write(&mut self, key: AlertKey, next: Next, cause: AlertCause, telling: &mut Telling<'_>) {
        let Some((alert, series)) = self.alerts.get(&key).zip(self.series.get(&key.1)) else { return };
        let machine = alert.machine(series.size_ms(), &self.rules.get(key.0).gates);
        let rule = self.rules.get(key.0);
        // What people say comes between windows, and by another clock than theirs.
        let by_windows = || alert.last_judged().map(|start| start + series.size_ms()).or(machine.started_at);
        let known = if telling.end.is_none() && !is_by_clock(rule) { by_windows() } else { None };
        let open_at = known.unwrap_or(telling.time());
        let told = Told { open_at, ..told_next(alert, &machine, next, telling) };
        let row = self.row(key, alert, &told, cause, telling);
        match told.state.is_open() {
            true => self.open.insert(key),
            false => self.open.remove(&key),
        };
        if let Some(alert) = self.alerts.get_mut(&key) {
            alert.told = told;
        }
        telling.told += 1;
        (telling.out)(row);
    }

    /// Ends alerts whose rules are gone.
    pub(super) fn tell_of_orphans(&mut self, telling: &mut Telling<'_>) {
        telling.at(None);
        for (rule, columns, alert) in std::mem::take(&mut self.orphans) {
            let state = match alert.told.state {
                state if state.is_open() => AlertState::Resolved,
                AlertState::Pending => AlertState::Ok,
                _ => continue,
            };
            let next = Next { state, severity: alert.told.severity, suppressed_by: None };
            let told = told_next(&alert, &alert.base, next, telling);
            let row = row::of_removed_rule(&self.id, &rule, &columns, &alert, &told, telling.now);
            telling.told += 1;
            (telling.out)(row);
        }
    }
}

/// True of rules that windows do not decide.
fn is_by_clock(rule: &AlertRule) -> bool {
    matches!(rule.watch, Watch::Absence { .. })
}

/// Who looks after an alert that is in `state`. `begins`: since when, if it was not open before.
fn acknowledged_by(
    alert: &Alert,
    state: AlertState,
    begins: Option<Option<Millis>>,
    control: &Control,
) -> Option<Arc<str>> {
    if !state.is_open() || begins.is_none() && !alert.told.state.is_open() {
        return None;
    }
    let said = control.acknowledgements.get(&alert.id)?;
    (Some(said.started_at) == begins.unwrap_or(alert.told.started_at)).then(|| Arc::clone(&said.by))
}

/// What is noted once `next` is told.
fn told_next(alert: &Alert, machine: &Machine, next: Next, telling: &Telling<'_>) -> Told {
    let told = &alert.told;
    let begins = next.state.is_open() && !told.state.is_open();
    let ends = told.state.is_open() && !next.state.is_open();
    let time = telling.time();
    Told {
        state: next.state,
        severity: next.severity,
        sequence: told.sequence + 1,
        started_at: match next.state {
            AlertState::Pending => machine.started_at,
            _ if begins => machine.started_at,
            _ => told.started_at,
        },
        resolved_at: match next.state {
            _ if ends => Some(machine.resolved_at.filter(|_| machine.phase == Phase::Resolved).unwrap_or(time)),
            AlertState::Resolved => told.resolved_at,
            _ => None,
        },
        acknowledged_by: acknowledged_by(alert, next.state, begins.then_some(machine.started_at), telling.control),
        suppressed_by: next.suppressed_by,
        open_at: time,
    }
}
