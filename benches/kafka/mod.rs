//! The service on a real broker, from outside: topics that are filled, `postdict run` as a process of its own, a bare
//! consumer beside it, and whether what was published is right.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the broker and its client are shared with the tests, which use more"
)]

pub mod bare;
pub mod expected;
pub mod service;
pub mod topics;

#[path = "../../tests/it/kafka/broker.rs"]
pub mod broker;
#[path = "../../tests/it/kafka/client.rs"]
pub mod client;
#[path = "../../tests/it/kafka/reader.rs"]
pub mod reader;
