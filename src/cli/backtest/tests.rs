//! What is drawn of reports made by hand.

use super::{page, svg, tables, text};
use crate::backtest::episodes_tests::episode;
use crate::backtest::{Gate, History, Report, Sweep};
use crate::config::{Config, Incident, parse_rules};
use crate::event::Millis;
use std::sync::Arc;

const DAY: Millis = 86_400_000;

fn report(days: &[Millis], incidents: Option<&[Incident]>) -> Report {
    let rules = "rules: [{id: recall-low, metric: recall, min: 0.8}, {id: quiet, metric: recall, min: 0.1}]";
    let (settings, _) = parse_rules(rules, "r.yaml", &Config::default()).unwrap();
    let sweep = Sweep::parse("recall-low.min=0.6..0.9/4", &settings).unwrap();
    let mut episodes: Vec<_> =
        days.iter().map(|day| episode("recall-low", day * DAY, (day + 1) * DAY, Some((day + 3) * DAY))).collect();
    for place in 0..4 {
        let id = sweep.variant_id(0, place);
        episodes.extend(days.iter().take(place).map(|day| episode(&id, day * DAY, (day + 1) * DAY, None)));
    }
    let rules: [Arc<str>; 2] = ["recall-low".into(), "quiet".into()];
    Report::new(&episodes, &rules, incidents, &[sweep], History { from: 0, to: 30 * DAY })
}

fn storm() -> Incident {
    Incident {
        name: "<storm> & \u{1b}[31mred".to_owned(),
        from_ms: DAY,
        to_ms: 3 * DAY,
        model: None,
        rules: Vec::new(),
    }
}

fn printed(report: &Report, width: u16) -> Vec<String> {
    let gate = Gate::parse("alerts<=1", &["recall-low".into()], true).unwrap();
    text::lines(report, &[gate.judge(report)], width)
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect()
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_holds_a_command_for_it() {
    for report in [report(&[1, 8, 20], Some(&[storm()])), report(&[1, 8, 20], None), report(&[], None)] {
        for width in [80, 120] {
            let lines = printed(&report, width);
            assert!(lines.iter().all(|line| line.chars().count() <= usize::from(width)), "{}", lines.join("\n"));
            assert!(lines.iter().all(|line| !line.chars().any(char::is_control)), "{}", lines.join("\n"));
        }
    }
}

#[test]
fn tables_say_who_told_of_what() {
    let lines = printed(&report(&[1, 8, 20], Some(&[storm()])), 80).join("\n");
    for part in [
        "Back-test of 1970-01-01 00:00 to 1970-01-31 00:00 (30d)",
        " recall-low       3         0     0  20.0 %      2d       2d    0s         0",
        " No alert: quiet.",
        " recall-low  1 of 3       0.33    1.00     1d",
        "1970-01-02 00:00     1d  recall-low",
        " alerts<=1    fails  3",
        "recall-low.min (now 0.8)",
    ] {
        assert!(lines.contains(part), "{part:?} is missing in\n{lines}");
    }
}

/// Elements that are not closed, or by another's end.
fn unclosed(text: &str) -> Vec<&str> {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1).filter_map(|rest| Some(rest.split_once('>')?.0)) {
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            _ if tag.ends_with('/') => {}
            Some(name) if open.last() == Some(&name) => drop(open.pop()),
            _ => open.push(name),
        }
    }
    open
}

#[test]
fn pictures_are_well_formed_whatever_names_hold() {
    for report in [report(&[1, 8, 20], Some(&[storm()])), report(&[1, 8, 20], Some(&[])), report(&[], None)] {
        let picture = svg::draw(&report);
        let page = page::page(&report, &[], &picture);
        for text in [&picture, &page] {
            assert!(
                !text.contains("<storm>") && !text.contains('\u{1b}') && !text.contains("NaN") && !text.contains("inf")
            );
        }
        assert_eq!(unclosed(&picture), Vec::<&str>::new());
    }
}

#[test]
fn lengths_of_time_have_two_units() {
    for (ms, expected) in
        [(0, "0s"), (999, "999ms"), (61_000, "1m 1s"), (2 * DAY + 3_600_000, "2d 1h"), (DAY + 60_000, "1d"), (-5, "0s")]
    {
        assert_eq!(tables::duration(ms), expected);
    }
}
