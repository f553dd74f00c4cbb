//! The decision: has this feature drifted in this window?
//!
//! Yes only if all of these hold:
//!
//! 1. *It matters*: the statistic reaches the method's threshold.
//! 2. *It is more than chance*: it exceeds what chance alone exceeds with probability α for these two sample sizes and
//!    bins (`null_quantile`).
//! 3. *It survives false-discovery control*: the p-value, adjusted over all features of the window
//!    ([`super::false_discovery`]), is at most α.
//!
//! A plain threshold has only the first and alarms constantly on small windows: with ten bins and 50 rows chance alone
//! gives a PSI of nearly 0.2 on average.
//!
//! The p-value is one of a test that holds for any sample size, not of the statistic's approximate distribution: for bins
//! that of homogeneity ([`super::homogeneity`], [`super::most_frequent`]), for ordered values that of Kolmogorov-Smirnov, for which any binning and
//! any ties only err on the side of silence. So the third condition alone keeps false alarms at α, whatever the null
//! quantiles are worth; the price is that Wasserstein drift in the outermost tail alone is not called.

use super::chance::binned_null_quantile;
use super::false_discovery::benjamini_hochberg;
use super::homogeneity::homogeneity_p_value;
use super::method::Method;
use super::methods::{KolmogorovSmirnov, binned_statistic, kolmogorov_smirnov, wasserstein, wasserstein_normed};
use super::most_frequent::most_frequent_p_value;
use super::wasserstein_chance::wasserstein_null_quantile;
use super::{OrderedSamples, TwoSamples, kolmogorov};
use crate::event::Smoothing;
use crate::metrics::Undefined;

/// How a feature is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftRule {
    /// The statistic.
    pub method: Method,
    /// Effect from which a difference matters, ≥ 0: of the statistic; of χ², Cohen's w.
    pub threshold: f64,
    /// Probability of a false alarm, and expected share of false ones among alarms, in (0, ½].
    pub alpha: f64,
    /// Rows that the current window and its reference each need.
    pub min_count: i64,
    /// What PSI does with shares of zero.
    pub smoothing: Smoothing,
}

/// What one feature of one window shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The statistic's name.
    pub method: Method,
    /// The statistic.
    pub value: f64,
    /// The value from which it matters; of χ², what the rule's effect comes to for these rows.
    pub threshold: f64,
    /// The value that chance alone exceeds with probability α.
    pub null_quantile: f64,
    /// Probability of samples that differ as much where nothing changed, in [0, 1].
    pub p_value: f64,
}

/// The decision about one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// What it rests on.
    pub evidence: Evidence,
    /// The p-value, adjusted for the features that were judged together.
    pub adjusted_p_value: f64,
    /// All three conditions hold.
    pub drifted: bool,
}

impl DriftRule {
    /// The evidence in bins, for a method that needs no order.
    ///
    /// # Errors
    /// [`Undefined::BelowMinCount`] where the window or its reference has too few rows.
    ///
    /// # Panics
    /// If the method needs order.
    pub fn judge_bins(&self, samples: &TwoSamples) -> Result<Evidence, Undefined> {
        self.evidence_in_bins(samples, homogeneity_p_value)
    }

    /// The evidence in bins of the most frequent values of a category; all values without one are in bin `others`.
    ///
    /// # Errors
    /// As [`DriftRule::judge_bins`].
    ///
    /// # Panics
    /// If the method needs order.
    pub fn judge_values(&self, samples: &TwoSamples, others: usize) -> Result<Evidence, Undefined> {
        self.evidence_in_bins(samples, |samples| most_frequent_p_value(samples, others))
    }

    fn evidence_in_bins(
        &self,
        samples: &TwoSamples,
        p_value: impl Fn(&TwoSamples) -> f64,
    ) -> Result<Evidence, Undefined> {
        self.check_count(samples)?;
        let value = binned_statistic(self.method, samples, self.smoothing).expect("a method of bins");
        let null_quantile = binned_null_quantile(self.method, samples, self.alpha).expect("a method of bins");
        let threshold = match self.method {
            // Σ (p − q)² / π, of which Cohen's w is the root, is χ² times the sampling variance.
            Method::ChiSquare => self.threshold * self.threshold / samples.sampling_variance(),
            _ => self.threshold,
        };
        Ok(Evidence { method: self.method, value, threshold, null_quantile, p_value: p_value(samples) })
    }

    /// The evidence in ordered bins, for a method that needs order; `reference_std` is the reference's standard deviation.
    ///
    /// # Errors
    /// [`Undefined::BelowMinCount`] where the window or its reference has too few rows, else as the method.
    ///
    /// # Panics
    /// If the method needs no order.
    pub fn judge_ordered(&self, samples: &OrderedSamples, reference_std: f64) -> Result<Evidence, Undefined> {
        self.judge_tested(samples, &kolmogorov_smirnov(samples), reference_std)
    }

    /// The same, where the Kolmogorov-Smirnov `test` of the samples is known: it is dear.
    pub(super) fn judge_tested(
        &self,
        samples: &OrderedSamples,
        test: &KolmogorovSmirnov,
        reference_std: f64,
    ) -> Result<Evidence, Undefined> {
        self.check_count(samples.samples())?;
        let (n, m) = (samples.samples().reference_rows(), samples.samples().current_rows());
        let moved_by_chance = || wasserstein_null_quantile(samples, self.alpha).ok_or(Undefined::Overflow);
        let (value, null_quantile) = match self.method {
            Method::KolmogorovSmirnov => (test.statistic.value, kolmogorov::upper_quantile(self.alpha, n, m)),
            Method::Wasserstein => (wasserstein(samples)?.value, moved_by_chance()?),
            Method::WassersteinNormed => {
                (wasserstein_normed(samples, reference_std)?.value, moved_by_chance()? / reference_std)
            }
            _ => panic!("{} needs no order", self.method.name()),
        };
        let (method, threshold) = (self.method, self.threshold);
        Ok(Evidence { method, value, threshold, null_quantile, p_value: test.p_value })
    }

    fn check_count(&self, samples: &TwoSamples) -> Result<(), Undefined> {
        let fewest = samples.current_rows().min(samples.reference_rows());
        if fewest < self.min_count { Err(Undefined::BelowMinCount) } else { Ok(()) }
    }
}

/// Decides about all features of one window together, in the order given. Features without evidence are no test, and keep
/// their reason.
pub fn decide(evidence: &[Result<Evidence, Undefined>], alpha: f64) -> Vec<Result<Decision, Undefined>> {
    let p_values: Vec<f64> = evidence.iter().flatten().map(|evidence| evidence.p_value).collect();
    let mut adjusted = benjamini_hochberg(&p_values).into_iter();
    evidence
        .iter()
        .map(|evidence| {
            let evidence = (*evidence)?;
            let adjusted_p_value = adjusted.next().expect("one p-value per evidence");
            let matters = evidence.value >= evidence.threshold;
            let beyond_chance = evidence.value > evidence.null_quantile;
            let drifted = matters && beyond_chance && adjusted_p_value <= alpha;
            Ok(Decision { evidence, adjusted_p_value, drifted })
        })
        .collect()
}

/// Share of the features with a decision that drifted.
///
/// # Errors
/// [`Undefined::NoRows`] where no feature has a decision.
pub fn drifted_share(decisions: &[Result<Decision, Undefined>]) -> Result<f64, Undefined> {
    let decided = decisions.iter().flatten().count();
    let drifted = decisions.iter().flatten().filter(|decision| decision.drifted).count();
    if decided == 0 { Err(Undefined::NoRows) } else { Ok(drifted as f64 / decided as f64) }
}
