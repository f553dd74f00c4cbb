//! `Features`: how the features of predictions lie in the bins of the reference that was in force when they were made.
//!
//! Predictions are never taken back, so smallest and largest values are exact, and features merge but cannot be negated.

use super::{ClassId, Distinct, ExactSum, Expected, Linear, OutputSums, Rational, SortedCounts, ratio_to_f64};
use crate::event::ReferenceId;
use crate::event::unknown::NameSet;
use std::mem;

/// One feature of many rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureAccumulator {
    /// Rows per bin of the reference.
    pub counts: SortedCounts<u16>,
    /// Of its numbers; nothing of a category.
    pub numbers: Numbers,
    /// Of a category, the values that the reference has no bin for.
    pub unseen: Distinct,
    /// What the model gave out, by coarse bin; only where that is asked for.
    pub outputs: OutputSums,
}

/// The numbers among the values of a feature.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers {
    /// Σ x.
    pub sum: ExactSum,
    /// Σ x².
    pub squares: ExactSum,
    /// Smallest and largest.
    pub range: Option<(f64, f64)>,
}

/// Features by their place in the profile, ascending; of those that have no row, there is no entry.
pub type FeatureList = Vec<(u16, FeatureAccumulator)>;

/// What was read of rows under one reference.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfReference {
    /// Its features.
    pub list: FeatureList,
    /// Features that rows carry and it does not have.
    pub unknown: NameSet,
    /// What is expected to come true by its calibration.
    pub expected: Expected,
}

/// All features of many rows, by reference.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Ascending. One, except where the reference changes.
    by_reference: Vec<(ReferenceId, OfReference)>,
}

impl FeatureAccumulator {
    /// Adds a row that fell into `bin`, and its number if it is one.
    #[inline]
    pub fn add(&mut self, bin: u16, number: Option<f64>) {
        self.counts.add(bin, 1);
        if let Some(number) = number {
            self.numbers.add(number);
        }
    }

    /// Rows of each of so many bins.
    pub fn dense(&self, bins: usize) -> Vec<i64> {
        let mut counts = vec![0; bins];
        for &(bin, rows) in &self.counts {
            // The id of a profile names its content, so no bin is beyond them.
            if let Some(count) = counts.get_mut(usize::from(bin)) {
                *count += rows;
            }
        }
        counts
    }

    fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.numbers.sum.merge(&other.numbers.sum);
        self.numbers.squares.merge(&other.numbers.squares);
        self.numbers.range = wider(self.numbers.range, other.numbers.range);
        self.unseen.merge(&other.unseen);
        self.outputs.merge(&other.outputs);
    }
}

impl Numbers {
    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, number: f64) {
        // `-0.0 + 0.0` is `0.0`: equal values have one form.
        let number = number + 0.0;
        self.sum.add(number);
        self.squares.add_product(number, number, 1);
        self.range = wider(self.range, Some((number, number)));
    }
}

impl Numbers {
    /// Mean of so many numbers, > 0, rounded once.
    pub fn mean(&self, rows: i64) -> f64 {
        ratio_to_f64(&self.sum.to_rational(), &Rational::from(rows))
    }

    /// √(Σ(x − mean)² / n) of so many numbers, > 0, from the exact variance.
    pub fn std(&self, rows: i64) -> f64 {
        let (n, sum) = (Rational::from(rows), self.sum.to_rational());
        ratio_to_f64(&(&n * &self.squares.to_rational() - &sum * &sum), &(&n * &n)).sqrt()
    }
}

fn wider(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

impl Features {
    /// What was read under `reference`, to be added to.
    #[inline]
    pub fn of_mut(&mut self, reference: ReferenceId) -> &mut OfReference {
        let place = match self.by_reference.binary_search_by_key(&reference, |(id, _)| *id) {
            Ok(place) => place,
            Err(place) => {
                self.by_reference.insert(place, (reference, OfReference::default()));
                place
            }
        };
        &mut self.by_reference[place].1
    }

    /// References with their features, ascending.
    pub fn by_reference(&self) -> &[(ReferenceId, OfReference)] {
        &self.by_reference
    }

    /// Adds everything that `other` remembers; associative and commutative, `default()` changes nothing.
    pub fn merge(&mut self, other: &Self) {
        for (reference, theirs) in &other.by_reference {
            let mine = self.of_mut(*reference);
            mine.expected.merge(&theirs.expected);
            mine.unknown.merge(&theirs.unknown);
            let theirs = theirs.list.iter();
            theirs.for_each(|(feature, accumulator)| feature_mut(&mut mine.list, *feature).merge(accumulator));
        }
    }

    /// Takes the second half of the features of each reference out.
    pub fn take_half(&mut self) -> Features {
        let half = |(id, of): &mut (ReferenceId, OfReference)| {
            let list = of.list.split_off(of.list.len().div_ceil(2));
            (*id, OfReference { list, ..OfReference::default() })
        };
        let by_reference = self.by_reference.iter_mut().map(half).filter(|(_, of)| !of.list.is_empty()).collect();
        Features { by_reference }
    }

    /// Renumbers classes, as [`super::MulticlassAccumulator::remap`] does.
    pub fn remap(&mut self, table: &[ClassId]) {
        self.by_reference.iter_mut().for_each(|(_, of)| of.expected.classes.remap(table));
    }

    /// The largest class id in use.
    pub fn max_class(&self) -> Option<ClassId> {
        let last = |of: &OfReference| of.expected.classes.classes().last().map(|(class, _)| *class);
        self.by_reference.iter().filter_map(|(_, of)| last(of)).max()
    }

    /// True if nothing was added.
    pub fn is_zero(&self) -> bool {
        self.by_reference.is_empty()
    }

    /// Adds what was read under a reference behind what is there; false if it does not follow, or is nothing.
    pub(super) fn push(&mut self, reference: ReferenceId, of: OfReference) -> bool {
        let is_something = of != OfReference::default();
        let follows = self.by_reference.last().is_none_or(|(last, _)| *last < reference) && is_something;
        self.by_reference.push((reference, of));
        follows
    }

    /// Takes out what is expected, and leaves the features.
    pub fn take_expected(&mut self) -> Features {
        let mut expected = Features::default();
        for (reference, of) in &mut self.by_reference {
            if !of.expected.is_zero() {
                expected.of_mut(*reference).expected = mem::take(&mut of.expected);
            }
        }
        self.by_reference.retain(|(_, of)| *of != OfReference::default());
        expected
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Features {
        mem::take(self)
    }
}

/// The accumulator of `feature`, made if it is new.
#[inline]
pub fn feature_mut(list: &mut FeatureList, feature: u16) -> &mut FeatureAccumulator {
    // Rows have all features of their profile, so each is at its own place.
    let place = usize::from(feature);
    if list.get(place).is_some_and(|(at, _)| *at == feature) {
        return &mut list[place].1;
    }
    let place = match list.binary_search_by_key(&feature, |(at, _)| *at) {
        Ok(place) => place,
        Err(place) => {
            list.insert(place, (feature, FeatureAccumulator::default()));
            place
        }
    };
    &mut list[place].1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Wire;
    use proptest::prelude::*;

    type Row = (u8, u16, u16, f64);

    fn folded(rows: &[Row]) -> Features {
        let mut features = Features::default();
        for &(reference, feature, bin, number) in rows {
            let of = features.of_mut(ReferenceId(u128::from(reference)));
            let accumulator = feature_mut(&mut of.list, feature);
            accumulator.add(bin, (bin < 5).then_some(number));
            if bin == 6 {
                accumulator.unseen.add(&format!("{number:.0}"));
            }
            if bin % 3 != 0 {
                accumulator.outputs.add(bin % 5, (number * 1e6) as i64);
            }
            of.unknown.add(&format!("{:.1}", number / 1e2));
            of.expected.confusion.add(1, bin < 3, number.abs() / 1e3);
        }
        features
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::vec((0u8..3, 0u16..4, 0u16..8, -1e3..1e3f64), 0..30)
    }

    fn merged(a: &Features, b: &Features) -> Features {
        let mut sum = a.clone();
        sum.merge(b);
        sum
    }

    proptest! {
        #[test]
        fn merging_is_adding_in_any_order(a in rows(), b in rows(), c in rows()) {
            let [x, y, z] = [&a, &b, &c].map(|rows| folded(rows));
            prop_assert_eq!(merged(&merged(&x, &y), &z), merged(&x, &merged(&z, &y)));
            let all: Vec<Row> = c.iter().chain(&a).chain(&b).copied().collect();
            prop_assert_eq!(merged(&merged(&x, &y), &z), folded(&all));
            prop_assert_eq!(merged(&x, &Features::default()), x.clone());
            let mut first = x.clone();
            let second = first.take_half();
            prop_assert_eq!(merged(&first, &second), x);
        }

        #[test]
        fn the_byte_form_is_canonical_and_comes_back(a in rows(), b in rows(), place in any::<prop::sample::Index>(), flip in 1u8..) {
            let (x, y) = (folded(&a), folded(&b));
            let bytes_of = |features: &Features| {
                let mut bytes = Vec::new();
                features.encode(&mut bytes);
                bytes
            };
            let mut bytes = bytes_of(&merged(&x, &y));
            prop_assert_eq!(&bytes_of(&merged(&y, &x)), &bytes);
            for end in 0..bytes.len() {
                prop_assert!(Features::decode(&mut &bytes[..end]).is_err(), "cut at {}", end);
            }
            prop_assert_eq!(Features::decode(&mut &bytes[..]), Ok(merged(&x, &y)));
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
            // An error, or features that somebody might have written; never a panic.
            let _ = Features::decode(&mut &bytes[..]);
        }
    }
}
