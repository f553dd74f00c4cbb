//! What the topic of references says.

use super::super::followed::{Content, TopicRecord};
use crate::codec::reference::{ReferenceRecord, decode_reference};
use crate::config::Config;
use crate::event::{AnnouncedReference, Settings};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the topic says.
pub struct Known {
    config: Arc<Config>,
    topic: String,
    by_key: BTreeMap<Vec<u8>, AnnouncedReference>,
    /// What was last announced under these keys, and why it is refused.
    refused: BTreeMap<Vec<u8>, String>,
}

impl Known {
    /// Nothing yet, of this topic.
    pub fn new(config: &Arc<Config>, topic: &str) -> Known {
        let (by_key, refused) = (BTreeMap::new(), BTreeMap::new());
        Known { config: Arc::clone(config), topic: topic.to_owned(), by_key, refused }
    }

    fn read(&self, record: &TopicRecord) -> Result<ReferenceRecord, String> {
        let key = record.key.as_deref().unwrap_or_default();
        let read = decode_reference(key, record.value.as_deref()).map_err(|error| error.to_string())?;
        match &read {
            ReferenceRecord::Announced(announced) => self.config.refusal(announced).map_or(Ok(()), Err)?,
            ReferenceRecord::TakenBack => {}
        }
        Ok(read)
    }
}

impl Content for Known {
    type Value = Settings;

    const NAME: &'static str = "references";

    const GROUP: &'static str = "join";

    /// Takes a record; true if it changes anything. One that cannot be used changes nothing: what was known stays.
    fn take(&mut self, record: &TopicRecord) -> bool {
        let place = format!("`{}`/{}, offset {}", self.topic, record.partition, record.offset);
        let key = record.key.clone().unwrap_or_default();
        self.refused.remove(&key);
        match self.read(record) {
            Ok(ReferenceRecord::TakenBack) => {
                let taken = self.by_key.remove(&key);
                if let Some(AnnouncedReference { model_id, profile, .. }) = &taken {
                    tracing::info!(model = &**model_id, "reference {} is taken back", profile.id);
                }
                taken.is_some()
            }
            Ok(ReferenceRecord::Announced(announced)) => {
                let from = announced.from_ms.and_then(|from| jiff::Timestamp::from_millisecond(from).ok());
                let from = from.map_or("the beginning".to_owned(), |from| from.to_string());
                let (model, id) = (&*announced.model_id, announced.profile.id);
                tracing::info!(model, "reference {id} is announced, from {from} on");
                self.by_key.insert(key, announced.clone()).is_none_or(|before| before != announced)
            }
            Err(why) => {
                tracing::error!("a reference is refused, and those that there were stay in force: {place}: {why}");
                // What has another key was never in force.
                if decode_reference(&key, None).is_ok() {
                    self.refused.insert(key, why);
                }
                false
            }
        }
    }

    fn value(&self) -> Settings {
        self.config.settings_with(self.by_key.values())
    }

    /// That everything can be used. What cannot may have been in force until now, so going on without it would silently
    /// compare with something else.
    fn check(&self) -> Result<(), String> {
        let complaints: Vec<String> = self
            .refused
            .iter()
            .map(|(key, why)| format!("reference `{}`: {why}", String::from_utf8_lossy(key)))
            .collect();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(format!(
            "topic `{}`: {}. Correct the configuration, announce another in its place, or take it back: `postdict references \
             take-back`",
            self.topic,
            complaints.join("; ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::reference::encode_reference;
    use crate::event::Millis;
    use crate::event::profile::samples::profile;

    const DAY: Millis = 86_400_000;

    fn known() -> Known {
        Known::new(&Arc::new(Config::default()), "references")
    }

    fn record(model_id: &str, from_ms: Millis) -> TopicRecord {
        let announced =
            AnnouncedReference { model_id: model_id.into(), from_ms: Some(from_ms), profile: Arc::new(profile()) };
        let (key, value) = encode_reference(&announced);
        let (key, value) = (Some(key.into_bytes()), Some(value.into_bytes()));
        TopicRecord { partition: 0, offset: 7, key, value }
    }

    fn begins(known: &Known) -> Vec<Option<Millis>> {
        known.value().model("m").references.iter().map(|reference| reference.from_ms).collect()
    }

    #[test]
    fn the_last_record_of_a_key_holds() {
        let mut known = known();
        assert!(known.take(&record("m", 2 * DAY)) && known.take(&record("m", DAY)));
        assert!(!known.take(&record("m", DAY)), "it says the same");
        assert_eq!(begins(&known), [Some(DAY), Some(2 * DAY)]);
        let tombstone = TopicRecord { value: None, ..record("m", DAY) };
        assert!(known.take(&tombstone) && !known.take(&tombstone));
        assert_eq!(begins(&known), [Some(2 * DAY)]);
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut known = known();
        assert!(known.take(&record("m", DAY)));
        let garbage = TopicRecord { value: Some(b"garbage".to_vec()), ..record("m", DAY) };
        let keyless = TopicRecord { key: None, ..record("m", DAY) };
        for refused in [garbage, record("another", DAY), keyless] {
            assert!(!known.take(&refused), "{refused:?}");
        }
        assert_eq!(begins(&known), [Some(DAY)]);
        let said = known.check().expect_err("after a restart, it would not be known any more");
        assert!(said.contains("`m@1970-01-02T00:00:00Z`") && said.contains("`another@1970-01-02T00:00:00Z`"), "{said}");
        assert!(!known.take(&record("m", DAY)));
        known.take(&TopicRecord { value: None, ..record("another", DAY) });
        assert_eq!(known.check(), Ok(()));
    }
}
