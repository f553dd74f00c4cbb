//! What was tried: alerts by value and, where incidents are known, precision and recall beside them.

use super::super::tables::swept;
use super::{Anchor, Canvas, EDGE, WIDTH};
use crate::backtest::{Score, SweepLine, SweepTable};

/// Height of a panel without its labels.
const HEIGHT: f64 = 150.0;
/// Space for the labels of the upright axis.
const LABELS: f64 = 34.0;
/// Most values that are named; of more, every second, third and so on.
const MOST_NAMES: usize = 11;

/// The place of one panel.
struct Panel {
    left: f64,
    right: f64,
    top: f64,
    values: usize,
}

impl Panel {
    /// The middle of the value at `place`.
    fn x(&self, place: usize) -> f64 {
        self.left + (place as f64 + 0.5) * self.step()
    }

    fn step(&self) -> f64 {
        (self.right - self.left) / self.values.max(1) as f64
    }

    /// Where a share of the height lies.
    fn y(&self, share: f64) -> f64 {
        self.top + HEIGHT * (1.0 - share)
    }
}

/// Draws it.
pub fn draw(canvas: &mut Canvas, table: &SweepTable) {
    canvas.label((EDGE, canvas.y + 12.0), "title", Anchor::Start, &swept(table));
    let has_scores = table.values.iter().any(|line| line.score.is_some());
    let top = canvas.y + 44.0;
    let values = table.values.len();
    let middle = WIDTH / 2.0;
    let right = if has_scores { middle - 20.0 } else { WIDTH - EDGE };
    bars(canvas, table, &Panel { left: EDGE + LABELS, right, top, values });
    if has_scores {
        shares(canvas, table, &Panel { left: middle + LABELS, right: WIDTH - EDGE, top, values });
    }
    canvas.y = top + HEIGHT + 24.0;
}

/// How many alerts, those about an incident below the others.
fn bars(canvas: &mut Canvas, table: &SweepTable, panel: &Panel) {
    let most = table.values.iter().map(|line| line.tally.alerts).max().unwrap_or(0).max(1);
    let step = nice_step(most);
    let highest = most.div_ceil(step) * step;
    let marks: Vec<(f64, String)> =
        (0..=highest / step).map(|n| ((n * step) as f64 / highest as f64, (n * step).to_string())).collect();
    frame(canvas, table, panel, &marks);
    let legend: &[(&str, &str)] = match table.values.iter().any(|line| line.score.is_some()) {
        true => &[("good", "alerts about an incident"), ("bad", "false alerts")],
        false => &[("plain", "alerts")],
    };
    let mut x = panel.left;
    for (class, text) in legend {
        canvas.bar((x, panel.top - 22.0), (10.0, 10.0), class, text);
        canvas.label((x + 15.0, panel.top - 13.0), "quiet", Anchor::Start, text);
        x += 30.0 + 6.4 * text.chars().count() as f64;
    }
    let width = (panel.step() * 0.6).min(36.0);
    for (line, place) in table.values.iter().zip(0..) {
        let x = panel.x(place) - width / 2.0;
        let mut bottom = 0;
        for (count, class) in parts(line) {
            let (low, high) = (bottom as f64 / highest as f64, (bottom + count) as f64 / highest as f64);
            if count > 0 {
                let what = format!("{}: {count}", line.written);
                canvas.bar((x, panel.y(high)), (width, panel.y(low) - panel.y(high)), class, &what);
            }
            bottom += count;
        }
    }
}

fn parts(line: &SweepLine) -> Vec<(u64, &'static str)> {
    match &line.score {
        None => vec![(line.tally.alerts, "plain")],
        Some(score) => {
            vec![(score.true_alerts, "good"), (line.tally.alerts.saturating_sub(score.true_alerts), "bad")]
        }
    }
}

/// A share that a score has.
type Share = fn(&Score) -> Option<f64>;

fn precision(score: &Score) -> Option<f64> {
    score.precision
}

fn recall(score: &Score) -> Option<f64> {
    score.recall
}

/// Precision and recall.
fn shares(canvas: &mut Canvas, table: &SweepTable, panel: &Panel) {
    let marks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| (share, format!("{share:.2}")));
    frame(canvas, table, panel, &marks);
    let mut x = panel.left;
    for (name, figure) in [("precision", precision as Share), ("recall", recall)] {
        canvas.line((x, panel.top - 17.0), (x + 22.0, panel.top - 17.0), name);
        canvas.label((x + 27.0, panel.top - 13.0), "quiet", Anchor::Start, name);
        x += 42.0 + 6.4 * name.chars().count() as f64;
        let known = table
            .values
            .iter()
            .zip(0..)
            .filter_map(|(line, place)| Some((panel.x(place), panel.y(figure(line.score.as_ref()?)?))));
        canvas.curve(&known.collect::<Vec<_>>(), name);
    }
}

/// The axes, with the values below; what the rule has now stands out.
fn frame(canvas: &mut Canvas, table: &SweepTable, panel: &Panel, marks: &[(f64, String)]) {
    for (share, name) in marks {
        let y = panel.y(*share);
        canvas.line((panel.left, y), (panel.right, y), "grid");
        canvas.label((panel.left - 6.0, y + 4.0), "quiet", Anchor::End, name);
    }
    let every = table.values.len().div_ceil(MOST_NAMES).max(1);
    for (line, place) in table.values.iter().zip(0..) {
        if place % every == 0 || line.is_current {
            let class = if line.is_current { "now" } else { "quiet" };
            canvas.label((panel.x(place), panel.y(0.0) + 17.0), class, Anchor::Middle, &line.written);
        }
    }
}

/// A round step, of which `most` has at most five.
fn nice_step(most: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        if let Some(step) = [1, 2, 5].map(|part| part * unit).into_iter().find(|step| most.div_ceil(*step) <= 5) {
            return step;
        }
        unit = unit.saturating_mul(10);
    }
}
