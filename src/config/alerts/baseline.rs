//! What a value is compared with: `previous`, `reference`, `{trailing: 7}`, `{ago: 7d}`, `{season: 7d, seasons: 4}`.

use crate::config::problem::Report;
use crate::config::section::{Item, Section};
use crate::event::alert::Baseline;

/// Most windows or seasons; `caps.history` says how many are held.
const MOST: u32 = 1_000_000;
/// Fewest windows that say how much a value varies.
const FEWEST: u32 = 4;

const COMPARED: &str = "`previous`, `reference`, `{trailing: 7}`, `{ago: 7d}` or `{season: 7d, seasons: 4}`";
const EXPECTED_FROM: &str = "`{trailing: 28}` or `{season: 7d, seasons: 8}`";

/// Reads `compared_with:`.
pub(super) fn read_compared(item: &Item<'_>, report: &mut Report) -> Option<Baseline> {
    if item.is_section() {
        return read_windows(item, true, report);
    }
    if item.is_list() || item.is_null() {
        item.wrong_type(report, COMPARED);
        return None;
    }
    let names = ["previous", "reference", "trailing", "ago", "season"];
    let named = item.choice(report, &names.map(|name| (name, name)))?;
    let example = match named.value {
        "previous" => return Some(Baseline::Previous),
        "reference" => return Some(Baseline::Reference),
        "trailing" => "`{trailing: 7}`",
        "ago" => "`{ago: 7d}`",
        _ => "`{season: 7d, seasons: 4}`",
    };
    report.error(&named.at, format!("`{}` of what", named.value)).help(format!("write {example}"));
    None
}

/// Reads `dynamic:`.
pub(super) fn read_dynamic(item: &Item<'_>, report: &mut Report) -> Option<Baseline> {
    if !item.is_section() {
        item.wrong_type(report, EXPECTED_FROM);
        return None;
    }
    let baseline = read_windows(item, false, report)?;
    let windows = match &baseline {
        Baseline::Trailing { windows } => *windows,
        Baseline::Season { seasons, .. } => *seasons,
        _ => return None,
    };
    if windows < FEWEST {
        report
            .error(&item.at(), "too few windows to say what is to be expected")
            .expected(format!("at least {FEWEST}"))
            .help("chance alone makes a few windows differ by anything");
        return None;
    }
    Some(baseline)
}

fn read_windows(item: &Item<'_>, with_ago: bool, report: &mut Report) -> Option<Baseline> {
    let expected = if with_ago { COMPARED } else { EXPECTED_FROM };
    let mut section = Section::open(item, report)?;
    let [trailing, season, seasons] = ["trailing", "season", "seasons"].map(|key| section.take(key));
    let ago = if with_ago { section.take("ago") } else { None };
    let known = [&trailing, &season, &seasons, &ago].into_iter().flatten().count();
    let has_unknown = section.entries().count() > known;
    section.finish(report, &[], &[]);
    match (trailing, season, seasons, ago) {
        _ if has_unknown => None,
        (Some(trailing), None, None, None) => {
            Some(Baseline::Trailing { windows: trailing.count(report, 1..=MOST)?.value })
        }
        (None, Some(season), Some(seasons), None) => {
            let (season, seasons) = (season.duration(report, 1), seasons.count(report, 1..=MOST));
            Some(Baseline::Season { ms: season?.value, seasons: seasons?.value })
        }
        (None, None, None, Some(ago)) => Some(Baseline::Ago { ms: ago.duration(report, 1)?.value }),
        _ => {
            report.error(&item.at(), "not one way to choose earlier windows").expected(expected);
            None
        }
    }
}
