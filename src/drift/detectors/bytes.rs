//! Parts that the byte forms of the detectors share.

use crate::aggregate::wire::{Wire, WireError, take_byte, take_varint};

/// More values than any stream has. Counts of decoded states are at most this, so that they are exact as doubles and
/// their sums do not overflow.
const COUNT_MAX: u64 = 1 << 48;

/// Reads a count.
pub(super) fn take_count(input: &mut &[u8]) -> Result<u64, WireError> {
    let count = take_varint(input)?;
    if count > COUNT_MAX { Err(WireError::Malformed("a count is too large")) } else { Ok(count) }
}

/// Reads a number of 32 bits.
pub(super) fn take_u32(input: &mut &[u8]) -> Result<u32, WireError> {
    u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a parameter is too large"))
}

/// Writes a byte that says yes or no.
pub(super) fn put_flag(out: &mut Vec<u8>, flag: bool) {
    out.push(u8::from(flag));
}

/// Reads what [`put_flag`] wrote.
pub(super) fn take_flag(input: &mut &[u8]) -> Result<bool, WireError> {
    match take_byte(input)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError::Malformed("neither yes nor no")),
    }
}

/// Writes whether there is a value, and the value.
pub(super) fn put_option<T: Wire>(out: &mut Vec<u8>, value: Option<&T>) {
    put_flag(out, value.is_some());
    if let Some(value) = value {
        value.encode(out);
    }
}

/// Reads what [`put_option`] wrote.
pub(super) fn take_option<T: Wire>(input: &mut &[u8]) -> Result<Option<T>, WireError> {
    take_flag(input)?.then(|| T::decode(input)).transpose()
}
