//! Segment sets and protected columns: `segments: [country, [country, device]]`, `fairness: {protected: [sex]}`.

use super::problem::Report;
use super::section::{Item, Section, Spanned};
use crate::event::SegmentSet;

/// Columns over whose groups fairness is computed, and the smallest group that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protected {
    pub columns: Vec<String>,
    pub min_group: Option<u64>,
}

/// Reads `segments`; `None` if anything in it is wrong.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Vec<SegmentSet>>> {
    // None at all: a model without the segments of the defaults.
    let items = item.list_or_none(report, "columns such as `[country, [country, device]]`, or `[]`")?;
    let mut complete = true;
    let mut sets: Vec<SegmentSet> = Vec::new();
    for item in &items {
        let Some(set) = read_set(item, report) else {
            complete = false;
            continue;
        };
        if sets.iter().any(|earlier| sorted(&earlier.columns) == sorted(&set.columns)) {
            report.error(&item.at(), format!("the segments of `{}` twice", set.key())).help("remove one of them");
            complete = false;
        }
        sets.push(set);
    }
    complete.then(|| Spanned { value: sets, at: item.at() })
}

fn sorted(columns: &[String]) -> Vec<&String> {
    let mut columns: Vec<&String> = columns.iter().collect();
    columns.sort();
    columns
}

fn read_set(item: &Item<'_>, report: &mut Report) -> Option<SegmentSet> {
    if item.is_list() {
        return Some(SegmentSet { columns: read_columns(item, report)? });
    }
    Some(SegmentSet { columns: vec![read_column(item, report)?.value] })
}

fn read_columns(item: &Item<'_>, report: &mut Report) -> Option<Vec<String>> {
    let items = item.list(report, "columns such as `[country, device]`")?;
    let mut complete = true;
    let mut columns: Vec<String> = Vec::new();
    for item in &items {
        let Some(column) = read_column(item, report) else {
            complete = false;
            continue;
        };
        if columns.contains(&column.value) {
            report.error(&column.at, format!("the column `{}` twice", column.value)).help("remove one of them");
            complete = false;
        }
        columns.push(column.value);
    }
    complete.then_some(columns)
}

fn read_column(item: &Item<'_>, report: &mut Report) -> Option<Spanned<String>> {
    let column = item.text(report, "the name of a column")?;
    if column.contains(',') {
        report.error(&column.at, format!("a comma in the column name `{}`", column.value)).help(
            "commas join columns in `segment_key`: give the column another name under `fields.predictions.segments`",
        );
        return None;
    }
    Some(column)
}

/// Reads `fairness`.
pub(super) fn read_fairness(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Protected>> {
    let mut section = Section::open(item, report)?;
    let columns = section
        .require("protected", report, "write `{protected: [sex]}`: the columns whose groups are compared")
        .map(|item| read_columns(&item, report));
    let min_group = section.take("min_group").map(|item| item.count(report, 1..=u32::MAX));
    section.finish(report, &[], &[]);
    let min_group = match min_group {
        Some(min_group) => Some(u64::from(min_group?.value)),
        None => None,
    };
    Some(Spanned { value: Protected { columns: columns??, min_group }, at: item.at() })
}
