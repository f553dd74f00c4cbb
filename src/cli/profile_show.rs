//! A profile for people: a line per feature, with a small picture of how its values are distributed.

use super::grouped;
use crate::event::{FeatureBins, FeatureProfile, Profile};
use jiff::Timestamp;
use std::fmt::Write;

/// Columns of the picture.
const PICTURE: usize = 20;
/// Longest name and value that are shown in full.
const NAME: usize = 24;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The profile as text of at most 100 columns.
pub(super) fn show(profile: &Profile) -> String {
    let time = |ms| Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default();
    let mut text = String::new();
    let _ = writeln!(text, "profile      {}", profile.id);
    let _ = writeln!(text, "model        {} ({})", profile.model_id, profile.task.name());
    let _ = writeln!(
        text,
        "predictions  {}, from {} to {}",
        grouped(profile.rows.unsigned_abs()),
        time(profile.first_ms),
        time(profile.last_ms)
    );
    let _ = writeln!(text, "\n{:<NAME$}  {:>8}  {:<PICTURE$}  values", "feature", "missing", "distribution");
    for feature in &profile.features {
        let missing = feature.counts[feature.counts.len() - 2] as f64 / profile.rows.max(1) as f64;
        let picture = picture(feature);
        let _ = writeln!(
            text,
            "{:<NAME$}  {:>7.2}%  {picture:<PICTURE$}  {}",
            cut(&feature.name),
            100.0 * missing,
            values(feature)
        );
    }
    text
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(NAME) {
        Some(_) => text.chars().take(NAME - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

fn values(feature: &FeatureProfile) -> String {
    match (&feature.bins, feature.moments) {
        (FeatureBins::Numeric(_), Some(moments)) => {
            let number = |x: f64| match x.abs() {
                x if x != 0.0 && !(1e-3..1e6).contains(&x) => format!("{:.2e}", if x == 0.0 { 0.0 } else { x }),
                _ => format!("{x:.3}"),
            };
            let sign = |x: f64| if x < 0.0 && !(1e-3..1e6).contains(&x.abs()) { "-" } else { "" };
            let [min, mean, max, std] =
                [moments.min, moments.mean, moments.max, moments.std].map(|x| format!("{}{}", sign(x), number(x)));
            format!("{min} … {max}, mean {mean} ± {std}")
        }
        (FeatureBins::Numeric(_), None) => "no number".to_owned(),
        (FeatureBins::Categorical(bins), _) => {
            let mut by_count: Vec<(&str, i64)> =
                bins.values().iter().map(|value| &**value).zip(feature.counts.iter().copied()).collect();
            by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let shown: Vec<String> = by_count.iter().take(2).map(|(value, _)| cut(value)).collect();
            let more = by_count.len().saturating_sub(shown.len());
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{}{more}", shown.join(", "))
        }
    }
}

/// Bars of equal widths for a number, of its most frequent values for a category.
fn picture(feature: &FeatureProfile) -> String {
    let heights: Vec<f64> = match &feature.bins {
        FeatureBins::Categorical(bins) => {
            let mut counts: Vec<i64> = feature.counts[..=bins.values().len()].to_vec();
            counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
            counts.retain(|count| *count > 0);
            counts.iter().take(PICTURE).map(|count| *count as f64).collect()
        }
        FeatureBins::Numeric(bins) => {
            // Between the 1 % and the 99 % bins, so that a tail does not take all the room.
            let edges = bins.edges();
            let inside = &feature.counts[1..edges.len()];
            let total: i64 = inside.iter().sum();
            let quantile = |share: f64| {
                let mut below = 0;
                inside.iter().position(|count| {
                    below += count;
                    below as f64 >= share * total as f64
                })
            };
            let (Some(first), Some(last)) = (quantile(0.01), quantile(0.99)) else { return String::new() };
            let (lowest, highest) = (edges[first], edges[last + 1]);
            let width = (highest - lowest) / PICTURE as f64;
            let mut heights = vec![0.0; PICTURE];
            for (bin, count) in inside.iter().enumerate().take(last + 1).skip(first) {
                // Rows lie evenly in their bin.
                let (from, to) = (edges[bin], edges[bin + 1]);
                for (place, height) in heights.iter_mut().enumerate() {
                    let (left, right) = (lowest + place as f64 * width, lowest + (place + 1) as f64 * width);
                    let overlap = (to.min(right) - from.max(left)).max(0.0);
                    let is_last = place + 1 == PICTURE && from >= right;
                    *height += *count as f64 * if to > from { overlap / (to - from) } else { 0.0 };
                    *height += if is_last { *count as f64 } else { 0.0 };
                }
            }
            heights
        }
    };
    let most = heights.iter().copied().fold(0.0, f64::max);
    let bar = |height: f64| match (height / most * 8.0).ceil() as usize {
        0 => ' ',
        eighths => BARS[eighths.min(8) - 1],
    };
    heights.into_iter().map(bar).collect()
}
