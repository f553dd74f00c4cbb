//! The report as tables: the same on a terminal and on the page.

use crate::backtest::{Judged, Report, RuleLine, Score, SweepTable, Tally};
use crate::event::Millis;
use jiff::Timestamp;
use std::sync::Arc;

/// A table; the first column is a name, the others are figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: String,
    pub headings: Vec<&'static str>,
    pub rows: Vec<Vec<String>>,
    /// Below it.
    pub note: Option<String>,
    /// Rows that matter more: what a rule has now, or all together.
    pub marked: Vec<usize>,
}

/// What is said where there is no figure.
const NOTHING: &str = "–";

/// The span that was judged, in a line.
pub fn heading(report: &Report) -> String {
    let history = report.history;
    let length = duration(history.to.saturating_sub(history.from));
    format!("Back-test of {} to {} ({length})", minute(history.from), minute(history.to))
}

/// Alerts by rule.
pub fn by_rule(report: &Report) -> Table {
    let (loud, quiet): (Vec<&RuleLine>, Vec<&RuleLine>) = report.rules.iter().partition(|line| line.tally.alerts > 0);
    let all = (loud.len() > 1).then_some(&report.all);
    let quiet: Vec<&str> = quiet.iter().filter_map(|line| line.rule.as_deref()).collect();
    Table {
        title: "Alerts by rule".to_owned(),
        headings: vec!["rule", "alerts", "critical", "open", "share", "median", "longest", "wait", "flapping"],
        rows: loud.iter().copied().chain(all).map(|line| [vec![name(line)], tallied(&line.tally)].concat()).collect(),
        note: (!quiet.is_empty()).then(|| format!("No alert: {}.", quiet.join(", "))),
        marked: all.map(|_| loud.len()).into_iter().collect(),
    }
}

fn name(line: &RuleLine) -> String {
    line.rule.as_deref().unwrap_or("all").to_owned()
}

fn tallied(tally: &Tally) -> Vec<String> {
    vec![
        tally.alerts.to_string(),
        tally.critical.to_string(),
        tally.open.to_string(),
        percent(tally.open_share),
        time(tally.median_ms),
        time(tally.longest_ms),
        time(tally.wait_ms),
        tally.flapping.to_string(),
    ]
}

/// Rules against the incidents; `None` where none are known.
pub fn by_score(report: &Report) -> Option<Table> {
    let found = report.incidents.as_ref()?;
    let lines = report.rules.iter().filter(|line| line.tally.alerts > 0);
    let mut rows: Vec<Vec<String>> = lines
        .chain([&report.all])
        .map(|line| {
            let score = line.score.clone().unwrap_or_default();
            let alerts = format!("{} of {}", score.true_alerts, line.tally.alerts);
            [vec![name(line), alerts], scored(&score)].concat()
        })
        .collect();
    if rows.len() == 2 {
        rows.pop();
    }
    let outside = match report.incidents_outside {
        0 => None,
        1 => Some("One incident lies outside of the history and is left out.".to_owned()),
        count => Some(format!("{count} incidents lie outside of the history and are left out.")),
    };
    Some(Table {
        title: format!("Against {}", counted(found.len(), "incident")),
        headings: vec!["rule", "true", "precision", "recall", "delay"],
        marked: (rows.len() > 1).then(|| rows.len() - 1).into_iter().collect(),
        rows,
        note: outside,
    })
}

fn scored(score: &Score) -> Vec<String> {
    vec![share(score.precision), share(score.recall), time(score.delay_ms)]
}

/// Each incident, and who told of it; `None` where there is none.
pub fn incidents(report: &Report) -> Option<Table> {
    let found = report.incidents.as_ref().filter(|found| !found.is_empty())?;
    let row = |found: &crate::backtest::Found| {
        vec![found.name.clone(), minute(found.from), time(found.delay_ms), told_by(&found.rules)]
    };
    Some(Table {
        title: "Incidents".to_owned(),
        headings: vec!["incident", "from (UTC)", "delay", "told of by"],
        rows: found.iter().map(row).collect(),
        note: None,
        marked: Vec::new(),
    })
}

/// Rules in a few words.
fn told_by(rules: &[Arc<str>]) -> String {
    const MOST: usize = 30;
    let all = rules.iter().map(|id| &**id).collect::<Vec<_>>().join(", ");
    match rules {
        [] => "nobody".to_owned(),
        [first, _, ..] if all.chars().count() > MOST => format!("{first} and {} more", rules.len() - 1),
        _ => all,
    }
}

/// What other numbers would have done.
pub fn sweep(table: &SweepTable) -> Table {
    let has_scores = table.values.iter().any(|line| line.score.is_some());
    let mut headings = vec!["", "alerts", "critical", "open", "share", "median"];
    if has_scores {
        headings.extend(["precision", "recall", "delay"]);
    }
    let row = |line: &crate::backtest::SweepLine| {
        let tally = &line.tally;
        let mut row = vec![
            line.written.clone(),
            tally.alerts.to_string(),
            tally.critical.to_string(),
            tally.open.to_string(),
            percent(tally.open_share),
            time(tally.median_ms),
        ];
        row.extend(line.score.iter().flat_map(scored));
        row
    };
    let marked = table.values.iter().enumerate().filter(|(_, line)| line.is_current).map(|(place, _)| place);
    Table {
        title: swept(table),
        headings,
        rows: table.values.iter().map(row).collect(),
        note: None,
        marked: marked.collect(),
    }
}

/// What was tried, and what the rule has.
pub fn swept(table: &SweepTable) -> String {
    let name = format!("{}.{}", table.rule, table.key);
    match &table.current {
        Some(current) => format!("{name} (now {current})"),
        None => name,
    }
}

/// Gates; `None` where there is none.
pub fn gates(judged: &[Judged]) -> Option<Table> {
    let row = |judged: &Judged| {
        let verdict = if judged.holds { "holds" } else { "fails" };
        vec![judged.gate.clone(), verdict.to_owned(), judged.found.clone()]
    };
    (!judged.is_empty()).then(|| Table {
        title: "Required".to_owned(),
        headings: vec!["gate", "verdict", "found"],
        rows: judged.iter().map(row).collect(),
        note: None,
        marked: judged.iter().enumerate().filter(|(_, judged)| !judged.holds).map(|(place, _)| place).collect(),
    })
}

/// All tables before those of what was tried.
pub fn first(report: &Report, judged: &[Judged]) -> Vec<Table> {
    let tables = [Some(by_rule(report)), by_score(report), incidents(report), gates(judged)];
    tables.into_iter().flatten().collect()
}

/// True if the last column holds words.
pub fn ends_in_words(table: &Table) -> bool {
    matches!(table.headings.last(), Some(&("told of by" | "found")))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.to_owned(), |share| format!("{share:.2}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

fn time(time: Option<Millis>) -> String {
    time.map_or_else(|| NOTHING.to_owned(), duration)
}

/// A length of time in its two largest units: `2d 1h`.
pub fn duration(ms: Millis) -> String {
    const UNITS: [(&str, Millis); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let Some(first) = UNITS.iter().position(|(_, length)| ms >= *length) else { return "0s".to_owned() };
    let (name, length) = UNITS[first];
    let whole = format!("{}{name}", ms / length);
    match UNITS.get(first + 1).map(|(name, part)| (name, ms % length / part)) {
        Some((name, rest)) if rest > 0 => format!("{whole} {rest}{name}"),
        _ => whole,
    }
}

/// `2013-06-24 14:05`.
pub fn minute(time: Millis) -> String {
    formatted(time, "%Y-%m-%d %H:%M")
}

/// A time in UTC, by a pattern of `strftime`.
pub fn formatted(time: Millis, pattern: &str) -> String {
    Timestamp::from_millisecond(time).map_or_else(|_| format!("{time} ms"), |time| time.strftime(pattern).to_string())
}
