//! Kolmogorov-Smirnov statistic of two samples: sup |F − G|, the largest difference of their distribution functions.
//!
//! Range: [0, 1]; 0 iff the bins have equal shares. Source: Smirnov 1939, "On the estimation of the discrepancy between
//! empirical curves of distribution for two independent samples". The p-value is that of [`crate::drift::kolmogorov`].
//!
//! Binning: what is read at the edges is a lower bound of the statistic. In a bin that starts at a difference of δ and
//! holds shares p and q, F − G stays within [δ − q, δ + p]; `error_bound` is what the largest of these adds. A bin that
//! holds one value adds nothing: with such bins only, the statistic is exact. The value is the lower bound and not the
//! middle, so that equal samples have 0, and a p-value is never too small.

use super::Bounded;
use crate::drift::OrderedSamples;
use crate::drift::kolmogorov::two_sample_p_value;

/// The outcome of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KolmogorovSmirnov {
    /// Largest difference at the edges of the bins.
    pub statistic: Bounded,
    /// Probability of such a statistic or a larger one where nothing changed; at most too large where values are tied.
    pub p_value: f64,
}

/// The Kolmogorov-Smirnov test of `samples`.
pub fn kolmogorov_smirnov(samples: &OrderedSamples) -> KolmogorovSmirnov {
    let both = samples.samples();
    let (n, m) = (both.reference_rows(), both.current_rows());
    // Differences in units of 1 / nm are integers, so that no rounding decides which is the largest.
    let (mut at_edges, mut anywhere) = (0, 0);
    for step in samples.steps() {
        let start = both.cross(step.reference_below, step.current_below);
        let (up, down) = (both.cross(step.reference, 0), both.cross(0, step.current));
        let end = (start + up + down).abs();
        at_edges = at_edges.max(end);
        let inside = if step.is_point { end } else { (start + up).abs().max((start + down).abs()) };
        anywhere = anywhere.max(inside);
    }
    let unit = both.cross(n, 0) as f64;
    let statistic = Bounded { value: at_edges as f64 / unit, error_bound: (anywhere - at_edges).max(0) as f64 / unit };
    KolmogorovSmirnov { statistic, p_value: two_sample_p_value(at_edges, n, m) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[f64], reference: &[i64], current: &[i64]) -> Bounded {
        kolmogorov_smirnov(&OrderedSamples::new(edges, reference, current).unwrap()).statistic
    }

    #[test]
    fn by_hand() {
        let found = of(&[0.0, 1.0, 2.0, 3.0], &[2, 1, 1], &[1, 1, 2]);
        // At the edges 1/4, 1/4, 0; inside the second bin the reference may come first: 1/4 + 1/4.
        assert_eq!(found, Bounded { value: 0.25, error_bound: 0.25 });
    }

    #[test]
    fn points_leave_nothing_open() {
        let edges = [1.0, 1.0f64.next_up(), 2.0, 2.0f64.next_up()];
        assert_eq!(of(&edges, &[3, 0, 1], &[1, 0, 1]), Bounded { value: 0.25, error_bound: 0.0 });
    }

    #[test]
    fn counts_of_a_trillion_rows_do_not_overflow() {
        let many = 1_000_000_000_000;
        assert_eq!(of(&[0.0, 1.0, 2.0], &[many, many], &[many, 0]).value, 0.5);
    }
}
