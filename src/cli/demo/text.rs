//! Dates and numbers as the demo writes them, and lines for a plain or a coloured stream.

use crate::event::Millis;
use jiff::Timestamp;
use ratatui::backend::IntoCrossterm;
use ratatui::crossterm::QueueableCommand;
use ratatui::crossterm::style::{ContentStyle, Print, PrintStyledContent, StyledContent};
use ratatui::text::Line;
use std::io::{self, Write};

/// `Mon 24 Jun`, always ten cells.
pub fn day_name(time: Millis) -> String {
    formatted(time, "%a %e %b")
}

/// `24 Jun`, always six cells.
pub fn short_day(time: Millis) -> String {
    formatted(time, "%e %b")
}

/// `Mon 24 Jun 14:00`.
pub fn clock(time: Millis) -> String {
    formatted(time, "%a %e %b %H:%M")
}

fn formatted(time: Millis, format: &str) -> String {
    Timestamp::from_millisecond(time).map(|time| time.strftime(format).to_string()).unwrap_or_default()
}

/// A number with so many digits, `–` where it is undefined.
pub fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// `0.54 ±.03`: a value below one with the half-width of its interval.
pub fn with_margin(value: Option<f64>, margin: Option<f64>, digits: usize) -> String {
    let value = number(value, digits);
    margin.map_or_else(
        || value.clone(),
        |margin| {
            let margin = format!("{margin:.digits$}");
            format!("{value} ±{}", margin.strip_prefix('0').unwrap_or(&margin))
        },
    )
}

/// Writes lines to a stream, styled or not. Colours are left out where the environment sets `NO_COLOR`.
pub fn write_lines(out: &mut impl Write, lines: &[Line], styled: bool) -> io::Result<()> {
    for line in lines {
        if styled {
            for span in &line.spans {
                let content: ContentStyle = line.style.patch(span.style).into_crossterm();
                out.queue(PrintStyledContent(StyledContent::new(content, &*span.content)))?;
            }
            out.queue(Print("\n"))?;
        } else {
            let text: String = line.spans.iter().map(|span| &*span.content).collect();
            writeln!(out, "{}", text.trim_end())?;
        }
    }
    out.flush()
}
