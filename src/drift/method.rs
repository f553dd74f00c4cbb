//! `Method`: the statistics that can decide about drift, with their names and the effect from which they matter.

/// A statistic of two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// [`crate::drift::methods::psi`].
    Psi,
    /// [`crate::drift::methods::jensen_shannon`].
    JensenShannon,
    /// [`crate::drift::methods::hellinger`].
    Hellinger,
    /// [`crate::drift::methods::total_variation`].
    TotalVariation,
    /// [`crate::drift::methods::l_infinity`].
    LInfinity,
    /// [`crate::drift::methods::kolmogorov_smirnov`].
    KolmogorovSmirnov,
    /// [`crate::drift::methods::wasserstein`].
    Wasserstein,
    /// [`crate::drift::methods::wasserstein_normed`].
    WassersteinNormed,
    /// [`crate::drift::methods::chi_square`].
    ChiSquare,
}

impl Method {
    /// All methods, in the order in which they are documented.
    pub const ALL: [Method; 9] = [
        Method::Psi,
        Method::JensenShannon,
        Method::Hellinger,
        Method::TotalVariation,
        Method::LInfinity,
        Method::KolmogorovSmirnov,
        Method::Wasserstein,
        Method::WassersteinNormed,
        Method::ChiSquare,
    ];

    /// The public name: that of the metric, and what a row's `method` says.
    pub fn name(self) -> &'static str {
        match self {
            Method::Psi => "psi",
            Method::JensenShannon => "jensen_shannon",
            Method::Hellinger => "hellinger",
            Method::TotalVariation => "total_variation",
            Method::LInfinity => "l_infinity",
            Method::KolmogorovSmirnov => "kolmogorov_smirnov",
            Method::Wasserstein => "wasserstein",
            Method::WassersteinNormed => "wasserstein_normed",
            Method::ChiSquare => "chi_square",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.name() == name)
    }

    /// True if it reads the values in order; the others read bins, and so categories too.
    pub fn needs_order(self) -> bool {
        matches!(self, Method::KolmogorovSmirnov | Method::Wasserstein | Method::WassersteinNormed)
    }

    /// The effect from which a difference matters, unless the user says otherwise. For PSI the customary 0.2 (Siddiqi
    /// 2006); for the distances 0.1, as monitoring tools have it. A plain Wasserstein distance has the feature's unit, so
    /// only the user knows. χ² grows with the rows: its threshold is Cohen's w (1988; 0.1 is small, 0.3 medium), which
    /// [`crate::drift::decision::Evidence`] turns into the statistic that it comes to for the rows at hand.
    pub fn default_threshold(self) -> Option<f64> {
        match self {
            Method::Wasserstein => None,
            Method::Psi | Method::ChiSquare => Some(0.2),
            _ => Some(0.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DRIFT_METHOD_IN_UNITS, DRIFT_METHODS};

    #[test]
    fn names_lead_back() {
        for method in Method::ALL {
            assert_eq!(Method::from_name(method.name()), Some(method));
        }
        assert_eq!(Method::from_name("kl"), None);
        assert_eq!(Method::ALL.map(Method::name), DRIFT_METHODS);
        let without = Method::ALL.into_iter().find(|method| method.default_threshold().is_none());
        assert_eq!(without.map(Method::name), Some(DRIFT_METHOD_IN_UNITS));
    }
}
