//! `Score`: alerts against known incidents.

use super::tally::median;
use super::{Episode, History};
use crate::config::Incident;
use crate::event::Millis;
use serde::Serialize;

/// How good alerts are at telling of incidents. What there is nothing to divide by is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Score {
    /// Share of episodes that overlap an incident they may be about, in [0, 1].
    pub precision: Option<f64>,
    /// Share of the incidents that an episode overlaps, of those that one may be about, in [0, 1].
    pub recall: Option<f64>,
    /// Median time from the start of an incident until the first of its alerts opened, in ms.
    pub delay_ms: Option<Millis>,
    /// Episodes that overlap an incident.
    pub true_alerts: u64,
}

/// Incidents of which some lies in the history; others nobody could have been told of.
pub(super) fn within(incidents: &[Incident], history: History) -> Vec<&Incident> {
    incidents.iter().filter(|incident| incident.from_ms <= history.to && history.from < incident.to_ms).collect()
}

/// True if `episode` may be about `incident`, and overlaps it.
pub(super) fn tells_of(episode: &Episode, rule: &str, incident: &Incident) -> bool {
    incident.concerns_rule(rule)
        && incident.concerns_model(&episode.model_id)
        && episode.overlaps(incident.from_ms, incident.to_ms)
}

/// How long after its start `incident` was told of by one of these; `None`: it was not. What was open before is no delay.
pub(super) fn delay(episodes: &[(&Episode, &str)], incident: &Incident) -> Option<Millis> {
    let telling = episodes.iter().filter(|(episode, rule)| tells_of(episode, rule, incident));
    telling.map(|(episode, _)| episode.found.saturating_sub(incident.from_ms).max(0)).min()
}

impl Score {
    /// Of episodes, each with the id of the rule that it counts for; `rules` are all of these.
    pub fn of(episodes: &[(&Episode, &str)], rules: &[&str], incidents: &[&Incident]) -> Score {
        let is_true = |(episode, rule): &&(&Episode, &str)| incidents.iter().any(|i| tells_of(episode, rule, i));
        let true_alerts = episodes.iter().filter(is_true).count();
        let meant = incidents.iter().filter(|incident| rules.iter().any(|rule| incident.concerns_rule(rule)));
        let delays: Vec<Option<Millis>> = meant.map(|incident| delay(episodes, incident)).collect();
        let found: Vec<Millis> = delays.iter().copied().flatten().collect();
        Score {
            precision: share(true_alerts, episodes.len()),
            recall: share(found.len(), delays.len()),
            delay_ms: median(found),
            true_alerts: true_alerts as u64,
        }
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::episodes_tests::episode;
    use crate::event::alert::Pattern;

    fn incident(from_ms: Millis, to_ms: Millis) -> Incident {
        Incident { name: format!("{from_ms}"), from_ms, to_ms, model: None, rules: Vec::new() }
    }

    fn scored(episodes: &[Episode], incidents: &[Incident]) -> Score {
        let episodes: Vec<(&Episode, &str)> = episodes.iter().map(|episode| (episode, &*episode.rule)).collect();
        Score::of(&episodes, &["a", "b"], &incidents.iter().collect::<Vec<_>>())
    }

    /// (episodes: from, found, over), (incidents: from, to), precision, recall, delay.
    type Case<'c> =
        (&'c [(Millis, Millis, Option<Millis>)], &'c [(Millis, Millis)], Option<f64>, Option<f64>, Option<Millis>);

    #[test]
    fn scores_are_shares_of_what_overlaps() {
        let cases: [Case<'_>; 10] = [
            (&[], &[], None, None, None),
            (&[], &[(10, 20)], None, Some(0.0), None),
            (&[(0, 5, Some(9))], &[], Some(0.0), None, None),
            (&[(0, 15, Some(30))], &[(10, 20)], Some(1.0), Some(1.0), Some(5)),
            // Ends touch, and do not overlap.
            (&[(0, 5, Some(10))], &[(10, 20)], Some(0.0), Some(0.0), None),
            (&[(20, 25, Some(30))], &[(10, 20)], Some(0.0), Some(0.0), None),
            // Open for ever: whatever comes is told of, without delay.
            (&[(0, 5, None)], &[(10, 20), (50, 60)], Some(1.0), Some(1.0), Some(0)),
            // Two for one count twice in precision, once in recall, and the first is the delay.
            (&[(11, 18, Some(30)), (10, 14, Some(16))], &[(10, 20)], Some(1.0), Some(1.0), Some(4)),
            (
                &[(0, 15, Some(30)), (40, 45, Some(50))],
                &[(10, 20), (70, 80), (90, 95)],
                Some(0.5),
                Some(1.0 / 3.0),
                Some(5),
            ),
            // Found after the incident was over, by its windows.
            (&[(12, 40, Some(60))], &[(10, 20)], Some(1.0), Some(1.0), Some(30)),
        ];
        for (episodes, incidents, precision, recall, delay_ms) in cases {
            let made: Vec<Episode> =
                episodes.iter().map(|(from, found, over)| episode("a", *from, *found, *over)).collect();
            let incidents: Vec<Incident> = incidents.iter().map(|(from, to)| incident(*from, *to)).collect();
            let score = scored(&made, &incidents);
            assert_eq!((score.precision, score.recall, score.delay_ms), (precision, recall, delay_ms), "{episodes:?}");
        }
    }

    #[test]
    fn an_incident_is_told_of_by_the_rules_and_models_that_it_is_about() {
        let of_b = Incident { rules: vec![Pattern::new("b*")], ..incident(10, 20) };
        let score = scored(&[episode("a", 10, 15, None)], std::slice::from_ref(&of_b));
        assert_eq!((score.precision, score.recall), (Some(0.0), Some(0.0)));
        assert_eq!(Score::of(&[], &["a"], &[&of_b]).recall, None, "nobody asks it of the other rule");
        let elsewhere = Incident { model: Some(Pattern::new("n")), ..incident(10, 20) };
        assert_eq!(scored(&[episode("a", 10, 15, None)], &[elsewhere]).recall, Some(0.0), "the episode is of model m");
    }

    #[test]
    fn incidents_outside_of_the_history_do_not_count() {
        let incidents = [incident(0, 10), incident(9, 11), incident(50, 60), incident(51, 60)];
        let left: Vec<Millis> = within(&incidents, History { from: 10, to: 50 }).iter().map(|i| i.from_ms).collect();
        assert_eq!(left, [9, 50]);
    }
}
