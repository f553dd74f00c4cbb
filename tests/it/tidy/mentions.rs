//! What the texts of the package say about the world: paths that exist, and nothing about the machine they were written on.

use super::assert_tidy;
use super::tree::{SourceFile, files, root};

/// Top-level folders whose mention is a promise that the rest of the path exists.
const FOLDERS: [&str; 9] = [".ci/", "benches/", "data/", "docs/", "examples/", "schemas/", "src/", "tests/", "web/"];

/// The large oracle's place beside the checkout, which one file may know.
const ORACLE: &str = concat!("..", "/shared");
const KNOWS_ORACLE: &str = "tests/it/shared.rs";

/// Folders of whoever wrote the text.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Use", "rs/")];

/// Where a machine downloads packages from is its owner's business; lock files name the public ones.
const HOSTS: [&str; 9] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("registry.npm", "js.org"),
    concat!("repo1.maven", ".org"),
    concat!("repo.maven.apache", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("goproxy", ".io"),
];
const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Software that mirrors registries, and settings that choose one: nowhere, not even in lock files.
const MIRRORS: [&str; 7] = [
    concat!("artifac", "tory"),
    concat!("jf", "rog"),
    concat!("verdac", "cio"),
    concat!("dev", "pi/"),
    concat!("--index", "-url"),
    concat!("PIP_INDEX", "_URL"),
    concat!("replace", "-with"),
];

/// Texts between backticks on one line, outside fenced blocks.
fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start_matches(['/', '!', ' ']).starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// Targets of relative Markdown links, without anchors.
fn linked(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

/// True if `text` promises a file or folder of the package.
fn is_package_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let top_level = !text.contains('/') && (text.ends_with(".md") || text.ends_with(".toml") || text == "LICENSE");
    plain && (top_level || FOLDERS.iter().any(|folder| text.starts_with(folder)))
}

fn dangling(file: &SourceFile, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = file.path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    let beside = |target: &str| exists(&format!("{folder}{target}"));
    let quoted = quoted(&file.text).into_iter().filter(|path| is_package_path(path) && !exists(path) && !beside(path));
    let links = if file.path.ends_with(".md") { linked(&file.text) } else { Vec::new() };
    let links = links.into_iter().filter(|target| !beside(target));
    quoted.chain(links).map(|path| format!("{}: `{path}` does not exist", file.path)).collect()
}

/// Names that a file must not contain.
fn leaks(file: &SourceFile) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let lower = file.text.to_lowercase();
    let mut leaks: Vec<&str> = MACHINE.into_iter().filter(|folder| has_folder(&file.text, folder)).collect();
    leaks.extend(MIRRORS.into_iter().filter(|mirror| lower.contains(&mirror.to_lowercase())));
    if !LOCK_FILES.contains(&name) {
        leaks.extend(HOSTS.into_iter().filter(|host| lower.contains(host)));
    }
    if file.path != KNOWS_ORACLE && file.text.contains(ORACLE) {
        leaks.push(ORACLE);
    }
    leaks.into_iter().map(|leak| format!("{}: names `{leak}`", file.path)).collect()
}

/// True if `folder` occurs at the start of a path: `x/folder/` and `https://host/folder/` are something else.
fn has_folder(text: &str, folder: &str) -> bool {
    text.match_indices(folder).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-/*}".contains(c)))
    })
}

#[test]
fn mentioned_paths_exist() {
    let exists = |path: &str| root().join(path).exists();
    let texts = files().into_iter().filter(|file| file.path.ends_with(".md") || file.path == "src/lib.rs");
    assert_tidy(texts.flat_map(|file| dangling(&file, exists)).collect());
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    assert_tidy(files().iter().flat_map(leaks).collect());
}

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_path_that_does_not_exist_is_seen() {
    let exists = |path: &str| ["src/join", "docs/a.md"].contains(&path);
    let complaints = |path: &str, text: &str| dangling(&file(path, text), exists).len();
    assert_eq!(complaints("src/lib.rs", "//! See `src/join` and `src/gone.rs`, `MISSING.md`."), 2);
    assert_eq!(complaints("README.md", "[here](docs/a.md#top), [gone](docs/b.md), [web](https://example.com/c.md)"), 1);
    assert_eq!(complaints("docs/b.md", "[beside](a.md), `docs/a.md`, `a/b`, `application/json`, `src/*.rs`"), 0);
    assert_eq!(complaints("README.md", "```\n`src/gone.rs`\n```\n"), 0);
}

#[test]
fn a_leak_is_seen() {
    let [work, root, home, _] = MACHINE;
    for text in [
        format!("cd {work}x"),
        format!("\"{root}.cargo\""),
        format!("({home}me)"),
        format!("curl https://{}/x", HOSTS[0]),
        format!("pip install {} x", MIRRORS[4]),
        format!("see {ORACLE}/data"),
    ] {
        assert_eq!(leaks(&file("a.rs", &text)).len(), 1, "{text}");
    }
    assert_eq!(leaks(&file("Cargo.lock", &format!("https://mirror/{}/x", MIRRORS[0]))).len(), 1);
}

#[test]
fn what_only_looks_like_a_leak_is_no_complaint() {
    let [work, _, home, _] = MACHINE;
    let text = format!("net{work}x https://example.com{home}page ./{}", &work[1..]);
    assert_eq!(leaks(&file("a.rs", &text)), Vec::<String>::new());
    assert_eq!(leaks(&file(KNOWS_ORACLE, ORACLE)), Vec::<String>::new());
    assert_eq!(leaks(&file("web/package-lock.json", HOSTS[4])), Vec::<String>::new());
}
