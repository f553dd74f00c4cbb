//! The service on Kafka: runs stages over the partitions of topics, each record counted once.
//!
//! ```text
//!  group ──► membership ─┐                         ┌─► commit ──► outputs, changelog, group offsets
//!  inputs ─► fetch ──────┼─► engine ─► protocol ───┤     one transaction
//!  changelog ► restore ──┘    │ tasks              └─► restore, let go, leave, …
//! ```
//!
//! * [`work`]: the border to the tasks; a [`work::Stage`] is what the rest runs.
//! * [`protocol`]: every decision, as a pure state machine: events in, actions out. `engine` does what it asks for.
//! * `membership`, `fetch`, `restore`, `idle`, `topics`: threads of their own that send `message`s to the engine, with what
//!   they fetched (and its `headers`) bounded by `intake` and read in `turns`; `thread` says if one dies. Of `membership`:
//!   `member` is its client, `ownership` what the engine was told, `fence` what it means that somebody has its name.
//! * `tasks`, `commit`, `producer`, `group`: from records to a committed transaction, under the eyes of `watchdog`.
//!   `truncate` deletes what snapshots replace.
//! * [`block`]: a changelog record's bytes; `positions`: where inputs go on after a restore; [`topic_id`]: that they are the
//!   topics that were read.
//! * `options`, `properties`, `errors`, `log`: what the operator sets and sees. `failpoint`: where tests end the process.
//! * [`run()`]: all of it, for the stages of a process. `join`, `assess`: those stages; `partials`: what goes between them;
//!   `assess_log`: what ASSESS remembers, with `assess_snapshot`; `assess_outbox`: what it gives out; `assess_warnings`: what it
//!   says of it.
//! * [`references`], [`control`]: what is announced, and what people say of alerts, while it runs: on topics that are [`followed`].
//! * [`plan`], [`admin`], [`mod@reset`]: which topics there should be, which there are, and starting anew. [`feed`]: files onto the input topics; [`collect`]: what they hold, read once.
//!
//! The changelog, the outputs and the positions of the inputs become durable in one transaction or not at all, and there is
//! no other write; so whatever ends a process where ever, the next owner finds a state that fits its positions.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the shell: threads, clocks and the network; `protocol` forbids them again"
)]

pub mod admin;
pub mod block;
pub mod collect;
pub mod control;
pub mod feed;
pub mod followed;
pub mod plan;
pub mod protocol;
pub mod references;
pub mod reset;
pub mod work;

mod assess;
mod assess_log;
mod assess_outbox;
mod assess_snapshot;
mod assess_warnings;
mod commit;
mod engine;
mod errors;
mod failpoint;
mod fence;
mod fetch;
mod group;
mod headers;
mod idle;
mod intake;
mod join;
mod log;
mod member;
mod membership;
mod message;
mod options;
mod ownership;
mod partials;
mod positions;
mod producer;
mod properties;
mod restore;
mod run;
mod tasks;
mod thread;
pub mod topic_id;
pub mod topics;
mod truncate;
mod turns;
mod watchdog;

pub use assess::AssessStage;
pub use assess_snapshot::AssessPace;
pub use errors::RunError;
pub use join::JoinStage;
pub use log::{LogFormat, start as start_log};
pub use options::{INSTANCE_VARIABLE, Options};
pub use run::{Stop, run};
