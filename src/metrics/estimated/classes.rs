//! Estimates of a model of many classes: per class against all others, and the mean over classes.
//!
//! The rows predicted to be of one class are no other class's, so precisions are independent and the variance of their
//! mean follows; so do the right predictions, and with them accuracy. Recall and F1 of two classes share rows, and
//! how strongly they hang together is not kept (it would take room for every pair of classes): their mean's standard
//! deviation is taken as the mean of theirs, which it cannot exceed, so that the interval is rather too wide.

use super::confusion::{Estimate, of_class};
use crate::aggregate::{ExactSum, ExpectedClasses, Linear, Rational, ratio_to_f64};
use crate::metrics::{Metric, MetricValue, Undefined};

/// Appends estimated accuracy, then precision, recall and F1: of each class, and their means over the classes that were
/// predicted or got a probability. A mean is null if one of its parts is.
pub fn multiclass(expected: &ExpectedClasses, out: &mut Vec<MetricValue>) {
    let rows = expected.rows();
    out.push(accuracy(expected, rows).published());
    let classes: Vec<_> = expected.classes().iter().map(|(class, of)| (*class, of_class(of, rows))).collect();
    for (place, metric) in [Metric::EstimatedPrecision, Metric::EstimatedRecall, Metric::EstimatedF1].iter().enumerate()
    {
        out.push(mean(*metric, classes.iter().map(|(_, estimates)| &estimates[place]), rows).published());
        out.extend(classes.iter().map(|(class, estimates)| estimates[place].published().of_class(*class)));
    }
}

/// Σ over classes of the right ones expected among the rows predicted to be of it, over rows.
fn accuracy(expected: &ExpectedClasses, rows: i64) -> Estimate {
    let (mut right, mut squared) = (ExactSum::default(), ExactSum::default());
    for (_, confusion) in expected.classes() {
        right.merge(&confusion.predicted.probability);
        squared.merge(&confusion.predicted.probability_squared);
    }
    let (right, squared) = (right.to_rational(), squared.to_rational());
    let n = rows as f64;
    Estimate {
        metric: Metric::EstimatedAccuracy,
        value: if rows <= 0 { Err(Undefined::NoRows) } else { Ok(ratio_to_f64(&right, &Rational::from(rows))) },
        variance: (&right - &squared).to_f64() / (n * n),
        rows,
    }
}

/// The mean of what the classes have. Summed exactly: class ids, and so their order, differ from run to run.
fn mean<'a>(metric: Metric, parts: impl Iterator<Item = &'a Estimate>, rows: i64) -> Estimate {
    let (mut sum, mut variances, mut deviations) = (ExactSum::default(), ExactSum::default(), ExactSum::default());
    let mut undefined = None;
    let mut classes = 0;
    for part in parts {
        classes += 1;
        match part.value {
            Ok(value) if value.is_finite() && part.variance >= 0.0 && part.variance.is_finite() => {
                sum.add(value);
                variances.add(part.variance);
                deviations.add(part.variance.sqrt());
            }
            Ok(_) => undefined = undefined.or(Some(Undefined::Overflow)),
            // The smallest, so that the order of the classes does not decide.
            Err(reason) => undefined = Some(undefined.map_or(reason, |other| reason.min(other))),
        }
    }
    let k = f64::from(classes);
    let value = match undefined {
        _ if rows <= 0 => Err(Undefined::NoRows),
        Some(reason) => Err(reason),
        None => Ok(sum.to_f64() / k),
    };
    let deviation = deviations.to_f64() / k;
    let variance = match metric {
        Metric::EstimatedPrecision => variances.to_f64() / (k * k),
        _ => deviation * deviation,
    };
    Estimate { metric, value, variance, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{ClassId, ExpectedConfusion};
    use crate::metrics::interval::Z;
    use proptest::prelude::*;

    const A: ClassId = ClassId(0);
    const B: ClassId = ClassId(1);

    fn read(expected: &ExpectedClasses) -> Vec<MetricValue> {
        let mut out = Vec::new();
        multiclass(expected, &mut out);
        out
    }

    fn find(values: &[MetricValue], metric: Metric, class: Option<ClassId>) -> MetricValue {
        *values.iter().find(|value| value.metric == metric && value.class == class).expect("the metric")
    }

    #[test]
    fn values_by_hand() {
        let mut expected = ExpectedClasses::default();
        expected.add(1, A, &[(A, 0.75), (B, 0.25)]);
        expected.add(1, B, &[(A, 0.5), (B, 0.5)]);
        let found = read(&expected);
        assert_eq!(found.len(), 1 + 3 * 3);
        assert_eq!(find(&found, Metric::EstimatedAccuracy, None).value, Ok(0.625));
        assert_eq!(find(&found, Metric::EstimatedPrecision, Some(A)).value, Ok(0.75));
        assert_eq!(find(&found, Metric::EstimatedPrecision, None).value, Ok(0.625));
        assert_eq!(find(&found, Metric::EstimatedRecall, Some(A)).value, Ok(0.6));
        assert_eq!(find(&found, Metric::EstimatedF1, Some(B)).value, Ok(1.0 / 1.75));
        let lower = find(&found, Metric::EstimatedPrecision, Some(A)).lower;
        assert_eq!(lower, Some((0.75 - Z * 0.1875f64.sqrt()).max(0.0)));
    }

    #[test]
    fn without_rows_all_is_undefined_and_a_mean_is_if_a_part_is() {
        let found = read(&ExpectedClasses::default());
        assert!(found.iter().all(|value| value.value == Err(Undefined::NoRows)), "{found:?}");
        let mut expected = ExpectedClasses::default();
        expected.add(1, A, &[(A, 0.75), (B, 0.25)]);
        let found = read(&expected);
        let zero = Err(Undefined::ZeroDenominator);
        assert_eq!(find(&found, Metric::EstimatedPrecision, Some(B)).value, zero);
        assert_eq!(find(&found, Metric::EstimatedPrecision, None).value, zero);
        assert_eq!(find(&found, Metric::EstimatedAccuracy, None).value, Ok(0.75));
    }

    proptest! {
        #[test]
        fn two_classes_are_a_binary_model_and_its_mirror(rows in prop::collection::vec((any::<bool>(), 0u16..=1024), 1..40)) {
            // Multiples of 2⁻¹⁰: 1 − p is exact.
            let (mut classes, mut forth, mut back) = <(ExpectedClasses, ExpectedConfusion, ExpectedConfusion)>::default();
            for &(predicted, p) in &rows {
                let p = f64::from(p) / 1024.0;
                classes.add(1, if predicted { A } else { B }, &[(A, p), (B, 1.0 - p)]);
                forth.add(1, predicted, p);
                back.add(1, !predicted, 1.0 - p);
            }
            let (found, mut of_a, mut of_b) = (read(&classes), Vec::new(), Vec::new());
            super::super::binary(&forth, &mut of_a);
            super::super::binary(&back, &mut of_b);
            prop_assert_eq!(found[0].value, of_a[0].value);
            prop_assert_eq!(of_a[0].value, of_b[0].value);
            for value in &found {
                let Some(class) = value.class else { continue };
                let of_class = if class == A { &of_a } else { &of_b };
                prop_assert_eq!(value.value, find(of_class, value.metric, None).value);
            }
        }
    }
}
