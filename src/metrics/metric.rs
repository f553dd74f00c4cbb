//! The names of all metrics: one enum, so that a name can neither be misspelt nor left without an entry in the catalog.

/// Makes the enum, the list of all and the public names from one table.
macro_rules! metrics {
    ($($variant:ident = $name:literal,)*) => {
        /// A metric, by its public name. What each means stands in [`super::catalog`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Metric {
            /// All metrics, in the order in which they are documented and published.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];

            /// The metric of that name.
            pub fn from_name(name: &str) -> Option<Metric> {
                match name {
                    $($name => Some(Metric::$variant),)*
                    _ => None,
                }
            }

            /// The public name, as written to `metrics`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Metric::$variant => $name,)*
                }
            }
        }
    };
}

metrics! {
    Predictions = "predictions",
    Labels = "labels",
    Matched = "matched",
    Pending = "pending",
    Expired = "expired",
    OrphanLabels = "orphan_labels",
    DuplicatePredictions = "duplicate_predictions",
    DuplicateLabels = "duplicate_labels",
    CorrectedLabels = "corrected_labels",
    RetractedLabels = "retracted_labels",
    LatePredictions = "late_predictions",
    LateLabels = "late_labels",
    DeadLetters = "dead_letters",
    LabelCoverage = "label_coverage",
    LabelDelayMsP50 = "label_delay_ms_p50",
    LabelDelayMsP90 = "label_delay_ms_p90",
    LabelDelayMsP95 = "label_delay_ms_p95",
    LabelDelayMsP99 = "label_delay_ms_p99",
    LabelDelayMsMean = "label_delay_ms_mean",
    LabelDelayMsMax = "label_delay_ms_max",

    ThroughputPerSecond = "throughput_per_second",
    ErrorRate = "error_rate",
    LatencyMsP50 = "latency_ms_p50",
    LatencyMsP90 = "latency_ms_p90",
    LatencyMsP95 = "latency_ms_p95",
    LatencyMsP99 = "latency_ms_p99",
    LatencyMsMean = "latency_ms_mean",
    LatencyMsMax = "latency_ms_max",

    TruePositives = "true_positives",
    FalsePositives = "false_positives",
    TrueNegatives = "true_negatives",
    FalseNegatives = "false_negatives",
    Confusion = "confusion",
    Accuracy = "accuracy",
    BalancedAccuracy = "balanced_accuracy",
    Precision = "precision",
    PrecisionMicro = "precision_micro",
    PrecisionWeighted = "precision_weighted",
    Recall = "recall",
    RecallMicro = "recall_micro",
    RecallWeighted = "recall_weighted",
    Specificity = "specificity",
    Npv = "npv",
    FalsePositiveRate = "false_positive_rate",
    FalseNegativeRate = "false_negative_rate",
    F1 = "f1",
    F1Micro = "f1_micro",
    F1Weighted = "f1_weighted",
    Mcc = "mcc",
    CohenKappa = "cohen_kappa",
    RocAuc = "roc_auc",
    PrAuc = "pr_auc",
    KsScore = "ks_score",
    Gini = "gini",
    LogLoss = "log_loss",
    Brier = "brier",
    CalibrationError = "calibration_error",
    Prevalence = "prevalence",
    PredictedPositiveRate = "predicted_positive_rate",
    MeanScore = "mean_score",
    BusinessValue = "business_value",

    Mae = "mae",
    Mse = "mse",
    Rmse = "rmse",
    R2 = "r2",
    Mape = "mape",
    Smape = "smape",
    Msle = "msle",
    Bias = "bias",
    MaxError = "max_error",
    Pearson = "pearson",
    ErrorP05 = "error_p05",
    ErrorP50 = "error_p50",
    ErrorP95 = "error_p95",
    MeanPrediction = "mean_prediction",
    MeanLabel = "mean_label",

    AdwinDrift = "adwin_drift",
    DdmDrift = "ddm_drift",
    EddmDrift = "eddm_drift",
    HddmADrift = "hddm_a_drift",
    HddmWDrift = "hddm_w_drift",
    PageHinkleyDrift = "page_hinkley_drift",
    ChangePointMs = "change_point_ms",
    LevelBefore = "level_before",
    LevelAfter = "level_after",

    SelectionRate = "selection_rate",
    DemographicParityDifference = "demographic_parity_difference",
    DemographicParityRatio = "demographic_parity_ratio",
    EqualOpportunityDifference = "equal_opportunity_difference",
    EqualOpportunityRatio = "equal_opportunity_ratio",
    EqualizedOddsDifference = "equalized_odds_difference",
    EqualizedOddsRatio = "equalized_odds_ratio",
    PredictiveParityDifference = "predictive_parity_difference",
    PredictiveParityRatio = "predictive_parity_ratio",

    MissingRate = "missing_rate",
    InvalidRate = "invalid_rate",
    UnseenRate = "unseen_rate",
    Distinct = "distinct",
    OutOfRangeRate = "out_of_range_rate",
    FeatureMean = "mean",
    FeatureStd = "std",
    FeatureMin = "min",
    FeatureMax = "max",
    FeatureP05 = "p05",
    FeatureP25 = "p25",
    FeatureP50 = "p50",
    FeatureP75 = "p75",
    FeatureP95 = "p95",
    MissingRateChange = "missing_rate_change",
    InvalidRateChange = "invalid_rate_change",
    UnseenRateChange = "unseen_rate_change",
    FeatureMeanChange = "mean_change",
    FeaturesMissing = "features_missing",
    FeaturesConstant = "features_constant",
    FeaturesNew = "features_new",

    Psi = "psi",
    JensenShannon = "jensen_shannon",
    Hellinger = "hellinger",
    TotalVariation = "total_variation",
    LInfinity = "l_infinity",
    KolmogorovSmirnov = "kolmogorov_smirnov",
    KolmogorovSmirnovP = "kolmogorov_smirnov_p",
    Wasserstein = "wasserstein",
    WassersteinNormed = "wasserstein_normed",
    ChiSquare = "chi_square",
    ChiSquareP = "chi_square_p",
    Drifted = "drifted",
    DriftedShare = "drifted_share",
    OutputChangeMix = "output_change_mix",
    OutputChangeWithin = "output_change_within",
    EstimatedAccuracy = "estimated_accuracy",
    EstimatedPrecision = "estimated_precision",
    EstimatedRecall = "estimated_recall",
    EstimatedF1 = "estimated_f1",
    EstimatedRocAuc = "estimated_roc_auc",
    EstimationError = "estimation_error",
    AccuracyChangeMix = "accuracy_change_mix",
    AccuracyChangeWithin = "accuracy_change_within",
}

impl Metric {
    /// True of what the values of a feature are.
    pub fn is_of_features(self) -> bool {
        (Metric::MissingRate..=Metric::FeaturesNew).contains(&self)
    }

    /// True of how far something has moved from a reference.
    pub fn is_of_drift(self) -> bool {
        (Metric::Psi..=Metric::OutputChangeWithin).contains(&self)
    }

    /// True if its rows name something in `feature`: what is compared, what was estimated, or which detector fired.
    pub fn has_feature(self) -> bool {
        use Metric::*;
        self.is_of_features()
            || self.is_of_drift()
            || matches!(self, EstimationError | AccuracyChangeMix | AccuracyChangeWithin)
            || matches!(self, ChangePointMs | LevelBefore | LevelAfter)
    }

    /// True of quality as it is expected before labels come.
    fn is_estimated(self) -> bool {
        (Metric::EstimatedAccuracy..=Metric::EstimatedRocAuc).contains(&self)
    }

    /// True if its rows name the reference profile that they stand on.
    pub fn has_reference(self) -> bool {
        use Metric::*;
        let compares = self.has_feature() && !matches!(self, ChangePointMs | LevelBefore | LevelAfter);
        compares || self.is_estimated()
    }

    /// True if the metric says something about labels that came, so that its rows carry `label_coverage`. Counts of
    /// records, what is known at prediction time and what is estimated from it do not.
    pub fn needs_labels(self) -> bool {
        use Metric::*;
        let of_records = matches!(
            self,
            Predictions
                | Labels
                | Matched
                | Pending
                | Expired
                | OrphanLabels
                | DuplicatePredictions
                | DuplicateLabels
                | CorrectedLabels
                | RetractedLabels
                | LatePredictions
                | LateLabels
                | DeadLetters
                | LabelCoverage
        );
        let of_serving = matches!(
            self,
            ThroughputPerSecond
                | ErrorRate
                | LatencyMsP50
                | LatencyMsP90
                | LatencyMsP95
                | LatencyMsP99
                | LatencyMsMean
                | LatencyMsMax
        );
        !of_records && !of_serving && !self.is_estimated() && !self.is_of_features() && !self.is_of_drift()
    }
}
