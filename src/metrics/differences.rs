//! How far what the values of a feature are differs from the reference: the window's figure less the reference's, with an
//! interval from the sizes of both samples. Numbers of the reference are inside its range by construction, so its
//! `out_of_range_rate` is 0, and the window's is the difference itself.

use super::interval::{self, Interval};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::features::FeatureAccumulator;
use crate::event::{FeatureBins, FeatureProfile};

/// Some rows, of so many.
type Share = (i64, i64);

/// Appends how far a feature's values are from those of the reference. `counts` has an entry per bin.
pub fn read_out(
    reference: &FeatureProfile,
    counts: &[i64],
    accumulator: &FeatureAccumulator,
    out: &mut Vec<MetricValue>,
) {
    // Missing and invalid are the last two bins.
    let from_end = |counts: &[i64], place: usize| (counts[counts.len() - place], counts.iter().sum());
    for (metric, place) in [(Metric::MissingRateChange, 2), (Metric::InvalidRateChange, 1)] {
        out.push(of_shares(metric, from_end(counts, place), from_end(&reference.counts, place)));
    }
    match &reference.bins {
        FeatureBins::Numeric(bins) => out.push(of_means(reference, bins.ordered_len(), counts, accumulator)),
        FeatureBins::Categorical(bins) => {
            let place = bins.values().len();
            let unseen = |counts: &[i64]| (counts[place], counts[..=place].iter().sum());
            out.push(of_shares(Metric::UnseenRateChange, unseen(counts), unseen(&reference.counts)));
        }
    }
}

fn of_shares(metric: Metric, window: Share, reference: Share) -> MetricValue {
    let value = match (window, reference) {
        ((_, ..=0), _) => Err(Undefined::NoRows),
        (_, (_, ..=0)) => Err(Undefined::NoReference),
        ((some, all), (of_reference, all_of_reference)) => {
            Ok(some as f64 / all as f64 - of_reference as f64 / all_of_reference as f64)
        }
    };
    MetricValue::new(metric, value, window.1).with_interval(interval::difference_of_proportions(window, reference))
}

fn of_means(
    reference: &FeatureProfile,
    numeric_bins: usize,
    counts: &[i64],
    accumulator: &FeatureAccumulator,
) -> MetricValue {
    let rows = |counts: &[i64]| counts[..numeric_bins].iter().sum::<i64>();
    let (rows, rows_of_reference) = (rows(counts), rows(&reference.counts));
    let undefined = |reason| MetricValue::new(Metric::FeatureMeanChange, Err(reason), rows);
    if rows <= 0 {
        return undefined(Undefined::NoRows);
    }
    let Some(moments) = reference.moments.filter(|_| rows_of_reference > 0) else {
        return undefined(Undefined::NoReference);
    };
    let numbers = &accumulator.numbers;
    let difference = numbers.mean(rows) - moments.mean;
    let value = MetricValue::new(Metric::FeatureMeanChange, Ok(difference), rows);
    value.with_interval(around(difference, rows, accumulator, (rows_of_reference, moments.std)))
}

/// From the variances of both means; `None` where one sample has fewer than two rows.
fn around(
    difference: f64,
    rows: i64,
    accumulator: &FeatureAccumulator,
    (rows_of_reference, std): (i64, f64),
) -> Option<Interval> {
    let (sum, squares) = (accumulator.numbers.sum.to_rational(), accumulator.numbers.squares.to_rational());
    let variance = interval::variance_of_mean(rows, &sum, &squares)?;
    // `std` has n as divisor, the unbiased variance of the mean n(n − 1).
    let of_reference = (rows_of_reference >= 2).then(|| std * std / (rows_of_reference - 1) as f64)?;
    interval::normal(difference, variance + of_reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::features::Numbers;
    use crate::event::bins::{CategoryBins, NumericBins};
    use crate::event::{FeatureSource, FeatureValue, Moments};
    use crate::metrics::features::{self, tests::accumulated};
    use proptest::prelude::*;

    fn profile(bins: FeatureBins, values: &[FeatureValue]) -> FeatureProfile {
        let (counts, FeatureAccumulator { numbers, .. }) = accumulated(&bins, values);
        let moments = |numbers: &Numbers| {
            let (min, max) = numbers.range?;
            let rows = values.iter().filter(|value| matches!(value, FeatureValue::Number(_))).count() as i64;
            Some(Moments { mean: numbers.mean(rows), std: numbers.std(rows), min, max })
        };
        let moments = moments(&numbers);
        FeatureProfile {
            name: "x".into(),
            source: FeatureSource::Feature,
            bins,
            counts,
            moments,
            sketches: None,
            outputs: None,
        }
    }

    fn numeric(values: &[FeatureValue]) -> FeatureProfile {
        let number = |value: &FeatureValue| if let FeatureValue::Number(number) = value { Some(*number) } else { None };
        let numbers: Vec<f64> = values.iter().filter_map(number).collect();
        let bins = NumericBins::of_reference(&numbers).unwrap_or_else(|| NumericBins::between(vec![0.0, 1.0]));
        profile(FeatureBins::Numeric(bins), values)
    }

    fn numbers(values: &[f64]) -> Vec<FeatureValue<'static>> {
        values.iter().map(|value| FeatureValue::Number(*value)).collect()
    }

    fn read(reference: &FeatureProfile, values: &[FeatureValue]) -> Vec<MetricValue> {
        let (counts, accumulator) = accumulated(&reference.bins, values);
        let mut out = Vec::new();
        features::statistics(&reference.bins, &counts, &accumulator, &mut out);
        read_out(reference, &counts, &accumulator, &mut out);
        out
    }

    fn of(values: &[MetricValue], metric: Metric) -> MetricValue {
        *values.iter().find(|value| value.metric == metric).expect("the metric")
    }

    #[test]
    fn by_hand() {
        let reference = numeric(&numbers(&[1.0, 2.0, 3.0, 4.0]));
        let mut window = numbers(&[3.0, 5.0, 7.0, 9.0]);
        window.extend([FeatureValue::Missing, FeatureValue::Text("x")]);
        let values = read(&reference, &window);
        // Means 6 and 2.5; unbiased variances 20/3 and 5/3, of four rows each.
        let mean = of(&values, Metric::FeatureMeanChange);
        let half_width = interval::Z * (25.0f64 / 12.0).sqrt();
        assert_eq!((mean.value, mean.count), (Ok(3.5), 4));
        assert!((mean.upper.expect("an end") - 3.5 - half_width).abs() < 1e-12, "{mean:?}");
        assert!((3.5 - half_width - mean.lower.expect("an end")).abs() < 1e-12, "{mean:?}");
        let missing = of(&values, Metric::MissingRateChange);
        let interval = interval::difference_of_proportions((1, 6), (0, 4)).expect("an interval");
        assert_eq!((missing.value, missing.count), (Ok(1.0 / 6.0), 6));
        assert_eq!((missing.lower, missing.upper), (Some(interval.lower), Some(interval.upper)));
        assert_eq!(of(&values, Metric::InvalidRateChange).value, Ok(1.0 / 6.0));
    }

    #[test]
    fn unseen_categories_of_the_reference_are_taken_off() {
        let bins = FeatureBins::Categorical(CategoryBins::of_reference([("a", 3)], 1));
        let text = FeatureValue::Text;
        let reference = profile(bins, &[text("a"), text("a"), text("a"), text("rare"), FeatureValue::Missing]);
        let values = read(&reference, &[text("a"), text("new"), FeatureValue::Missing]);
        assert_eq!(of(&values, Metric::UnseenRateChange).value, Ok(0.25));
        assert_eq!(of(&values, Metric::UnseenRateChange).count, 2);
    }

    #[test]
    fn it_says_which_side_lacks_rows() {
        let (empty, full) = (numeric(&[FeatureValue::Missing]), numeric(&numbers(&[1.0])));
        let reason = |values: &[MetricValue]| of(values, Metric::FeatureMeanChange).value.unwrap_err();
        assert_eq!(reason(&read(&empty, &numbers(&[1.0]))), Undefined::NoReference);
        assert_eq!(reason(&read(&full, &[FeatureValue::Missing])), Undefined::NoRows);
        let none = numeric(&[]);
        assert_eq!(of(&read(&none, &numbers(&[1.0])), Metric::MissingRateChange).value, Err(Undefined::NoReference));
        assert_eq!(of(&read(&full, &[]), Metric::MissingRateChange).value, Err(Undefined::NoRows));
        let single = of(&read(&full, &numbers(&[2.0, 3.0])), Metric::FeatureMeanChange);
        assert_eq!((single.value, single.lower), (Ok(1.5), None));
    }

    fn value() -> impl Strategy<Value = FeatureValue<'static>> {
        prop_oneof![
            6 => (-8i32..8).prop_map(|number| FeatureValue::Number(f64::from(number) / 2.0)),
            1 => Just(FeatureValue::Missing),
            1 => Just(FeatureValue::Invalid),
        ]
    }

    proptest! {
        #[test]
        fn a_change_is_the_difference_of_the_published_figures(
            reference in prop::collection::vec(value(), 1..60),
            window in prop::collection::vec(value(), 1..60),
            is_category in any::<bool>(),
        ) {
            let reference_of = |values: &[FeatureValue]| match is_category {
                true => profile(FeatureBins::Categorical(CategoryBins::of_reference([("1", 5), ("-2", 4)], 2)), values),
                false => numeric(values),
            };
            let known = reference_of(&reference);
            let (before, now) = (read(&known, &reference), read(&known, &window));
            for (change, metric) in [
                (Metric::MissingRateChange, Metric::MissingRate),
                (Metric::InvalidRateChange, Metric::InvalidRate),
                if is_category { (Metric::UnseenRateChange, Metric::UnseenRate) }
                else { (Metric::FeatureMeanChange, Metric::FeatureMean) },
            ] {
                let (before, now, change) = (of(&before, metric), of(&now, metric), of(&now, change));
                let (Ok(was), Ok(is)) = (before.value, now.value) else {
                    prop_assert!(change.value.is_err());
                    continue;
                };
                prop_assert_eq!((change.value, change.count), (Ok(is - was + 0.0), now.count));
                let ends = (change.lower.unwrap_or(is - was), change.upper.unwrap_or(is - was));
                prop_assert!(ends.0 <= is - was && is - was <= ends.1);
                let unchanged = read(&known, &reference);
                prop_assert_eq!(of(&unchanged, change.metric).value, Ok(0.0));
            }
        }
    }
}
