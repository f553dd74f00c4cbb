//! Quantiles of sorted values by linear interpolation, to the last bit as NumPy's default has them, so that published
//! edges agree.

/// The `q` quantile, in [0, 1], of ascending finite values: that at rank (n − 1) · q, between neighbours on a straight
/// line (Hyndman and Fan 1996, type 7). `None` of nothing.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let (last, highest) = (sorted.len().checked_sub(1)?, *sorted.last()?);
    let rank = last as f64 * q.clamp(0.0, 1.0);
    let below = rank as usize;
    let Some(&upper) = sorted.get(below + 1) else { return Some(highest) };
    let (lower, weight) = (sorted[below], rank - below as f64);
    // From the nearer end, as NumPy does: at the ends the line meets the values exactly.
    let difference = upper - lower;
    Some(if weight >= 0.5 { upper - difference * (1.0 - weight) } else { lower + difference * weight })
}

/// The ten deciles' inner and outer edges, q = 0, 0.1, … 1 as `numpy.linspace` has them.
pub(super) fn deciles(sorted: &[f64]) -> Vec<f64> {
    (0..=10).filter_map(|k| quantile(sorted, f64::from(k) * 0.1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.5), Some(3.0));
        assert_eq!(quantile(&sorted, 0.0), Some(1.0));
        assert_eq!(quantile(&sorted, 1.0), Some(8.0));
        assert_eq!(quantile(&sorted, 0.25), Some(1.75));
        assert_eq!(quantile(&[0.0, 8.0, 9.0], 0.125), Some(2.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(deciles(&[3.0]), [3.0; 11]);
    }
}
