//! What people say of alerts while the service runs: on a compacted topic that is followed (`stage::followed`).
//!
//! `known`: what the topic says. `say`: what the command line writes to it.

mod known;
mod say;

pub use known::Known;
pub use say::{CONTROL_BYTES_MAX, ControlTopic, Said};

use super::followed;
use crate::event::alert::Control;

/// All that people have said by now.
pub type Controls = followed::Followed<Control>;

/// What they had said at one moment.
pub type Seen = followed::Seen<Control>;
