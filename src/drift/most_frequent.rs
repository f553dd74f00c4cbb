//! The p-value of a category of which only the most frequent values have bins.
//!
//! Which values these are was decided by the rows of the reference, which are then compared: of values that are about as
//! frequent as the last one that has a bin, those have one whose share in the reference is above their true one. So all
//! together the others have too few rows in the reference, and a window from the same distribution seems to have more of
//! them: with 1,000 values by Zipf's law, 1,000 rows and windows of 500, p is below 0.01 in 3 % of the windows.
//!
//! So values near the border count as others. Where the border lies must not depend on the noise of the reference either:
//! what both samples hold together is independent of how they differ. A value keeps its bin if it then expects so many
//! rows in the reference that one without a bin hardly ever does.

use super::TwoSamples;
use super::homogeneity::homogeneity_p_value;

/// Standard deviations by which a value exceeds those without a bin.
const DEVIATIONS: f64 = 4.0;

/// Probability of samples that differ as much or more where both come from one distribution, in [0, 1]; all values
/// without a bin of their own are in bin `others`, and bins behind it are no values.
pub fn most_frequent_p_value(samples: &TwoSamples, others: usize) -> f64 {
    let counts: Vec<(i64, i64)> = samples.counts().collect();
    let is_cut_off = counts.get(others).is_some_and(|(reference, _)| *reference > 0);
    let Some(fewest) = counts.iter().take(others).map(|(reference, _)| *reference).min().filter(|_| is_cut_off) else {
        return homogeneity_p_value(samples);
    };
    let border = fewest as f64 + DEVIATIONS * (fewest as f64).sqrt();
    let (n, m) = (samples.reference_rows() as f64, samples.current_rows() as f64);
    let mut merged: Vec<(i64, i64)> = Vec::with_capacity(counts.len());
    let mut rest = (0, 0);
    for (place, &(reference, current)) in counts.iter().enumerate() {
        let expected = (reference + current) as f64 * n / (n + m);
        if place == others || place < others && expected < border {
            rest = (rest.0 + reference, rest.1 + current);
        } else {
            merged.push((reference, current));
        }
    }
    merged.push(rest);
    let (reference, current): (Vec<i64>, Vec<i64>) = merged.into_iter().unzip();
    TwoSamples::new(&reference, &current).map_or(1.0, |samples| homogeneity_p_value(&samples))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::draw::Draw;

    const KEPT: usize = 50;

    /// Rows of the most frequent values of the reference, of all others, and of two bins that are no values.
    fn cut_off(reference: &[i64], current: &[i64]) -> (Vec<i64>, Vec<i64>) {
        let mut order: Vec<usize> = (0..reference.len()).collect();
        order.sort_by_key(|&value| std::cmp::Reverse(reference[value]));
        let bins = |counts: &[i64]| {
            let (kept, others) = order.split_at(KEPT);
            let kept = kept.iter().map(|&value| counts[value]);
            kept.chain([others.iter().map(|&value| counts[value]).sum(), 0, 0]).collect()
        };
        (bins(reference), bins(current))
    }

    #[test]
    fn what_the_reference_chose_does_not_alarm() {
        let shares = |weights: Vec<f64>| -> Vec<f64> {
            let all: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / all).collect()
        };
        let zipf = shares((1..=1000).map(|i| 1.0 / f64::from(i)).collect());
        let equal = shares(vec![1.0; 200]);
        for (shares, n, m) in [(&zipf, 1_000, 500), (&zipf, 2_000, 20_000), (&equal, 2_000, 500)] {
            let mut draw = Draw::new(23);
            let (mut plain, mut mended) = (0, 0);
            for _ in 0..1_000 {
                let (reference, current) = cut_off(&draw.multinomial(shares, n), &draw.multinomial(shares, m));
                let samples = TwoSamples::new(&reference, &current).unwrap();
                plain += u32::from(homogeneity_p_value(&samples) <= 0.05);
                mended += u32::from(most_frequent_p_value(&samples, KEPT) <= 0.05);
            }
            // 5 % and three standard errors.
            assert!(mended <= 71, "{n}, {m}: {mended}");
            assert!(plain > 80, "{n}, {m}: {plain}; else nothing was to be mended");
        }
    }

    #[test]
    fn where_every_value_has_a_bin_nothing_is_put_together() {
        let samples = TwoSamples::new(&[700, 200, 100, 0, 0, 0], &[60, 25, 15, 0, 0, 0]).unwrap();
        assert_eq!(most_frequent_p_value(&samples, 3), homogeneity_p_value(&samples));
        let plain = TwoSamples::new(&[700, 300], &[60, 40]).unwrap();
        let samples = TwoSamples::new(&[700, 100, 100, 100, 0, 0], &[60, 25, 10, 5, 0, 0]).unwrap();
        assert_eq!(most_frequent_p_value(&samples, 3), homogeneity_p_value(&plain), "two of three are near the border");
    }

    #[test]
    fn a_new_value_tells() {
        let samples = TwoSamples::new(&[700, 200, 100, 0, 0], &[500, 150, 350, 0, 0]).unwrap();
        assert!(most_frequent_p_value(&samples, 2) < 1e-15);
    }
}
