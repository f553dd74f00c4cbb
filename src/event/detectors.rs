//! Which detectors of concept drift a model has, as it was declared. What they do stands in `drift`; the parameters are here
//! because they are part of the settings. Defaults are River's.

use serde::{Deserialize, Serialize};

/// The detectors of one model, and what they read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detectors {
    /// What of a prediction and its label they read.
    pub loss: LossKind,
    /// In which order.
    pub order: OutcomeOrder,
    /// There are some of every segment value too, not only of the model and its versions.
    pub by_segment: bool,
    /// At most one of a kind, sorted by kind; not empty.
    pub methods: Vec<DetectorParameters>,
}

/// How wrong a prediction was, in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// Of a class 1 where it is wrong and 0 where it is right; of a number |prediction − label|.
    Error,
    /// −ln of the probability given to what came true; of a number nothing.
    LogLoss,
}

/// By what outcomes are sorted before detectors read them. Ties go on to the bits of the loss, so that no two outcomes that
/// differ in anything that detectors see are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeOrder {
    /// When the label became known, then when the prediction was made, then the bytes of the request id.
    LabelTime,
    /// When the prediction was made, then the bytes of the request id.
    PredictionTime,
}

/// A method that finds a change in a stream of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DetectorKind {
    /// `Adwin`.
    Adwin,
    /// `Ddm`.
    Ddm,
    /// `Eddm`.
    Eddm,
    /// `HddmA`.
    HddmA,
    /// `HddmW`.
    HddmW,
    /// `PageHinkley`.
    PageHinkley,
}

/// A kind of detector with its parameters. They may be out of range; whoever makes a detector checks
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetectorParameters {
    /// Of ADWIN.
    Adwin(AdwinParameters),
    /// Of DDM.
    Ddm(DdmParameters),
    /// Of EDDM.
    Eddm(EddmParameters),
    /// Of HDDM_A.
    HddmA(HddmAParameters),
    /// Of HDDM_W.
    HddmW(HddmWParameters),
    /// Of Page-Hinkley.
    PageHinkley(PageHinkleyParameters),
}

/// Parameters of `Adwin`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdwinParameters {
    /// Chance of a drift where there is none; between 0 and 1. 0.002 by default.
    pub delta: f64,
    /// How many values come between two looks; at least 1. 32 by default.
    pub clock: u32,
    /// Buckets of a size that are kept: more find a change sooner and its place more exactly, at more memory and time;
    /// from 2 to 64. 5 by default.
    pub max_buckets: u32,
    /// Values that each part of a cut must have; at least 1. 5 by default.
    pub min_window_length: u32,
    /// Nothing is decided before more values than this have come. 10 by default.
    pub grace_period: u32,
}

impl Default for AdwinParameters {
    fn default() -> Self {
        AdwinParameters { delta: 0.002, clock: 32, max_buckets: 5, min_window_length: 5, grace_period: 10 }
    }
}

/// Parameters of `Ddm`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DdmParameters {
    /// Over so many values nothing is decided. 30 by default.
    pub warm_start: u32,
    /// Standard deviations above the minimum at which the warning zone begins; at least 0. 2 by default.
    pub warning_threshold: f64,
    /// Standard deviations above the minimum that are a drift; at least `warning_threshold`. 3 by default.
    pub drift_threshold: f64,
}

impl Default for DdmParameters {
    fn default() -> Self {
        DdmParameters { warm_start: 30, warning_threshold: 2.0, drift_threshold: 3.0 }
    }
}

/// Parameters of `Eddm`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EddmParameters {
    /// More errors than this must have come before anything is decided. 30 by default.
    pub warm_start: u32,
    /// Ratio below which the warning zone is; from 0 to 1. 0.95 by default.
    pub alpha: f64,
    /// Ratio below which a drift is; from 0 to `alpha`. 0.9 by default.
    pub beta: f64,
}

impl Default for EddmParameters {
    fn default() -> Self {
        EddmParameters { warm_start: 30, alpha: 0.95, beta: 0.9 }
    }
}

/// Parameters of `HddmA`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HddmAParameters {
    /// Chance of a drift where there is none; between 0 and 1. 0.001 by default.
    pub drift_confidence: f64,
    /// The same of a warning; at least `drift_confidence`, below 1. 0.005 by default.
    pub warning_confidence: f64,
    /// Looks for a fall too. No by default.
    pub two_sided: bool,
}

impl Default for HddmAParameters {
    fn default() -> Self {
        HddmAParameters { drift_confidence: 0.001, warning_confidence: 0.005, two_sided: false }
    }
}

/// Parameters of `HddmW`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HddmWParameters {
    /// Chance of a drift where there is none; between 0 and 1. 0.001 by default.
    pub drift_confidence: f64,
    /// The same of a warning; at least `drift_confidence`, below 1. 0.005 by default.
    pub warning_confidence: f64,
    /// Weight of the newest value; above 0, at most 1. 0.05 by default.
    pub lambda: f64,
    /// Looks for a fall too. No by default.
    pub two_sided: bool,
}

impl Default for HddmWParameters {
    fn default() -> Self {
        HddmWParameters { drift_confidence: 0.001, warning_confidence: 0.005, lambda: 0.05, two_sided: false }
    }
}

/// Parameters of `PageHinkley`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageHinkleyParameters {
    /// The first value at which a drift can be. 30 by default.
    pub min_instances: u32,
    /// Deviation that is tolerated, in the unit of the values; at least 0. 0.005 by default.
    pub delta: f64,
    /// Sum of deviations that is a drift, in the unit of the values; at least 0. 50 by default.
    pub threshold: f64,
    /// What is kept of the sum at each value; from 0 to 1. 0.9999 by default.
    pub alpha: f64,
    /// What is looked for. Both by default.
    pub direction: Direction,
}

/// Which changes of a level are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A rise.
    Up,
    /// A fall.
    Down,
    /// A rise or a fall.
    Both,
}

impl Default for PageHinkleyParameters {
    fn default() -> Self {
        let direction = Direction::Both;
        PageHinkleyParameters { min_instances: 30, delta: 0.005, threshold: 50.0, alpha: 1.0 - 0.0001, direction }
    }
}
