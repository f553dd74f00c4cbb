//! Which earlier windows a window is compared with, and how many of them it takes.
//!
//! A single window can be anything by chance. So the median of the last windows waits for 4 of them, or for all if fewer are
//! asked for. Seasons are long, and take half of what is asked for, two at least. An interval of what was to be expected needs
//! to know the spread as well: 8 windows, or as many as are asked for, but never fewer than 4 ([`least_windows`]).

use super::spread::median;
use crate::alert::{Earlier, Point};
use crate::event::Millis;
use crate::event::alert::{Baseline, Condition};
use smallvec::SmallVec;

/// So many windows lie on the stack.
pub(super) const ON_STACK: usize = 64;

/// Windows that say where the last ones were.
const TRAILING: usize = 4;
/// Windows that say how far they are apart.
const SPREAD: usize = 8;
/// Fewer than these say nothing of that.
const LEAST_SPREAD: usize = 4;

/// How many windows that count `condition` needs before it judges one; 0 if it needs none.
pub fn least_windows(condition: &Condition) -> usize {
    match condition {
        Condition::Static { .. } => 0,
        Condition::Relative { baseline, .. } => least_of_median(baseline),
        Condition::Dynamic { baseline, .. } => asked(baseline).clamp(LEAST_SPREAD, SPREAD),
    }
}

/// How many windows a baseline has at most.
fn asked(baseline: &Baseline) -> usize {
    match baseline {
        Baseline::Reference => 0,
        Baseline::Previous | Baseline::Ago { .. } => 1,
        Baseline::Trailing { windows } => *windows as usize,
        Baseline::Season { seasons, .. } => *seasons as usize,
    }
}

fn least_of_median(baseline: &Baseline) -> usize {
    let asked = asked(baseline);
    match baseline {
        Baseline::Season { .. } => asked.min(asked.div_ceil(2).max(2)),
        _ => asked.min(TRAILING),
    }
}

/// The windows of `baseline` that have a value and count, for a window that begins at `start`.
pub(super) fn windows<'h>(baseline: &Baseline, start: Millis, earlier: Earlier<'h>) -> SmallVec<[&'h Point; ON_STACK]> {
    let has_value = |point: &&Point| point.value.is_some_and(f64::is_finite);
    let ago = |ms: Millis, times: i64| start.checked_sub(ms.checked_mul(times)?).and_then(|at| earlier.at(at));
    match baseline {
        Baseline::Reference => SmallVec::new(),
        Baseline::Previous => earlier.newest_first().filter(has_value).take(1).collect(),
        Baseline::Trailing { windows } => earlier.newest_first().filter(has_value).take(*windows as usize).collect(),
        Baseline::Ago { ms } => ago(*ms, 1).into_iter().filter(has_value).collect(),
        Baseline::Season { ms, seasons } => {
            (1..=i64::from(*seasons)).filter_map(|times| ago(*ms, times)).filter(has_value).collect()
        }
    }
}

/// The one value that stands for `baseline`; `None` while too little is known of it.
pub(super) fn single(baseline: &Baseline, start: Millis, earlier: Earlier<'_>, reference: Option<f64>) -> Option<f64> {
    if *baseline == Baseline::Reference {
        return reference.filter(|value| value.is_finite());
    }
    let windows = windows(baseline, start, earlier);
    if windows.len() < least_of_median(baseline) {
        return None;
    }
    let mut values: SmallVec<[f64; ON_STACK]> = windows.iter().filter_map(|point| point.value).collect();
    values.sort_unstable_by(f64::total_cmp);
    median(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::{BySeverity, Side};

    const ALL: &dyn Fn(&Point) -> bool = &|_| true;

    /// Windows at 0, 10, 20 … with these values.
    fn history(values: &[f64]) -> Vec<Point> {
        let at =
            |(place, &value): (usize, &f64)| Point { start: place as i64 * 10, value: Some(value), ..Point::default() };
        values.iter().enumerate().map(at).collect()
    }

    fn single_of(baseline: Baseline, values: &[f64]) -> Option<f64> {
        let points = history(values);
        single(&baseline, points.len() as i64 * 10, Earlier::new(&points, ALL), None)
    }

    #[test]
    fn each_baseline_is_what_it_says() {
        let values = [7.0, 1.0, 2.0, 3.0, 4.0, 9.0];
        assert_eq!(single_of(Baseline::Previous, &values), Some(9.0));
        assert_eq!(single_of(Baseline::Trailing { windows: 5 }, &values), Some(3.0));
        assert_eq!(single_of(Baseline::Trailing { windows: 100 }, &values), Some(3.5));
        assert_eq!(single_of(Baseline::Ago { ms: 20 }, &values), Some(4.0));
        assert_eq!(single_of(Baseline::Ago { ms: 15 }, &values), None);
        assert_eq!(single_of(Baseline::Season { ms: 20, seasons: 3 }, &values), Some(4.0));
        assert_eq!(single_of(Baseline::Reference, &values), None);
        assert_eq!(single(&Baseline::Reference, 0, Earlier::new(&[], ALL), Some(0.5)), Some(0.5));
    }

    #[test]
    fn a_median_waits_for_enough_windows() {
        assert_eq!(single_of(Baseline::Trailing { windows: 7 }, &[1.0, 2.0, 3.0]), None);
        assert_eq!(single_of(Baseline::Trailing { windows: 7 }, &[1.0, 2.0, 3.0, 4.0]), Some(2.5));
        assert_eq!(single_of(Baseline::Trailing { windows: 2 }, &[1.0]), None);
        assert_eq!(single_of(Baseline::Trailing { windows: 2 }, &[1.0, 2.0]), Some(1.5));
        assert_eq!(single_of(Baseline::Season { ms: 10, seasons: 4 }, &[1.0]), None);
        assert_eq!(single_of(Baseline::Season { ms: 10, seasons: 4 }, &[1.0, 2.0]), Some(1.5));
        assert_eq!(single_of(Baseline::Season { ms: 10, seasons: 1 }, &[1.0]), Some(1.0));
    }

    #[test]
    fn windows_that_do_not_count_are_none() {
        let mut points = history(&[1.0, 2.0, 3.0, 4.0]);
        points[2].value = None;
        let counts = |point: &Point| point.start != 30;
        let earlier = Earlier::new(&points, &counts);
        assert_eq!(single(&Baseline::Previous, 40, earlier, None), Some(2.0));
        assert_eq!(single(&Baseline::Ago { ms: 10 }, 40, earlier, None), None);
        assert_eq!(single(&Baseline::Ago { ms: 20 }, 40, earlier, None), None);
        assert_eq!(single(&Baseline::Ago { ms: 30 }, 40, earlier, None), Some(2.0));
    }

    #[test]
    fn seasons_before_all_time_are_none() {
        let season = Baseline::Season { ms: i64::MAX, seasons: 3 };
        assert_eq!(single(&season, i64::MIN, Earlier::new(&history(&[1.0]), ALL), None), None);
    }

    #[test]
    fn what_is_expected_needs_more_windows_than_a_median() {
        let dynamic = |windows| Condition::Dynamic {
            baseline: Baseline::Trailing { windows },
            alpha: BySeverity(Vec::new()),
            side: Side::Both,
            least: 0.0,
        };
        assert_eq!([2, 6, 14, 500].map(|windows| least_windows(&dynamic(windows))), [4, 6, 8, 8]);
    }
}
