//! One column of a reference while its profile is made: its numbers, its texts, and the type that they have.
//!
//! Nothing depends on the order of the rows. Texts are counted up to a number of different ones; a column with more is
//! known to have more and nothing else, because which of them came first is no property of the reference.

use super::sketch;
use crate::aggregate::features::Numbers;
use crate::event::bins::{CategoryBins, NumericBins};
use crate::event::label::number_as_class;
use crate::event::segment::MAX_NAME_BYTES;
use crate::event::{FeatureBins, FeatureProfile, FeatureSource, FeatureValue, Moments};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

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

/// What is said of a column that cannot be a category.
pub(super) const TOO_MANY: &str = "it has more than 100,000 different texts: too many for a category";

/// What is known of one column.
#[derive(Debug)]
pub struct Column {
    name: String,
    source: FeatureSource,
    numbers: Vec<f64>,
    texts: BTreeMap<Box<str>, i64>,
    /// Texts that are no categories because they are too long.
    long_texts: i64,
    /// Rows with a text where there are more different ones than are counted: then none is.
    uncounted: Option<i64>,
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
            long_texts: 0,
            uncounted: None,
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
            FeatureValue::Text(text) => self.add_text(text),
        }
    }

    fn add_text(&mut self, text: &str) {
        if text.len() > MAX_NAME_BYTES {
            self.long_texts += 1;
        } else if let Some(rows) = &mut self.uncounted {
            *rows += 1;
        } else if let Some(count) = self.texts.get_mut(text) {
            *count += 1;
        } else if self.texts.len() < MAX_DISTINCT {
            self.texts.insert(text.into(), 1);
        } else {
            self.uncounted = Some(std::mem::take(&mut self.texts).values().sum::<i64>() + 1);
        }
    }

    /// True if it never has a value.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.text_rows() == 0
    }

    /// Rows with a text.
    fn text_rows(&self) -> i64 {
        self.texts.values().sum::<i64>() + self.long_texts + self.uncounted.unwrap_or(0)
    }

    /// The type that its values have, and why if that is worth saying.
    pub fn infer(&self) -> (ColumnType, Option<&'static str>) {
        let texts = self.text_rows();
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
        if self.uncounted.is_some() {
            return (ColumnType::Ignored, Some(TOO_MANY));
        }
        let distinct = self.texts.len() as i64 + self.long_texts;
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

    /// The column in bins: of a number by its quantiles, of a category those of its `most` most frequent values. `None` if
    /// it is ignored, has no number where it should, or has too many values for a category.
    pub fn into_profile(mut self, column_type: ColumnType, most: usize) -> Option<FeatureProfile> {
        self.numbers.sort_by(f64::total_cmp);
        let (name, source) = (Arc::from(self.name.as_str()), self.source);
        match column_type {
            ColumnType::Ignored => None,
            ColumnType::Numeric => {
                let bins = FeatureBins::Numeric(NumericBins::of_reference(&self.numbers)?);
                let mut counts = vec![0; bins.len()];
                self.numbers.iter().for_each(|number| counts[bins.bin_of(FeatureValue::Number(*number))] += 1);
                counts[bins.bin_of(FeatureValue::Missing)] += self.missing;
                counts[bins.bin_of(FeatureValue::Invalid)] += self.invalid + self.text_rows();
                let sketches = Some(sketch::of_numbers(&self.numbers));
                Some(FeatureProfile { name, source, bins, counts, moments: self.moments(), sketches, outputs: None })
            }
            ColumnType::Categorical => {
                let values = self.values()?;
                let counted = || values.iter().map(|(value, count)| (value.as_ref(), *count));
                let bins = FeatureBins::Categorical(CategoryBins::of_reference(counted(), most));
                let mut counts = vec![0; bins.len()];
                counted().for_each(|(value, count)| counts[bins.bin_of(FeatureValue::Text(value))] += count);
                counts[bins.bin_of(FeatureValue::Missing)] += self.missing;
                counts[bins.bin_of(FeatureValue::Invalid)] += self.invalid;
                // Unseen: before missing and invalid.
                let unseen = bins.len() - 3;
                counts[unseen] += self.long_texts;
                let sketches = Some(sketch::of_values(counted()));
                Some(FeatureProfile { name, source, bins, counts, moments: None, sketches, outputs: None })
            }
        }
    }

    /// Its values as categories, with their rows, by text. `None` of too many.
    fn values(&mut self) -> Option<BTreeMap<Box<str>, i64>> {
        if self.uncounted.is_some() {
            return None;
        }
        let mut values = std::mem::take(&mut self.texts);
        for run in self.numbers.chunk_by(|one, other| one == other) {
            *values.entry(number_as_class(run[0]).into()).or_default() += run.len() as i64;
            if values.len() > MAX_DISTINCT {
                return None;
            }
        }
        Some(values)
    }

    fn moments(&self) -> Option<Moments> {
        let mut numbers = Numbers::default();
        self.numbers.iter().for_each(|number| numbers.add(*number));
        let (min, max) = numbers.range?;
        let rows = self.numbers.len() as i64;
        Some(Moments { mean: numbers.mean(rows), std: numbers.std(rows), min, max })
    }
}
