//! Alerts for people: a table, one with all that is known of it, and a line for each change.

use super::fold::ID_LENGTH_MIN;
use crate::event::alert::AlertState;
use crate::event::{AlertRow, Millis};
use jiff::Timestamp;
use std::fmt::Write;

/// Longest cell that is shown in full.
const CELL: usize = 40;

/// A row as on the topic.
pub fn json(row: &AlertRow) -> String {
    format!("{}\n", serde_json::to_string(row).expect("a row is JSON"))
}

/// A table of alerts; of ids so many characters.
pub fn table(rows: &[&AlertRow], id_length: usize) -> String {
    let heading = ["id", "severity", "state", "since", "rule", "of", "summary"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        [
            row.alert_id.chars().take(id_length).collect(),
            row.severity.name().to_owned(),
            state(row),
            row.started_at.map(time).unwrap_or_default(),
            cut(&row.rule),
            cut(&subject(row)),
            shown(without_subject(row)),
        ]
    });
    columns(&[heading].into_iter().chain(cells).collect::<Vec<_>>())
}

/// Lines of cells, the columns below each other; the last is as long as it is.
pub fn columns<const N: usize>(lines: &[[String; N]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(row, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

/// The summary, where what it is about stands beside it.
fn without_subject(row: &AlertRow) -> &str {
    match row.summary.split_once(": ") {
        Some((about, what)) if about.replace(", ", " ") == subject(row) => what,
        _ => &row.summary,
    }
}

/// A change, in a line.
pub fn change(row: &AlertRow) -> String {
    let (time, severity, state) = (time(row.evaluated_at), row.severity.name(), state(row));
    let id: String = row.alert_id.chars().take(ID_LENGTH_MIN).collect();
    format!("{time}  {id}  {severity:<8}  {state:<8}  {}\n", shown(&row.summary))
}

/// All that is known of an alert, and its changes.
pub fn details(row: &AlertRow, changes: &[AlertRow]) -> String {
    let mut text = String::new();
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    let interval = || Some(format!("{} to {}", row.lower?, row.upper?));
    let window = || Some(format!("{} to {}", time(row.window_start?), time(row.window_end?)));
    let fires = match (row.threshold_lower, row.threshold_upper) {
        (None, None) => None,
        (Some(lower), None) => Some(format!("below {lower}")),
        (None, Some(upper)) => Some(format!("above {upper}")),
        (Some(lower), Some(upper)) => Some(format!("below {lower} or above {upper}")),
    };
    let owned = |text: &Option<String>| text.clone();
    let lines: [(&str, Option<String>); 20] = [
        ("alert", Some(row.alert_id.to_string())),
        ("summary", Some(row.summary.clone())),
        ("state", Some(state(row))),
        ("severity", Some(row.severity.name().to_owned())),
        ("rule", Some(row.rule.to_string())),
        ("of", Some(subject(row))),
        ("metric", row.metric.as_deref().map(str::to_owned)),
        ("value", number(row.value)),
        ("interval", interval()),
        ("fires", fires),
        ("rows", row.count.map(|count| count.to_string())),
        ("labels in", row.label_coverage.map(|share| format!("{:.1} %", 100.0 * share))),
        ("window", window()),
        ("reference", row.reference_id.as_deref().map(str::to_owned)),
        ("started", row.started_at.map(time)),
        ("resolved", row.resolved_at.map(time)),
        ("found", Some(time(row.evaluated_at))),
        ("dashboard", owned(&row.dashboard_url)),
        ("runbook", owned(&row.runbook_url)),
        ("labels", Some(row.labels.clone()).filter(|labels| labels != "{}")),
    ];
    for (name, value) in lines {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let _ = writeln!(text, "{name:<10}  {}", shown(&value));
        }
    }
    // Pretty JSON escapes what a terminal would obey.
    let evidence: Option<serde_json::Value> = serde_json::from_str(&row.evidence).ok();
    match evidence.and_then(|evidence| serde_json::to_string_pretty(&evidence).ok()) {
        Some(evidence) => drop(writeln!(text, "evidence    {}", evidence.replace('\n', "\n            "))),
        None => drop(writeln!(text, "evidence    {}", shown(&row.evidence))),
    }
    text.push_str("changes\n");
    for change in changes {
        let _ = writeln!(
            text,
            "  {}  {} -> {} ({}), {}: {}",
            time(change.evaluated_at),
            change.previous_state.name(),
            change.state.name(),
            change.cause.name(),
            change.severity.name(),
            shown(&change.summary)
        );
    }
    text
}

/// The state, with what people or other alerts make of it.
fn state(row: &AlertRow) -> String {
    let name = row.state.name();
    match (row.state, &row.suppressed_by, &row.acknowledged_by) {
        (AlertState::Pending, Some(by), _) => format!("{name} ({})", shown(by)),
        (state, _, Some(by)) if state.is_open() => format!("{name} (acknowledged by {})", shown(by)),
        _ => name.to_owned(),
    }
}

/// What it is about: model, version, segment, feature, class.
fn subject(row: &AlertRow) -> String {
    let mut parts = vec![if row.model_id.is_empty() { "all models".to_owned() } else { row.model_id.to_string() }];
    parts.extend((!row.model_version.is_empty()).then(|| format!("v{}", row.model_version)));
    parts.extend((!row.segment_key.is_empty()).then(|| format!("{}={}", row.segment_key, row.segment_value)));
    parts.extend(row.feature.as_deref().map(|feature| format!("feature {feature}")));
    parts.extend(row.class.as_deref().map(|class| format!("class {class}")));
    parts.extend(row.predicted_class.as_deref().map(|class| format!("as {class}")));
    parts.join(" ")
}

/// To the second: what is below is of no use to people.
pub fn time(time: Millis) -> String {
    Timestamp::from_second(time.div_euclid(1_000)).map_or_else(|_| format!("{time} ms"), |time| time.to_string())
}

/// Names come from records, and a terminal would obey some of their characters.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn cut(text: &str) -> String {
    let text = shown(text);
    match text.char_indices().nth(CELL) {
        None => text,
        Some(_) => text.chars().take(CELL - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> AlertRow {
        serde_json::from_str(include_str!("../../../schemas/examples/alerts.json")).expect("an example")
    }

    #[test]
    fn a_table_has_its_columns_below_each_other() {
        let acknowledged = AlertRow {
            acknowledged_by: Some("ada".into()),
            model_id: "m".into(),
            feature: Some("a very long name of a feature, longer than a cell".into()),
            ..row()
        };
        let suppressed = AlertRow {
            state: AlertState::Pending,
            suppressed_by: Some("silence".into()),
            summary: String::new(),
            ..row()
        };
        let text = table(&[&row(), &acknowledged, &suppressed], 8);
        let lines: Vec<&str> = text.lines().collect();
        let place = |line: &str, of: &str| line.find(of).map(|at| line[..at].chars().count());
        let [heading, one, two, three] = lines[..] else { panic!("{text}") };
        for (column, cells) in [
            ("id", ["4f1d2a7c", "4f1d2a7c", "4f1d2a7c"]),
            ("state", ["firing", "firing (acknowledged by ada)", "pending (silence)"]),
            ("since", ["2026-04-30T23"; 3]),
            ("of", ["fraud v7 country=BR", "m v7 country=BR feature a very long nam…", "fraud v7 country=BR"]),
        ] {
            let begins = place(heading, &format!("{column} "));
            assert!(begins.is_some(), "{text}");
            assert_eq!([place(one, cells[0]), place(two, cells[1]), place(three, cells[2])], [begins; 3], "{text}");
        }
        assert!(one.contains("  recall 0.52") && one.ends_with("labels 92 % in"), "{text}");
        assert!(two.contains("  fraud v7 country=BR: recall") && three.ends_with("country=BR"), "{text}");
    }

    #[test]
    fn an_alert_is_shown_with_evidence_and_changes() {
        let shown = details(&row(), &[row()]);
        for part in [
            "summary     fraud v7 country=BR: recall 0.52",
            "interval    0.43 to 0.61",
            "fires       below 0.8",
            "labels in   92.0 %",
            "window      2026-05-01T00:00:00Z to 2026-05-01T01:00:00Z",
            "\"start\": 1777593600000",
            "  2026-05-01T03:00:00Z  pending -> firing (window), critical: fraud v7",
        ] {
            assert!(shown.contains(part), "`{part}` is not in {shown}");
        }
        assert!(!shown.contains("resolved"), "{shown}");
    }

    #[test]
    fn nothing_in_a_record_moves_the_cursor() {
        let evil = "\u{1b}[2J\n";
        let (name, text) = (evil.into(), evil.to_owned());
        let row = AlertRow { model_id: name, summary: text.clone(), evidence: text, rule: evil.into(), ..row() };
        let shown = [table(&[&row], 8), change(&row), details(&row, &[]), json(&row)].concat();
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
        assert_eq!(table(&[&row], 8).lines().count(), 2);
    }
}
