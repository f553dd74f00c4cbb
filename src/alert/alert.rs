//! `Alert`: one rule about one series: what the windows say, and what was told of it.

use super::machine::{Machine, Phase};
use super::{Judgement, Verdict};
use crate::event::Millis;
use crate::event::alert::{AlertState, Gates, Severity};
use std::sync::Arc;

/// Why nobody is told that an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Somebody said so.
    Silence,
    /// It is not the time.
    InactiveHours,
    /// Another one says it.
    Inhibited,
    /// The last one is over too recently.
    Cooldown,
    /// Too many of the same rule are open.
    TooMany,
}

impl Suppression {
    /// All of them.
    pub const ALL: [Suppression; 5] = [
        Suppression::Silence,
        Suppression::InactiveHours,
        Suppression::Inhibited,
        Suppression::Cooldown,
        Suppression::TooMany,
    ];

    /// The name in rows.
    pub fn name(self) -> &'static str {
        match self {
            Suppression::Silence => "silence",
            Suppression::InactiveHours => "inactive_hours",
            Suppression::Inhibited => "inhibited",
            Suppression::Cooldown => "cooldown",
            Suppression::TooMany => "too_many",
        }
    }
}

/// What was told of an alert last.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// State.
    pub state: AlertState,
    /// Severity.
    pub severity: Severity,
    /// How often something was told.
    pub sequence: i64,
    /// When what goes on, or was last, began.
    pub started_at: Option<Millis>,
    /// When it was over.
    pub resolved_at: Option<Millis>,
    /// Who looks after it.
    pub acknowledged_by: Option<Arc<str>>,
    /// Why nobody was told.
    pub suppressed_by: Option<Suppression>,
    /// When it was told last that it is open: the end of the window, or the clock of what is not about windows.
    pub open_at: Millis,
}

impl Default for Told {
    fn default() -> Self {
        Told {
            state: AlertState::Ok,
            severity: Severity::Warning,
            sequence: 0,
            started_at: None,
            resolved_at: None,
            acknowledged_by: None,
            suppressed_by: None,
            open_at: Millis::MIN,
        }
    }
}

/// A window that was judged and can still change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Its start.
    pub start: Millis,
    /// What was said of it.
    pub verdict: Verdict,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alert {
    /// `alert_id`.
    pub id: Arc<str>,
    /// After the windows that do not change any more, or are too old to be judged again.
    pub base: Machine,
    /// Start of the newest of them.
    pub base_until: Option<Millis>,
    /// The others, by start.
    pub tail: Vec<Judged>,
    /// How the last of all was judged.
    pub last: Option<Judgement>,
    /// What was told.
    pub told: Told,
}

/// Windows that can still change of which an alert remembers what was said. A change of older ones comes too late for it.
const TAIL: usize = 64;

impl Alert {
    /// Of which nothing is known.
    pub fn new(id: Arc<str>) -> Alert {
        Alert { id, ..Alert::default() }
    }

    /// Takes in what is said of the window that starts at `start`; true if that changes what was said before of it, or of
    /// what comes after it. A window that is too old changes nothing.
    pub fn judge(&mut self, start: Millis, verdict: Verdict, is_final: bool, size_ms: Millis, gates: &Gates) -> bool {
        if self.base_until.is_some_and(|until| start <= until) {
            return false;
        }
        let place = self.tail.partition_point(|judged| judged.start < start);
        let is_revision = place < self.tail.len();
        match self.tail.get_mut(place) {
            Some(known) if known.start == start => known.verdict = verdict,
            _ => self.tail.insert(place, Judged { start, verdict }),
        }
        // What is final is so for good if all before it is.
        let settled = if is_final && place == 0 { 1 } else { self.tail.len().saturating_sub(TAIL) };
        for judged in self.tail.drain(..settled) {
            self.base.step(judged.verdict, judged.start + size_ms, gates);
            self.base_until = Some(judged.start);
        }
        is_revision
    }

    /// What its windows say.
    pub fn machine(&self, size_ms: Millis, gates: &Gates) -> Machine {
        let mut machine = self.base;
        for judged in &self.tail {
            machine.step(judged.verdict, judged.start + size_ms, gates);
        }
        machine
    }

    /// End of the first bad window of what goes on.
    pub fn bad_since(&self, size_ms: Millis, gates: &Gates) -> Option<Millis> {
        let machine = self.machine(size_ms, gates);
        machine.started_at.filter(|_| matches!(machine.phase, Phase::Pending | Phase::Firing))
    }

    /// Start of the last window that was judged.
    pub fn last_judged(&self) -> Option<Millis> {
        self.tail.last().map(|judged| judged.start).or(self.base_until)
    }

    /// True if nothing goes on.
    pub fn is_over(&self, size_ms: Millis, gates: &Gates) -> bool {
        let goes_on = matches!(self.machine(size_ms, gates).phase, Phase::Pending | Phase::Firing);
        !goes_on && !self.told.state.is_open() && self.told.state != AlertState::Pending
    }

    /// Ends whatever goes on: nothing more comes of its series.
    pub fn give_up(&mut self, end: Millis, size_ms: Millis, gates: &Gates) {
        self.base = self.machine(size_ms, gates);
        self.base_until = self.last_judged();
        self.tail.clear();
        self.base.give_up(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::Good),
            Just(Verdict::Between),
            Just(Verdict::Bad(Severity::Warning)),
            Just(Verdict::Bad(Severity::Critical)),
        ]
    }

    fn gates() -> impl Strategy<Value = Gates> {
        (1u32..4, 0u32..3, 1u32..3, 0i64..40).prop_map(|(fire, more, clear, cooldown_ms)| Gates {
            fire,
            of: fire + more,
            clear,
            cooldown_ms,
            ..Gates::default()
        })
    }

    proptest! {
        #[test]
        fn what_windows_say_does_not_depend_on_the_order_in_which_they_came(
            gates in gates(),
            windows in prop::collection::vec((verdict(), verdict(), any::<u32>()), 1..20),
        ) {
            let mut plain = Machine::default();
            for (start, (_, last, _)) in windows.iter().enumerate() {
                plain.step(*last, 10 * start as i64 + 10, &gates);
            }
            let mut order: Vec<usize> = (0..windows.len()).collect();
            order.sort_by_key(|place| windows[*place].2);
            let mut alert = Alert::new("a".into());
            for place in &order {
                alert.judge(10 * *place as i64, windows[*place].0, false, 10, &gates);
            }
            // Then each becomes final, with another verdict.
            for (place, (_, last, _)) in windows.iter().enumerate() {
                alert.judge(10 * place as i64, *last, true, 10, &gates);
                prop_assert_eq!(alert.tail.len(), windows.len() - place - 1);
            }
            prop_assert_eq!(alert.machine(10, &gates), plain);
        }
    }

    #[test]
    fn a_window_before_others_is_a_revision_and_one_that_is_too_old_is_nothing() {
        let gates = Gates::default();
        let bad = Verdict::Bad(Severity::Warning);
        let mut alert = Alert::new("a".into());
        assert!(!alert.judge(10, Verdict::Good, false, 10, &gates));
        assert!(!alert.judge(30, Verdict::Good, false, 10, &gates));
        assert!(alert.judge(20, bad, false, 10, &gates));
        assert_eq!(alert.machine(10, &gates).phase, Phase::Resolved);
        assert!(alert.judge(30, bad, false, 10, &gates), "what was said is taken back");
        assert_eq!(alert.machine(10, &gates).phase, Phase::Firing);
        for start in 4..80 {
            alert.judge(10 * start, bad, false, 10, &gates);
        }
        assert_eq!(alert.tail.len(), TAIL);
        let before = alert.clone();
        assert!(!alert.judge(10, bad, false, 10, &gates));
        assert_eq!(alert, before);
    }
}
