//! `postdict demo`: four weeks of real flights through the real tasks, drawn in the terminal.
//!
//! ```text
//!   built-in files ─► play (JOIN, ASSESS) ─► rows ─► screen ─► draw, report ─► live (terminal) or plain text
//! ```

mod draw;
mod live;
mod play;
mod report;
mod screen;
#[cfg(test)]
mod tests;
pub(super) mod text;

use super::Failure;
use live::Ending;
use play::Playback;
use screen::Screen;
use std::io::{self, IsTerminal, Write};

/// Columns where the output is not a terminal.
const PLAIN_WIDTH: u16 = 80;

/// Watch real flights: predictions wait for their labels, windows are revised and become final
///
/// Plays four weeks of departures from New York through the same tasks as the service, in about forty seconds. Needs no
/// files. Where the output is not a terminal, prints plain text at once.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Print the end at once
    #[arg(long)]
    fast: bool,
    /// Play so many times as fast
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed, conflicts_with = "fast")]
    speed: f64,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "write a number, such as 2 or 0.5".to_owned())?;
    if (0.01..=1000.0).contains(&speed) { Ok(speed) } else { Err("must be between 0.01 and 1000".to_owned()) }
}

impl Demo {
    pub(super) fn run(self) -> Result<(), Failure> {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on_terminal = io::stdout().is_terminal() && !is_dumb;
        let shown =
            if on_terminal && !self.fast { show(self.speed) } else { print(&mut io::stdout().lock(), on_terminal) };
        match shown {
            Ok(Ending::Played | Ending::Quit) => Ok(()),
            Ok(Ending::Interrupted) => Err(Failure::Interrupted),
            // Who reads the output has seen enough: `postdict demo | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => {
                eprintln!("error: cannot write to the terminal: {error}");
                Err(Failure::Running)
            }
        }
    }
}

/// Plays on a terminal, at a visible pace.
fn show(speed: f64) -> io::Result<Ending> {
    let playback = Playback::new();
    let flights = playback.flights_per_day();
    let mut screen = Screen::new(&flights);
    let ending = live::play(playback, &mut screen, flights.values().sum(), speed)?;
    let mut out = io::stdout().lock();
    if ending == Ending::Played {
        text::write_lines(&mut out, &report::report(&screen, width()), true)?;
    } else {
        writeln!(out, "stopped at {}", text::clock(screen.now))?;
    }
    Ok(ending)
}

/// Plays as fast as it can and prints every day as it becomes final, then the end.
fn print(out: &mut impl Write, styled: bool) -> io::Result<Ending> {
    let width = if styled { width() } else { PLAIN_WIDTH };
    let mut playback = Playback::new();
    let flights = playback.flights_per_day();
    let mut screen = Screen::new(&flights);
    text::write_lines(out, &draw::heading(&screen, flights.values().sum(), width), styled)?;
    while let Some(step) = playback.advance() {
        let final_days = screen.update(&step);
        let rows: Vec<_> = final_days.iter().map(|day| draw::day_row(&screen, *day, width)).collect();
        text::write_lines(out, &rows, styled)?;
    }
    text::write_lines(out, &report::report(&screen, width), styled)?;
    Ok(Ending::Played)
}

/// Columns of the terminal.
fn width() -> u16 {
    ratatui::crossterm::terminal::size().map_or(PLAIN_WIDTH, |(columns, _)| columns)
}
