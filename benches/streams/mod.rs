//! Simulated streams of a model whose health is known, through the tasks of the service, with the built-in rules.
//!
//! A stream has windows of an hour, each with a Poisson number of predictions, and labels that come later by an exponential
//! time. It is healthy until `harmed_from`, and what a healthy stream does by the hour or for some hours is told by
//! [`Course`]. All draws are from a seed.
//!
//! * [`rows`]: predictions and their labels.
//! * [`drive`]: the tasks, and what they told of final windows and of alerts.
//! * [`peers`]: the rules that other tools have by default, on the same windows.

#![allow(dead_code, reason = "a test uses a part of it")]

pub mod drive;
pub mod peers;
pub mod rows;

pub use drive::drive;

use postdict::event::TaskKind;

/// An hour in ms.
pub const HOUR: i64 = 3_600_000;

/// What goes up and down in a healthy stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Nothing.
    Even,
    /// With the time of day, smoothly: volume by a factor of 6, the mean score, two of six features, and how hard the cases are.
    Daily,
    /// The same, and three hours of each night have many cases that are much harder.
    Nightly,
    /// As daily, and how hard the cases are wanders: correlated by 0.9 from hour to hour, with a deviation of about one point
    /// of accuracy.
    Wandering,
}

impl Course {
    /// All of them.
    pub const ALL: [Course; 4] = [Course::Even, Course::Daily, Course::Nightly, Course::Wandering];

    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Course::Even => "even",
            Course::Daily => "daily",
            Course::Nightly => "nightly",
            Course::Wandering => "wandering",
        }
    }
}

/// One simulated stream.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub task: TaskKind,
    pub course: Course,
    /// Predictions of a window, on average.
    pub rows: f64,
    /// Windows.
    pub windows: usize,
    /// Hours until a label comes, on average.
    pub delay_hours: f64,
    /// From this window on, `harm` of the labels have nothing to do with the prediction.
    pub harmed_from: usize,
    /// See there.
    pub harm: f64,
    /// From `harmed_from` on, the features are moved by so many standard deviations.
    pub moved: f64,
    /// Compare features and scores with a reference of the first [`REFERENCE_WINDOWS`].
    pub has_reference: bool,
    pub seed: u64,
}

/// Windows before the stream that are the reference: thirty days.
pub const REFERENCE_WINDOWS: usize = 720;

impl Stream {
    /// A healthy one.
    pub fn healthy(task: TaskKind, course: Course, rows: f64, windows: usize) -> Stream {
        Stream {
            task,
            course,
            rows,
            windows,
            delay_hours: 1.5,
            harmed_from: usize::MAX,
            harm: 0.0,
            moved: 0.0,
            has_reference: true,
            seed: 20_261_127,
        }
    }
}
