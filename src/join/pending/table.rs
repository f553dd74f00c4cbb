//! The live table: rows in arrival order in fixed chunks, found through an open-addressing index of row numbers.
//!
//! Chunks never move, so growing costs no copy of rows and no doubling of memory; the index is 4 bytes and a control
//! byte per slot. Several rows may share a key.

use crate::join::request::RequestKey;
use hashbrown::HashTable;

/// Rows per chunk.
const CHUNK_ROWS: usize = 4096;

/// A row that is found by its request key.
pub trait Keyed: Copy {
    /// Its key.
    fn key(&self) -> RequestKey;
    /// It was removed and only takes space.
    fn is_removed(&self) -> bool;
    /// Marks it as removed.
    fn set_removed(&mut self);
}

/// Rows by request key, in arrival order.
#[derive(Debug, Clone)]
pub struct LiveTable<R> {
    chunks: Vec<Vec<R>>,
    index: HashTable<u32>,
    row_count: usize,
    removed_count: usize,
    /// Rows with lower numbers are in the index: all but while a log is read.
    indexed: usize,
}

impl<R> Default for LiveTable<R> {
    fn default() -> Self {
        LiveTable { chunks: Vec::new(), index: HashTable::new(), row_count: 0, removed_count: 0, indexed: 0 }
    }
}

impl<R: Keyed> LiveTable<R> {
    /// Most rows a table can number.
    pub const MAX_ROWS: usize = u32::MAX as usize;

    /// Adds a row and returns its number.
    pub fn insert(&mut self, row: R) -> u32 {
        let number = self.append(row);
        self.indexed = self.row_count;
        let chunks = &self.chunks;
        self.index.insert_unique(row.key().low(), number, |number| row_at(chunks, *number).key().low());
        number
    }

    /// Adds a row that is not found before [`Self::index_appended`], and returns its number.
    pub fn append(&mut self, row: R) -> u32 {
        assert!(self.row_count < Self::MAX_ROWS, "a live table is sealed before it is full");
        let number = self.row_count as u32;
        if self.row_count.is_multiple_of(CHUNK_ROWS) {
            // The first chunk grows as needed, so that many small tables stay small.
            self.chunks.push(if self.chunks.is_empty() { Vec::new() } else { Vec::with_capacity(CHUNK_ROWS) });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(row);
        }
        self.row_count += 1;
        number
    }

    /// Has all rows found that were appended: the index grows once, however many there are.
    pub fn index_appended(&mut self) {
        let first = std::mem::replace(&mut self.indexed, self.row_count);
        if first == self.row_count {
            return;
        }
        let chunks = &self.chunks;
        let hash = |number: &u32| row_at(chunks, *number).key().low();
        self.index.reserve(self.row_count - first, hash);
        let rows = chunks.iter().skip(first / CHUNK_ROWS).flatten().skip(first % CHUNK_ROWS);
        for (row, number) in rows.zip(first as u32..).filter(|(row, _)| !row.is_removed()) {
            self.index.insert_unique(row.key().low(), number, hash);
        }
    }

    /// Numbers of the rows with `key`, in no particular order.
    pub fn find(&self, key: RequestKey) -> impl Iterator<Item = u32> + '_ {
        debug_assert_eq!(
            self.indexed, self.row_count,
            "rows that were appended are indexed before they are looked for"
        );
        self.index.iter_hash(key.low()).copied().filter(move |number| self.get(*number).key() == key)
    }

    /// The row with `number`.
    pub fn get(&self, number: u32) -> &R {
        row_at(&self.chunks, number)
    }

    /// The row with `number`, to be changed; its key must stay.
    pub fn get_mut(&mut self, number: u32) -> &mut R {
        &mut self.chunks[number as usize / CHUNK_ROWS][number as usize % CHUNK_ROWS]
    }

    /// Takes the row out; its space is freed by the next [`Self::retain`].
    pub fn remove(&mut self, number: u32) {
        let row = self.get_mut(number);
        if row.is_removed() {
            return;
        }
        row.set_removed();
        let hash = row.key().low();
        if let Ok(entry) = self.index.find_entry(hash, |candidate| *candidate == number) {
            entry.remove();
        }
        self.removed_count += 1;
    }

    /// All rows that were not removed, in arrival order.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.chunks.iter().flatten().filter(|row| !row.is_removed())
    }

    /// Rows from `number` on that were not removed, in arrival order.
    pub fn rows_from(&self, number: u32) -> impl Iterator<Item = &R> {
        let chunk = number as usize / CHUNK_ROWS;
        let rows = self.chunks.iter().skip(chunk).flatten().skip(number as usize % CHUNK_ROWS);
        rows.filter(|row| !row.is_removed())
    }

    /// Rebuilds the table from the rows that `keep` lets stay, in their order; row numbers change. Gives how many stay of
    /// those with a number below `mark`.
    pub fn retain(&mut self, mark: u32, mut keep: impl FnMut(&mut R) -> bool) -> u32 {
        let chunks = std::mem::take(&mut self.chunks);
        let len = self.len();
        *self = LiveTable { index: HashTable::with_capacity(len), ..LiveTable::default() };
        let mut below_mark = 0;
        for (number, mut row) in (0..).zip(chunks.into_iter().flatten()) {
            if !row.is_removed() && keep(&mut row) {
                self.insert(row);
                below_mark += u32::from(number < mark);
            }
        }
        below_mark
    }

    /// Rows that were not removed.
    pub fn len(&self) -> usize {
        self.row_count - self.removed_count
    }

    /// True if no row is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows that take space, removed ones included.
    pub fn occupied(&self) -> usize {
        self.row_count
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        let rows: usize = self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<R>()).sum();
        rows + self.chunks.capacity() * size_of::<Vec<R>>() + self.index.allocation_size()
    }
}

fn row_at<R>(chunks: &[Vec<R>], number: u32) -> &R {
    &chunks[number as usize / CHUNK_ROWS][number as usize % CHUNK_ROWS]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Row(u128, u32, bool);

    impl Keyed for Row {
        fn key(&self) -> RequestKey {
            RequestKey(self.0)
        }
        fn is_removed(&self) -> bool {
            self.2
        }
        fn set_removed(&mut self) {
            self.2 = true;
        }
    }

    #[test]
    fn several_rows_of_one_key_are_found_and_equal_index_hashes_are_told_apart() {
        let mut table = LiveTable::default();
        let other_high_half = 7 | 1 << 100;
        for (i, key) in [7, 7, other_high_half, 8].into_iter().enumerate() {
            table.insert(Row(key, i as u32, false));
        }
        let mut found: Vec<u32> = table.find(RequestKey(7)).collect();
        found.sort_unstable();
        assert_eq!(found, [0, 1]);
        table.remove(0);
        assert_eq!(table.find(RequestKey(7)).collect::<Vec<_>>(), [1]);
        assert_eq!(table.len(), 3);
    }

    #[test]
    fn rows_that_are_appended_are_found_once_they_are_indexed() {
        let mut table = LiveTable::default();
        for i in 0..10_000u32 {
            table.append(Row(u128::from(i / 2), i, false));
            if matches!(i, 5_000 | 9_999) {
                table.index_appended();
                let found = |key: u32| table.find(RequestKey(u128::from(key))).count();
                assert!((0..i / 2).all(|key| found(key) == 2), "of {i}");
            }
        }
        table.insert(Row(0, 10_000, false));
        assert_eq!(table.find(RequestKey(0)).count(), 3);
    }

    #[test]
    fn retain_keeps_order_and_drops_removed_rows_over_many_chunks() {
        let mut table = LiveTable::default();
        for i in 0..10_000u32 {
            table.insert(Row(u128::from(i), i, false));
        }
        table.remove(4);
        let below = table.retain(11, |row| row.1.is_multiple_of(2));
        assert_eq!(below, 5, "0, 2, 6, 8, 10");
        let left: Vec<u32> = table.rows().map(|row| row.1).collect();
        assert_eq!(left.len(), 4999);
        assert!(left.is_sorted() && !left.contains(&4));
        assert!(left.iter().all(|i| table.find(RequestKey(u128::from(*i))).count() == 1));
    }
}
