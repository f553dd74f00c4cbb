//! All alerts as bytes: part of the snapshot from which ASSESS goes on as if nothing had happened. They are read under the
//! rules under which they were written.

use super::alert::{Alert, Judged, Suppression, Told};
use super::alerts::Alerts;
use super::machine::{Machine, MachineParts};
use super::model::ModelAlerts;
use super::presence::Seen;
use super::series::{Series, SeriesColumns, SeriesKey};
use super::{Contributor, Judgement, Point, Unjudged, Verdict};
use crate::aggregate::WireError;
use crate::aggregate::wire::{
    put_double, put_signed, put_text, put_varint, take_byte, take_bytes, take_double, take_length, take_signed,
    take_text, take_varint,
};
use crate::event::alert::{AlertRule, AlertState, Severity};
use crate::event::{Settings, WindowSpec};
use std::sync::Arc;

/// First byte: the version of the format.
const FORMAT: u8 = 1;

impl Alerts {
    /// Appends everything to `out`, but what people have said.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        put_option(out, self.newest, put_signed);
        put_option(out, self.source, put_seen);
        put_list(out, &self.models, |out, (id, model)| {
            put_text(out, id);
            put_model(out, model);
        });
    }

    /// From what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn decode(input: &mut &[u8], settings: &Arc<Settings>) -> Result<Alerts, WireError> {
        if take_byte(input)? != FORMAT {
            return Err(WireError::Malformed("alerts of another format"));
        }
        let mut alerts = Alerts::new(settings);
        alerts.newest = take_option(input, take_signed)?;
        alerts.source = take_option(input, take_seen)?;
        for _ in 0..take_length(input)? {
            let id = take_text(input)?;
            let mut model = alerts.empty(&id);
            take_model(input, &mut model)?;
            alerts.models.insert(id, model);
        }
        Ok(alerts)
    }
}

fn put_model(out: &mut Vec<u8>, model: &ModelAlerts) {
    put_list(out, &model.series, |out, (_, series)| {
        put_columns(out, &series.columns);
        put_signed(out, series.newest);
        put_list(out, &series.points, put_point);
    });
    put_list(out, &model.alerts, |out, ((rule, series), alert)| {
        put_varint(out, u64::from(*rule));
        out.extend_from_slice(&series.to_le_bytes());
        put_alert(out, alert);
    });
    put_list(out, &model.ready, |out, ((spec, start), keys)| {
        put_spec(out, *spec);
        put_signed(out, *start);
        put_list(out, keys, |out, key| out.extend_from_slice(&key.to_le_bytes()));
    });
    put_list(out, &model.changed, |out, (spec, start, key)| {
        put_spec(out, *spec);
        put_signed(out, *start);
        out.extend_from_slice(&key.to_le_bytes());
    });
    put_list(out, &model.waiting, |out, (at, spec, start, key)| {
        put_signed(out, *at);
        put_spec(out, *spec);
        put_signed(out, *start);
        out.extend_from_slice(&key.to_le_bytes());
    });
    put_list(out, &model.presences.predictions, |out, (version, seen)| {
        put_text(out, version);
        put_seen(out, *seen);
    });
    put_option(out, model.presences.labels, put_seen);
    put_list(out, &model.first_windows, |out, (version, first)| {
        put_text(out, version);
        put_signed(out, *first);
    });
    put_list(out, &model.orphans, |out, (rule, columns, alert)| {
        put_text(out, &serde_json::to_string(rule).expect("a rule is plain values"));
        put_columns(out, columns);
        put_alert(out, alert);
    });
    out.push(u8::from(model.has_changed));
    put_varint(out, model.over_cap);
}

fn take_model(input: &mut &[u8], model: &mut ModelAlerts) -> Result<(), WireError> {
    for _ in 0..take_length(input)? {
        let columns = take_columns(input)?;
        let newest = take_signed(input)?;
        let points = take_list(input, take_point)?;
        let rules = model.rules.still_about(&model.id, &columns);
        let rules = model.shared(rules);
        let key = columns.key();
        let series = Series { points, ..Series::new(columns, rules, &model.rules, newest) };
        model.series.insert(key, series);
    }
    for _ in 0..take_length(input)? {
        let rule = u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a rule"))?;
        let key = (rule, take_key(input)?);
        let alert = take_alert(input)?;
        if rule as usize >= model.rules.count() {
            return Err(WireError::Malformed("an alert of no rule"));
        }
        if alert.told.state.is_open() {
            model.open.insert(key);
        }
        if alert.told.suppressed_by.is_some_and(|why| why != Suppression::Cooldown) {
            model.held.insert(key);
        }
        model.alerts.insert(key, alert);
    }
    for _ in 0..take_length(input)? {
        let window = (take_spec(input)?, take_signed(input)?);
        let keys = take_list(input, take_key)?;
        model.ready.insert(window, keys.into_iter().collect());
    }
    for _ in 0..take_length(input)? {
        model.changed.insert((take_spec(input)?, take_signed(input)?, take_key(input)?));
    }
    for _ in 0..take_length(input)? {
        model.waiting.insert((take_signed(input)?, take_spec(input)?, take_signed(input)?, take_key(input)?));
    }
    for _ in 0..take_length(input)? {
        model.presences.predictions.insert(take_text(input)?, take_seen(input)?);
    }
    model.presences.labels = take_option(input, take_seen)?;
    for _ in 0..take_length(input)? {
        model.first_windows.insert(take_text(input)?, take_signed(input)?);
    }
    model.orphans = take_list(input, |input| {
        let rule: AlertRule =
            serde_json::from_str(&take_text(input)?).map_err(|_| WireError::Malformed("a rule of alerts"))?;
        Ok((rule, take_columns(input)?, take_alert(input)?))
    })?;
    model.has_changed = take_byte(input)? != 0;
    model.over_cap = take_varint(input)?;
    Ok(())
}

fn put_columns(out: &mut Vec<u8>, columns: &SeriesColumns) {
    [&columns.version, &columns.segment_key, &columns.segment_value].into_iter().for_each(|text| put_text(out, text));
    for text in [&columns.metric, &columns.feature, &columns.class, &columns.predicted_class, &columns.reference_kind] {
        put_option(out, text.as_deref(), put_text);
    }
    put_option(out, columns.spec, put_spec);
}

fn take_columns(input: &mut &[u8]) -> Result<SeriesColumns, WireError> {
    Ok(SeriesColumns {
        version: take_text(input)?,
        segment_key: take_text(input)?,
        segment_value: take_text(input)?,
        metric: take_option(input, take_text)?,
        feature: take_option(input, take_text)?,
        class: take_option(input, take_text)?,
        predicted_class: take_option(input, take_text)?,
        reference_kind: take_option(input, take_text)?,
        spec: take_option(input, take_spec)?,
    })
}

fn put_point(out: &mut Vec<u8>, point: &Point) {
    put_signed(out, point.start);
    [point.value, point.lower, point.upper, point.coverage].into_iter().for_each(|x| put_option(out, x, put_double));
    put_signed(out, point.count);
    out.push(u8::from(point.is_final));
    put_option(out, point.reference_id.as_deref(), put_text);
    put_list(out, &point.worst, |out, part| {
        put_text(out, &part.name);
        put_double(out, part.value);
        put_signed(out, part.count);
        out.push(u8::from(part.is_final));
    });
}

fn take_point(input: &mut &[u8]) -> Result<Point, WireError> {
    let start = take_signed(input)?;
    let mut double = || take_option(input, take_double);
    let (value, lower, upper, coverage) = (double()?, double()?, double()?, double()?);
    Ok(Point {
        start,
        value,
        lower,
        upper,
        coverage,
        count: take_signed(input)?,
        is_final: take_byte(input)? != 0,
        reference_id: take_option(input, take_text)?,
        worst: take_list(input, |input| {
            let (name, value, count) = (take_text(input)?, take_double(input)?, take_signed(input)?);
            Ok(Contributor { name, value, count, is_final: take_byte(input)? != 0 })
        })?,
    })
}

fn put_alert(out: &mut Vec<u8>, alert: &Alert) {
    put_text(out, &alert.id);
    put_machine(out, alert.base);
    put_option(out, alert.base_until, put_signed);
    put_list(out, &alert.tail, |out, judged| {
        put_signed(out, judged.start);
        out.push(verdict_number(judged.verdict));
    });
    put_option(out, alert.last, |out, last| {
        out.push(verdict_number(last.verdict));
        let numbers = [last.judged, last.baseline, last.threshold_lower, last.threshold_upper];
        numbers.into_iter().for_each(|number| put_option(out, number, put_double));
    });
    let told = &alert.told;
    out.push(told.state as u8);
    out.push(told.severity as u8);
    put_signed(out, told.sequence);
    put_option(out, told.started_at, put_signed);
    put_option(out, told.resolved_at, put_signed);
    put_option(out, told.acknowledged_by.as_deref(), put_text);
    put_option(out, told.suppressed_by, |out, why| out.push(why as u8));
    put_signed(out, told.open_at);
}

fn take_alert(input: &mut &[u8]) -> Result<Alert, WireError> {
    let id = take_text(input)?;
    let base = take_machine(input)?;
    let base_until = take_option(input, take_signed)?;
    let tail = take_list(input, |input| {
        let start = take_signed(input)?;
        let verdict = verdict_of(take_byte(input)?).ok_or(WireError::Malformed("a verdict"))?;
        Ok(Judged { start, verdict })
    })?;
    let last = take_option(input, |input| {
        let verdict = verdict_of(take_byte(input)?).ok_or(WireError::Malformed("a verdict"))?;
        let mut number = || take_option(input, take_double);
        let (judged, baseline, threshold_lower, threshold_upper) = (number()?, number()?, number()?, number()?);
        Ok(Judgement { verdict, judged, baseline, threshold_lower, threshold_upper })
    })?;
    let told = Told {
        state: take_one(input, &AlertState::ALL)?,
        severity: take_one(input, &Severity::ALL)?,
        sequence: take_signed(input)?,
        started_at: take_option(input, take_signed)?,
        resolved_at: take_option(input, take_signed)?,
        acknowledged_by: take_option(input, take_text)?,
        suppressed_by: take_option(input, |input| take_one(input, &Suppression::ALL))?,
        open_at: take_signed(input)?,
    };
    Ok(Alert { id, base, base_until, tail, last, told })
}

fn put_machine(out: &mut Vec<u8>, machine: Machine) {
    let MachineParts { flags, severity, times, bad } = machine.to_parts();
    flags.into_iter().for_each(|flag| put_varint(out, flag));
    put_option(out, severity, |out, severity| out.push(severity as u8));
    times.into_iter().for_each(|time| put_option(out, time, put_signed));
    bad.into_iter().for_each(|bits| put_varint(out, bits));
}

fn take_machine(input: &mut &[u8]) -> Result<Machine, WireError> {
    let mut flags = [0; 5];
    for flag in &mut flags {
        *flag = take_varint(input)?;
    }
    let severity = take_option(input, |input| take_one(input, &Severity::ALL))?;
    let times = [take_option(input, take_signed)?, take_option(input, take_signed)?];
    let mut bad = [0; 3];
    for bits in &mut bad {
        *bits = take_varint(input)?;
    }
    Machine::from_parts(MachineParts { flags, severity, times, bad })
        .ok_or(WireError::Malformed("the state of an alert"))
}

/// Why a window was not judged makes no difference later.
fn verdict_number(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Unjudged(_) => 0,
        Verdict::Good => 1,
        Verdict::Between => 2,
        Verdict::Bad(severity) => 3 + severity as u8,
    }
}

fn verdict_of(number: u8) -> Option<Verdict> {
    Some(match number {
        0 => Verdict::Unjudged(Unjudged::Undefined),
        1 => Verdict::Good,
        2 => Verdict::Between,
        worse => Verdict::Bad(*Severity::ALL.get(usize::from(worse) - 3)?),
    })
}

fn put_seen(out: &mut Vec<u8>, seen: Seen) {
    put_signed(out, seen.at);
    put_signed(out, seen.pause_ms);
}

fn take_seen(input: &mut &[u8]) -> Result<Seen, WireError> {
    Ok(Seen { at: take_signed(input)?, pause_ms: take_signed(input)? })
}

fn put_spec(out: &mut Vec<u8>, spec: WindowSpec) {
    put_signed(out, spec.size_ms);
    put_signed(out, spec.advance_ms);
}

fn take_spec(input: &mut &[u8]) -> Result<WindowSpec, WireError> {
    Ok(WindowSpec { size_ms: take_signed(input)?, advance_ms: take_signed(input)? })
}

fn take_key(input: &mut &[u8]) -> Result<SeriesKey, WireError> {
    let bytes = take_bytes(input, 16)?;
    Ok(SeriesKey::from_le_bytes(bytes.try_into().map_err(|_| WireError::Malformed("a series"))?))
}

fn take_one<T: Copy>(input: &mut &[u8], all: &[T]) -> Result<T, WireError> {
    let number = usize::from(take_byte(input)?);
    all.get(number).copied().ok_or(WireError::Malformed("a name of an alert's state"))
}

fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

fn take_option<T>(
    input: &mut &[u8],
    take: impl FnOnce(&mut &[u8]) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    if take_byte(input)? == 0 { Ok(None) } else { take(input).map(Some) }
}

fn put_list<T>(
    out: &mut Vec<u8>,
    list: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    put: impl Fn(&mut Vec<u8>, T),
) {
    let items = list.into_iter();
    put_varint(out, items.len() as u64);
    items.for_each(|item| put(out, item));
}

fn take_list<T>(
    input: &mut &[u8],
    mut take: impl FnMut(&mut &[u8]) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    (0..take_length(input)?).map(|_| take(input)).collect()
}
