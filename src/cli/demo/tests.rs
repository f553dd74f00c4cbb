//! The demo's picture.
