//! Where a change began: a window cut in two, and how far apart the means of its parts are by chance.
//!
//! With L = ln(2·ln(n)/δ) of n values, their variance σ² and 1/m = 1/(n₀−l+1) + 1/(n₁−l+1), l the least length of a part,
//! chance explains a difference of means up to √(2·σ²·L/m) + 2·L/(3m). This is ADWIN's test of a drift, and the cut with
//! the largest multiple of it is taken for the place of a change, whichever method has found that there is one: that
//! multiple grows with n₀·n₁/(n₀+n₁)·(μ₀−μ₁)², so it is the least-squares estimate, with a second term against parts of few
//! values. Cuts lie between buckets, so the place is exact to about a fifth of the values that came since.

use super::adwin::AdwinParameters;
use super::signal::{Change, Point, Shift};
use super::window::Window;
use crate::event::Millis;

/// A window cut in two between buckets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    pub(super) older: Part,
    pub(super) newer: Part,
    /// Time of the first value of the newer part.
    pub(super) began: Millis,
}

/// One of the two parts of a cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) width: u64,
    pub(super) total: f64,
}

impl Part {
    fn mean(&self) -> f64 {
        self.total / self.width as f64
    }
}

impl Cut {
    fn is(&self, shift: Shift) -> bool {
        match shift {
            Shift::Rise => self.older.mean() < self.newer.mean(),
            Shift::Fall => self.older.mean() > self.newer.mean(),
        }
    }

    fn apart(&self) -> f64 {
        (self.older.mean() - self.newer.mean()).abs()
    }

    /// `last` is the index of the window's last value.
    fn change(&self, last: u64) -> Change {
        let began = Point { index: (last + 1).saturating_sub(self.newer.width), time: self.began };
        Change { began, before: self.older.mean(), after: self.newer.mean() }
    }
}

/// Which differences of means chance explains in one window.
pub(super) struct CutTest {
    min_length: f64,
    variance: f64,
    log: f64,
}

impl CutTest {
    /// Of `window`, with `delta` and `min_window_length` of the parameters.
    pub(super) fn of(window: &Window, parameters: &AdwinParameters) -> CutTest {
        let width = window.width() as f64;
        CutTest {
            min_length: f64::from(parameters.min_window_length),
            variance: window.deviation() / width,
            log: libm::log(2.0 * libm::log(width) / parameters.delta),
        }
    }

    fn is_long_enough(&self, cut: &Cut) -> bool {
        cut.older.width as f64 >= self.min_length && cut.newer.width as f64 >= self.min_length
    }

    /// Of a cut that is long enough.
    fn by_chance(&self, cut: &Cut) -> f64 {
        let (n0, n1) = (cut.older.width as f64, cut.newer.width as f64);
        let reciprocal = 1.0 / (n0 - self.min_length + 1.0) + 1.0 / (n1 - self.min_length + 1.0);
        (2.0 * reciprocal * self.variance * self.log).sqrt() + 2.0 / 3.0 * self.log * reciprocal
    }

    /// True if the means are further apart than by chance.
    pub(super) fn is_significant(&self, cut: &Cut) -> bool {
        self.is_long_enough(cut) && cut.apart() > self.by_chance(cut)
    }

    /// By what multiple of chance the means are apart; 0 where a part is too short.
    fn multiple(&self, cut: &Cut) -> f64 {
        if self.is_long_enough(cut) { cut.apart() / self.by_chance(cut) } else { 0.0 }
    }

    /// The change of the window's level at the cut that is least by chance, among those with this `shift` if there are
    /// any. `last` is the place of the window's last value, and the change if there is nothing to cut.
    pub(super) fn change(&self, window: &Window, shift: Option<Shift>, last: Point) -> Change {
        let multiple = |cut: &Cut| (shift.is_none_or(|shift| cut.is(shift)), self.multiple(cut));
        let compare = |(a, m): (bool, f64), (b, n): (bool, f64)| a.cmp(&b).then(m.total_cmp(&n));
        let best = window.cuts().max_by(|a, b| compare(multiple(a), multiple(b)));
        let unchanged = Change { began: last, before: window.mean(), after: window.mean() };
        best.map_or(unchanged, |cut| cut.change(last.index))
    }
}
