//! The demo on a terminal: final days scroll up, the panel below is redrawn, a few keys are heard.

use super::draw::{PANEL_HEIGHT, day_row, heading, panel};
use super::play::Playback;
use super::screen::Screen;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Widget};
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::{self, Stdout};
use std::time::{Duration, Instant};

/// Real time of a tick at speed 1: the four weeks take forty seconds.
const TICK: Duration = Duration::from_millis(58);
/// How long a pause lasts if no key is pressed.
const PAUSE: Duration = Duration::from_secs(3600);

/// How the show ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Everything was played.
    Played,
    /// `q`.
    Quit,
    /// Ctrl-C.
    Interrupted,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Pause,
    ToTheEnd,
    End(Ending),
}

/// Plays at `speed` times the usual pace; leaves the final days on the terminal, and the cursor below them.
pub fn play(mut playback: Playback, screen: &mut Screen, flights: u64, speed: f64) -> io::Result<Ending> {
    let mut stage = Stage::open()?;
    stage.scroll_up(|width| heading(screen, flights, width))?;
    let pause = TICK.div_f64(speed);
    let mut is_hurried = false;
    // Ticks are due by the clock, so that a slow one does not slow the whole.
    let mut due = Instant::now();
    while let Some(step) = playback.advance() {
        due += pause;
        let final_days = screen.update(&step);
        stage.scroll_up(|width| final_days.iter().map(|day| day_row(screen, *day, width)).collect())?;
        if is_hurried && final_days.is_empty() {
            continue;
        }
        stage.draw(screen)?;
        let rest = if is_hurried { Duration::ZERO } else { due.saturating_duration_since(Instant::now()) };
        match wait(rest)? {
            Some(Wish::End(ending)) => return Ok(ending),
            Some(Wish::ToTheEnd) => is_hurried = true,
            Some(Wish::Pause) => {
                match wait(PAUSE)? {
                    Some(Wish::End(ending)) => return Ok(ending),
                    Some(Wish::ToTheEnd) => is_hurried = true,
                    Some(Wish::Pause) | None => {}
                }
                due = Instant::now();
            }
            None => {}
        }
    }
    Ok(Ending::Played)
}

/// Waits for so long, or until a key is pressed that means something.
fn wait(rest: Duration) -> io::Result<Option<Wish>> {
    let until = Instant::now() + rest;
    loop {
        if !event::poll(until.saturating_duration_since(Instant::now()))? {
            return Ok(None);
        }
        if let Event::Key(key) = event::read()?
            && let Some(wish) = wish(key)
        {
            return Ok(Some(wish));
        }
    }
}

fn wish(key: KeyEvent) -> Option<Wish> {
    match key.code {
        _ if key.kind == KeyEventKind::Release => None,
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::End(Ending::Interrupted)),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::End(Ending::Quit)),
        KeyCode::Char('f') => Some(Wish::ToTheEnd),
        KeyCode::Char(' ') => Some(Wish::Pause),
        _ => None,
    }
}

/// The lower part of the terminal, given back when dropped.
struct Stage {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Stage {
    fn open() -> io::Result<Self> {
        let (_, rows) = ratatui::crossterm::terminal::size()?;
        let viewport = Viewport::Inline(PANEL_HEIGHT.min(rows.saturating_sub(1)));
        enable_raw_mode()?;
        match Terminal::with_options(CrosstermBackend::new(io::stdout()), TerminalOptions { viewport }) {
            Ok(terminal) => Ok(Stage { terminal }),
            Err(error) => {
                disable_raw_mode()?;
                Err(error)
            }
        }
    }

    /// Adds lines above the panel.
    fn scroll_up(&mut self, lines: impl FnOnce(u16) -> Vec<Line<'static>>) -> io::Result<()> {
        let lines = lines(self.terminal.size()?.width);
        if lines.is_empty() {
            return Ok(());
        }
        self.terminal.insert_before(lines.len() as u16, |buffer| Paragraph::new(lines).render(buffer.area, buffer))
    }

    fn draw(&mut self, screen: &Screen) -> io::Result<()> {
        self.terminal.draw(|frame| {
            let area = frame.area();
            frame.render_widget(Paragraph::new(panel(screen, area.width)), area);
        })?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that does not listen any more.
        let top = self.terminal.get_frame().area().as_position();
        let _ = self.terminal.clear();
        let _ = self.terminal.set_cursor_position(top);
        let _ = self.terminal.show_cursor();
        let _ = disable_raw_mode();
    }
}
