//! The files that put the service into containers: read with a parser, as no container engine is at hand, and held against
//! what they promise; and the README, held against the rest. That the commands in them work is shown on a real broker, in
//! `kafka::deployed`.

pub mod compose;
mod dockerfile;
mod packages;
mod readme;

use std::fs;
use std::path::Path;

/// A file of the package as text.
pub fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// True if an image's tag says which version it is.
fn is_pinned(image: &str) -> bool {
    image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest" && !tag.is_empty() && !tag.contains('/'))
}

#[test]
fn a_floating_tag_is_seen() {
    assert!(["apache/kafka:4.1.1", "debian:bookworm-slim"].into_iter().all(is_pinned));
    assert!(!["debian", "debian:latest", "host:5000/debian", "debian:"].into_iter().any(is_pinned));
}
