//! `postdict demo` as a newcomer sees it through a pipe.

use std::process::Command;

fn demo() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_postdict")).args(["demo", "--fast"]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The week's row of the table, from what scikit-learn computed.
fn expected_row(names: &[&str], week: &[&str], day: &str) -> Vec<String> {
    let column = |name: &str| week[names.iter().position(|column| *column == name).unwrap()].parse::<f64>().unwrap();
    let grouped = |name: &str| {
        let count = column(name) as u64;
        format!("{},{:03}", count / 1000, count % 1000)
    };
    let coverage = format!("{:.1}%", column("n_labeled") / column("n") * 100.0);
    let rate = |name: &str| format!("{:.3}", column(name));
    let (day, month) = day.split_once(' ').unwrap();
    let texts = [day.to_owned(), month.to_owned(), grouped("n"), grouped("n_labeled"), coverage];
    texts.into_iter().chain(["accuracy", "precision", "recall", "brier"].map(rate)).collect()
}

#[test]
fn piped_it_prints_every_day_and_scikit_learns_weeks_without_colours_and_the_same_twice() {
    let text = demo();
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    assert_eq!(text.lines().filter(|line| line.contains("final ✓")).count(), 28);
    assert!(text.lines().all(|line| line.chars().count() <= 80));

    let oracle = std::fs::read_to_string("tests/data/flights/windows.csv").unwrap();
    let lines: Vec<Vec<&str>> = oracle.lines().map(|line| line.split(',').collect()).collect();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    for (week, day) in lines[1..].iter().zip(["20 Jun", "27 Jun", "4 Jul", "11 Jul"]) {
        let expected = expected_row(&lines[0], week, day);
        // Intervals and the binned ROC AUC are Postdict's own.
        let found = rows
            .iter()
            .any(|row| row.len() == 12 && [&row[..6], &row[7..9], &row[11..]].concat().iter().eq(expected.iter()));
        assert!(found, "no row {expected:?} in\n{text}");
    }
    assert!(text.contains("postdict replay --predictions"), "what to try next");
    assert_eq!(demo(), text);
}
