//! The packed byte form of accumulators, for partials and changelogs.
//!
//! It is sparse: what is zero costs a bit or nothing, keys are written as distances, numbers in as few bytes as they
//! need. And it is canonical: equal values give equal bytes. Labels that trickle into old panes are the common case, so
//! a part that holds one row is written as that row instead of as everything that follows from it; a cell that holds
//! one late binary label takes at most 32 bytes.
//!
//! Bytes come from topics, so decoding trusts nothing: what is cut off or makes no sense is a [`WireError`].

mod cell;
mod expected;
mod features;
mod partial;
mod sums;
mod tasks;

use std::sync::Arc;

/// A value with a packed byte form. Forms are self-delimiting: they can follow each other without lengths between.
pub trait Wire: Sized {
    /// Appends the value's bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads one value from the front of `input` and moves `input` behind it.
    ///
    /// # Errors
    /// If the bytes end early or are none that `encode` writes.
    fn decode(input: &mut &[u8]) -> Result<Self, WireError>;
}

/// Why bytes could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The input ends inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// The bytes are not what `encode` writes.
    #[error("malformed bytes: {0}")]
    Malformed(&'static str),
}

/// More rows than any pane can hold; with it, sums of decoded counts cannot overflow.
const COUNT_MAX: u64 = 1 << 48;

/// Takes the next `count` bytes.
pub fn take_bytes<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], WireError> {
    let (taken, rest) = input.split_at_checked(count).ok_or(WireError::Truncated)?;
    *input = rest;
    Ok(taken)
}

/// Takes the next byte.
pub fn take_byte(input: &mut &[u8]) -> Result<u8, WireError> {
    Ok(take_bytes(input, 1)?[0])
}

/// Writes an unsigned number in LEB128: seven bits per byte, lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads what [`put_varint`] wrote.
pub fn take_varint(input: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(input)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
            return Err(WireError::Malformed("a number is too long"));
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(WireError::Malformed("a number is too long"))
}

/// Writes a signed number so that small magnitudes are short: 0, −1, 1, −2 … become 0, 1, 2, 3 …
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

/// Reads what [`put_signed`] wrote.
pub fn take_signed(input: &mut &[u8]) -> Result<i64, WireError> {
    take_varint(input).map(unzigzag)
}

fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Reads a signed count of rows.
fn take_count(input: &mut &[u8]) -> Result<i64, WireError> {
    let count = take_signed(input)?;
    if count.unsigned_abs() > COUNT_MAX {
        return Err(WireError::Malformed("a count is too large"));
    }
    Ok(count)
}

/// Reads how many items follow, each of at least one byte: never more than bytes are left.
pub fn take_length(input: &mut &[u8]) -> Result<usize, WireError> {
    let length = take_varint(input)?;
    if length > input.len() as u64 {
        return Err(WireError::Truncated);
    }
    Ok(length as usize)
}

/// Writes a text: its length in bytes, then UTF-8.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Reads what [`put_text`] wrote.
pub fn take_text(input: &mut &[u8]) -> Result<Arc<str>, WireError> {
    let length = take_length(input)?;
    let bytes = take_bytes(input, length)?;
    std::str::from_utf8(bytes).map(Arc::from).map_err(|_| WireError::Malformed("text that is not UTF-8"))
}

/// Bytes of `value` without the zeros at its high end: how many, and the bytes, lowest first.
fn trimmed(value: u128) -> (usize, [u8; 16]) {
    let length = (u128::BITS - value.leading_zeros()).div_ceil(8) as usize;
    (length, value.to_le_bytes())
}

/// Reads a number of `length` ≤ 16 bytes that [`trimmed`] gave.
fn take_trimmed(input: &mut &[u8], length: usize) -> Result<u128, WireError> {
    let taken = take_bytes(input, length)?;
    if length > 16 || taken.last() == Some(&0) {
        return Err(WireError::Malformed("a number is too long"));
    }
    let mut bytes = [0; 16];
    bytes[..length].copy_from_slice(taken);
    Ok(u128::from_le_bytes(bytes))
}

/// A double's bits turned round, so that the zeros at the end of its fraction are high and need no bytes.
fn turned(x: f64) -> u128 {
    u128::from(x.to_bits().swap_bytes())
}

/// Reads a double of `length` ≤ 8 bytes that was [`turned`] and [`trimmed`]; finite.
fn take_turned(input: &mut &[u8], length: usize) -> Result<f64, WireError> {
    let bits = u64::try_from(take_trimmed(input, length)?).map_err(|_| WireError::Malformed("a double is too long"))?;
    let x = f64::from_bits(bits.swap_bytes());
    if x.is_finite() { Ok(x) } else { Err(WireError::Malformed("a double is not finite")) }
}

/// Writes a finite double: a length and up to eight bytes.
pub fn put_double(out: &mut Vec<u8>, x: f64) {
    let (length, bytes) = trimmed(turned(x));
    out.push(length as u8);
    out.extend_from_slice(&bytes[..length]);
}

/// Reads what [`put_double`] wrote.
pub fn take_double(input: &mut &[u8]) -> Result<f64, WireError> {
    let length = take_byte(input)?;
    take_turned(input, usize::from(length))
}

#[cfg(test)]
mod tests;
