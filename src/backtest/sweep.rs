//! `Sweep`: one number of a rule, tried out: `recall-low.min=0.6..0.9/7`. Each value is a copy of the rule with an id of its own
//! beside it, so that one pass over the history judges all of them.

use super::key::{self, Kind};
use crate::config::nearest_name;
use crate::event::alert::{AlertRule, AlertSettings, Condition, Limits, Watch};
use crate::metrics::{Family, Metric};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Values that are tried where it is not said how many.
const STEPS: usize = 7;
/// Most of them.
const MOST_STEPS: usize = 100;
/// Stands between the id of a rule and what is tried: no rule's own id has it.
const MARK: char = '~';

/// One number of a rule and the values that are tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Id of the rule.
    pub rule: Arc<str>,
    /// The key, as it is written.
    pub key: String,
    /// What it is.
    pub kind: Kind,
    /// What the rule has; `None` if nothing.
    pub current: Option<f64>,
    /// Ascending, without repetition.
    pub values: Vec<f64>,
}

/// Ids of rules that somebody is told of, in the order of the configuration, each once.
pub fn rule_ids(settings: &AlertSettings) -> Vec<Arc<str>> {
    let mut ids: Vec<Arc<str>> = Vec::new();
    for rule in rules(settings).filter(|rule| rule.notify) {
        if !ids.contains(&rule.id) {
            ids.push(Arc::clone(&rule.id));
        }
    }
    ids
}

fn rules(settings: &AlertSettings) -> impl Iterator<Item = &AlertRule> {
    std::iter::once(&settings.defaults).chain(settings.models.values()).flat_map(|list| list.iter())
}

impl Sweep {
    /// Reads `RULE.KEY=FROM..TO/STEPS`, of a rule of `settings`.
    ///
    /// # Errors
    /// With what is wrong, and what could be meant.
    pub fn parse(text: &str, settings: &AlertSettings) -> Result<Sweep, String> {
        let wrong = |why: String| format!("--sweep `{text}`: {why}");
        let form = || wrong("write `RULE.KEY=FROM..TO`, such as `recall-low.min=0.6..0.9/7`".to_owned());
        let (name, range) = text.split_once('=').ok_or_else(form)?;
        let (name, range) = (name.trim(), range.trim());
        let (rule, key) = named(name, settings).map_err(wrong)?;
        let (kind, current) = key::value(rule, &key).ok_or_else(|| wrong(unknown_key(rule, &key)))?;
        let (ends, steps) = range.split_once('/').map_or((range, None), |(ends, steps)| (ends, Some(steps)));
        let (from, to) = ends.split_once("..").ok_or_else(form)?;
        let (from, to) = (kind.read(from.trim()).map_err(wrong)?, kind.read(to.trim()).map_err(wrong)?);
        if from >= to {
            let help = "the first value must be the smaller one";
            return Err(wrong(format!("nothing lies from `{}` to `{}`: {help}", kind.written(from), kind.written(to))));
        }
        let steps = match steps.map(|steps| steps.trim().parse::<usize>().ok()) {
            None => STEPS,
            Some(Some(steps)) if (2..=MOST_STEPS).contains(&steps) => steps,
            Some(_) => return Err(wrong(format!("after `/` stands how many values, from 2 to {MOST_STEPS}"))),
        };
        let sweep = Sweep { rule: Arc::clone(&rule.id), key, kind, current, values: spread(kind, from, to, steps) };
        sweep.check(rule).map_err(wrong)?;
        Ok(sweep)
    }

    /// A value that `rule` cannot have.
    fn check(&self, rule: &AlertRule) -> Result<(), String> {
        if let Watch::Metric { metric, condition: Condition::Static { .. }, .. } = &rule.watch
            && self.kind == Kind::Number
            && let Some((least, most, range)) = Metric::from_name(metric).and_then(range)
            && let Some(value) = self.values.iter().find(|value| **value < least || **value > most)
        {
            return Err(format!("`{metric}` is never `{}`: its range is {range}", self.kind.written(*value)));
        }
        for value in &self.values {
            let mut changed = rule.clone();
            key::set(&mut changed, &self.key, *value);
            let written = self.kind.written(*value);
            if changed.gates.fire > changed.gates.of {
                return Err(format!(
                    "with `{written}`, {} windows of {} would be bad",
                    changed.gates.fire, changed.gates.of
                ));
            }
            let limits = match &changed.watch {
                Watch::Metric { condition: Condition::Static { limits, .. }, .. } => limits.0.as_slice(),
                _ => &[],
            };
            if limits.iter().any(|(_, limits)| limits.min.zip(limits.max).is_some_and(|(min, max)| min > max)) {
                return Err(format!("with `{written}`, `max` is below `min`, so that no value is good"));
            }
            if let Some((mild, worse)) = crossed(&changed) {
                return Err(format!("with `{written}`, `{worse}` is reached no later than `{mild}`"));
            }
        }
        Ok(())
    }

    /// The id of the rule with the value at `place`, where this is the `number`th sweep.
    pub fn variant_id(&self, number: usize, place: usize) -> Arc<str> {
        format!("{}{MARK}{number}.{place}", self.rule).into()
    }

    /// True of ids that no rule has by itself.
    pub fn is_variant(id: &str) -> bool {
        id.contains(MARK)
    }

    /// `settings` with copies of rules for all values of all `sweeps`. Rules about rules do not see them, and they inhibit none.
    pub fn with_variants(settings: &AlertSettings, sweeps: &[Sweep]) -> AlertSettings {
        let extended = |list: &Arc<Vec<AlertRule>>| Arc::new(extended(list, sweeps));
        AlertSettings {
            defaults: extended(&settings.defaults),
            models: settings.models.iter().map(|(id, list)| (id.clone(), extended(list))).collect::<BTreeMap<_, _>>(),
            ..settings.clone()
        }
    }
}

fn extended(list: &[AlertRule], sweeps: &[Sweep]) -> Vec<AlertRule> {
    let mut extended = list.to_vec();
    for (sweep, number) in sweeps.iter().zip(0..) {
        let Some(rule) = list.iter().find(|rule| rule.id == sweep.rule) else { continue };
        for (value, place) in sweep.values.iter().zip(0..) {
            let mut variant = AlertRule { id: sweep.variant_id(number, place), notify: true, ..rule.clone() };
            if key::set(&mut variant, &sweep.key, *value) {
                extended.push(variant);
            }
        }
    }
    extended
}

/// The rule and the key that `RULE.KEY` names; ids may have points themselves.
fn named<'s>(name: &str, settings: &'s AlertSettings) -> Result<(&'s AlertRule, String), String> {
    let keys = rules(settings).filter_map(|rule| {
        let key = name.strip_prefix(&*rule.id)?.strip_prefix('.')?;
        Some((rule, key))
    });
    if let Some((rule, key)) = keys.max_by_key(|(rule, _)| rule.id.len()) {
        // `fire.windows` of a rule that wants all of them.
        let is_whole = key == "fire.windows" && rule.gates.fire == rule.gates.of;
        return Ok((rule, if is_whole { "fire" } else { key }.to_owned()));
    }
    let ids = rule_ids(settings);
    if ids.iter().any(|id| **id == *name) {
        return Err(format!("which number of `{name}` is not said: write `{name}.min=…`"));
    }
    let id = name.split_once('.').map_or(name, |(id, _)| id);
    Err(unknown_rule(id, ids.iter().map(|id| &**id)))
}

/// Says that there is no such rule, and which was meant.
pub(super) fn unknown_rule<'i>(id: &str, ids: impl Iterator<Item = &'i str> + Clone) -> String {
    match nearest_name(id, ids.clone()) {
        Some(near) => format!("there is no rule `{id}`; did you mean `{near}`?"),
        None => format!("there is no rule `{id}`; there are {}", listed(ids)),
    }
}

fn unknown_key(rule: &AlertRule, key: &str) -> String {
    let names = key::names(rule);
    match nearest_name(key, names.iter().map(String::as_str)) {
        Some(near) => format!("`{}` has no number `{key}`; did you mean `{near}`?", rule.id),
        None => format!("`{}` has no number `{key}`; it has {}", rule.id, listed(names.iter().map(String::as_str))),
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const MOST: usize = 12;
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 if names.is_empty() => "none".to_owned(),
        0 => names.join(", "),
        rest => format!("{} and {rest} more", names[..MOST].join(", ")),
    }
}

/// Severities of which the worse one is not rarer than the milder one, as the configuration does not allow them either.
fn crossed(rule: &AlertRule) -> Option<(&'static str, &'static str)> {
    let Watch::Metric { condition, .. } = &rule.watch else { return None };
    match condition {
        Condition::Static { limits, .. } | Condition::Relative { limits, .. } => {
            let mut pairs = limits.0.windows(2);
            let is_wrong = |mild: &Limits, worse: &Limits| {
                mild.min.zip(worse.min).is_some_and(|(mild, worse)| worse >= mild)
                    || mild.max.zip(worse.max).is_some_and(|(mild, worse)| worse <= mild)
            };
            pairs.find(|pair| is_wrong(&pair[0].1, &pair[1].1)).map(|pair| (pair[0].0.name(), pair[1].0.name()))
        }
        Condition::Dynamic { alpha, .. } => {
            let mut pairs = alpha.0.windows(2);
            pairs.find(|pair| pair[1].1 >= pair[0].1).map(|pair| (pair[0].0.name(), pair[1].0.name()))
        }
    }
}

/// The widest range of a metric in any family, and how it is written.
fn range(metric: Metric) -> Option<(f64, f64, &'static str)> {
    let ranges = Family::ALL.into_iter().filter_map(|family| Some(family.entry(metric)?.range));
    let wide = |range: &crate::metrics::catalog::Range| range.bounds().1 - range.bounds().0;
    let widest = ranges.max_by(|a, b| wide(a).total_cmp(&wide(b)))?;
    Some((widest.bounds().0, widest.bounds().1, widest.text()))
}

/// So many values from one end to the other: in equal steps, or ratios.
fn spread(kind: Kind, from: f64, to: f64, steps: usize) -> Vec<f64> {
    let value = |step: usize| {
        let part = step as f64 / (steps - 1) as f64;
        match kind {
            _ if step == 0 => from,
            _ if step + 1 == steps => to,
            Kind::Probability => key::rounded(from * libm::pow(to / from, part)),
            Kind::Count { .. } | Kind::Duration => (from + (to - from) * part).round(),
            _ => key::rounded(from + (to - from) * part),
        }
    };
    let mut values: Vec<f64> = (0..steps).map(value).collect();
    values.dedup();
    values
}
