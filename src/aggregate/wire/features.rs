//! Byte form of features: per reference its id, then the accumulators that hold a row, each with the distance to the one
//! before.

use super::sums::{put_counts, take_counts};
use super::*;
use crate::aggregate::features::{FeatureAccumulator, FeatureList, Features, Numbers, OfReference};
use crate::aggregate::{Distinct, ExactSum, Expected, Linear, OutputSum, OutputSums};
use crate::event::ReferenceId;
use crate::event::unknown::NameSet;

impl Wire for Features {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.by_reference().len() as u64);
        for (reference, OfReference { list, unknown, expected }) in self.by_reference() {
            out.extend_from_slice(&reference.0.to_le_bytes());
            put_varint(out, list.len() as u64);
            let mut next = 0;
            for (feature, accumulator) in list {
                put_varint(out, u64::from(*feature) - next);
                next = u64::from(*feature) + 1;
                accumulator.encode(out);
            }
            put_varint(out, unknown.names().len() as u64);
            unknown.names().iter().for_each(|name| put_text(out, name));
            expected.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let mut features = Features::default();
        for _ in 0..take_length(input)? {
            let mut id = [0; 16];
            id.copy_from_slice(take_bytes(input, 16)?);
            let mut list = FeatureList::new();
            let mut next = 0u64;
            for _ in 0..take_length(input)? {
                let place = take_varint(input)?.checked_add(next).and_then(|place| u16::try_from(place).ok());
                let place = place.ok_or(WireError::Malformed("a feature's place is too large"))?;
                next = u64::from(place) + 1;
                list.push((place, FeatureAccumulator::decode(input)?));
            }
            let names: Vec<_> = (0..take_length(input)?).map(|_| take_text(input)).collect::<Result<_, _>>()?;
            let unknown = NameSet::of_sorted(names).ok_or(WireError::Malformed("names of features out of order"))?;
            let of = OfReference { list, unknown, expected: Expected::decode(input)? };
            if !features.push(ReferenceId(u128::from_le_bytes(id)), of) {
                return Err(WireError::Malformed("references out of order, or without features"));
            }
        }
        Ok(features)
    }
}

/// Counts, then whether there are numbers (1), unseen values (2) and outputs (4): the sums and range of the numbers, the
/// registers of the unseen values, rows and sums by bin.
impl Wire for FeatureAccumulator {
    fn encode(&self, out: &mut Vec<u8>) {
        put_counts(out, self.counts.len(), self.counts.iter().map(|&(bin, n)| (i64::from(bin), n)));
        let Numbers { sum, squares, range } = &self.numbers;
        let registers = self.unseen.registers();
        let outputs = self.outputs.bins();
        out.push(u8::from(range.is_some()) | u8::from(!registers.is_empty()) << 1 | u8::from(!outputs.is_empty()) << 2);
        if let Some((min, max)) = *range {
            sum.encode(out);
            squares.encode(out);
            put_double(out, min);
            put_double(out, max);
        }
        if !registers.is_empty() {
            put_varint(out, registers.len() as u64);
            registers.iter().for_each(|(register, rank)| out.extend([*register, *rank]));
        }
        if !outputs.is_empty() {
            put_counts(out, outputs.len(), outputs.iter().map(|(bin, sum)| (i64::from(*bin), sum.rows)));
            outputs.iter().for_each(|(_, sum)| put_signed(out, sum.sum));
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let counts = take_counts(input, |key| u16::try_from(key).ok())?;
        if counts.is_zero() || counts.iter().any(|&(_, n)| n < 0) {
            return Err(WireError::Malformed("a feature without rows"));
        }
        let parts = take_byte(input)?;
        if parts > 7 {
            return Err(WireError::Malformed("an unknown part of a feature"));
        }
        let numbers = match parts & 1 {
            0 => Numbers::default(),
            _ => Numbers {
                sum: ExactSum::decode(input)?,
                squares: ExactSum::decode(input)?,
                range: Some((take_double(input)?, take_double(input)?)),
            },
        };
        let unseen = if parts & 2 == 0 { Distinct::default() } else { take_distinct(input)? };
        let outputs = if parts & 4 == 0 { OutputSums::default() } else { take_outputs(input)? };
        Ok(FeatureAccumulator { counts, numbers, unseen, outputs })
    }
}

fn take_outputs(input: &mut &[u8]) -> Result<OutputSums, WireError> {
    let rows = take_counts(input, |key| u16::try_from(key).ok())?;
    let bins = rows.iter().map(|&(bin, rows)| Ok((bin, OutputSum { rows, sum: take_signed(input)? })));
    let outputs = OutputSums::of_bins(bins.collect::<Result<_, WireError>>()?).filter(|outputs| !outputs.is_zero());
    outputs.ok_or(WireError::Malformed("outputs of no rows"))
}

fn take_distinct(input: &mut &[u8]) -> Result<Distinct, WireError> {
    let length = take_length(input)?;
    let bytes = take_bytes(input, length.saturating_mul(2))?;
    let registers: Vec<(u8, u8)> = bytes.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let distinct = Distinct::of_registers(registers).filter(|distinct| !distinct.registers().is_empty());
    distinct.ok_or(WireError::Malformed("registers that are none"))
}
