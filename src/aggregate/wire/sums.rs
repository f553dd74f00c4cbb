//! Byte forms of exact sums, score bins and histograms.

use super::*;
use crate::aggregate::counts::SortedCounts;
use crate::aggregate::exact::Digits;
use crate::aggregate::histogram::MAX_BIN;
use crate::aggregate::{ExactSum, Histogram, SCORE_BINS, ScoreBins};

/// Weights of a sum's bytes are within 256^±this: squares of doubles reach from 256^−269 to 256^256.
const WEIGHT_MAX: i64 = 300;

/// Length and sign, the weight of the lowest byte, and the magnitude's bytes without zeros at either end; zero is one
/// byte.
impl Wire for ExactSum {
    fn encode(&self, out: &mut Vec<u8>) {
        let Digits { negative, digits, low } = self.digits();
        let (Some(first), Some(last)) = (digits.first(), digits.last()) else {
            return out.push(0);
        };
        let (low_zeros, high_zeros) = (first.trailing_zeros() as usize / 8, last.leading_zeros() as usize / 8);
        let length = digits.len() * 4 - low_zeros - high_zeros;
        put_varint(out, (length as u64) << 1 | u64::from(negative));
        put_signed(out, i64::from(low) * 4 + low_zeros as i64);
        let start = out.len();
        digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_le_bytes()));
        out.truncate(out.len() - high_zeros);
        out.drain(start..start + low_zeros);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let head = take_varint(input)?;
        if head == 0 {
            return Ok(ExactSum::default());
        }
        let weight = take_signed(input)?;
        let length = (head >> 1) as i64;
        if !(-WEIGHT_MAX..WEIGHT_MAX).contains(&weight) || length == 0 || length > WEIGHT_MAX - weight {
            return Err(WireError::Malformed("a sum is out of range"));
        }
        let bytes = take_bytes(input, length as usize)?;
        if bytes.first() == Some(&0) || bytes.last() == Some(&0) {
            return Err(WireError::Malformed("a sum has zeros at an end"));
        }
        let low_zeros = weight.rem_euclid(4) as usize;
        let mut digits = Digits { negative: head & 1 == 1, low: weight.div_euclid(4) as i32, ..Digits::default() };
        digits.digits.resize((low_zeros + bytes.len()).div_ceil(4), 0);
        for (place, &byte) in (low_zeros..).zip(bytes) {
            digits.digits[place / 4] |= u32::from(byte) << (8 * (place % 4));
        }
        Ok(ExactSum::from_digits(&digits))
    }
}

/// Writes counts by key: how many, then per key the distance to the one before (less one; the first as it is) with a
/// bit that says whether the count is one, else the count.
pub(super) fn put_counts(out: &mut Vec<u8>, length: usize, counts: impl Iterator<Item = (i64, i64)>) {
    put_varint(out, length as u64);
    let mut previous = None;
    for (key, n) in counts {
        let distance = match previous {
            None => zigzag(key),
            Some(previous) => (key - previous - 1) as u64,
        };
        previous = Some(key);
        put_varint(out, distance << 1 | u64::from(n != 1));
        if n != 1 {
            put_signed(out, n);
        }
    }
}

/// Reads what [`put_counts`] wrote; `key_of` turns the written form of a key into the key, and keeps
/// the order.
pub(super) fn take_counts<K: Copy + Ord>(
    input: &mut &[u8],
    key_of: impl Fn(i64) -> Option<K>,
) -> Result<SortedCounts<K>, WireError> {
    let length = take_length(input)?;
    let mut counts = SortedCounts::with_capacity(length);
    let mut previous: Option<i64> = None;
    for _ in 0..length {
        let head = take_varint(input)?;
        let key = match previous {
            None => Some(unzigzag(head >> 1)),
            Some(previous) => previous.checked_add((head >> 1) as i64).and_then(|key| key.checked_add(1)),
        };
        previous = key;
        let n = if head & 1 == 0 { 1 } else { take_count(input)? };
        if n == 0 || (n == 1 && head & 1 == 1) {
            return Err(WireError::Malformed("a count has another form"));
        }
        counts.push(key.and_then(&key_of).ok_or(WireError::Malformed("a key is out of range"))?, n);
    }
    Ok(counts)
}

impl Wire for ScoreBins {
    fn encode(&self, out: &mut Vec<u8>) {
        put_counts(out, self.used(), self.iter().map(|(bin, n)| (i64::from(bin), n)));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let bin = |key: i64| u16::try_from(key).ok().filter(|&bin| usize::from(bin) < SCORE_BINS);
        take_counts(input, bin).map(ScoreBins::from)
    }
}

impl Wire for Histogram {
    fn encode(&self, out: &mut Vec<u8>) {
        put_counts(out, self.bins.len(), self.iter().map(|(bin, n)| (i64::from(bin), n)));
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let bin = |key: i64| i32::try_from(key).ok().filter(|bin| bin.abs() <= MAX_BIN);
        Ok(Histogram { bins: take_counts(input, bin)? })
    }
}
