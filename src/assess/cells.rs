//! The cells of one pane: unpacked while records arrive for it, packed to bytes once its time has passed, so that an old
//! pane costs in proportion to the rows in it.

use crate::aggregate::Cell;
use crate::aggregate::wire::Wire;
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
    Packed(Box<[u8]>),
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
        let stored = self.cells.entry((group, version)).or_insert_with(|| StoredCell::Open(Box::default()));
        if let StoredCell::Packed(bytes) = stored {
            *stored = StoredCell::Open(Box::new(unpack(bytes)));
        }
        if let StoredCell::Open(cell) = stored {
            cell.merge(change);
            self.is_open = true;
        }
    }

    /// Packs what is unpacked.
    pub fn pack(&mut self) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        let mut bytes = Vec::new();
        for stored in self.cells.values_mut() {
            if let StoredCell::Open(cell) = stored {
                bytes.clear();
                cell.encode(&mut bytes);
                *stored = StoredCell::Packed(bytes.as_slice().into());
            }
        }
    }

    /// Calls `visit` with each version of `group`.
    pub fn visit(&self, group: GroupId, mut visit: impl FnMut(VersionId, &Cell)) {
        let versions = (group, VersionId(0))..=(group, VersionId(u32::MAX));
        for ((_, version), stored) in self.cells.range(versions) {
            match stored {
                StoredCell::Open(cell) => visit(*version, cell),
                StoredCell::Packed(bytes) => visit(*version, &unpack(bytes)),
            }
        }
    }

    /// The groups that have a cell.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> + '_ {
        let mut last = None;
        self.cells.keys().map(|(group, _)| *group).filter(move |group| last.replace(*group) != Some(*group))
    }
}

fn unpack(bytes: &[u8]) -> Cell {
    Cell::decode(&mut &*bytes).expect("a cell that was packed here can be unpacked")
}
