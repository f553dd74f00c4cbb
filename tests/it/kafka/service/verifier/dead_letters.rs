//! Each record that cannot be used is in the dead letters once, as it came, from the commit on with which it was read.

use super::super::Service;
use super::super::wire::{DEAD_LETTERS_ID, RowReader};
use super::{Inputs, reason};
use crate::kafka::reader::Record;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;
use std::collections::BTreeMap;

/// `positions`: how far the inputs were read, by partition.
pub fn check(service: &Service, inputs: &Inputs, positions: &[[i64; 2]]) {
    let mut due: BTreeMap<(String, i32, i64), &Record> = BTreeMap::new();
    for (input, role) in ["predictions", "labels"].iter().enumerate() {
        for record in inputs.0[input].iter().flatten().filter(|record| reason(record).is_some()) {
            if record.offset < positions[record.partition as usize][input] {
                due.insert((service.topic(role), record.partition, record.offset), record);
            }
        }
    }
    let reader = RowReader::new(service.wire, "dead_letters", DEAD_LETTERS_ID);
    for letter in service.read("dead_letters") {
        let row = reader.read(letter.value.as_deref().expect("a dead letter has a value"));
        let number = |name: &str| row[name].as_i64().unwrap();
        let place = (row["topic"].as_str().unwrap().to_owned(), number("partition") as i32, number("offset"));
        let Some(record) = due.remove(&place) else {
            panic!("{}: {place:?} twice, or not due: {row:?}", service.name);
        };
        assert_eq!(row["reason"].as_str(), reason(record), "{place:?}: {row:?}");
        let bytes = |name: &str| row.get(name).map(|value| BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap());
        assert_eq!(bytes("value"), record.value, "{place:?}: the value as it came");
        assert_eq!(bytes("key"), record.key, "{place:?}: the key as it came");
        assert_eq!(letter.key, record.key, "{place:?}: the key of the dead letter");
        assert_eq!(letter.headers, record.headers, "{place:?}: the headers of the dead letter");
        let inside: Vec<(String, Option<String>)> = match &row["headers"] {
            Value::String(text) => serde_json::from_str(text).unwrap(),
            list => serde_json::from_value(list.clone()).unwrap(),
        };
        let text = |(name, value): &(String, Option<Vec<u8>>)| {
            (name.clone(), value.as_ref().map(|value| BASE64_STANDARD.encode(value)))
        };
        assert_eq!(inside, record.headers.iter().map(text).collect::<Vec<_>>(), "{place:?}: the headers as they came");
    }
    assert!(due.is_empty(), "{}: no dead letter for {:?}", service.name, due.keys().collect::<Vec<_>>());
}
