//! How often the decision alarms where nothing changed, and how often where something did: measured with fixed seeds.

use super::decision::{Decision, DriftRule, Evidence, decide, drifted_share};
use super::draw::Draw;
use super::methods::psi;
use super::{Method, OrderedSamples, TwoSamples};
use crate::event::Smoothing;
use crate::event::bins::{Grouping, Measurement, NumericBins};
use crate::metrics::Undefined;

const ALPHA: f64 = 0.05;

fn rule(method: Method) -> DriftRule {
    let threshold = method.default_threshold().unwrap();
    DriftRule { method, threshold, alpha: ALPHA, min_count: 1, smoothing: Smoothing::default() }
}

/// A rule that calls every effect large enough, so that chance alone is left to prevent alarms.
fn without_threshold(method: Method) -> DriftRule {
    DriftRule { threshold: 0.0, ..rule(method) }
}

/// A feature with a reference of `rows` uniform values.
struct Feature {
    bins: NumericBins,
    coarse: Grouping,
    edges: Vec<f64>,
    reference: Vec<i64>,
    std: f64,
}

impl Feature {
    fn drawn(draw: &mut Draw, rows: usize) -> Feature {
        let values: Vec<f64> = (0..rows).map(|_| draw.uniform()).collect();
        let bins = NumericBins::of_reference(&values).unwrap();
        let reference = count(&bins, values.into_iter());
        Feature {
            coarse: bins.coarse(),
            edges: bins.ordered_edges(0.0, 1.0),
            reference,
            bins,
            std: (1.0f64 / 12.0).sqrt(),
        }
    }

    /// The evidence of a window with `values`.
    fn judge(&self, rule: &DriftRule, values: impl Iterator<Item = f64>) -> Result<Evidence, Undefined> {
        let current = count(&self.bins, values);
        if rule.method.needs_order() {
            let numbers = self.bins.ordered_len();
            let samples = OrderedSamples::new(&self.edges, &self.reference[..numbers], &current[..numbers])?;
            rule.judge_ordered(&samples, self.std)
        } else {
            let (reference, current) = (self.coarse.sum(&self.reference), self.coarse.sum(&current));
            rule.judge_bins(&TwoSamples::new(&reference, &current)?)
        }
    }
}

fn count(bins: &NumericBins, values: impl Iterator<Item = f64>) -> Vec<i64> {
    let mut counts = vec![0; bins.bins()];
    values.for_each(|value| counts[bins.bin_of(Measurement::Number(value))] += 1);
    counts
}

/// Methods whose false alarms are measured.
const METHODS: [Method; 3] = [Method::JensenShannon, Method::Psi, Method::KolmogorovSmirnov];

/// By method, share of `windows` unchanged windows of `rows` rows in which any of `features` features is called drifted.
fn false_alarms(rows: usize, features: usize, windows: usize) -> [f64; 3] {
    let rules = METHODS.map(without_threshold);
    let mut draw = Draw::new(rows as u64 * 1000 + features as u64);
    let mut unchanged: Vec<Feature> = Vec::new();
    let mut alarms = [0.0; 3];
    for window in 0..windows {
        // One reference would do for all windows, but then the rate would be about that reference: all the more, the
        // larger the window is.
        if window % (1000 / rows).max(1) == 0 {
            unchanged = (0..features).map(|_| Feature::drawn(&mut draw, 5000)).collect();
        }
        let values: Vec<Vec<f64>> = (0..features).map(|_| (0..rows).map(|_| draw.uniform()).collect()).collect();
        for (rule, alarms) in rules.iter().zip(&mut alarms) {
            let judged = unchanged.iter().zip(&values);
            let evidence: Vec<_> =
                judged.map(|(feature, values)| feature.judge(rule, values.iter().copied())).collect();
            let alarm = decide(&evidence, ALPHA).iter().flatten().any(|decision| decision.drifted);
            *alarms += f64::from(u8::from(alarm));
        }
    }
    alarms.map(|alarms| alarms / windows as f64)
}

/// α and three standard errors of a rate measured so often.
fn at_most(windows: usize) -> f64 {
    ALPHA + 3.0 * (ALPHA * (1.0 - ALPHA) / windows as f64).sqrt()
}

fn assert_few_false_alarms(sizes: &[(usize, usize, usize)]) {
    for &(rows, features, windows) in sizes {
        for (rate, method) in false_alarms(rows, features, windows).into_iter().zip(METHODS) {
            println!("{} of {rows} rows, {features} features: {rate}", method.name());
            assert!(rate <= at_most(windows), "{} of {rows} rows, {features} features: {rate}", method.name());
        }
    }
}

/// (rows, features, windows)
#[test]
fn unchanged_small_windows_rarely_alarm() {
    assert_few_false_alarms(&[(50, 1, 2000), (50, 100, 400), (200, 1, 1000), (200, 10, 400)]);
}

#[test]
fn unchanged_large_windows_rarely_alarm() {
    assert_few_false_alarms(&[(1000, 100, 40), (10_000, 10, 60), (100_000, 1, 60), (100_000, 5, 20)]);
}

/// Categories of which most are rare: where Pearson's χ² alone would alarm in a large share of windows.
#[test]
fn rare_categories_rarely_alarm() {
    let mut shares = vec![0.5, 0.3, 0.18];
    shares.extend([0.001; 20]);
    let (mut draw, rule) = (Draw::new(3), without_threshold(Method::Hellinger));
    for rows in [50, 300, 3000] {
        let mut alarms = 0;
        for _ in 0..2000 {
            let (reference, current) = (draw.multinomial(&shares, 4000), draw.multinomial(&shares, rows));
            let evidence = rule.judge_bins(&TwoSamples::new(&reference, &current).unwrap());
            alarms += usize::from(decide(&[evidence], ALPHA)[0].unwrap().drifted);
        }
        let rate = alarms as f64 / 2000.0;
        println!("rare categories, {rows} rows: {rate}");
        assert!(rate <= at_most(2000), "{rows} rows: {rate}");
    }
}

/// Of windows whose values are U^1.5 instead of uniform (mean 0.4 instead of 0.5), among 9 unchanged features.
fn power(method: Method, rows: usize) -> f64 {
    let (rule, mut draw, mut found) = (rule(method), Draw::new(77), 0);
    let features: Vec<Feature> = (0..10).map(|_| Feature::drawn(&mut draw, 5000)).collect();
    for _ in 0..50 {
        let evidence: Vec<_> = features
            .iter()
            .enumerate()
            .map(|(place, feature)| {
                let moved = |u: f64| if place == 0 { u * u.sqrt() } else { u };
                feature.judge(&rule, (0..rows).map(|_| moved(draw.uniform())))
            })
            .collect();
        found += usize::from(decide(&evidence, ALPHA)[0].unwrap().drifted);
    }
    found as f64 / 50.0
}

#[test]
fn a_known_shift_is_found() {
    for method in [Method::JensenShannon, Method::Psi, Method::KolmogorovSmirnov, Method::WassersteinNormed] {
        let rates = [50, 200, 1000].map(|rows| power(method, rows));
        println!("{}: power {rates:?}", method.name());
        let at_least = if method == Method::Psi { 0.0 } else { 0.95 };
        assert!(rates[2] >= at_least, "{}: {rates:?}", method.name());
    }
}

/// What the decision is there to prevent: a plain threshold alarms in almost half of the small windows.
#[test]
fn a_plain_threshold_alarms_constantly() {
    let (mut draw, mut alarms) = (Draw::new(9), 0);
    let feature = Feature::drawn(&mut draw, 5000);
    for _ in 0..500 {
        let current = feature.coarse.sum(&count(&feature.bins, (0..50).map(|_| draw.uniform())));
        let reference = feature.coarse.sum(&feature.reference);
        let value = psi(&TwoSamples::new(&reference, &current).unwrap(), Smoothing::default());
        alarms += usize::from(value > 0.2);
    }
    assert!((0.3..0.6).contains(&(alarms as f64 / 500.0)), "{alarms} of 500");
}

#[test]
fn a_column_that_turns_to_null_is_found_in_a_small_window() {
    let reference = [1000, 1000, 1000, 0];
    let evidence = |current: &[i64]| {
        rule(Method::JensenShannon).judge_bins(&TwoSamples::new(&reference, current).unwrap()).unwrap()
    };
    let decided = decide(&[Ok(evidence(&[15, 15, 14, 6])), Ok(evidence(&[17, 17, 16, 0]))], ALPHA);
    assert_eq!(decided.iter().flatten().map(|decision| decision.drifted).collect::<Vec<_>>(), [true, false]);
}

fn evidence(value: f64, threshold: f64, null_quantile: f64, p_value: f64) -> Evidence {
    Evidence { method: Method::Psi, value, threshold, null_quantile, p_value }
}

#[test]
fn every_condition_is_needed() {
    let drifted = |evidence| decide(&[Ok(evidence)], ALPHA)[0].unwrap().drifted;
    assert!(drifted(evidence(0.3, 0.2, 0.1, 0.01)));
    assert!(!drifted(evidence(0.1, 0.2, 0.05, 0.01)), "too small to matter");
    assert!(!drifted(evidence(0.3, 0.2, 0.4, 0.01)), "chance reaches it");
    assert!(!drifted(evidence(0.3, 0.2, 0.1, 0.06)), "not significant");
}

#[test]
fn many_features_need_more() {
    let one = Ok(evidence(0.3, 0.2, 0.1, 0.01));
    let mut many = vec![Ok(evidence(0.0, 0.2, 0.1, 0.9)); 9];
    many.push(one);
    many.push(Err(Undefined::NoRows));
    let decided = decide(&many, ALPHA);
    let last: Decision = decided[9].unwrap();
    assert!(!last.drifted && (last.adjusted_p_value - 0.1).abs() < 1e-15, "what is undefined is no test");
    assert_eq!(decided[10], Err(Undefined::NoRows));
    assert_eq!(drifted_share(&decide(&[one, Err(Undefined::NoRows)], ALPHA)), Ok(1.0));
    assert_eq!(drifted_share(&[Err(Undefined::NoReference)]), Err(Undefined::NoRows));
}

#[test]
fn too_few_rows_are_no_evidence() {
    let strict = DriftRule { min_count: 30, ..rule(Method::ChiSquare) };
    for (reference, current) in [([100, 100], [29, 0]), ([29, 0], [100, 100])] {
        let samples = TwoSamples::new(&reference, &current).unwrap();
        assert_eq!(strict.judge_bins(&samples), Err(Undefined::BelowMinCount));
    }
    assert!(strict.judge_bins(&TwoSamples::new(&[30, 0], &[0, 30]).unwrap()).is_ok());
}

#[test]
fn the_threshold_of_chi_square_is_an_effect() {
    // w = 0.2 and s = 1/100 + 1/100.
    let samples = TwoSamples::new(&[50, 50], &[70, 30]).unwrap();
    let evidence = rule(Method::ChiSquare).judge_bins(&samples).unwrap();
    assert!((evidence.threshold - 2.0).abs() < 1e-12);
}
