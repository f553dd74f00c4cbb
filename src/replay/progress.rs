//! The progress bar of a replay: on a terminal only.

use crate::event::Millis;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much of the input files was read.
pub struct Progress {
    bytes_read: Arc<AtomicU64>,
    bar: ProgressBar,
}

impl Progress {
    /// Of files with `total_bytes` together; drawn if `is_shown`.
    pub fn new(total_bytes: u64, is_shown: bool) -> Self {
        let bar = if is_shown { ProgressBar::new(total_bytes) } else { ProgressBar::hidden() };
        let template = "{bar:32.cyan/blue} {percent:>3} %  {msg}  {elapsed} (about {eta} left)";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        Progress { bytes_read: Arc::default(), bar }
    }

    /// What the readers count.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    /// Redraws the bar.
    pub(super) fn update(&self, records: u64, event_time: Option<Millis>) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_position(self.bytes_read.load(Ordering::Relaxed));
        let date = event_time
            .and_then(|time| jiff::Timestamp::from_millisecond(time).ok())
            .map(|time| time.strftime("%F").to_string());
        self.bar.set_message(format!("{} records, at {}", records, date.unwrap_or_default()));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
