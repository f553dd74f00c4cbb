//! A small profile that tests begin from.

use super::{FeatureBins, FeatureProfile, FeatureSource, Moments, Profile, ReferenceId, Sketches};
use crate::event::TaskKind;
use crate::event::bins::{CategoryBins, Measurement, NumericBins};

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
    };
    let country = FeatureProfile {
        name: "country".into(),
        source: FeatureSource::Feature,
        bins: FeatureBins::Categorical(CategoryBins::of_reference([("DE", 3), ("FR \"ö\"\n", 2)], 50)),
        counts: vec![3, 2, 0, 1, 0],
        moments: None,
        sketches: None,
    };
    let (model_id, features) = ("m".into(), vec![amount, country]);
    let (task, id) = (TaskKind::Binary, ReferenceId(0));
    Profile { id, model_id, task, rows: 6, first_ms: 1_000, last_ms: 9_000, features }.with_id()
}
