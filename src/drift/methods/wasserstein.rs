//! Wasserstein distance of order 1: ∫ |F − G| dx, how far rows must be moved on average to turn one sample into the other
//! (also: earth mover's distance). In the unit of the feature; normed: divided by the reference's standard deviation.
//!
//! Range: ≥ 0; 0 iff the bins have equal shares. Source: Vallender 1974, "Calculation of the Wasserstein distance between
//! probability distributions on the line".
//!
//! Binning: inside a bin rows are taken to lie evenly, so F − G is a straight line there. Wherever they lie, F − G stays
//! within [δ − q, δ + p] (δ where the bin starts, p and q the shares that it holds), and `error_bound` is how far the
//! integral can then be off. Wide bins in the tails make it large: it is a guarantee, and the value is mostly much closer.

use super::Bounded;
use crate::drift::OrderedSamples;
use crate::metrics::Undefined;

/// The Wasserstein distance of `samples`.
///
/// # Errors
/// [`Undefined::Overflow`] where a bin without end holds a row, or the distance is beyond the range of a double.
pub fn wasserstein(samples: &OrderedSamples) -> Result<Bounded, Undefined> {
    let both = samples.samples();
    let unit = both.reference_rows() as f64 * both.current_rows() as f64;
    let difference = |reference: i64, current: i64| both.cross(reference, current) as f64 / unit;
    let (mut value, mut least, mut most) = (0.0, 0.0, 0.0);
    for (step, (lower, upper)) in samples.steps().zip(samples.edges()) {
        let width = upper - lower;
        let start = difference(step.reference_below, step.current_below);
        let end = difference(step.reference_below + step.reference, step.current_below + step.current);
        if start == 0.0 && step.reference == 0 && step.current == 0 {
            // Nothing here and nothing across: also where the bin is infinite.
            continue;
        }
        value += width * mean_magnitude(start, end);
        let lowest = difference(step.reference_below, step.current_below + step.current);
        let highest = difference(step.reference_below + step.reference, step.current_below);
        least += width * lowest.max(-highest).max(0.0);
        most += width * highest.max(-lowest);
    }
    if !(most.is_finite() && value.is_finite()) {
        return Err(Undefined::Overflow);
    }
    Ok(Bounded { value, error_bound: (value - least).max(most - value).max(0.0) })
}

/// The Wasserstein distance divided by the reference's standard deviation (of the population: divisor n).
///
/// # Errors
/// As [`wasserstein`]; [`Undefined::ZeroDenominator`] where the reference is constant.
pub fn wasserstein_normed(samples: &OrderedSamples, reference_std: f64) -> Result<Bounded, Undefined> {
    if reference_std <= 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let plain = wasserstein(samples)?;
    let (value, error_bound) = (plain.value / reference_std, plain.error_bound / reference_std);
    if value.is_finite() && error_bound.is_finite() {
        Ok(Bounded { value, error_bound })
    } else {
        Err(Undefined::Overflow)
    }
}

/// Mean of |x| along a straight line from `start` to `end`.
fn mean_magnitude(start: f64, end: f64) -> f64 {
    let (a, b) = (start.abs(), end.abs());
    let crosses_zero = (start < 0.0) != (end < 0.0) && a + b > 0.0;
    if crosses_zero { 0.5 * (a * a + b * b) / (a + b) } else { 0.5 * (a + b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[f64], reference: &[i64], current: &[i64]) -> Result<Bounded, Undefined> {
        wasserstein(&OrderedSamples::new(edges, reference, current).unwrap())
    }

    #[test]
    fn a_shift_by_one_bin_is_its_width() {
        let moved = of(&[0.0, 10.0, 20.0], &[5, 0], &[0, 5]).unwrap();
        assert!((moved.value - 10.0).abs() < 1e-14);
        // From 0 (all at the common edge) to 20.
        assert_eq!(moved.error_bound, 10.0);
    }

    #[test]
    fn points_are_exact() {
        let edges = [1.0, 1.0f64.next_up(), 4.0, 4.0f64.next_up()];
        let moved = of(&edges, &[3, 0, 1], &[1, 0, 3]).unwrap();
        assert!((moved.value - 1.5).abs() < 1e-14 && moved.error_bound < 1e-14, "{moved:?}");
    }

    #[test]
    fn a_crossing_line_is_two_triangles() {
        assert_eq!(mean_magnitude(-1.0, 1.0), 0.5);
        assert_eq!(mean_magnitude(1.0, 3.0), 2.0);
        assert_eq!(mean_magnitude(0.0, 0.0), 0.0);
    }

    #[test]
    fn a_bin_without_end_is_no_distance() {
        let edges = [f64::NEG_INFINITY, 0.0, 1.0, f64::INFINITY];
        assert_eq!(of(&edges, &[0, 3, 0], &[1, 3, 0]), Err(Undefined::Overflow));
        assert_eq!(of(&edges, &[0, 3, 0], &[0, 3, 0]).map(|moved| moved.value), Ok(0.0));
    }

    #[test]
    fn a_constant_reference_has_no_unit() {
        let edges = [0.0, 1.0, 2.0];
        let samples = OrderedSamples::new(&edges, &[3, 0], &[0, 3]).unwrap();
        assert_eq!(wasserstein_normed(&samples, 0.0), Err(Undefined::ZeroDenominator));
        let normed = wasserstein_normed(&samples, 0.5).unwrap();
        assert_eq!(normed, Bounded { value: 2.0, error_bound: 2.0 });
    }
}
