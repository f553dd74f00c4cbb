//! Announcing references: what the command line reads from the topic and writes to it.

use super::super::collect::Span;
use super::super::followed::{TopicClient, read};
use super::super::options::Options;
use super::super::plan::REFERENCE_BYTES_MAX;
use crate::codec::PredictionDecoder;
use crate::codec::reference::{ReferenceRecord, decode_reference, encode_reference, reference_key};
use crate::config::Config;
use crate::event::{AnnouncedReference, Millis, Origin, PredictionColumns, Role};
use std::time::UNIX_EPOCH;

/// Records at the end of each partition among which the newest prediction is looked for.
const LAST_RECORDS: i64 = 500;

/// A prediction that is further ahead of the clock was made by one that is wrong.
const AHEAD_MAX: Millis = 86_400_000;

/// A record of the topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    /// Its key.
    pub key: String,
    /// What it says, or why it says nothing.
    pub reference: Result<AnnouncedReference, String>,
}

/// Reads and writes the topic of references.
pub struct Announcer<'a> {
    config: &'a Config,
    options: &'a Options,
    topic: TopicClient<'a>,
}

impl<'a> Announcer<'a> {
    /// Of the topic that the configuration names; `None` if it names none.
    pub fn new(config: &'a Config, options: &'a Options) -> Option<Announcer<'a>> {
        let topic = config.topics.references.as_deref()?;
        let topic = TopicClient { options, name: "references", topic, bytes_max: REFERENCE_BYTES_MAX };
        Some(Announcer { config, options, topic })
    }

    /// What the topic says, by model and time.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn list(&self) -> Result<Vec<Announced>, String> {
        let announced = self.topic.last_records()?.into_iter().filter_map(|(key, value)| {
            let reference = match decode_reference(&key, value.as_deref()) {
                Ok(ReferenceRecord::TakenBack) => return None,
                Ok(ReferenceRecord::Announced(reference)) => match self.config.refusal(&reference) {
                    None => Ok(reference),
                    Some(why) => Err(why),
                },
                Err(error) => Err(error.to_string()),
            };
            Some(Announced { key: String::from_utf8_lossy(&key).into_owned(), reference })
        });
        Ok(announced.collect())
    }

    /// Event time of the newest prediction that was written, as far as the last records of each partition say.
    ///
    /// # Errors
    /// If the topic of predictions cannot be read.
    pub fn newest_prediction(&self) -> Result<Option<Millis>, String> {
        let predictions = &self.config.predictions;
        let columns = PredictionColumns::default();
        let mut decoder = PredictionDecoder::try_new(&predictions.format, &predictions.fields, &columns)
            .map_err(|error| error.to_string())?;
        let topic = self.config.topics.predictions.as_str();
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        let latest = Millis::try_from(now).unwrap_or(Millis::MAX).saturating_add(AHEAD_MAX);
        let mut newest: Option<Millis> = None;
        read(self.options, topic, Span { last: Some(LAST_RECORDS), ..Span::default() }, |partition, messages| {
            let origin = Origin { role: Role::Predictions, topic: topic.into(), partition };
            let batch = decoder.decode(&origin, messages).batch;
            // Nobody waits for the time of a clock that is wrong.
            newest = newest.max((0..batch.len()).map(|row| batch.time(row)).filter(|time| *time <= latest).max());
        })?;
        Ok(newest)
    }

    /// Announces a reference, durably.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn announce(&self, announced: &AnnouncedReference) -> Result<(), String> {
        let (key, value) = encode_reference(announced);
        self.topic.write(&key, Some(&value))
    }

    /// Takes a reference back, durably.
    ///
    /// # Errors
    /// If the brokers do not take it.
    pub fn take_back(&self, model_id: &str, from_ms: Option<Millis>) -> Result<(), String> {
        self.topic.write(&reference_key(model_id, from_ms), None)
    }
}
