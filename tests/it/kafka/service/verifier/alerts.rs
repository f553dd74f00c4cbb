//! Each change of an alert is in its topic once, in its order, with its headers; those about final windows are the ones that
//! `replay` tells, one by one.

use super::super::Service;
use super::super::wire::{ALERTS_ID, RowReader, without_nulls};
use crate::kafka::reader::Record;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Changes without their nulls and without when they were found; by alert, in their order.
pub type Changes = BTreeMap<String, Vec<Map<String, Value>>>;

/// Rules that judge windows early or by the clock: `replay` may see other windows, and has no clock. Built in, or so named.
const BY_CHANCE: [&str; 16] = [
    "no-predictions",
    "roc-auc-fell",
    "accuracy-fell",
    "mae-rose",
    "roc-auc-collapsed",
    "accuracy-collapsed",
    "drift",
    "errors",
    "adwin",
    "ddm",
    "eddm",
    "hddm-a",
    "hddm-w",
    "page-hinkley",
    "features-missing",
    "early",
];

impl Service {
    /// All changes that are committed, in the order of the topic. Fails where one is missing, told twice, or no change.
    pub(in super::super) fn told(&self) -> Changes {
        let reader = RowReader::new(self.wire, "alerts", ALERTS_ID);
        let rows = self.read("alerts").into_iter().map(|record| {
            let row = reader.read(record.value.as_deref().expect("alerts are never deleted"));
            has_its_headers(&record, &row);
            row
        });
        by_alert(rows)
    }
}

fn text<'r>(row: &'r Map<String, Value>, name: &str) -> Option<&'r str> {
    row.get(name).and_then(Value::as_str)
}

fn has_its_headers(record: &Record, row: &Map<String, Value>) {
    assert_eq!(text(row, "alert_id").map(str::as_bytes), record.key.as_deref(), "alerts are keyed by their id");
    let header = |name: &str| {
        let value = record.headers.iter().find(|(known, _)| known == name)?.1.as_deref()?;
        std::str::from_utf8(value).ok()
    };
    assert_eq!(header("ce_id"), text(row, "id"), "{row:?}");
    assert_eq!(header("ce_subject"), text(row, "alert_id"), "{row:?}");
    let kind = format!("io.postdict.alert.{}.v1", text(row, "state").unwrap());
    assert_eq!(header("ce_type"), Some(&*kind), "{row:?}");
}

/// Rows in their order, by alert. Fails where they do not follow each other.
fn by_alert(rows: impl Iterator<Item = Map<String, Value>>) -> Changes {
    let (mut changes, mut ids) = (Changes::new(), BTreeSet::new());
    for mut row in rows {
        assert!(ids.insert(text(&row, "id").unwrap().to_owned()), "an event came twice: {row:?}");
        row.remove("evaluated_at").expect("when it was found");
        let known = changes.entry(text(&row, "alert_id").unwrap().to_owned()).or_default();
        assert_eq!(row["sequence"], known.len() + 1, "sequences are 1, 2, 3: {row:?} after {:?}", known.last());
        let before = known.last();
        let state_before = before.map_or("ok", |before| text(before, "state").unwrap());
        assert_eq!(text(&row, "previous_state"), Some(state_before), "{row:?}");
        let is_change = text(&row, "state") != Some(state_before)
            || before.is_some_and(|before| before["severity"] != row["severity"])
            || before.and_then(|before| before.get("acknowledged_by")) != row.get("acknowledged_by")
            || row["cause"] == "repeat";
        assert!(is_change, "nothing changed: {row:?} after {before:?}");
        known.push(row);
    }
    changes
}

fn replayed(service: &Service) -> Changes {
    let written = fs::read_to_string(service.folder.join("out/alerts.ndjson")).unwrap();
    by_alert(written.lines().map(|line| without_nulls(serde_json::from_str(line).unwrap())))
}

/// What is promised of a service at rest: `replay` has written its alerts.
pub fn are_those_of_replay(service: &Service) {
    let promised = |mut changes: Changes| {
        changes.retain(|_, rows| !BY_CHANCE.contains(&text(&rows[0], "rule").unwrap()));
        changes
    };
    let (expected, told) = (promised(replayed(service)), promised(service.told()));
    let last = |rows: &[Map<String, Value>]| rows.last().map(|row| (row["rule"].clone(), row["summary"].clone()));
    for (id, rows) in &expected {
        let found = told.get(id).unwrap_or_else(|| panic!("{}: never told: {rows:#?}", service.name));
        for (place, row) in rows.iter().enumerate() {
            assert_eq!(found.get(place), Some(row), "{}: change {place} of {id}", service.name);
        }
        assert_eq!(found.len(), rows.len(), "{}: {:?} after {:?}", service.name, found.last(), rows.last());
    }
    for (id, rows) in &told {
        assert!(expected.contains_key(id), "{}: replay does not tell of {id}: {:?}", service.name, last(rows));
    }
}

/// How many changes there are of each rule and state.
pub fn counted(changes: &Changes) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for row in changes.values().flatten() {
        let of = |name: &str| text(row, name).unwrap().to_owned();
        *counts.entry((of("rule"), of("state"))).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes(rows: &[(i64, &str, &str)]) -> Changes {
        by_alert(rows.iter().map(|(sequence, before, state)| {
            let id = format!("{sequence}-{state}");
            without_nulls(json!({"id": id, "alert_id": "a", "sequence": sequence, "previous_state": before,
                "state": state, "severity": "info", "cause": "window", "evaluated_at": 1}))
        }))
    }

    #[test]
    fn changes_that_follow_each_other_are_kept_in_their_order() {
        assert_eq!(changes(&[(1, "ok", "firing"), (2, "firing", "resolved")])["a"].len(), 2);
    }

    #[test]
    #[should_panic(expected = "sequences are 1, 2, 3")]
    fn a_gap_is_seen() {
        changes(&[(1, "ok", "firing"), (3, "firing", "resolved")]);
    }

    #[test]
    #[should_panic(expected = "an event came twice")]
    fn a_repetition_is_seen() {
        changes(&[(1, "ok", "firing"), (1, "ok", "firing")]);
    }

    #[test]
    #[should_panic(expected = "nothing changed")]
    fn a_change_that_is_none_is_seen() {
        changes(&[(1, "ok", "firing"), (2, "firing", "firing")]);
    }
}
