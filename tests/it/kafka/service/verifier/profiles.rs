//! Each window that is final is in the profiles once, byte for byte as `replay` wrote it.

use super::super::Service;
use super::super::fold::Fold;
use postdict::event::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The only model that has a reference.
const MODEL: &str = "flight-late15";

/// `expected`: the last rows of `replay`, which has written its profiles beside them.
pub fn are_those_of_replay(service: &Service, expected: &Fold) {
    let written = fs::read_to_string(service.folder.join("out/profiles.ndjson")).unwrap();
    let mut due: BTreeMap<String, &str> = BTreeMap::new();
    let mut windows = BTreeSet::new();
    for line in written.lines() {
        let profile = Profile::from_json(line).unwrap();
        assert_eq!(&*profile.model_id, MODEL);
        let window = profile.window.expect("a window");
        windows.insert((window.model_version.to_string(), window.size_ms, window.start_ms));
        assert_eq!(due.insert(window.id.to_string(), line), None, "{}: twice in the file", service.name);
    }
    let is_due = |metric: &str, value: f64| metric == "predictions" && value > 0.0;
    let of_rows: BTreeSet<(String, i64, i64)> = (expected.values())
        .filter(|row| row["segment_key"] == "" && row["is_final"] == true && row["model_id"] == MODEL)
        .filter(|row| {
            is_due(row["metric"].as_str().unwrap(), row.get("value").and_then(|v| v.as_f64()).unwrap_or_default())
        })
        .map(|row| {
            let number = |name: &str| row[name].as_i64().unwrap();
            let version = row["model_version"].as_str().unwrap().to_owned();
            (version, number("window_size_ms"), number("window_start"))
        })
        .collect();
    assert_eq!(windows, of_rows, "{}: windows that are final, and their profiles", service.name);
    for record in service.read("profiles") {
        let [key, value] = [&record.key, &record.value].map(|part| String::from_utf8(part.clone().unwrap()).unwrap());
        let line = due.remove(&key).unwrap_or_else(|| panic!("{}: {key} twice, or not due: {value}", service.name));
        assert_eq!(line, value, "{}: {key}", service.name);
    }
    assert!(due.is_empty(), "{}: no profile of {:?}", service.name, due.keys().collect::<Vec<_>>());
}
