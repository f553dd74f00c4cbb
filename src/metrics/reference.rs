//! The reference of metrics that users read, printed from the catalog.

use super::catalog::{Entry, Family};
use super::{Metric, Undefined};
use std::fmt::Write;

/// Every metric in Markdown: name, formula, range, inputs, interval and when it is undefined, family by family.
pub fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    for family in Family::ALL {
        section(&mut text, family);
    }
    text.push_str("\n## Why a value is null\n\n| `undefined_reason` | |\n| --- | --- |\n");
    for reason in Undefined::ALL {
        row(&mut text, &[format!("`{}`", reason.as_str()), reason.description().to_owned()]);
    }
    text
}

const INTRODUCTION: &str = "\
# Metrics

One row per metric, window and series. `count` is the number of rows named under *rests on*. `lower` and `upper` are a
95 % sampling interval by the method named; none where the method says nothing (too few rows, or an estimated variance
of 0). Metrics marked ≈ are read from bins: `error_bound` says how far that can have moved the value from the exact
statistic of the same rows. Metrics marked ◐ need labels, so their rows carry `label_coverage`.

Sums are exact and rounded once, so a value does not depend on the order, batches or partitions of the input.
";

fn section(text: &mut String, family: Family) {
    let note = match family {
        Family::Accounting => "Where every record of the window went, and how long labels took.",
        Family::Operations => "How the serving of the model went; failed requests included.",
        Family::Binary => {
            "tp, fp, tn, fn are the confusion counts at the threshold, n is their sum, s is a score. The scores lie in \
             1000 bins that are equally wide in log-odds over [−12, 12], plus one of exactly 0 and one of exactly 1."
        }
        Family::Multiclass => {
            "n rows, c of them predicted right; t(k) and p(k) have class k as label or prediction. Rows per class exist \
             for classes that are the label or prediction of a row of the window. A mean over classes is null if one of \
             its parts is. Scores are normalised to sum 1 and rounded to doubles; statistics are those of the rounded ones. \
             In a series that also has binary rows, names without class that both families have are the binary ones."
        }
        Family::Regression => "p is a prediction, l a label, e = p − l the error.",
        Family::ConceptDrift => {
            "Of models with `detectors`. Each detector reads the losses of predictions that have met their label: 0 or 1 of \
             a class, |e| of a number, or the log loss if that is asked for. It reads them in the order in which they became \
             known (the later of the label's time and the prediction's; then the prediction's time, then the bytes of the \
             request id) or, if that is asked for, in the order of the predictions; and not before the watermark has passed \
             them, so that the order is the same however records came. It reads the first label of a prediction only: what \
             corrects or retracts that label, and what expires, does not reach it. A firing stands in the windows of the \
             prediction whose loss it followed. There is a detector for each version and one for all together. Windows in which one \
             fired also say of its last firing when the new level began and what the levels are, with the detector's name in \
             `feature`: a loss that falls is an improvement."
        }
        Family::Fairness => {
            "Groups are the values of a protected column, a missing value included. `selection_rate` stands in the rows \
             of each group, the comparisons in rows without a group. Groups below `min_group` labelled rows are not compared."
        }
        Family::Features => {
            "One row per feature of the reference and metric; x is a number. Outputs (`score`, `predicted_label`, \
             `predicted_value`) count as features. Numbers lie in the reference's fine bins; `distinct` is of categories only. \
             `features_…` have no `feature`. A feature is new if JSON has a member of `features` that is not null, or the \
             Avro writer's record has a field there, under a name that the reference does not have, be it one that was left \
             out when the profile was made. Of features that are declared without a profile there is no `unseen_rate`, \
             `out_of_range_rate`, `…_change` or `features_…`."
        }
        Family::Drift => {
            "p is the reference's share of a bin, q the window's; F and G are the distribution functions. Bins of a number \
             are the reference's deciles, and one each for missing and invalid; of a category its values, unseen, missing, \
             invalid. What needs order is read from about 200 fine bins. Without a profile, numbers lie in 16 bins per power \
             of two (4 below 2⁻¹⁰ and above 2²⁰), put together to tenths of what the window is compared with, and a category \
             in 128 by a hash of its text. Rows have `reference_id` and \
             `reference_kind`: `fixed` is a profile, others are windows of the same model, in the same bins. `drifted` has \
             `method`, `threshold` and `null_quantile`."
        }
        Family::Estimated => {
            "p is the probability of a row's positive class (or of class k) by the calibration of the reference; T is Σp \
             over the rows predicted to be of it, M over the others; P is Σp and N is Σ(1 − p) of a bin of \
             scores. Blind to concept drift by design: the calibration is \
             taken to hold still. Rows exist where the reference has labels and scores. An interval is where chance puts the \
             realized value, widened by how far estimates were off in the last 100 windows of which no label was missing \
             any more. `estimation_error` names what was estimated in `feature`: `accuracy`, `precision`, `recall`, `f1`."
        }
        Family::Change => {
            "s is a group's share of labelled rows and a its accuracy, in the reference (0) and in the window (1). Both parts \
             add up to the accuracy of the window less that of the reference. Groups are the predicted classes (`feature` \
             is `predicted_label`) and the values of each segment set (`segment_key`, without a value). A group that only \
             one side has changes the mix. Rows exist where the reference has labels."
        }
    };
    let _ = write!(text, "\n## {}\n\n{note}\n\n", family.name());
    text.push_str("| metric | formula | rests on | range | unit | interval | null if |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for entry in family.entries() {
        row(text, &cells(entry));
    }
}

fn cells(entry: &Entry) -> [String; 7] {
    [
        format!("{}{}", name(entry.metric), if entry.binned { " ≈" } else { "" }),
        entry.formula.to_owned(),
        entry.inputs.to_owned(),
        entry.range.text().to_owned(),
        entry.unit.to_owned(),
        entry.interval.text(),
        undefined(entry),
    ]
}

fn name(metric: Metric) -> String {
    format!("`{}`{}", metric.name(), if metric.needs_labels() { " ◐" } else { "" })
}

fn undefined(entry: &Entry) -> String {
    let reasons: Vec<String> = entry.undefined.iter().map(|reason| format!("`{}`", reason.as_str())).collect();
    if reasons.is_empty() { "never".to_owned() } else { reasons.join(", ") }
}

/// One line of a table; `|` inside a cell is escaped.
fn row(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_and_reason_is_in_it() {
        let text = reference();
        for metric in Metric::ALL {
            assert!(text.contains(&format!("\n| `{}`", metric.name())), "{}", metric.name());
        }
        for reason in Undefined::ALL {
            assert!(text.contains(&format!("\n| `{}` |", reason.as_str())), "{}", reason.as_str());
        }
    }

    #[test]
    fn every_table_is_rectangular() {
        let mut width = None;
        for line in reference().lines() {
            if !line.starts_with('|') {
                width = None;
                continue;
            }
            let cells = line.replace("\\|", "").matches('|').count();
            assert_eq!(*width.get_or_insert(cells), cells, "{line}");
        }
    }
}
