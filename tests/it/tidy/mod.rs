//! The rules of the source tree, kept by tests instead of by reviewers' memory.
//!
//! `tree` reads the files, `paths` finds the module paths in Rust source, and each other file holds the rules about one
//! thing. A rule is a function from text to complaints, so that it can be shown to fail on small bad inputs.

mod borders;
mod files;
mod mentions;
mod paths;
mod tree;

pub use tree::rust_files;

/// Fails with all complaints at once.
fn assert_tidy(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
