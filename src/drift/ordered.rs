//! `OrderedSamples`: two samples of a number over ascending bins, so that distribution functions can be compared.

use super::TwoSamples;
use crate::metrics::Undefined;

/// Two samples over bins that lie side by side on the number line.
#[derive(Debug, Clone, Copy)]
pub struct OrderedSamples<'a> {
    samples: TwoSamples<'a>,
    edges: &'a [f64],
}

/// One bin of both samples, and how their distribution functions stand where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// Reference rows below the bin.
    pub reference_below: i64,
    /// Current rows below the bin.
    pub current_below: i64,
    /// Reference rows in the bin.
    pub reference: i64,
    /// Current rows in the bin.
    pub current: i64,
    /// All rows of the bin have one value, or it has none: what is inside cannot be ordered otherwise.
    pub is_point: bool,
}

impl<'a> OrderedSamples<'a> {
    /// Bin `i` holds the values in `[edges[i], edges[i + 1])`; the outermost edges may be infinite.
    ///
    /// # Errors
    /// As [`TwoSamples::new`].
    ///
    /// # Panics
    /// If the samples have different numbers of bins, or the edges are not one more, or not ascending.
    pub fn new(edges: &'a [f64], reference: &'a [i64], current: &'a [i64]) -> Result<Self, Undefined> {
        assert_eq!(edges.len(), reference.len() + 1, "a bin lies between two edges");
        assert!(edges.is_sorted(), "edges ascend");
        Ok(OrderedSamples { samples: TwoSamples::new(reference, current)?, edges })
    }

    /// The same samples without their order.
    pub fn samples(&self) -> &TwoSamples<'a> {
        &self.samples
    }

    /// Lower and upper edge of each bin.
    pub(super) fn edges(&self) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.edges.windows(2).map(|pair| (pair[0], pair[1]))
    }

    /// Every bin from the lowest to the highest.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> + 'a {
        let (mut reference_below, mut current_below) = (0, 0);
        self.samples.counts().zip(self.edges()).map(move |((reference, current), (lower, upper))| {
            let is_point = reference + current == 0 || upper <= lower.next_up();
            let step = Step { reference_below, current_below, reference, current, is_point };
            reference_below += reference;
            current_below += current;
            step
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_of_one_double_is_a_point() {
        let edges = [1.0, 1.0f64.next_up(), 2.0, 3.0];
        let ordered = OrderedSamples::new(&edges, &[1, 0, 2], &[1, 0, 0]).unwrap();
        let points: Vec<bool> = ordered.steps().map(|step| step.is_point).collect();
        assert_eq!(points, [true, true, false]);
        let last = ordered.steps().last().unwrap();
        assert_eq!((last.reference_below, last.current_below), (1, 1));
    }

    #[test]
    #[should_panic(expected = "edges ascend")]
    fn edges_that_descend_are_a_mistake() {
        let _ = OrderedSamples::new(&[1.0, 0.0], &[1], &[1]);
    }
}
