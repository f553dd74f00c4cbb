//! Byte forms of what is expected before labels come.

use super::*;
use crate::aggregate::expected::{Expected, ExpectedClasses, ExpectedConfusion, ExpectedPositives};
use crate::aggregate::{ClassId, ExactSum, Linear};

/// The head of a single row, which is written as its probability.
const ONE_ROW: u64 = 0;

/// One row: 0 and its probability. Else 1 more than the rows (zigzag), and the sums; nothing at all is two bytes less
/// than that, for each empty sum is one byte.
impl Wire for ExpectedPositives {
    fn encode(&self, out: &mut Vec<u8>) {
        if let Some(probability) = self.only_row() {
            put_varint(out, ONE_ROW);
            return put_double(out, probability);
        }
        put_varint(out, zigzag(self.rows) + 1);
        self.probability.encode(out);
        self.probability_squared.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let head = take_varint(input)?;
        if head == ONE_ROW {
            let probability = take_double(input)?;
            if !(0.0..=1.0).contains(&probability) || probability.is_sign_negative() {
                return Err(WireError::Malformed("a probability is out of range"));
            }
            let mut only = ExpectedPositives::default();
            only.add(1, probability);
            return Ok(only);
        }
        let rows = unzigzag(head - 1);
        if rows.unsigned_abs() > COUNT_MAX {
            return Err(WireError::Malformed("a count is too large"));
        }
        let (probability, probability_squared) = (ExactSum::decode(input)?, ExactSum::decode(input)?);
        let positives = ExpectedPositives { rows, probability, probability_squared };
        if positives.only_row().is_some() {
            return Err(WireError::Malformed("a row has another form"));
        }
        Ok(positives)
    }
}

impl Wire for ExpectedConfusion {
    fn encode(&self, out: &mut Vec<u8>) {
        self.predicted.encode(out);
        self.others.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        Ok(ExpectedConfusion { predicted: Wire::decode(input)?, others: Wire::decode(input)? })
    }
}

/// How many classes, then each with its matrix.
impl Wire for ExpectedClasses {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.classes().len() as u64);
        for (class, confusion) in self.classes() {
            put_varint(out, u64::from(class.0));
            confusion.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let mut classes = ExpectedClasses::default();
        for _ in 0..take_length(input)? {
            let class = u16::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a class is too large"))?;
            if !classes.push(ClassId(class), ExpectedConfusion::decode(input)?) {
                return Err(WireError::Malformed("classes are not in order, or one is empty"));
            }
        }
        Ok(classes)
    }
}

// What is expected of a model, as bits: most models have one task, or no calibration.
const CONFUSION: u8 = 1;
const CLASSES: u8 = 2;

impl Wire for Expected {
    fn encode(&self, out: &mut Vec<u8>) {
        let bit = |held: bool, bit: u8| if held { bit } else { 0 };
        out.push(bit(!self.confusion.is_zero(), CONFUSION) | bit(!self.classes.is_zero(), CLASSES));
        if !self.confusion.is_zero() {
            self.confusion.encode(out);
        }
        if !self.classes.is_zero() {
            self.classes.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let held = take_byte(input)?;
        if held > CONFUSION | CLASSES {
            return Err(WireError::Malformed("an unknown part of what is expected"));
        }
        let mut expected = Expected::default();
        if held & CONFUSION != 0 {
            expected.confusion = Wire::decode(input)?;
        }
        if held & CLASSES != 0 {
            expected.classes = Wire::decode(input)?;
        }
        if expected.confusion.is_zero() == (held & CONFUSION != 0)
            || expected.classes.is_zero() == (held & CLASSES != 0)
        {
            return Err(WireError::Malformed("nothing is expected where something is announced"));
        }
        Ok(expected)
    }
}
