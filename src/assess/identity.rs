//! The `id` of a metric row: the same in every run, and in any program that follows this recipe.
//!
//! SHA-256 over the identifying columns one after the other, cut to 16 bytes, in lower-case hexadecimal. A text is its
//! length in bytes as 4 bytes big-endian, then its UTF-8; null is the length 0xffffffff alone; a number is 8 bytes
//! big-endian. Order: model_id, model_version, segment_key, segment_value, metric, feature, class, predicted_class,
//! window_size_ms, window_advance_ms, window_start, reference_kind (of drift metrics `fixed` or another, of all others
//! null).

use crate::event::MetricRow;
use sha2::{Digest, Sha256};

/// An id as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowId([u8; 16]);

impl RowId {
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

/// Ids of the rows of one series after the other.
#[derive(Debug, Default)]
pub struct RowIds {
    /// What is hashed: the columns that name the series, and behind them those of the last row.
    columns: Vec<u8>,
    series_len: usize,
}

impl RowIds {
    /// Goes on to the series that `row` is of; what of it is no column of the series is not looked at.
    pub fn begin_series(&mut self, row: &MetricRow) {
        self.columns.clear();
        for text in [&row.model_id, &row.model_version, &row.segment_key, &row.segment_value] {
            self.add_text(Some(text));
        }
        self.series_len = self.columns.len();
    }

    /// The id of `row`, which is of the series begun last; its own `id` column is not looked at.
    pub fn id(&mut self, row: &MetricRow) -> RowId {
        self.columns.truncate(self.series_len);
        self.add_text(Some(&row.metric));
        for text in [&row.feature, &row.class, &row.predicted_class] {
            self.add_text(text.as_deref());
        }
        for number in [row.window_size_ms, row.window_advance_ms, row.window_start] {
            self.columns.extend_from_slice(&number.to_be_bytes());
        }
        self.add_text(row.reference_kind.as_deref());
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(&self.columns)[..16]);
        RowId(id)
    }

    fn add_text(&mut self, text: Option<&str>) {
        match text {
            // No text is that long: it would not fit a record.
            Some(text) => {
                self.columns.extend_from_slice(&(text.len() as u32).to_be_bytes());
                self.columns.extend_from_slice(text.as_bytes());
            }
            None => self.columns.extend_from_slice(&u32::MAX.to_be_bytes()),
        }
    }
}

/// The id of `row`; its own `id` column is not looked at.
pub fn row_id(row: &MetricRow) -> String {
    let mut ids = RowIds::default();
    ids.begin_series(row);
    let mut text = String::new();
    ids.id(row).put_text(&mut text);
    text
}
