//! First matches: what detectors of concept drift need of a prediction that met its label, on the way from JOIN to ASSESS.
//!
//! A detector reads one outcome after the other, so these are no sums: they travel one by one, and only for models that
//! have detectors. A batch without any pays one byte for it.

use super::partial::PartialRow;
use super::wire::{
    WireError, put_double, put_signed, put_varint, take_byte, take_bytes, take_double, take_length, take_signed,
    take_varint,
};
use crate::event::Millis;

/// A prediction that met a label and had never had one before.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstMatch {
    /// Event time of the prediction; in the pane of its row.
    pub prediction_time: Millis,
    /// When the label became known.
    pub label_time: Millis,
    /// The first [`MAX_ID_BYTES`] bytes of the request id.
    pub request_id: Box<[u8]>,
    /// How wrong the prediction was; `None` where that cannot be said.
    pub loss: Option<f64>,
}

/// What is kept of a request id: it only decides between records of the same millisecond, and a batch has room for so much.
pub const MAX_ID_BYTES: usize = 200;

impl FirstMatch {
    /// What is kept of `request_id`.
    pub fn kept_id(request_id: &str) -> Box<[u8]> {
        let bytes = request_id.as_bytes();
        Box::from(&bytes[..bytes.len().min(MAX_ID_BYTES)])
    }

    fn encode(&self, pane: Millis, out: &mut Vec<u8>) {
        put_signed(out, self.prediction_time.wrapping_sub(pane));
        put_signed(out, self.label_time.wrapping_sub(self.prediction_time));
        put_varint(out, self.request_id.len() as u64);
        out.extend_from_slice(&self.request_id);
        out.push(u8::from(self.loss.is_some()));
        if let Some(loss) = self.loss {
            put_double(out, loss);
        }
    }

    fn decode(pane: Millis, input: &mut &[u8]) -> Result<FirstMatch, WireError> {
        let prediction_time = pane.wrapping_add(take_signed(input)?);
        let label_time = prediction_time.wrapping_add(take_signed(input)?);
        let length = take_length(input)?;
        if length > MAX_ID_BYTES {
            return Err(WireError::Malformed("a request id is too long"));
        }
        let request_id = Box::from(take_bytes(input, length)?);
        let loss = match take_byte(input)? {
            0 => None,
            1 => Some(take_double(input)?),
            _ => return Err(WireError::Malformed("neither a loss nor none")),
        };
        Ok(FirstMatch { prediction_time, label_time, request_id, loss })
    }
}

/// Appends the first matches of `rows`: the places of the rows that have some, as distances, and what they have.
pub(super) fn put_first_matches(out: &mut Vec<u8>, rows: &[PartialRow]) {
    let with_some = || rows.iter().enumerate().filter(|(_, row)| !row.first_matches.is_empty());
    put_varint(out, with_some().count() as u64);
    let mut next = 0;
    for (place, row) in with_some() {
        put_varint(out, (place - next) as u64);
        next = place + 1;
        put_varint(out, row.first_matches.len() as u64);
        row.first_matches.iter().for_each(|first_match| first_match.encode(row.pane, out));
    }
}

/// Reads what [`put_first_matches`] wrote into the rows that were written before.
pub(super) fn take_first_matches(input: &mut &[u8], rows: &mut [PartialRow]) -> Result<(), WireError> {
    let mut rest = rows;
    for _ in 0..take_length(input)? {
        let skipped = usize::try_from(take_varint(input)?).unwrap_or(usize::MAX);
        let (row, behind) = (rest.get_mut(skipped..).and_then(|rows| rows.split_first_mut()))
            .ok_or(WireError::Malformed("a first match of no row"))?;
        let count = take_length(input)?;
        if count == 0 {
            return Err(WireError::Malformed("no first match where there should be some"));
        }
        row.first_matches = (0..count).map(|_| FirstMatch::decode(row.pane, input)).collect::<Result<_, _>>()?;
        rest = behind;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::partial::CellChange;
    use proptest::prelude::*;

    fn first_match() -> impl Strategy<Value = FirstMatch> {
        let id = prop::collection::vec(any::<u8>(), 0..9).prop_map(Vec::into_boxed_slice);
        (0..100i64, any::<i32>(), id, prop::option::of(prop_oneof![Just(0.0), Just(1.0), -1e9..1e9])).prop_map(
            |(after, delay, request_id, loss)| FirstMatch {
                prediction_time: after,
                label_time: after + i64::from(delay),
                request_id,
                loss,
            },
        )
    }

    fn rows() -> impl Strategy<Value = Vec<PartialRow>> {
        let row = prop::collection::vec(first_match(), 0..3).prop_map(|first_matches| PartialRow {
            series: 0,
            pane: 0,
            change: CellChange::Facts(smallvec::SmallVec::new()),
            first_matches,
        });
        prop::collection::vec(row, 0..6)
    }

    fn without(rows: &[PartialRow]) -> Vec<PartialRow> {
        rows.iter().map(|row| PartialRow { first_matches: Vec::new(), ..row.clone() }).collect()
    }

    proptest! {
        #[test]
        fn what_was_written_comes_back(rows in rows(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Vec::new();
            put_first_matches(&mut bytes, &rows);
            let mut read = without(&rows);
            let mut input = &bytes[..];
            take_first_matches(&mut input, &mut read).unwrap();
            prop_assert!(input.is_empty());
            prop_assert_eq!(&read, &rows);
            let cut = cut.index(bytes.len());
            prop_assert!(take_first_matches(&mut &bytes[..cut], &mut without(&rows)).is_err());
        }

        #[test]
        fn bytes_that_nobody_wrote_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60), rows in rows()) {
            let mut read = without(&rows);
            let mut input = &bytes[..];
            if take_first_matches(&mut input, &mut read).is_ok() {
                let mut again = Vec::new();
                put_first_matches(&mut again, &read);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - input.len()]);
            }
        }
    }

    #[test]
    fn the_usual_outcome_takes_few_bytes_and_none_takes_one() {
        let first_match = FirstMatch {
            prediction_time: 50_000_000,
            label_time: 150_000_000,
            request_id: FirstMatch::kept_id("request-1234567"),
            loss: Some(1.0),
        };
        let row = |first_matches| PartialRow {
            series: 0,
            pane: 0,
            change: CellChange::Facts(smallvec::SmallVec::new()),
            first_matches,
        };
        let length = |rows: &[PartialRow]| {
            let mut bytes = Vec::new();
            put_first_matches(&mut bytes, rows);
            bytes.len()
        };
        assert_eq!(length(&[row(Vec::new())]), 1);
        assert!(length(&[row(vec![first_match])]) < 32);
        assert_eq!(FirstMatch::kept_id(&"x".repeat(500)).len(), MAX_ID_BYTES);
    }
}
