//! fairlearn's rates per group, and disparities over groups, of the employment data: all rows, chunks and windows.

use super::compare::{Comparison, Rule};
use super::fold::Fold;
use super::performance::{EMPLOYMENT, place_of};
use super::sets::{Set, Split};
use super::table::{Line, Table};

/// fairlearn's columns of a group, and our metrics.
const RATES: [(&str, &str); 7] = [
    ("selection_rate", "selection_rate"),
    ("tpr", "recall"),
    ("fpr", "false_positive_rate"),
    ("tnr", "specificity"),
    ("fnr", "false_negative_rate"),
    ("accuracy", "accuracy"),
    ("precision", "precision"),
];

/// What stands and falls with a group's rate, by its two columns (a rate and its complement).
const DISPARITIES: [(&str, &[(&str, &str)]); 3] = [
    ("demographic_parity", &[]),
    ("equal_opportunity", &[("tpr", "fnr")]),
    ("equalized_odds", &[("tpr", "fnr"), ("fpr", "tnr")]),
];

fn table(set: &Set, ending: &str) -> Table {
    Table::read(&set.expected("fairlearn", ending))
}

fn name(line: &Line) -> String {
    ["split", "kind", "key", "attribute"].map(|column| line.text(column)).join(" ")
}

#[test]
fn rates_of_groups_agree_with_fairlearn() {
    let Some((set, folds)) = &*EMPLOYMENT else { return };
    let by_group = table(set, ".by_group.csv");
    let mut comparison = Comparison::of("groups of nml_ma_employment and fairlearn");
    for (split, fold) in folds {
        for line in by_group.having("split", split.name()) {
            let group = line.text("group");
            let place = place_of(set, *split, line).segment(line.text("attribute"), group);
            let (name, metrics) = (format!("{} {group}", name(line)), fold.at(&place));
            comparison.check(&name, metrics, "matched", Rule::Exact, line.number("count"));
            for (column, metric) in RATES {
                comparison.check(&name, metrics, metric, Rule::Close, line.number(column));
            }
        }
    }
    comparison.finish(8_648);
}

/// fairlearn takes 0/0 of a group for 0. Here nothing can be said about the disparity then.
fn has_undefined_rate(groups: &[&Line], rates: &[(&str, &str)]) -> bool {
    let value = |line: &Line, column: &str| line.number(column).unwrap();
    rates.iter().any(|(rate, rest)| groups.iter().any(|group| value(group, rate) + value(group, rest) == 0.0))
}

/// Smallest over largest is undefined where the largest is 0.
fn is_zero_everywhere(groups: &[&Line], rates: &[(&str, &str)]) -> bool {
    let zero = |rate: &str| groups.iter().all(|group| group.number(rate) == Some(0.0));
    if rates.is_empty() { zero("selection_rate") } else { rates.iter().any(|(rate, _)| zero(rate)) }
}

fn compare_disparities(comparison: &mut Comparison, set: &Set, split: Split, fold: &Fold) -> usize {
    let (by_group, disparity) = (table(set, ".by_group.csv"), table(set, ".disparity.csv"));
    let mut undefined = 0;
    for line in disparity.having("split", split.name()) {
        let same = |group: &&Line| name(group) == name(line);
        let groups: Vec<&Line> = by_group.lines().iter().filter(same).collect();
        assert_eq!(groups.len() as i64, line.integer("n_groups"));
        let place = place_of(set, split, line).segment(line.text("attribute"), "");
        let metrics = fold.at(&place);
        for (disparity, rates) in DISPARITIES {
            for kind in ["difference", "ratio"] {
                let metric = format!("{disparity}_{kind}");
                let is_undefined =
                    has_undefined_rate(&groups, rates) || kind == "ratio" && is_zero_everywhere(&groups, rates);
                undefined += usize::from(is_undefined);
                let expected = if is_undefined { None } else { line.number(&metric) };
                comparison.check(&name(line), metrics, &metric, Rule::Close, expected);
            }
        }
        let count = metrics.get("demographic_parity_ratio").map_or(f64::NAN, |row| row.count as f64);
        comparison.equal(&name(line), "rows", count, line.number("n").unwrap());
    }
    undefined
}

#[test]
fn disparities_agree_with_fairlearn_wherever_every_group_has_a_rate() {
    let Some((set, folds)) = &*EMPLOYMENT else { return };
    let mut comparison = Comparison::of("disparities of nml_ma_employment and fairlearn");
    let undefined: usize =
        folds.iter().map(|(split, fold)| compare_disparities(&mut comparison, set, *split, fold)).sum();
    assert!(undefined > 0, "small groups without a rate are among them");
    comparison.finish(1_568);
}
