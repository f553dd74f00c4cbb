//! Features that came, went or stand still: what happens when a schema changes, or an input is not refreshed any more.

use super::{Metric, MetricValue, Undefined};
use crate::aggregate::features::{FeatureAccumulator, FeatureList};
use crate::event::unknown::NameSet;
use crate::event::{FeatureBins, FeatureProfile, Profile};

/// Appends how many features are missing, constant and new. `unknown` are those that the reference does not have; a feature
/// needs `min_count` values to be called constant.
pub fn read_out(profile: &Profile, list: &FeatureList, unknown: &NameSet, min_count: i64, out: &mut Vec<MetricValue>) {
    // Every row has every feature of the reference, if only as missing.
    let rows = list.first().map_or(0, |(_, accumulator)| accumulator.counts.total());
    let found = |number: u16| list.binary_search_by_key(&number, |(at, _)| *at).ok().map(|place| &list[place].1);
    let features = || (0u16..).zip(&profile.features).filter_map(|(number, feature)| Some((feature, found(number)?)));

    let had_values = || features().filter(|(feature, _)| reference_has_values(feature));
    let gone = had_values().filter(|(feature, now)| is_missing(feature, now)).count();
    let reason = if rows == 0 { Undefined::NoRows } else { Undefined::NoReference };
    out.push(of_all(Metric::FeaturesMissing, gone, had_values().count(), reason));

    let has_varied = || features().filter(|(feature, _)| varied(feature));
    let judged = || {
        has_varied()
            .filter(|(feature, now)| values(feature, now).map(|(_, rows)| rows).sum::<i64>() >= min_count.max(1))
    };
    let constant = judged().filter(|(feature, now)| is_constant(feature, now)).count();
    let reason = if has_varied().count() > 0 { Undefined::BelowMinCount } else { reason };
    out.push(of_all(Metric::FeaturesConstant, constant, judged().count(), reason));

    let is_known = rows > 0 || !unknown.is_empty();
    let new = if is_known { Ok(unknown.names().len() as f64) } else { Err(Undefined::NoRows) };
    out.push(MetricValue::new(Metric::FeaturesNew, new, rows));
}

/// So many of `all`; `undefined` if there are none of which it could be said.
fn of_all(metric: Metric, some: usize, all: usize, undefined: Undefined) -> MetricValue {
    MetricValue::new(metric, if all > 0 { Ok(some as f64) } else { Err(undefined) }, all as i64)
}

/// Bins of values: those before missing and invalid.
fn value_bins(feature: &FeatureProfile) -> usize {
    feature.bins.len() - 2
}

fn reference_has_values(feature: &FeatureProfile) -> bool {
    feature.counts[..value_bins(feature)].iter().any(|rows| *rows > 0)
}

/// Nothing but missing: what is there and of another type is not.
fn is_missing(feature: &FeatureProfile, now: &FeatureAccumulator) -> bool {
    let missing = value_bins(feature) as u16;
    now.counts.iter().all(|(bin, _)| *bin == missing)
}

/// Bins of values that have rows.
fn values<'a>(feature: &FeatureProfile, now: &'a FeatureAccumulator) -> impl Iterator<Item = (usize, i64)> + use<'a> {
    let end = value_bins(feature);
    now.counts.iter().map(|&(bin, rows)| (usize::from(bin), rows)).filter(move |(bin, _)| *bin < end)
}

/// The reference has two different values at least.
fn varied(feature: &FeatureProfile) -> bool {
    match &feature.bins {
        FeatureBins::Numeric(_) => feature.moments.is_some_and(|moments| moments.min < moments.max),
        FeatureBins::Categorical(_) => {
            feature.counts[..value_bins(feature)].iter().filter(|rows| **rows > 0).count() > 1
        }
    }
}

/// All values of the window are the same; of values that the reference does not know this cannot be said.
fn is_constant(feature: &FeatureProfile, now: &FeatureAccumulator) -> bool {
    match &feature.bins {
        FeatureBins::Numeric(_) => now.numbers.range.is_some_and(|(least, most)| least == most),
        FeatureBins::Categorical(_) => {
            let mut values = values(feature, now);
            values.next().is_some_and(|(bin, _)| !feature.bins.is_unseen(bin)) && values.next().is_none()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::features::feature_mut;
    use crate::event::bins::{CategoryBins, NumericBins};
    use crate::event::{FeatureSource, FeatureValue, Moments, ReferenceId, TaskKind};

    /// A number from 1 to 4 and a category of a and b, ten rows of each.
    fn profile() -> Profile {
        let number = FeatureBins::Numeric(NumericBins::of_reference(&[1.0, 2.0, 3.0, 4.0]).expect("values"));
        let category = FeatureBins::Categorical(CategoryBins::of_reference([("a", 5), ("b", 5)], 10));
        let feature = |name: &str, bins: FeatureBins, bin: usize, moments| {
            let mut counts = vec![0; bins.len()];
            (counts[bin], counts[bin + 1]) = (5, 5);
            FeatureProfile {
                name: name.into(),
                source: FeatureSource::Feature,
                bins,
                counts,
                moments,
                sketches: None,
                outputs: None,
            }
        };
        let moments = Some(Moments { mean: 2.5, std: 1.1, min: 1.0, max: 4.0 });
        Profile {
            id: ReferenceId(1),
            model_id: "m".into(),
            task: TaskKind::Binary,
            rows: 10,
            first_ms: 0,
            last_ms: 0,
            features: vec![feature("c", category, 0, None), feature("n", number, 1, moments)],
            labels: None,
            window: None,
        }
    }

    /// Value, or reason, and count of each metric, for rows of (category, number).
    fn read(rows: &[[FeatureValue; 2]], unknown: &[&str], min_count: i64) -> [(Result<f64, Undefined>, i64); 3] {
        let (profile, mut list, mut names) = (profile(), FeatureList::new(), NameSet::default());
        for row in rows {
            for ((number, feature), value) in (0u16..).zip(&profile.features).zip(row) {
                let x = if let FeatureValue::Number(x) = value { Some(*x) } else { None };
                feature_mut(&mut list, number).add(feature.bins.bin_of(*value) as u16, x);
            }
        }
        unknown.iter().for_each(|name| names.add(name));
        let mut out = Vec::new();
        read_out(&profile, &list, &names, min_count, &mut out);
        [0, 1, 2].map(|place| (out[place].value, out[place].count))
    }

    const A: FeatureValue = FeatureValue::Text("a");
    const B: FeatureValue = FeatureValue::Text("b");
    const NEW: FeatureValue = FeatureValue::Text("new");
    const ONE: FeatureValue = FeatureValue::Number(1.0);
    const NOTHING: FeatureValue = FeatureValue::Missing;

    #[test]
    fn by_hand() {
        assert_eq!(
            read(&[[A, ONE], [B, FeatureValue::Number(2.0)]], &[], 2),
            [(Ok(0.0), 2), (Ok(0.0), 2), (Ok(0.0), 2)]
        );
        assert_eq!(read(&[[A, ONE], [A, ONE]], &["x", "y"], 2), [(Ok(0.0), 2), (Ok(2.0), 2), (Ok(2.0), 2)]);
        // Unseen values may differ from each other; invalid ones are there.
        assert_eq!(read(&[[NEW, NOTHING], [NEW, NOTHING]], &[], 2)[..2], [(Ok(1.0), 2), (Ok(0.0), 1)]);
        assert_eq!(read(&[[A, FeatureValue::Invalid], [NOTHING, A]], &[], 1)[..2], [(Ok(0.0), 2), (Ok(1.0), 1)]);
    }

    #[test]
    fn what_cannot_be_said_has_its_reason() {
        assert_eq!(read(&[[A, ONE]], &[], 2)[1], (Err(Undefined::BelowMinCount), 0));
        assert_eq!(read(&[], &[], 2).map(|(value, _)| value), [Err(Undefined::NoRows); 3]);
    }
}
