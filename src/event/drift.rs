//! How drift of features is decided, as it is configured.

use super::Comparison;
use serde::{Deserialize, Serialize};

/// How it is decided whether a feature drifted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSettings {
    /// Name of the statistic that decides about features; of a number it may need order.
    pub method: String,
    /// Effect from which a difference matters; `None`: what the method has.
    pub threshold: Option<f64>,
    /// Probability of a false alarm, and expected share of false ones among alarms, in (0, ½].
    pub alpha: f64,
    /// Rows that a window, and what it is compared with, need before anything is decided.
    pub min_count: i64,
    /// Features are counted and judged per segment too.
    pub by_segment: bool,
    /// What the model gave out is added up per bin of each feature, and its change taken apart by them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub contributions: bool,
    /// What PSI does with shares of zero.
    pub smoothing: Smoothing,
    /// What windows are compared with, without repetition; not empty.
    pub compare_with: Vec<Comparison>,
}

impl DriftSettings {
    /// Comparisons with windows of the same model.
    pub fn moving(&self) -> impl Iterator<Item = &Comparison> {
        self.compare_with.iter().filter(|comparison| comparison.is_moving())
    }
}

/// Names of the statistics that can decide about drift.
pub const DRIFT_METHODS: [&str; 9] = [
    "psi",
    "jensen_shannon",
    "hellinger",
    "total_variation",
    "l_infinity",
    "kolmogorov_smirnov",
    "wasserstein",
    "wasserstein_normed",
    "chi_square",
];

/// The one of them that is in the unit of the feature, so that no threshold suits all.
pub const DRIFT_METHOD_IN_UNITS: &str = "wasserstein";

impl Default for DriftSettings {
    fn default() -> Self {
        DriftSettings {
            method: "jensen_shannon".to_owned(),
            threshold: None,
            alpha: 0.01,
            min_count: 30,
            by_segment: false,
            contributions: false,
            smoothing: Smoothing::default(),
            compare_with: vec![Comparison::Fixed],
        }
    }
}

/// What PSI does with bins that one sample has no rows in: without it, a single one of them makes it infinite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Smoothing {
    /// A share of zero becomes this, in (0, 1); all other shares stay as they are.
    Zeros(f64),
    /// Shares below this, in (0, 1), are raised to it; the others stay as they are, so that sums may exceed 1.
    Clip(f64),
    /// So many rows, > 0, are added to every bin of both samples (Laplace's rule at 1); sums stay 1.
    Add(f64),
}

impl Default for Smoothing {
    /// Zeros become 1e-4.
    fn default() -> Self {
        Smoothing::Zeros(1e-4)
    }
}
