//! `TwoSamples`: how many rows of the reference and of the current window fell into each bin. Every method starts here.

use crate::metrics::Undefined;

/// Rows per bin of two samples over the same bins; neither sample is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoSamples<'a> {
    reference: &'a [i64],
    current: &'a [i64],
    reference_rows: i64,
    current_rows: i64,
}

impl<'a> TwoSamples<'a> {
    /// Two samples, one count ≥ 0 per bin.
    ///
    /// # Errors
    /// [`Undefined::NoReference`] or [`Undefined::NoRows`] where a sample has no row: nothing can be compared with it.
    ///
    /// # Panics
    /// If the samples have different numbers of bins.
    pub fn new(reference: &'a [i64], current: &'a [i64]) -> Result<Self, Undefined> {
        assert_eq!(reference.len(), current.len(), "both samples lie in the same bins");
        debug_assert!(reference.iter().chain(current).all(|&count| count >= 0), "a bin holds rows, or none");
        let (reference_rows, current_rows) = (reference.iter().sum(), current.iter().sum());
        match (reference_rows, current_rows) {
            (..=0, _) => Err(Undefined::NoReference),
            (_, ..=0) => Err(Undefined::NoRows),
            _ => Ok(TwoSamples { reference, current, reference_rows, current_rows }),
        }
    }

    /// Rows per bin of the reference and of the current window, bin by bin.
    pub fn counts(&self) -> impl Iterator<Item = (i64, i64)> + 'a {
        self.reference.iter().copied().zip(self.current.iter().copied())
    }

    /// Share of the reference's and of the current rows, bin by bin; each sums to 1.
    pub fn shares(&self) -> impl Iterator<Item = (f64, f64)> + 'a {
        let (n, m) = (self.reference_rows as f64, self.current_rows as f64);
        self.counts().map(move |(reference, current)| (reference as f64 / n, current as f64 / m))
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.reference.len()
    }

    /// Bins that hold a row of either sample.
    pub fn occupied_bins(&self) -> usize {
        self.counts().filter(|&(reference, current)| reference + current > 0).count()
    }

    /// Rows of the reference, > 0.
    pub fn reference_rows(&self) -> i64 {
        self.reference_rows
    }

    /// Rows of the current window, > 0.
    pub fn current_rows(&self) -> i64 {
        self.current_rows
    }

    /// `reference` · m − `current` · n, how far apart so many rows of n and so many of m are as shares, in units of 1 / nm:
    /// exact, so that large shares cancel before anything is rounded.
    pub(super) fn cross(&self, reference: i64, current: i64) -> i128 {
        let product = |count: i64, rows: i64| i128::from(count) * i128::from(rows);
        product(reference, self.current_rows) - product(current, self.reference_rows)
    }

    /// 1/n + 1/m: the variance of the difference of two means of such samples, in units of a row's.
    pub fn sampling_variance(&self) -> f64 {
        1.0 / self.reference_rows as f64 + 1.0 / self.current_rows as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sample_is_no_sample() {
        assert_eq!(TwoSamples::new(&[0, 0], &[1, 2]), Err(Undefined::NoReference));
        assert_eq!(TwoSamples::new(&[1, 0], &[0, 0]), Err(Undefined::NoRows));
        assert_eq!(TwoSamples::new(&[], &[]), Err(Undefined::NoReference));
    }

    #[test]
    fn shares_are_of_the_own_sample() {
        let samples = TwoSamples::new(&[1, 3, 0], &[1, 1, 0]).unwrap();
        assert_eq!(samples.shares().collect::<Vec<_>>(), [(0.25, 0.5), (0.75, 0.5), (0.0, 0.0)]);
        assert_eq!((samples.bins(), samples.occupied_bins()), (3, 2));
        assert_eq!(samples.sampling_variance(), 0.75);
    }

    #[test]
    #[should_panic(expected = "the same bins")]
    fn samples_in_different_bins_are_a_mistake() {
        let _ = TwoSamples::new(&[1], &[1, 2]);
    }
}
