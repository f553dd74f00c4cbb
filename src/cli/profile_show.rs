//! A profile for people, in 80 columns: a table of the features, then how the values of each are distributed, and what is
//! known of labels.

use super::grouped;
use crate::config::written_duration;
use crate::event::bins::{CategoryBins, NumericBins};
use crate::event::{Calibration, FeatureBins, FeatureProfile, Profile, ProfileWindow, ReferenceLabels};
use jiff::Timestamp;
use std::fmt::Write;

/// Columns of the picture.
const PICTURE: usize = 24;
/// Longest name and value that are shown in full.
const NAME: usize = 22;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns of everything.
const WIDTH: usize = 80;

/// The profile as text of at most 80 columns.
pub(super) fn show(profile: &Profile) -> String {
    let time = |ms| Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default();
    let mut text = String::new();
    let _ = writeln!(text, "profile      {}", profile.id);
    let _ = writeln!(text, "model        {} ({})", profile.model_id, profile.task.name());
    let _ = writeln!(text, "predictions  {}", grouped(profile.rows.unsigned_abs()));
    let _ = writeln!(text, "from         {}", time(profile.first_ms));
    let _ = writeln!(text, "to           {}", time(profile.last_ms));
    profile.window.iter().for_each(|window| show_window(&mut text, window));
    let heading = ["feature", "type", "missing", "bins", "mean", "std", "min", "max"];
    line(&mut text, heading.map(str::to_owned));
    for feature in &profile.features {
        let numbers = feature.moments.map(|moments| [moments.mean, moments.std, moments.min, moments.max]);
        let [mean, std, min, max] = numbers.map_or_else(Default::default, |numbers| numbers.map(short));
        let missing = missing(feature) as f64 / profile.rows.max(1) as f64;
        let (missing, bins) = (format!("{:.2}%", 100.0 * missing), inner_bins(feature).to_string());
        line(&mut text, [cut(&feature.name, NAME), kind(feature).to_owned(), missing, bins, mean, std, min, max]);
    }
    let _ = writeln!(text, "\n{:<NAME$} {:<PICTURE$} values", "feature", "distribution");
    for feature in &profile.features {
        let (name, room) = (cut(&feature.name, NAME), WIDTH - NAME - PICTURE - 2);
        let row = format!("{name:<NAME$} {:<PICTURE$} {}", picture(feature), cut(&values(feature), room));
        let _ = writeln!(text, "{}", row.trim_end());
    }
    profile.labels.iter().for_each(|labels| show_labels(&mut text, labels));
    text
}

/// Which closed window it is of.
fn show_window(text: &mut String, window: &ProfileWindow) {
    let version = if window.model_version.is_empty() { "all versions" } else { &window.model_version };
    let size = if window.advance_ms == window.size_ms {
        written_duration(window.size_ms)
    } else {
        format!("{} every {}", written_duration(window.size_ms), written_duration(window.advance_ms))
    };
    let part = if window.parts > 1 { format!(", part {} of {}", window.part, window.parts) } else { String::new() };
    let room = WIDTH - "window       ".len();
    let _ = writeln!(text, "window       {}", cut(&format!("{size} of {version}{part}"), room));
    let _ = writeln!(text, "bins of      {}", window.reference_id);
}

/// How labels are distributed, what scores meant, and how good the model was.
fn show_labels(text: &mut String, labels: &ReferenceLabels) {
    let room = WIDTH - "labels       ".len();
    let rows = grouped(labels.rows.unsigned_abs());
    let spread = match &labels.bins {
        FeatureBins::Numeric(bins) => deciles(bins),
        FeatureBins::Categorical(bins) => shares(bins, &labels.counts),
    };
    let _ = writeln!(text, "\nlabels       {}", cut(&format!("{rows}: {spread}"), room));
    for known in &labels.calibrations {
        let how = match &known.calibration {
            Calibration::AsGiven => "scores are probabilities as they are".to_owned(),
            Calibration::Isotonic(isotonic) => format!("isotonic, {} points", isotonic.points().len()),
        };
        let _ = writeln!(text, "calibration  {}", cut(&format!("{}: {how}", known.class), room));
    }
    let _ = writeln!(text, "\n{:<NAME$} {:<NAME$} {:>9} {:>9} {:>9}", "metric", "class", "value", "lower", "upper");
    for known in &labels.performance {
        let number = |number: Option<f64>| number.map(short).unwrap_or_default();
        let class = known.class.as_deref().map(|class| cut(class, NAME)).unwrap_or_default();
        let (metric, value) = (cut(&known.metric, NAME), short(known.value));
        let (lower, upper) = (number(known.lower), number(known.upper));
        let row = format!("{metric:<NAME$} {class:<NAME$} {value:>9} {lower:>9} {upper:>9}");
        let _ = writeln!(text, "{}", row.trim_end());
    }
}

fn line(text: &mut String, [name, kind, missing, bins, mean, std, min, max]: [String; 8]) {
    let row = format!("{name:<NAME$} {kind:<11} {missing:>7} {bins:>4} {mean:>7} {std:>7} {min:>7} {max:>7}");
    let before = if name == "feature" { "\n" } else { "" };
    let _ = writeln!(text, "{before}{}", row.trim_end());
}

fn cut(text: &str, room: usize) -> String {
    // A line feed in a value would break the table.
    let mut shown: String = text.chars().take(room + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.chars().count() > room {
        shown = shown.chars().take(room - 1).chain(['…']).collect();
    }
    shown
}

/// A number in at most seven columns.
fn short(number: f64) -> String {
    let is_plain = number == 0.0 || (1e-3..1e7).contains(&number.abs());
    let decimals = (0..=3).rev().map(|decimals| format!("{number:.decimals$}")).filter(|_| is_plain);
    let powers = (0..=1).rev().map(|decimals| format!("{number:.decimals$e}"));
    let fitting = decimals.chain(powers).find(|text| text.len() <= 7);
    fitting.unwrap_or_else(|| format!("{number:.0e}"))
}

fn missing(feature: &FeatureProfile) -> i64 {
    feature.counts.len().checked_sub(2).map_or(0, |place| feature.counts[place])
}

/// Bins of what the reference has: without those for what it has not.
fn inner_bins(feature: &FeatureProfile) -> usize {
    match &feature.bins {
        FeatureBins::Numeric(bins) => bins.edges().len() - 1,
        FeatureBins::Categorical(bins) if bins.are_hashed() => bins.others().len(),
        FeatureBins::Categorical(bins) => bins.values().len(),
    }
}

fn kind(feature: &FeatureProfile) -> &'static str {
    match &feature.bins {
        FeatureBins::Numeric(_) if feature.moments.is_some_and(|moments| moments.min == moments.max) => "constant",
        FeatureBins::Numeric(_) => "numeric",
        FeatureBins::Categorical(bins) if bins.are_hashed() => "hashed",
        FeatureBins::Categorical(bins) => match bins.values() {
            [] => "empty",
            values if values.iter().all(|value| matches!(&**value, "true" | "false")) => "boolean",
            [_] if feature.counts[1] == 0 => "constant",
            _ => "categorical",
        },
    }
}

/// Deciles of a number; the most frequent values of a category with their shares.
fn values(feature: &FeatureProfile) -> String {
    match &feature.bins {
        FeatureBins::Numeric(bins) => deciles(bins),
        FeatureBins::Categorical(bins) => shares(bins, &feature.counts),
    }
}

fn deciles(bins: &NumericBins) -> String {
    let cuts = bins.coarse_cuts();
    let (Some(low), Some(high)) = (cuts.first(), cuts.last()) else { return String::new() };
    if cuts.len() == 9 {
        return format!("10% {}, 50% {}, 90% {}", short(*low), short(cuts[4]), short(*high));
    }
    format!("deciles {} to {}", short(*low), short(*high))
}

/// The most frequent values, with their shares of all rows that have one.
fn shares(bins: &CategoryBins, counts: &[i64]) -> String {
    let total: i64 = counts[..=bins.values().len()].iter().sum();
    let mut by_count: Vec<(&str, i64)> =
        bins.values().iter().map(|value| &**value).zip(counts.iter().copied()).collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let share = |count: i64| format!("{:.0}%", 100.0 * count as f64 / total.max(1) as f64);
    let shown = by_count.iter().map(|(value, count)| format!("{} {}", cut(value, 10), share(*count)));
    shown.collect::<Vec<String>>().join(", ")
}

/// Bars of equal widths for a number, of its most frequent values for a category.
fn picture(feature: &FeatureProfile) -> String {
    let heights = match &feature.bins {
        FeatureBins::Categorical(bins) => {
            let mut counts: Vec<i64> = feature.counts[..=bins.values().len()].to_vec();
            counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
            counts.retain(|count| *count > 0);
            counts.iter().take(PICTURE).map(|count| *count as f64).collect()
        }
        FeatureBins::Numeric(bins) => heights(bins.edges(), &feature.counts[1..bins.edges().len()]),
    };
    let most = heights.iter().copied().fold(0.0, f64::max);
    let bar = |height: f64| match (height / most * 8.0).ceil() as usize {
        0 => ' ',
        eighths => BARS[eighths.min(8) - 1],
    };
    heights.into_iter().map(bar).collect()
}

/// Rows per column of a picture, between the 1 % and the 99 % bins, so that a tail does not take all the room. Rows lie
/// evenly in their bin.
fn heights(edges: &[f64], counts: &[i64]) -> Vec<f64> {
    let total: i64 = counts.iter().sum();
    let quantile = |share: f64| {
        let mut below = 0;
        counts.iter().position(|count| {
            below += count;
            below as f64 >= share * total as f64
        })
    };
    let (Some(first), Some(last)) = (quantile(0.01), quantile(0.99)) else { return Vec::new() };
    if first >= last {
        return vec![1.0];
    }
    let (lowest, highest) = (edges[first], edges[last + 1]);
    let place = |edge: f64| (edge - lowest) / (highest - lowest) * PICTURE as f64;
    let mut heights = vec![0.0; PICTURE];
    for bin in first..=last {
        let (from, to) = (place(edges[bin]), place(edges[bin + 1]));
        let (first_column, last_column) = ((from as usize).min(PICTURE - 1), (to as usize).min(PICTURE - 1));
        for (column, height) in heights.iter_mut().enumerate().take(last_column + 1).skip(first_column) {
            let overlap = (to.min(column as f64 + 1.0) - from.max(column as f64)).max(0.0);
            // A single value has no width, so that all of it is where it begins.
            let share = if to - from > 1e-9 { overlap / (to - from) } else { f64::from(column == from as usize) };
            *height += counts[bin] as f64 * share;
        }
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FeatureSource, Moments, ReferenceId, TaskKind};

    fn feature(name: &str, bins: FeatureBins, counts: Vec<i64>, moments: Option<Moments>) -> FeatureProfile {
        FeatureProfile {
            name: name.into(),
            source: FeatureSource::Feature,
            bins,
            counts,
            moments,
            sketches: None,
            outputs: None,
        }
    }

    #[test]
    fn a_profile_fits_into_80_columns() {
        let numeric = FeatureBins::Numeric(NumericBins::between(vec![0.0, 1.0, 3.0]));
        let moments = Moments { mean: -1.5e-9, std: 12345678.0, min: -1.25e300, max: 3.0 };
        let wide = CategoryBins::of_reference([("a\nvery long value of a category", 6), ("b", 2)], 9);
        let flag = CategoryBins::of_reference([("true", 6), ("false", 2)], 9);
        let profile = Profile {
            id: ReferenceId(1),
            model_id: "m".into(),
            task: TaskKind::Binary,
            rows: 10,
            first_ms: 0,
            last_ms: 86_400_000,
            features: vec![
                feature("amount", numeric, vec![0, 2, 6, 0, 2, 0], Some(moments)),
                feature(
                    "a name that is longer than the column",
                    FeatureBins::Categorical(wide),
                    vec![6, 2, 0, 2, 0],
                    None,
                ),
                feature("flag", FeatureBins::Categorical(flag), vec![2, 6, 0, 1, 1], None),
            ],
            labels: None,
            window: None,
        };
        let text = show(&profile);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(
            text.contains("amount                 numeric      20.00%    2 -1.5e-9   1.2e7  -1e300   3.000"),
            "{text}"
        );
        assert!(text.contains("a name that is longer… categorical  20.00%    2\n"), "{text}");
        assert!(text.contains("flag                   boolean      10.00%    2\n"), "{text}");
        assert!(text.contains("a very lo… 75%, b 25%"), "{text}");
    }

    #[test]
    fn rows_lie_evenly_in_their_bins_and_single_values_where_they_begin() {
        let even = heights(&[0.0, 12.0, 24.0], &[12, 24]);
        assert_eq!((even[0], even[23]), (1.0, 2.0));
        let points = heights(&[0.0, 0.0f64.next_up(), 24.0, 24.0f64.next_up()], &[5, 0, 7]);
        assert_eq!((points[0], points[23], points.iter().sum::<f64>()), (5.0, 7.0, 12.0));
        assert_eq!(heights(&[7.0, 7.0f64.next_up()], &[9]), [1.0]);
        assert!(heights(&[0.0, 1.0], &[0]).len() <= 1);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [0.0, 0.25, -0.5, 1234.5678, -123456.7, 9_999_999.9, 1e-4, -1.25e-300].map(short);
        assert!(shown.iter().all(|text| text.chars().count() <= 7), "{shown:?}");
        assert_eq!(shown[..5], ["0.000", "0.250", "-0.500", "1234.57", "-123457"]);
    }
}
