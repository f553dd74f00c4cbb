//! `Machine`: verdicts of windows, one after the other, to the state of an alert. Pure: the same verdicts in the same order
//! give the same state.
//!
//! ```text
//!           bad, fewer than `fire` of `of`          `fire` of the last `of` bad
//!      ok ───────────────────────────────► pending ─────────────────────────────► firing
//!       ▲                                     │ ▲                                   │
//!       │            none of `of` bad         │ │ bad again                         │ `clear` good in a row
//!       └─────────────────────────────────────┘ └──────────────── resolved ◄────────┘
//! ```
//!
//! Windows that are not judged change nothing, but ten of them in a row end what goes on. A severity rises at once; it does not fall before the alert is over, so that
//! a value between two bounds does not flap.

use super::Verdict;
use crate::event::Millis;
use crate::event::alert::{Gates, Severity};

/// Where a machine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Something is, not often enough; or the last alert is over too recently.
    Pending,
    /// Enough is wrong.
    Firing,
    /// It was, and is not any more.
    Resolved,
}

/// The state after some windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Machine {
    /// Where it stands.
    pub phase: Phase,
    /// The worst since it fires; of one that does not, the last one's.
    pub severity: Option<Severity>,
    /// End of the first bad window of what goes on or was last.
    pub started_at: Option<Millis>,
    /// End of the window with which the last one was over.
    pub resolved_at: Option<Millis>,
    /// It would fire, were the last alert not over so recently.
    pub is_cooling: bool,
    /// By severity: which of the last windows were at least as bad, the newest in the lowest bit.
    bad: [u64; 3],
    /// Windows that counted, up to 64.
    counted: u8,
    /// Good windows in a row.
    good: u32,
    /// Windows in a row that were not judged.
    unjudged: u32,
}

/// Windows in a row that are not judged, after which nothing is known of a series any more.
const GIVEN_UP_AFTER: u32 = 10;

impl Machine {
    /// Goes on by the verdict about a window that ends at `end`.
    pub fn step(&mut self, verdict: Verdict, end: Millis, gates: &Gates) {
        let severity = match verdict {
            Verdict::Unjudged(_) => {
                self.unjudged = self.unjudged.saturating_add(1);
                if self.unjudged >= GIVEN_UP_AFTER {
                    self.give_up(end);
                }
                return;
            }
            Verdict::Good | Verdict::Between => None,
            Verdict::Bad(severity) => Some(severity),
        };
        let of = gates.of.clamp(1, 64);
        let mask = u64::MAX >> (64 - of);
        for (place, at_least) in Severity::ALL.into_iter().enumerate() {
            let is_bad = severity.is_some_and(|severity| severity >= at_least);
            self.bad[place] = (self.bad[place] << 1 | u64::from(is_bad)) & mask;
        }
        (self.unjudged, self.counted) = (0, self.counted.saturating_add(1).min(64));
        self.good = if verdict == Verdict::Good { self.good.saturating_add(1) } else { 0 };
        if self.phase == Phase::Firing {
            self.severity = self.severity.max(self.met(gates));
            if self.good >= gates.clear.max(1) {
                // What was bad has been told: it does not count towards the next alert.
                *self = Machine {
                    phase: Phase::Resolved,
                    resolved_at: Some(end),
                    severity: self.severity,
                    started_at: self.started_at,
                    counted: self.counted,
                    ..Machine::default()
                };
            }
            return;
        }
        let met = self.met(gates);
        let is_cooling = self.resolved_at.is_some_and(|over| end < over.saturating_add(gates.cooldown_ms));
        self.is_cooling = met.is_some() && is_cooling;
        if self.bad[0] == 0 {
            self.phase = if self.phase == Phase::Pending { Phase::Ok } else { self.phase };
            return;
        }
        if self.phase != Phase::Pending {
            self.started_at = Some(end);
        }
        self.phase = Phase::Pending;
        self.severity = met.or_else(|| self.worst());
        if met.is_some() && !is_cooling {
            (self.phase, self.good) = (Phase::Firing, 0);
        }
    }

    /// Begins to fire, or ends, at once: of what is not about windows.
    pub fn set(&mut self, firing: Option<(Severity, Millis)>, end: Millis, gates: &Gates) {
        let cools_until = self.resolved_at.map_or(Millis::MIN, |over| over.saturating_add(gates.cooldown_ms));
        self.is_cooling = firing.is_some() && self.phase != Phase::Firing && end < cools_until;
        match (firing, self.phase) {
            (Some((severity, _)), Phase::Firing) => self.severity = self.severity.max(Some(severity)),
            (Some((severity, since)), _) => {
                *self = Machine {
                    phase: if self.is_cooling { Phase::Pending } else { Phase::Firing },
                    is_cooling: self.is_cooling,
                    severity: Some(severity),
                    started_at: Some(since),
                    resolved_at: self.resolved_at,
                    ..Machine::default()
                };
            }
            (None, Phase::Firing) => (self.phase, self.resolved_at) = (Phase::Resolved, Some(end)),
            (None, Phase::Pending) => self.phase = Phase::Ok,
            (None, _) => {}
        }
    }

    /// Ends whatever goes on: nothing more is known of its series.
    pub fn give_up(&mut self, end: Millis) {
        match self.phase {
            Phase::Firing => (self.phase, self.resolved_at) = (Phase::Resolved, Some(end)),
            Phase::Pending => self.phase = Phase::Ok,
            Phase::Ok | Phase::Resolved => {}
        }
        (self.bad, self.good, self.is_cooling, self.unjudged) = ([0; 3], 0, false, 0);
    }

    /// Bad ones among the last windows, and how many of those counted.
    pub fn bad_of(&self, gates: &Gates) -> (u32, u32) {
        (self.bad[0].count_ones().min(gates.of), u32::from(self.counted).min(gates.of))
    }

    /// The worst severity that enough of the last windows had.
    fn met(&self, gates: &Gates) -> Option<Severity> {
        let is_met = |bad: &u64| bad.count_ones() >= gates.fire.max(1);
        Severity::ALL.into_iter().zip(&self.bad).rev().find(|(_, bad)| is_met(bad)).map(|(severity, _)| severity)
    }

    /// The worst severity that any of the last windows had.
    fn worst(&self) -> Option<Severity> {
        Severity::ALL.into_iter().zip(&self.bad).rev().find(|(_, bad)| **bad != 0).map(|(severity, _)| severity)
    }

    /// As numbers, to be kept.
    pub fn to_parts(self) -> MachineParts {
        let counts = [self.counted.into(), self.good, self.unjudged].map(u64::from);
        let flags = [self.phase as u64, u64::from(self.is_cooling), counts[0], counts[1], counts[2]];
        MachineParts { flags, severity: self.severity, times: [self.started_at, self.resolved_at], bad: self.bad }
    }

    /// From what [`Self::to_parts`] gave; `None` if that is impossible.
    pub fn from_parts(parts: MachineParts) -> Option<Machine> {
        let [phase, is_cooling, counted, good, unjudged] = parts.flags;
        Some(Machine {
            phase: match phase {
                0 => Phase::Ok,
                1 => Phase::Pending,
                2 => Phase::Firing,
                3 => Phase::Resolved,
                _ => return None,
            },
            severity: parts.severity,
            started_at: parts.times[0],
            resolved_at: parts.times[1],
            is_cooling: is_cooling != 0,
            bad: parts.bad,
            counted: u8::try_from(counted).ok()?,
            good: u32::try_from(good).ok()?,
            unjudged: u32::try_from(unjudged).ok()?,
        })
    }
}

/// A machine as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineParts {
    /// Phase, cooling, windows that counted, good ones and unjudged ones in a row.
    pub flags: [u64; 5],
    /// Severity.
    pub severity: Option<Severity>,
    /// When it started, and when it was over.
    pub times: [Option<Millis>; 2],
    /// Which windows were bad.
    pub bad: [u64; 3],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Unjudged;

    const GOOD: Verdict = Verdict::Good;
    const BETWEEN: Verdict = Verdict::Between;
    const BAD: Verdict = Verdict::Bad(Severity::Warning);
    const WORSE: Verdict = Verdict::Bad(Severity::Critical);
    const NONE: Verdict = Verdict::Unjudged(Unjudged::TooFew);

    fn phases(gates: &Gates, verdicts: &[Verdict]) -> Vec<Phase> {
        let mut machine = Machine::default();
        let mut end = 0;
        verdicts
            .iter()
            .map(|verdict| {
                end += 10;
                machine.step(*verdict, end, gates);
                machine.phase
            })
            .collect()
    }

    #[test]
    fn one_bad_window_fires_and_one_good_one_ends_it() {
        use Phase::*;
        let gates = Gates::default();
        assert_eq!(
            phases(&gates, &[GOOD, BAD, BAD, GOOD, GOOD, BAD]),
            [Ok, Firing, Firing, Resolved, Resolved, Firing]
        );
    }

    #[test]
    fn k_of_n_windows_that_counted_have_to_be_bad() {
        use Phase::*;
        let gates = Gates { fire: 2, of: 3, ..Gates::default() };
        assert_eq!(phases(&gates, &[BAD, GOOD, NONE, NONE, BAD]), [Pending, Pending, Pending, Pending, Firing]);
        assert_eq!(phases(&gates, &[BAD, GOOD, GOOD, GOOD]), [Pending, Pending, Pending, Ok], "the first is forgotten");
    }

    #[test]
    fn what_was_told_does_not_count_towards_the_next_alert() {
        use Phase::*;
        let gates = Gates { fire: 2, of: 4, ..Gates::default() };
        assert_eq!(phases(&gates, &[BAD, BAD, GOOD, BAD, BAD]), [Pending, Firing, Resolved, Pending, Firing]);
    }

    #[test]
    fn between_the_limits_it_neither_fires_nor_ends() {
        use Phase::*;
        let gates = Gates { clear: 2, ..Gates::default() };
        let verdicts = [BETWEEN, BAD, GOOD, BETWEEN, GOOD, NONE, GOOD];
        assert_eq!(phases(&gates, &verdicts), [Ok, Firing, Firing, Firing, Firing, Firing, Resolved]);
    }

    #[test]
    fn a_severity_rises_at_once_and_falls_only_with_the_end() {
        let gates = Gates { fire: 1, of: 1, ..Gates::default() };
        let mut machine = Machine::default();
        let mut severity = |verdict, end| {
            machine.step(verdict, end, &gates);
            machine.severity
        };
        assert_eq!(severity(BAD, 1), Some(Severity::Warning));
        assert_eq!(severity(WORSE, 2), Some(Severity::Critical));
        assert_eq!(severity(BAD, 3), Some(Severity::Critical));
        assert_eq!((severity(GOOD, 4), severity(BAD, 5)), (Some(Severity::Critical), Some(Severity::Warning)));
    }

    #[test]
    fn enough_windows_must_have_the_severity_that_fires() {
        let gates = Gates { fire: 2, of: 2, ..Gates::default() };
        let mut machine = Machine::default();
        [WORSE, BAD].into_iter().zip(1..).for_each(|(verdict, end)| machine.step(verdict, end, &gates));
        assert_eq!(
            (machine.phase, machine.severity, machine.started_at),
            (Phase::Firing, Some(Severity::Warning), Some(1))
        );
    }

    #[test]
    fn after_its_end_it_cools_down() {
        let gates = Gates { cooldown_ms: 25, ..Gates::default() };
        let mut machine = Machine::default();
        [(BAD, 10), (GOOD, 20)].into_iter().for_each(|(verdict, end)| machine.step(verdict, end, &gates));
        machine.step(BAD, 40, &gates);
        assert_eq!((machine.phase, machine.is_cooling, machine.started_at), (Phase::Pending, true, Some(40)));
        machine.step(BAD, 45, &gates);
        assert_eq!((machine.phase, machine.is_cooling, machine.started_at), (Phase::Firing, false, Some(40)));
    }

    #[test]
    fn what_is_given_up_is_over_and_forgets() {
        let gates = Gates { fire: 2, of: 2, ..Gates::default() };
        let mut machine = Machine::default();
        machine.step(BAD, 1, &gates);
        machine.give_up(2);
        assert_eq!(machine.phase, Phase::Ok);
        machine.step(BAD, 3, &gates);
        assert_eq!(machine.phase, Phase::Pending, "one bad window");
    }

    #[test]
    fn its_parts_are_all_of_it() {
        let gates = Gates { fire: 2, of: 3, cooldown_ms: 5, ..Gates::default() };
        let mut machine = Machine::default();
        for (verdict, end) in [WORSE, BAD, GOOD, BAD, GOOD, WORSE, BAD].into_iter().zip(1..) {
            machine.step(verdict, end, &gates);
            assert_eq!(Machine::from_parts(machine.to_parts()), Some(machine));
        }
    }
}
