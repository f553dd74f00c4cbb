//! Finds the large oracle, a folder beside the checkout with published prediction streams and what independent tools computed.
//!
//! The only place that knows where it is. Without it the small oracle in `tests/data` still proves the numbers.

use std::path::{Path, PathBuf};

/// Where the large oracle is, relative to the package.
const PLACE: &str = "../shared";

/// The folder of the large oracle, or `None` (and a line that says so) where it is not checked out.
///
/// `test` names who asks. Panics where `CI` is `true` and the folder is absent: there the numbers must be checked.
pub fn shared(test: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(PLACE);
    let found = find(&folder, std::env::var("CI").is_ok_and(|ci| ci == "true"));
    if found.is_none() {
        say(&format!("skipped: {test}: the large oracle data is not here ({PLACE})"));
    }
    found
}

fn find(folder: &Path, required: bool) -> Option<PathBuf> {
    let found = ["data", "expected"].iter().all(|part| folder.join(part).is_dir());
    assert!(found || !required, "CI=true, but the large oracle data is not at {}", folder.display());
    found.then(|| folder.to_owned())
}

/// Prints past the test harness, which shows `println!` only of failing tests.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn absent_oracle_is_none() {
    assert_eq!(find(Path::new("no such folder"), false), None);
}

#[test]
#[should_panic(expected = "CI=true")]
fn absent_oracle_panics_where_it_is_required() {
    find(Path::new("no such folder"), true);
}

#[test]
fn oracle_is_here_or_skipped_aloud() {
    if let Some(folder) = shared("oracle_is_here_or_skipped_aloud") {
        assert!(folder.join("data/manifest.json").is_file());
    }
}
