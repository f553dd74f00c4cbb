//! What hurts: `postdict profile --labels` of the reference and `postdict replay` of production, held against the same
//! computed from the raw records: accuracy by the bins of a number, and how much of its change is mix and how much within;
//! and of the change of the score, the parts that each feature has.

use super::compare::Comparison;
use super::run::{Data, Folder};
use super::sets::{Set, Split};
use crate::shared::shared;
use flate2::read::GzDecoder;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Command;

/// Rows, and the sum of what is averaged over them, by group.
type Groups = BTreeMap<String, (f64, f64)>;

fn run(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn lines(path: &std::path::Path) -> impl Iterator<Item = Value> {
    let file = fs::File::open(path).unwrap();
    BufReader::new(GzDecoder::new(file)).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// A prediction with its label.
struct Record {
    prediction: Value,
    label: Option<Value>,
}

fn records(data: &Data) -> Vec<Record> {
    let id = |record: &Value| record["request_id"].as_str().unwrap().to_owned();
    let labels: BTreeMap<String, Value> =
        lines(&data.labels).map(|label| (id(&label), label["label"].clone())).collect();
    let with_label = |prediction: Value| Record { label: labels.get(&id(&prediction)).cloned(), prediction };
    lines(&data.predictions).map(with_label).collect()
}

/// The group that a value is in: between which cuts a number lies, or its text.
fn group(profile: &Value, feature: &str, record: &Record) -> String {
    let known = profile["features"].as_array().unwrap().iter().find(|known| known["name"] == *feature).unwrap();
    let value = match known["source"].as_str().unwrap() {
        "feature" => &record.prediction["features"][feature],
        output => &record.prediction[output],
    };
    let Some(cuts) = known["bins"]["numeric"]["decile_cuts"].as_array() else {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values = known["bins"]["categorical"]["values"].as_array().unwrap();
        return if value.is_null() || values.iter().any(|known| *known == *text) { text } else { "unseen".to_owned() };
    };
    let Some(number) = value.as_f64() else { return "__missing__".to_owned() };
    let cuts: Vec<f64> = cuts.iter().map(|cut| cut.as_f64().unwrap()).collect();
    let above: Vec<&f64> = cuts.iter().filter(|cut| **cut > number).collect();
    match (cuts.iter().rfind(|cut| **cut <= number), above.first()) {
        (None, Some(first)) => format!("< {first}"),
        (Some(low), Some(high)) => format!("[{low}, {high})"),
        (Some(last), None) => format!(">= {last}"),
        (None, None) => "any number".to_owned(),
    }
}

fn groups<'r>(
    records: impl IntoIterator<Item = &'r Record>,
    of: impl Fn(&Record) -> String,
    summed: impl Fn(&Record) -> Option<f64>,
) -> Groups {
    let mut groups = Groups::new();
    for record in records {
        let Some(value) = summed(record) else { continue };
        let group = groups.entry(of(record)).or_default();
        *group = (group.0 + 1.0, group.1 + value);
    }
    groups
}

/// Mix and within by their definition.
fn parts(reference: &Groups, window: &Groups) -> [f64; 2] {
    let rows = |groups: &Groups| groups.values().map(|group| group.0).sum::<f64>();
    let (n, m) = (rows(reference), rows(window));
    let mut parts = [0.0; 2];
    for name in reference.keys().chain(window.keys()).collect::<BTreeSet<_>>() {
        let (before, now) = (reference.get(name), window.get(name));
        let mean = |group: Option<&(f64, f64)>| group.map(|group| group.1 / group.0);
        let share = |group: Option<&(f64, f64)>, all: f64| group.map_or(0.0, |group| group.0 / all);
        let (s0, s1) = (share(before, n), share(now, m));
        let (a0, a1) = (mean(before).or(mean(now)).unwrap(), mean(now).or(mean(before)).unwrap());
        parts[0] += (s1 - s0) * (a0 + a1) / 2.0;
        parts[1] += (a1 - a0) * (s0 + s1) / 2.0;
    }
    parts
}

/// What was made of a set, by the program: the profile of its reference, and the final rows of its production.
fn made(set: &Set, segments: &str) -> (Value, Vec<Value>) {
    let folder = Folder::new();
    let (reference, production) = (set.data(Split::Reference), set.data(Split::Production));
    let config = |more: &[&str]| {
        let more: Vec<String> = [&[segments, "drift: {contributions: true}"], more]
            .concat()
            .iter()
            .map(|line| (*line).to_owned())
            .collect();
        fs::write(folder.file("postdict.yaml"), set.config(&[set.window], "90d", &more)).unwrap();
    };
    let postdict = || Command::new(env!("CARGO_BIN_EXE_postdict"));
    config(&[]);
    let mut command = postdict();
    command.args(["profile", "--quiet", "--config"]).arg(folder.file("postdict.yaml"));
    command.arg("--predictions").arg(&reference.predictions).arg("--labels").arg(&reference.labels);
    run(command.arg("--out").arg(folder.file("reference.json")));
    config(&["reference: reference.json"]);
    let mut command = postdict();
    command.args(["replay", "--quiet", "--revisions", "final", "--config"]).arg(folder.file("postdict.yaml"));
    command.arg("--predictions").arg(&production.predictions).arg("--labels").arg(&production.labels);
    run(command.arg("--out").arg(folder.file("out")));
    let rows = BufReader::new(fs::File::open(folder.file("out/metrics.ndjson")).unwrap()).lines();
    let rows = rows.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let rows = rows.filter(|row| row["model_version"] == "").collect();
    (serde_json::from_str(&fs::read_to_string(folder.file("reference.json")).unwrap()).unwrap(), rows)
}

/// The value of the only row with this metric that `is_wanted`.
fn value(rows: &[&Value], metric: &str, is_wanted: impl Fn(&Value) -> bool) -> f64 {
    let found: Vec<f64> = (rows.iter())
        .filter(|row| row["metric"] == *metric && is_wanted(row))
        .map(|row| row["value"].as_f64().unwrap_or(f64::NAN))
        .collect();
    if let [value] = found[..] { value } else { f64::NAN }
}

/// What a feature has to do with the change of the output, in a window with many rows.
struct Told {
    start: i64,
    feature: String,
    mix: f64,
}

/// Holds what is published of `name` against its records; `binned` is the number whose bins are segments, `output` what
/// the model gives out, which is known to `close`.
fn agrees(name: &str, binned: Option<&str>, output: &str, close: f64, at_least: usize) -> Vec<Told> {
    let Some(shared) = shared(name) else { return Vec::new() };
    let set = Set::read(&shared, name);
    let segments = binned.map_or("segments: []".to_owned(), |feature| format!("segments: [{{bins_of: {feature}}}]"));
    let (profile, rows) = made(&set, &segments);
    let (reference, production) = (records(&set.data(Split::Reference)), records(&set.data(Split::Production)));
    let start = |time: &Value| time.as_i64().unwrap() - time.as_i64().unwrap().rem_euclid(set.window);
    let mut windows: BTreeMap<i64, (Vec<&Record>, Vec<&Value>)> = BTreeMap::new();
    for record in &production {
        windows.entry(start(&record.prediction["timestamp"])).or_default().0.push(record);
    }
    for row in &rows {
        windows.entry(row["window_start"].as_i64().unwrap()).or_default().1.push(row);
    }
    let given_out = |record: &Record| record.prediction[output].as_f64();
    let is_right = |record: &Record| {
        let label = record.label.as_ref()?;
        Some(f64::from(u8::from(record.prediction["predicted_label"] == *label)))
    };
    let features: Vec<&str> =
        profile["features"].as_array().unwrap().iter().map(|feature| feature["name"].as_str().unwrap()).collect();
    let before: BTreeMap<&str, Groups> = features
        .iter()
        .map(|name| (*name, groups(&reference, |record| group(&profile, name, record), given_out)))
        .collect();
    let right_before = binned.map(|feature| groups(&reference, |record| group(&profile, feature, record), is_right));
    let mut comparison = Comparison::of(format!("{name}: what hurts"));
    let mut told = Vec::new();
    for (start, (records, rows)) in windows {
        let mut note = |what: &str, found: f64, expected: f64, close: f64| {
            let agrees = (found - expected).abs() <= close;
            let why = || format!("{found}, expected {expected}");
            comparison.note(&start.to_string(), what, agrees.then_some(()).ok_or_else(why));
        };
        for name in &features {
            let now = groups(records.iter().copied(), |record| group(&profile, name, record), given_out);
            let expected = parts(&before[name], &now);
            let is_of = |row: &Value| row["feature"] == **name && row["segment_key"] == "";
            note(&format!("output_change_mix/{name}"), value(&rows, "output_change_mix", is_of), expected[0], close);
            note(
                &format!("output_change_within/{name}"),
                value(&rows, "output_change_within", is_of),
                expected[1],
                close,
            );
            if records.len() >= 500 {
                told.push(Told { start, feature: (*name).to_owned(), mix: expected[0] });
            }
        }
        let (Some(feature), Some(before)) = (binned, &right_before) else { continue };
        let now = groups(records.iter().copied(), |record| group(&profile, feature, record), is_right);
        let is_segment = |row: &Value| row["segment_key"] == format!("bins_of({feature})");
        for (bin, (rows_in_bin, right)) in &now {
            let is_bin = |row: &Value| is_segment(row) && row["segment_value"] == **bin;
            note(&format!("accuracy of {bin}"), value(&rows, "accuracy", is_bin), right / rows_in_bin, 1e-12);
        }
        if !now.is_empty() {
            let expected = parts(before, &now);
            let is_over = |row: &Value| is_segment(row) && row["segment_value"] == "";
            note("accuracy_change_mix", value(&rows, "accuracy_change_mix", is_over), expected[0], 1e-12);
            note("accuracy_change_within", value(&rows, "accuracy_change_within", is_over), expected[1], 1e-12);
        }
    }
    comparison.finish(at_least);
    told
}

/// The data were made so: from 2019-03-31 03:00 on four features move. Of these, longer loans raise the scores, as much as the
/// same loans get lower ones; the others change little, as do those that stand still.
#[test]
fn what_moved_the_scores_of_car_loans_is_the_length_of_loans() {
    let told = agrees("nml_car_loan", Some("car_value"), "score", 2e-9, 1_328);
    for Told { start, feature, mix } in
        told.iter().filter(|told| told.feature != "score" && told.feature != "predicted_label")
    {
        let has_moved = *start >= 1_554_001_200_000;
        match feature.as_str() {
            "loan_length" if has_moved => assert!((0.06..0.09).contains(mix), "{start}: {mix}"),
            "loan_length" => assert!(mix.abs() < 0.04, "{start}: {mix}"),
            other => assert!(mix.abs() < 0.03, "{start} {other}: {mix}"),
        }
    }
}

/// Units are chosen by the largest of the reference's numbers, here about 10⁵: they are 2⁻¹¹.
#[test]
fn what_moved_the_prices_of_cars_is_what_their_records_say() {
    agrees("nml_car_price", None, "predicted_value", 5e-4, 300);
}
