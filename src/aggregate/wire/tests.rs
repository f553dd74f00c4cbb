//! Round trips, canonical bytes, sizes, and bytes that nobody wrote.

use super::*;
use crate::aggregate::laws::{self, Folds};
use crate::aggregate::*;
use proptest::prelude::*;
use std::fmt::Debug;

fn bytes_of<T: Wire>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

/// Reads back as the same value, leaves what follows, and is an error wherever it is cut.
fn round_trips<T: Wire + Debug + PartialEq>(value: &T) -> Result<(), TestCaseError> {
    let mut bytes = bytes_of(value);
    for cut in 0..bytes.len() {
        prop_assert!(T::decode(&mut &bytes[..cut]).is_err(), "cut at {}", cut);
    }
    bytes.extend(b"next");
    let mut input = &bytes[..];
    let decoded = T::decode(&mut input);
    prop_assert_eq!(decoded.as_ref(), Ok(value));
    prop_assert_eq!(input, b"next");
    Ok(())
}

/// Rows folded in this order and the other, with a detour, into equal bytes.
fn folds_to_equal_bytes<A: Folds + Wire>(rows: &[A::Row]) -> Result<(), TestCaseError> {
    let (mut straight, mut detour) = (A::default(), A::default());
    for row in rows {
        straight.fold(1, row);
    }
    for row in rows.iter().rev() {
        detour.fold(1, row);
        detour.fold(-1, row);
        detour.fold(1, row);
    }
    prop_assert_eq!(bytes_of(&straight), bytes_of(&detour));
    round_trips(&straight)?;
    straight.negate();
    round_trips(&straight)
}

macro_rules! wire_forms {
    ($($name:ident: $accumulator:ty),* $(,)?) => {
        proptest! {
            $(#[test]
            fn $name(rows in prop::collection::vec(<$accumulator as Folds>::row(), 0..8)) {
                folds_to_equal_bytes::<$accumulator>(&rows)?;
            })*
        }
    };
}

wire_forms! {
    exact_sums_round_trip: ExactSum,
    score_bins_round_trip: ScoreBins,
    histograms_round_trip: Histogram,
    binary_accumulators_round_trip: BinaryAccumulator,
    multiclass_accumulators_round_trip: MulticlassAccumulator,
    regression_accumulators_round_trip: RegressionAccumulator,
    qualities_round_trip: Quality,
    label_delays_round_trip: LabelDelay,
    expected_confusions_round_trip: ExpectedConfusion,
    expected_classes_round_trip: ExpectedClasses,
}

fn one_late_label(outcome: QualityOutcome<'_>) -> Cell {
    let mut cell = Cell::default();
    cell.add_count(Count::UsedLabels, 1);
    // A label 90 days late.
    cell.add_match(1, outcome, 90 * 86_400_000 - 1, 1_760_000_000_123);
    cell
}

#[test]
fn one_late_binary_label_takes_at_most_32_bytes() {
    // A score with all its 53 bits in use; most have fewer.
    let outcome = BinaryOutcome { score: Some(0.1), predicted: false, actual: true };
    let size = bytes_of(&one_late_label(QualityOutcome::Binary(outcome))).len();
    assert!(size <= 32, "{size} bytes");
}

#[test]
fn one_late_regression_label_is_written_as_a_row() {
    let outcome = RegressionOutcome { predicted: 0.1, actual: -0.3 };
    let size = bytes_of(&one_late_label(QualityOutcome::Regression(outcome))).len();
    assert!(size <= 40, "{size} bytes");
}

#[test]
fn one_expected_row_is_written_as_its_probability() {
    let mut expected = ExpectedConfusion::default();
    expected.add(1, true, 0.1);
    assert_eq!(bytes_of(&expected).len(), 10 + 3);
}

#[test]
fn an_empty_cell_is_one_byte() {
    assert_eq!(bytes_of(&Cell::default()), [0]);
}

#[test]
fn a_length_that_nothing_follows_allocates_nothing() {
    let mut bytes = Vec::new();
    put_varint(&mut bytes, u64::MAX >> 1);
    assert_eq!(Histogram::decode(&mut &bytes[..]), Err(WireError::Truncated));
    // As an exact sum it is a length of 2^62 bytes.
    bytes.push(0);
    assert!(matches!(ExactSum::decode(&mut &bytes[..]), Err(WireError::Malformed(_))));
}

#[test]
fn numbers_in_a_longer_form_are_refused() {
    assert!(matches!(take_varint(&mut &[0x80, 0x00][..]), Err(WireError::Malformed(_))));
    assert!(matches!(take_varint(&mut &[0xff; 11][..]), Err(WireError::Malformed(_))));
    assert!(matches!(take_double(&mut &[2, 0x40, 0][..]), Err(WireError::Malformed(_))));
}

proptest! {
    #[test]
    fn numbers_round_trip(unsigned in any::<u64>(), shift in 0..64, signed in any::<i64>(), double in laws::number()) {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, unsigned >> shift);
        put_signed(&mut bytes, signed >> shift);
        put_double(&mut bytes, double);
        let mut input = &bytes[..];
        prop_assert_eq!(take_varint(&mut input), Ok(unsigned >> shift));
        prop_assert_eq!(take_signed(&mut input), Ok(signed >> shift));
        prop_assert_eq!(take_double(&mut input), Ok(double));
        prop_assert!(input.is_empty());
    }

    #[test]
    fn cells_round_trip(cell in laws::cell()) {
        round_trips(&cell)?;
    }

    #[test]
    fn cells_of_one_label_round_trip(row in Quality::row(), delay_ms in LabelDelay::row(), sign in prop_oneof![Just(1i64), Just(-1)]) {
        let mut cell = Cell::default();
        cell.add_match(sign, row.outcome(), delay_ms, 1);
        cell.latency.add(2.5);
        round_trips(&cell)?;
    }

    #[test]
    fn a_flipped_byte_is_an_error_or_a_sound_cell(cell in laws::cell(), place in any::<prop::sample::Index>(), flip in 1u8..) {
        let mut bytes = bytes_of(&cell);
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        if let Ok(other) = Cell::decode(&mut &bytes[..]) {
            round_trips(&other)?;
            let mut sum = other.clone();
            sum.merge(&cell);
            sum.merge(&other);
        }
    }

    #[test]
    fn noise_is_an_error_or_sound_expectations(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(expected) = ExpectedClasses::decode(&mut &bytes[..]) {
            round_trips(&expected)?;
        }
        if let Ok(expected) = ExpectedConfusion::decode(&mut &bytes[..]) {
            round_trips(&expected)?;
        }
    }

    #[test]
    fn noise_is_an_error_or_a_sound_cell(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(cell) = Cell::decode(&mut &bytes[..]) {
            round_trips(&cell)?;
        }
    }
}
