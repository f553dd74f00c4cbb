//! `CategoryBins`: the frequent values of a reference, and bins for what is not among them.
//!
//! Where no reference says which values there are, none has a bin of its own: all are spread over [`SPREAD`] bins by a hash
//! of their text. Two values may then share a bin (of ten values some two do, in three of ten columns), so that what moves
//! from one to the other is not seen; nothing is ever seen that is not there.

use crate::event::text_hash::TextHash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::Range;

/// What a row has in a categorical column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category<'a> {
    /// A value, as text.
    Value(&'a str),
    /// Nothing.
    Missing,
    /// Something that is no category.
    Invalid,
}

/// More values than any profile has.
const MAX_VALUES: usize = 10_000;

/// Bins over which values are spread where no reference says which there are.
pub const SPREAD: u16 = 128;

/// State refers to bins chosen with these keys: changed, the same value would have moved.
const KEYS: (u64, u64) = (0x706f_7374_6469_6374, 0x6361_7465_676f_7279);

/// Bins of a category, in this order: the values by text, unseen, missing, invalid.
///
/// Values beyond the cap fold into *unseen* in the reference and in every window alike, so the two stay comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct CategoryBins {
    /// Ascending.
    values: Vec<Box<str>>,
    /// Bins of values without one of their own: one, or of no values at all [`SPREAD`].
    #[serde(skip_serializing_if = "is_one")]
    spread: u16,
}

/// Bins as they were written, not checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    values: Vec<Box<str>>,
    #[serde(default = "one")]
    spread: u16,
}

fn one() -> u16 {
    1
}

fn is_one(spread: &u16) -> bool {
    *spread == 1
}

impl TryFrom<Written> for CategoryBins {
    type Error = &'static str;

    fn try_from(Written { values, spread }: Written) -> Result<Self, &'static str> {
        if !values.windows(2).all(|pair| pair[0] < pair[1]) || values.len() > MAX_VALUES {
            return Err("`values` are at most 10,000 texts that ascend");
        }
        if spread != 1 && !(spread == SPREAD && values.is_empty()) {
            return Err("`spread` is 1, or 128 where there are no `values`");
        }
        Ok(CategoryBins { values, spread })
    }
}

impl CategoryBins {
    /// The `most` most frequent values of a reference; of equally frequent ones the first by text.
    pub fn of_reference<'a>(counts: impl IntoIterator<Item = (&'a str, i64)>, most: usize) -> CategoryBins {
        let mut summed: BTreeMap<&str, i64> = BTreeMap::new();
        for (value, count) in counts {
            *summed.entry(value).or_default() += count;
        }
        let mut by_count: Vec<(&str, i64)> = summed.into_iter().filter(|&(_, count)| count > 0).collect();
        // Stable: equal counts stay in the order of the text.
        by_count.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let mut values: Vec<Box<str>> = by_count.into_iter().take(most).map(|(value, _)| value.into()).collect();
        values.sort();
        CategoryBins { values, spread: 1 }
    }

    /// The bins of a category of which no value is known.
    pub fn hashed() -> CategoryBins {
        CategoryBins { values: Vec::new(), spread: SPREAD }
    }

    /// True if values are told apart by a hash alone.
    pub fn are_hashed(&self) -> bool {
        self.spread > 1
    }

    /// The values with bins of their own, by text.
    pub fn values(&self) -> &[Box<str>] {
        &self.values
    }

    /// The bins of values that have none of their own.
    pub fn others(&self) -> Range<usize> {
        self.values.len()..self.values.len() + usize::from(self.spread)
    }

    /// All bins.
    pub fn bins(&self) -> usize {
        self.others().end + 2
    }

    /// The bin of what a row has.
    pub fn bin_of(&self, category: Category) -> usize {
        match category {
            Category::Value(value) => {
                let known = self.values.binary_search_by(|known| known.as_ref().cmp(value));
                known.unwrap_or_else(|_| self.bin_among_others(|hash| hash.write_str(value)))
            }
            Category::Missing => self.others().end,
            Category::Invalid => self.others().end + 1,
        }
    }

    /// The bin of a number whose text is not among the values.
    pub fn bin_of_other_number(&self, number: f64) -> usize {
        self.bin_among_others(|hash| hash.write_number(number))
    }

    fn bin_among_others(&self, write: impl FnOnce(&mut TextHash) -> fmt::Result) -> usize {
        if !self.are_hashed() {
            return self.values.len();
        }
        // The highest bits; there are as many bins as a power of two.
        (TextHash::of(KEYS, write) >> (64 - self.spread.trailing_zeros())) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_have_bins() {
        let bins = CategoryBins::of_reference([("b", 3), ("e", 3), ("a", 9), ("d", 2), ("d", 2), ("f", 0)], 3);
        assert_eq!(bins.values().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a", "b", "d"]);
        let rows = [Category::Value("d"), Category::Value("e"), Category::Missing, Category::Invalid];
        assert_eq!(rows.map(|row| bins.bin_of(row)), [2, 3, 4, 5]);
        assert_eq!(bins.bins(), 6);
    }

    #[test]
    fn without_a_reference_values_are_spread_by_a_hash_that_is_pinned() {
        let bins = CategoryBins::hashed();
        let bin = |text: &str| bins.bin_of(Category::Value(text));
        assert_eq!((bins.bins(), bins.others()), (130, 0..128));
        assert_eq!((bins.bin_of(Category::Missing), bins.bin_of(Category::Invalid)), (128, 129));
        assert_eq!(["0", "1", "DE", ""].map(bin), [16, 10, 108, 35]);
        // What flags and classes mostly are is told apart.
        for values in [&["0", "1"][..], &["true", "false"], &["yes", "no"], &["Y", "N"], &["M", "F"], &["a", "b", "c"]]
        {
            let mut bins: Vec<usize> = values.iter().map(|value| bin(value)).collect();
            bins.sort_unstable();
            bins.dedup();
            assert_eq!(bins.len(), values.len(), "{values:?}");
        }
        let mut rows = vec![0; 128];
        (0..12_800).for_each(|number| rows[bin(&number.to_string())] += 1);
        assert!(rows.iter().all(|rows| (50..150).contains(rows)), "evenly: {rows:?}");
    }

    #[test]
    fn a_number_is_the_value_of_its_text() {
        let bins = CategoryBins::hashed();
        for number in [0.0, -0.0, 1.0, -2.5, 1e300, 5e-324, 0.1] {
            let text = crate::event::label::number_as_class(number);
            assert_eq!(bins.bin_of_other_number(number), bins.bin_of(Category::Value(&text)), "{number}");
        }
        assert_eq!(CategoryBins::of_reference([("a", 1)], 1).bin_of_other_number(7.0), 1);
    }

    #[test]
    fn how_values_are_spread_is_written_only_where_they_are() {
        let json = |bins: &CategoryBins| serde_json::to_string(bins).unwrap();
        let known = CategoryBins::of_reference([("a", 1)], 1);
        assert_eq!(json(&known), r#"{"values":["a"]}"#);
        for bins in [known, CategoryBins::hashed()] {
            assert_eq!(serde_json::from_str::<CategoryBins>(&json(&bins)).unwrap(), bins);
        }
        for wrong in [r#"{"values":["a"],"spread":128}"#, r#"{"values":[],"spread":0}"#, r#"{"values":[],"spread":7}"#]
        {
            assert!(serde_json::from_str::<CategoryBins>(wrong).is_err(), "{wrong}");
        }
    }
}
