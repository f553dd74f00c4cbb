//! A sealed table: rows sorted by key behind a binary fuse filter of 9 bits a row.
//!
//! A time segment whose time has passed gets few new rows, so it trades the index for order: a key that is not there is
//! refused by the filter with three reads, a key that is there is found by interpolation (keys are uniform hashes).
//! Source: Graf, Lemire: Binary Fuse Filters: Fast and Smaller Than Xor Filters, 2022.

use super::row::{PendingRow, Settled};
use crate::join::request::RequestKey;
use xorf::{BinaryFuse8, Filter};

/// Sorted rows that can be found and changed in place, but not added to.
#[derive(Debug)]
pub struct SealedTable {
    rows: Vec<PendingRow>,
    filter: Option<BinaryFuse8>,
    removed_count: usize,
}

impl SealedTable {
    /// Sorts `rows` (rows of one key keep their order) and builds the filter.
    pub fn seal(mut rows: Vec<PendingRow>) -> Self {
        rows.shrink_to_fit();
        rows.sort_by_key(|row| row.key);
        let mut hashes: Vec<u64> = rows.iter().map(|row| row.key.low()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        // Building fails with negligible probability; then every lookup searches.
        let filter = BinaryFuse8::try_from(&hashes).ok();
        SealedTable { rows, filter, removed_count: 0 }
    }

    /// Positions of the rows with `key`.
    pub fn find(&self, key: RequestKey) -> std::ops::Range<usize> {
        if self.filter.as_ref().is_some_and(|filter| !filter.contains(&key.low())) {
            return 0..0;
        }
        let start = self.lower_bound(key);
        let len = self.rows[start..].iter().take_while(|row| row.key == key).count();
        start..start + len
    }

    /// First position whose key is not less than `key`: interpolation until the range is small, then bisection.
    fn lower_bound(&self, key: RequestKey) -> usize {
        let (mut low, mut high) = (0, self.rows.len());
        let target = u128::from(key.high());
        while high - low > 32 {
            let first = u128::from(self.rows[low].key.high());
            let last = u128::from(self.rows[high - 1].key.high());
            if target <= first || target >= last {
                break;
            }
            let guess = low + ((target - first) * (high - 1 - low) as u128 / (last - first)) as usize;
            // A step to either side of the guess catches what interpolation is off by.
            let reach = 8 + (high - low) / 64;
            let (left, right) = (guess.saturating_sub(reach).max(low), (guess + reach).min(high - 1));
            if self.rows[left].key < key {
                low = left;
            } else {
                high = left + 1;
                continue;
            }
            if self.rows[right].key >= key {
                high = right + 1;
            } else {
                low = right;
            }
            if right - left < 2 {
                break;
            }
        }
        low + self.rows[low..high].partition_point(|row| row.key < key)
    }

    /// The row at `position`.
    pub fn get(&self, position: usize) -> &PendingRow {
        &self.rows[position]
    }

    /// The row at `position`, to be changed; its key must stay.
    pub fn get_mut(&mut self, position: usize) -> &mut PendingRow {
        &mut self.rows[position]
    }

    /// Marks the row at `position` as removed.
    pub fn remove(&mut self, position: usize) {
        if self.rows[position].settled != Settled::REMOVED {
            self.rows[position].settled = Settled::REMOVED;
            self.removed_count += 1;
        }
    }

    /// All rows that were not removed.
    pub fn rows(&self) -> impl Iterator<Item = &PendingRow> {
        self.rows.iter().filter(|row| row.settled != Settled::REMOVED)
    }

    /// Rows that were not removed.
    pub fn len(&self) -> usize {
        self.rows.len() - self.removed_count
    }

    /// Rows that take space, removed ones included.
    pub fn occupied(&self) -> usize {
        self.rows.len()
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        let filter = self.filter.as_ref().map_or(0, |filter| filter.fingerprints.len());
        self.rows.capacity() * size_of::<PendingRow>() + filter
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::{PayloadAt, RowKind};
    use super::*;
    use crate::join::series::SeriesId;
    use proptest::prelude::*;

    fn row(key: u128, time: i64) -> PendingRow {
        PendingRow {
            key: RequestKey(key),
            time,
            output: 0.5,
            series: SeriesId(0),
            payload: PayloadAt::NONE,
            settled: Settled::WAITING,
            class: 0,
            kind: RowKind::Binary,
        }
    }

    proptest! {
        #[test]
        fn every_key_is_found_and_no_other(
            ids in prop::collection::vec(0u32..3_000, 0..2_000), skewed in any::<bool>(), probes in prop::collection::vec(0u32..3_000, 50)
        ) {
            // Real hashes, or keys crowded into one corner, which interpolation must survive.
            let key = |id: u32| if skewed { u128::from(id) << 70 } else { RequestKey::of(&id.to_string()).0 };
            let table = SealedTable::seal(ids.iter().enumerate().map(|(i, id)| row(key(*id), i as i64)).collect());
            for probe in probes {
                let expected: Vec<i64> =
                    ids.iter().enumerate().filter(|(_, id)| **id == probe).map(|(i, _)| i as i64).collect();
                let found: Vec<i64> = table.find(RequestKey(key(probe))).map(|at| table.get(at).time).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
