//! Window sizes of a model: `[1h, {size: 1d, advance: 1h}]`, and the pane that they are all sums of.

use super::duration;
use super::problem::Report;
use super::section::{Item, Section, Spanned};
use crate::event::{Millis, WindowSpec};
use num_integer::Integer;

/// Most panes in one window: a window's state and the work of a revision grow with them.
const MAX_PANES: Millis = 1000;

/// Reads the list; `None` if anything in it is wrong.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Vec<WindowSpec>>> {
    let items = item.list(report, "window sizes such as `[1h, 1d]`")?;
    let windows: Vec<Option<Spanned<WindowSpec>>> = items.iter().map(|item| read_one(item, report)).collect();
    let complete: Option<Vec<Spanned<WindowSpec>>> = windows.into_iter().collect();
    let mut windows = complete?;
    if !(are_distinct(&windows, report) & have_few_panes(&windows, report)) {
        return None;
    }
    windows.sort_by_key(|window| window.value);
    Some(Spanned { value: windows.into_iter().map(|window| window.value).collect(), at: item.at() })
}

fn read_one(item: &Item<'_>, report: &mut Report) -> Option<Spanned<WindowSpec>> {
    if !item.is_section() {
        let size = item.duration(report, 1)?;
        return Some(Spanned { value: WindowSpec { size_ms: size.value, advance_ms: size.value }, at: size.at });
    }
    let mut section = Section::open(item, report)?;
    let size = section.require("size", report, "write `{size: 1d, advance: 1h}`").map(|size| size.duration(report, 1));
    let advance = section.take("advance").map(|advance| advance.duration(report, 1));
    section.finish(report, &[], &[]);
    let size = size??;
    let advance = match advance {
        Some(advance) => advance?,
        None => size.clone(),
    };
    if advance.value > size.value {
        let size = duration::format(size.value);
        report
            .error(&advance.at, "windows would leave gaps between them")
            .expected(format!("at most the size, `{size}`"))
            .help("predictions between two windows would be in none");
        return None;
    }
    Some(Spanned { value: WindowSpec { size_ms: size.value, advance_ms: advance.value }, at: item.at() })
}

fn are_distinct(windows: &[Spanned<WindowSpec>], report: &mut Report) -> bool {
    let mut distinct = true;
    for (index, window) in windows.iter().enumerate() {
        if windows[..index].iter().any(|earlier| earlier.value == window.value) {
            report.error(&window.at, "the same window twice").help("remove one of them");
            distinct = false;
        }
    }
    distinct
}

fn have_few_panes(windows: &[Spanned<WindowSpec>], report: &mut Report) -> bool {
    let pane = pane_of(windows.iter().map(|window| &window.value));
    let mut few = true;
    for window in windows {
        let panes = window.size_ms / pane;
        if panes > MAX_PANES {
            let (size, pane) = (duration::format(window.size_ms), duration::format(pane));
            report
                .error(&window.at, format!("a window of `{size}` in panes of `{pane}` has {panes} of them"))
                .expected(format!("at most {MAX_PANES} panes"))
                .help("a pane is the greatest common divisor of all sizes and advances of the model: make it larger");
            few = false;
        }
    }
    few
}

/// Greatest common divisor of all sizes and advances; 1 for no window at all.
pub(super) fn pane_of<'a>(windows: impl IntoIterator<Item = &'a WindowSpec>) -> Millis {
    windows.into_iter().fold(0, |pane: Millis, window| pane.gcd(&window.size_ms).gcd(&window.advance_ms)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_size_and_advance_is_a_whole_number_of_panes(
            lengths in proptest::collection::vec((1..10_000_000i64, 1..10_000_000i64), 1..6),
        ) {
            let windows: Vec<WindowSpec> =
                lengths.iter().map(|(a, b)| WindowSpec { size_ms: *a.max(b), advance_ms: *a.min(b) }).collect();
            let pane = pane_of(&windows);
            for window in &windows {
                prop_assert_eq!(window.size_ms % pane, 0);
                prop_assert_eq!(window.advance_ms % pane, 0);
            }
        }
    }
}
