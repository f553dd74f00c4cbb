//! The windows of a world: of each model, of each of its versions and of all together, with the rows that they are of.

use super::naive::{Joined, Output, Row};
use super::world::{START, World};
use postdict::event::{Millis, ModelSettings, WindowSpec};

/// A window of a series.
pub struct NaiveWindow<'w> {
    pub model: &'w str,
    /// `""` for all together.
    pub version: &'w str,
    pub settings: &'w ModelSettings,
    pub spec: WindowSpec,
    pub start: Millis,
    /// All rows of the series.
    pub of_series: &'w [&'w Row<'w>],
    /// Those in the window.
    pub current: Vec<&'w Row<'w>>,
}

/// Gives `each` all windows in which there can be rows, and some around them; rows of failed requests are left out.
pub fn each_window(world: &World, joined: &Joined, mut each: impl FnMut(NaiveWindow)) {
    let rows: Vec<&Row> = joined.rows.iter().filter(|row| row.output != Output::Failed).collect();
    let mut series: Vec<(&str, &str)> =
        rows.iter().flat_map(|row| [(row.record.model, ""), (row.record.model, row.record.version)]).collect();
    series.sort_unstable();
    series.dedup();
    for (model, version) in series {
        let settings = &**world.settings.model(model);
        let is_of = |row: &&&Row| row.record.model == model && (version.is_empty() || row.record.version == version);
        let of_series: Vec<&Row> = rows.iter().filter(is_of).copied().collect();
        for &spec in &settings.windows {
            // A minute of records, and windows that begin before.
            for start in (-80..80).map(|i| (START / spec.advance_ms + i) * spec.advance_ms) {
                let is_in = |row: &&&Row| (start..start + spec.size_ms).contains(&row.record.time);
                let current = of_series.iter().filter(is_in).copied().collect();
                each(NaiveWindow { model, version, settings, spec, start, of_series: &of_series, current });
            }
        }
    }
}
