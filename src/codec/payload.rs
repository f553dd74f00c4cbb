//! The formats behind one interface: each hands every message's record, or its fault, to a sink, in order.

use super::avro::confluent::ConfluentReader;
use super::avro::container::{Block, ContainerError};
use super::avro::plain::PlainReader;
use super::error::CodecError;
use super::json::JsonReader;
use super::layout::Paths;
use super::mapping::Format;
use super::message::{Fault, Message};
use super::scalar::{NoValue, Record};
use crate::event::Reason;

/// Takes what a format has read.
pub(crate) trait Sink {
    /// A record that the format could read.
    fn record(&mut self, message: &Message<'_>, schema_id: Option<i32>, record: &impl Record);

    /// A record that it could not.
    fn fault(&mut self, message: &Message<'_>, schema_id: Option<i32>, fault: Fault);
}

/// A reader of message values.
#[derive(Debug)]
pub(crate) enum Payload {
    /// No role is in the value: it is not looked at, and may be null.
    Unused,
    Json(JsonReader),
    Confluent(ConfluentReader),
    Plain(Box<PlainReader>),
}

impl Payload {
    pub(crate) fn try_new(format: &Format, paths: Paths) -> Result<Self, CodecError> {
        Ok(match format {
            Format::AvroPlain { schema } => Payload::Plain(Box::new(PlainReader::try_new(schema, paths)?)),
            Format::AvroConfluent { schemas } if !paths.paths.is_empty() => {
                Payload::Confluent(ConfluentReader::try_new(schemas, paths)?)
            }
            Format::Json if !paths.paths.is_empty() => {
                Payload::Json(JsonReader::new(&paths.paths, paths.members).watching(paths.watched))
            }
            Format::Json | Format::AvroConfluent { .. } => Payload::Unused,
        })
    }

    /// Reads every message.
    pub(crate) fn read(&mut self, messages: &[Message<'_>], sink: &mut impl Sink) {
        match self {
            Payload::Unused => messages.iter().for_each(|message| sink.record(message, None, &NoValue)),
            Payload::Json(reader) => {
                let mut record = reader.scratch();
                for message in messages {
                    match message.value.ok_or_else(null_value).and_then(|bytes| reader.read(bytes, &mut record)) {
                        Ok(()) => sink.record(message, None, &record),
                        Err(fault) => sink.fault(message, None, fault),
                    }
                }
            }
            Payload::Confluent(reader) => reader.read(messages, sink),
            Payload::Plain(reader) => reader.read(messages, sink),
        }
    }

    /// Reads a block of a container file; see [`super::Decoder::decode_block`].
    pub(crate) fn read_block(&mut self, block: &Block, sink: &mut impl Sink) -> Option<ContainerError> {
        match self {
            Payload::Plain(reader) => reader.read_block(block, sink),
            _ => panic!("blocks of container files are read with the plain Avro format"),
        }
    }
}

/// A message without a value, where the value was needed.
pub(crate) fn null_value() -> Fault {
    Fault::new(Reason::Undecodable, "null value")
}
