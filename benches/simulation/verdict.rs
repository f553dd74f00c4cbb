//! What is said about one column of one window: the evidence of each of our methods, and the peers' rules.
//!
//! A p-value above α changes no decision, here or of another column of the window (nothing is rejected whose own p-value
//! is above α, and ranks count from the smallest). So what is dear and only matters below α is left out above it: the
//! null quantiles, and the exact Kolmogorov-Smirnov p-value where its asymptotic form is beyond 2 α.

use super::peers;
use super::reference::Reference;
use super::window::Window;
use postdict::drift::decision::{DriftRule, Evidence};
use postdict::drift::homogeneity::homogeneity_p_value;
use postdict::drift::methods::{kolmogorov_smirnov, psi};
use postdict::drift::most_frequent::most_frequent_p_value;
use postdict::drift::{Method, OrderedSamples, TwoSamples};
use postdict::event::FeatureBins;
use postdict::event::Smoothing;

/// Probability of a false alarm that we promise.
pub const ALPHA: f64 = 0.01;
/// Rows below which nothing is decided, as the settings have it.
const MIN_COUNT: i64 = 30;

/// About one column of one window.
pub struct Verdict {
    /// In the order of [`Method::ALL`].
    pub ours: [Evidence; 9],
    /// A plain threshold on PSI.
    pub psi: bool,
    /// NannyML's rule.
    pub nannyml: bool,
    /// Evidently's rule.
    pub evidently: bool,
}

impl Verdict {
    /// About `window`, compared with `reference`; without those methods that need order, the default one in their place.
    pub fn of(reference: &Reference, window: &Window, is_ordered: bool) -> Verdict {
        let (deciles, current);
        let samples = match &reference.deciles {
            Some((grouping, counts)) => {
                current = grouping.sum(&window.counts);
                deciles = counts.as_slice();
                TwoSamples::new(deciles, &current)
            }
            None => TwoSamples::new(&reference.feature.counts, &window.counts),
        };
        let samples = samples.expect("both have rows");
        // Of a category, the bin of what has none; of numbers, every bin is its own.
        let others = match &reference.feature.bins {
            FeatureBins::Categorical(bins) => Some(bins.values().len()),
            FeatureBins::Numeric(_) => None,
        };
        let homogeneity = match others {
            Some(others) => most_frequent_p_value(&samples, others),
            None => homogeneity_p_value(&samples),
        };
        let judged = |method: Method| match others {
            Some(others) => rule(method).judge_values(&samples, others),
            None => rule(method).judge_bins(&samples),
        };
        let in_bins = |method: Method| match homogeneity > ALPHA {
            true => silent(method, homogeneity),
            false => judged(method).unwrap_or(silent(method, homogeneity)),
        };
        let edges = ordered_edges(reference, window).filter(|_| is_ordered);
        let ordered = edges.as_ref().map(|edges| {
            let numbers = edges.len() - 1;
            OrderedSamples::new(edges, &reference.feature.counts[..numbers], &window.counts[..numbers])
                .expect("numbers")
        });
        let p_value = ordered.as_ref().map_or(1.0, p_value_if_it_matters);
        let std = reference.feature.moments.map_or(0.0, |moments| moments.std);
        let in_order = |method: Method| match &ordered {
            // A category has no order, and the default method decides.
            None => in_bins(Method::JensenShannon),
            Some(_) if p_value > ALPHA => silent(method, p_value),
            Some(samples) => rule(method).judge_ordered(samples, std).unwrap_or(silent(method, p_value)),
        };
        Verdict {
            ours: Method::ALL.map(|method| if method.needs_order() { in_order(method) } else { in_bins(method) }),
            psi: psi(&samples, Smoothing::default()) > 0.2,
            nannyml: peers::nannyml(reference, window),
            evidently: peers::evidently(reference, window),
        }
    }
}

/// The rule of a method as it is by default; Wasserstein's, in units of the column, without a threshold.
fn rule(method: Method) -> DriftRule {
    let threshold = method.default_threshold().unwrap_or(0.0);
    DriftRule { method, threshold, alpha: ALPHA, min_count: MIN_COUNT, smoothing: Smoothing::default() }
}

/// Evidence that calls nothing.
fn silent(method: Method, p_value: f64) -> Evidence {
    Evidence { method, value: 0.0, threshold: 0.0, null_quantile: f64::INFINITY, p_value }
}

/// Edges of the bins of numbers, closed at the ends of both samples; `None` of a category.
fn ordered_edges(reference: &Reference, window: &Window) -> Option<Vec<f64>> {
    let FeatureBins::Numeric(bins) = &reference.feature.bins else { return None };
    let moments = reference.feature.moments?;
    let (low, high) = window.range?;
    Some(bins.ordered_edges(low.min(moments.min), high.max(moments.max)))
}

fn p_value_if_it_matters(samples: &OrderedSamples) -> f64 {
    let both = samples.samples();
    let (n, m) = (both.reference_rows() as f64, both.current_rows() as f64);
    let (mut difference, mut largest): (f64, f64) = (0.0, 0.0);
    for (theirs, ours) in both.shares() {
        difference += theirs - ours;
        largest = largest.max(difference.abs());
    }
    let asymptotic = 2.0 * (-2.0 * largest * largest * n * m / (n + m)).exp();
    if asymptotic > 2.0 * ALPHA { 1.0 } else { kolmogorov_smirnov(samples).p_value }
}
