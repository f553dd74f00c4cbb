//! The program as a person uses it: good runs, bad input, wrong usage, Ctrl-C.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of its own for one test, empty at the start.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs the program in `folder`.
fn postdict(folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_postdict")).current_dir(folder).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The rows of a file of JSON lines.
pub fn rows(path: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn value(rows: &[serde_json::Value], metric: &str) -> Option<f64> {
    let is_it =
        |row: &&serde_json::Value| row["metric"] == metric && row["model_version"] == "" && row["class"].is_null();
    rows.iter().rev().find(is_it)?["value"].as_f64()
}

const PREDICTIONS: &str = r#"{"request_id":"a","model_id":"m","timestamp":1000,"score":0.9}
{"request_id":"b","model_id":"m","timestamp":2000,"score":0.2}
{"request_id":"c","model_id":"m","timestamp":3000,"score":0.7}
"#;
const LABELS: &str = r#"{"request_id":"a","timestamp":5000,"label":1}
{"request_id":"b","timestamp":6000,"label":1}
"#;

fn small_files(folder: &Path) {
    fs::write(folder.join("p.ndjson"), PREDICTIONS).unwrap();
    fs::write(folder.join("l.ndjson"), LABELS).unwrap();
}

#[test]
fn a_replay_without_configuration_reads_the_default_layout() {
    let folder = folder("default_layout");
    small_files(&folder);
    let output = postdict(&folder, "replay --predictions p.ndjson --labels l.ndjson --out out");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = rows(&folder.join("out/metrics.ndjson"));
    assert_eq!(value(&rows, "predictions"), Some(3.0));
    assert_eq!((value(&rows, "matched"), value(&rows, "expired")), (Some(2.0), Some(1.0)));
    assert_eq!((value(&rows, "recall"), value(&rows, "precision")), (Some(0.5), Some(1.0)));
    assert!(rows.iter().any(|row| row["is_final"] == true));
    assert!(stderr(&output).contains("2 matched, 1 without a label in time"), "{}", stderr(&output));
}

#[test]
fn two_runs_write_the_same_bytes_whatever_the_number_of_threads() {
    let folder = folder("same_bytes");
    let weather = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather");
    fs::write(folder.join("c.yaml"), "defaults: {windows: [7d, 70d]}\n").unwrap();
    let run = |threads: &str, out: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_postdict"))
            .current_dir(&folder)
            .env("RAYON_NUM_THREADS", threads)
            .args(["replay", "-c", "c.yaml", "--labelled", "--out", out, "--predictions"])
            .arg(weather.join("predictions.ndjson.gz"))
            .arg("--labels")
            .arg(weather.join("labels.ndjson.gz"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        ["metrics", "alerts", "dead_letters", "labelled"]
            .map(|name| fs::read(folder.join(out).join(format!("{name}.ndjson"))).unwrap())
    };
    let (one, four) = (run("1", "one"), run("4", "four"));
    assert!(one[0].len() > 100_000 && one == four);
}

#[test]
fn every_bad_record_becomes_a_dead_letter_and_harms_nobody() {
    let folder = folder("dead_letters");
    let bad = [
        ("not json", "undecodable"),
        (r#"{"model_id":"m","timestamp":1000,"score":0.5}"#, "missing_request_id"),
        (r#"{"request_id":"","model_id":"m","timestamp":1000,"score":0.5}"#, "missing_request_id"),
        (r#"{"request_id":"x","model_id":"m","timestamp":1000,"score":1.5}"#, "score_out_of_range"),
        (r#"{"request_id":"x","model_id":"m","timestamp":1000,"score":"high"}"#, "wrong_type"),
        (r#"{"request_id":"x","model_id":"m","timestamp":1000,"score":1e999}"#, "invalid_number"),
        (r#"{"request_id":"x","model_id":"m","timestamp":-5,"score":0.5}"#, "absurd_time"),
        (r#"{"request_id":"x","model_id":"m","timestamp":1000}"#, "missing_value"),
        (r#"{"request_id":"x","timestamp":1000,"score":0.5}"#, "missing_model_id"),
    ];
    let lines: Vec<&str> = PREDICTIONS.lines().chain(bad.iter().map(|(line, _)| *line)).collect();
    fs::write(folder.join("p.ndjson"), lines.join("\n")).unwrap();
    fs::write(folder.join("l.ndjson"), LABELS).unwrap();
    let output = postdict(&folder, "replay --predictions p.ndjson --labels l.ndjson --out out");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let dead = rows(&folder.join("out/dead_letters.ndjson"));
    let reasons: Vec<&str> = dead.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, bad.map(|(_, reason)| reason));
    for (row, (line, _)) in dead.iter().zip(&bad) {
        use base64::Engine;
        let raw = base64::engine::general_purpose::STANDARD.decode(row["value"].as_str().unwrap()).unwrap();
        assert_eq!(String::from_utf8(raw).unwrap(), *line, "the bytes are kept as they came");
    }
    assert_eq!(dead[0]["offset"], 3, "and the place");
    assert_eq!(value(&rows(&folder.join("out/metrics.ndjson")), "predictions"), Some(3.0));
}

#[test]
fn a_record_that_the_join_refuses_keeps_its_bytes_too() {
    let folder = folder("refused_by_the_join");
    fs::write(folder.join("c.yaml"), "models: {m: {task: regression}}\n").unwrap();
    small_files(&folder);
    let output = postdict(&folder, "replay -c c.yaml --predictions p.ndjson --labels l.ndjson --out out");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let dead = rows(&folder.join("out/dead_letters.ndjson"));
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|row| row["reason"] == "wrong_task" && row["value"].is_string()), "{dead:?}");
}

#[test]
fn a_truncated_file_is_processed_as_far_as_it_goes_and_then_named() {
    let folder = folder("truncated");
    small_files(&folder);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather/predictions.ndjson.gz");
    let whole = fs::read(source).unwrap();
    fs::write(folder.join("cut.ndjson.gz"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("c.yaml"), "defaults: {windows: [365d]}\n").unwrap();
    let output = postdict(&folder, "replay -c c.yaml --predictions cut.ndjson.gz p.ndjson --labels l.ndjson --out out");
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("cut.ndjson.gz") && said.contains("after byte"), "{said}");
    let metrics = rows(&folder.join("out/metrics.ndjson"));
    let models: std::collections::BTreeSet<&str> =
        metrics.iter().map(|row| row["model_id"].as_str().unwrap()).collect();
    assert_eq!(models.into_iter().collect::<Vec<_>>(), ["m", "weather-rain"], "both files were used");
}

#[test]
fn every_problem_of_a_command_is_told_at_once() {
    let folder = folder("wrong_usage");
    fs::write(folder.join("empty.ndjson"), "").unwrap();
    fs::write(folder.join("bad.yaml"), "models:\n  m:\n    tresh: 0.5\n    windows: [1x]\n").unwrap();
    let output = postdict(
        &folder,
        "replay -c bad.yaml --predictions missing.ndjson empty.ndjson --labels empty.ndjson --out out \
         --from 2020-01-02 --to 2020-01-01 --at-end close",
    );
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    for part in
        ["tresh", "1x", "missing.ndjson", "empty.ndjson: is empty", "--from is later", "--to holds", "given twice"]
    {
        assert!(said.contains(part), "nothing about {part:?} in:\n{said}");
    }
    assert!(!folder.join("out").exists(), "nothing was started");
}

#[test]
fn check_names_the_place_and_the_nearest_key_and_approves_the_example() {
    let folder = folder("check");
    fs::write(folder.join("bad.yaml"), "defaults:\n  tresholt: 0.4\n").unwrap();
    let output = postdict(&folder, "check -c bad.yaml");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("bad.yaml:2:3") && said.contains("threshold"), "{said}");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("postdict.example.yaml");
    fs::copy(example, folder.join("good.yaml")).unwrap();
    assert_eq!(postdict(&folder, "check -c good.yaml").status.code(), Some(0));
    assert_eq!(postdict(&folder, "check -c nowhere.yaml").status.code(), Some(2));
}

#[test]
fn records_of_another_layout_give_the_same_numbers() {
    let folder = folder("another_layout");
    let other = PREDICTIONS
        .replace("request_id", "rid")
        .replace("\"timestamp\":", "\"when\":")
        .replace("\"score\":", "\"out\":{\"p\":")
        .replace("}\n", "},\"x\":[1,{}]}\n");
    fs::write(folder.join("p.ndjson"), other).unwrap();
    fs::write(folder.join("l.ndjson"), LABELS.replace("label", "truth")).unwrap();
    fs::write(
        folder.join("c.yaml"),
        "fields:\n  predictions: {request_id: rid, timestamp: when, score: out.p, model_id: =m}\n  labels: {label: truth}\n",
    )
    .unwrap();
    let output = postdict(&folder, "replay -c c.yaml --predictions p.ndjson --labels l.ndjson --out out");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(value(&rows(&folder.join("out/metrics.ndjson")), "recall"), Some(0.5));
}

#[test]
fn to_shows_what_was_known_then_and_hold_closes_nothing() {
    let folder = folder("as_of");
    small_files(&folder);
    let run = |options: &str| {
        let output = postdict(&folder, &format!("replay --predictions p.ndjson --labels l.ndjson --out out {options}"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        rows(&folder.join("out/metrics.ndjson"))
    };
    let then = run("--to 5500");
    assert_eq!((value(&then, "matched"), value(&then, "pending")), (Some(1.0), Some(2.0)));
    assert!(then.iter().all(|row| row["is_final"] == false));
    let held = run("--at-end hold");
    assert_eq!(
        (value(&held, "matched"), value(&held, "pending"), value(&held, "expired")),
        (Some(2.0), Some(1.0), Some(0.0))
    );
    let later = run("--from 2000");
    assert_eq!(value(&later, "predictions"), Some(2.0));
}

#[test]
fn labelled_rows_tell_what_became_of_each_prediction() {
    let folder = folder("labelled");
    small_files(&folder);
    let mut labels = fs::OpenOptions::new().append(true).open(folder.join("l.ndjson")).unwrap();
    writeln!(labels, r#"{{"request_id":"b","timestamp":7000,"label":0,"weight":2.5}}"#).unwrap();
    writeln!(labels, r#"{{"request_id":"a","timestamp":8000,"deleted":true}}"#).unwrap();
    let output = postdict(&folder, "replay --predictions p.ndjson --labels l.ndjson --out out --labelled");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told: Vec<(String, String)> = rows(&folder.join("out/labelled.ndjson"))
        .iter()
        .map(|row| (row["request_id"].as_str().unwrap().to_owned(), row["outcome"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [("a", "matched"), ("b", "matched"), ("b", "corrected"), ("a", "retracted")];
    assert_eq!(rows(&folder.join("out/labelled.ndjson"))[2]["weight"], 2.5);
    assert_eq!(told[..4], expected.map(|(id, outcome)| (id.to_owned(), outcome.to_owned())));
}

#[test]
fn the_metric_reference_names_every_metric_that_a_replay_writes() {
    let folder = folder("reference");
    small_files(&folder);
    let reference = postdict(&folder, "schemas metrics");
    assert_eq!(reference.status.code(), Some(0));
    let reference = String::from_utf8(reference.stdout).unwrap();
    postdict(&folder, "replay --predictions p.ndjson --labels l.ndjson --out out");
    for row in rows(&folder.join("out/metrics.ndjson")) {
        let metric = row["metric"].as_str().unwrap();
        assert!(reference.contains(&format!("`{metric}`")), "{metric} is not in the reference");
    }
    assert_eq!(postdict(&folder, "schemas show metrics").status.code(), Some(0));
    assert_eq!(postdict(&folder, "schemas show nothing").status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_at_once_and_says_what_was_written() {
    let folder = folder("ctrl_c");
    let weather = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/weather");
    let child = Command::new(env!("CARGO_BIN_EXE_postdict"))
        .current_dir(&folder)
        .args(["replay", "--revisions", "all", "--out", "out", "--predictions"])
        .arg(weather.join("predictions.ndjson.gz"))
        .arg("--labels")
        .arg(weather.join("labels.ndjson.gz"))
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It has begun to write and has the better part of a million rows before it.
    let metrics = folder.join("out/metrics.ndjson");
    while fs::metadata(&metrics).map_or(0, |file| file.len()) == 0 {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = stderr(&output);
    assert!(said.contains("stopped after") && said.contains("metrics.ndjson"), "{said}");
    let text = fs::read_to_string(&metrics).unwrap();
    assert!(text.ends_with('\n'), "whole rows are written");
}

#[test]
fn an_input_is_not_overwritten_and_not_read_twice_under_two_names() {
    let folder = folder("overwritten");
    fs::write(folder.join("metrics.ndjson"), PREDICTIONS).unwrap();
    fs::write(folder.join("labels.ndjson"), LABELS).unwrap();
    let output =
        postdict(&folder, "replay --predictions metrics.ndjson ./metrics.ndjson --labels labels.ndjson --out .");
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("would be overwritten") && said.contains("given twice"), "{said}");
    assert_eq!(fs::read_to_string(folder.join("metrics.ndjson")).unwrap(), PREDICTIONS);
}

#[test]
fn at_the_end_every_prediction_that_got_no_label_is_in_labelled_as_expired() {
    let folder = folder("labelled_at_end");
    fs::write(folder.join("p.ndjson"), PREDICTIONS).unwrap();
    fs::write(folder.join("l.ndjson"), "").unwrap();
    fs::write(folder.join("l.ndjson"), LABELS.lines().next().unwrap()).unwrap();
    let output = postdict(&folder, "replay --predictions p.ndjson --labels l.ndjson --out out --labelled");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let labelled = fs::read_to_string(folder.join("out/labelled.ndjson")).unwrap();
    assert_eq!(labelled.lines().count(), PREDICTIONS.lines().count());
    assert_eq!(labelled.matches("\"outcome\":\"expired\"").count(), PREDICTIONS.lines().count() - 1);
}
