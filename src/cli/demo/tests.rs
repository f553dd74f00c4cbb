//! The demo's picture, drawn into a buffer from real rows; and its numbers.

use super::draw::{PANEL_HEIGHT, bar, panel, window_row};
use super::play::{DAY, Playback};
use super::report::report;
use super::screen::{Facts, Screen, WEEK};
use super::text::with_margin;
use crate::metrics::Metric;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::widgets::Paragraph;
use std::fs;

/// Plays until `ticks` are over; returns the screen and the days that became final, in that order.
fn played(ticks: usize) -> (Screen, Vec<i64>) {
    let mut playback = Playback::new();
    let mut screen = Screen::new(&playback.flights_per_day());
    let (mut final_days, mut played) = (Vec::new(), 0);
    while let Some(step) = playback.advance() {
        final_days.extend(screen.update(&step));
        played += 1;
        if played == ticks {
            break;
        }
    }
    (screen, final_days)
}

fn drawn(screen: &Screen, width: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, PANEL_HEIGHT)).unwrap();
    terminal.draw(|frame| frame.render_widget(Paragraph::new(panel(screen, width)), frame.area())).unwrap();
    let buffer = terminal.backend().buffer();
    buffer.content.chunks(usize::from(width)).map(|row| row.iter().map(|cell| cell.symbol()).collect()).collect()
}

#[test]
fn a_frame_shows_open_days_what_became_of_flights_the_month_and_the_airports() {
    let (screen, final_days) = played(3 * 24 + 13);
    assert_eq!(final_days, [screen.start], "two days after its end");
    let rows = drawn(&screen, 80);
    let starts = [
        (0, " Fri 21 Jun    994  ━━━━━━━━━━━━━━━"),
        (1, " Sat 22 Jun    846  ━━━━━━━━━━━━━"),
        (2, " Sun 23 Jun    "),
        (3, " day (UTC) flights"),
        (5, " Sun 23 Jun 13:00     ━ 2,"),
        (7, " late flights  ▂▂▂▂▂▂▂▂  "),
        (8, " accuracy      ▅▅▆▆██"),
        (9, "               20 Jun        27 Jun        4 Jul         11 Jul"),
        (11, " By airport, Thu 20 Jun (final)"),
        (12, " EWR           358  ━━━━━━━━━━━━━━━━  98 %  r"),
        (13, " JFK           318  "),
        (14, " LGA           310  "),
        (16, " ▸ "),
        (17, " space pauses"),
    ];
    for (row, start) in starts {
        assert!(rows[row].starts_with(start), "row {row} is {:?}, not {start:?}", rows[row]);
    }
    assert!(rows[1].contains("revised") && rows[2].contains("filling") && rows[12].contains("final ✓"));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let (screen, _) = played(usize::MAX);
    for width in [80, 100, 120] {
        let lines = [panel(&screen, width), report(&screen, width)].concat();
        let widest = lines.iter().max_by_key(|line| line.width()).unwrap();
        assert!(widest.width() <= usize::from(width), "{widest}");
    }
}

#[test]
fn every_day_becomes_final_once_and_the_weeks_equal_scikit_learn() {
    let (screen, mut final_days) = played(usize::MAX);
    final_days.sort_unstable();
    let days: Vec<i64> = (0..28).map(|day| screen.start + day * DAY).collect();
    assert_eq!(final_days, days);

    let oracle = fs::read_to_string("tests/data/flights/windows.csv").unwrap();
    let mut lines = oracle.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let weeks: Vec<_> = lines.collect();
    assert_eq!(screen.windows(WEEK).count(), weeks.len());
    for week in weeks {
        let expected =
            |name: &str| week[names.iter().position(|column| *column == name).unwrap()].parse::<f64>().unwrap();
        let facts = screen.window(WEEK, expected("window_start") as i64).unwrap();
        let counts = [
            ("n", Metric::Predictions),
            ("n_labeled", Metric::Matched),
            ("tp", Metric::TruePositives),
            ("fp", Metric::FalsePositives),
            ("tn", Metric::TrueNegatives),
            ("fn", Metric::FalseNegatives),
        ];
        for (name, metric) in counts {
            assert_eq!(facts.count(metric) as f64, expected(name), "{name}");
        }
        let close = |metric, name: &str, tolerance: f64| {
            let value = facts.figure(metric).value.unwrap();
            assert!((value - expected(name)).abs() <= tolerance, "{name}: {value}, not {}", expected(name));
        };
        close(Metric::Accuracy, "accuracy", 1e-9);
        close(Metric::Brier, "brier", 1e-9);
        close(Metric::RocAuc, "roc_auc", facts.figure(Metric::RocAuc).error_bound.unwrap());
    }
}

#[test]
fn nothing_known_is_drawn_as_nothing() {
    assert_eq!(bar(&Facts::default(), 0, 10).iter().map(|span| span.content.len()).sum::<usize>(), 10);
    assert!(window_row("EWR", &Facts::default(), 0, 0, 80).to_string().contains("–"));
}

#[test]
fn a_margin_goes_without_its_zero() {
    assert_eq!(with_margin(Some(0.5401), Some(0.0312), 2), "0.54 ±.03");
    assert_eq!(with_margin(None, None, 2), "–");
}
