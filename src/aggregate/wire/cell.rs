//! Byte form of cells: a presence bitmap, then what is held.

use super::tasks::{TASK_BITS, put_tasks, take_tasks, task_bits};
use super::*;
use crate::aggregate::cell::LabelDelay;
use crate::aggregate::{Cell, ClassId, Count, Features, Latency, Linear};

// What a cell holds, as bits; above them the tasks of its quality and of its quality on expiry. What a late label
// changes comes first, so that it needs one byte.
const COUNTS: u64 = 1;
const LABEL_DELAY: u64 = 2;
const LAST_LABEL_TIME: u64 = 4;
const LATENCY: u64 = 8;
const CELL_BITS: u32 = 4;
/// Rare, so its bit is the highest.
const TAKEN_BACK: u64 = 1 << (CELL_BITS + 2 * TASK_BITS);
/// In cells of their own.
const FEATURES: u64 = TAKEN_BACK << 1;

impl Wire for Cell {
    fn encode(&self, out: &mut Vec<u8>) {
        let used = |(place, &n): (usize, &i64)| u64::from(n != 0) << place;
        let counts = self.counts.iter().enumerate().map(used).sum();
        let bit = |held: bool, bit: u64| if held { bit } else { 0 };
        let held = bit(counts != 0, COUNTS)
            | bit(!self.label_delay.is_zero(), LABEL_DELAY)
            | bit(self.last_label_time.is_some(), LAST_LABEL_TIME)
            | bit(!self.latency.is_zero(), LATENCY)
            | bit(!self.taken_back.is_empty(), TAKEN_BACK)
            | bit(!self.features.is_zero(), FEATURES)
            | task_bits(&self.quality) << CELL_BITS
            | task_bits(&self.on_expiry) << (CELL_BITS + TASK_BITS);
        put_varint(out, held);
        if counts != 0 {
            put_varint(out, counts);
            self.counts.iter().filter(|&&n| n != 0).for_each(|&n| put_signed(out, n));
        }
        if held & LABEL_DELAY != 0 {
            self.label_delay.encode(out);
        }
        self.last_label_time.iter().for_each(|&time| put_signed(out, time));
        if held & LATENCY != 0 {
            self.latency.encode(out);
        }
        if held & TAKEN_BACK != 0 {
            put_varint(out, self.taken_back.len() as u64);
            for (ClassId(actual), ClassId(predicted)) in &self.taken_back {
                put_varint(out, u64::from(*actual) << 16 | u64::from(*predicted));
            }
        }
        if held & FEATURES != 0 {
            self.features.encode(out);
        }
        put_tasks(out, &self.quality);
        put_tasks(out, &self.on_expiry);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let held = take_varint(input)?;
        if held >= FEATURES << 1 {
            return Err(WireError::Malformed("an unknown part of a cell"));
        }
        let mut cell = Cell::default();
        if held & COUNTS != 0 {
            let used = take_varint(input)?;
            if used >> Count::LEN != 0 {
                return Err(WireError::Malformed("an unknown count"));
            }
            for (place, count) in cell.counts.iter_mut().enumerate() {
                if used >> place & 1 == 1 {
                    *count = take_count(input)?;
                }
            }
        }
        if held & LABEL_DELAY != 0 {
            cell.label_delay = LabelDelay::decode(input)?;
        }
        if held & LAST_LABEL_TIME != 0 {
            cell.last_label_time = Some(take_signed(input)?);
        }
        if held & LATENCY != 0 {
            cell.latency = Latency::decode(input)?;
        }
        if held & TAKEN_BACK != 0 {
            for _ in 0..take_length(input)? {
                let pair = take_varint(input)?;
                let after_last = cell.taken_back.last().is_none_or(|&(ClassId(actual), ClassId(predicted))| {
                    pair > (u64::from(actual) << 16 | u64::from(predicted))
                });
                if pair >> 32 != 0 || !after_last {
                    return Err(WireError::Malformed("classes out of order"));
                }
                cell.taken_back.push((ClassId((pair >> 16) as u16), ClassId(pair as u16)));
            }
        }
        if held & FEATURES != 0 {
            cell.features = Features::decode(input)?;
            if cell.features.is_zero() {
                return Err(WireError::Malformed("features of nothing"));
            }
        }
        cell.quality = take_tasks(input, held >> CELL_BITS)?;
        cell.on_expiry = take_tasks(input, held >> (CELL_BITS + TASK_BITS))?;
        Ok(cell)
    }
}
