//! The records of the references topic: the key says of which model a reference is and from when on, the value is the
//! profile as its file has it. The last record of a key holds, so the topic can be compacted; one without a value takes the
//! reference back.

use crate::event::{AnnouncedReference, Millis, Profile};
use jiff::Timestamp;
use std::sync::Arc;

/// In the place of a time: from the beginning.
const BEGINNING: &str = "beginning";

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum ReferenceRecord {
    /// There is a reference.
    Announced(AnnouncedReference),
    /// There is none, whatever was said before.
    TakenBack,
}

/// Why a record is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceRecordError {
    /// The key has another form.
    #[error("its key is not `MODEL@TIME` (a time such as 2026-05-01T06:00:00Z, or `{BEGINNING}`)")]
    Key,
    /// The value is no profile; says why.
    #[error("{0}")]
    Profile(String),
}

/// The key of a model's reference from `from_ms` on.
pub fn reference_key(model_id: &str, from_ms: Option<Millis>) -> String {
    let time = from_ms.map(|from| Timestamp::from_millisecond(from).map_or(from.to_string(), |time| time.to_string()));
    format!("{model_id}@{}", time.as_deref().unwrap_or(BEGINNING))
}

/// Key and value of a reference. Sketches, which nothing is decided by, stay out: a topic's records are best small.
pub fn encode_reference(announced: &AnnouncedReference) -> (String, String) {
    let mut profile = Profile::clone(&announced.profile);
    profile.features.iter_mut().for_each(|feature| feature.sketches = None);
    (reference_key(&announced.model_id, announced.from_ms), profile.to_json())
}

/// Reads a record.
///
/// # Errors
/// If it is not such a record.
pub fn decode_reference(key: &[u8], value: Option<&[u8]>) -> Result<ReferenceRecord, ReferenceRecordError> {
    let key = std::str::from_utf8(key).map_err(|_| ReferenceRecordError::Key)?;
    // No time has an `@` in it.
    let (model_id, time) = key.rsplit_once('@').ok_or(ReferenceRecordError::Key)?;
    let from_ms = match time {
        BEGINNING => None,
        time => Some(time.parse::<Timestamp>().map_err(|_| ReferenceRecordError::Key)?.as_millisecond()),
    };
    let Some(value) = value else { return Ok(ReferenceRecord::TakenBack) };
    let unreadable = |error: &dyn std::fmt::Display| ReferenceRecordError::Profile(error.to_string());
    let text = std::str::from_utf8(value).map_err(|error| unreadable(&error))?;
    let profile = Profile::from_json(text).map_err(|error| unreadable(&error))?;
    let profile = Arc::new(profile);
    Ok(ReferenceRecord::Announced(AnnouncedReference { model_id: model_id.into(), from_ms, profile }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::profile::samples::profile;

    #[test]
    fn a_reference_is_read_as_it_was_announced() {
        for (model_id, from_ms) in [("fraud", Some(1_777_593_600_000)), ("a@b@c", None), ("", Some(1))] {
            let announced = AnnouncedReference { model_id: model_id.into(), from_ms, profile: Arc::new(profile()) };
            let (key, value) = encode_reference(&announced);
            let read = decode_reference(key.as_bytes(), Some(value.as_bytes()));
            let Ok(ReferenceRecord::Announced(read)) = read else { panic!("{read:?}") };
            assert_eq!((&*read.model_id, read.from_ms, read.profile.id), (model_id, from_ms, announced.profile.id));
            assert_eq!(decode_reference(key.as_bytes(), None), Ok(ReferenceRecord::TakenBack));
        }
        assert_eq!(reference_key("fraud", Some(1_777_593_600_000)), "fraud@2026-05-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let value = profile().to_json();
        for key in ["fraud", "fraud@", "fraud@tomorrow", "fraud@Beginning"] {
            let read = decode_reference(key.as_bytes(), Some(value.as_bytes()));
            assert_eq!(read, Err(ReferenceRecordError::Key), "{key}");
        }
        assert_eq!(decode_reference(b"\xff@beginning", None), Err(ReferenceRecordError::Key));
        let newer = value.replacen("\"format\": 1", "\"format\": 2", 1).replacen("\"format\":1", "\"format\":2", 1);
        for (value, why) in
            [(newer.as_str(), "format 2"), ("{}", "not a readable profile"), ("", "not a readable profile")]
        {
            let read = decode_reference(b"fraud@beginning", Some(value.as_bytes()));
            assert!(matches!(&read, Err(ReferenceRecordError::Profile(said)) if said.contains(why)), "{read:?}");
        }
    }
}
