//! The page: the picture and all tables, in one file that needs nothing else.

use super::svg::escaped;
use super::tables::{self, Table};
use crate::backtest::{Judged, Report};
use std::fmt::Write;

const STYLE: &str = "
  :root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --grid: #d1d9e0; --paper: #ffffff; --mark: #f3f6f9; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e6edf3; --quiet: #9198a1; --grid: #3d444d; --paper: #0d1117; --mark: #1b222b; }
  }
  body { margin: 2rem auto; max-width: 900px; padding: 0 1rem; color: var(--ink); background: var(--paper);
         font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  figure { margin: 1rem 0; overflow-x: auto; } svg { max-width: 100%; height: auto; }
  .scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.3rem 0.8rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
  th { color: var(--quiet); font-weight: 500; } tr.marked td { background: var(--mark); font-weight: 600; }
  th:first-child, td:first-child, .words td:last-child, .words th:last-child { text-align: left; }
  p.note { color: var(--quiet); } dt { font-weight: 600; } dd { margin: 0 0 0.4rem 1rem; color: var(--quiet); }
";

/// What the columns mean.
const MEANING: [(&str, &str); 11] = [
    ("alerts", "how often an alert opened (firing or no data)"),
    ("critical", "those that were critical at any time"),
    ("open", "those that are open at the end of the history"),
    ("share", "share of the history in which at least one was open"),
    ("median, longest", "how long they were open"),
    ("wait", "median time from the end of the first bad window until the alert was found"),
    ("flapping", "those that opened again within three windows after the same alert was over"),
    ("true", "those that overlap an incident that they may be about"),
    ("precision", "share of alerts that are true"),
    ("recall", "share of incidents that an alert overlaps"),
    ("delay", "median time from an incident's start until the first of its alerts was found"),
];

/// The page; `picture` is an SVG.
pub fn page(report: &Report, judged: &[Judged], picture: &str) -> String {
    let title = escaped(&tables::heading(report));
    let mut body = format!("<h1>{title}</h1>\n<figure>\n{picture}</figure>\n");
    let sweeps = report.sweeps.iter().map(tables::sweep);
    tables::first(report, judged).into_iter().chain(sweeps).for_each(|table| put_table(&mut body, &table));
    body.push_str("<h2>What the columns mean</h2>\n<dl>\n");
    for (name, meaning) in MEANING {
        let _ = writeln!(body, "<dt>{name}</dt><dd>{meaning}</dd>");
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n{body}</dl>\n</body>\n</html>\n"
    )
}

fn put_table(body: &mut String, table: &Table) {
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
        cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect::<String>()
    };
    let class = if tables::ends_in_words(table) { " class=\"words\"" } else { "" };
    let _ = writeln!(body, "<h2>{}</h2>", escaped(&table.title));
    if !table.rows.is_empty() {
        let _ = writeln!(body, "<div class=\"scroll\"><table{class}>");
        let _ = writeln!(body, "<tr>{}</tr>", cells("th", &mut table.headings.iter().copied()));
        for (place, row) in table.rows.iter().enumerate() {
            let class = if table.marked.contains(&place) { " class=\"marked\"" } else { "" };
            let _ = writeln!(body, "<tr{class}>{}</tr>", cells("td", &mut row.iter().map(String::as_str)));
        }
        body.push_str("</table></div>\n");
    }
    if let Some(note) = &table.note {
        let _ = writeln!(body, "<p class=\"note\">{}</p>", escaped(note));
    }
}
