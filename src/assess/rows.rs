//! Metric values to rows: what did not change since the last revision is left out.

use super::identity::RowIds;
use super::window::Published;
use crate::aggregate::ClassId;
use crate::event::MetricRow;
use crate::metrics::{Metric, MetricValue, Undefined};
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The rows of one step.
#[derive(Debug)]
pub struct Rows {
    rows: Vec<MetricRow>,
    ids: RowIds,
    /// Texts that come from fixed sets, made once: every metric's name, every reason, and the empty one.
    metrics: Vec<Arc<str>>,
    reasons: Vec<Arc<str>>,
    empty: Arc<str>,
}

impl Rows {
    /// No row.
    pub fn new() -> Self {
        Rows {
            rows: Vec::new(),
            ids: RowIds::default(),
            metrics: Metric::ALL.iter().map(|metric| metric.name().into()).collect(),
            reasons: Undefined::ALL.iter().map(|reason| reason.as_str().into()).collect(),
            empty: "".into(),
        }
    }

    /// Takes all rows out.
    pub fn take(&mut self) -> Vec<MetricRow> {
        std::mem::take(&mut self.rows)
    }

    /// What a column holds that says nothing.
    pub fn empty(&self) -> &Arc<str> {
        &self.empty
    }

    /// Adds the rows of a series whose content differs from what was `published` last, and notes them there. `series`
    /// holds the columns that all its rows have in common; `classes` are the names of the model's classes.
    pub fn publish(
        &mut self,
        mut series: MetricRow,
        classes: &[Arc<str>],
        values: &[MetricValue],
        published: &mut Vec<Published>,
    ) {
        self.ids.begin_series(&series);
        let coverage = series.label_coverage;
        published.reserve_exact(values.len().saturating_sub(published.len()));
        let mut put = |value: &MetricValue, published: &mut Vec<Published>| {
            let row = row_number(value);
            let content = content(value, coverage, series.is_final);
            let place = published.binary_search_by_key(&row, |published| published.row);
            if place.is_ok_and(|place| published[place].content == content) {
                return;
            }
            self.fill(&mut series, classes, value, coverage);
            let noted = match place {
                Ok(place) => {
                    published[place].content = content;
                    published[place].revision += 1;
                    published[place]
                }
                Err(place) => {
                    let noted = Published { row, content, revision: 1, id: self.ids.id(&series) };
                    published.insert(place, noted);
                    noted
                }
            };
            series.revision = noted.revision;
            self.rows.push(MetricRow { id: noted.id.to_text(), ..series.clone() });
        };
        values.iter().for_each(|value| put(value, published));
        // No row is told twice, and what is told has been noted: are there others?
        if published.len() == values.len() {
            return;
        }
        let mut told: Vec<u64> = values.iter().map(row_number).collect();
        told.sort_unstable();
        let gone: Vec<MetricValue> = (published.iter())
            .filter(|published| told.binary_search(&published.row).is_err())
            .filter_map(|published| gone(published.row))
            .collect();
        gone.iter().for_each(|value| put(value, published));
    }

    /// Fills in what differs from row to row.
    fn fill(&self, row: &mut MetricRow, classes: &[Arc<str>], value: &MetricValue, coverage: Option<f64>) {
        let class = |class: Option<ClassId>| class.and_then(|class| classes.get(usize::from(class.0)).map(Arc::clone));
        row.class = class(value.class);
        row.predicted_class = class(value.predicted_class);
        row.metric = Arc::clone(&self.metrics[value.metric as usize]);
        row.value = value.value.ok();
        row.undefined_reason = value.value.err().map(|reason| Arc::clone(&self.reasons[reason as usize]));
        row.lower = value.lower;
        row.upper = value.upper;
        row.error_bound = value.error_bound;
        row.count = value.count;
        row.label_coverage = coverage.filter(|_| value.metric.needs_labels());
    }
}

/// Which row of its series a value is.
fn row_number(value: &MetricValue) -> u64 {
    let class = |class: Option<ClassId>| class.map_or(0, |class| u64::from(class.0) + 1);
    (value.metric as u64) << 40 | class(value.class) << 20 | class(value.predicted_class)
}

/// What is said of a published row of which nothing is left to tell.
fn gone(row: u64) -> Option<MetricValue> {
    let class = |number: u64| u16::try_from(number).ok().filter(|number| *number > 0).map(|number| ClassId(number - 1));
    let metric = *Metric::ALL.get(usize::try_from(row >> 40).ok()?)?;
    Some(MetricValue {
        class: class(row >> 20 & 0xf_ffff),
        predicted_class: class(row & 0xf_ffff),
        ..MetricValue::new(metric, Err(Undefined::NoRows), 0)
    })
}

/// Hash of everything that makes a row worth publishing again.
fn content(value: &MetricValue, coverage: Option<f64>, is_final: bool) -> u64 {
    // No number that is published has the bits of all ones: it would not be finite.
    let bits = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
    let words = [
        bits(value.value.ok()),
        value.value.err().map_or(u64::MAX, |reason| reason as u64),
        bits(value.lower),
        bits(value.upper),
        bits(value.error_bound),
        value.count as u64,
        bits(coverage.filter(|_| value.metric.needs_labels())),
        u64::from(is_final),
    ];
    let mut hash = SipHasher13::new();
    words.hash(&mut hash);
    hash.finish()
}
