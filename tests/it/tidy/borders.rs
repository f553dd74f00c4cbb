//! Who may import whom: the pure core nothing of the shell, and a stage nothing of its neighbours.

use super::assert_tidy;
use super::paths::{self, Path};
use super::tree::{SourceFile, rust_files};

/// The modules in the order in which data flows, which is their order in `src/lib.rs` too.
const FLOW: [&str; 16] = [
    "event",
    "codec",
    "join",
    "aggregate",
    "assess",
    "metrics",
    "drift",
    "alert",
    "task",
    "config",
    "stage",
    "replay",
    "backtest",
    "serve",
    "telemetry",
    "cli",
];

/// Values in, values out: no clock, no I/O, no randomness, no threads.
const PURE: [&str; 10] =
    ["event", "codec", "join", "aggregate", "assess", "metrics", "drift", "alert", "task", "backtest"];

/// Which modules each module may name, besides itself. Whoever is not here may name every module.
const MAY_IMPORT: [(&str, &[&str]); 11] = [
    ("event", &[]),
    ("codec", &["event"]),
    ("join", &["event", "aggregate"]),
    ("aggregate", &["event"]),
    ("assess", &["event", "aggregate", "metrics", "drift"]),
    ("metrics", &["event", "aggregate"]),
    ("drift", &["event", "aggregate", "metrics"]),
    ("alert", &["event", "aggregate", "metrics"]),
    ("task", &["event", "join", "aggregate", "assess", "metrics", "drift", "alert"]),
    ("config", &["event", "codec", "metrics", "drift", "alert"]),
    ("backtest", &["event", "metrics", "config"]),
];

/// What the pure core may not name outside the crate (clippy.toml has the single functions).
const IMPURE: [&[&str]; 15] = [
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["clap"],
    &["log"],
    &["rand"],
    &["ratatui"],
    &["rayon"],
    &["tokio"],
    &["tracing"],
];

/// The module that the file of a library is: `src/join/rules.rs` is `["join", "rules"]`. `None` for other files, and for
/// files of tests.
fn module(path: &str) -> Option<Vec<&str>> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut module: Vec<&str> = inner.split('/').collect();
    let is_test = module.iter().any(|part| *part == "tests" || part.ends_with("_tests"));
    if inner == "main" || inner.starts_with("bin/") || is_test {
        return None;
    }
    if matches!(module.last(), Some(&"mod" | &"lib")) {
        module.pop();
    }
    Some(module)
}

fn crossings(file: &SourceFile) -> Vec<String> {
    let Some(module) = module(&file.path) else { return Vec::new() };
    let Some(&home) = module.first() else { return Vec::new() };
    let complain = |what: String| format!("{}: {what}", file.path);
    if !FLOW.contains(&home) {
        return vec![complain(format!("module `{home}` has no place in the flow of data"))];
    }
    match paths::paths(&file.text, &module) {
        Ok(paths) => paths.iter().filter_map(|path| crossing(home, path)).map(complain).collect(),
        Err(error) => vec![complain(error)],
    }
}

/// Why code of the module `home` may not name `path`.
fn crossing(home: &str, path: &Path) -> Option<String> {
    let written = path.join("::");
    if path[0] == "crate" {
        let target = path.get(1).map(String::as_str).unwrap_or_default();
        let (_, allowed) = MAY_IMPORT.iter().find(|(module, _)| *module == home)?;
        let permitted = target == home || allowed.contains(&target);
        return (!permitted).then(|| format!("`{home}` may not name `{written}`"));
    }
    // Importing a parent (`use std::time;`) would hide what is named through it.
    let impure = |forbidden: &&[&str]| path.iter().zip(forbidden.iter()).all(|(part, name)| part == name);
    (PURE.contains(&home) && IMPURE.iter().any(impure))
        .then(|| format!("`{home}` is pure and may not name `{written}`"))
}

/// Modules that `lib` declares, in its order.
fn declared(lib: &str) -> Vec<&str> {
    lib.lines()
        .filter_map(|line| line.trim().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect()
}

fn disorder(lib: &str) -> Vec<String> {
    let place = |module: &str| FLOW.iter().position(|name| *name == module);
    let (known, unknown): (Vec<_>, Vec<_>) = declared(lib).into_iter().partition(|module| place(module).is_some());
    let swapped = known.windows(2).filter(|pair| place(pair[0]) > place(pair[1]));
    unknown
        .iter()
        .map(|module| format!("src/lib.rs: `{module}` has no place in the flow of data"))
        .chain(swapped.map(|pair| format!("src/lib.rs: `{}` comes before `{}`", pair[0], pair[1])))
        .collect()
}

#[test]
fn modules_name_only_what_they_may() {
    assert_tidy(rust_files().iter().flat_map(crossings).collect());
}

#[test]
fn modules_are_declared_in_the_order_of_the_data() {
    let files = rust_files();
    let lib = files.iter().find(|file| file.path == "src/lib.rs").expect("src/lib.rs is there");
    assert!(declared(&lib.text).len() >= PURE.len() - 2, "the scan does not see the modules");
    assert_tidy(disorder(&lib.text));
}

fn complaints(path: &str, text: &str) -> usize {
    crossings(&SourceFile { path: path.to_owned(), text: text.to_owned() }).len()
}

#[test]
fn a_crossed_border_is_seen() {
    for text in [
        "use crate::assess::Window;",
        "use crate::{event::Millis, codec};",
        "fn f() { crate::config::load() }",
        "use super::super::replay::run;",
        "use crate::*;",
        "use std::fs;",
        "use std::time::{Duration, Instant};",
        "use std::time;",
        "use std::*;",
        "fn f() { std::thread::yield_now() }",
        "use rayon::prelude::*;",
        "fn f() { tracing::info!(\"x\") }",
    ] {
        assert_eq!(complaints("src/join/rules.rs", text), 1, "{text}");
    }
}

#[test]
fn what_may_be_named_is_no_complaint() {
    let text = "use crate::event::Millis; use super::pending::Row; use std::time::Duration; use std::io::Write;";
    assert_eq!(complaints("src/join/rules.rs", text), 0);
    assert_eq!(complaints("src/replay/mod.rs", "use crate::task::Join; use std::fs; use rayon;"), 0);
    assert_eq!(complaints("src/join/tests.rs", "use crate::codec;"), 0);
    assert_eq!(complaints("src/join/rules_tests.rs", "use crate::codec;"), 0);
}

#[test]
fn a_module_without_a_place_is_seen() {
    assert_eq!(complaints("src/plumbing/mod.rs", ""), 1);
    assert_eq!(disorder("pub mod event;\npub mod plumbing;\n").len(), 1);
}

#[test]
fn a_wrong_order_is_seen() {
    assert_eq!(disorder("pub mod join;\n\npub mod event;\n").len(), 1);
    assert_eq!(disorder("pub mod event;\n\nmod join;\n").len(), 0);
}
