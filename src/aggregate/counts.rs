//! `SortedCounts`: how often each key occurs, as a sorted list without zeros.
//!
//! An old pane into which labels trickle holds a handful of keys, so the list costs in proportion to what is in it, and
//! a single key costs no allocation.

use super::linear::Linear;
use smallvec::SmallVec;
use std::ops::Deref;

/// Counts per key: `(key, count)` sorted by key, without repetition and without zeros. Reads as a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortedCounts<K> {
    entries: SmallVec<[(K, i64); 1]>,
}

impl<K: Copy + Ord> SortedCounts<K> {
    /// Adds `n` to the count of `key`; a count that becomes zero is forgotten.
    #[inline]
    pub fn add(&mut self, key: K, n: i64) {
        match self.entries.binary_search_by(|entry| entry.0.cmp(&key)) {
            Ok(place) => {
                self.entries[place].1 += n;
                if self.entries[place].1 == 0 {
                    self.entries.remove(place);
                }
            }
            Err(place) if n != 0 => self.entries.insert(place, (key, n)),
            Err(_) => {}
        }
    }

    /// No counts yet, room for `length`.
    pub(super) fn with_capacity(length: usize) -> Self {
        SortedCounts { entries: SmallVec::with_capacity(length) }
    }

    /// Adds a count that is not zero behind the others; `key` is greater than theirs.
    #[inline]
    pub(super) fn push(&mut self, key: K, n: i64) {
        debug_assert!(n != 0 && self.entries.last().is_none_or(|last| last.0 < key), "counts come in order");
        self.entries.push((key, n));
    }

    /// The count of `key`, 0 if it does not occur.
    pub fn get(&self, key: K) -> i64 {
        self.entries.binary_search_by(|entry| entry.0.cmp(&key)).map_or(0, |place| self.entries[place].1)
    }

    /// Sum of all counts.
    pub fn total(&self) -> i64 {
        self.entries.iter().map(|entry| entry.1).sum()
    }

    /// Adds each of `others`, which are sorted by key without repetition: one pass over both.
    fn merge_sorted(&mut self, others: &[(K, i64)]) {
        if others.len() <= 4 {
            others.iter().for_each(|&(key, n)| self.add(key, n));
            return;
        }
        let mut merged = SmallVec::with_capacity(self.entries.len().max(others.len()));
        let (mut mine, mut theirs) = (self.entries.iter().copied().peekable(), others.iter().copied().peekable());
        loop {
            let (key, n) = match (mine.peek(), theirs.peek()) {
                (Some(&(a, n)), Some(&(b, m))) if a == b => {
                    mine.next();
                    theirs.next();
                    (a, n + m)
                }
                (Some(a), Some(b)) if b.0 < a.0 => theirs.next().expect("peeked"),
                (Some(_), _) => mine.next().expect("peeked"),
                (None, Some(_)) => theirs.next().expect("peeked"),
                (None, None) => break,
            };
            if n != 0 {
                merged.push((key, n));
            }
        }
        self.entries = merged;
    }
}

impl<K> Default for SortedCounts<K> {
    fn default() -> Self {
        SortedCounts { entries: SmallVec::new() }
    }
}

impl<K> Deref for SortedCounts<K> {
    type Target = [(K, i64)];
    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<'a, K> IntoIterator for &'a SortedCounts<K> {
    type Item = &'a (K, i64);
    type IntoIter = std::slice::Iter<'a, (K, i64)>;
    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

/// From entries in any order; counts of the same key add up.
impl<K: Copy + Ord> FromIterator<(K, i64)> for SortedCounts<K> {
    fn from_iter<I: IntoIterator<Item = (K, i64)>>(entries: I) -> Self {
        let mut entries: SmallVec<[(K, i64); 1]> = entries.into_iter().collect();
        entries.sort_by_key(|entry| entry.0);
        entries.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        entries.retain(|entry| entry.1 != 0);
        SortedCounts { entries }
    }
}

impl<K: Copy + Ord> Linear for SortedCounts<K> {
    fn merge(&mut self, other: &Self) {
        self.merge_sorted(other);
    }

    fn negate(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.1 = -entry.1);
    }

    fn is_zero(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entries() -> impl Strategy<Value = Vec<(u8, i64)>> {
        prop::collection::vec((0u8..20, -2i64..=2), 0..40)
    }

    fn expected<'a>(entries: impl IntoIterator<Item = &'a (u8, i64)>) -> Vec<(u8, i64)> {
        let mut map = BTreeMap::<u8, i64>::new();
        entries.into_iter().for_each(|&(key, n)| *map.entry(key).or_default() += n);
        map.into_iter().filter(|&(_, n)| n != 0).collect()
    }

    proptest! {
        #[test]
        fn adding_collecting_and_merging_agree_with_a_map(a in entries(), b in entries()) {
            let mut added = SortedCounts::default();
            a.iter().for_each(|&(key, n)| added.add(key, n));
            prop_assert_eq!(&added[..], &expected(&a)[..]);
            prop_assert_eq!(&added, &a.iter().copied().collect());
            prop_assert_eq!(added.total(), a.iter().map(|entry| entry.1).sum::<i64>());
            added.merge(&b.iter().copied().collect());
            prop_assert_eq!(&added[..], &expected(a.iter().chain(&b))[..]);
            for (key, n) in &added {
                prop_assert_eq!(added.get(*key), *n);
            }
        }
    }
}
