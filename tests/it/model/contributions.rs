//! How a change of outputs should be taken apart, the naive way: the rows of a window one by one, each in the group that its
//! value belongs to, beside the groups of the reference.

use super::naive::{Joined, Row, SeriesKey, SeriesWindow};
use super::segments::in_force;
use postdict::event::{FeatureBins, FeatureProfile, FeatureSource, MetricRow, Profile, TaskKind};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// Rows and sum of outputs of reference and window, by group.
type Groups = BTreeMap<usize, [(f64, f64); 2]>;

/// What a row has of a feature.
fn value(row: &Row, feature: &FeatureProfile) -> Value {
    let record = row.record;
    match feature.source {
        FeatureSource::Feature => record.features()[feature.name.deref()].clone(),
        FeatureSource::Score => json!(record.score),
        FeatureSource::PredictedValue => json!(record.predicted_value),
        FeatureSource::PredictedLabel => record.predicted_label.clone().unwrap_or(Value::Null),
    }
}

/// The number of the group that a value belongs to: the cuts below it, or the place of its text; then unseen, missing, invalid.
fn group(value: &Value, bins: &FeatureBins) -> usize {
    match bins {
        FeatureBins::Numeric(bins) => {
            let cuts = bins.coarse_cuts();
            match value {
                Value::Number(number) => cuts.iter().filter(|cut| **cut <= number.as_f64().unwrap()).count(),
                Value::Null => cuts.len() + 1,
                _ => cuts.len() + 2,
            }
        }
        FeatureBins::Categorical(bins) => {
            let values = bins.values();
            let text = match value {
                Value::Null => return values.len() + 1,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            values.iter().position(|known| **known == *text).unwrap_or(values.len())
        }
    }
}

/// The group of each of the reference's fine bins.
fn group_of_bin(bin: usize, bins: &FeatureBins) -> usize {
    match bins {
        FeatureBins::Numeric(bins) => {
            let (edges, cuts) = (bins.edges(), bins.coarse_cuts());
            match bin {
                0 => 0,
                bin if bin <= edges.len() => cuts.iter().filter(|cut| **cut <= edges[bin - 1]).count(),
                bin => cuts.len() + bin - edges.len(),
            }
        }
        FeatureBins::Categorical(_) => bin,
    }
}

fn output(row: &Row, task: TaskKind) -> Option<f64> {
    if task == TaskKind::Binary { row.record.score } else { row.record.predicted_value }
}

/// Mix and within by their definition; `None` of a window without outputs.
fn parts(rows: &[&Row], feature: &FeatureProfile, task: TaskKind) -> Option<[f64; 2]> {
    let reference = feature.outputs.as_ref().unwrap();
    let unit = 2f64.powi(reference.exponent);
    let mut groups = Groups::new();
    for (bin, (rows, sum)) in reference.rows.iter().zip(&reference.sums).enumerate() {
        let side = &mut groups.entry(group_of_bin(bin, &feature.bins)).or_default()[0];
        *side = (side.0 + *rows as f64, side.1 + *sum as f64 * unit);
    }
    for row in rows {
        let Some(output) = output(row, task) else { continue };
        let side = &mut groups.entry(group(&value(row, feature), &feature.bins)).or_default()[1];
        *side = (side.0 + 1.0, side.1 + output);
    }
    let all = |side: usize| groups.values().map(|group| group[side].0).sum::<f64>();
    let (n, m) = (all(0), all(1));
    if m == 0.0 {
        return None;
    }
    let mut parts = [0.0; 2];
    for [before, now] in groups.values().filter(|group| group[0].0 + group[1].0 > 0.0) {
        let mean = |one: &(f64, f64), other: &(f64, f64)| if one.0 > 0.0 { one.1 / one.0 } else { other.1 / other.0 };
        let (s0, s1, a0, a1) = (before.0 / n, now.0 / m, mean(before, now), mean(now, before));
        parts[0] += (s1 - s0) * (a0 + a1) / 2.0;
        parts[1] += (a1 - a0) * (s0 + s1) / 2.0;
    }
    Some(parts)
}

/// Fails where `rows` are not what they should be.
pub fn assert_contributions(
    joined: &Joined,
    windows: &BTreeMap<SeriesKey, SeriesWindow>,
    rows: &BTreeMap<(SeriesKey, String, String), MetricRow>,
) {
    let mut expected_rows = 0;
    for (key, window) in windows {
        let settings = joined.settings(&key.model);
        if !settings.drift.contributions || !(settings.drift.by_segment || key.segment_key.is_empty()) {
            continue;
        }
        let profiles: Vec<&Profile> =
            window.predictions.iter().filter_map(|row| in_force(row.record, &settings)).collect();
        let ids: BTreeSet<_> = profiles.iter().map(|profile| profile.id).collect();
        let features = profiles.iter().flat_map(|profile| &profile.features);
        let known: BTreeMap<&str, &FeatureProfile> =
            features.filter(|feature| feature.outputs.is_some()).map(|feature| (&*feature.name, feature)).collect();
        let mut wholes = Vec::new();
        for (name, feature) in known {
            let expected = if ids.len() > 1 { None } else { parts(&window.predictions, feature, profiles[0].task) };
            let found = ["output_change_mix", "output_change_within"].map(|metric| {
                let place = (key.clone(), name.to_owned(), metric.to_owned());
                rows.get(&place).unwrap_or_else(|| panic!("no {place:?}"))
            });
            expected_rows += 2;
            for (place, row) in found.iter().enumerate() {
                let expected = expected.map(|parts| parts[place]);
                let is_near = match (row.value, expected) {
                    (Some(found), Some(expected)) => (found - expected).abs() <= 1e-5 * expected.abs().max(1.0),
                    (found, expected) => found.is_none() && expected.is_none(),
                };
                assert!(is_near, "{key:?} {name}\nfound {row:?}\nexpected {expected:?}");
                let reason = if ids.len() > 1 { "reference_changed" } else { "no_rows" };
                assert_eq!(row.undefined_reason.as_deref(), row.value.is_none().then_some(reason), "{row:?}");
            }
            wholes.extend(found[0].value.zip(found[1].value).map(|(mix, within)| mix + within));
        }
        let is_same = |pair: &[f64]| (pair[0] - pair[1]).abs() <= 1e-9 * pair[0].abs().max(1.0);
        assert!(wholes.windows(2).all(is_same), "{key:?}: every feature has the whole change: {wholes:?}");
    }
    assert_eq!(rows.len(), expected_rows, "rows of nothing");
}
