//! The records of the control topic: the key says of which silence or alert it is, the value is what people say of it. The last
//! record of a key holds, so the topic can be compacted; one without a value takes it back.
//!
//! Anybody may have written to the topic, so what comes from it is bounded: in length, and in how much is held.

use crate::event::Millis;
use crate::event::alert::{Acknowledgement, Control, Silence};
use std::collections::BTreeMap;
use std::sync::Arc;

const SILENCE: &str = "silence:";
const ACKNOWLEDGEMENT: &str = "acknowledgement:";

/// Longest key and value, in bytes: what is longer is no word of a person.
pub const KEY_BYTES_MAX: usize = 256;
/// See [`KEY_BYTES_MAX`].
pub const VALUE_BYTES_MAX: usize = 4_096;

/// Silences that are not over, at most.
pub const SILENCES_MAX: usize = 1_000;
/// Acknowledgements, at most.
pub const ACKNOWLEDGEMENTS_MAX: usize = 10_000;

/// What a record says; without a value it takes back what was said.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlRecord {
    /// Of the silence with this id.
    Silence(Arc<str>, Option<Silence>),
    /// Of the alert with this id.
    Acknowledgement(Arc<str>, Option<Acknowledgement>),
}

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The key has another form.
    #[error("its key is neither `{SILENCE}ID` nor `{ACKNOWLEDGEMENT}ALERT_ID`, of at most {KEY_BYTES_MAX} bytes")]
    Key,
    /// The value has too many bytes.
    #[error("its value has {0} bytes, more than {VALUE_BYTES_MAX}")]
    Long(usize),
    /// The value is not what the key says.
    #[error("its value cannot be read: {0}")]
    Value(String),
    /// The silence ends before it begins.
    #[error("it ends before it begins")]
    Order,
    /// There are too many silences.
    #[error("there are {SILENCES_MAX} silences already: take some back")]
    Silences,
    /// There are too many acknowledgements.
    #[error("there are {ACKNOWLEDGEMENTS_MAX} acknowledgements already: take some back")]
    Acknowledgements,
}

impl ControlRecord {
    /// The key of such a record.
    pub fn key(&self) -> String {
        match self {
            ControlRecord::Silence(id, _) => format!("{SILENCE}{id}"),
            ControlRecord::Acknowledgement(id, _) => format!("{ACKNOWLEDGEMENT}{id}"),
        }
    }

    /// The value, JSON; `None` where it takes back what was said.
    pub fn value(&self) -> Option<String> {
        let value = match self {
            ControlRecord::Silence(_, silence) => silence.as_ref().map(serde_json::to_string),
            ControlRecord::Acknowledgement(_, acknowledgement) => acknowledgement.as_ref().map(serde_json::to_string),
        };
        value.map(|value| value.expect("they are plain values"))
    }

    /// Reads a record.
    ///
    /// # Errors
    /// If it is not such a record.
    pub fn read(key: &[u8], value: Option<&[u8]>) -> Result<ControlRecord, ControlError> {
        let key = std::str::from_utf8(key).ok().filter(|key| key.len() <= KEY_BYTES_MAX).ok_or(ControlError::Key)?;
        if let Some(long) = value.map(<[u8]>::len).filter(|length| *length > VALUE_BYTES_MAX) {
            return Err(ControlError::Long(long));
        }
        let unreadable = |error: serde_json::Error| ControlError::Value(error.to_string());
        let id_after = |prefix: &str| key.strip_prefix(prefix).filter(|id| !id.is_empty());
        if let Some(id) = id_after(SILENCE) {
            let silence: Option<Silence> = value.map(serde_json::from_slice).transpose().map_err(unreadable)?;
            if silence.as_ref().is_some_and(|silence| silence.to_ms <= silence.from_ms) {
                return Err(ControlError::Order);
            }
            Ok(ControlRecord::Silence(id.into(), silence))
        } else if let Some(id) = id_after(ACKNOWLEDGEMENT) {
            let acknowledgement = value.map(serde_json::from_slice).transpose().map_err(unreadable)?;
            Ok(ControlRecord::Acknowledgement(id.into(), acknowledgement))
        } else {
            Err(ControlError::Key)
        }
    }

    /// From now on it holds in `control`; true if that changes anything. Silences that are over at `now` go.
    ///
    /// # Errors
    /// If there are too many already: then `control` stays as it is.
    pub fn apply(self, control: &mut Control, now: Millis) -> Result<bool, ControlError> {
        let before = control.silences.len();
        control.silences.retain(|_, silence| silence.to_ms > now);
        let has_pruned = control.silences.len() != before;
        let has_changed = match self {
            ControlRecord::Silence(id, silence) => {
                let silence = silence.filter(|silence| silence.to_ms > now);
                put(&mut control.silences, id, silence, SILENCES_MAX).ok_or(ControlError::Silences)
            }
            ControlRecord::Acknowledgement(id, said) => {
                put(&mut control.acknowledgements, id, said, ACKNOWLEDGEMENTS_MAX).ok_or(ControlError::Acknowledgements)
            }
        }?;
        Ok(has_changed || has_pruned)
    }
}

/// True if that changes anything; `None` if there is no room for it.
fn put<T: PartialEq>(all: &mut BTreeMap<Arc<str>, T>, id: Arc<str>, value: Option<T>, max: usize) -> Option<bool> {
    let Some(value) = value else { return Some(all.remove(&id).is_some()) };
    if all.len() >= max && !all.contains_key(&id) {
        return None;
    }
    let is_same = all.get(&id).is_some_and(|before| *before == value);
    all.insert(id, value);
    Some(!is_same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::{Matcher, Pattern, Severity};

    fn silence(from_ms: Millis, to_ms: Millis) -> Silence {
        let matcher = Matcher {
            rule: Some(Pattern::new("recall*")),
            alert_id: Some("4f1d".into()),
            up_to: Some(Severity::Warning),
            ..Matcher::default()
        };
        Silence { matcher, from_ms, to_ms, by: "ada".into(), comment: "a deployment".into() }
    }

    fn acknowledgement(started_at: Millis) -> Acknowledgement {
        Acknowledgement { started_at, by: "ada".into(), comment: "".into(), at_ms: 7 }
    }

    fn read(key: &str, value: Option<&str>) -> Result<ControlRecord, ControlError> {
        ControlRecord::read(key.as_bytes(), value.map(str::as_bytes))
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in [
            ControlRecord::Silence("a:b".into(), Some(silence(1, 2))),
            ControlRecord::Silence("s".into(), None),
            ControlRecord::Acknowledgement("4f1d".into(), Some(acknowledgement(1))),
            ControlRecord::Acknowledgement("4f1d".into(), None),
        ] {
            assert_eq!(read(&record.key(), record.value().as_deref()), Ok(record));
        }
    }

    #[test]
    fn what_is_no_such_record_is_refused() {
        let value = ControlRecord::Silence("s".into(), Some(silence(1, 2))).value().expect("a value");
        let long_key = format!("silence:{}", "x".repeat(KEY_BYTES_MAX));
        for key in ["", "silence", "silence:", "acknowledgement:", "reference:x", &long_key] {
            assert_eq!(read(key, Some(&value)), Err(ControlError::Key), "{key}");
        }
        assert_eq!(ControlRecord::read(b"silence:\xff", None), Err(ControlError::Key));
        let (unknown, wrong) = (value.replace("\"by\"", "\"bye\""), value.replace("\"to_ms\":2", "\"to_ms\":\"2\""));
        for value in ["", "{}", "null", "[", "\u{0}", &unknown, &wrong] {
            let read = read("silence:s", Some(value));
            assert!(matches!(read, Err(ControlError::Value(_))), "{value}: {read:?}");
        }
        assert!(
            matches!(read("acknowledgement:s", Some(&value)), Err(ControlError::Value(_))),
            "it is of the other kind"
        );
        let reversed = ControlRecord::Silence("s".into(), Some(silence(2, 2)));
        assert_eq!(read(&reversed.key(), reversed.value().as_deref()), Err(ControlError::Order));
        let long = " ".repeat(VALUE_BYTES_MAX + 1);
        assert_eq!(read("silence:s", Some(&long)), Err(ControlError::Long(VALUE_BYTES_MAX + 1)));
    }

    #[test]
    fn the_last_word_holds_and_silences_that_are_over_go() {
        let mut control = Control::default();
        let mut say = |record: ControlRecord, now| record.apply(&mut control, now);
        let of = |to_ms| ControlRecord::Silence("s".into(), Some(silence(0, to_ms)));
        assert_eq!(say(of(10), 0), Ok(true));
        assert_eq!(say(of(10), 1), Ok(false), "it says the same");
        assert_eq!(say(of(20), 2), Ok(true));
        let acknowledged = || ControlRecord::Acknowledgement("a".into(), Some(acknowledgement(1)));
        assert_eq!(say(acknowledged(), 19), Ok(true));
        assert_eq!(say(acknowledged(), 20), Ok(true), "the silence is over");
        assert_eq!(say(of(20), 20), Ok(false), "it was over before it was read");
        assert_eq!(say(ControlRecord::Acknowledgement("a".into(), None), 20), Ok(true));
        assert_eq!(say(ControlRecord::Acknowledgement("a".into(), None), 20), Ok(false));
        assert_eq!(control, Control::default());
    }

    #[test]
    fn more_than_enough_is_refused() {
        let mut control = Control::default();
        let id = |number: usize| Arc::<str>::from(number.to_string());
        for number in 0..SILENCES_MAX {
            let silenced = ControlRecord::Silence(id(number), Some(silence(0, 10)));
            assert_eq!(silenced.apply(&mut control, 0), Ok(true));
        }
        for number in 0..ACKNOWLEDGEMENTS_MAX {
            let said = ControlRecord::Acknowledgement(id(number), Some(acknowledgement(0)));
            assert_eq!(said.apply(&mut control, 0), Ok(true));
        }
        let full = control.clone();
        let another = || ControlRecord::Silence("x".into(), Some(silence(0, 20)));
        assert_eq!(another().apply(&mut control, 9), Err(ControlError::Silences));
        let said = ControlRecord::Acknowledgement("x".into(), Some(acknowledgement(0)));
        assert_eq!(said.apply(&mut control, 9), Err(ControlError::Acknowledgements));
        assert_eq!(control, full);
        let changed = ControlRecord::Silence(id(3), Some(silence(0, 11)));
        assert_eq!(changed.apply(&mut control, 9), Ok(true), "what is there can be changed");
        assert_eq!(another().apply(&mut control, 10), Ok(true), "the others are over");
        assert_eq!(control.silences.len(), 2);
    }
}
