//! The cells of one pane: unpacked while records arrive for it, packed to bytes once its time has passed, so that an old
//! pane costs in proportion to the rows in it.
//!
//! A label that comes late is packed and put behind the bytes that are there, so it costs in proportion to itself and not
//! to its cell.

use crate::aggregate::Cell;
use crate::aggregate::wire::{
    Wire, WireError, put_signed, put_varint, take_bytes, take_length, take_signed, take_varint,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A segment value of one model (all versions), interned; 0 is the whole model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

/// A version of one model, interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub u32);

/// One cell, in either form.
#[derive(Debug, Clone)]
enum StoredCell {
    Open(Box<Cell>),
    Packed(PackedCell),
}

/// A cell as bytes: packed cells one after the other, to be summed.
#[derive(Debug, Clone, Default)]
struct PackedCell {
    bytes: Vec<u8>,
    /// Length of the first one; the others came later.
    first_len: usize,
}

/// Bytes behind the first packed cell that are never too many.
const LATER_BYTES: usize = 256;

impl PackedCell {
    fn pack(cell: &Cell) -> Self {
        let mut bytes = Vec::new();
        cell.encode(&mut bytes);
        bytes.shrink_to_fit();
        PackedCell { first_len: bytes.len(), bytes }
    }

    /// Adds `change`. What came later is summed up once it is longer than the first, so that neither memory nor unpacking
    /// more than doubles.
    fn merge(&mut self, change: &Cell) {
        change.encode(&mut self.bytes);
        if self.bytes.len() - self.first_len > self.first_len.max(LATER_BYTES) {
            *self = PackedCell::pack(&self.unpack());
        }
    }

    fn unpack(&self) -> Cell {
        let mut bytes = self.bytes.as_slice();
        let take = |bytes: &mut &[u8]| Cell::decode(bytes).expect("a cell that was packed here can be unpacked");
        let mut cell = take(&mut bytes);
        while !bytes.is_empty() {
            cell.merge(&take(&mut bytes));
        }
        cell
    }
}

/// All cells of one pane, and what finality needs of the model as a whole.
#[derive(Debug, Clone, Default)]
pub struct Pane {
    cells: BTreeMap<(GroupId, VersionId), StoredCell>,
    /// Some cell is open.
    is_open: bool,
    /// Predictions without a label.
    pub unmatched: i64,
    /// Labels that no prediction has met.
    pub unmet: i64,
}

impl Pane {
    /// Adds `change` to the cell of `group` and `version`.
    pub fn merge(&mut self, group: GroupId, version: VersionId, change: &Cell) {
        match self.cells.entry((group, version)).or_insert_with(|| StoredCell::Open(Box::default())) {
            StoredCell::Packed(packed) => packed.merge(change),
            StoredCell::Open(cell) => {
                cell.merge(change);
                self.is_open = true;
            }
        }
    }

    /// Packs what is unpacked.
    pub fn pack(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        for stored in self.cells.values_mut() {
            if let StoredCell::Open(cell) = stored {
                *stored = StoredCell::Packed(PackedCell::pack(cell));
            }
        }
    }

    /// What it has of `group` alone, packed; `None` if that is nothing.
    pub fn into_group(mut self, group: GroupId) -> Option<Pane> {
        self.cells.retain(|(of, _), _| *of == group);
        self.pack();
        (self.unmatched, self.unmet) = (0, 0);
        (!self.cells.is_empty()).then_some(self)
    }

    /// Calls `visit` with each version of `group`.
    pub fn visit<'a>(&'a self, group: GroupId, mut visit: impl FnMut(VersionId, Cow<'a, Cell>)) {
        let versions = (group, VersionId(0))..=(group, VersionId(u32::MAX));
        for ((_, version), stored) in self.cells.range(versions) {
            match stored {
                StoredCell::Open(cell) => visit(*version, Cow::Borrowed(cell)),
                StoredCell::Packed(packed) => visit(*version, Cow::Owned(packed.unpack())),
            }
        }
    }

    /// Appends the pane to `out`, every cell packed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_signed(out, self.unmatched);
        put_signed(out, self.unmet);
        put_varint(out, self.cells.len() as u64);
        for ((group, version), stored) in &self.cells {
            put_varint(out, u64::from(group.0));
            put_varint(out, u64::from(version.0));
            let packed = match stored {
                StoredCell::Packed(packed) => Cow::Borrowed(packed),
                StoredCell::Open(cell) => Cow::Owned(PackedCell::pack(cell)),
            };
            put_varint(out, packed.first_len as u64);
            put_varint(out, packed.bytes.len() as u64);
            out.extend_from_slice(&packed.bytes);
        }
    }

    /// From what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn decode(input: &mut &[u8]) -> Result<Pane, WireError> {
        let mut pane = Pane { unmatched: take_signed(input)?, unmet: take_signed(input)?, ..Pane::default() };
        for _ in 0..take_length(input)? {
            let group = u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a group"))?;
            let version = u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a version"))?;
            let first_len = take_length(input)?;
            let len = take_length(input)?;
            let bytes = take_bytes(input, len)?.to_vec();
            let packed = StoredCell::Packed(PackedCell { bytes, first_len });
            pane.cells.insert((GroupId(group), VersionId(version)), packed);
        }
        Ok(pane)
    }

    /// The groups that have a cell.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let mut last = None;
        self.cells.keys().map(|(group, _)| *group).filter(move |group| last.replace(*group) != Some(*group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{BinaryOutcome, QualityOutcome};

    fn matched(row: i64) -> Cell {
        let score = (row % 97) as f64 / 97.0;
        let outcome = BinaryOutcome { score: Some(score), predicted: score >= 0.5, actual: row % 3 == 0 };
        let mut cell = Cell::default();
        cell.add_match(1, QualityOutcome::Binary(outcome), 1_000 * row, 1_000_000 + row);
        cell
    }

    #[test]
    fn labels_that_come_after_packing_are_the_same_as_before_and_are_summed_up_in_time() {
        let mut pane = Pane::default();
        let mut sum = Cell::default();
        for row in 0..500 {
            pane.merge(GroupId(0), VersionId(0), &matched(row));
            sum.merge(&matched(row));
            if row == 20 {
                pane.pack();
            }
        }
        pane.visit(GroupId(0), |_, cell| assert_eq!(*cell, sum));
        let Some(StoredCell::Packed(packed)) = pane.cells.get(&(GroupId(0), VersionId(0))) else {
            panic!("a late label opens nothing")
        };
        let mut bytes = Vec::new();
        sum.encode(&mut bytes);
        assert!(packed.bytes.len() < 2 * bytes.len() + LATER_BYTES, "{} bytes", packed.bytes.len());
    }
}
