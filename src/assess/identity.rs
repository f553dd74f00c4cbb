//! The `id` of a metric row: the same in every run, and in any program that follows this recipe.
//!
//! SHA-256 over the identifying columns one after the other, cut to 16 bytes, in lower-case hexadecimal. A text is its
//! length in bytes as 4 bytes big-endian, then its UTF-8; null is the length 0xffffffff alone; a number is 8 bytes
//! big-endian. Order: model_id, model_version, segment_key, segment_value, metric, feature, class, predicted_class,
//! window_size_ms, window_advance_ms, window_start, reference kind.

use crate::event::MetricRow;
use sha2::{Digest, Sha256};

/// The id of `row`; its own `id` column is not looked at.
pub fn row_id(row: &MetricRow) -> String {
    let mut hash = Sha256::new();
    for text in [&row.model_id, &row.model_version, &row.segment_key, &row.segment_value, &row.metric] {
        add_text(&mut hash, Some(text));
    }
    for text in [&row.feature, &row.class, &row.predicted_class] {
        add_text(&mut hash, text.as_deref());
    }
    for number in [row.window_size_ms, row.window_advance_ms, row.window_start] {
        hash.update(number.to_be_bytes());
    }
    // No reference is in use.
    add_text(&mut hash, None);
    hexadecimal(&hash.finalize()[..16])
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn add_text(hash: &mut Sha256, text: Option<&str>) {
    match text {
        // No text is that long: it would not fit a record.
        Some(text) => {
            hash.update((text.len() as u32).to_be_bytes());
            hash.update(text.as_bytes());
        }
        None => hash.update(u32::MAX.to_be_bytes()),
    }
}
