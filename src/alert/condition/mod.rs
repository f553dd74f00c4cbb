//! Whether a value is bad: against fixed limits, against what it was, or against what was to be expected.
//!
//! * `fixed`: limits of a value, and of its sampling interval where chance alone must not fire.
//! * `baseline`: which earlier windows a window is compared with, and how many of them it takes.
//! * `relative`: limits of the difference from a baseline.
//! * `dynamic`: the interval in which a further value of its history was to be expected.
//! * `spread`: centre and scale of a history, whatever a few of its windows hold.
//! * `student`: quantiles of Student's distribution.
//!
//! All numbers that come out are finite. What is too large for one is the largest there is.

mod baseline;
mod dynamic;
#[cfg(test)]
mod dynamic_tests;
mod fixed;
mod relative;
mod spread;
mod student;

pub use baseline::least_windows;

use super::{Earlier, Judgement, Point, Unjudged};
use crate::event::alert::{Condition, Limits};

/// Judges `point` by `condition`, where `earlier` are the windows before it that count, and `reference` is the metric over the
/// rows of the reference profile. Within `clear_limits` a value that does not fire is good, without them within the mildest
/// limits that fire; else it is between good and bad.
pub fn judge(
    condition: &Condition,
    clear_limits: Option<&Limits>,
    point: &Point,
    earlier: Earlier<'_>,
    reference: Option<f64>,
) -> Judgement {
    let Some(value) = point.value.filter(|value| value.is_finite()) else {
        return Judgement::unjudged(Unjudged::Undefined);
    };
    match condition {
        Condition::Static { limits, certain } => {
            let judged = fixed::Judged { value, lower: point.lower, upper: point.upper };
            fixed::judge(limits, *certain, clear_limits, judged, None)
        }
        Condition::Relative { baseline, unit, limits, certain } => {
            let Some(baseline) = baseline::single(baseline, point.start, earlier, reference) else {
                return Judgement::unjudged(Unjudged::NoBaseline);
            };
            match relative::difference(value, point, baseline, *unit) {
                Some(judged) => fixed::judge(limits, *certain, clear_limits, judged, Some(baseline)),
                None => Judgement { baseline: Some(baseline), ..Judgement::unjudged(Unjudged::NoBaseline) },
            }
        }
        Condition::Dynamic { baseline, alpha, side, least } => {
            let Some(expected) = dynamic::Expected::of(baseline, least_windows(condition), point.start, earlier) else {
                return Judgement { judged: Some(value), ..Judgement::unjudged(Unjudged::NoBaseline) };
            };
            expected.judge(alpha, *side, *least, clear_limits, value, point)
        }
    }
}

/// Limits that no value can pass are none: `bounds` are the least and the greatest value of the metric, as the catalog has
/// them, infinite where there is none. For judgements of a value, not of a difference.
pub fn within_range(judgement: Judgement, (least, greatest): (f64, f64)) -> Judgement {
    Judgement {
        threshold_lower: judgement.threshold_lower.filter(|lower| *lower > least),
        threshold_upper: judgement.threshold_upper.filter(|upper| *upper < greatest),
        ..judgement
    }
}

/// `value`, or the finite number next to it. Not for what is not a number.
fn finite(value: f64) -> f64 {
    value.clamp(f64::MIN, f64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Verdict;
    use crate::event::alert::{Baseline, BySeverity, Severity, Side, Unit};

    const ALL: &dyn Fn(&Point) -> bool = &|_| true;

    fn at(start: i64, value: f64) -> Point {
        Point { start, value: Some(value), ..Point::default() }
    }

    #[test]
    fn an_undefined_value_is_not_judged() {
        let limits = BySeverity(vec![(Severity::Warning, Limits { min: Some(0.5), max: None })]);
        for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            let point = Point { value, ..Point::default() };
            let condition = Condition::Static { limits: limits.clone(), certain: false };
            let judgement = judge(&condition, None, &point, Earlier::new(&[], ALL), None);
            assert_eq!(judgement, Judgement::unjudged(Unjudged::Undefined));
        }
    }

    #[test]
    fn a_difference_is_judged_and_its_baseline_named() {
        let limits = BySeverity(vec![(Severity::Warning, Limits { min: Some(-5.0), max: None })]);
        let condition =
            Condition::Relative { baseline: Baseline::Previous, unit: Unit::Percent, limits, certain: false };
        let history = [at(0, 0.5), at(10, 0.8)];
        let judgement = judge(&condition, None, &at(20, 0.72), Earlier::new(&history, ALL), None);
        assert_eq!(judgement.verdict, Verdict::Bad(Severity::Warning));
        assert_eq!((judgement.baseline, judgement.threshold_lower), (Some(0.8), Some(-5.0)));
        assert!((judgement.judged.unwrap() + 10.0).abs() < 1e-9, "{judgement:?}");
        let first = judge(&condition, None, &at(20, 0.72), Earlier::new(&[], ALL), None);
        assert_eq!(first, Judgement::unjudged(Unjudged::NoBaseline));
    }

    #[test]
    fn percent_of_nothing_is_unjudged_and_names_the_baseline() {
        let limits = BySeverity(vec![(Severity::Warning, Limits { min: None, max: Some(5.0) })]);
        let condition =
            Condition::Relative { baseline: Baseline::Reference, unit: Unit::Percent, limits, certain: false };
        let judgement = judge(&condition, None, &at(20, 0.72), Earlier::new(&[], ALL), Some(0.0));
        assert_eq!(judgement, Judgement { baseline: Some(0.0), ..Judgement::unjudged(Unjudged::NoBaseline) });
    }

    #[test]
    fn a_history_of_one_value_expects_that_value() {
        let condition = Condition::Dynamic {
            baseline: Baseline::Trailing { windows: 14 },
            alpha: BySeverity(vec![(Severity::Warning, 0.01)]),
            side: Side::Both,
            least: 0.1,
        };
        let history: Vec<Point> = (0..20).map(|start| at(start, 2.0)).collect();
        let verdict = |value| judge(&condition, None, &at(20, value), Earlier::new(&history, ALL), None).verdict;
        assert_eq!(verdict(2.0), Verdict::Good);
        assert_eq!(verdict(2.09), Verdict::Good);
        assert_eq!(verdict(2.11), Verdict::Bad(Severity::Warning));
        assert_eq!(verdict(1.89), Verdict::Bad(Severity::Warning));
    }

    #[test]
    fn a_limit_that_cannot_be_passed_is_none() {
        let judgement = Judgement {
            verdict: Verdict::Good,
            judged: Some(0.5),
            baseline: None,
            threshold_lower: Some(-0.1),
            threshold_upper: Some(0.9),
        };
        let within = within_range(judgement, (0.0, 1.0));
        assert_eq!((within.threshold_lower, within.threshold_upper), (None, Some(0.9)));
        assert_eq!(within_range(judgement, (f64::NEG_INFINITY, f64::INFINITY)), judgement);
    }
}
