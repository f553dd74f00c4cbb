//! The picture of what was tried on a terminal: alerts by value and, where incidents are known, precision and recall.

use crate::backtest::SweepTable;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Widget};

/// Lines of it.
const HEIGHT: u16 = 12;

const ALERTS: Style = Style::new().fg(Color::Cyan);
const PRECISION: Style = Style::new().fg(Color::Green);
const RECALL: Style = Style::new().fg(Color::Yellow);

/// Draws it, below a line that says what is what.
pub fn chart(table: &SweepTable, width: u16) -> Vec<Line<'static>> {
    let area = Rect::new(0, 0, width, HEIGHT);
    let mut buffer = Buffer::empty(area);
    let alerts = points(table, |place| Some(table.values[place].tally.alerts as f64));
    let most = alerts.iter().map(|(_, alerts)| *alerts).fold(1.0, f64::max);
    let counts = [(ALERTS, Marker::Braille, alerts)];
    if table.values.iter().all(|line| line.score.is_none()) {
        panel(table, &counts, (most, format!("{most}"))).render(area, &mut buffer);
        return lines(Line::from(Span::styled("  alerts", ALERTS)), &buffer);
    }
    let score = |place: usize| table.values[place].score.as_ref();
    let scores = [
        (PRECISION, Marker::Braille, points(table, |place| score(place)?.precision)),
        (RECALL, Marker::Dot, points(table, |place| score(place)?.recall)),
    ];
    let [left, _, right] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(2), Constraint::Fill(1)]).areas(area);
    panel(table, &counts, (most, format!("{most}"))).render(left, &mut buffer);
    panel(table, &scores, (1.0, "1.0".to_owned())).render(right, &mut buffer);
    let caption = vec![
        Span::styled(format!("  {:<1$}", "alerts", usize::from(right.x)), ALERTS),
        Span::styled("precision ⠒⠒", PRECISION),
        Span::raw("   "),
        Span::styled("recall ••", RECALL),
    ];
    lines(Line::from(caption), &buffer)
}

/// A point per value that has the figure. Values stand at equal distances.
fn points(table: &SweepTable, figure: impl Fn(usize) -> Option<f64>) -> Vec<(f64, f64)> {
    (0..table.values.len()).filter_map(|place| Some((place as f64, figure(place)?))).collect()
}

type Curve = (Style, Marker, Vec<(f64, f64)>);

fn panel<'c>(table: &SweepTable, curves: &'c [Curve], (most, top): (f64, String)) -> Chart<'c> {
    let written = |place: usize| table.values.get(place).map_or_else(String::new, |line| line.written.clone());
    let last = table.values.len().saturating_sub(1);
    let ends =
        if last < 2 { vec![written(0), written(last)] } else { vec![written(0), written(last / 2), written(last)] };
    let quiet = Style::new().dim();
    let x = Axis::default().bounds([0.0, last.max(1) as f64]).labels(ends).style(quiet);
    let y = Axis::default().bounds([0.0, most]).labels(["0".to_owned(), top]).style(quiet);
    let datasets = curves.iter().map(|(style, marker, points)| {
        Dataset::default().style(*style).data(points).marker(*marker).graph_type(GraphType::Line)
    });
    Chart::new(datasets.collect()).x_axis(x).y_axis(y).legend_position(None)
}

/// The caption and what was drawn, cells of one style together.
fn lines(caption: Line<'static>, buffer: &Buffer) -> Vec<Line<'static>> {
    let width = usize::from(buffer.area.width.max(1));
    let line = |row: &[ratatui::buffer::Cell]| {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for cell in row {
            match spans.last_mut().filter(|span| span.style == cell.style()) {
                Some(span) => span.content.to_mut().push_str(cell.symbol()),
                None => spans.push(Span::styled(cell.symbol().to_owned(), cell.style())),
            }
        }
        Line::from(spans)
    };
    [caption].into_iter().chain(buffer.content.chunks(width).map(line)).collect()
}
