//! `RowId`: names what a row is about, the same in every run, and in any program that follows this recipe.
//!
//! SHA-256 over the identifying columns one after the other, cut to 16 bytes, in lower-case hexadecimal. A text is its length
//! in bytes as 4 bytes big-endian, then its UTF-8; null is the length 0xffffffff alone.

use sha2::{Digest, Sha256};

/// Appends a column that is a text, or null.
pub fn put_column(columns: &mut Vec<u8>, text: Option<&str>) {
    match text {
        // No text is that long: it would not fit a record.
        Some(text) => {
            columns.extend_from_slice(&(text.len() as u32).to_be_bytes());
            columns.extend_from_slice(text.as_bytes());
        }
        None => columns.extend_from_slice(&u32::MAX.to_be_bytes()),
    }
}

/// An id as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId([u8; 16]);

impl RowId {
    /// Of identifying columns, as [`put_column`] appends them.
    pub fn of(columns: &[u8]) -> RowId {
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(columns)[..16]);
        RowId(id)
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// From what [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> RowId {
        RowId(bytes)
    }

    /// Appends it as it is published.
    pub fn put_text(self, out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out.push_str(str::from_utf8(&text).expect("hexadecimal digits are ASCII"));
    }
}
