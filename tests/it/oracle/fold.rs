//! `metrics.ndjson` as a reader of the topic sees it in the end: the last row of every id, found by what it is about.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The columns of a metric row that are compared.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    id: String,
    model_id: String,
    model_version: String,
    segment_key: String,
    segment_value: String,
    metric: String,
    feature: Option<String>,
    class: Option<String>,
    predicted_class: Option<String>,
    window_start: i64,
    window_size_ms: i64,
    revision: u32,
    /// The statistic.
    pub value: Option<f64>,
    /// Why there is none.
    pub undefined_reason: Option<String>,
    /// How far binning can have moved it.
    pub error_bound: Option<f64>,
    /// Rows that it rests on.
    pub count: i64,
    /// Nothing can change it any more.
    pub is_final: bool,
}

/// One window of one series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Empty: all versions together.
    pub version: String,
    /// Columns and value of a segment, both empty for the whole model.
    pub segment: (String, String),
    /// Size of the window in ms.
    pub size: i64,
    /// Where it starts.
    pub start: i64,
}

impl Place {
    /// The window of `size` that starts at `start`, of the whole model.
    pub fn window(size: i64, start: i64) -> Place {
        Place { size, start, ..Place::default() }
    }

    /// The same window of one version.
    pub fn version(self, version: &str) -> Place {
        Place { version: version.to_owned(), ..self }
    }

    /// The same window of one segment.
    pub fn segment(self, key: &str, value: &str) -> Place {
        Place { segment: (key.to_owned(), value.to_owned()), ..self }
    }
}

/// The metrics of a place by name: `accuracy`, `precision[VF]`, `confusion[VF][F]` (label, then prediction),
/// `psi[age]`.
pub type Metrics = BTreeMap<String, Row>;

/// All rows of one model, and those about labels that no prediction of it has claimed.
#[derive(Debug)]
pub struct Fold {
    places: BTreeMap<Place, Metrics>,
    unclaimed: Vec<Row>,
}

impl Fold {
    /// Reads `path`. Panics where rows contradict each other: two models, a revision that is missing or comes twice, a
    /// value beside a reason.
    pub fn read(path: &Path) -> Fold {
        let file = BufReader::new(File::open(path).unwrap());
        let rows = file.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        Fold::of(rows)
    }

    /// Of rows in their order. Panics as [`Fold::read`] does.
    pub fn of(rows: impl Iterator<Item = Row>) -> Fold {
        let mut last: HashMap<String, Row> = HashMap::new();
        for row in rows {
            assert_eq!(row.value.is_none(), row.undefined_reason.is_some(), "a value or a reason: {row:?}");
            let before = last.get(&row.id).map_or(0, |before| before.revision);
            assert_eq!(row.revision, before + 1, "revisions are 1, 2, 3: {row:?}");
            last.insert(row.id.clone(), row);
        }
        let mut places: BTreeMap<Place, Metrics> = BTreeMap::new();
        let mut models = BTreeSet::new();
        let mut unclaimed = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "the order does not show: rows go into maps that sort")]
        for row in last.into_values() {
            if row.model_id.is_empty() {
                unclaimed.push(row);
                continue;
            }
            models.insert(row.model_id.clone());
            let name = name(&row.metric, [&row.feature, &row.class, &row.predicted_class]);
            let twin = places.entry(place(&row)).or_default().insert(name, row);
            assert!(twin.is_none(), "one series has one id: {twin:?}");
        }
        assert_eq!(models.len(), 1, "one model: {models:?}");
        Fold { places, unclaimed }
    }

    /// What is known of `place`; empty where there is no row.
    pub fn at(&self, place: &Place) -> &Metrics {
        const NOTHING: &Metrics = &Metrics::new();
        self.places.get(place).unwrap_or(NOTHING)
    }

    /// Starts of the windows of `size` that have rows.
    pub fn starts(&self, size: i64) -> Vec<i64> {
        let mut starts: Vec<i64> =
            self.places.keys().filter(|place| place.size == size).map(|place| place.start).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    /// Label records without a model, over all windows: no prediction has claimed them.
    pub fn unclaimed_labels(&self) -> f64 {
        let labels = self.unclaimed.iter().filter(|row| row.metric == "labels");
        labels.filter_map(|row| row.value).sum()
    }

    /// Every row of the model.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.places.values().flat_map(Metrics::values)
    }
}

fn place(row: &Row) -> Place {
    Place {
        version: row.model_version.clone(),
        segment: (row.segment_key.clone(), row.segment_value.clone()),
        size: row.window_size_ms,
        start: row.window_start,
    }
}

fn name(metric: &str, of: [&Option<String>; 3]) -> String {
    of.into_iter().flatten().fold(metric.to_owned(), |name, of| format!("{name}[{of}]"))
}

/// A row of `metric` for tests of what reads rows.
#[cfg(test)]
pub fn row(metric: &str, value: Result<f64, &str>) -> Row {
    Row {
        id: metric.to_owned(),
        model_id: "m".to_owned(),
        model_version: String::new(),
        segment_key: String::new(),
        segment_value: String::new(),
        metric: metric.to_owned(),
        feature: None,
        class: None,
        predicted_class: None,
        window_start: 0,
        window_size_ms: 10,
        revision: 1,
        value: value.ok(),
        undefined_reason: value.err().map(str::to_owned),
        error_bound: None,
        count: 1,
        is_final: true,
    }
}

#[test]
fn the_last_row_of_an_id_counts() {
    let first = row("accuracy", Ok(0.5));
    let second = Row { revision: 2, value: Some(0.75), ..first.clone() };
    let class = Row { id: "f1 of a".to_owned(), class: Some("a".to_owned()), ..row("f1", Ok(1.0)) };
    let unclaimed = Row { id: "unclaimed".to_owned(), model_id: String::new(), ..row("labels", Ok(2.0)) };
    let fold = Fold::of([first, class, second, unclaimed].into_iter());
    let metrics = fold.at(&Place::window(10, 0));
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["accuracy", "f1[a]"]);
    assert_eq!(metrics["accuracy"].value, Some(0.75));
    assert_eq!(fold.starts(10), [0]);
    assert!(fold.at(&Place::window(20, 0)).is_empty());
    assert_eq!(fold.unclaimed_labels(), 2.0);
}

#[test]
#[should_panic(expected = "revisions are 1, 2, 3")]
fn a_missing_revision_is_seen() {
    Fold::of([Row { revision: 2, ..row("accuracy", Ok(0.5)) }].into_iter());
}

#[test]
#[should_panic(expected = "one series has one id")]
fn two_ids_of_one_series_are_seen() {
    let first = row("accuracy", Ok(0.5));
    Fold::of([Row { id: "other".to_owned(), ..first.clone() }, first].into_iter());
}
