//! `Tally`: how often and how long alerts were open.

use super::Episode;
use crate::event::Millis;
use crate::event::alert::Severity;
use serde::Serialize;

/// The span of event time that was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct History {
    /// Earliest event time of a record.
    pub from: Millis,
    /// Newest.
    pub to: Millis,
}

/// Figures of some episodes. What there is nothing to divide by, or no episode for, is `None`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Tally {
    /// How many there are.
    pub alerts: u64,
    /// Those that are open at the end of the history.
    pub open: u64,
    /// Those that were critical at any time.
    pub critical: u64,
    /// Those that opened again within three windows after the same alert was over.
    pub flapping: u64,
    /// Share of the history in which one or more of them were open, in [0, 1].
    pub open_share: Option<f64>,
    /// Median of how long they were open, in ms; what is open still is so until the end of the history.
    pub median_ms: Option<Millis>,
    /// Longest, likewise.
    pub longest_ms: Option<Millis>,
    /// Median time from the end of the first bad window until the alert opened, in ms.
    pub wait_ms: Option<Millis>,
}

impl Tally {
    /// Of these episodes.
    pub fn of(episodes: &[&Episode], history: History) -> Tally {
        let count = |is_meant: &dyn Fn(&Episode) -> bool| episodes.iter().filter(|e| is_meant(e)).count() as u64;
        let lengths: Vec<Millis> = episodes.iter().map(|episode| episode.length(history.to)).collect();
        Tally {
            alerts: episodes.len() as u64,
            open: count(&|episode| episode.over.is_none()),
            critical: count(&|episode| episode.severity == Severity::Critical),
            flapping: count(&|episode| episode.is_reopened),
            open_share: open_share(episodes, history),
            longest_ms: lengths.iter().copied().max(),
            median_ms: median(lengths),
            // Nothing is found before its time, except what the end of the history cuts off.
            wait_ms: median(episodes.iter().map(|e| e.found.saturating_sub(e.began).max(0)).collect()),
        }
    }
}

/// The middle of some times; of an even number, the mean of the two in the middle.
pub(super) fn median(mut times: Vec<Millis>) -> Option<Millis> {
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    match times.len() % 2 {
        0 => Some(times[times.len() / 2 - 1].midpoint(upper)),
        _ => Some(upper),
    }
}

fn open_share(episodes: &[&Episode], history: History) -> Option<f64> {
    let whole = history.to.saturating_sub(history.from);
    let mut spans: Vec<(Millis, Millis)> = episodes
        .iter()
        .map(|episode| (episode.found.max(history.from), episode.over.unwrap_or(history.to).min(history.to)))
        .collect();
    spans.sort_unstable();
    let (mut open, mut until) = (0, history.from);
    for (from, to) in spans {
        open += to.saturating_sub(from.max(until)).max(0);
        until = until.max(to);
    }
    (whole > 0).then(|| open as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::episodes_tests::episode;

    const HISTORY: History = History { from: 0, to: 100 };

    #[test]
    fn medians_are_of_the_middle() {
        for (times, expected) in [
            (vec![], None),
            (vec![7], Some(7)),
            (vec![9, 1], Some(5)),
            (vec![5, 100, 1], Some(5)),
            (vec![-3, 4], Some(0)),
        ] {
            assert_eq!(median(times.clone()), expected, "{times:?}");
        }
    }

    #[test]
    fn nothing_has_no_figures_but_counts() {
        let nothing = Tally { open_share: Some(0.0), ..Tally::default() };
        assert_eq!(Tally::of(&[], HISTORY), nothing);
        assert_eq!(Tally::of(&[], History { from: 5, to: 5 }).open_share, None, "nothing to divide by");
    }

    #[test]
    fn what_overlaps_is_open_once_and_what_is_open_is_so_to_the_end() {
        let episodes = [episode("r", 0, 10, Some(30)), episode("r", 0, 20, Some(50)), episode("r", 0, 90, None)];
        let tally = Tally::of(&episodes.iter().collect::<Vec<_>>(), HISTORY);
        assert_eq!((tally.alerts, tally.open), (3, 1));
        assert_eq!(tally.open_share, Some(0.5), "10 to 50 and 90 to 100");
        assert_eq!((tally.median_ms, tally.longest_ms), (Some(20), Some(30)));
    }
}
