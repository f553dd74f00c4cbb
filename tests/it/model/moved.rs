//! What a naive model says of windows that are compared with others: it looks at all rows, one by one.

use super::naive::Row;
use crate::unfitted::{by_hash, by_tenth};
use postdict::event::{
    Comparison, FeatureBins, FeatureProfile, Millis, ModelSettings, Profile, Reference, ReferenceId, Weekday,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// By metric and feature: value, or why there is none.
pub type Told = BTreeMap<(String, String), Result<f64, String>>;

/// True if a window at `start` is compared with what was predicted at `time`.
pub fn is_compared(comparison: &Comparison, size: Millis, start: Millis, time: Millis) -> bool {
    match comparison {
        Comparison::Fixed => false,
        Comparison::Previous => (start - size..start).contains(&time),
        Comparison::Trailing { windows, except } => {
            let mut begins = (1..=i64::from(*windows)).map(|back| start - back * size);
            let is_sunday_out = except.contains(&Weekday::Sunday);
            begins.any(|begins| (begins..begins + size).contains(&time) && !is_sunday_out)
        }
        Comparison::Ago { ms } => (start - ms..start - ms + size).contains(&time),
        Comparison::Span { from_ms, to_ms } => start >= *to_ms && (*from_ms..*to_ms).contains(&time),
    }
}

pub fn number_of(row: &Row, feature: &str) -> Option<f64> {
    match feature {
        "score" => row.record.score,
        "predicted_value" => row.record.predicted_value,
        "amount" => row.record.features()["amount"].as_f64(),
        _ => panic!("no number {feature}"),
    }
}

/// True of a text where a number is declared.
pub fn is_invalid(row: &Row, feature: &str) -> bool {
    feature == "amount" && row.record.features()["amount"].is_string()
}

pub fn text_of(row: &Row, feature: &str) -> Option<String> {
    match feature {
        "channel" => Some(row.record.request_id.clone()),
        "predicted_label" => row.record.predicted_label.as_ref().map(|label| match label {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }),
        _ => panic!("no text {feature}"),
    }
}

/// The profile that is in force when a prediction is made.
pub fn in_force(settings: &ModelSettings, time: Millis) -> &Profile {
    let begun = |reference: &&Reference| reference.from_ms.is_none_or(|from| from <= time);
    settings.references.iter().rfind(begun).unwrap().profile.as_deref().unwrap()
}

/// Rows per coarse bin of both samples, then those without a value, and those that are no value.
fn counts(feature: &FeatureProfile, reference: &[&Row], current: &[&Row]) -> [Vec<f64>; 2] {
    [reference, current].map(|rows| {
        let numbers =
            |rows: &[&Row]| -> Vec<f64> { rows.iter().filter_map(|row| number_of(row, &feature.name)).collect() };
        let mut counts = match &feature.bins {
            FeatureBins::Numeric(_) if !feature.bins.are_fitted() => by_tenth(&numbers(reference), &numbers(rows)),
            FeatureBins::Numeric(bins) => {
                let cuts = bins.coarse_cuts();
                let mut counts = vec![0.0; cuts.len() + 1];
                for number in numbers(rows) {
                    counts[cuts.iter().filter(|cut| **cut <= number).count()] += 1.0;
                }
                counts
            }
            FeatureBins::Categorical(_) => {
                let texts: Vec<String> = rows.iter().filter_map(|row| text_of(row, &feature.name)).collect();
                by_hash(texts.iter().map(String::as_str))
            }
        };
        let values: f64 = counts.iter().sum();
        let invalid = rows.iter().filter(|row| is_invalid(row, &feature.name)).count() as f64;
        counts.extend([rows.len() as f64 - values - invalid, invalid]);
        counts
    })
}

fn shares(counts: &[f64]) -> impl Iterator<Item = f64> {
    let sum: f64 = counts.iter().sum();
    counts.iter().map(move |count| count / sum)
}

fn statistics([reference, current]: [Vec<f64>; 2]) -> Vec<(&'static str, f64)> {
    let both: Vec<(f64, f64)> = shares(&reference).zip(shares(&current)).collect();
    let psi = |(p, q): &(f64, f64)| {
        let (p, q) = (if *p == 0.0 { 1e-4 } else { *p }, if *q == 0.0 { 1e-4 } else { *q });
        (q - p) * libm::log(q / p)
    };
    vec![
        ("psi", both.iter().map(psi).sum()),
        ("total_variation", both.iter().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0),
        ("l_infinity", both.iter().map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)),
    ]
}

/// True of an output that is watched without a profile, and that none of the rows has.
fn is_absent(feature: &FeatureProfile, rows: &[&Row]) -> bool {
    let has = |row: &&&Row| match feature.bins {
        FeatureBins::Numeric(_) => number_of(row, &feature.name).is_some(),
        FeatureBins::Categorical(_) => text_of(row, &feature.name).is_some(),
    };
    let is_output = !matches!(&*feature.name, "amount" | "channel");
    is_output && !feature.bins.are_fitted() && !rows.iter().any(|row| has(&row))
}

/// What is to be told of a window, as far as a naive model can say; `None` of a decision that is one or the other.
pub fn expected(
    current: &[&Row],
    reference: &[&Row],
    settings: &ModelSettings,
    min_count: i64,
) -> BTreeMap<(String, String), Option<Result<f64, String>>> {
    let profiles = |rows: &[&Row]| {
        let mut ids: Vec<ReferenceId> = rows.iter().map(|row| in_force(settings, row.record.time).id).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    let (mine, theirs) = (profiles(current), profiles(reference));
    let reason = match (&mine[..], &theirs[..]) {
        ([_, _, ..], _) => Some("reference_changed"),
        (_, []) => Some("no_reference"),
        (mine, theirs) if mine != theirs => Some("reference_changed"),
        _ => None,
    };
    let mut told = BTreeMap::new();
    let mut put = |metric: &str, feature: &str, value: Option<Result<f64, &str>>| {
        told.insert((metric.to_owned(), feature.to_owned()), value.map(|value| value.map_err(str::to_owned)));
    };
    if let Some(reason) = reason {
        put("drifted_share", "", Some(Err(reason)));
        let mine = settings.references.iter().filter(|reference| mine.contains(&reference.id));
        for feature in mine.flat_map(|reference| &reference.profile.as_deref().unwrap().features) {
            let metrics: &[&str] = match feature.bins {
                _ if reason == "no_reference" && is_absent(feature, current) => &[],
                _ if reason == "no_reference" => &["drifted"],
                FeatureBins::Numeric(_) => &["psi", "kolmogorov_smirnov", "wasserstein", "drifted"],
                FeatureBins::Categorical(_) => &["psi", "drifted"],
            };
            metrics.iter().for_each(|metric| put(metric, &feature.name, Some(Err(reason))));
        }
        return told;
    }
    let both = [reference, current].concat();
    for feature in &in_force(settings, current[0].record.time).features {
        if is_absent(feature, &both) {
            continue;
        }
        for (metric, value) in statistics(counts(feature, reference, current)) {
            put(metric, &feature.name, Some(Ok(value)));
        }
        if matches!(feature.bins, FeatureBins::Numeric(_)) {
            put("kolmogorov_smirnov", &feature.name, None);
        }
        let is_small = (current.len().min(reference.len()) as i64) < min_count;
        put("drifted", &feature.name, is_small.then_some(Err("below_min_count")));
    }
    told
}
