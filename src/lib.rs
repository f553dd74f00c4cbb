//! Postdict: *predict, then postdict*. Joins the predictions of models with the labels that arrive later, as a stream,
//! and publishes how good each model is: windowed metrics that are revised as labels arrive.
//!
//! # The way of a record
//!
//! ```text
//!  bytes ─► codec ─► columns ─► join ─► facts ─► aggregate ─► partials ─► assess ─► metrics ─► rows ─► alert
//!          └──────────────── task: JOIN, per partition ─────────────┘  └─────── task: ASSESS, per model ───────┘
//! ```
//!
//! * [`event`]: the values that flow: columns of decoded records, settings, reference profiles with their bins, rejects,
//!   rows that go out.
//! * [`codec`]: bytes to columns. One batch becomes Arrow arrays of the mapped fields; a bad record becomes a reject.
//! * [`join`]: predictions and labels matched by request id; the rules, and the pending buffer that waits for labels.
//! * [`aggregate`]: accumulators of everything the metrics need: integers and exact sums, so that they can be added in
//!   any order and subtracted again; and the partials in which they travel.
//! * [`assess`]: partials to panes, panes to windows; the watermark; what is published when, and when it is final.
//! * [`metrics`]: accumulators to values with intervals and error bounds; the catalog of all metrics.
//! * [`drift`]: two samples in bins to how different they are, by which chance, and whether that is drift; detectors of
//!   concept drift; the making of reference profiles. [`assess`] reads it out as it does [`metrics`].
//! * [`alert`]: metric rows to alerts: rules, which windows count for them, and how an alert begins and ends.
//! * [`task`]: the two tasks, values in and values out, whoever drives them.
//! * [`backtest`]: the alerts of a history to what its rules were worth.
//! * [`config`], [`stage`], [`replay`], [`cli`]: the shell: configuration, Kafka and files through the tasks, the command
//!   line.
//!
//! # What is never so
//!
//! * No stage knows its neighbours: it imports [`event`] and [`aggregate`], and [`task`] puts the stages together.
//! * Nothing above the shell reads a clock, a file, the environment or a random number, starts a thread, logs, or
//!   iterates in hash order.
//! * No result depends on how records were batched, interleaved or partitioned, on the number of threads, or on which
//!   topic is read first. Facts that leave the join are about records, never about time: what has *expired*, what is an
//!   *orphan* and what is *final* is decided once, in [`assess`], by one watermark over all partitions.
//! * No sum of real numbers is rounded before it is read out, so a label that is taken back leaves no trace.
//! * No record is dropped in silence: each has exactly one outcome, and [`join::Accounting`] balances at every commit.
//! * No undefined metric is a number: it is null, with a reason.
//! * Nothing grows without a bound: rows leave by time, values fold by caps, and both are counted.

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "tests compare with the platform's own functions"
    )
)]

pub mod event;

pub mod codec;

pub mod join;

pub mod aggregate;

pub mod assess;

pub mod metrics;

pub mod drift;

pub mod alert;

pub mod task;

pub mod config;

#[cfg(feature = "kafka")]
pub mod stage;

pub mod replay;

pub mod backtest;

pub mod cli;
