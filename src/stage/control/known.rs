//! What the control topic says. No record of it stops the service: one that cannot be used is counted and warned of, and what
//! was said before under its key stays.

use super::super::followed::{Content, TopicRecord};
use super::super::log::ClientLog;
use crate::codec::control::{ControlError, ControlRecord};
use crate::event::Millis;
use crate::event::alert::Control;
use std::time::UNIX_EPOCH;

/// What the topic says.
pub struct Known {
    topic: String,
    control: Control,
    /// Records that were refused.
    refused: u64,
    log: ClientLog,
}

impl Known {
    /// Nothing yet, of this topic.
    pub fn new(topic: &str) -> Known {
        let log = ClientLog::new(Known::NAME, "reader");
        Known { topic: topic.to_owned(), control: Control::default(), refused: 0, log }
    }

    fn read(&mut self, record: &TopicRecord, now: Millis) -> Result<bool, ControlError> {
        let key = record.key.as_deref().unwrap_or_default();
        ControlRecord::read(key, record.value.as_deref())?.apply(&mut self.control, now)
    }

    fn take_at(&mut self, record: &TopicRecord, now: Millis) -> bool {
        self.read(record, now).unwrap_or_else(|why| {
            self.refused += 1;
            let TopicRecord { partition, offset, .. } = record;
            // Somebody may write many of them.
            self.log.warn(&format!(
                "a record is refused, and what was said before stays: `{}`/{partition}, offset {offset}: {why} ({} refused \
                 since the start)",
                self.topic, self.refused
            ));
            false
        })
    }
}

impl Content for Known {
    type Value = Control;

    const NAME: &'static str = "control";

    const GROUP: &'static str = "assess";

    fn take(&mut self, record: &TopicRecord) -> bool {
        let now = Millis::try_from(UNIX_EPOCH.elapsed().unwrap_or_default().as_millis()).unwrap_or(Millis::MAX);
        let has_changed = self.take_at(record, now);
        if has_changed {
            let (silences, acknowledgements) = (self.control.silences.len(), self.control.acknowledgements.len());
            tracing::debug!(silences, acknowledgements, "people have said something of alerts");
        }
        has_changed
    }

    fn value(&self) -> Control {
        self.control.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::{Matcher, Silence};

    fn record(to_ms: Millis) -> TopicRecord {
        let (by, comment) = ("ada".into(), "".into());
        let silence = Silence { matcher: Matcher::default(), from_ms: 0, to_ms, by, comment };
        let record = ControlRecord::Silence("s".into(), Some(silence));
        let (key, value) = (Some(record.key().into_bytes()), record.value().map(String::into_bytes));
        TopicRecord { partition: 0, offset: 7, key, value }
    }

    #[test]
    fn what_is_refused_changes_nothing_and_is_counted() {
        let mut known = Known::new("control");
        assert!(known.take_at(&record(100), 1) && !known.take_at(&record(100), 1));
        let before = known.value();
        let garbage = TopicRecord { value: Some(b"garbage".to_vec()), ..record(100) };
        let keyless = TopicRecord { key: None, ..record(100) };
        let unknown = TopicRecord { key: Some(b"reference:x".to_vec()), ..record(100) };
        for (record, count) in [garbage, keyless, unknown].iter().zip(1..) {
            assert!(!known.take_at(record, 1));
            assert_eq!((known.value(), known.refused), (before.clone(), count), "{record:?}");
        }
        let tombstone = TopicRecord { value: None, ..record(100) };
        assert!(known.take_at(&tombstone, 1) && !known.take_at(&tombstone, 1));
        assert_eq!(known.value(), Control::default());
    }
}
