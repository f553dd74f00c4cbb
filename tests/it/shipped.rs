//! The data that comes with the package: what its READMEs say it is, and small.

use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What a clone may cost for the sake of the demo and the tests.
const MAX_BYTES: u64 = 5_000_000;

/// Folders with data, each with a README that lists its files and their SHA-256.
const FOLDERS: [&str; 2] = ["data/flights", "tests/data"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Rows `` | `file` | … | `sha256` | `` of a README's tables.
fn listed(readme: &str) -> Vec<(&str, &str)> {
    readme
        .lines()
        .filter_map(|line| {
            let cells: Vec<_> =
                line.trim_matches(['|', ' ']).split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            let (first, last) = (cells.first()?, cells.last()?);
            let is_digest = last.len() == 64 && last.chars().all(|c| c.is_ascii_hexdigit());
            is_digest.then_some((*first, *last))
        })
        .collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn shipped_data_is_what_its_readme_lists() {
    for folder in FOLDERS.map(|folder| root().join(folder)) {
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let mut expected: Vec<_> =
            listed(&readme).into_iter().map(|(file, sum)| (folder.join(file), sum.to_owned())).collect();
        expected.sort();

        let mut found = Vec::new();
        files(&folder, &mut found);
        found.retain(|path| path.extension().is_some_and(|extension| extension == "gz" || extension == "zst"));
        found.sort();
        let found: Vec<_> = found.into_iter().map(|path| (path.clone(), digest(&fs::read(path).unwrap()))).collect();

        assert_eq!(found, expected);
    }
}

#[test]
fn shipped_data_is_small() {
    let mut found = Vec::new();
    for folder in FOLDERS {
        files(&root().join(folder), &mut found);
    }
    let bytes: u64 = found.iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

#[test]
fn a_digest_in_a_table_is_read() {
    let sum = digest(b"");
    assert_eq!(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let readme = format!("| file | rows | sha256 |\n| --- | --- | --- |\n| `a.gz` | 26,362 | `{sum}` |\nText {sum}.\n");
    assert_eq!(listed(&readme), [("a.gz", sum.as_str())]);
}
