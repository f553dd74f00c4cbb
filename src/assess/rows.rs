//! Metric values to rows: what did not change since the last revision is left out.

use super::Told;
use super::identity::RowIds;
use super::outlet::Outlet;
use super::window::Published;
use crate::aggregate::ClassId;
use crate::event::{MetricRow, Profile, ProfileWindow};
use crate::metrics::{Metric, MetricValue, Undefined};
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Texts of rows that come from fixed sets, made once.
#[derive(Debug)]
pub struct Texts {
    /// By metric.
    metrics: Vec<Arc<str>>,
    /// By reason.
    reasons: Vec<Arc<str>>,
    /// What a column holds that says nothing.
    pub empty: Arc<str>,
    /// By metric: it is not published.
    left_out: Vec<bool>,
}

impl Default for Texts {
    fn default() -> Self {
        Texts::new()
    }
}

impl Texts {
    /// All of them.
    pub fn new() -> Self {
        Texts {
            metrics: Metric::ALL.iter().map(|metric| metric.name().into()).collect(),
            reasons: Undefined::ALL.iter().map(|reason| reason.as_str().into()).collect(),
            empty: "".into(),
            left_out: vec![false; Metric::ALL.len()],
        }
    }

    /// Leaves out all metrics but those with these names.
    pub fn publish_only(&mut self, names: &[Arc<str>]) {
        let is_left_out = |metric: &Metric| names.iter().all(|name| **name != *metric.name());
        self.left_out = Metric::ALL.iter().map(is_left_out).collect();
    }

    /// Leaves out no metric; true if some were.
    pub fn publish_all(&mut self) -> bool {
        let had = self.left_out.contains(&true);
        self.left_out.fill(false);
        had
    }
}

/// Where rows go, one after the other: a step may have too many to hold them all.
pub struct Rows<'s> {
    /// Their fixed texts.
    pub texts: &'s Texts,
    /// A window was looked at, whether anything in it had changed or not.
    pub has_looked: bool,
    /// Series of final windows whose reference is not known.
    pub unknown_references: u64,
    /// How many more there is room for; the rows of one window go out together, whether there is or not.
    room: usize,
    ids: RowIds,
    outlet: &'s mut dyn Outlet,
}

impl<'s> Rows<'s> {
    /// About `room` rows into `outlet`.
    pub fn new(texts: &'s Texts, room: usize, outlet: &'s mut dyn Outlet) -> Self {
        Rows { texts, has_looked: false, unknown_references: 0, room, ids: RowIds::default(), outlet }
    }

    /// What became of the publication.
    pub fn told(&self, has_more: bool) -> Told {
        let Rows { has_looked, unknown_references, .. } = *self;
        Told { has_looked, has_more, unknown_references }
    }

    /// True if no further window is to be begun.
    pub fn is_full(&self) -> bool {
        self.room == 0
    }

    /// True if profiles of windows are wanted.
    pub fn takes_profiles(&self) -> bool {
        self.outlet.takes_profiles()
    }

    /// Adds a window that is final. It takes no room: a restart that looks at it again must stop where it was stopped,
    /// whether profiles are wanted by then or not; and for each of its features there were a dozen rows.
    pub fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        self.outlet.profile(profile, window);
    }

    /// Adds the rows of a series whose content differs from what was `published` last, and notes them there. `series`
    /// holds the columns that all its rows have in common; `names` are what its values refer to by number.
    pub fn publish(
        &mut self,
        series: MetricRow,
        names: RowNames<'_>,
        values: &[MetricValue],
        published: &mut Vec<Published>,
    ) {
        self.ids.begin_series(&series);
        let context = Context {
            coverage: series.label_coverage,
            reference: series.reference_id.clone(),
            kind: series.reference_kind.clone(),
        };
        published.reserve_exact(values.len().saturating_sub(published.len()));
        // The same row over and over, with other values.
        let mut row = series;
        let left_out = &self.texts.left_out;
        let mut put = |value: &MetricValue, published: &mut Vec<Published>| {
            if left_out[value.metric as usize] {
                return;
            }
            let number = row_number(value);
            let content = content(value, &context, row.is_final);
            let place = published.binary_search_by_key(&number, |published| published.row);
            if place.is_ok_and(|place| published[place].content == content) {
                return;
            }
            fill(&mut row, self.texts, names, value, &context);
            let noted = match place {
                Ok(place) => {
                    published[place].content = content;
                    published[place].revision += 1;
                    published[place]
                }
                Err(place) => {
                    let noted = Published { row: number, content, revision: 1, id: self.ids.id(&row) };
                    published.insert(place, noted);
                    noted
                }
            };
            row.revision = noted.revision;
            row.id.clear();
            noted.id.put_text(&mut row.id);
            self.room = self.room.saturating_sub(1);
            self.outlet.row(&row);
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
}

/// Fills in what differs from row to row.
fn fill(row: &mut MetricRow, texts: &Texts, names: RowNames<'_>, value: &MetricValue, context: &Context) {
    row.feature = value.feature.and_then(|feature| names.features.get(usize::from(feature)).map(Arc::clone));
    row.method = value.decided.map(|decided| decided.method.into());
    row.threshold = value.decided.map(|decided| decided.threshold);
    row.null_quantile = value.decided.map(|decided| decided.null_quantile);
    let class =
        |class: Option<ClassId>| class.and_then(|class| names.classes.get(usize::from(class.0)).map(Arc::clone));
    row.class = class(value.class);
    row.predicted_class = class(value.predicted_class);
    row.metric = Arc::clone(&texts.metrics[value.metric as usize]);
    row.value = value.value.ok();
    row.undefined_reason = value.value.err().map(|reason| Arc::clone(&texts.reasons[reason as usize]));
    row.lower = value.lower;
    row.upper = value.upper;
    row.error_bound = value.error_bound;
    row.count = value.count;
    row.label_coverage = context.coverage_of(value.metric);
    row.reference_id = context.reference_of(value.metric).cloned();
    row.reference_kind = context.kind.as_ref().filter(|_| value.metric.is_of_drift()).map(Arc::clone);
}

/// What values refer to by number.
#[derive(Debug, Clone, Copy)]
pub struct RowNames<'a> {
    /// Of the model's classes.
    pub classes: &'a [Arc<str>],
    /// Of its features.
    pub features: &'a [Arc<str>],
}

/// What of a series' columns is not the same for all its rows.
struct Context {
    coverage: Option<f64>,
    reference: Option<Arc<str>>,
    kind: Option<Arc<str>>,
}

impl Context {
    fn coverage_of(&self, metric: Metric) -> Option<f64> {
        self.coverage.filter(|_| metric.needs_labels())
    }

    fn reference_of(&self, metric: Metric) -> Option<&Arc<str>> {
        self.reference.as_ref().filter(|_| metric.has_reference())
    }
}

/// Bits of a row's number below those of its metric: class and predicted class.
pub const METRIC_SHIFT: u32 = 40;

/// Which row of its series a value is.
fn row_number(value: &MetricValue) -> u64 {
    let class = |class: Option<ClassId>| class.map_or(0, |class| u64::from(class.0) + 1);
    // What is about a feature is about no class.
    let feature = value.feature.map_or(0, |feature| u64::from(feature) + 1);
    (value.metric as u64) << METRIC_SHIFT | (class(value.class) | feature) << 20 | class(value.predicted_class)
}

/// What is said of a published row of which nothing is left to tell.
fn gone(row: u64) -> Option<MetricValue> {
    let class = |number: u64| u16::try_from(number).ok().filter(|number| *number > 0).map(|number| ClassId(number - 1));
    let metric = *Metric::ALL.get(usize::try_from(row >> METRIC_SHIFT).ok()?)?;
    if metric.has_feature() {
        let feature = class(row >> 20 & 0xf_ffff).map(|ClassId(feature)| feature);
        return Some(MetricValue { feature, ..MetricValue::new(metric, Err(Undefined::NoRows), 0) });
    }
    Some(MetricValue {
        class: class(row >> 20 & 0xf_ffff),
        predicted_class: class(row & 0xf_ffff),
        ..MetricValue::new(metric, Err(Undefined::NoRows), 0)
    })
}

/// Hash of everything that makes a row worth publishing again.
fn content(value: &MetricValue, context: &Context, is_final: bool) -> u64 {
    // No number that is published has the bits of all ones: it would not be finite.
    let bits = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
    let words = [
        bits(value.value.ok()),
        value.value.err().map_or(u64::MAX, |reason| reason as u64),
        bits(value.lower),
        bits(value.upper),
        bits(value.error_bound),
        value.count as u64,
        bits(context.coverage_of(value.metric)),
        u64::from(is_final),
    ];
    let mut hash = SipHasher13::new();
    words.hash(&mut hash);
    if let Some(decided) = value.decided {
        (decided.method, bits(Some(decided.threshold)), bits(Some(decided.null_quantile))).hash(&mut hash);
    }
    context.reference_of(value.metric).hash(&mut hash);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::row_id;

    fn series(texts: &Texts) -> MetricRow {
        let empty = || Arc::clone(&texts.empty);
        MetricRow {
            id: String::new(),
            model_id: "model".into(),
            model_version: "7".into(),
            segment_key: empty(),
            segment_value: empty(),
            feature: None,
            class: None,
            predicted_class: None,
            metric: empty(),
            window_start: 3_600_000,
            window_end: 7_200_000,
            value: None,
            undefined_reason: None,
            lower: None,
            upper: None,
            error_bound: None,
            method: None,
            threshold: None,
            null_quantile: None,
            window_size_ms: 3_600_000,
            window_advance_ms: 3_600_000,
            count: 0,
            label_coverage: Some(0.5),
            reference_id: None,
            reference_kind: None,
            revision: 0,
            is_final: false,
        }
    }

    fn publish(values: &[MetricValue], published: &mut Vec<Published>) -> Vec<MetricRow> {
        let texts = Texts::new();
        let mut rows = Vec::new();
        let mut outlet = |row: &MetricRow| rows.push(row.clone());
        let classes = ["cat".into(), "dog".into()];
        let names = RowNames { classes: &classes, features: &[] };
        Rows::new(&texts, usize::MAX, &mut outlet).publish(series(&texts), names, values, published);
        rows
    }

    fn told(rows: &[MetricRow]) -> Vec<(&str, Option<&str>, Option<f64>, i32)> {
        rows.iter().map(|row| (&*row.metric, row.class.as_deref(), row.value, row.revision)).collect()
    }

    #[test]
    fn only_what_changed_is_told_again_and_what_is_gone_is_told_once() {
        let accuracy = |value| MetricValue::new(Metric::Accuracy, Ok(value), 9);
        let recall = |value| MetricValue::new(Metric::Recall, value, 4).of_class(ClassId(1));
        let mut published = Vec::new();
        let first = publish(&[recall(Ok(1.0)), accuracy(0.5)], &mut published);
        assert_eq!(told(&first), [("recall", Some("dog"), Some(1.0), 1), ("accuracy", None, Some(0.5), 1)]);
        assert_eq!(publish(&[recall(Ok(1.0)), accuracy(0.5)], &mut published), []);
        let second = publish(&[recall(Err(Undefined::ZeroDenominator)), accuracy(0.5)], &mut published);
        assert_eq!(told(&second), [("recall", Some("dog"), None, 2)]);
        let third = publish(&[accuracy(0.25)], &mut published);
        assert_eq!(told(&third), [("accuracy", None, Some(0.25), 2), ("recall", Some("dog"), None, 3)]);
        assert_eq!(third[1].undefined_reason.as_deref(), Some("no_rows"));
        assert_eq!(publish(&[accuracy(0.25)], &mut published), []);
        for row in [first, second, third].iter().flatten() {
            assert_eq!(row.id, row_id(row), "an id that was kept is that of its row");
        }
    }

    #[test]
    fn texts_are_those_of_their_metrics_and_reasons() {
        let texts = Texts::new();
        for metric in Metric::ALL {
            assert_eq!(&*texts.metrics[*metric as usize], metric.name());
        }
        for reason in Undefined::ALL {
            assert_eq!(&*texts.reasons[reason as usize], reason.as_str());
        }
    }
}
