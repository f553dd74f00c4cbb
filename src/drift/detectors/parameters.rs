//! Which detectors there are, and the parameters of each. Defaults are River's.

use super::adwin::AdwinParameters;
use super::ddm::DdmParameters;
use super::eddm::EddmParameters;
use super::hddm_a::HddmAParameters;
use super::hddm_w::HddmWParameters;
use super::page_hinkley::PageHinkleyParameters;
use crate::aggregate::wire::WireError;

/// A method that finds a change in a stream of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DetectorKind {
    /// [`Adwin`](super::Adwin).
    Adwin,
    /// [`Ddm`](super::Ddm).
    Ddm,
    /// [`Eddm`](super::Eddm).
    Eddm,
    /// [`HddmA`](super::HddmA).
    HddmA,
    /// [`HddmW`](super::HddmW).
    HddmW,
    /// [`PageHinkley`](super::PageHinkley).
    PageHinkley,
}

/// Largest magnitude of a value: sums and squares of any number of them stay finite.
const VALUE_MAX: f64 = 1e100;

impl DetectorKind {
    /// All, by name.
    pub const ALL: [DetectorKind; 6] = [
        DetectorKind::Adwin,
        DetectorKind::Ddm,
        DetectorKind::Eddm,
        DetectorKind::HddmA,
        DetectorKind::HddmW,
        DetectorKind::PageHinkley,
    ];

    /// As configuration and metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            DetectorKind::Adwin => "adwin",
            DetectorKind::Ddm => "ddm",
            DetectorKind::Eddm => "eddm",
            DetectorKind::HddmA => "hddm_a",
            DetectorKind::HddmW => "hddm_w",
            DetectorKind::PageHinkley => "page_hinkley",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<DetectorKind> {
        DetectorKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// True if such a detector can take `value`: 0 or 1 for EDDM, from 0 to 1 for DDM and the HDDM, at most 10¹⁰⁰ in
    /// magnitude for the others; never what is no number.
    pub fn takes(self, value: f64) -> bool {
        match self {
            DetectorKind::Adwin | DetectorKind::PageHinkley => value.abs() <= VALUE_MAX,
            DetectorKind::Ddm | DetectorKind::HddmA | DetectorKind::HddmW => (0.0..=1.0).contains(&value),
            DetectorKind::Eddm => value == 0.0 || value == 1.0,
        }
    }

    /// What such a detector has where nothing is configured.
    pub fn defaults(self) -> DetectorParameters {
        match self {
            DetectorKind::Adwin => DetectorParameters::Adwin(AdwinParameters::default()),
            DetectorKind::Ddm => DetectorParameters::Ddm(DdmParameters::default()),
            DetectorKind::Eddm => DetectorParameters::Eddm(EddmParameters::default()),
            DetectorKind::HddmA => DetectorParameters::HddmA(HddmAParameters::default()),
            DetectorKind::HddmW => DetectorParameters::HddmW(HddmWParameters::default()),
            DetectorKind::PageHinkley => DetectorParameters::PageHinkley(PageHinkleyParameters::default()),
        }
    }
}

/// A kind of detector with its parameters. They may be out of range; [`Detector::try_new`](super::Detector::try_new)
/// checks them.
#[derive(Debug, Clone, Copy, PartialEq)]
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

impl DetectorParameters {
    /// Which detector they are of.
    pub fn kind(&self) -> DetectorKind {
        match self {
            DetectorParameters::Adwin(_) => DetectorKind::Adwin,
            DetectorParameters::Ddm(_) => DetectorKind::Ddm,
            DetectorParameters::Eddm(_) => DetectorKind::Eddm,
            DetectorParameters::HddmA(_) => DetectorKind::HddmA,
            DetectorParameters::HddmW(_) => DetectorKind::HddmW,
            DetectorParameters::PageHinkley(_) => DetectorKind::PageHinkley,
        }
    }

    /// # Errors
    /// If one is out of its range.
    pub fn check(&self) -> Result<(), ParameterError> {
        match self {
            DetectorParameters::Adwin(parameters) => parameters.check(),
            DetectorParameters::Ddm(parameters) => parameters.check(),
            DetectorParameters::Eddm(parameters) => parameters.check(),
            DetectorParameters::HddmA(parameters) => parameters.check(),
            DetectorParameters::HddmW(parameters) => parameters.check(),
            DetectorParameters::PageHinkley(parameters) => parameters.check(),
        }
    }
}

/// A parameter is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}` must be {must_be}")]
pub struct ParameterError {
    /// Its name.
    pub parameter: &'static str,
    /// Its range, in words.
    pub must_be: &'static str,
}

pub(super) fn require(parameter: &'static str, must_be: &'static str, holds: bool) -> Result<(), ParameterError> {
    if holds { Ok(()) } else { Err(ParameterError { parameter, must_be }) }
}

/// Confidences of a drift and of a warning, which comes no later.
pub(super) fn require_confidences(drift: f64, warning: f64) -> Result<(), ParameterError> {
    require("drift_confidence", "between 0 and 1", drift > 0.0 && drift < 1.0)?;
    require("warning_confidence", "at least `drift_confidence` and below 1", (drift..1.0).contains(&warning))
}

/// Parameters of a state that nobody can have configured.
pub(super) fn malformed(_: ParameterError) -> WireError {
    WireError::Malformed("a parameter is out of range")
}
