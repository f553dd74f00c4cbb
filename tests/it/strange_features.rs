//! Features that nobody wants to meet, through the program: each lands in the bin that is documented for it, harms no other
//! and takes no more memory than others; and profiles that cannot be used, which are refused with a reason.

use super::command_line::{folder, rows};
use postdict::aggregate::features::feature_mut;
use postdict::aggregate::{Features, Wire};
use postdict::event::ReferenceId;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Output};

/// Predictions in a reference and in a window.
const ROWS: usize = 1_000;

fn postdict(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postdict")).current_dir(folder).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeds(folder: &Path, arguments: &[&str]) {
    let output = postdict(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

fn prediction(row: usize, features: &Value) -> String {
    json!({"request_id": format!("r{row}"), "model_id": "m", "timestamp": 86_400_000 + row, "score": 0.5, "features": features})
        .to_string()
}

fn write(path: &Path, features: impl Fn(usize) -> Value) {
    let lines: Vec<String> = (0..ROWS).map(|row| prediction(row, &features(row))).collect();
    fs::write(path, lines.join("\n")).unwrap();
}

/// Makes `profile.json` of a reference in which nothing is strange.
fn reference(folder: &Path) {
    write(&folder.join("reference.ndjson"), |row| {
        json!({
            "amount": row % 100,
            "city": if row % 3 == 0 { "日本" } else { "Zürich" },
            "gone": row % 2,
            "pace": row % 7,
            "shift": row % 50,
            "still": 1,
        })
    });
    succeeds(folder, &["profile", "--predictions", "reference.ndjson", "--out", "profile.json", "--quiet"]);
}

/// What was published in the last revision of a window.
struct Published(Vec<Value>);

impl Published {
    fn read(folder: &Path) -> Published {
        Published(rows(&folder.join("out/metrics.ndjson")))
    }

    fn row(&self, metric: &str, feature: Option<&str>) -> &Value {
        let is_it = |row: &&Value| row["metric"] == metric && row["feature"].as_str() == feature;
        self.0.iter().rev().find(is_it).unwrap_or_else(|| panic!("no {metric} of {feature:?}"))
    }

    fn of(&self, metric: &str, feature: &str) -> Option<f64> {
        self.row(metric, Some(feature))["value"].as_f64()
    }

    fn of_all(&self, metric: &str) -> Option<f64> {
        self.row(metric, None)["value"].as_f64()
    }
}

fn replayed(folder: &Path) -> Published {
    let arguments =
        ["replay", "--predictions", "window.ndjson", "--reference", "profile.json", "--out", "out", "--quiet"];
    succeeds(folder, &arguments);
    Published::read(folder)
}

/// An amount of many kinds, ten rows after one another.
fn amount(row: usize) -> Value {
    match row % 10 {
        0 => json!("NaN"),
        1 => json!(1e300),
        // Beyond 2⁵³: the nearest double.
        2 => json!(9_007_199_254_740_993_u64),
        // Beyond 2⁵³ · 10³: no number that sums can be trusted with.
        3 => json!(u64::MAX),
        4 => Value::Null,
        5 => json!(true),
        6 => json!([1]),
        _ => json!(50),
    }
}

/// Known, written with other code points, empty, known.
const CITIES: [&str; 4] = ["日本", "Zu\u{308}rich", "", "日本"];

#[test]
fn strange_values_are_in_the_bins_that_are_documented_for_them() {
    let folder = folder("strange_values");
    reference(&folder);
    write(&folder.join("window.ndjson"), |row| {
        json!({
            "amount": amount(row),
            "city": CITIES[row % 4],
            "gone": null,
            "pace": 6,
            "shift": if row < ROWS / 2 { json!(7) } else { json!("7") },
            "still": 1,
            "neu": "日",
            "null": null,
        })
    });
    let published = replayed(&folder);
    assert_eq!(published.of("invalid_rate", "amount"), Some(0.5));
    assert_eq!(published.of("missing_rate", "amount"), Some(0.1));
    assert_eq!(published.of("out_of_range_rate", "amount"), Some(0.25));
    assert_eq!(published.of("max", "amount"), Some(9_007_199_254_740_992.0));
    assert!((published.of("p50", "amount").unwrap() - 50.0).abs() < 1.0);
    assert_eq!(published.of("invalid_rate_change", "amount"), Some(0.5));
    // Written with other code points it is another text; an empty one is a value.
    assert_eq!((published.of("unseen_rate", "city"), published.of("distinct", "city")), (Some(0.5), Some(3.0)));
    assert_eq!(published.of("unseen_rate_change", "city"), Some(0.5));
    // A column that turned to null has no moments, and has drifted.
    assert_eq!((published.of("missing_rate", "gone"), published.of("drifted", "gone")), (Some(1.0), Some(1.0)));
    assert_eq!(published.row("mean", Some("gone"))["undefined_reason"], "no_rows");
    assert_eq!(published.row("mean_change", Some("gone"))["undefined_reason"], "no_rows");
    assert_eq!((published.of("std", "pace"), published.of("mean_change", "still")), (Some(0.0), Some(0.0)));
    // A type that changes in mid-stream: from there on it is of another type.
    assert_eq!((published.of("invalid_rate", "shift"), published.of("mean", "shift")), (Some(0.5), Some(7.0)));
    assert_eq!(published.of_all("features_missing"), Some(1.0));
    assert_eq!(published.of_all("features_constant"), Some(2.0), "`pace` and what there is of `shift`");
    assert_eq!(published.of_all("features_new"), Some(1.0), "null is as if it were not there");
    assert_eq!(published.of_all("predictions"), Some(ROWS as f64));
}

#[test]
fn a_number_that_no_double_holds_is_a_dead_letter() {
    let folder = folder("strange_numbers");
    reference(&folder);
    let good = prediction(0, &json!({"amount": 1, "unknown": 1}));
    let bad = prediction(1, &json!({"amount": 1})).replace(":{\"amount\":1}", ":{\"amount\":1e999}");
    let skipped = prediction(2, &json!({"x": 5})).replace("\"x\":5", "\"x\":1e999");
    fs::write(folder.join("window.ndjson"), [good, bad, skipped].join("\n")).unwrap();
    let published = replayed(&folder);
    let dead = rows(&folder.join("out/dead_letters.ndjson"));
    assert_eq!((dead.len(), &dead[0]["reason"]), (1, &json!("invalid_number")));
    // Where no column takes it, nobody looks at the number.
    assert_eq!((published.of_all("features_new"), published.of("missing_rate", "amount")), (Some(2.0), Some(0.5)));
}

#[test]
fn a_million_different_values_take_no_more_room_than_a_thousand() {
    const MANY: usize = 1_000_000;
    let folder = folder("strange_many");
    reference(&folder);
    let mut file = BufWriter::new(File::create(folder.join("window.ndjson")).unwrap());
    for row in 0..MANY {
        let start = r#"{"model_id":"m","timestamp":86400000,"score":0.5,"request_id":"r"#;
        writeln!(file, r#"{start}{row}","features":{{"city":"c{row}","n{}":1}}}}"#, row % 100).unwrap();
    }
    file.flush().unwrap();
    let published = replayed(&folder);
    fs::remove_file(folder.join("window.ndjson")).unwrap();
    assert_eq!(published.of("unseen_rate", "city"), Some(1.0));
    let distinct = published.row("distinct", Some("city"));
    let end = |name: &str| distinct[name].as_f64().unwrap();
    assert!((end("value") / MANY as f64 - 1.0).abs() < 0.2, "{distinct}");
    assert!(end("lower") < end("value") && end("value") <= end("upper"), "{distinct}");
    assert_eq!(published.of_all("features_new"), Some(32.0), "32 or more");

    // What is remembered of them: registers, however many there were.
    let mut features = Features::default();
    let of = features.of_mut(ReferenceId(1));
    for row in 0..MANY {
        let city = feature_mut(&mut of.list, 0);
        city.add(2, None);
        city.unseen.add(&row.to_string());
        of.unknown.add(&row.to_string());
    }
    let mut bytes = Vec::new();
    features.encode(&mut bytes);
    assert!(bytes.len() < 1_024, "{} bytes", bytes.len());
}

#[test]
fn a_profile_that_cannot_be_used_is_refused_at_the_start() {
    let folder = folder("strange_profiles");
    reference(&folder);
    write(&folder.join("window.ndjson"), |row| json!({"amount": row}));
    let written = fs::read_to_string(folder.join("profile.json")).unwrap();
    fs::write(folder.join("newer.json"), written.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    fs::write(folder.join("cut.json"), &written[..written.len() / 2]).unwrap();
    fs::write(folder.join("other.yaml"), "models: {n: {reference: profile.json}}\n").unwrap();
    fs::write(folder.join("newer.yaml"), "models: {m: {reference: newer.json}}\n").unwrap();
    let inputs = ["replay", "--predictions", "window.ndjson", "--out", "out"];
    for (chosen, says) in [
        (["--reference", "newer.json"], "the profile has format 2"),
        (["--reference", "cut.json"], "not a readable profile"),
        (["--reference", "none.json"], "none.json"),
        (["-c", "other.yaml"], "the profile is of model `m`, not of `n`"),
        (["-c", "newer.yaml"], "the profile has format 2"),
    ] {
        let output = postdict(&folder, &[&inputs[..], &chosen].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(says), "{}", said(&output));
    }
    assert!(!folder.join("out").exists(), "nothing was begun");

    // Of a model that the files do not hold: nothing is compared with it.
    let of_n =
        fs::read_to_string(folder.join("reference.ndjson")).unwrap().replace(r#""model_id":"m""#, r#""model_id":"n""#);
    fs::write(folder.join("reference.ndjson"), of_n).unwrap();
    succeeds(&folder, &["profile", "--predictions", "reference.ndjson", "--out", "n.json", "--quiet"]);
    succeeds(&folder, &[&inputs[..], &["--reference", "n.json", "--quiet"]].concat());
    let published = Published::read(&folder);
    assert!(published.0.iter().all(|row| row["model_id"] == "m" && row["reference_id"].is_null()));
    assert_eq!(published.of_all("predictions"), Some(ROWS as f64));
}

#[test]
fn declared_features_take_strange_values_without_a_profile() {
    let folder = folder("strange_declared");
    let kinds = "amount: numeric, city: categorical, shift: categorical, gone: numeric";
    fs::write(folder.join("postdict.yaml"), format!("models: {{m: {{task: binary, features: {{{kinds}}}}}}}")).unwrap();
    // Two days: the second has other cities.
    let day = |number: usize, city: &str| -> String {
        let line = |row: usize| {
            let features = json!({
                "amount": amount(row),
                "city": if row.is_multiple_of(4) { json!(city) } else { json!(CITIES[row % 4]) },
                "shift": if row.is_multiple_of(2) { json!(7) } else { json!("7") },
                "undeclared": 1,
            });
            let time = 86_400_000 * number + row;
            json!({"request_id": format!("{number}-{row}"), "model_id": "m", "timestamp": time, "score": 0.5, "features": features})
                .to_string()
        };
        (0..ROWS).map(line).collect::<Vec<String>>().join("\n")
    };
    fs::write(folder.join("window.ndjson"), [day(10, "日本"), day(11, "東京")].join("\n")).unwrap();
    let arguments = ["replay", "-c", "postdict.yaml", "--predictions", "window.ndjson", "--out", "out", "--quiet"];
    succeeds(&folder, &arguments);
    // The last rows are of the second day.
    let published = Published::read(&folder);
    assert_eq!(
        (published.of("invalid_rate", "amount"), published.of("missing_rate", "amount")),
        (Some(0.5), Some(0.1))
    );
    assert_eq!(published.of("max", "amount"), Some(9_007_199_254_740_992.0));
    assert!((published.of("p50", "amount").unwrap() - 50.0).abs() <= 1.0, "its bin is [50, 52)");
    assert_eq!(published.of("missing_rate", "gone"), Some(1.0));
    assert_eq!((published.of("distinct", "shift"), published.of("distinct", "city")), (Some(1.0), Some(4.0)));
    let drifted = |feature: &str| published.of("drifted", feature);
    assert_eq!(["amount", "shift", "gone", "score"].map(drifted), [Some(0.0); 4]);
    assert_eq!(drifted("city"), Some(1.0));
    assert_eq!(published.row("drifted", Some("city"))["reference_kind"], "previous");
    let of = |feature: &str| published.0.iter().any(|row| row["feature"] == feature);
    assert!(!of("undeclared") && !of("predicted_label"), "nobody asked for it, and no record has it");
    assert!(published.0.iter().all(|row| row["metric"] != "features_new"));
}
