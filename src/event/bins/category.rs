//! `CategoryBins`: the frequent values of a reference, and bins for what is not among them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// Bins of a category, in this order: the values by text, unseen, missing, invalid.
///
/// Values beyond the cap fold into *unseen* in the reference and in every window alike, so the two stay comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct CategoryBins {
    /// Ascending.
    values: Vec<Box<str>>,
}

/// Bins as they were written, not checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    values: Vec<Box<str>>,
}

impl TryFrom<Written> for CategoryBins {
    type Error = &'static str;

    fn try_from(Written { values }: Written) -> Result<Self, &'static str> {
        if !values.windows(2).all(|pair| pair[0] < pair[1]) || values.len() > MAX_VALUES {
            return Err("`values` are at most 10,000 texts that ascend");
        }
        Ok(CategoryBins { values })
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
        CategoryBins { values }
    }

    /// The values with bins of their own, by text.
    pub fn values(&self) -> &[Box<str>] {
        &self.values
    }

    /// All bins.
    pub fn bins(&self) -> usize {
        self.values.len() + 3
    }

    /// The bin of what a row has.
    pub fn bin_of(&self, category: Category) -> usize {
        match category {
            Category::Value(value) => {
                self.values.binary_search_by(|known| known.as_ref().cmp(value)).unwrap_or(self.values.len())
            }
            Category::Missing => self.values.len() + 1,
            Category::Invalid => self.values.len() + 2,
        }
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
}
