//! Byte forms of the accumulators of each task.

use super::sums::{put_counts, take_counts};
use super::*;
use crate::aggregate::binary::{BinaryConfusion, CalibrationBin};
use crate::aggregate::cell::{LabelDelay, Latency};
use crate::aggregate::multiclass::OneVsRest;
use crate::aggregate::*;

/// First byte of a part that is written in full. A part of one row has a first byte that is not zero, and the row.
const IN_FULL: u8 = 0;
/// First byte of a part of one row.
const ONE_ROW: u8 = 1;
/// … that was taken back.
const ONE_ROW_LESS: u8 = 2;

fn one_row_head(sign: i64) -> u8 {
    if sign == 1 { ONE_ROW } else { ONE_ROW_LESS }
}

/// The sign of one row, `None` for a part in full.
fn take_one_row_head(input: &mut &[u8]) -> Result<Option<i64>, WireError> {
    match take_byte(input)? {
        IN_FULL => Ok(None),
        ONE_ROW => Ok(Some(1)),
        ONE_ROW_LESS => Ok(Some(-1)),
        _ => Err(WireError::Malformed("an unknown form")),
    }
}

fn is_sign(n: i64) -> bool {
    n == 1 || n == -1
}

fn put_sums<const N: usize>(out: &mut Vec<u8>, sums: [&ExactSum; N]) {
    sums.into_iter().for_each(|sum| sum.encode(out));
}

// First byte of one binary row: always ONE, then what the row says, then the length of the score's bytes plus one (0: no
// score) in the upper half.
const BINARY_ONE: u8 = 1;
const BINARY_TAKEN_BACK: u8 = 2;
const BINARY_PREDICTED: u8 = 4;
const BINARY_ACTUAL: u8 = 8;

impl BinaryAccumulator {
    /// The one row that was added or taken back, if that is all.
    fn one_row(&self) -> Option<(i64, BinaryOutcome)> {
        let BinaryConfusion { true_positives, false_positives, true_negatives, false_negatives } = self.confusion;
        let (sign, predicted, actual) = match (true_positives, false_positives, true_negatives, false_negatives) {
            (n, 0, 0, 0) => (n, true, true),
            (0, n, 0, 0) => (n, true, false),
            (0, 0, n, 0) => (n, false, false),
            (0, 0, 0, n) => (n, false, true),
            _ => return None,
        };
        let scored = self.calibration.iter().find(|bin| bin.rows != 0);
        // `+ 0.0`: the score zero of a row taken back is not `-0.0`.
        let score = scored.map(|bin| sign as f64 * bin.score.to_f64() + 0.0);
        let row = BinaryOutcome { score, predicted, actual };
        let plausible = is_sign(sign) && score.is_none_or(|score| (0.0..=1.0).contains(&score));
        (plausible && *self == Self::of_one(sign, row)).then_some((sign, row))
    }

    fn of_one(sign: i64, row: BinaryOutcome) -> Self {
        let mut accumulator = Self::default();
        accumulator.add(sign, row);
        accumulator
    }
}

impl Wire for BinaryAccumulator {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some((sign, row)) = self.one_row() {
            let (length, bytes) = row.score.map_or((0, [0; 16]), |score| trimmed(turned(score)));
            let length_field = if row.score.is_some() { length as u8 + 1 } else { 0 };
            let flag = |set: bool, bit: u8| if set { bit } else { 0 };
            out.push(
                BINARY_ONE
                    | flag(sign < 0, BINARY_TAKEN_BACK)
                    | flag(row.predicted, BINARY_PREDICTED)
                    | flag(row.actual, BINARY_ACTUAL)
                    | length_field << 4,
            );
            return out.extend_from_slice(&bytes[..length]);
        }
        out.push(IN_FULL);
        let BinaryConfusion { true_positives, false_positives, true_negatives, false_negatives } = self.confusion;
        [true_positives, false_positives, true_negatives, false_negatives].iter().for_each(|&n| put_signed(out, n));
        self.positives.encode(out);
        self.negatives.encode(out);
        put_sums(out, [&self.score_of_positives, &self.score_squared, &self.log_loss]);
        let used = |(place, bin): (usize, &CalibrationBin)| u64::from(!bin.is_zero()) << place;
        put_varint(out, self.calibration.iter().enumerate().map(used).sum());
        for bin in self.calibration.iter().filter(|bin| !bin.is_zero()) {
            put_signed(out, bin.rows);
            put_signed(out, bin.positives);
            bin.score.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let head = take_byte(input)?;
        if head & BINARY_ONE != 0 {
            let score = match head >> 4 {
                0 => None,
                length => Some(take_turned(input, usize::from(length) - 1)?),
            };
            if score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
                return Err(WireError::Malformed("a score is out of range"));
            }
            let sign = if head & BINARY_TAKEN_BACK == 0 { 1 } else { -1 };
            let (predicted, actual) = (head & BINARY_PREDICTED != 0, head & BINARY_ACTUAL != 0);
            return Ok(Self::of_one(sign, BinaryOutcome { score, predicted, actual }));
        }
        if head != IN_FULL {
            return Err(WireError::Malformed("an unknown form"));
        }
        let mut accumulator = BinaryAccumulator {
            confusion: BinaryConfusion {
                true_positives: take_count(input)?,
                false_positives: take_count(input)?,
                true_negatives: take_count(input)?,
                false_negatives: take_count(input)?,
            },
            positives: ScoreBins::decode(input)?,
            negatives: ScoreBins::decode(input)?,
            score_of_positives: ExactSum::decode(input)?,
            score_squared: ExactSum::decode(input)?,
            log_loss: ExactSum::decode(input)?,
            calibration: Default::default(),
        };
        let used = take_varint(input)?;
        if used >> accumulator.calibration.len() != 0 {
            return Err(WireError::Malformed("too many calibration bins"));
        }
        for (place, bin) in accumulator.calibration.iter_mut().enumerate() {
            if used >> place & 1 == 1 {
                let (rows, positives) = (take_count(input)?, take_count(input)?);
                *bin = CalibrationBin { rows, positives, score: ExactSum::decode(input)? };
            }
        }
        Ok(accumulator)
    }
}

impl Wire for MulticlassAccumulator {
    fn encode(&self, out: &mut Vec<u8>) {
        let key = |(actual, predicted): (ClassId, ClassId)| i64::from(actual.0) << 16 | i64::from(predicted.0);
        put_counts(out, self.confusion.len(), self.confusion.iter().map(|&(classes, n)| (key(classes), n)));
        put_signed(out, self.scored);
        put_sums(out, [&self.log_loss, &self.score_squared, &self.score_of_actual]);
        put_varint(out, self.one_vs_rest.len() as u64);
        let mut next = 0;
        for (class, bins) in &self.one_vs_rest {
            put_varint(out, u64::from(class.0) - next);
            next = u64::from(class.0) + 1;
            bins.positives.encode(out);
            bins.negatives.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let classes = |key: i64| u32::try_from(key).ok().map(|key| (ClassId((key >> 16) as u16), ClassId(key as u16)));
        let mut accumulator = MulticlassAccumulator {
            confusion: take_counts(input, classes)?,
            scored: take_count(input)?,
            log_loss: ExactSum::decode(input)?,
            score_squared: ExactSum::decode(input)?,
            score_of_actual: ExactSum::decode(input)?,
            one_vs_rest: Vec::new(),
        };
        let mut next = 0;
        for _ in 0..take_length(input)? {
            let class = take_varint(input)?.checked_add(next).and_then(|class| u16::try_from(class).ok());
            let class = class.ok_or(WireError::Malformed("a class is out of range"))?;
            next = u64::from(class) + 1;
            let bins = OneVsRest { positives: ScoreBins::decode(input)?, negatives: ScoreBins::decode(input)? };
            if bins.is_zero() {
                return Err(WireError::Malformed("an empty class"));
            }
            accumulator.one_vs_rest.push((ClassId(class), bins));
        }
        Ok(accumulator)
    }
}

impl RegressionAccumulator {
    /// The one row that was added or taken back, if that is all.
    fn one_row(&self) -> Option<(i64, RegressionOutcome)> {
        let sign = self.rows;
        let of = |sum: &ExactSum| sign as f64 * sum.to_f64() + 0.0;
        let row = RegressionOutcome { predicted: of(&self.prediction), actual: of(&self.label) };
        let plausible = is_sign(sign) && Self::is_valid(row);
        (plausible && *self == Self::of_one(sign, row)).then_some((sign, row))
    }

    /// Within the range in which every term of a row is finite.
    fn is_valid(row: RegressionOutcome) -> bool {
        row.predicted.abs() <= 1e300 && row.actual.abs() <= 1e300
    }

    fn of_one(sign: i64, row: RegressionOutcome) -> Self {
        let mut accumulator = Self::default();
        accumulator.add(sign, row);
        accumulator
    }

    /// In the order in which they are written.
    fn sums(&self) -> [&ExactSum; 9] {
        [
            &self.prediction,
            &self.label,
            &self.prediction_squared,
            &self.label_squared,
            &self.prediction_label,
            &self.absolute_error,
            &self.percentage_error,
            &self.symmetric_percentage_error,
            &self.squared_log_error,
        ]
    }
}

impl Wire for RegressionAccumulator {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some((sign, row)) = self.one_row() {
            out.push(one_row_head(sign));
            put_double(out, row.predicted);
            return put_double(out, row.actual);
        }
        out.push(IN_FULL);
        [self.rows, self.nonzero_labels, self.negatives].iter().for_each(|&n| put_signed(out, n));
        put_sums(out, self.sums());
        self.errors.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        if let Some(sign) = take_one_row_head(input)? {
            let row = RegressionOutcome { predicted: take_double(input)?, actual: take_double(input)? };
            return match Self::is_valid(row) {
                true => Ok(Self::of_one(sign, row)),
                false => Err(WireError::Malformed("a value is out of range")),
            };
        }
        // Fields are evaluated in the order in which they are written here, which is the order on the wire.
        Ok(RegressionAccumulator {
            rows: take_count(input)?,
            nonzero_labels: take_count(input)?,
            negatives: take_count(input)?,
            prediction: ExactSum::decode(input)?,
            label: ExactSum::decode(input)?,
            prediction_squared: ExactSum::decode(input)?,
            label_squared: ExactSum::decode(input)?,
            prediction_label: ExactSum::decode(input)?,
            absolute_error: ExactSum::decode(input)?,
            percentage_error: ExactSum::decode(input)?,
            symmetric_percentage_error: ExactSum::decode(input)?,
            squared_log_error: ExactSum::decode(input)?,
            errors: Histogram::decode(input)?,
        })
    }
}

// Which tasks a quality holds, as bits.
const BINARY: u64 = 1;
const MULTICLASS: u64 = 2;
const REGRESSION: u64 = 4;
pub(super) const TASK_BITS: u32 = 3;

pub(super) fn task_bits(quality: &Quality) -> u64 {
    let bit = |held: bool, bit: u64| if held { bit } else { 0 };
    bit(quality.binary.is_some(), BINARY)
        | bit(quality.multiclass.is_some(), MULTICLASS)
        | bit(quality.regression.is_some(), REGRESSION)
}

pub(super) fn put_tasks(out: &mut Vec<u8>, quality: &Quality) {
    quality.binary.iter().for_each(|part| part.encode(out));
    quality.multiclass.iter().for_each(|part| part.encode(out));
    quality.regression.iter().for_each(|part| part.encode(out));
}

pub(super) fn take_tasks(input: &mut &[u8], bits: u64) -> Result<Quality, WireError> {
    Ok(Quality {
        binary: take_task(input, bits & BINARY)?,
        multiclass: take_task(input, bits & MULTICLASS)?,
        regression: take_task(input, bits & REGRESSION)?,
    })
}

fn take_task<A: Wire + Linear>(input: &mut &[u8], bit: u64) -> Result<Option<Box<A>>, WireError> {
    if bit == 0 {
        return Ok(None);
    }
    let part = A::decode(input)?;
    if part.is_zero() {
        return Err(WireError::Malformed("an empty task"));
    }
    Ok(Some(Box::new(part)))
}

impl Wire for Quality {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, task_bits(self));
        put_tasks(out, self);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let bits = take_varint(input)?;
        if bits >> TASK_BITS != 0 {
            return Err(WireError::Malformed("an unknown task"));
        }
        take_tasks(input, bits)
    }
}

impl Wire for Latency {
    fn encode(&self, out: &mut Vec<u8>) {
        let one = self.max.filter(|&max| {
            let mut one = Latency::default();
            one.add(max);
            one == *self
        });
        match one {
            Some(latency_ms) => {
                out.push(ONE_ROW);
                put_double(out, latency_ms);
            }
            None => {
                out.push(IN_FULL);
                self.histogram.encode(out);
                self.sum.encode(out);
                out.push(u8::from(self.max.is_some()));
                self.max.iter().for_each(|&max| put_double(out, max));
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        match take_one_row_head(input)? {
            Some(1) => {
                let mut latency = Latency::default();
                latency.add(take_double(input)?);
                Ok(latency)
            }
            Some(_) => Err(WireError::Malformed("a latency was taken back")),
            None => Ok(Latency {
                histogram: Histogram::decode(input)?,
                sum: ExactSum::decode(input)?,
                max: match take_byte(input)? {
                    0 => None,
                    1 => Some(take_double(input)?),
                    _ => return Err(WireError::Malformed("an unknown form")),
                },
            }),
        }
    }
}

/// No sum of delays is longer: 2⁴⁸ rows of less than 2⁴³ ms.
const DELAY_SUM_BYTES_MAX: usize = 12;

impl LabelDelay {
    /// The one delay that was added or taken back, if that is all.
    fn one_row(&self) -> Option<(i64, i64)> {
        let sign = self.histogram.iter().next()?.1;
        if !is_sign(sign) {
            return None;
        }
        let delay_ms = i64::try_from(i128::from(sign) * self.sum).ok()?;
        (*self == Self::of_one(sign, delay_ms)).then_some((sign, delay_ms))
    }

    fn of_one(sign: i64, delay_ms: i64) -> Self {
        let mut delay = Self::default();
        delay.add(sign, delay_ms);
        delay
    }
}

impl Wire for LabelDelay {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some((sign, delay_ms)) = self.one_row() {
            out.push(one_row_head(sign));
            return put_signed(out, delay_ms);
        }
        out.push(IN_FULL);
        self.histogram.encode(out);
        let (length, bytes) = trimmed((self.sum << 1 ^ self.sum >> 127) as u128);
        out.push(length as u8);
        out.extend_from_slice(&bytes[..length]);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        if let Some(sign) = take_one_row_head(input)? {
            return Ok(Self::of_one(sign, take_signed(input)?));
        }
        let histogram = Histogram::decode(input)?;
        let length = usize::from(take_byte(input)?);
        if length > DELAY_SUM_BYTES_MAX {
            return Err(WireError::Malformed("a sum is out of range"));
        }
        let sum = take_trimmed(input, length)?;
        Ok(LabelDelay { histogram, sum: (sum >> 1) as i128 ^ -((sum & 1) as i128) })
    }
}
