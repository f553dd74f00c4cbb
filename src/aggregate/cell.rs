//! A cell: everything remembered of one series in one pane.

use super::{ClassId, ExactSum, Features, Histogram, Linear, Quality, QualityOutcome};

/// What is counted of every series, whatever its task. All counts are linear: facts about records, never about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub enum Count {
    /// Accepted predictions.
    Predictions,
    /// Of these, predictions of a class among many.
    MulticlassPredictions,
    /// Of these, predictions of a number. The rest are binary.
    RegressionPredictions,
    /// Failed requests.
    Errors,
    /// Predictions that have a label.
    Matched,
    /// The same prediction again.
    DuplicatePredictions,
    /// Predictions whose windows were final.
    LatePredictions,
    /// Labels that gave a waiting prediction its label.
    UsedLabels,
    /// The same label again.
    DuplicateLabels,
    /// Labels that replaced another.
    CorrectedLabels,
    /// Labels that were taken back.
    RetractedLabels,
    /// Labels that no prediction has met: waiting, and orphans once nothing can meet them any more.
    UnmetLabels,
    /// Labels whose prediction was gone.
    LateLabels,
    /// Records of this series that went to dead letters.
    DeadLetters,
}

impl Count {
    /// How many there are.
    pub const LEN: usize = 14;

    /// All of them, in the order of their numbers.
    pub const ALL: [Count; Count::LEN] = [
        Count::Predictions,
        Count::MulticlassPredictions,
        Count::RegressionPredictions,
        Count::Errors,
        Count::Matched,
        Count::DuplicatePredictions,
        Count::LatePredictions,
        Count::UsedLabels,
        Count::DuplicateLabels,
        Count::CorrectedLabels,
        Count::RetractedLabels,
        Count::UnmetLabels,
        Count::LateLabels,
        Count::DeadLetters,
    ];
}

/// Latency of requests, in ms. Predictions are never taken back, so the maximum is exact.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latency {
    /// Of every value, by fixed relative error.
    pub histogram: Histogram,
    /// Σ of the values.
    pub sum: ExactSum,
    /// Largest latency; only added to, so latency is no group: it merges, but cannot be taken back.
    pub max: Option<f64>,
}

/// Time from prediction to label, in ms; negative where the label was first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelDelay {
    /// Of every value, by fixed relative error.
    pub histogram: Histogram,
    /// Σ delay in ms.
    pub sum: i128,
}

/// Everything remembered of one series in one pane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    pub(super) counts: [i64; Count::LEN],
    /// Of every request that says how long it took.
    pub latency: Latency,
    /// Of matched rows.
    pub label_delay: LabelDelay,
    /// Latest time of a label that changed this cell; only added to.
    pub last_label_time: Option<i64>,
    /// Classes (actual, predicted) of multiclass rows whose label was ever taken back or corrected, sorted; only added to.
    /// Rows about them may have been published, so they are published on, as zero or undefined.
    pub taken_back: Vec<(ClassId, ClassId)>,
    /// Of matched rows.
    pub quality: Quality,
    /// Of rows without a label, as if `on_expiry`'s label had come; counted in once their pane expires.
    pub on_expiry: Quality,
    /// Of predictions that are compared with a reference; only added to.
    pub features: Features,
}

impl Latency {
    /// Adds the latency of one request, in ms; finite and ≥ 0.
    pub fn add(&mut self, latency_ms: f64) {
        // `-0.0 + 0.0` is `0.0`: equal values have one form.
        let latency_ms = latency_ms + 0.0;
        self.histogram.add(latency_ms, 1);
        self.sum.add(latency_ms);
        self.max = larger(self.max, Some(latency_ms));
    }

    /// Adds everything that `other` remembers; associative and commutative, `default()` changes nothing.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.sum.merge(&other.sum);
        self.max = larger(self.max, other.max);
    }

    /// True if no request was added.
    pub fn is_zero(&self) -> bool {
        self.histogram.is_zero() && self.max.is_none() && self.sum.is_zero()
    }
}

/// The larger one; `None` is smaller than any number.
fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

impl LabelDelay {
    /// Adds the delay of one label (`sign` 1) or takes it back (`sign` −1).
    pub fn add(&mut self, sign: i64, delay_ms: i64) {
        // Differences of plausible times are below 2⁵³: the conversion is exact.
        self.histogram.add(delay_ms as f64, sign);
        self.sum += i128::from(sign) * i128::from(delay_ms);
    }
}

impl Linear for LabelDelay {
    fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.sum += other.sum;
    }

    fn negate(&mut self) {
        self.histogram.negate();
        self.sum = -self.sum;
    }

    fn is_zero(&self) -> bool {
        self.sum == 0 && self.histogram.is_zero()
    }
}

impl Cell {
    /// A cell of features alone.
    pub fn of_features(features: Features) -> Cell {
        Cell { features, ..Cell::default() }
    }

    /// How many of `what` there were.
    pub fn count(&self, what: Count) -> i64 {
        self.counts[what as usize]
    }

    /// Adds `n` (negative: takes away) to the count of `what`.
    pub fn add_count(&mut self, what: Count, n: i64) {
        self.counts[what as usize] += n;
    }

    /// Counts a prediction in as matched with its label (`sign` 1), or takes that back (`sign` −1): count, delay and
    /// quality, and the label's time as the latest change where it is.
    pub fn add_match(&mut self, sign: i64, outcome: QualityOutcome<'_>, delay_ms: i64, label_time: i64) {
        self.add_count(Count::Matched, sign);
        self.label_delay.add(sign, delay_ms);
        self.quality.add(sign, outcome);
        self.touch(label_time);
    }

    /// Remembers that a label of this time changed the cell.
    pub fn touch(&mut self, label_time: i64) {
        self.last_label_time = self.last_label_time.max(Some(label_time));
    }

    /// Adds everything that `other` remembers. Associative and commutative, and `default()` changes nothing; but maxima
    /// are only added to, so a cell has no inverse.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(mine, theirs)| *mine += theirs);
        self.latency.merge(&other.latency);
        self.label_delay.merge(&other.label_delay);
        self.last_label_time = self.last_label_time.max(other.last_label_time);
        other.taken_back.iter().for_each(|&pair| self.add_taken_back(pair));
        self.quality.merge(&other.quality);
        self.on_expiry.merge(&other.on_expiry);
        self.features.merge(&other.features);
    }

    /// Two cells that add up to this one, with what it holds per class divided between them; `None` if there is nothing to
    /// divide. Of a thousand classes it may be more than fits a record.
    pub fn halves(&self) -> Option<[Cell; 2]> {
        let (mut first, mut second) = (self.clone(), Cell::default());
        for (first, second) in
            [(&mut first.quality, &mut second.quality), (&mut first.on_expiry, &mut second.on_expiry)]
        {
            let taken = first.multiclass.as_mut().map(|multiclass| multiclass.take_half());
            second.multiclass = taken.filter(|taken| !taken.is_zero()).map(Box::new);
        }
        second.taken_back = first.taken_back.split_off(first.taken_back.len().div_ceil(2));
        second.features = first.features.take_half();
        (second != Cell::default()).then_some([first, second])
    }

    /// Remembers that a multiclass row (actual, predicted) lost its label.
    pub fn add_taken_back(&mut self, pair: (ClassId, ClassId)) {
        if let Err(place) = self.taken_back.binary_search(&pair) {
            self.taken_back.insert(place, pair);
        }
    }

    /// Renumbers classes, as [`super::MulticlassAccumulator::remap`] does.
    pub fn remap(&mut self, table: &[ClassId]) {
        self.quality.remap(table);
        self.on_expiry.remap(table);
        self.features.remap(table);
        let renumbered = |class: ClassId| table[usize::from(class.0)];
        for pair in std::mem::take(&mut self.taken_back) {
            self.add_taken_back((renumbered(pair.0), renumbered(pair.1)));
        }
    }

    /// The largest class id in use: a table for [`Cell::remap`] must reach it.
    pub fn max_class(&self) -> Option<ClassId> {
        let qualities = [&self.quality, &self.on_expiry];
        let taken_back = self.taken_back.iter().flat_map(|pair| [pair.0, pair.1]);
        qualities
            .iter()
            .filter_map(|quality| quality.multiclass.as_ref()?.max_class())
            .chain(taken_back)
            .chain(self.features.max_class())
            .max()
    }

    /// True if nothing is remembered: equal to `default()`. A cell whose only label was taken back still remembers that
    /// label's time.
    pub fn is_zero(&self) -> bool {
        self.counts == [0; Count::LEN]
            && self.last_label_time.is_none()
            && self.latency.is_zero()
            && self.label_delay.is_zero()
            && self.quality.is_zero()
            && self.on_expiry.is_zero()
            && self.taken_back.is_empty()
            && self.features.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::BinaryOutcome;

    #[test]
    fn counts_are_numbered_as_they_are_listed() {
        for (number, count) in Count::ALL.into_iter().enumerate() {
            assert_eq!(count as usize, number);
        }
    }

    #[test]
    fn a_match_taken_back_leaves_only_the_labels_time() {
        let outcome = QualityOutcome::Binary(BinaryOutcome { score: Some(0.3), predicted: false, actual: true });
        let mut cell = Cell::default();
        cell.add_match(1, outcome, -250, 7);
        assert_eq!((cell.count(Count::Matched), cell.label_delay.sum), (1, -250));
        cell.add_match(-1, outcome, -250, 5);
        assert_eq!(cell, Cell { last_label_time: Some(7), ..Cell::default() });
        assert!(!cell.is_zero());
    }

    #[test]
    fn the_largest_latency_survives_merging() {
        let mut cells = [Cell::default(), Cell::default(), Cell::default()];
        cells[0].latency.add(3.5);
        cells[1].latency.add(-0.0);
        assert_eq!(cells[1].latency.max.map(f64::to_bits), Some(0));
        let mut merged = Cell::default();
        cells.iter().for_each(|cell| merged.merge(cell));
        assert_eq!(merged.latency.max, Some(3.5));
        assert_eq!((merged.latency.histogram.count(), merged.latency.sum.to_f64()), (2, 3.5));
    }
}
