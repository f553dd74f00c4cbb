//! Entries that wait for the next commit, in pieces that each fit one record of the changelog.

use super::entry::Tag;

/// A log in the making.
#[derive(Debug, Default)]
pub struct Journal {
    full: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Journal {
    /// A piece is closed once it is longer; an entry is never split.
    const PIECE_BYTES: usize = 768 * 1024;
    /// No piece is longer, unless a single entry is: it must fit a record.
    const PIECE_BYTES_MAX: usize = 850 * 1024;

    /// Appends an entry: its tag, then what `write` writes. `in_snapshot`: it is part of a snapshot.
    pub fn append(&mut self, tag: Tag, in_snapshot: bool, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.open.len();
        self.open.push(tag.byte(in_snapshot));
        write(&mut self.open);
        if self.open.len() > Self::PIECE_BYTES_MAX && start > 0 {
            let entry = self.open.split_off(start);
            self.full.push(std::mem::replace(&mut self.open, entry));
        }
        if self.open.len() >= Self::PIECE_BYTES {
            self.full.push(std::mem::take(&mut self.open));
        }
    }

    /// Moves the entries of `other` behind these.
    pub fn extend(&mut self, other: &mut Journal) {
        let pieces = other.take();
        if !pieces.is_empty() {
            self.close();
            self.full.extend(pieces);
            // The last piece may have room for more.
            self.open = self.full.pop().unwrap_or_default();
        }
    }

    /// Takes all pieces out, in order.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        self.close();
        std::mem::take(&mut self.full)
    }

    /// Length of all entries.
    pub fn bytes(&self) -> usize {
        self.full.iter().map(Vec::len).sum::<usize>() + self.open.len()
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.full.push(std::mem::take(&mut self.open));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_entry_does_not_make_a_piece_too_long_for_a_record() {
        let mut journal = Journal::default();
        for length in [700_000, 10, 900_000, 10] {
            journal.append(Tag::Row, false, |out| out.resize(out.len() + length, 7));
        }
        let pieces = journal.take();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [700_012, 900_001, 11]);
        assert!(pieces.iter().all(|piece| piece[0] == Tag::Row.byte(false)), "no entry is split");
    }
}
