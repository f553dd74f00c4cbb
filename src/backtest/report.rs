//! `Report`: all that a back-test found.

use super::score::{delay, tells_of, within};
use super::{Episode, History, Score, Sweep, Tally};
use crate::config::Incident;
use crate::event::Millis;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Figures of one rule, or of all together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleLine {
    /// Id of the rule; `None`: all of them.
    pub rule: Option<Arc<str>>,
    /// How often and how long.
    #[serde(flatten)]
    pub tally: Tally,
    /// How good, where incidents are known.
    pub score: Option<Score>,
}

/// An incident, and who told of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// What it is called.
    pub name: String,
    /// Start.
    pub from: Millis,
    /// End, exclusive.
    pub to: Millis,
    /// Rules that told of it, in the order of the configuration.
    pub rules: Vec<Arc<str>>,
    /// From its start until the first of them did, in ms.
    pub delay_ms: Option<Millis>,
}

/// Figures of a rule with another number in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepLine {
    /// The number, durations in ms.
    pub value: f64,
    /// As the configuration has it.
    pub written: String,
    /// The rule has it now.
    pub is_current: bool,
    /// How often and how long.
    #[serde(flatten)]
    pub tally: Tally,
    /// How good, where incidents are known.
    pub score: Option<Score>,
}

/// All values of one number of a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepTable {
    /// Id of the rule.
    pub rule: Arc<str>,
    /// The number's key.
    pub key: String,
    /// What the rule has, as the configuration has it.
    pub current: Option<String>,
    /// Each value, ascending.
    pub values: Vec<SweepLine>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The span that was judged.
    pub history: History,
    /// All rules together.
    pub all: RuleLine,
    /// Each rule, in the order of the configuration.
    pub rules: Vec<RuleLine>,
    /// Each incident in the history, by its start; `None`: none are known.
    pub incidents: Option<Vec<Found>>,
    /// How many more lie outside of it, and count for nothing.
    pub incidents_outside: usize,
    /// Numbers that were tried.
    pub sweeps: Vec<SweepTable>,
    /// The alerts themselves, in the order in which they were found.
    pub episodes: Vec<Episode>,
    /// Those that overlap an incident, by alert and when they were found.
    #[serde(skip)]
    true_episodes: BTreeSet<(Arc<str>, Millis)>,
}

impl Report {
    /// Of all `episodes`, also those of values that were tried; `rules` are the ids of the others.
    pub fn new(
        episodes: &[Episode],
        rules: &[Arc<str>],
        incidents: Option<&[Incident]>,
        sweeps: &[Sweep],
        history: History,
    ) -> Report {
        let inside = incidents.map(|incidents| within(incidents, history));
        let own: Vec<(&Episode, &str)> = pairs(episodes, |rule| !Sweep::is_variant(rule)).collect();
        let ids: Vec<&str> = rules.iter().map(|id| &**id).collect();
        let line = |rule: Option<&Arc<str>>, episodes: &[(&Episode, &str)], ids: &[&str]| RuleLine {
            rule: rule.cloned(),
            tally: tally(episodes, history),
            score: inside.as_ref().map(|inside| Score::of(episodes, ids, inside)),
        };
        let of_rule = |id: &Arc<str>| {
            let own: Vec<_> = own.iter().filter(|(_, rule)| **id == **rule).copied().collect();
            line(Some(id), &own, &[id])
        };
        let mut found: Option<Vec<Found>> =
            inside.as_ref().map(|inside| inside.iter().map(|incident| told(incident, rules, &own)).collect());
        found.iter_mut().for_each(|found| found.sort_by(|a, b| (a.from, &a.name).cmp(&(b.from, &b.name))));
        let outside = incidents.map_or(0, <[_]>::len) - inside.as_ref().map_or(0, Vec::len);
        let tells = |(episode, rule): &&(&Episode, &str)| {
            inside.iter().flatten().any(|incident| tells_of(episode, rule, incident))
        };
        let true_episodes = own.iter().filter(tells).map(|(e, _)| (Arc::clone(&e.alert_id), e.found)).collect();
        Report {
            true_episodes,
            history,
            all: line(None, &own, &ids),
            rules: rules.iter().map(of_rule).collect(),
            incidents: found,
            incidents_outside: outside,
            sweeps: sweeps.iter().zip(0..).map(|(s, i)| table(s, i, episodes, inside.as_deref(), history)).collect(),
            episodes: own.iter().map(|(episode, _)| (*episode).clone()).collect(),
        }
    }

    /// True if `episode` overlaps an incident that it may be about.
    pub fn is_true(&self, episode: &Episode) -> bool {
        self.true_episodes.contains(&(Arc::clone(&episode.alert_id), episode.found))
    }

    /// The line of a rule, or of all.
    pub fn line(&self, rule: Option<&str>) -> Option<&RuleLine> {
        match rule {
            None => Some(&self.all),
            Some(id) => self.rules.iter().find(|line| line.rule.as_deref() == Some(id)),
        }
    }
}

/// Episodes of rules that are meant, each with the rule's id.
fn pairs(episodes: &[Episode], is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = (&Episode, &str)> {
    episodes.iter().map(|episode| (episode, &*episode.rule)).filter(move |(_, rule)| is_meant(rule))
}

fn tally(episodes: &[(&Episode, &str)], history: History) -> Tally {
    Tally::of(&episodes.iter().map(|(episode, _)| *episode).collect::<Vec<_>>(), history)
}

fn told(incident: &Incident, rules: &[Arc<str>], episodes: &[(&Episode, &str)]) -> Found {
    let tells = |id: &&Arc<str>| {
        let mut of_rule = episodes.iter().filter(|(_, rule)| ***id == **rule);
        of_rule.any(|(episode, rule)| tells_of(episode, rule, incident))
    };
    Found {
        name: incident.name.clone(),
        from: incident.from_ms,
        to: incident.to_ms,
        rules: rules.iter().filter(tells).cloned().collect(),
        delay_ms: delay(episodes, incident),
    }
}

fn table(
    sweep: &Sweep,
    number: usize,
    episodes: &[Episode],
    incidents: Option<&[&Incident]>,
    history: History,
) -> SweepTable {
    let line = |(place, value): (usize, &f64)| {
        let id = sweep.variant_id(number, place);
        // It counts for the rule that it is a copy of.
        let own: Vec<(&Episode, &str)> = pairs(episodes, |rule| *rule == *id).map(|(e, _)| (e, &*sweep.rule)).collect();
        SweepLine {
            value: *value,
            written: sweep.kind.written(*value),
            is_current: sweep.current.is_some_and(|current| sweep.kind.written(current) == sweep.kind.written(*value)),
            tally: tally(&own, history),
            score: incidents.map(|incidents| Score::of(&own, &[&sweep.rule], incidents)),
        }
    };
    SweepTable {
        rule: Arc::clone(&sweep.rule),
        key: sweep.key.clone(),
        current: sweep.current.map(|current| sweep.kind.written(current)),
        values: sweep.values.iter().enumerate().map(line).collect(),
    }
}
