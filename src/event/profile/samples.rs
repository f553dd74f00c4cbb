//! A small profile that tests begin from.

use super::{
    AccuracyBy, AccuracyGroup, BinnedOutputs, ClassCalibration, FeatureBins, FeatureProfile, FeatureSource, Moments,
    Profile, ProfileWindow, ReferenceId, ReferenceLabels, ReferenceMetric, Sketches,
};
use crate::event::TaskKind;
use crate::event::bins::{CategoryBins, Measurement, NumericBins};
use crate::event::calibration::Calibration;

/// Of six rows: an amount and a country.
pub(crate) fn profile() -> Profile {
    let numbers = [1.5, 2.0, 2.0, 4.25, 1e6];
    let bins = NumericBins::of_reference(&numbers).expect("there are numbers");
    let mut counts = vec![0; bins.bins()];
    numbers.iter().for_each(|&number| counts[bins.bin_of(Measurement::Number(number))] += 1);
    counts[bins.bin_of(Measurement::Missing)] += 1;
    let amount = FeatureProfile {
        name: "amount".into(),
        source: FeatureSource::Feature,
        bins: FeatureBins::Numeric(bins),
        counts,
        moments: Some(Moments { mean: 200001.95, std: 399999.025, min: 1.5, max: 1e6 }),
        sketches: Some(Sketches { distinct: Some("AgEHCAMI".to_owned()), ..Sketches::default() }),
        outputs: None,
    };
    let country = FeatureProfile {
        name: "country".into(),
        source: FeatureSource::Feature,
        bins: FeatureBins::Categorical(CategoryBins::of_reference([("DE", 3), ("FR \"ö\"\n", 2)], 50)),
        counts: vec![3, 2, 0, 1, 0],
        moments: None,
        sketches: None,
        outputs: None,
    };
    let (model_id, features) = ("m".into(), vec![amount, country]);
    let (task, id, labels) = (TaskKind::Binary, ReferenceId(0), Some(labels()));
    Profile { id, model_id, task, rows: 6, first_ms: 1_000, last_ms: 9_000, features, labels, window: None }.with_id()
}

/// One of two parts of what such a profile might be of.
pub(crate) fn window() -> ProfileWindow {
    ProfileWindow {
        id: "00112233445566778899aabbccddeeff".into(),
        model_version: "7".into(),
        start_ms: 0,
        end_ms: 10_000,
        size_ms: 10_000,
        advance_ms: 10_000,
        reference_id: ReferenceId(7),
        part: 1,
        parts: 2,
    }
}

/// The same, with a score of ½ for every row but the first of each feature's counts.
pub(crate) fn with_outputs(mut profile: Profile) -> Profile {
    for feature in &mut profile.features {
        let mut rows = feature.counts.clone();
        *rows.iter_mut().find(|rows| **rows > 0).expect("there are rows") -= 1;
        let sums = rows.iter().map(|rows| rows << 29).collect();
        feature.outputs = Some(BinnedOutputs { exponent: -30, rows, sums });
    }
    profile.with_id()
}

/// Of five labels, two of which are positive.
fn labels() -> ReferenceLabels {
    let rows = [(0.1, false), (0.3, true), (0.4, false), (0.7, true), (0.6, false)];
    let accuracy = ReferenceMetric {
        metric: "accuracy".into(),
        class: None,
        value: 0.6,
        lower: Some(0.25),
        upper: None,
        count: 5,
    };
    ReferenceLabels {
        rows: 5,
        bins: FeatureBins::Categorical(CategoryBins::of_reference([("1", 2)], 1)),
        counts: vec![2, 3, 0, 0],
        calibrations: vec![ClassCalibration { class: "1".into(), calibration: Calibration::always(&rows) }],
        performance: vec![accuracy],
        accuracy_by: vec![AccuracyBy {
            is_segment: false,
            by: "predicted_label".into(),
            groups: vec![
                AccuracyGroup { value: "0".into(), rows: 3, right: 2 },
                AccuracyGroup { value: "1".into(), rows: 2, right: 1 },
            ],
        }],
    }
}
