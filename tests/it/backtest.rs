//! `postdict backtest` as a person and a pipeline use it; and what the README shows of it.

use crate::command_line::{folder, rows};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const DAY: u64 = 86_400_000;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_postdict")).current_dir(folder).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const RULES: &str = "rules:\n  - {id: accuracy-low, metric: accuracy, min: 0.8}\n  \
                     - {id: silent, absent: predictions, for: 2d}\n";
const INCIDENTS: &str = "- {from: 1970-01-11, to: 1970-01-13, name: outage}\n\
                         - {from: 1970-01-19, to: 1970-01-20, name: unseen}\n";

/// Twenty days of forty predictions, with labels an hour later. On the 11th and 12th, and on the 15th, half of them are wrong.
fn history(test: &str) -> PathBuf {
    let folder = folder(test);
    let (mut predictions, mut labels) = (String::new(), String::new());
    for day in 0..20 {
        for number in 0..40 {
            let time = day * DAY + number * DAY / 40;
            let is_wrong = [10, 11, 14].contains(&day) && number % 2 == 0;
            let id = day * 40 + number;
            predictions += &format!(
                "{{\"request_id\":\"{id}\",\"model_id\":\"m\",\"timestamp\":{time},\"score\":{}}}\n",
                if is_wrong { 0.1 } else { 0.9 }
            );
            labels += &format!("{{\"request_id\":\"{id}\",\"timestamp\":{},\"label\":1}}\n", time + DAY / 24);
        }
    }
    fs::write(folder.join("p.ndjson"), predictions).unwrap();
    fs::write(folder.join("l.ndjson"), labels).unwrap();
    let config = "models: {m: {task: binary, windows: [1d], label_horizon: 2h, allowed_lateness: 0s, \
                  correction_horizon: 0s, alerts: none}}\n";
    fs::write(folder.join("c.yaml"), config).unwrap();
    fs::write(folder.join("rules.yaml"), RULES).unwrap();
    fs::write(folder.join("incidents.yaml"), INCIDENTS).unwrap();
    folder
}

const FILES: [&str; 9] =
    ["backtest", "-c", "c.yaml", "--predictions", "p.ndjson", "--labels", "l.ndjson", "--rules", "rules.yaml"];

fn backtest(folder: &Path, more: &[&str]) -> Output {
    run(folder, &[&FILES, more].concat())
}

#[test]
fn alerts_are_held_against_incidents() {
    let folder = history("backtest_scores");
    let output = backtest(&folder, &["--incidents", "incidents.yaml", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let all = &report["all"];
    assert_eq!((&all["alerts"], &all["open"]), (&2.into(), &0.into()), "{all}");
    assert_eq!((&all["score"]["precision"], &all["score"]["recall"]), (&0.5.into(), &0.5.into()));
    // The first bad day ends a day after it began; its last label is two hours older when it is final.
    let delay = all["score"]["delay_ms"].as_u64().unwrap();
    assert!((DAY..=DAY + 4 * DAY / 24).contains(&delay), "{delay}");
    assert_eq!(report["incidents"][0]["rules"], serde_json::json!(["accuracy-low"]));
    assert_eq!(
        (&report["incidents"][1]["name"], &report["incidents"][1]["rules"]),
        (&"unseen".into(), &serde_json::json!([]))
    );
    assert_eq!(report["rules"][1]["score"]["precision"], serde_json::Value::Null, "nothing to divide by");
    assert_eq!(report["episodes"].as_array().unwrap().len(), 2);
}

#[test]
fn the_exit_status_says_whether_the_gates_hold() {
    let folder = history("backtest_gates");
    let with = |gates: &[&str]| {
        let gates: Vec<&str> = gates.iter().flat_map(|gate| ["--require", *gate]).collect();
        backtest(&folder, &[&["--incidents", "incidents.yaml"], &gates[..]].concat())
    };
    let holds = with(&["recall>=50%", "precision>=0.5", "delay<=2d", "alerts<=2", "open<=0", "silent: alerts<=0"]);
    assert_eq!(holds.status.code(), Some(0), "{}", stderr(&holds));
    assert!(stdout(&holds).contains("silent: alerts<=0") && !stdout(&holds).contains("fails"), "{}", stdout(&holds));

    let fails = with(&["recall>=0.9", "accuracy-low: alerts<=1", "open<=0"]);
    assert_eq!(fails.status.code(), Some(1));
    let said = stderr(&fails);
    assert!(said.contains("error: `recall>=0.9` does not hold: 0.500"), "{said}");
    assert!(said.contains("error: `accuracy-low: alerts<=1` does not hold: 2"), "{said}");
    assert!(!said.contains("open"), "{said}");

    let unknown =
        backtest(&folder, &["--require", "recall>=0.9", "--require", "alerst<=3", "--sweep", "accuracy-low.max=0..1"]);
    assert_eq!(unknown.status.code(), Some(2), "it was not played at all");
    let said = stderr(&unknown);
    for part in ["not known without --incidents", "did you mean `alerts`?", "has no number `max`"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
}

#[test]
fn a_bad_file_of_rules_or_incidents_is_wrong_usage() {
    let folder = history("backtest_bad_files");
    fs::write(folder.join("incidents.yaml"), "- {from: 1970-01-02, to: 1970-01-01, rules: [acuracy-low]}\n").unwrap();
    let output = backtest(&folder, &["--incidents", "incidents.yaml"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("incidents.yaml:1:") && said.contains("did you mean `accuracy-low`?"), "{said}");
    fs::write(folder.join("rules.yaml"), "rules: [{id: a, metric: acuracy, min: 0.8}]\n").unwrap();
    for command in [FILES.to_vec(), [&["replay", "--out", "out"], &FILES[1..]].concat()] {
        let output = run(&folder, &command);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("rules.yaml:1:") && said.contains("did you mean `accuracy`?"), "{said}");
    }
}

#[test]
fn what_is_tried_is_judged_in_the_same_pass_and_leaves_no_trace_in_the_files() {
    let folder = history("backtest_sweep");
    let swept = ["--incidents", "incidents.yaml", "--sweep", "accuracy-low.min=0.4..0.8/2", "--out", "out", "--json"];
    let output = backtest(&folder, &swept);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let values = report["sweeps"][0]["values"].as_array().unwrap();
    let alerts: Vec<u64> = values.iter().map(|value| value["alerts"].as_u64().unwrap()).collect();
    assert_eq!(alerts, [0, 2]);
    assert_eq!((&values[1]["is_current"], &values[1]["alerts"]), (&true.into(), &report["all"]["alerts"]));
    let written = rows(&folder.join("out/alerts.ndjson"));
    assert!(!written.is_empty() && written.iter().all(|row| row["rule"] == "accuracy-low"), "{written:?}");
    // The same rules in a replay say the same.
    let replayed = run(&folder, &[&["replay", "--out", "replayed"], &FILES[1..]].concat());
    assert_eq!(replayed.status.code(), Some(0), "{}", stderr(&replayed));
    let states = |rows: &[serde_json::Value]| {
        rows.iter().map(|row| (row["alert_id"].to_string(), row["state"].to_string())).collect::<Vec<_>>()
    };
    assert_eq!(states(&rows(&folder.join("replayed/alerts.ndjson"))), states(&written));
}

#[test]
fn two_runs_write_the_same_bytes() {
    let folder = history("backtest_same_bytes");
    let made = |threads: &str| {
        let options = [
            "--incidents",
            "incidents.yaml",
            "--sweep",
            "accuracy-low.min=0.3..0.9",
            "--svg",
            "a.svg",
            "--html",
            "a.html",
        ];
        let output = Command::new(env!("CARGO_BIN_EXE_postdict"))
            .current_dir(&folder)
            .env("RAYON_NUM_THREADS", threads)
            .args(FILES)
            .args(options)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let files = ["a.svg", "a.html"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
        (stdout(&output), files)
    };
    let (text, [svg, html]) = made("1");
    assert_eq!(made("4"), (text.clone(), [svg.clone(), html.clone()]));
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(svg.starts_with("<svg ") && svg.contains("outage") && html.contains(&svg), "the picture is in the page");
    assert!(
        html.contains("prefers-color-scheme") && !html.contains("src=") && !html.contains("href="),
        "self-contained"
    );
}

/// The command and the output of the README's section on back-tests.
fn shown_in_readme() -> (Vec<String>, String) {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let section = readme.split("### Back-test your rules").nth(1).expect("the section").to_owned();
    let block = |language: &str| {
        let rest = section.split(&format!("```{language}\n")).nth(1).expect("the block");
        rest.split("```").next().unwrap().to_owned()
    };
    let command = block("sh").replace("\\\n", " ");
    // What stands in quotes is one word.
    let parts = command.split('\'').zip([false, true].into_iter().cycle());
    let words = parts.flat_map(|(part, is_quoted)| match is_quoted {
        true => vec![part.to_owned()],
        false => part.split_whitespace().map(str::to_owned).collect(),
    });
    let words: Vec<String> = words.skip(1).collect();
    (words, block("text"))
}

#[test]
fn the_readme_shows_what_the_command_prints() {
    let (command, shown) = shown_in_readme();
    assert_eq!(command[0], "backtest");
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = run(Path::new(env!("CARGO_MANIFEST_DIR")), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed = stdout(&output);
    assert!(printed == shown, "the README shows\n{shown}\nand the command prints\n{printed}");
}
