//! `Point`: what is known of one window of a series.

use crate::event::Millis;
use std::sync::Arc;

/// A segment or feature of the same window, for evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributor {
    /// `country=BR`, or the feature's name.
    pub name: Arc<str>,
    /// The metric's value there.
    pub value: f64,
    /// Rows that it rests on.
    pub count: i64,
    /// Nothing can change it any more.
    pub is_final: bool,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// Start of the window.
    pub start: Millis,
    /// The value; `None` where it is undefined.
    pub value: Option<f64>,
    /// Lower end of its 95 % sampling interval.
    pub lower: Option<f64>,
    /// Upper end of it.
    pub upper: Option<f64>,
    /// Rows that it rests on.
    pub count: i64,
    /// Matched per prediction, of metrics that need labels.
    pub coverage: Option<f64>,
    /// Nothing can change it any more.
    pub is_final: bool,
    /// Reference profile that it was compared with.
    pub reference_id: Option<Arc<str>>,
    /// Parts of the series with the lowest and the highest values, in no order; few.
    pub worst: Vec<Contributor>,
}

/// The windows of a series before one, of which some count.
#[derive(Clone, Copy)]
pub struct Earlier<'h> {
    points: &'h [Point],
    counts: &'h dyn Fn(&Point) -> bool,
}

impl<'h> Earlier<'h> {
    /// All of `points`, in the order of their starts, that `counts` says.
    pub fn new(points: &'h [Point], counts: &'h dyn Fn(&Point) -> bool) -> Self {
        Earlier { points, counts }
    }

    /// Those that count, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &'h Point> {
        let counts = self.counts;
        self.points.iter().rev().filter(move |point| counts(point))
    }

    /// The one that starts at `start`, if it counts.
    pub fn at(&self, start: Millis) -> Option<&'h Point> {
        let place = self.points.binary_search_by_key(&start, |point| point.start).ok()?;
        Some(&self.points[place]).filter(|point| (self.counts)(point))
    }
}
