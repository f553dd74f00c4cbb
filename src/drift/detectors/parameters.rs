//! What the parameters of detectors may be, and what each kind can take. The parameters themselves are part of the settings.

use super::adwin::AdwinParameters;
use super::ddm::DdmParameters;
use super::eddm::EddmParameters;
use super::hddm_a::HddmAParameters;
use super::hddm_w::HddmWParameters;
use super::page_hinkley::PageHinkleyParameters;
use crate::aggregate::wire::WireError;
pub use crate::event::detectors::{DetectorKind, DetectorParameters};

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
