//! Only where a record belongs and when it happened: its request id and its time, for whoever passes records on without
//! reading the rest.

use super::error::CodecError;
use super::layout::{Paths, Source};
use super::mapping::{FieldPath, Format, LabelFields, PredictionFields};
use super::message::{Fault, Message};
use super::payload::{Payload, Sink};
use super::scalar::Record;
use super::validate;
use crate::event::Millis;

/// What could be read of one record. What is absent, or is no id and no time, is `None`: that is for the reader of the
/// whole record to complain about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heading {
    /// The id that joins, as text.
    pub request_id: Option<String>,
    /// Event time.
    pub time: Option<Millis>,
}

/// Reads headings of one layout and format.
#[derive(Debug)]
pub struct HeadingReader {
    payload: Payload,
    request_id: Source,
    timestamp: Source,
}

impl HeadingReader {
    /// Of predictions. Errors if a writer schema cannot be used.
    pub fn of_predictions(format: &Format, fields: &PredictionFields) -> Result<Self, CodecError> {
        HeadingReader::try_new(format, &fields.request_id, &fields.timestamp)
    }

    /// Of labels. Errors if a writer schema cannot be used.
    pub fn of_labels(format: &Format, fields: &LabelFields) -> Result<Self, CodecError> {
        HeadingReader::try_new(format, &fields.request_id, &fields.timestamp)
    }

    fn try_new(format: &Format, request_id: &FieldPath, timestamp: &FieldPath) -> Result<Self, CodecError> {
        let mut paths = Paths::default();
        let request_id = Source::new(request_id, &mut paths);
        let timestamp = Source::new(timestamp, &mut paths);
        Ok(HeadingReader { payload: Payload::try_new(format, paths)?, request_id, timestamp })
    }

    /// The headings of `messages`, one for each.
    pub fn read(&mut self, messages: &[Message<'_>]) -> Vec<Heading> {
        let headings = Vec::with_capacity(messages.len());
        let mut collector = Collector { request_id: &self.request_id, timestamp: &self.timestamp, headings };
        self.payload.read(messages, &mut collector);
        collector.headings
    }
}

struct Collector<'a> {
    request_id: &'a Source,
    timestamp: &'a Source,
    headings: Vec<Heading>,
}

impl Sink for Collector<'_> {
    fn record(&mut self, message: &Message<'_>, _schema_id: Option<i32>, record: &impl Record) {
        let mut buffer = String::new();
        let request_id = validate::request_id(self.request_id.read(message, record)).ok();
        self.headings.push(Heading {
            request_id: request_id.map(|id| id.text(&mut buffer).to_owned()),
            time: validate::event_time(self.timestamp.read(message, record), message.timestamp).ok(),
        });
    }

    fn fault(&mut self, _message: &Message<'_>, _schema_id: Option<i32>, _fault: Fault) {
        self.headings.push(Heading::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request_id: FieldPath, lines: &[&str]) -> Vec<(Option<String>, Option<Millis>)> {
        let timestamp = FieldPath::Value(vec!["timestamp".to_owned()]);
        let mut reader = HeadingReader::try_new(&Format::Json, &request_id, &timestamp).expect("JSON has no schema");
        let messages: Vec<Message<'_>> =
            (0..).zip(lines).map(|(number, line)| Message::of_file(number, line.as_bytes())).collect();
        reader.read(&messages).into_iter().map(|heading| (heading.request_id, heading.time)).collect()
    }

    #[test]
    fn a_record_that_is_otherwise_bad_still_has_its_heading() {
        let path = FieldPath::Value(vec!["meta".to_owned(), "id".to_owned()]);
        let lines = [
            r#"{"meta":{"id":"a"},"timestamp":5}"#,
            r#"{"meta":{"id":9007199254740993},"timestamp":"1970-01-01T00:00:01Z","label":[]}"#,
            r#"{"meta":{"id":""},"timestamp":-5}"#,
            "no json",
        ];
        let expected = [
            (Some("a".to_owned()), Some(5)),
            (Some("9007199254740993".to_owned()), Some(1000)),
            (None, None),
            (None, None),
        ];
        assert_eq!(read(path, &lines), expected);
    }

    #[test]
    fn an_id_that_is_not_in_the_value_is_not_found_in_a_file() {
        assert_eq!(read(FieldPath::Key, &[r#"{"timestamp":5}"#]), [(None, Some(5))]);
    }
}
