//! A reference that moves with time: what was counted in the bins of a profile, as a profile of its own.

use crate::aggregate::features::{FeatureAccumulator, FeatureList};
use crate::event::{FeatureBins, FeatureProfile, Millis, Moments, Profile};
use std::ops::Range;

/// The profile of `list`, which was counted in the bins of `profile` from predictions of `span`. Its id names its content.
///
/// Bins that no reference made have no deciles: there, coarse bins hold a tenth each of the numbers of `list`. So what is
/// compared with it has no say in where they are.
pub fn profile_of(profile: &Profile, list: &FeatureList, span: &Range<Millis>) -> Profile {
    let nothing = FeatureAccumulator::default();
    let features: Vec<FeatureProfile> = (0u16..)
        .zip(&profile.features)
        .map(|(number, feature)| {
            let found = list.binary_search_by_key(&number, |(at, _)| *at);
            let accumulator = found.map_or(&nothing, |place| &list[place].1);
            let counts = accumulator.dense(feature.bins.len());
            FeatureProfile {
                name: feature.name.clone(),
                source: feature.source,
                bins: match &feature.bins {
                    FeatureBins::Numeric(bins) if bins.hold_every_number() => {
                        FeatureBins::Numeric(bins.grouped_by(&counts))
                    }
                    bins => bins.clone(),
                },
                moments: moments(&feature.bins, &counts, accumulator),
                counts,
                outputs: None,
                sketches: None,
            }
        })
        .collect();
    // Every row has every feature.
    let rows = features.iter().map(|feature| feature.counts.iter().sum()).max().unwrap_or(0);
    let (model_id, task) = (profile.model_id.clone(), profile.task);
    let (first_ms, last_ms) = (span.start, span.end - 1);
    Profile { id: profile.id, model_id, task, rows, first_ms, last_ms, features, labels: None, window: None }.with_id()
}

fn moments(bins: &FeatureBins, counts: &[i64], accumulator: &FeatureAccumulator) -> Option<Moments> {
    let FeatureBins::Numeric(bins) = bins else { return None };
    let rows: i64 = counts[..bins.ordered_len()].iter().sum();
    let (min, max) = accumulator.numbers.range.filter(|_| rows > 0)?;
    let numbers = &accumulator.numbers;
    Some(Moments { mean: numbers.mean(rows), std: numbers.std(rows), min, max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::features::feature_mut;
    use crate::event::FeatureValue;
    use crate::event::profile::samples::profile;

    /// Rows of the sample's features: an amount and a country.
    fn counted(rows: &[(f64, &str)]) -> FeatureList {
        let (profile, mut list) = (profile(), FeatureList::new());
        for (amount, country) in rows {
            let bin = |feature: usize, value| profile.features[feature].bins.bin_of(value) as u16;
            feature_mut(&mut list, 0).add(bin(0, FeatureValue::Number(*amount)), Some(*amount));
            feature_mut(&mut list, 1).add(bin(1, FeatureValue::Text(country)), None);
        }
        list
    }

    #[test]
    fn the_rows_that_a_profile_was_made_of_have_its_counts() {
        let (before, rows) = (profile(), [1.5, 2.0, 2.0, 4.25, 1e6]);
        let list = counted(&rows.map(|amount| (amount, "DE")));
        let after = profile_of(&before, &list, &(1_000..9_001));
        let mut expected = before.features[0].counts.clone();
        // The sample has a row without an amount.
        let missing = expected.len() - 2;
        expected[missing] = 0;
        assert_eq!(after.features[0].counts, expected);
        assert_eq!((after.rows, after.first_ms, after.last_ms), (5, 1_000, 9_000));
        let moments = after.features[0].moments.unwrap();
        assert_eq!((moments.min, moments.max, moments.mean), (1.5, 1e6, 200001.95));
        assert_eq!(after.features[1].counts, [5, 0, 0, 0, 0]);
        assert_eq!(after.id, after.content_id());
        assert_ne!(after.id, before.id);
    }

    #[test]
    fn where_no_reference_made_bins_the_rows_before_group_them() {
        let declared = ["amount", "country"].map(|name| (name.to_owned(), crate::event::FeatureKind::Numeric));
        let (unfitted, mut list) = (Profile::unfitted("m", None, declared), FeatureList::new());
        for amount in (0..1_000).map(f64::from) {
            let bin = unfitted.features[0].bins.bin_of(FeatureValue::Number(amount));
            feature_mut(&mut list, 0).add(bin as u16, Some(amount));
        }
        let after = profile_of(&unfitted, &list, &(0..10));
        assert!(after.is_fitted());
        let cuts = |profile: &Profile, place: usize| match &profile.features[place].bins {
            FeatureBins::Numeric(bins) => bins.coarse_cuts().to_vec(),
            FeatureBins::Categorical(_) => Vec::new(),
        };
        assert_eq!(cuts(&unfitted, 0), [] as [f64; 0]);
        assert_eq!(cuts(&after, 0), [100.0, 200.0, 304.0, 400.0, 496.0, 608.0, 704.0, 800.0, 896.0]);
        assert_eq!(cuts(&after, 1), [] as [f64; 0], "there is nothing to group");
        assert_eq!(cuts(&profile_of(&profile(), &counted(&[(2.0, "FR")]), &(0..10)), 0), cuts(&profile(), 0));
    }

    #[test]
    fn no_rows_are_a_profile_of_nothing() {
        let nothing = profile_of(&profile(), &FeatureList::new(), &(0..10));
        assert_eq!((nothing.rows, nothing.features[0].moments), (0, None));
    }

    #[test]
    fn another_span_is_another_reference() {
        let list = counted(&[(2.0, "FR")]);
        let id = |span| profile_of(&profile(), &list, &span).id;
        assert_eq!(id(0..10), id(0..10));
        assert_ne!(id(0..10), id(10..20));
    }
}
