//! Laws that hold for the methods whatever the counts are: symmetry, range, identity, and what merging of bins may do.

use super::*;
use crate::drift::OrderedSamples;
use proptest::prelude::*;

const BINNED: [Method; 6] = [
    Method::Psi,
    Method::JensenShannon,
    Method::Hellinger,
    Method::TotalVariation,
    Method::LInfinity,
    Method::ChiSquare,
];

fn statistic(method: Method, reference: &[i64], current: &[i64]) -> f64 {
    binned_statistic(method, &TwoSamples::new(reference, current).unwrap(), Smoothing::default()).unwrap()
}

/// Counts of two samples over the same bins; both have rows, some bins have none.
fn two_samples() -> impl Strategy<Value = (Vec<i64>, Vec<i64>)> {
    let count = || prop_oneof![2 => Just(0i64), 3 => 1i64..20, 1 => 1i64..1_000_000];
    prop::collection::vec((count(), count()), 1..30).prop_map(|pairs| pairs.into_iter().unzip()).prop_filter(
        "both have rows",
        |(reference, current): &(Vec<i64>, Vec<i64>)| {
            reference.iter().sum::<i64>() > 0 && current.iter().sum::<i64>() > 0
        },
    )
}

fn merged(counts: &[i64], at: usize) -> Vec<i64> {
    let mut merged = counts.to_vec();
    if merged.len() > 1 {
        let at = at % (merged.len() - 1);
        merged[at] += merged.remove(at + 1);
    }
    merged
}

fn edges(bins: usize) -> Vec<f64> {
    (0..=bins).map(|i| (i * i) as f64).collect()
}

proptest! {
    #[test]
    fn symmetric((reference, current) in two_samples()) {
        for method in BINNED {
            let (there, back) = (statistic(method, &reference, &current), statistic(method, &current, &reference));
            prop_assert!((there - back).abs() <= 1e-12 * there.max(1e-3), "{}: {there}, {back}", method.name());
        }
        let edges = edges(reference.len());
        let there = OrderedSamples::new(&edges, &reference, &current).unwrap();
        let back = OrderedSamples::new(&edges, &current, &reference).unwrap();
        prop_assert_eq!(kolmogorov_smirnov(&there), kolmogorov_smirnov(&back));
        let (there, back) = (wasserstein(&there).unwrap().value, wasserstein(&back).unwrap().value);
        prop_assert!((there - back).abs() <= 1e-12 * there, "{there}, {back}");
    }

    #[test]
    fn within_range((reference, current) in two_samples()) {
        for method in BINNED {
            let value = statistic(method, &reference, &current);
            let rows = reference.iter().chain(&current).sum::<i64>() as f64;
            let highest = match method {
                Method::Psi => f64::MAX,
                Method::ChiSquare => rows * (1.0 + 1e-12),
                _ => 1.0,
            };
            prop_assert!((0.0..=highest).contains(&value), "{}: {value}", method.name());
        }
        let edges = edges(reference.len());
        let samples = OrderedSamples::new(&edges, &reference, &current).unwrap();
        let test = kolmogorov_smirnov(&samples);
        prop_assert!((0.0..=1.0).contains(&test.p_value) && test.statistic.value + test.statistic.error_bound <= 1.0 + 1e-15);
        prop_assert!(wasserstein(&samples).unwrap().value <= edges[edges.len() - 1]);
    }

    #[test]
    fn zero_for_equal_shares((reference, _) in two_samples(), times in 1i64..50) {
        let current: Vec<i64> = reference.iter().map(|count| count * times).collect();
        for method in BINNED {
            prop_assert_eq!(statistic(method, &reference, &current), 0.0, "{}", method.name());
        }
        let edges = edges(reference.len());
        let samples = OrderedSamples::new(&edges, &reference, &current).unwrap();
        let test = kolmogorov_smirnov(&samples);
        prop_assert_eq!((test.statistic.value, test.p_value), (0.0, 1.0));
        prop_assert_eq!(wasserstein(&samples).unwrap().value, 0.0);
    }

    /// The data processing inequality of f-divergences.
    #[test]
    fn merging_bins_never_raises((reference, current) in two_samples(), at in 0usize..30) {
        let (coarse_reference, coarse_current) = (merged(&reference, at), merged(&current, at));
        let is_divergence = |method| match method {
            // As a divergence: where a share is smoothed it is none.
            Method::Psi => reference.iter().chain(&current).all(|&count| count > 0),
            Method::ChiSquare => reference.len() > 3,
            Method::LInfinity => false,
            _ => true,
        };
        for method in BINNED.into_iter().filter(|&method| is_divergence(method)) {
            let fine = statistic(method, &reference, &current);
            let coarse = statistic(method, &coarse_reference, &coarse_current);
            // The square of a distance near 0 is known to 1e-16 only, itself to 1e-8.
            prop_assert!(coarse <= fine * (1.0 + 1e-12) + 2e-8, "{}: {fine}, {coarse}", method.name());
        }
    }

    /// What bins say of values is within the bound of what the values themselves say.
    #[test]
    fn unbinned_values_are_within_the_bound(
        reference in prop::collection::vec(prop_oneof![0.0f64..9.9, (0i32..9).prop_map(f64::from)], 1..60),
        current in prop::collection::vec(prop_oneof![0.0f64..9.9, (0i32..9).prop_map(f64::from)], 1..60),
        cuts in prop::collection::vec(prop_oneof![0.1f64..9.9, (1i32..9).prop_map(|i| f64::from(i).next_up())], 0..20),
    ) {
        let mut edges: Vec<f64> = cuts.into_iter().chain((0..9).map(f64::from)).chain([10.0]).collect();
        edges.sort_by(f64::total_cmp);
        let count = |values: &[f64], edges: &[f64]| {
            let mut counts = vec![0; edges.len() - 1];
            values.iter().for_each(|value| counts[edges.partition_point(|edge| edge <= value) - 1] += 1);
            counts
        };
        let outcome = |edges: &[f64]| {
            let (reference, current) = (count(&reference, edges), count(&current, edges));
            let samples = OrderedSamples::new(edges, &reference, &current).unwrap();
            (kolmogorov_smirnov(&samples).statistic, wasserstein(&samples).unwrap())
        };
        let mut points: Vec<f64> = reference.iter().chain(&current).flat_map(|&x| [x, x.next_up()]).collect();
        points.sort_by(f64::total_cmp);
        points.dedup();
        let (exact, binned) = (outcome(&points), outcome(&edges));
        prop_assert_eq!(exact.0.error_bound, 0.0);
        let within = |binned: Bounded, exact: f64| (binned.value - exact).abs() <= binned.error_bound + 1e-12;
        prop_assert!(within(binned.0, exact.0.value) && binned.0.value <= exact.0.value + 1e-15, "{binned:?}, {exact:?}");
        prop_assert!(within(binned.1, exact.1.value), "{binned:?}, {exact:?}");
    }
}
