//! `Dockerfile` and `.dockerignore`: what goes in, what comes out, and who it runs as.

use super::{is_pinned, text};
use crate::tidy::rust_files;

/// An instruction and its arguments, continued lines joined.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let joined = lines.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// The instructions of each stage, its `FROM` first.
fn stages() -> Vec<Vec<(String, String)>> {
    let mut stages: Vec<Vec<(String, String)>> = Vec::new();
    for instruction in instructions(&text("Dockerfile")) {
        if instruction.0 == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().expect("FROM comes first").push(instruction);
    }
    stages
}

fn arguments<'a>(stage: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    stage.iter().filter(|(found, _)| found == name).map(|(_, rest)| rest.as_str()).collect()
}

/// A JSON list of words, as `CMD` takes it: no shell is needed in the image.
fn words(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap_or_else(|error| panic!("{list}: {error}"))
}

/// Packages that the stages install, in turn.
pub fn installed() -> Vec<Vec<String>> {
    let of = |stage: &Vec<(String, String)>| {
        let run = arguments(stage, "RUN").join(" && ");
        let after = run.split("--no-install-recommends").nth(1).unwrap_or_default();
        after.split("&&").next().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    stages().iter().map(of).collect()
}

#[test]
fn every_instruction_is_one() {
    const KNOWN: [&str; 9] = ["FROM", "RUN", "WORKDIR", "COPY", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ENV"];
    let found = instructions(&text("Dockerfile"));
    assert!(found.iter().all(|(name, rest)| KNOWN.contains(&name.as_str()) && !rest.is_empty()), "{found:?}");
    assert!(!text("Dockerfile").contains('\t'));
}

#[test]
fn it_is_built_with_the_named_rust_and_both_images_are_pinned() {
    let stages = stages();
    assert_eq!(stages.len(), 2);
    let images: Vec<&str> = stages.iter().map(|stage| stage[0].1.split(' ').next().unwrap()).collect();
    assert!(images.iter().all(|image| is_pinned(image)), "{images:?}");
    let rust = env!("CARGO_PKG_RUST_VERSION");
    assert!(images[0].starts_with(&format!("rust:{rust}-")), "{} is not Rust {rust}", images[0]);
    // A program runs where its C library is at least as new as where it was linked.
    assert!(images[0].ends_with("-bookworm") && images[1].starts_with("debian:bookworm"), "{images:?}");
}

#[test]
fn it_runs_the_program_as_nobody_special() {
    let stages = stages();
    let last = stages.last().unwrap();
    let user = arguments(last, "USER");
    assert!(user.len() == 1 && !user[0].starts_with('0') && user[0] != "root", "{user:?}");
    assert_eq!(words(arguments(last, "ENTRYPOINT")[0]), ["postdict"]);
    assert_eq!(words(arguments(last, "CMD")[0]), ["run"]);
    assert_eq!(arguments(last, "WORKDIR"), ["/etc/postdict"], "commands look for postdict.yaml there");
    let check = arguments(last, "HEALTHCHECK")[0].split_once("CMD ").unwrap().1;
    assert_eq!(words(check), ["postdict", "topics", "check"]);
}

/// Top-level entries that go to the build.
fn sent() -> Vec<String> {
    let text = text(".dockerignore");
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    assert_eq!(lines.next(), Some("*"), "nothing goes by itself");
    lines.map(|line| line.strip_prefix('!').expect("only what is let in").to_owned()).collect()
}

#[test]
fn what_the_program_is_built_of_is_sent() {
    let sent = sent();
    for needed in ["Cargo.toml", "Cargo.lock", "src", "benches"] {
        assert!(sent.iter().any(|entry| entry == needed), "{needed}");
    }
    let mut seen = 0;
    for file in rust_files().iter().filter(|file| file.path.starts_with("src/")) {
        for included in file.text.split("include_").skip(1) {
            let Some(path) = included.split('"').nth(1).filter(|path| path.starts_with("../")) else { continue };
            let top = path.trim_start_matches("../").split('/').next().unwrap();
            assert!(sent.iter().any(|entry| entry == top), "{}: {path}", file.path);
            seen += 1;
        }
    }
    assert!(seen > 5, "the scan sees what is included");
}
