//! The report on a terminal, or as plain text of 80 columns.

use super::chart;
use super::tables::{self, Table};
use crate::backtest::{Judged, Report};
use crate::cli::Failure;
use crate::cli::demo::text::write_lines;
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use std::io::{self, IsTerminal};

/// Columns where the output is not a terminal.
pub const PLAIN_WIDTH: u16 = 80;
/// Most columns of pictures.
const MOST_WIDTH: u16 = 120;

/// Prints all of it.
pub fn print(report: &Report, judged: &[Judged]) -> Result<(), Failure> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let is_styled = io::stdout().is_terminal() && !is_dumb;
    let width = match is_styled {
        true => ratatui::crossterm::terminal::size().map_or(PLAIN_WIDTH, |(columns, _)| columns.clamp(40, MOST_WIDTH)),
        false => PLAIN_WIDTH,
    };
    match write_lines(&mut io::stdout().lock(), &lines(report, judged, width), is_styled) {
        // Whoever closes standard output has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            Err(Failure::Running)
        }
        _ => Ok(()),
    }
}

/// All lines.
pub fn lines(report: &Report, judged: &[Judged], width: u16) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(tables::heading(report)).bold()];
    for table in tables::first(report, judged) {
        lines.push(Line::default());
        lines.extend(drawn(&table));
    }
    for swept in &report.sweeps {
        lines.push(Line::default());
        lines.extend(drawn(&tables::sweep(swept)));
        lines.push(Line::default());
        lines.extend(chart::chart(swept, width));
    }
    lines
}

/// A table: names to the left, figures to the right, texts of the last column to the left.
fn drawn(table: &Table) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(shown(&table.title)).bold()];
    let headings: Vec<String> = table.headings.iter().map(|heading| (*heading).to_owned()).collect();
    let width = |column: usize| {
        let cells = table.rows.iter().chain([&headings]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let row = |cells: &[String]| {
        let mut text = String::new();
        for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let cell = shown(cell);
            let is_text = column == 0 || column + 1 == cells.len() && tables::ends_in_words(table);
            match is_text {
                true => text.push_str(&format!(" {cell:<width$} ")),
                false => text.push_str(&format!(" {cell:>width$} ")),
            }
        }
        text.trim_end().to_owned()
    };
    if !table.rows.is_empty() {
        lines.push(Line::from(row(&headings)).style(Style::new().dim()));
    }
    for (place, cells) in table.rows.iter().enumerate() {
        let line = Line::from(Span::from(row(cells)));
        lines.push(match (table.marked.contains(&place), table.title.as_str()) {
            (true, "Required") => line.style(Style::new().fg(Color::Red)),
            (true, _) => line.bold(),
            (false, _) => line,
        });
    }
    lines.extend(table.note.as_ref().map(|note| Line::from(format!(" {}", shown(note))).style(Style::new().dim())));
    lines
}

/// Names come from files, and a terminal would obey some of their characters.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
