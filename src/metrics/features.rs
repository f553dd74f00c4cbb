//! What the values of one feature are: what is missing or unusable, moments, extremes, quantiles. Read from counts per bin
//! of the reference and from exact sums.

use super::interval::{self, Interval};
use super::{Metric, MetricValue, Undefined};
use crate::aggregate::Distinct;
use crate::aggregate::features::FeatureAccumulator;
use crate::event::FeatureBins;
use crate::event::bins::{CategoryBins, NumericBins};

/// Quantiles of a number, with what each is called.
const QUANTILES: [(Metric, f64); 5] = [
    (Metric::FeatureP05, 0.05),
    (Metric::FeatureP25, 0.25),
    (Metric::FeatureP50, 0.5),
    (Metric::FeatureP75, 0.75),
    (Metric::FeatureP95, 0.95),
];

/// Appends what is known of a feature's values. `counts` has an entry per bin. Where no reference says which values there are,
/// nothing is unseen or out of range.
pub fn statistics(bins: &FeatureBins, counts: &[i64], accumulator: &FeatureAccumulator, out: &mut Vec<MetricValue>) {
    let rows: i64 = counts.iter().sum();
    let (values, missing, invalid) = (&counts[..counts.len() - 2], counts[counts.len() - 2], counts[counts.len() - 1]);
    out.push(MetricValue::rate(Metric::MissingRate, missing, rows, Undefined::NoRows));
    out.push(MetricValue::rate(Metric::InvalidRate, invalid, rows, Undefined::NoRows));
    match bins {
        FeatureBins::Numeric(bins) => numbers(bins, values, accumulator, out),
        FeatureBins::Categorical(bins) => categories(bins, values, &accumulator.unseen, out),
    }
}

fn categories(bins: &CategoryBins, values: &[i64], different: &Distinct, out: &mut Vec<MetricValue>) {
    let (known, others) = values.split_at(bins.values().len());
    let (rows, unseen) = (values.iter().sum(), others.iter().sum());
    if !bins.are_hashed() {
        out.push(MetricValue::rate(Metric::UnseenRate, unseen, rows, Undefined::NoRows));
    }
    let occupied = |bins: &[i64]| bins.iter().filter(|rows| **rows > 0).count() as f64;
    out.push(if rows > 0 {
        distinct(occupied(known), (unseen, occupied(others)), different, rows)
    } else {
        MetricValue::new(Metric::Distinct, Err(Undefined::NoRows), 0)
    });
}

/// Different values: those with bins, which are counted, and those without, which are estimated; `least` of them differ.
fn distinct(known: f64, (unseen, least): (i64, f64), different: &Distinct, rows: i64) -> MetricValue {
    if unseen <= 0 {
        return MetricValue::new(Metric::Distinct, Ok(known), rows);
    }
    // No more than rows.
    let possible = |estimate: f64| known + estimate.max(least).min(unseen as f64);
    let estimate = different.estimate();
    let half_width = interval::Z * Distinct::STANDARD_ERROR * estimate;
    let interval = Interval { lower: possible(estimate - half_width), upper: possible(estimate + half_width) };
    let value = MetricValue::new(Metric::Distinct, Ok(possible(estimate.round())), rows);
    value.with_interval((interval.lower < interval.upper).then_some(interval))
}

fn numbers(bins: &NumericBins, values: &[i64], accumulator: &FeatureAccumulator, out: &mut Vec<MetricValue>) {
    let rows: i64 = values.iter().sum();
    if !bins.hold_every_number() {
        let outside = values.first().unwrap_or(&0) + values.last().unwrap_or(&0);
        out.push(MetricValue::rate(Metric::OutOfRangeRate, outside, rows, Undefined::NoRows));
    }
    let Some((least, most)) = accumulator.numbers.range.filter(|_| rows > 0) else {
        let metrics = [Metric::FeatureMean, Metric::FeatureStd, Metric::FeatureMin, Metric::FeatureMax];
        let metrics = metrics.into_iter().chain(QUANTILES.map(|(metric, _)| metric));
        out.extend(metrics.map(|metric| MetricValue::new(metric, Err(Undefined::NoRows), 0)));
        return;
    };
    let numbers = &accumulator.numbers;
    let mean = MetricValue::new(Metric::FeatureMean, Ok(numbers.mean(rows)), rows);
    let (sum, squares) = (numbers.sum.to_rational(), numbers.squares.to_rational());
    out.push(mean.with_interval(interval::mean(rows, &sum, &squares)));
    out.push(MetricValue::new(Metric::FeatureStd, Ok(numbers.std(rows)), rows));
    out.push(MetricValue::new(Metric::FeatureMin, Ok(least), rows));
    out.push(MetricValue::new(Metric::FeatureMax, Ok(most), rows));
    let edges = bins.ordered_edges(least, most);
    let at = |rank: f64| between(&edges, values, (least, most), rank);
    for (metric, q) in QUANTILES {
        let Interval { lower, upper } = at((rows - 1) as f64 * q);
        let value = MetricValue::new(metric, Ok(0.5 * lower + 0.5 * upper), rows);
        let enclosing = interval::quantile_ranks(q, rows).map(|(below, above)| Interval {
            lower: at((below - 1) as f64).lower,
            upper: at((above - 1) as f64).upper,
        });
        out.push(value.with_interval(enclosing).with_error_bound(0.5 * upper - 0.5 * lower));
    }
}

/// Where the value of rank `rank` (from 0, between two ranks on a straight line) lies, as far as bins tell.
fn between(edges: &[f64], counts: &[i64], (least, most): (f64, f64), rank: f64) -> Interval {
    let bin_of = |rank: i64| {
        let mut below = 0;
        counts.iter().position(|count| {
            below += count;
            rank < below
        })
    };
    let last = counts.len() - 1;
    let (first, second) = (rank as i64, libm::ceil(rank) as i64);
    let (first, second) = (bin_of(first).unwrap_or(last), bin_of(second).unwrap_or(last));
    // A bin ends before the next begins.
    let (lower, upper) = (edges[first].max(least), edges[second + 1].next_down().min(most));
    Interval { lower: lower.min(upper), upper: upper.max(lower) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::FeatureValue;
    use proptest::prelude::*;

    /// Rows per bin, and what is accumulated of `values`.
    pub fn accumulated(bins: &FeatureBins, values: &[FeatureValue]) -> (Vec<i64>, FeatureAccumulator) {
        let (mut counts, mut accumulator) = (vec![0; bins.len()], FeatureAccumulator::default());
        for value in values {
            let bin = bins.bin_of(*value);
            counts[bin] += 1;
            accumulator.add(bin as u16, if let FeatureValue::Number(number) = value { Some(*number) } else { None });
        }
        (counts, accumulator)
    }

    fn read(bins: &FeatureBins, values: &[FeatureValue]) -> Vec<MetricValue> {
        let (counts, accumulator) = accumulated(bins, values);
        let mut out = Vec::new();
        statistics(bins, &counts, &accumulator, &mut out);
        out
    }

    fn of(values: &[MetricValue], metric: Metric) -> MetricValue {
        *values.iter().find(|value| value.metric == metric).expect("the metric")
    }

    #[test]
    fn a_category_counts_what_it_does_not_know() {
        let bins = FeatureBins::Categorical(CategoryBins::of_reference([("a", 5), ("1", 4)], 10));
        let row = [
            FeatureValue::Text("a"),
            FeatureValue::Number(1.0),
            FeatureValue::Text("b"),
            FeatureValue::Missing,
            FeatureValue::Invalid,
        ];
        let values = read(&bins, &row);
        assert_eq!(of(&values, Metric::MissingRate).value, Ok(0.2));
        assert_eq!(of(&values, Metric::InvalidRate).value, Ok(0.2));
        assert_eq!((of(&values, Metric::UnseenRate).value, of(&values, Metric::UnseenRate).count), (Ok(1.0 / 3.0), 3));
    }

    #[test]
    fn different_values_are_counted_where_known_and_estimated_where_not() {
        let bins = FeatureBins::Categorical(CategoryBins::of_reference([("a", 5), ("b", 4), ("c", 4)], 10));
        let read = |texts: &[String]| {
            let values: Vec<FeatureValue> = texts.iter().map(|text| FeatureValue::Text(text)).collect();
            let (counts, mut accumulator) = accumulated(&bins, &values);
            texts.iter().filter(|text| text.len() > 1).for_each(|text| accumulator.unseen.add(text));
            let mut out = Vec::new();
            statistics(&bins, &counts, &accumulator, &mut out);
            of(&out, Metric::Distinct)
        };
        let texts = |known: &[&str], unseen: usize| -> Vec<String> {
            known.iter().map(|text| (*text).to_owned()).chain((0..unseen).map(|number| format!("x{number}"))).collect()
        };
        let exact = read(&texts(&["a", "b", "a"], 0));
        assert_eq!((exact.value, exact.lower, exact.count), (Ok(2.0), None, 3));
        let one = read(&texts(&["a", "b", "a"], 1));
        assert_eq!((one.value, one.upper), (Ok(3.0), None));
        let many = read(&texts(&["c"], 1000));
        let (value, lower, upper) = (many.value.unwrap(), many.lower.unwrap(), many.upper.unwrap());
        assert!(lower < value && value < upper && lower <= 1001.0 && 1001.0 >= upper.min(1001.0), "{many:?}");
        assert!((value - 1001.0).abs() < 200.0, "{value}");
        assert_eq!(read(&[]).value, Err(Undefined::NoRows));
    }

    #[test]
    fn without_a_reference_nothing_is_unseen_or_out_of_range() {
        let bins = FeatureBins::Categorical(CategoryBins::hashed());
        let texts: Vec<String> = (0..90).map(|number| (number % 30).to_string()).collect();
        let rows: Vec<FeatureValue> = texts.iter().map(|text| FeatureValue::Text(text)).collect();
        let (counts, mut accumulator) = accumulated(&bins, &rows);
        texts.iter().for_each(|text| accumulator.unseen.add(text));
        let mut values = Vec::new();
        statistics(&bins, &counts, &accumulator, &mut values);
        assert!(values.iter().all(|value| value.metric != Metric::UnseenRate), "{values:?}");
        assert!((of(&values, Metric::Distinct).value.unwrap() - 30.0).abs() <= 4.0, "{values:?}");
        let bins = FeatureBins::Numeric(NumericBins::log_linear());
        let values = read(&bins, &[-1e18, 0.0, 0.3, 3.0].map(FeatureValue::Number));
        assert!(values.iter().all(|value| value.metric != Metric::OutOfRangeRate), "{values:?}");
        assert_eq!(
            (of(&values, Metric::FeatureMin).value, of(&values, Metric::MissingRate).value),
            (Ok(-1e18), Ok(0.0))
        );
    }

    #[test]
    fn a_column_that_turned_to_null_has_no_moments() {
        let bins = FeatureBins::Numeric(NumericBins::of_reference(&[1.0, 2.0]).expect("two values"));
        let values = read(&bins, &[FeatureValue::Missing, FeatureValue::Text("x")]);
        assert_eq!(of(&values, Metric::MissingRate).value, Ok(0.5));
        assert_eq!(of(&values, Metric::FeatureMean).value, Err(Undefined::NoRows));
        assert_eq!(of(&values, Metric::FeatureP95).value, Err(Undefined::NoRows));
    }

    proptest! {
        #[test]
        fn quantiles_of_the_rows_are_within_the_bound(
            has_reference in any::<bool>(),
            reference in prop::collection::vec(prop_oneof![-50.0..50.0f64, (-3i32..3).prop_map(f64::from)], 1..300),
            rows in prop::collection::vec(prop_oneof![-80.0..80.0f64, (-3i32..3).prop_map(f64::from)], 1..60),
        ) {
            let fitted = NumericBins::of_reference(&reference).expect("values");
            let bins = FeatureBins::Numeric(if has_reference { fitted } else { NumericBins::log_linear() });
            let values = read(&bins, &rows.iter().map(|row| FeatureValue::Number(*row)).collect::<Vec<_>>());
            let mut sorted = rows.clone();
            sorted.sort_by(f64::total_cmp);
            for (metric, q) in QUANTILES {
                let exact = crate::event::bins::quantile(&sorted, q).expect("rows");
                let found = of(&values, metric);
                let (value, bound) = (found.value.expect("rows"), found.error_bound.expect("a bound"));
                prop_assert!((value - exact).abs() <= bound + 1e-12, "{exact} is not {value} ± {bound}");
            }
            let n = rows.len() as f64;
            let mean = rows.iter().sum::<f64>() / n;
            let variance = rows.iter().map(|row| (row - mean) * (row - mean)).sum::<f64>() / n;
            prop_assert!((of(&values, Metric::FeatureMean).value.expect("rows") - mean).abs() < 1e-12);
            prop_assert!((of(&values, Metric::FeatureStd).value.expect("rows") - variance.sqrt()).abs() < 1e-6);
            prop_assert_eq!(of(&values, Metric::FeatureMax).value, Ok(sorted[sorted.len() - 1] + 0.0));
        }
    }
}
