//! References that are announced while the service runs: on a compacted topic that is followed (`stage::followed`).
//!
//! `known`: what the topic says. `announce`: what the command line writes to it.

mod announce;
mod known;

pub use announce::{Announced, Announcer};
pub use known::Known;

use super::followed;
use crate::event::Settings;

/// The settings with all references that are known by now.
pub type References = followed::Followed<Settings>;

/// One state of the settings.
pub type Seen = followed::Seen<Settings>;
