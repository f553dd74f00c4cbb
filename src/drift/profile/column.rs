//! One column of a reference while its profile is made: its numbers, its texts, and the type that they have.

use crate::aggregate::features::Numbers;
use crate::aggregate::ratio_to_f64;
use crate::event::bins::{CategoryBins, NumericBins};
use crate::event::label::number_as_class;
use crate::event::segment::MAX_NAME_BYTES;
use crate::event::{FeatureBins, FeatureProfile, FeatureSource, FeatureValue, Moments};
use std::collections::{BTreeMap, HashSet};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Numbers.
    Numeric,
    /// A limited set of values.
    Categorical,
    /// Nothing that is worth comparing.
    Ignored,
}

/// Distinct texts that are counted, at most; what has more is an identifier.
const MAX_DISTINCT: usize = 100_000;
/// A column of fewer rows than this is never taken for an identifier.
const MIN_IDENTIFIER_ROWS: i64 = 1_000;
/// Numbers among the values of a column that is numeric in spite of some texts.
const MOSTLY: f64 = 0.95;

/// What is known of one column.
#[derive(Debug)]
pub struct Column {
    name: String,
    source: FeatureSource,
    numbers: Vec<f64>,
    texts: BTreeMap<Box<str>, i64>,
    /// Texts beyond those that are counted.
    more_texts: i64,
    missing: i64,
    invalid: i64,
}

impl Column {
    /// Of nothing yet.
    pub fn new(name: &str, source: FeatureSource) -> Column {
        Column {
            name: name.to_owned(),
            source,
            numbers: Vec::new(),
            texts: BTreeMap::new(),
            more_texts: 0,
            missing: 0,
            invalid: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which value of a prediction it is.
    pub fn source(&self) -> FeatureSource {
        self.source
    }

    /// Numbers held.
    pub fn held(&self) -> usize {
        self.numbers.len()
    }

    /// Adds what a row has.
    pub fn add(&mut self, value: FeatureValue<'_>) {
        match value {
            FeatureValue::Missing => self.missing += 1,
            FeatureValue::Invalid => self.invalid += 1,
            // `-0.0 + 0.0` is `0.0`: equal values have one form.
            FeatureValue::Number(number) => self.numbers.push(number + 0.0),
            FeatureValue::Text(text) => {
                if let Some(count) = self.texts.get_mut(text) {
                    *count += 1;
                } else if self.texts.len() < MAX_DISTINCT && text.len() <= MAX_NAME_BYTES {
                    self.texts.insert(text.into(), 1);
                } else {
                    self.more_texts += 1;
                }
            }
        }
    }

    /// True if it never has a value.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.texts.is_empty() && self.more_texts == 0
    }

    /// The type that its values have, and why if that is worth saying.
    pub fn infer(&self) -> (ColumnType, Option<&'static str>) {
        let texts = self.texts.values().sum::<i64>() + self.more_texts;
        let values = texts + self.numbers.len() as i64;
        if self.source == FeatureSource::PredictedLabel || values == 0 {
            return (ColumnType::Categorical, None);
        }
        if self.numbers.len() as f64 >= MOSTLY * values as f64 {
            let is_identifier = values >= MIN_IDENTIFIER_ROWS && self.numbers_differ();
            return match is_identifier {
                true => (ColumnType::Ignored, Some("whole numbers that are all different look like an identifier")),
                false if texts > 0 => (ColumnType::Numeric, Some("its few texts count as invalid")),
                false => (ColumnType::Numeric, None),
            };
        }
        let distinct = self.texts.len() as i64 + self.more_texts;
        if values >= MIN_IDENTIFIER_ROWS && distinct * 2 > values {
            return (ColumnType::Ignored, Some("most of its values are different: it looks like an identifier"));
        }
        (ColumnType::Categorical, (!self.numbers.is_empty()).then_some("its numbers count as categories"))
    }

    /// Whole numbers, no two of them equal.
    fn numbers_differ(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.numbers.len());
        self.numbers.iter().all(|number| libm::trunc(*number) == *number && seen.insert(number.to_bits()))
    }

    /// The column in bins: of a number by its quantiles, of a category those of its `most` most frequent values.
    pub fn profile(&self, column_type: ColumnType, most: usize) -> Option<FeatureProfile> {
        let (bins, moments) = match column_type {
            ColumnType::Ignored => return None,
            ColumnType::Numeric => (FeatureBins::Numeric(NumericBins::of_reference(&self.numbers)?), self.moments()),
            ColumnType::Categorical => {
                let numbers = self.number_texts();
                let counts = self.texts.iter().map(|(text, count)| (&**text, *count));
                let counts = counts.chain(numbers.iter().map(|(text, count)| (text.as_str(), *count)));
                (FeatureBins::Categorical(CategoryBins::of_reference(counts, most)), None)
            }
        };
        let mut counts = vec![0; bins.len()];
        let mut add = |value, count| counts[bins.bin_of(value)] += count;
        add(FeatureValue::Missing, self.missing);
        add(FeatureValue::Invalid, self.invalid);
        self.numbers.iter().for_each(|number| add(FeatureValue::Number(*number), 1));
        self.texts.iter().for_each(|(text, count)| add(FeatureValue::Text(text), *count));
        // A text that no category is.
        let uncounted = "\u{0}".repeat(MAX_NAME_BYTES + 1);
        add(FeatureValue::Text(&uncounted), self.more_texts);
        Some(FeatureProfile { name: self.name.as_str().into(), source: self.source, bins, counts, moments })
    }

    fn number_texts(&self) -> BTreeMap<String, i64> {
        let mut texts = BTreeMap::new();
        self.numbers.iter().for_each(|number| *texts.entry(number_as_class(*number)).or_default() += 1);
        texts
    }

    fn moments(&self) -> Option<Moments> {
        let mut numbers = Numbers::default();
        self.numbers.iter().for_each(|number| numbers.add(*number));
        let (min, max) = numbers.range?;
        let n = (self.numbers.len() as i64).into();
        let (sum, squares) = (numbers.sum.to_rational(), numbers.squares.to_rational());
        let variance = ratio_to_f64(&(&n * &squares - &sum * &sum), &(&n * &n));
        Some(Moments { mean: ratio_to_f64(&sum, &n), std: variance.sqrt(), min, max })
    }
}
