//! Sketches of a column, as every Apache DataSketches library reads them: for warehouses, and for people who want a
//! quantile that is no edge. Nothing is decided by them.
//!
//! They are filled in the order of the values, so that the rows' order leaves no trace.

use crate::event::Sketches;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use datasketches::frequencies::FrequentItemsSketch;
use datasketches::hash::value::{canonical_float, raw_bytes};
use datasketches::hll::{HllSketch, HllType};
use datasketches::tdigest::TDigestMut;

/// Compression of a t-digest: ranks to about a percent, far better at the ends.
const TDIGEST_K: u16 = 100;
/// 4096 registers: distinct values to 1.6 % (one standard error).
const HLL_LG_K: u8 = 12;
/// Three quarters of it are values that a frequent-items sketch holds.
const FREQUENT_MAP_SIZE: usize = 128;

/// Of numbers that ascend: their distribution, and how many different ones, hashed as doubles.
pub(super) fn of_numbers(ascending: &[f64]) -> Sketches {
    let (Ok(mut quantiles), Ok(mut distinct)) = (TDigestMut::new(TDIGEST_K), HllSketch::new(HLL_LG_K, HllType::Hll4))
    else {
        return Sketches::default();
    };
    ascending.iter().for_each(|&number| quantiles.update(number));
    let different = ascending.chunk_by(|one, other| one == other).map(|run| run[0]);
    different.for_each(|number| distinct.update(canonical_float::from_f64(number)));
    Sketches {
        quantiles: Some(BASE64.encode(quantiles.serialize())),
        distinct: Some(BASE64.encode(distinct.serialize())),
        frequent: None,
    }
}

/// Of texts with their rows, each text once, ascending: how many there are, and which are frequent.
pub(super) fn of_values<'a>(values: impl Iterator<Item = (&'a str, i64)>) -> Sketches {
    let (Ok(mut frequent), Ok(mut distinct)) =
        (FrequentItemsSketch::<String>::new(FREQUENT_MAP_SIZE), HllSketch::new(HLL_LG_K, HllType::Hll4))
    else {
        return Sketches::default();
    };
    for (value, rows) in values {
        frequent.update_with_count(value.to_owned(), rows.unsigned_abs());
        distinct.update(raw_bytes::from_str(value));
    }
    Sketches {
        quantiles: None,
        distinct: Some(BASE64.encode(distinct.serialize())),
        frequent: Some(BASE64.encode(frequent.serialize())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasketches::frequencies::ErrorType;

    fn bytes(sketch: &Option<String>) -> Vec<u8> {
        BASE64.decode(sketch.as_deref().expect("it is there")).expect("base64")
    }

    #[test]
    fn numbers_come_back_from_their_sketches() {
        let numbers: Vec<f64> = (0..20_000).map(|i| f64::from(i / 2)).collect();
        let sketches = of_numbers(&numbers);
        let mut quantiles = TDigestMut::deserialize(&bytes(&sketches.quantiles)).expect("a t-digest");
        assert_eq!((quantiles.min_value(), quantiles.max_value()), (Some(0.0), Some(9_999.0)));
        let median = quantiles.quantile(0.5).expect("a rank").expect("a value");
        assert!((median - 5_000.0).abs() < 100.0, "{median}");
        let distinct = HllSketch::deserialize(&bytes(&sketches.distinct)).expect("a sketch").estimate();
        assert!((distinct - 10_000.0).abs() < 500.0, "{distinct}");
    }

    #[test]
    fn values_come_back_from_their_sketches() {
        let rows = [("DE", 70), ("FR", 20), ("", 10)];
        let sketches = of_values(rows.into_iter());
        let frequent = FrequentItemsSketch::<String>::deserialize(&bytes(&sketches.frequent)).expect("a sketch");
        let found = frequent.frequent_items(ErrorType::NoFalsePositives);
        let found: Vec<(&str, u64)> = found.iter().map(|row| (row.item().as_str(), row.estimate())).collect();
        assert_eq!(found, [("DE", 70), ("FR", 20), ("", 10)]);
        let distinct = HllSketch::deserialize(&bytes(&sketches.distinct)).expect("a sketch").estimate();
        assert_eq!(libm::round(distinct), 3.0);
    }
}
