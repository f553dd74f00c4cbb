//! The picture as SVG: the history with its alerts and incidents, and what was tried. Text in, text out, the same in every run.
//!
//! Colours are classes, so that the picture is light or dark as its reader wants it, alone or within the page.

mod curves;
mod style;
mod timeline;

use crate::backtest::Report;
use std::fmt::Write;

/// Width of the picture.
const WIDTH: f64 = 860.0;
/// Space around it.
const EDGE: f64 = 16.0;

/// Draws `report`.
pub fn draw(report: &Report) -> String {
    let mut canvas = Canvas { text: String::new(), y: EDGE };
    timeline::draw(&mut canvas, report);
    for table in &report.sweeps {
        canvas.y += 24.0;
        curves::draw(&mut canvas, table);
    }
    let height = canvas.y + EDGE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pd\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"Alerts of a back-test\">\n<style>{}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height:.0}\"/>\n{}</svg>\n",
        style::sheet(),
        canvas.text
    )
}

/// Where shapes go, from top to bottom.
struct Canvas {
    text: String,
    /// Everything above this is taken.
    y: f64,
}

/// Where a text stands against its place.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

impl Canvas {
    fn label(&mut self, (x, y): (f64, f64), class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.put(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
            escaped(text)
        ));
    }

    fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        self.put(&format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"));
    }

    /// A box; what it is shows where a pointer rests on it.
    fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str, what: &str) {
        self.put(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" class=\"{class}\"><title>{}</title></rect>",
            width.max(0.0),
            height.max(0.0),
            escaped(what)
        ));
    }

    fn curve(&mut self, points: &[(f64, f64)], class: &str) {
        let places: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.put(&format!("<polyline points=\"{}\" class=\"{class}\"/>", places.join(" ")));
        for (x, y) in points {
            self.put(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" class=\"{class}-dot\"/>"));
        }
    }

    fn put(&mut self, element: &str) {
        let _ = writeln!(self.text, "{element}");
    }
}

/// Text as XML and HTML can hold it.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `text` cut to so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
