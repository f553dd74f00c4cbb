//! How far estimates of performance were off in windows that are final: what the next estimate is worth.
//!
//! An estimate is held against windows only of which, when its own window can first be final, every label must have come.
//! So which windows these are depends on neither the watermark's steps nor the order in which windows became final.

use super::cells::VersionId;
use crate::aggregate::wire::{
    WireError, put_double, put_signed, put_varint, take_byte, take_bytes, take_length, take_signed, take_varint,
};
use crate::event::{Millis, ReferenceId, WindowSpec};
use crate::metrics::Metric;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What is estimated, what is realized, and how an error of it is called.
pub const ESTIMATED: [(Metric, Metric, &str); 4] = [
    (Metric::EstimatedAccuracy, Metric::Accuracy, "accuracy"),
    (Metric::EstimatedPrecision, Metric::Precision, "precision"),
    (Metric::EstimatedRecall, Metric::Recall, "recall"),
    (Metric::EstimatedF1, Metric::F1, "f1"),
];

/// Windows that an estimate is held against.
const WINDOWS: Millis = 100;

/// Whose errors are comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesOfErrors {
    /// Windows of one size and advance.
    pub spec: WindowSpec,
    /// One version, or (`None`) all together.
    pub version: Option<VersionId>,
    /// By whose calibration they were estimated.
    pub reference: ReferenceId,
}

type Key = (Millis, Millis, Option<VersionId>, ReferenceId);

/// Per estimated metric.
type Errors = [Option<f64>; ESTIMATED.len()];

/// All errors of one model that an estimate may be held against.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastErrors {
    /// By start of the window.
    by_series: BTreeMap<Key, BTreeMap<Millis, Errors>>,
}

impl SeriesOfErrors {
    fn key(self) -> Key {
        (self.spec.size_ms, self.spec.advance_ms, self.version, self.reference)
    }
}

impl PastErrors {
    /// Remembers by how much the final estimates of the window at `start` were off.
    pub fn add(&mut self, series: SeriesOfErrors, start: Millis, errors: Errors) {
        if errors.iter().any(Option::is_some) {
            self.by_series.entry(series.key()).or_default().insert(start, errors);
        }
    }

    /// True if errors of the window at `start` are known, of any series.
    pub fn knows(&self, spec: WindowSpec, start: Millis) -> bool {
        let is_of = |(size, advance, ..): &Key| (*size, *advance) == (spec.size_ms, spec.advance_ms);
        self.by_series.iter().any(|(key, known)| is_of(key) && known.contains_key(&start))
    }

    /// Starts of the windows whose estimates are held against that of the window at `start`, first and last.
    pub fn held_against(spec: WindowSpec, start: Millis, revisable_ms: Millis) -> RangeInclusive<Millis> {
        let first = start.saturating_add(revisable_ms);
        first..=first.saturating_add((WINDOWS - 1) * spec.advance_ms)
    }

    /// Per estimated metric, the errors of the last [`WINDOWS`] windows that start at `newest` or before.
    pub fn before(&self, series: SeriesOfErrors, newest: Millis) -> [Vec<f64>; ESTIMATED.len()] {
        let mut errors: [Vec<f64>; ESTIMATED.len()] = Default::default();
        let Some(known) = self.by_series.get(&series.key()) else { return errors };
        let oldest = newest.saturating_sub((WINDOWS - 1) * series.spec.advance_ms);
        for of_window in known.range(oldest..=newest).map(|(_, of_window)| of_window) {
            errors.iter_mut().zip(of_window).for_each(|(all, error)| all.extend(error));
        }
        errors
    }

    /// Forgets what no window that is open at `watermark` is held against; windows are open for `revisable_ms`.
    pub fn forget(&mut self, watermark: Millis, revisable_ms: Millis) {
        for ((size, advance, ..), known) in &mut self.by_series {
            let oldest = watermark.saturating_sub(2 * revisable_ms + size + WINDOWS * advance);
            *known = known.split_off(&oldest);
        }
        self.by_series.retain(|_, known| !known.is_empty());
    }

    /// Appends everything to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.by_series.len() as u64);
        for ((size, advance, version, reference), known) in &self.by_series {
            put_signed(out, *size);
            put_signed(out, *advance);
            put_varint(out, version.map_or(0, |version| u64::from(version.0) + 1));
            out.extend_from_slice(&reference.0.to_le_bytes());
            put_varint(out, known.len() as u64);
            for (start, errors) in known {
                put_signed(out, *start);
                for error in errors {
                    out.push(u8::from(error.is_some()));
                    error.iter().for_each(|error| put_double(out, *error));
                }
            }
        }
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn decode(input: &mut &[u8]) -> Result<PastErrors, WireError> {
        let mut past = PastErrors::default();
        for _ in 0..take_length(input)? {
            let (size, advance) = (take_signed(input)?, take_signed(input)?);
            let version = match take_varint(input)?.checked_sub(1) {
                None => None,
                Some(version) => {
                    Some(VersionId(u32::try_from(version).map_err(|_| WireError::Malformed("a version is too large"))?))
                }
            };
            let mut reference = [0; 16];
            reference.copy_from_slice(take_bytes(input, 16)?);
            let known = past.by_series.entry((size, advance, version, ReferenceId(u128::from_le_bytes(reference))));
            let known = known.or_default();
            for _ in 0..take_length(input)? {
                let start = take_signed(input)?;
                let mut errors = Errors::default();
                for error in &mut errors {
                    if take_byte(input)? != 0 {
                        *error = Some(crate::aggregate::wire::take_double(input)?);
                    }
                }
                known.insert(start, errors);
            }
        }
        Ok(past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERIES: SeriesOfErrors = SeriesOfErrors {
        spec: WindowSpec { size_ms: 10, advance_ms: 10 },
        version: Some(VersionId(1)),
        reference: ReferenceId(7),
    };

    fn of_accuracy(error: f64) -> Errors {
        [Some(error), None, None, None]
    }

    #[test]
    fn an_estimate_is_held_against_the_last_hundred_windows_before_it() {
        let mut past = PastErrors::default();
        for window in 0..300 {
            past.add(SERIES, 10 * window, of_accuracy(window as f64));
        }
        let found = past.before(SERIES, 2_000);
        assert_eq!((found[0].len(), found[0][0], found[0][99]), (100, 101.0, 200.0));
        assert!(found[1].is_empty());
        // The window at 1,010 is the oldest that one at 2,400 sees if windows are open for 400.
        assert_eq!(PastErrors::held_against(SERIES.spec, 1_010, 400), 1_410..=2_400);
        let other = SeriesOfErrors { reference: ReferenceId(8), ..SERIES };
        assert!(past.before(other, 2_000)[0].is_empty());
        // What an open window may ask for is kept: it starts no sooner than 2,990 − 400 − 10.
        past.forget(2_990, 400);
        assert_eq!(past.before(SERIES, 2_580 - 400).map(|errors| errors.len()), [100, 0, 0, 0]);
        assert_eq!(past.before(SERIES, 1_000)[0].len(), 0);
        past.forget(100_000, 400);
        assert_eq!(past, PastErrors::default());
    }

    #[test]
    fn errors_survive_as_bytes() {
        let mut past = PastErrors::default();
        past.add(SERIES, -10, [Some(0.25), None, Some(-0.5), None]);
        past.add(SeriesOfErrors { version: None, ..SERIES }, 40, of_accuracy(0.125));
        past.add(SERIES, 50, Errors::default());
        assert!(past.knows(SERIES.spec, 40) && !past.knows(SERIES.spec, 50));
        let mut bytes = Vec::new();
        past.encode(&mut bytes);
        let mut input = &bytes[..];
        assert_eq!(PastErrors::decode(&mut input), Ok(past));
        assert!(input.is_empty());
        assert!((0..bytes.len()).all(|cut| PastErrors::decode(&mut &bytes[..cut]).is_err()));
    }
}
