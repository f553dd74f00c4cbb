//! What every Rust file looks like: it says what it is, it is short, it has a name that means something.

use super::assert_tidy;
use super::tree::{SourceFile, rust_files};

/// A file that is longer holds more than one concept.
const MAX_LINES: usize = 500;

/// Names that say nothing about what is inside, so that everything ends up there.
const EMPTY_NAMES: [&str; 10] =
    ["utils", "util", "common", "helpers", "helper", "misc", "manager", "types", "v2", "stuff"];

fn opening(file: &SourceFile) -> Option<String> {
    let first = file.text.lines().next().unwrap_or_default();
    let says_something = first.strip_prefix("//!").is_some_and(|text| !text.trim().is_empty());
    (!says_something).then(|| format!("{}: does not open with `//!` and what it is for", file.path))
}

fn length(file: &SourceFile) -> Option<String> {
    let lines = file.text.lines().count();
    (lines > MAX_LINES).then(|| format!("{}: {lines} lines, more than {MAX_LINES}", file.path))
}

fn naming(file: &SourceFile) -> Option<String> {
    let stem = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let empty = stem
        .split('/')
        .find(|part| EMPTY_NAMES.iter().any(|name| part == name || part.ends_with(&format!("_{name}"))))?;
    Some(format!("{}: `{empty}` names no concept", file.path))
}

fn complaints(rule: fn(&SourceFile) -> Option<String>) -> Vec<String> {
    rust_files().iter().filter_map(rule).collect()
}

#[test]
fn every_file_opens_with_its_purpose() {
    assert_tidy(complaints(opening));
}

#[test]
fn no_file_is_too_long() {
    assert_tidy(complaints(length));
}

#[test]
fn every_name_means_something() {
    assert_tidy(complaints(naming));
}

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_missing_purpose_is_seen() {
    for text in ["", "use std::fs;\n", "\n//! Late.\n", "//!\n", "// Not a doc comment.\n"] {
        assert!(opening(&file("a.rs", text)).is_some(), "{text:?}");
    }
    assert!(opening(&file("a.rs", "//! The purpose.\n")).is_none());
}

#[test]
fn a_long_file_is_seen() {
    assert!(length(&file("a.rs", &"\n".repeat(MAX_LINES + 1))).is_some());
    assert!(length(&file("a.rs", &"\n".repeat(MAX_LINES))).is_none());
}

#[test]
fn an_empty_name_is_seen() {
    for path in
        ["src/utils.rs", "src/common/mod.rs", "src/join/join_v2.rs", "src/window_manager.rs", "src/join/types.rs"]
    {
        assert!(naming(&file(path, "")).is_some(), "{path}");
    }
    for path in ["src/join/segment.rs", "src/event/mod.rs", "src/community.rs"] {
        assert!(naming(&file(path, "")).is_none(), "{path}");
    }
}
