//! The stage runtime on a real broker, with a small stage whose deltas say everything it did. A checker that reads only
//! what is committed accounts for every record: each counted once, whatever happened to members and brokers.
//! `service` runs the real stages on real streams, and `produce` and `deployed` the program as an operator does.

mod broker;
mod client;
mod counting;
mod member;
mod pairing;
mod process;
mod reader;
mod scene;

mod broker_restart;
mod crashes;
mod deployed;
mod idleness;
mod one_member;
mod produce;
mod refusals;
mod service;
mod several_members;
mod several_stages;
