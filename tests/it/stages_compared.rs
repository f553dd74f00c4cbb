//! Windows compared with other windows, as stages on logs: neither deaths nor snapshots show, and a comparison that is
//! configured later says what it would have said, or that it has no reference.

use crate::stages::{fold, play};
use postdict::event::MetricRow;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000;

fn settings(compare_with: &str) -> String {
    format!(
        "{{task: binary, windows: [1d, {{size: 2d, advance: 1d}}], correction_horizon: 6h, \
         drift: {{compare_with: {compare_with}}}}}"
    )
}

const COMPARED: &str = "[fixed, previous, {trailing: 4, except: [sunday]}, {ago: 3d}]";

fn is_moving(row: &MetricRow) -> bool {
    row.reference_kind.as_deref().is_some_and(|kind| kind != "fixed")
}

/// Days and kinds of which there are values.
fn compared(fold: &BTreeMap<String, MetricRow>) -> BTreeSet<(&str, i64)> {
    let told = fold.values().filter(|row| is_moving(row) && row.value.is_some());
    told.map(|row| (row.reference_kind.as_deref().unwrap(), row.window_start / DAY)).collect()
}

#[test]
fn deaths_and_snapshots_do_not_show_in_comparisons() {
    let expected = fold(&play(1, false, &[&settings(COMPARED)]).0);
    let days: BTreeMap<&str, usize> = compared(&expected).into_iter().fold(BTreeMap::new(), |mut days, (kind, _)| {
        *days.entry(kind).or_default() += 1;
        days
    });
    assert!(days.len() == 3 && days.values().all(|days| *days > 7), "{days:?}");
    let mut deaths = 0;
    for seed in 30..33 {
        let (rows, [join_deaths, assess_deaths, _, _]) = play(seed, true, &[&settings(COMPARED)]);
        assert_eq!(fold(&rows), expected, "seed {seed}");
        deaths += join_deaths.min(assess_deaths);
    }
    assert!(deaths > 5, "{deaths} deaths");
}

#[test]
fn deaths_and_snapshots_do_not_show_where_there_is_no_profile() {
    let features = "features: {carrier: categorical, dep_delay: numeric}";
    let settings = format!("{}, models: {{flight-late15: {{{features}}}}}", settings("[fixed, previous, {ago: 3d}]"));
    let expected = fold(&play(1, false, &[&settings]).0);
    let is_psi = |row: &&MetricRow| &*row.metric == "psi" && row.feature.as_deref() == Some("carrier");
    assert!(expected.values().filter(is_psi).filter(|row| row.value.is_some()).count() > 20);
    let (rows, [join_deaths, assess_deaths, _, _]) = play(40, true, &[&settings]);
    assert_eq!(fold(&rows), expected);
    assert!(join_deaths.min(assess_deaths) > 1, "{join_deaths} and {assess_deaths} deaths");
}

#[test]
fn a_comparison_that_is_configured_later_says_what_it_would_have_said_or_nothing() {
    let all = fold(&play(1, false, &[&settings(COMPARED)]).0);
    for seed in 40..43 {
        let [before, after] = ["[fixed]", COMPARED].map(settings);
        let fold = fold(&play(seed, true, &[&before, &after]).0);
        let mut without = 0;
        for row in fold.values().filter(|row| is_moving(row)) {
            let is_unknown = row.undefined_reason.as_deref() == Some("no_reference");
            without += usize::from(is_unknown);
            let expected = &all[&row.id];
            assert!(is_unknown || row == expected, "seed {seed}: {row:?}, expected {expected:?}");
        }
        assert!(without > 0, "seed {seed}: something was dropped before");
        // Half of the days are read with it, more than it reaches back.
        let last = all.values().map(|row| row.window_start / DAY).max().unwrap();
        let [found, wanted] = [&fold, &all].map(|fold| {
            let days = compared(fold).into_iter().filter(|(_, day)| *day > last - 2);
            days.map(|(kind, day)| (kind.to_owned(), day)).collect::<Vec<_>>()
        });
        assert!(found == wanted && !found.is_empty(), "seed {seed}: {found:?}, expected {wanted:?}");
    }
}
