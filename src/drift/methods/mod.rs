//! How different two samples are: one method per file, with its formula, range and source.
//!
//! A method reads counts per bin and nothing else, bins in ascending order, so equal counts give equal bits. The binned
//! ones are about the bins that they are given; the ones of distribution functions say how far bins can have moved them.

mod chi_square;
mod hellinger;
mod jensen_shannon;
mod kolmogorov_smirnov;
mod l_infinity;
#[cfg(test)]
mod laws;
mod psi;
mod total_variation;
mod wasserstein;

pub use chi_square::{ChiSquare, Continuity, chi_square};
pub use hellinger::hellinger;
pub use jensen_shannon::jensen_shannon;
pub use kolmogorov_smirnov::{KolmogorovSmirnov, kolmogorov_smirnov};
pub use l_infinity::l_infinity;
pub use psi::psi;
pub use total_variation::total_variation;
pub use wasserstein::{wasserstein, wasserstein_normed};

use super::{Method, TwoSamples};
use crate::event::Smoothing;

/// A statistic read from bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// What the bins say; finite.
    pub value: f64,
    /// The statistic of the rows themselves is within `value ± error_bound`, ≥ 0.
    pub error_bound: f64,
}

/// The statistic of a `method` that reads bins; `None` of one that needs order.
pub fn binned_statistic(method: Method, samples: &TwoSamples, smoothing: Smoothing) -> Option<f64> {
    match method {
        Method::Psi => Some(psi(samples, smoothing)),
        Method::JensenShannon => Some(jensen_shannon(samples)),
        Method::Hellinger => Some(hellinger(samples)),
        Method::TotalVariation => Some(total_variation(samples)),
        Method::LInfinity => Some(l_infinity(samples)),
        Method::ChiSquare => Some(chi_square(samples, Continuity::Yates).statistic),
        Method::KolmogorovSmirnov | Method::Wasserstein | Method::WassersteinNormed => None,
    }
}
