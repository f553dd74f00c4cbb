//! The segments of a prediction, the naive way: each of its columns looked up, each bin found by going through the cuts of the
//! reference that was in force.

use super::world::Prediction;
use postdict::event::{FeatureBins, ModelSettings, Profile, Reference, SegmentColumn, SegmentSet};
use serde_json::Value;

/// `segment_key`.
pub fn key(set: &SegmentSet) -> String {
    let name = |part: &SegmentColumn| match part {
        SegmentColumn::Column(name) => name.clone(),
        SegmentColumn::Bins { bins_of } => format!("bins_of({bins_of})"),
    };
    set.columns.iter().map(name).collect::<Vec<_>>().join(",")
}

/// `segment_value` of a prediction.
pub fn segment_value(record: &Prediction, set: &SegmentSet, settings: &ModelSettings) -> String {
    let value = |part: &SegmentColumn| match part {
        SegmentColumn::Column(name) => match name.as_str() {
            "country" => record.country.unwrap_or("__missing__").to_owned(),
            "device" => record.device.unwrap_or("__missing__").to_owned(),
            other => panic!("no column {other}"),
        },
        SegmentColumn::Bins { bins_of } => bin(record, bins_of, settings),
    };
    match &set.columns[..] {
        [part] => value(part),
        parts => {
            let escaped = |part| value(part).replace('\\', "\\\\").replace(',', "\\,");
            parts.iter().map(escaped).collect::<Vec<_>>().join(",")
        }
    }
}

/// The profile in force when a prediction was made.
pub fn in_force<'s>(record: &Prediction, settings: &'s ModelSettings) -> Option<&'s Profile> {
    let has_begun = |reference: &&Reference| reference.from_ms.is_none_or(|from| from <= record.time);
    settings.references.iter().rfind(has_begun)?.profile.as_deref()
}

fn bin(record: &Prediction, feature: &str, settings: &ModelSettings) -> String {
    let Some(profile) = in_force(record, settings).filter(|profile| profile.is_fitted()) else {
        return "__missing__".to_owned();
    };
    let known =
        profile.features.iter().find(|known| *known.name == *feature).expect("worlds have bins of known features");
    let FeatureBins::Numeric(bins) = &known.bins else { panic!("{feature} is no number") };
    let number = match &record.features()[feature] {
        Value::Null => return "__missing__".to_owned(),
        Value::Number(number) => number.as_f64().unwrap(),
        _ => return "__invalid__".to_owned(),
    };
    let cuts = bins.coarse_cuts();
    let last = cuts.len() - 1;
    if number < cuts[0] {
        return format!("< {}", cuts[0]);
    }
    let inside = cuts.windows(2).find(|pair| pair[0] <= number && number < pair[1]);
    inside.map_or_else(|| format!(">= {}", cuts[last]), |pair| format!("[{}, {})", pair[0], pair[1]))
}
