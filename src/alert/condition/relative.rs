//! How far a value is from what it is compared with.

use super::finite;
use super::fixed::Judged;
use crate::alert::Point;
use crate::event::alert::Unit;

/// `value` − `baseline` in `unit`, with the interval of `point` moved likewise; `None` for percent of nothing. The baseline is
/// taken as it is: of what chance did to it, the interval says nothing.
pub(super) fn difference(value: f64, point: &Point, baseline: f64, unit: Unit) -> Option<Judged> {
    if unit == Unit::Percent && baseline == 0.0 {
        return None;
    }
    let from_baseline = |value: f64| {
        let difference = finite(value - baseline);
        match unit {
            Unit::Absolute => difference,
            Unit::Percent => finite(finite(difference / baseline.abs()) * 100.0),
        }
    };
    let end = |end: Option<f64>| end.filter(|end| !end.is_nan()).map(from_baseline);
    Some(Judged { value: from_baseline(value), lower: end(point.lower), upper: end(point.upper) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(value: f64, lower: f64, upper: f64) -> Point {
        Point { value: Some(value), lower: Some(lower), upper: Some(upper), ..Point::default() }
    }

    #[test]
    fn the_interval_moves_with_the_value() {
        let judged = difference(6.0, &point(6.0, 5.0, 9.0), 8.0, Unit::Absolute).unwrap();
        assert_eq!((judged.value, judged.lower, judged.upper), (-2.0, Some(-3.0), Some(1.0)));
        let judged = difference(6.0, &point(6.0, 5.0, 9.0), 8.0, Unit::Percent).unwrap();
        assert_eq!((judged.value, judged.lower, judged.upper), (-25.0, Some(-37.5), Some(12.5)));
    }

    #[test]
    fn percent_of_a_negative_baseline_rises_with_the_value() {
        let judged = difference(-6.0, &point(-6.0, -7.0, -5.0), -8.0, Unit::Percent).unwrap();
        assert_eq!((judged.value, judged.lower, judged.upper), (25.0, Some(12.5), Some(37.5)));
    }

    #[test]
    fn there_is_no_percent_of_nothing() {
        assert!(difference(1.0, &Point::default(), 0.0, Unit::Percent).is_none());
        assert!(difference(1.0, &Point::default(), -0.0, Unit::Percent).is_none());
        assert_eq!(difference(1.0, &Point::default(), 0.0, Unit::Absolute).unwrap().value, 1.0);
    }

    proptest! {
        #[test]
        fn differences_are_finite_and_in_order(
            value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL,
            baseline in proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL,
            is_percent: bool,
        ) {
            let unit = if is_percent { Unit::Percent } else { Unit::Absolute };
            let around = point(value, f64::NEG_INFINITY, f64::INFINITY);
            if let Some(judged) = difference(value, &around, baseline, unit) {
                let (lower, upper) = (judged.lower.unwrap(), judged.upper.unwrap());
                prop_assert!(judged.value.is_finite() && lower.is_finite() && upper.is_finite());
                prop_assert!(lower <= judged.value && judged.value <= upper);
                prop_assert!(judged.value == 0.0 || (judged.value > 0.0) == (value > baseline));
            }
        }
    }
}
