//! From the features of a window to metric values: how far each has moved from the reference, and whether that is drift.

use super::contribution;
use super::decision::{Decision, DriftRule, Evidence, decide, drifted_share};
use super::methods::{
    Bounded, Continuity, KolmogorovSmirnov, binned_statistic, chi_square, kolmogorov_smirnov, wasserstein,
    wasserstein_normed,
};
use super::{Method, OrderedSamples, TwoSamples, distribution};
use crate::aggregate::features::{FeatureAccumulator, FeatureList};
use crate::event::bins::NumericBins;
use crate::event::{DriftSettings, FeatureBins, FeatureProfile, FeatureSource, Moments, Profile, Smoothing};
use crate::metrics::{Decided, Metric, MetricValue, Undefined, differences, features as feature_metrics};

/// The methods of bins, in the order in which they are published.
const BINNED: [(Method, Metric); 5] = [
    (Method::Psi, Metric::Psi),
    (Method::JensenShannon, Metric::JensenShannon),
    (Method::Hellinger, Metric::Hellinger),
    (Method::TotalVariation, Metric::TotalVariation),
    (Method::LInfinity, Metric::LInfinity),
];

/// Appends all that is known of `list`, counted in the bins of `profile`; values name a feature by its place in the profile.
/// Nothing has moved from a profile that is of no rows.
pub fn read_out(profile: &Profile, list: &FeatureList, settings: &DriftSettings, out: &mut Vec<MetricValue>) {
    if profile.is_fitted() {
        read(profile, list, settings, true, out);
        return;
    }
    let nothing = FeatureAccumulator::default();
    for (number, feature, accumulator) in features(profile, list, &nothing).filter(is_there) {
        let first = out.len();
        feature_metrics::statistics(&feature.bins, &accumulator.dense(feature.bins.len()), accumulator, out);
        out[first..].iter_mut().for_each(|value| value.feature = Some(number));
    }
    read_out_nothing(profile, list, out);
}

/// [`read_out`] without what does not depend on the counts of the profile: how far each feature has moved, and no more.
pub fn read_out_moved(profile: &Profile, list: &FeatureList, settings: &DriftSettings, out: &mut Vec<MetricValue>) {
    read(profile, list, settings, false, out);
}

fn read(
    profile: &Profile,
    list: &FeatureList,
    settings: &DriftSettings,
    with_values: bool,
    out: &mut Vec<MetricValue>,
) {
    let mut evidence = Vec::with_capacity(profile.features.len());
    let mut of_features = Vec::with_capacity(profile.features.len());
    let nothing = FeatureAccumulator::default();
    // A profile without rows tells only which values there could have been: all that ever were.
    let has_rows = profile.is_fitted();
    for (number, feature, accumulator) in
        features(profile, list, &nothing).filter(|feature| !has_rows || is_there(feature))
    {
        let first = out.len();
        let counts = accumulator.dense(feature.bins.len());
        of_features.push((number, counts.iter().sum()));
        if with_values {
            feature_metrics::statistics(&feature.bins, &counts, accumulator, out);
            differences::read_out(feature, &counts, accumulator, out);
        }
        evidence.push(compare(feature, &counts, accumulator, settings, out));
        if with_values && settings.contributions {
            contribution::read_out(feature, &accumulator.outputs, out);
        }
        out[first..].iter_mut().for_each(|value| value.feature = Some(number));
    }
    let decisions = decide(&evidence, settings.alpha);
    for ((number, rows), decision) in of_features.into_iter().zip(&decisions) {
        out.push(drifted(*decision, rows).of_feature(number));
    }
    let decided = decisions.iter().flatten().count() as i64;
    out.push(MetricValue::new(Metric::DriftedShare, drifted_share(&decisions), decided));
}

/// Appends how far the labels of a window have moved from those of the reference: `counts` in the bins of a category, in
/// bin `others` all classes without one, if the reference decided which those are.
pub fn read_out_labels(
    reference: &[i64],
    counts: &[i64],
    others: Option<usize>,
    settings: &DriftSettings,
    out: &mut Vec<MetricValue>,
) {
    let rows = counts.iter().sum();
    let samples = TwoSamples::new(reference, counts);
    binned(samples, settings.smoothing, rows, out);
    let rule = rule(settings, false);
    let evidence = samples.and_then(|samples| match others {
        Some(others) => rule.judge_values(&samples, others),
        None => rule.judge_bins(&samples),
    });
    // One decision, which no other is made with: labels come later than features.
    out.extend(decide(&[evidence], settings.alpha).into_iter().map(|decision| drifted(decision, rows)));
}

/// Appends that no feature of `profile` can be compared, as there is nothing to compare `list` with.
pub fn read_out_nothing(profile: &Profile, list: &FeatureList, out: &mut Vec<MetricValue>) {
    let nothing = FeatureAccumulator::default();
    for (number, ..) in features(profile, list, &nothing).filter(is_there) {
        out.push(MetricValue::new(Metric::Drifted, Err(Undefined::NoReference), 0).of_feature(number));
    }
    out.push(MetricValue::new(Metric::DriftedShare, Err(Undefined::NoReference), 0));
}

/// All features of `profile`, with their places and what was counted, or `nothing`.
fn features<'a>(
    profile: &'a Profile,
    list: &'a FeatureList,
    nothing: &'a FeatureAccumulator,
) -> impl Iterator<Item = (u16, &'a FeatureProfile, &'a FeatureAccumulator)> {
    (0u16..).zip(&profile.features).map(move |(number, feature)| {
        let found = list.binary_search_by_key(&number, |(at, _)| *at).ok().map(|place| &list[place].1);
        (number, feature, found.unwrap_or(nothing))
    })
}

/// False of an output that no reference knows and no row has. Which outputs a model has is not declared, and one that it does
/// not have is no feature.
fn is_there((_, feature, accumulator): &(u16, &FeatureProfile, &FeatureAccumulator)) -> bool {
    let missing = feature.bins.len() - 2;
    feature.source == FeatureSource::Feature
        || feature.bins.are_fitted()
        || accumulator.counts.iter().any(|(bin, _)| usize::from(*bin) != missing)
        || feature.counts.iter().enumerate().any(|(bin, rows)| bin != missing && *rows > 0)
}

/// Appends the statistics of one feature, and gives the evidence for the decision.
fn compare(
    feature: &FeatureProfile,
    counts: &[i64],
    accumulator: &FeatureAccumulator,
    settings: &DriftSettings,
    out: &mut Vec<MetricValue>,
) -> Result<Evidence, Undefined> {
    match &feature.bins {
        FeatureBins::Categorical(bins) => {
            let samples = TwoSamples::new(&feature.counts, counts);
            binned(samples, settings.smoothing, counts.iter().sum(), out);
            match bins.are_hashed() {
                true => rule(settings, false).judge_bins(&samples?),
                false => rule(settings, false).judge_values(&samples?, bins.values().len()),
            }
        }
        FeatureBins::Numeric(bins) => {
            let coarse = bins.coarse();
            let (reference, current) = (coarse.sum(&feature.counts), coarse.sum(counts));
            let samples = TwoSamples::new(&reference, &current);
            binned(samples, settings.smoothing, counts.iter().sum(), out);
            let moments = feature.moments;
            let ordered = Ordered::new(bins, feature, counts, accumulator, moments);
            let rule = rule(settings, true);
            let tested = ordered.statistics(out);
            if rule.method.needs_order() {
                let std = moments.map_or(0.0, |moments| moments.std);
                tested.and_then(|(samples, test)| rule.judge_tested(&samples, &test, std))
            } else {
                rule.judge_bins(&samples?)
            }
        }
    }
}

/// The rule of a feature; of a category, which has no order, by Jensen-Shannon where the method needs one.
fn rule(settings: &DriftSettings, has_order: bool) -> DriftRule {
    let chosen = Method::from_name(&settings.method).filter(|method| has_order || !method.needs_order());
    let method = chosen.unwrap_or(Method::JensenShannon);
    DriftRule {
        method,
        threshold: settings.threshold.filter(|_| chosen.is_some()).or(method.default_threshold()).unwrap_or(0.0),
        alpha: settings.alpha,
        min_count: settings.min_count,
        smoothing: settings.smoothing,
    }
}

fn binned(samples: Result<TwoSamples, Undefined>, smoothing: Smoothing, rows: i64, out: &mut Vec<MetricValue>) {
    for (method, metric) in BINNED {
        let value = samples.map(|samples| binned_statistic(method, &samples, smoothing).expect("a method of bins"));
        out.push(MetricValue::new(metric, value, rows));
    }
    let test = samples.map(|samples| chi_square(&samples, Continuity::Yates));
    out.push(MetricValue::new(Metric::ChiSquare, test.map(|test| test.statistic), rows));
    let p_value = test.map(|test| match test.degrees_of_freedom {
        0 => 1.0,
        degrees_of_freedom => distribution::chi_square_upper(test.statistic, degrees_of_freedom),
    });
    out.push(MetricValue::new(Metric::ChiSquareP, p_value, rows));
}

/// Numbers of reference and window in their order.
struct Ordered<'a> {
    edges: Vec<f64>,
    reference: &'a [i64],
    current: &'a [i64],
    reference_std: f64,
}

impl<'a> Ordered<'a> {
    fn new(
        bins: &NumericBins,
        feature: &'a FeatureProfile,
        counts: &'a [i64],
        accumulator: &FeatureAccumulator,
        moments: Option<Moments>,
    ) -> Self {
        let (mut lowest, mut highest) = (f64::INFINITY, f64::NEG_INFINITY);
        for (least, most) in
            accumulator.numbers.range.into_iter().chain(moments.map(|moments| (moments.min, moments.max)))
        {
            (lowest, highest) = (lowest.min(least), highest.max(most));
        }
        Ordered {
            edges: bins.ordered_edges(lowest, highest),
            reference: &feature.counts[..bins.ordered_len()],
            current: &counts[..bins.ordered_len()],
            reference_std: moments.map_or(0.0, |moments| moments.std),
        }
    }

    /// Appends the statistics that need order, and gives the samples with their test.
    fn statistics(&self, out: &mut Vec<MetricValue>) -> Result<(OrderedSamples<'_>, KolmogorovSmirnov), Undefined> {
        let rows = self.current.iter().sum();
        let samples = OrderedSamples::new(&self.edges, self.reference, self.current);
        let mut put = |metric, found: Result<Bounded, Undefined>| {
            let value = MetricValue::new(metric, found.map(|found| found.value), rows);
            out.push(found.map_or(value, |found| value.with_error_bound(found.error_bound)));
        };
        let test = samples.map(|samples| kolmogorov_smirnov(&samples));
        put(Metric::KolmogorovSmirnov, test.map(|test| test.statistic));
        put(Metric::Wasserstein, samples.and_then(|samples| wasserstein(&samples)));
        put(Metric::WassersteinNormed, samples.and_then(|samples| wasserstein_normed(&samples, self.reference_std)));
        out.push(MetricValue::new(Metric::KolmogorovSmirnovP, test.map(|test| test.p_value), rows));
        samples.and_then(|samples| Ok((samples, test?)))
    }
}

fn drifted(decision: Result<Decision, Undefined>, rows: i64) -> MetricValue {
    let value = MetricValue::new(Metric::Drifted, decision.map(|decision| f64::from(u8::from(decision.drifted))), rows);
    let decided = decision.ok().map(|Decision { evidence, .. }| Decided {
        method: evidence.method.name(),
        threshold: evidence.threshold,
        null_quantile: evidence.null_quantile,
    });
    MetricValue { decided, ..value }
}
