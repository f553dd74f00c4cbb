//! What windows are compared with: `compare_with: [fixed, previous, {trailing: 7, except: [sunday]}, {ago: 7d}]`.

use super::duration;
use super::problem::{At, Report};
use super::raw::{Field, RawModel};
use super::reference::read_time;
use super::section::{Item, Section, Spanned};
use crate::event::{Comparison, Millis, ModelSettings, Weekday, WindowSpec};

/// Most comparisons of a model: each has rows of its own for every feature of every window.
const MAX_COMPARISONS: usize = 8;
/// Most windows that one is compared with.
const MAX_TRAILING: u32 = 400;
/// Most panes that a comparison reaches over: features are kept of all of them.
const MAX_PANES: Millis = 20_000;

const EXPECTED: &str = "comparisons such as `[fixed, previous, {trailing: 7, except: [saturday, sunday]}, {ago: 7d}, \
                        {from: 2026-05-01, to: 2026-05-08}]`";

/// Reads the list; `None` if anything in it is wrong.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Vec<Spanned<Comparison>>> {
    let items = item.list(report, EXPECTED)?;
    if items.len() > MAX_COMPARISONS {
        report
            .error(&item.at(), format!("{} comparisons", items.len()))
            .expected(format!("at most {MAX_COMPARISONS}"))
            .help("each has rows of its own for every feature of every window: remove some");
        return None;
    }
    let read: Vec<Option<Spanned<Comparison>>> = items.iter().map(|item| read_one(item, report)).collect();
    let comparisons = read.into_iter().collect::<Option<Vec<_>>>()?;
    let mut are_distinct = true;
    for (index, comparison) in comparisons.iter().enumerate() {
        if comparisons[..index].iter().any(|earlier| earlier.value == comparison.value) {
            report.error(&comparison.at, "the same comparison twice").help("remove one of them");
            are_distinct = false;
        }
    }
    are_distinct.then_some(comparisons)
}

fn read_one(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Comparison>> {
    if !item.is_section() {
        if item.is_list() {
            item.wrong_type(report, EXPECTED);
            return None;
        }
        let names = ["fixed", "previous", "trailing", "ago", "from"];
        let named = item.choice(report, &names.map(|name| (name, name)))?;
        let value = match named.value {
            "fixed" => Comparison::Fixed,
            "previous" => Comparison::Previous,
            name => {
                let example = match name {
                    "trailing" => "`{trailing: 7}`",
                    "ago" => "`{ago: 7d}`",
                    _ => "`{from: 2026-05-01, to: 2026-05-08}`",
                };
                report.error(&named.at, format!("`{name}` of what")).help(format!("write {example}"));
                return None;
            }
        };
        return Some(Spanned { value, at: named.at });
    }
    let mut section = Section::open(item, report)?;
    let [trailing, except, ago, from, to] = ["trailing", "except", "ago", "from", "to"].map(|key| section.take(key));
    let at = section.at().clone();
    let has_unknown = section.entries().any(|(key, _)| !KEYS.contains(&key.value));
    section.finish(report, &[], &[]);
    let value = match (trailing, except, ago, from, to) {
        _ if has_unknown => return None,
        (Some(trailing), except, None, None, None) => read_trailing(&trailing, except.as_ref(), report)?,
        (None, None, Some(ago), None, None) => Comparison::Ago { ms: ago.duration(report, 1)?.value },
        (None, None, None, Some(from), Some(to)) => read_span(&from, &to, &at, report)?,
        _ => {
            report
                .error(&at, "not one way to compare")
                .expected("`{trailing: 7}`, `{trailing: 7, except: [sunday]}`, `{ago: 7d}`, or both `from` and `to`");
            return None;
        }
    };
    Some(Spanned { value, at })
}

/// All keys of a comparison.
const KEYS: [&str; 5] = ["trailing", "except", "ago", "from", "to"];

fn read_trailing(trailing: &Item<'_>, except: Option<&Item<'_>>, report: &mut Report) -> Option<Comparison> {
    let windows = trailing.count(report, 1..=MAX_TRAILING);
    let except = match except {
        Some(except) => read_except(except, report),
        None => Some(Vec::new()),
    };
    Some(Comparison::Trailing { windows: windows?.value, except: except? })
}

fn read_except(item: &Item<'_>, report: &mut Report) -> Option<Vec<Weekday>> {
    let items = item.list(report, "days such as `[saturday, sunday]`")?;
    let days = Weekday::ALL.map(|day| (day.name(), day));
    let read: Vec<Option<Spanned<Weekday>>> = items.iter().map(|item| item.choice(report, &days)).collect();
    let written = read.into_iter().collect::<Option<Vec<_>>>()?;
    for (index, day) in written.iter().enumerate() {
        if written[..index].iter().any(|earlier| earlier.value == day.value) {
            report.error(&day.at, format!("`{}` twice", day.value.name())).help("remove one of them");
            return None;
        }
    }
    if written.len() == Weekday::ALL.len() {
        report.error(&item.at(), "all days of the week, so that nothing is left").expected("at most six of them");
        return None;
    }
    let mut except: Vec<Weekday> = written.into_iter().map(|day| day.value).collect();
    except.sort_unstable();
    Some(except)
}

fn read_span(from: &Item<'_>, to: &Item<'_>, at: &At, report: &mut Report) -> Option<Comparison> {
    let (from, to) = (read_time(from, report), read_time(to, report));
    let (from_ms, to_ms) = (from?, to?);
    if from_ms >= to_ms {
        report.error(at, "a span that ends before it begins").expected("`to` later than `from`");
        return None;
    }
    Some(Comparison::Span { from_ms, to_ms })
}

/// What the comparisons of a model need of the rest: features to count, and panes that they consist of.
/// They are its own, or those of the defaults.
pub(super) fn check(model: &str, own: &RawModel, defaults: &RawModel, settings: &ModelSettings, report: &mut Report) {
    let Some(written) = own.drift.or(&defaults.drift).written() else { return };
    let moving = written.compare_with.iter().filter(|comparison| comparison.is_moving());
    if settings.references.is_empty() {
        // A reference that is wrong has its own problem, and what is inherited is for models that have one.
        let is_own = own.drift.written().is_some() && !own.reference.is_broken() && !own.features.is_broken();
        for comparison in moving.filter(|_| is_own) {
            report.error(&comparison.at, format!("`{model}` has neither `reference:` nor `features:`")).help(
                "write `reference: PATH` with a profile that `postdict profile` made, or `features: {NAME: numeric}` \
                 with what is compared where there is none",
            );
        }
        return;
    }
    // What is inherited whole was checked where it is written.
    let is_inherited = own.drift.written().is_none() && matches!(own.windows, Field::Absent);
    for comparison in moving.filter(|_| !is_inherited) {
        check_panes(model, comparison, settings, report);
    }
}

/// Checks the comparisons in `defaults`, and that some model has a use for them.
pub(super) fn check_defaults(defaults: &RawModel, settings: &ModelSettings, has_reference: bool, report: &mut Report) {
    let written = defaults.drift.written().map(|written| &written.compare_with[..]).unwrap_or_default();
    let moving: Vec<_> = written.iter().filter(|comparison| comparison.is_moving()).collect();
    moving.iter().for_each(|comparison| check_panes("defaults", comparison, settings, report));
    if let Some(comparison) = moving.first().filter(|_| !has_reference) {
        report
            .warning(&comparison.at, "no model has a `reference:` or `features:` that windows are compared by")
            .help("write one of them under `models.NAME`, or give a profile to `replay --reference`");
    }
}

fn check_panes(model: &str, comparison: &Spanned<Comparison>, settings: &ModelSettings, report: &mut Report) {
    let pane_ms = settings.pane_ms;
    let pane = duration::format(pane_ms);
    let off = match comparison.value {
        Comparison::Ago { ms } => ms % pane_ms != 0,
        Comparison::Span { from_ms, to_ms } => from_ms % pane_ms != 0 || to_ms % pane_ms != 0,
        _ => false,
    };
    if off {
        report
            .error(&comparison.at, format!("not a whole number of panes of `{model}`"))
            .expected(format!("multiples of `{pane}`"))
            .help("a pane is the greatest common divisor of all window sizes and advances of the model");
        return;
    }
    let (suits, too_long): (Vec<WindowSpec>, Vec<WindowSpec>) =
        settings.windows.iter().partition(|window| comparison.suits(**window));
    if let Some(shortest) = too_long.first() {
        let size = duration::format(shortest.size_ms);
        let message = format!("windows of `{size}` overlap with those that they would be compared with");
        let help = format!("`ago` of at least `{size}`; shorter windows of `{model}` are compared all the same");
        match suits.is_empty() {
            true => report.error(&comparison.at, message).expected(format!("`ago` of at least `{size}`")),
            false => report.warning(&comparison.at, message).help(help),
        };
    }
    if let Some(panes) = suits.iter().map(|window| comparison.reach_ms(*window) / pane_ms).max()
        && panes > MAX_PANES
    {
        report
            .error(&comparison.at, format!("reaches over {panes} panes of `{pane}` of `{model}`"))
            .expected(format!("at most {MAX_PANES}"))
            .help(
                "features are kept of all of them: compare with less, or make the pane larger (all sizes and advances)",
            );
    }
}
