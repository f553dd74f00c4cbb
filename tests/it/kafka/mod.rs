//! The stage runtime on a real broker, with a small stage whose deltas say everything it did. A checker that reads only
//! what is committed accounts for every record: each counted once, whatever happened to members and brokers.
//! `service` runs the real stages on real streams; `produce`, `deployed` and what rests on `deployment` run the program as an
//! operator does.

mod acls;
mod alerting;
mod broker;
mod client;
mod cluster;
mod counting;
mod deployment;
mod member;
mod pairing;
mod process;
mod reader;
mod scene;
mod secured;

mod absent;
mod access;
mod alerts;
mod announced;
mod broker_restart;
mod configurations;
mod crashes;
mod cut;
mod damage;
mod deployed;
mod fenced;
mod idleness;
mod leaders;
mod one_member;
mod outage_log;
mod produce;
mod profiles;
mod recreated;
mod refusals;
mod said;
mod service;
mod several_members;
mod several_stages;
mod slow;
mod starts;
mod topic_checks;
mod truncated;
