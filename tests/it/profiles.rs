//! `postdict profile` as a person uses it: made of files, shown, refused; and its deciles are NumPy's.

use super::command_line::folder;
use super::shared::shared;
use postdict::event::{FeatureBins, FeatureProfile, Profile};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The sets of the large oracle that have a reference.
const SETS: [&str; 7] = [
    "nml_car_loan",
    "nml_car_price",
    "nml_ma_employment",
    "nml_multiclass",
    "nyc_flights_bin",
    "nyc_flights_reg",
    "weather",
];

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postdict")).current_dir(folder).arg("profile").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn weather() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather/predictions.ndjson.gz");
    path.to_str().unwrap().to_owned()
}

/// Makes a profile of `predictions` and reads it.
fn made(folder: &Path, predictions: &str, more: &[&str]) -> (Profile, String) {
    let arguments = [&["--predictions", predictions, "--out", "profile.json"], more].concat();
    let output = run(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let written = fs::read_to_string(folder.join("profile.json")).unwrap();
    (Profile::from_json(&written).unwrap(), written)
}

fn feature<'p>(profile: &'p Profile, name: &str) -> &'p FeatureProfile {
    profile.features.iter().find(|feature| &*feature.name == name).unwrap_or_else(|| panic!("no feature {name}"))
}

#[test]
fn a_profile_is_made_of_files_and_shown() {
    let folder = folder("profile_made");
    let (profile, written) = made(&folder, &weather(), &["--type", "visibility=ignore"]);
    assert_eq!((&*profile.model_id, profile.rows), ("weather-rain", 14_509));
    let names: Vec<&str> = profile.features.iter().map(|feature| &*feature.name).collect();
    assert!(names.contains(&"temperature") && !names.contains(&"visibility"), "{names:?}");
    assert!(names.contains(&"score") && names.contains(&"predicted_label"), "{names:?}");
    assert!(matches!(feature(&profile, "predicted_label").bins, FeatureBins::Categorical(_)));

    let (_, again) = made(&folder, &weather(), &["--type", "visibility=ignore", "--quiet"]);
    assert_eq!(written, again, "the same bytes");

    let shown = run(&folder, &["show", "profile.json"]);
    let shown = text(&shown.stdout);
    assert!(shown.contains(&profile.id.to_string()) && shown.contains("14,509"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains('█') && !shown.contains('\u{1b}'), "{shown}");
    let json = run(&folder, &["show", "profile.json", "--json"]);
    assert_eq!(text(&json.stdout), written);
}

#[test]
fn labels_say_how_good_the_model_was_and_what_its_scores_meant() {
    let folder = folder("profile_labels");
    let labels = weather().replace("predictions", "labels");
    let (profile, written) = made(&folder, &weather(), &["--labels", &labels]);
    let known = profile.labels.as_ref().expect("labels");
    assert_eq!((known.rows, known.counts.iter().sum::<i64>()), (14_509, 14_509));
    let value = |metric: &str| known.performance.iter().find(|known| &*known.metric == metric).expect("it").clone();
    let (accuracy, positives) = (value("accuracy"), value("true_positives").value + value("false_negatives").value);
    assert_eq!((accuracy.count, positives), (14_509, known.counts[0] as f64));
    assert!(accuracy.lower < Some(accuracy.value) && Some(accuracy.value) < accuracy.upper, "{accuracy:?}");
    let right: i64 = known.accuracy_by(None).iter().map(|group| group.right).sum();
    assert!((right as f64 / 14_509.0 - accuracy.value).abs() < 1e-15);
    assert!(matches!(&known.calibrations[..], [only] if &*only.class == "1"));
    let shown = text(&run(&folder, &["show", "profile.json"]).stdout);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    for says in ["labels       14,509: 1 ", "calibration  1: isotonic", "\naccuracy ", "\nroc_auc "] {
        assert!(shown.contains(says), "no {says} in\n{shown}");
    }
    // Neither the order of the files nor that of their rows leaves a trace.
    let (_, again) = made(&folder, &weather(), &["--labels", &labels]);
    assert_eq!(written, again);
    let (without, _) = made(&folder, &weather(), &[]);
    assert_ne!(without.id, profile.id, "another content has another id");
    let output = run(&folder, &["--predictions", &weather(), "--labels", &weather(), "--out", "none.json"]);
    assert!(text(&output.stderr).contains("no label met a prediction"), "{}", text(&output.stderr));
}

/// The profile that is being made is in force for its own labels, so it knows how good the model was in each of its bins.
#[test]
fn labels_are_counted_by_the_bins_of_the_profile_itself() {
    let folder = folder("profile_bins");
    let predictions = weather();
    let labels = predictions.replace("predictions", "labels");
    let config = |feature: &str| {
        let text = format!("models: {{weather-rain: {{segments: [{{bins_of: {feature}}}]}}}}\n");
        fs::write(folder.join("postdict.yaml"), text).unwrap();
    };
    config("temperature");
    let with_labels = ["--labels", &labels, "--config", "postdict.yaml"];
    let (profile, _) = made(&folder, &predictions, &with_labels);
    let groups = profile.labels.as_ref().expect("labels").accuracy_by(Some("bins_of(temperature)"));
    let FeatureBins::Numeric(bins) = &feature(&profile, "temperature").bins else { panic!("it is a number") };
    let names: Vec<&str> = groups.iter().map(|group| &*group.value).collect();
    assert!(names.contains(&format!("< {}", bins.coarse_cuts()[0]).as_str()), "{names:?}");
    assert!(names.len() >= 10 && groups.iter().all(|group| group.rows < 3_000), "{groups:?}");
    assert_eq!(groups.iter().map(|group| group.rows).sum::<i64>(), 14_509);

    config("temprature");
    let arguments = [&["--predictions", &predictions, "--out", "none.json"][..], &with_labels].concat();
    let output = run(&folder, &arguments);
    let says = "the profile of `weather-rain` has no feature `temprature` (did you mean `temperature`?)";
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
    command.current_dir(&folder).args(["replay", "-q", "-c", "postdict.yaml", "--reference", "profile.json"]);
    let output = command.args(["--predictions", &predictions, "--labels", &labels, "--out", "out"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
}

/// A change of accuracy is taken apart by the values of a segment set up to a hundred of them, and says so of more.
#[test]
fn of_too_many_segment_values_no_change_of_accuracy_is_told() {
    for (shops, reason) in [(100, None), (101, Some("too_many_groups"))] {
        let folder = folder(&format!("profile_shops_{shops}"));
        let (mut predictions, mut labels) = (String::new(), String::new());
        for row in 0..3 * shops {
            let (shop, time) = (row % shops, 1_760_000_000_000i64 + row);
            predictions += &format!(
                "{{\"request_id\":\"r{row}\",\"model_id\":\"m\",\"timestamp\":{time},\"score\":0.{},\
                 \"attributes\":{{\"shop\":\"s{shop}\"}}}}\n",
                row % 9 + 1
            );
            labels += &format!("{{\"request_id\":\"r{row}\",\"timestamp\":{},\"label\":{}}}\n", time + 5, row % 2);
        }
        fs::write(folder.join("predictions.ndjson"), predictions).unwrap();
        fs::write(folder.join("labels.ndjson"), labels).unwrap();
        let config = |more: &str| {
            let text = format!("models: {{m: {{task: binary, windows: [1d], segments: [shop]{more}}}}}\n");
            fs::write(folder.join("postdict.yaml"), text).unwrap();
        };
        config("");
        made(&folder, "predictions.ndjson", &["--labels", "labels.ndjson", "--config", "postdict.yaml"]);
        config(", reference: profile.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
        command.current_dir(&folder).args(["replay", "-q", "-c", "postdict.yaml", "--revisions", "final"]);
        command.args(["--predictions", "predictions.ndjson", "--labels", "labels.ndjson", "--out", "."]);
        assert!(command.status().unwrap().success());
        let rows = fs::read_to_string(folder.join("metrics.ndjson")).unwrap();
        let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told = |row: &&Value| row["metric"] == "accuracy_change_mix" && row["segment_key"] == "shop";
        let told: Vec<&Value> = rows.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["undefined_reason"].as_str(), reason, "{told:?}");
        assert_eq!(told[0]["value"].as_f64(), if reason.is_none() { Some(0.0) } else { None }, "{told:?}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    let folder = folder("profile_refused");
    for (arguments, status, says) in [
        (vec!["--predictions", "none.ndjson", "--out", "p.json"], 2, "none.ndjson"),
        (vec!["--predictions", "none.ndjson"], 2, "--out"),
        (vec!["--predictions", "x", "--out", "p.json", "--type", "a=text"], 2, "numeric, categorical and ignore"),
        (vec!["show", "none.json"], 1, "none.json"),
    ] {
        let output = run(&folder, &arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
    let (_, written) = made(&folder, &weather(), &[]);
    for (from, to, says) in [
        ("\"format\": 1", "\"format\": 2", "format 2"),
        ("\"rows\": 14509", "\"rows\": 14510", "add up to 14509"),
        ("weather-rain", "weather-snow", "it was edited"),
        ("{", "", "not a readable profile"),
    ] {
        fs::write(folder.join("bad.json"), written.replacen(from, to, 1)).unwrap();
        let output = run(&folder, &["show", "bad.json"]);
        assert_eq!(output.status.code(), Some(1), "{to}");
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
    let two = "{\"request_id\":\"a\",\"model_id\":\"m\",\"timestamp\":1,\"score\":0.5}\n";
    fs::write(folder.join("two.ndjson"), two.to_owned() + &two.replace("\"m\"", "\"n\"")).unwrap();
    let output = run(&folder, &["--predictions", "two.ndjson", "--out", "p.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("several models (m, n)"), "{}", text(&output.stderr));
}

#[test]
fn deciles_are_those_of_numpy() {
    let Some(shared) = shared("deciles_are_those_of_numpy") else { return };
    for name in SETS {
        let folder = folder(&format!("profile_{name}"));
        let predictions: PathBuf = shared.join(format!("data/{name}.reference.predictions.ndjson.gz"));
        let (profile, _) = made(&folder, fs::canonicalize(predictions).unwrap().to_str().unwrap(), &[]);
        let edges = fs::read_to_string(shared.join(format!("expected/drift_scipy/{name}.edges.json"))).unwrap();
        let edges: BTreeMap<String, Value> = serde_json::from_str(&edges).unwrap();
        // Scores per class are no feature.
        for (column, edges) in edges.iter().filter(|(column, _)| !column.starts_with("p_")) {
            let of = if column == "y_pred" { "predicted_value" } else { column };
            let expected: Vec<f64> = edges["q10"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
            match &feature(&profile, of).bins {
                FeatureBins::Numeric(bins) => assert_eq!(bins.coarse_cuts(), expected, "{name}: {of}"),
                FeatureBins::Categorical(_) => panic!("{name}: {of} is no number"),
            }
        }
        let numeric = |feature: &&FeatureProfile| matches!(feature.bins, FeatureBins::Numeric(_));
        let columns = edges.keys().filter(|column| !column.starts_with("p_")).count();
        assert_eq!(profile.features.iter().filter(numeric).count(), columns, "{name}: nothing else is a number");
    }
}
