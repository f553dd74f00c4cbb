//! The package's files, as text.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file of the package.
pub struct SourceFile {
    /// Path relative to the package, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl SourceFile {
    /// True for Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// The package's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Folders that are made by tools, not by us.
const GENERATED: [&str; 4] = [".git", "target", "node_modules", "dist"];

/// Every text file of the package, sorted by path. Files that are not UTF-8 (data) are left out.
pub fn files() -> Vec<SourceFile> {
    let mut found = Vec::new();
    collect(root(), &mut found);
    found.sort();
    found
        .into_iter()
        .filter_map(|path| {
            let text = String::from_utf8(fs::read(&path).unwrap()).ok()?;
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
            Some(SourceFile { path: relative.replace('\\', "/"), text })
        })
        .collect()
}

/// Every Rust file of the package.
pub fn rust_files() -> Vec<SourceFile> {
    let files: Vec<_> = files().into_iter().filter(SourceFile::is_rust).collect();
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the walk does not see the source");
    files
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        // `.git` is a file in a worktree.
        if GENERATED.contains(&name.as_ref()) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push(path);
        }
    }
}
