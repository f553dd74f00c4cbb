//! Limits by severity, of a value or of a difference.

use crate::alert::{Judgement, Unjudged, Verdict};
use crate::event::alert::{BySeverity, Limits};

/// What limits are of, and its 95 % sampling interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged {
    /// Finite.
    pub value: f64,
    /// Lower end.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
}

impl Judged {
    /// True if it lies outside of `limits`; if that has to be `certain`, the whole interval too.
    fn passes(&self, limits: &Limits, certain: bool) -> bool {
        if !certain {
            return limits.are_passed_by(self.value);
        }
        let is_below = |min: f64| self.value < min && self.upper.is_some_and(|upper| upper < min);
        let is_above = |max: f64| self.value > max && self.lower.is_some_and(|lower| lower > max);
        limits.min.is_some_and(is_below) || limits.max.is_some_and(is_above)
    }
}

/// Judges by the worst limits that are passed.
pub(super) fn judge(
    limits: &BySeverity<Limits>,
    certain: bool,
    clear_limits: Option<&Limits>,
    judged: Judged,
    baseline: Option<f64>,
) -> Judgement {
    let mildest = limits.mildest().map(|(_, limits)| limits);
    let (verdict, told) = if certain && (judged.lower.is_none() || judged.upper.is_none()) {
        (Verdict::Unjudged(Unjudged::NoInterval), mildest)
    } else if let Some((severity, passed)) = limits.worst(|limits| judged.passes(limits, certain)) {
        (Verdict::Bad(severity), Some(passed))
    } else if clear_limits.or(mildest).is_some_and(|limits| limits.are_passed_by(judged.value)) {
        (Verdict::Between, mildest)
    } else {
        (Verdict::Good, mildest)
    };
    let told = told.copied().unwrap_or_default();
    Judgement { verdict, judged: Some(judged.value), baseline, threshold_lower: told.min, threshold_upper: told.max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::Severity::{self, Critical, Warning};
    use proptest::prelude::*;

    fn limits() -> BySeverity<Limits> {
        BySeverity(vec![
            (Warning, Limits { min: Some(0.8), max: Some(0.99) }),
            (Critical, Limits { min: Some(0.6), max: None }),
        ])
    }

    fn of(value: f64, interval: Option<(f64, f64)>) -> Judged {
        Judged { value, lower: interval.map(|(lower, _)| lower), upper: interval.map(|(_, upper)| upper) }
    }

    #[test]
    fn the_worst_limits_that_are_passed_count() {
        for (value, expected, lower, upper) in [
            (0.9, Verdict::Good, Some(0.8), Some(0.99)),
            (0.8, Verdict::Good, Some(0.8), Some(0.99)),
            (0.7, Verdict::Bad(Warning), Some(0.8), Some(0.99)),
            (0.5, Verdict::Bad(Critical), Some(0.6), None),
            (1.0, Verdict::Bad(Warning), Some(0.8), Some(0.99)),
        ] {
            let judgement = judge(&limits(), false, None, of(value, None), None);
            assert_eq!(judgement.verdict, expected, "{value}");
            assert_eq!((judgement.threshold_lower, judgement.threshold_upper), (lower, upper), "{value}");
        }
    }

    #[test]
    fn certain_takes_the_whole_interval() {
        for (value, interval, expected) in [
            (0.7, Some((0.65, 0.75)), Verdict::Bad(Warning)),
            (0.7, Some((0.55, 0.85)), Verdict::Between),
            (0.55, Some((0.45, 0.65)), Verdict::Bad(Warning)),
            (0.5, Some((0.45, 0.55)), Verdict::Bad(Critical)),
            (0.995, Some((0.992, 0.998)), Verdict::Bad(Warning)),
            (0.995, Some((0.95, 0.999)), Verdict::Between),
            (0.9, Some((0.7, 0.95)), Verdict::Good),
            (0.5, None, Verdict::Unjudged(Unjudged::NoInterval)),
        ] {
            assert_eq!(
                judge(&limits(), true, None, of(value, interval), None).verdict,
                expected,
                "{value} {interval:?}"
            );
        }
    }

    #[test]
    fn half_an_interval_is_none() {
        let judged = Judged { value: 0.5, lower: Some(0.4), upper: None };
        let judgement = judge(&limits(), true, None, judged, None);
        assert_eq!(judgement.verdict, Verdict::Unjudged(Unjudged::NoInterval));
        assert_eq!((judgement.judged, judgement.threshold_lower), (Some(0.5), Some(0.8)));
    }

    #[test]
    fn between_what_fires_and_what_clears_it_is_neither() {
        let clear = Limits { min: Some(0.85), max: None };
        let verdict = |value| judge(&limits(), false, Some(&clear), of(value, None), None).verdict;
        assert_eq!(verdict(0.79), Verdict::Bad(Warning));
        assert_eq!(verdict(0.82), Verdict::Between);
        assert_eq!(verdict(0.85), Verdict::Good);
        assert_eq!(verdict(0.995), Verdict::Bad(Warning));
    }

    proptest! {
        #[test]
        fn what_is_certain_is_bad_without_that_too(value in -1.0f64..2.0, below in 0.0f64..0.5, above in 0.0f64..0.5) {
            let judged = of(value, Some((value - below, value + above)));
            let severity = |certain| match judge(&limits(), certain, None, judged, None).verdict {
                Verdict::Bad(severity) => Some(severity),
                _ => None,
            };
            let (certain, plain): (Option<Severity>, Option<Severity>) = (severity(true), severity(false));
            prop_assert!(certain <= plain, "{certain:?} {plain:?}");
        }
    }
}
