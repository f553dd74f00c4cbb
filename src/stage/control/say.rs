//! Saying something of alerts: what the command line reads from the control topic and writes to it.

use super::super::collect::Span;
use super::super::followed::{TopicClient, read};
use super::super::options::Options;
use crate::codec::control::{ControlRecord, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::config::Config;
use crate::event::Millis;
use crate::event::alert::Control;
use std::collections::BTreeMap;

/// Largest record, with what Kafka writes beside it.
pub const CONTROL_BYTES_MAX: usize = KEY_BYTES_MAX + VALUE_BYTES_MAX + 1_024;

/// What the topic says.
#[derive(Debug, Default)]
pub struct Said {
    /// What holds.
    pub control: Control,
    /// Keys whose last record is refused, and why.
    pub refused: Vec<(String, String)>,
    /// Silences that are over, whose records are still there.
    pub over: Vec<ControlRecord>,
}

/// Reads and writes the control topic.
pub struct ControlTopic<'a>(TopicClient<'a>);

impl<'a> ControlTopic<'a> {
    /// The one that the configuration names; `None` if it names none.
    pub fn new(config: &'a Config, options: &'a Options) -> Option<ControlTopic<'a>> {
        let topic = config.topics.control.as_deref()?;
        Some(ControlTopic(TopicClient { options, name: "control", topic, bytes_max: CONTROL_BYTES_MAX }))
    }

    /// What it says at `now`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, now: Millis) -> Result<Said, String> {
        let (mut control, mut refused, mut over) = (Control::default(), BTreeMap::new(), BTreeMap::new());
        // As a service takes it: one after the other.
        let mut take = |key: &[u8], value: Option<&[u8]>| {
            let name = String::from_utf8_lossy(key).into_owned();
            refused.remove(&name);
            over.remove(&name);
            let read = ControlRecord::read(key, value);
            if let Ok(ControlRecord::Silence(id, Some(silence))) = &read
                && silence.to_ms <= now
            {
                over.insert(name.clone(), ControlRecord::Silence(id.clone(), None));
            }
            if let Err(why) = read.and_then(|record| record.apply(&mut control, now)) {
                refused.insert(name, why.to_string());
            }
        };
        read(self.0.options, self.0.topic, Span::default(), |_, messages| {
            messages.iter().for_each(|message| take(message.key.unwrap_or_default(), message.value));
        })?;
        let (refused, over) = (refused.into_iter().collect(), over.into_values().collect());
        Ok(Said { control, refused, over })
    }

    /// Writes a record, durably.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn write(&self, record: &ControlRecord) -> Result<(), String> {
        self.0.write(&record.key(), record.value().as_deref())
    }
}
