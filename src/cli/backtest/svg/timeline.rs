//! The history: a row per rule with its alerts as bars, incidents as bands behind them.

use super::super::tables::{duration, formatted, heading, minute};
use super::{Anchor, Canvas, EDGE, WIDTH, cut};
use crate::backtest::{Episode, Report};
use crate::event::Millis;

/// Space for the names of rules.
const NAMES: f64 = 170.0;
/// Height of a rule's row.
const ROW: f64 = 26.0;
/// Most rows; more rules are counted.
const MOST_ROWS: usize = 40;
/// Lines for the names of incidents, which stand beside each other where they fit.
const NAME_LINES: usize = 3;
/// Most steps of the axis.
const MOST_TICKS: Millis = 9;
/// About the width of a character.
const CHARACTER: f64 = 6.4;

const DAY: Millis = 86_400_000;

/// The time axis.
struct Axis {
    from: Millis,
    to: Millis,
}

impl Axis {
    fn x(&self, time: Millis) -> f64 {
        let part = (time - self.from) as f64 / (self.to - self.from).max(1) as f64;
        NAMES + part.clamp(0.0, 1.0) * (WIDTH - EDGE - NAMES)
    }

    /// Times that are marked, with their names.
    fn ticks(&self) -> Vec<(Millis, String)> {
        const HOUR: Millis = DAY / 24;
        const STEPS: [Millis; 14] = [
            HOUR / 4,
            HOUR,
            3 * HOUR,
            6 * HOUR,
            12 * HOUR,
            DAY,
            2 * DAY,
            4 * DAY,
            7 * DAY,
            14 * DAY,
            28 * DAY,
            91 * DAY,
            182 * DAY,
            364 * DAY,
        ];
        let length = (self.to - self.from).max(1);
        let step = STEPS.into_iter().find(|step| length / step <= MOST_TICKS).unwrap_or(length / MOST_TICKS);
        let pattern = match step {
            step if step < DAY => "%-d %b %H:%M",
            step if step < 28 * DAY => "%-d %b",
            _ => "%b %Y",
        };
        let first = self.from + (-self.from).rem_euclid(step);
        let times = (0..=MOST_TICKS).map(|number| first + number * step).take_while(|time| *time <= self.to);
        times.map(|time| (time, formatted(time, pattern))).collect()
    }
}

/// Draws it, with its heading.
pub fn draw(canvas: &mut Canvas, report: &Report) {
    let axis = Axis { from: report.history.from, to: report.history.to.max(report.history.from + 1) };
    canvas.label((EDGE, canvas.y + 12.0), "title", Anchor::Start, &heading(report));
    canvas.y += 20.0;
    legend(canvas, report);
    let top = name_incidents(canvas, &axis, report);
    let rules: Vec<&str> =
        report.rules.iter().filter(|line| line.tally.alerts > 0).filter_map(|line| line.rule.as_deref()).collect();
    let shown = &rules[..rules.len().min(MOST_ROWS)];
    let bottom = canvas.y + ROW * shown.len().max(1) as f64;
    bands(canvas, &axis, report, (top, bottom));
    for (time, name) in axis.ticks() {
        let x = axis.x(time);
        canvas.line((x, canvas.y), (x, bottom), "grid");
        let (anchor, x) = if x > WIDTH - 40.0 { (Anchor::End, WIDTH - EDGE) } else { (Anchor::Middle, x) };
        canvas.label((x, bottom + 16.0), "quiet", anchor, &name);
    }
    for (rule, row) in shown.iter().zip(0..) {
        let y = canvas.y + ROW * f64::from(row);
        canvas.line((EDGE, y + ROW), (WIDTH - EDGE, y + ROW), "grid");
        canvas.label((EDGE, y + 17.0), "", Anchor::Start, &cut(rule, 24));
        // What was bad before an alert was found does not lie over the alert before it.
        for is_early in [true, false] {
            for episode in report.episodes.iter().filter(|episode| *episode.rule == **rule) {
                bar(canvas, &axis, report, (episode, is_early), y);
            }
        }
    }
    if shown.is_empty() {
        canvas.label((NAMES, canvas.y + 17.0), "quiet", Anchor::Start, "No alert.");
    }
    canvas.line((EDGE, bottom), (WIDTH - EDGE, bottom), "grid");
    canvas.y = bottom + 24.0;
    if rules.len() > shown.len() {
        let rest = format!("and {} more rules", rules.len() - shown.len());
        canvas.label((EDGE, canvas.y + 8.0), "quiet", Anchor::Start, &rest);
        canvas.y += 16.0;
    }
}

fn legend(canvas: &mut Canvas, report: &Report) {
    let parts: &[(&str, &str)] = match &report.incidents {
        Some(_) => &[("band", "incident"), ("good", "alert about an incident"), ("bad", "false alert")],
        None => &[("plain", "alert")],
    };
    let mut x = EDGE;
    let parts = parts.iter().chain(&[("quiet early", "windows before it was found")]);
    for (class, text) in parts {
        canvas.bar((x, canvas.y), (14.0, 10.0), class, text);
        canvas.label((x + 19.0, canvas.y + 9.5), "quiet", Anchor::Start, text);
        x += 36.0 + CHARACTER * text.chars().count() as f64;
    }
    canvas.y += 22.0;
}

/// Writes the names of incidents, as far as there is room, and gives the top of their bands.
fn name_incidents(canvas: &mut Canvas, axis: &Axis, report: &Report) -> f64 {
    let incidents = report.incidents.as_deref().unwrap_or_default();
    let top = canvas.y;
    let mut taken = [f64::MIN; NAME_LINES];
    for found in incidents {
        let name = cut(&found.name, 24);
        let width = CHARACTER * name.chars().count() as f64;
        let x = axis.x(found.from).min(WIDTH - EDGE - width);
        let Some(line) = taken.iter().position(|end| *end + 8.0 < x) else { continue };
        taken[line] = x + width;
        canvas.label((x, top + 11.0 + 14.0 * line as f64), "quiet", Anchor::Start, &name);
    }
    let lines = taken.iter().filter(|end| **end > f64::MIN).count();
    canvas.y += 14.0 * lines as f64 + 4.0;
    canvas.y
}

fn bands(canvas: &mut Canvas, axis: &Axis, report: &Report, (top, bottom): (f64, f64)) {
    for found in report.incidents.as_deref().unwrap_or_default() {
        let (x, end) = (axis.x(found.from), axis.x(found.to));
        let told = match found.delay_ms {
            Some(delay) => format!("told of after {}", duration(delay)),
            None => "nobody told of it".to_owned(),
        };
        let what = format!("{}: {} to {}; {told}", found.name, minute(found.from), minute(found.to));
        canvas.bar((x, top), ((end - x).max(1.5), bottom - top), "band", &what);
        canvas.line((x, top), (x, bottom), "edge");
    }
}

fn bar(canvas: &mut Canvas, axis: &Axis, report: &Report, (episode, is_early): (&Episode, bool), y: f64) {
    let class = match &report.incidents {
        None => "plain",
        Some(_) if report.is_true(episode) => "good",
        Some(_) => "bad",
    };
    let over = episode.over.unwrap_or(axis.to);
    let (from, found, end) = (axis.x(episode.from), axis.x(episode.found), axis.x(over));
    let until = episode.over.map_or_else(|| "still open".to_owned(), |over| format!("over {}", minute(over)));
    let severity = episode.severity.name();
    let what = format!("{} ({severity}): found {}, {until} {}", episode.rule, minute(episode.found), episode.summary);
    match is_early {
        true => canvas.bar((from, y + 10.0), (found - from, 6.0), &format!("{class} early"), what.trim()),
        false => canvas.bar((found, y + 7.0), ((end - found).max(2.0), 12.0), class, what.trim()),
    }
}
