//! Metric rows as a reader of the topic sees them in the end: the last row of every id.

use super::super::reader::Record;
use super::wire::RowReader;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A row without its nulls.
pub type Row = Map<String, Value>;

/// The last row per id, without its revision.
pub type Fold = BTreeMap<String, Row>;

/// Takes in rows one after the other.
#[derive(Default)]
pub struct Folding {
    last: BTreeMap<String, Row>,
    /// Rows that were taken in.
    pub rows: usize,
}

impl Folding {
    /// Takes in a row. Fails where revisions of an id are not 1, 2, 3 …, a final row is followed by another, or a row has
    /// both or neither of a value and a reason.
    pub fn add(&mut self, row: Row) {
        self.rows += 1;
        assert_ne!(row.contains_key("value"), row.contains_key("undefined_reason"), "a value or a reason: {row:?}");
        let id = row["id"].as_str().unwrap().to_owned();
        let revision = row["revision"].as_i64().unwrap();
        let before = self.last.get(&id);
        let due = 1 + before.map_or(0, |before| before["revision"].as_i64().unwrap());
        assert_eq!(revision, due, "revisions are 1, 2, 3: {row:?} after {before:?}");
        assert!(before.is_none_or(|before| before["is_final"] == false), "nothing follows a final row: {row:?}");
        self.last.insert(id, row);
    }

    /// Takes in a record of the metrics topic.
    pub fn add_record(&mut self, reader: &RowReader, record: &Record) {
        let row = reader.read(record.value.as_deref().expect("rows are never deleted"));
        assert_eq!(row["id"].as_str().map(str::as_bytes), record.key.as_deref(), "rows are keyed by their id");
        self.add(row);
    }

    /// The last rows with their revisions.
    pub fn last_rows(&self) -> impl Iterator<Item = &Row> {
        self.last.values()
    }

    /// The fold.
    pub fn fold(&self) -> Fold {
        let mut fold = self.last.clone();
        fold.values_mut().for_each(|row| drop(row.remove("revision")));
        fold
    }
}

/// How two folds differ: first of all in the accounting.
pub fn difference(expected: &Fold, published: &Fold) -> String {
    let missing: Vec<&Row> =
        expected.iter().filter(|(id, _)| !published.contains_key(*id)).map(|(_, row)| row).collect();
    let extra: Vec<&Row> = published.iter().filter(|(id, _)| !expected.contains_key(*id)).map(|(_, row)| row).collect();
    let other = expected.iter().filter_map(|(id, row)| Some((row, published.get(id).filter(|found| *found != row)?)));
    let mut other: Vec<(&Row, &Row)> = other.collect();
    let is_count = |row: &Row| {
        ["predictions", "labels", "matched", "late_labels", "late_predictions"]
            .iter()
            .any(|name| row["metric"] == *name)
    };
    other.sort_by_key(|(row, _)| (!is_count(row), row["segment_key"] != "", row["window_start"].as_i64()));
    let shown = |(row, found): &(&Row, &Row)| {
        let about = ["model_id", "model_version", "segment_value", "metric", "window_size_ms", "window_start"];
        let about = about.map(|name| row[name].to_string()).join(" ");
        let columns = row.keys().chain(found.keys()).filter(|name| row.get(*name) != found.get(*name));
        let changes = columns.map(|name| format!("{name} {:?} should be {:?}", found.get(name), row.get(name)));
        format!("{about}: {}", changes.collect::<Vec<_>>().join(", "))
    };
    let other_shown: Vec<String> = other.iter().take(12).map(shown).collect();
    format!(
        "{} rows are missing, as {:?}; {} are extra, as {:?}; {} differ:\n{}",
        missing.len(),
        missing.first(),
        extra.len(),
        extra.first(),
        other.len(),
        other_shown.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn folded(rows: &[(i64, bool)]) -> Folding {
        let mut folding = Folding::default();
        for (revision, is_final) in rows {
            let Value::Object(row) = json!({"id": "a", "value": 1.0, "revision": revision, "is_final": is_final})
            else {
                panic!("an object")
            };
            folding.add(row);
        }
        folding
    }

    #[test]
    fn the_last_row_counts_without_its_revision() {
        let fold = folded(&[(1, false), (2, true)]).fold();
        assert_eq!((fold.len(), &fold["a"]["is_final"], fold["a"].get("revision")), (1, &Value::Bool(true), None));
    }

    #[test]
    #[should_panic(expected = "revisions are 1, 2, 3")]
    fn a_missing_revision_is_seen() {
        folded(&[(1, false), (3, false)]);
    }

    #[test]
    #[should_panic(expected = "revisions are 1, 2, 3")]
    fn a_repeated_revision_is_seen() {
        folded(&[(1, false), (1, false)]);
    }

    #[test]
    #[should_panic(expected = "nothing follows a final row")]
    fn a_row_after_the_final_one_is_seen() {
        folded(&[(1, true), (2, true)]);
    }
}
