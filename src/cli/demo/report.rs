//! The end of the demo: a table of everything that is final, what late labels changed, and what to try next.

use super::draw::sparklines;
use super::screen::{ALL, Facts, Screen, WEEK};
use super::text::{day_name, number, short_day, with_margin};
use crate::cli::grouped;
use crate::metrics::Metric;
use ratatui::style::Stylize;
use ratatui::text::{Line, Span};

/// Carriers in the table: the largest.
const CARRIERS: usize = 5;

/// The last lines.
pub fn report(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    lines.extend(sparklines(screen, width));
    lines.push(Line::default());
    lines.push(captions("week of"));
    lines.extend(screen.windows(WEEK).map(|(start, facts)| row(&short_day(start), facts)));
    if let Some((start, all)) = screen.windows(ALL).next() {
        lines.push(row("28 days", all).bold());
        lines.push(captions("airport"));
        lines.extend(screen.segments(ALL, start, "origin").iter().map(|(name, facts)| row(name, facts)));
        let mut carriers = screen.segments(ALL, start, "carrier");
        carriers.sort_by_key(|(_, facts)| std::cmp::Reverse(facts.count(Metric::Predictions)));
        lines.push(captions("carrier"));
        lines.extend(carriers.iter().take(CARRIERS).map(|(name, facts)| row(name, facts)));
        lines.push(Line::default());
        lines.push(footnote(all));
    }
    lines.extend(lesson(screen));
    lines.push(Line::default());
    lines.extend(next());
    lines
}

fn captions(name: &str) -> Line<'static> {
    let columns = format!(
        " {name:<8}{:>7}  {:>6}  {:>5}  {:<11}  {:>5}  {:>6}  {:<11} {:>5}",
        "flights", "labels", "known", "accuracy", "prec.", "recall", "ROC AUC", "Brier"
    );
    Line::from(columns).dim()
}

fn row(name: &str, facts: &Facts) -> Line<'static> {
    let figure = |metric| facts.figure(metric);
    let (accuracy, auc) = (figure(Metric::Accuracy), figure(Metric::RocAuc));
    let coverage = figure(Metric::LabelCoverage).value.map(|coverage| coverage * 100.0);
    let value = |metric| number(figure(metric).value, 3);
    Line::from(vec![
        Span::from(format!(
            " {name:<8}{:>7}  {:>6}  {:>4}%  ",
            grouped(facts.count(Metric::Predictions)),
            grouped(facts.count(Metric::Matched)),
            number(coverage, 1),
        )),
        Span::from(format!("{:<11}", with_margin(accuracy.value, accuracy.margin, 3))),
        Span::from(format!("  {:>5}  {:>6}", value(Metric::Precision), value(Metric::Recall))),
        Span::from(format!("  {:<11} {:>5}", with_margin(auc.value, auc.margin, 3), value(Metric::Brier))),
    ])
}

/// What the numbers of the table are.
fn footnote(all: &Facts) -> Line<'static> {
    let bound = all
        .figure(Metric::RocAuc)
        .error_bound
        .map_or_else(String::new, |bound| format!(" Binning moved the ROC AUC of all by {bound:.4} at most."));
    Line::from(format!(" ±: 95 % interval.{bound}")).dim()
}

/// The day whose quality looked most different when it ended.
fn lesson(screen: &Screen) -> Option<Line<'static>> {
    let (day, facts) = screen.most_revised()?;
    let (before, now) = (facts.accuracy_at_end, facts.figure(Metric::Accuracy).value);
    Some(Line::from(vec![
        Span::from(format!(" {}: accuracy ", day_name(day))),
        Span::from(number(before, 3)).bold(),
        Span::from(" when it ended, "),
        Span::from(number(now, 3)).bold(),
        Span::from(" with all its labels."),
    ]))
}

fn next() -> Vec<Line<'static>> {
    let command = |text: &'static str| Line::from(vec![Span::from("   "), Span::from(text).bold()]);
    vec![
        Line::from(" Now your own files (NDJSON or Avro, also .gz or .zst):"),
        command("postdict replay --predictions FILE --labels FILE --out DIR"),
        Line::from(" What every metric means, and the records that go in and out:"),
        command("postdict schemas metrics"),
        command("postdict schemas list"),
    ]
}
