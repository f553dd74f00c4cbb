//! The catalog of *concept drift*: what detectors found in the stream of losses. Rows exist where detectors are configured.

use super::{Entry, Method, Range, count};
use crate::event::DetectorKind;
use crate::metrics::{Metric, Undefined};

pub(super) const ENTRIES: &[Entry] = &[
    firings(Metric::AdwinDrift, "how often ADWIN (Bifet and Gavaldà 2007) found another mean"),
    firings(Metric::DdmDrift, "how often DDM (Gama et al. 2004) found a higher error rate"),
    firings(Metric::EddmDrift, "how often EDDM (Baena-García et al. 2006) found errors closer together"),
    firings(Metric::HddmADrift, "how often HDDM_A (Frías-Blanco et al. 2015) found another mean, of equal weights"),
    firings(Metric::HddmWDrift, "how often HDDM_W (Frías-Blanco et al. 2015) found another mean, of falling weights"),
    firings(Metric::PageHinkleyDrift, "how often the Page-Hinkley test found another mean"),
    evidence(Metric::ChangePointMs, "when the prediction was made whose loss began the new level")
        .unit("ms since 1970"),
    evidence(Metric::LevelBefore, "mean loss from the detector's start, or its firing before, to that prediction")
        .unit("loss"),
    evidence(Metric::LevelAfter, "mean loss from that prediction to the firing").unit("loss"),
];

const fn evidence(metric: Metric, formula: &'static str) -> Entry {
    firings(metric, formula).range(Range::Real)
}

const REASONS: &[Undefined] =
    &[Undefined::NoRows, Undefined::NoLabels, Undefined::NoScores, Undefined::BeforeWatermark];

const fn firings(metric: Metric, formula: &'static str) -> Entry {
    count(metric, formula, "outcomes of the window that the detector read")
        .range(Range::Count)
        .unit("firings")
        .interval(Method::None("none: what a detector found is no estimate"))
        .undefined(REASONS)
}

impl Metric {
    /// What such a detector finds.
    pub fn of_detector(kind: DetectorKind) -> Metric {
        match kind {
            DetectorKind::Adwin => Metric::AdwinDrift,
            DetectorKind::Ddm => Metric::DdmDrift,
            DetectorKind::Eddm => Metric::EddmDrift,
            DetectorKind::HddmA => Metric::HddmADrift,
            DetectorKind::HddmW => Metric::HddmWDrift,
            DetectorKind::PageHinkley => Metric::PageHinkleyDrift,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_metric_of_its_name() {
        for kind in DetectorKind::ALL {
            assert_eq!(Metric::of_detector(kind).name(), format!("{}_drift", kind.name()));
        }
    }
}
