//! The distribution of the Kolmogorov-Smirnov statistic of two samples where both come from one continuous distribution.
//!
//! Small samples (up to 10,000 rows each, as SciPy's `ks_2samp` decides too) by counting lattice paths, exactly; larger
//! ones by the statistic of one sample of nm / (n + m) rows, the usual approximation. Where values are tied the p-values
//! are at most too large: ties only keep the statistic from its larger values.

mod one_sample;

pub use one_sample::one_sample_upper;

/// Largest sample for which paths are counted.
const EXACT_ROWS: i64 = 10_000;
/// Most lattice points that are visited (a tenth of a second at most). It is exceeded by large statistics of large
/// samples alone, where the approximation is as good.
const EXACT_POINTS: i128 = 20_000_000;

/// P(sup |F − G| ≥ `gap` / nm) for samples of `n` > 0 and `m` > 0 rows; `gap` ≥ 0 is an integer because F and G are
/// multiples of 1/n and 1/m.
pub fn two_sample_p_value(gap: i128, n: i64, m: i64) -> f64 {
    if gap <= 0 {
        return 1.0;
    }
    if n.max(m) <= EXACT_ROWS && 2 * gap <= EXACT_POINTS {
        return paths_outside(gap as i64, n.max(m), n.min(m));
    }
    let (n, m) = (n as f64, m as f64);
    one_sample_upper(gap as f64 / (n * m), (n * m / (n + m)).round().max(1.0))
}

/// Statistic that chance alone exceeds with probability `alpha`, asymptotically: Smirnov's z − 1 / (6√N) over √N for
/// N = nm / (n + m), z = √(½ ln(2 / alpha)). It is the first-order correction of [`one_sample_upper`]'s tail.
pub fn upper_quantile(alpha: f64, n: i64, m: i64) -> f64 {
    let rows = n as f64 * m as f64 / (n as f64 + m as f64);
    let z = (0.5 * libm::log(2.0 / alpha)).sqrt();
    ((z - 1.0 / (6.0 * rows.sqrt())) / rows.sqrt()).clamp(0.0, 1.0)
}

/// Share of the lattice paths from (0, 0) to (n, m) that touch |i·m − j·n| ≥ `gap` (Hodges 1958): to each point, the
/// share of the paths to it that have touched, from its two predecessors. All paths are equally likely, so a path to
/// (i, j) comes from the left with probability i / (i + j).
fn paths_outside(gap: i64, n: i64, m: i64) -> f64 {
    // `touched[j]` belongs to column i − 1 until it is overwritten. The band only climbs: what lies above it is still 1,
    // and what lies below is not read again.
    let mut touched = vec![1.0; m as usize + 1];
    // Of the steps to (i, j): a division each would be most of the time.
    let per_step: Vec<f64> = (0..=n + m).map(|steps| 1.0 / steps.max(1) as f64).collect();
    for i in 0..=n {
        let lowest = ((i * m - gap).div_euclid(n) + 1).clamp(0, m + 1);
        let beyond = ((i * m + gap - 1).div_euclid(n) + 1).clamp(lowest, m + 1);
        let mut below = 1.0;
        for j in lowest..beyond {
            let here = &mut touched[j as usize];
            let (left, down) = (if i > 0 { *here } else { 0.0 }, if j > 0 { below } else { 0.0 });
            let per_step = per_step[(i + j) as usize];
            below = i as f64 * per_step * left + j as f64 * per_step * down;
            *here = below;
        }
    }
    // Rounding may exceed it by a few units in the last place.
    touched[m as usize].min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every path, one by one.
    fn counted(gap: i64, n: i64, m: i64, i: i64, j: i64, touched: bool) -> (f64, f64) {
        let touched = touched || (i * m - j * n).abs() >= gap;
        if (i, j) == (n, m) {
            return (f64::from(u8::from(touched)), 1.0);
        }
        let add = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
        let right = if i < n { counted(gap, n, m, i + 1, j, touched) } else { (0.0, 0.0) };
        let up = if j < m { counted(gap, n, m, i, j + 1, touched) } else { (0.0, 0.0) };
        add(right, up)
    }

    #[test]
    fn paths_are_counted_right() {
        for (n, m) in [(1, 1), (4, 2), (5, 5), (7, 3), (8, 6)] {
            for gap in 1..=n * m {
                let (outside, all) = counted(gap, n, m, 0, 0, false);
                let found = two_sample_p_value(i128::from(gap), n, m);
                assert!((found - outside / all).abs() < 1e-14, "{gap} of {n}, {m}: {found}");
                assert_eq!(two_sample_p_value(i128::from(gap), m, n), found);
            }
        }
        assert_eq!(two_sample_p_value(0, 3, 4), 1.0);
    }

    #[test]
    fn exact_and_approximate_meet() {
        let (n, m) = (4000, 1000);
        let gap: i128 = 180_000;
        let exact = two_sample_p_value(gap, n, m);
        let approximate = one_sample_upper(gap as f64 / 4e6, 800.0);
        assert!((exact - approximate).abs() < 0.02 * exact, "{exact}, {approximate}");
    }

    #[test]
    fn the_quantile_leads_back() {
        for alpha in [0.1, 0.01, 1e-4] {
            let d = upper_quantile(alpha, 20_000, 5000);
            let found = one_sample_upper(d, 4000.0);
            assert!((found - alpha).abs() < 0.01 * alpha, "{alpha}: {found}");
        }
    }

    #[test]
    fn what_cannot_be_has_no_probability() {
        assert!(two_sample_p_value(10_000 * 10_000, 10_000, 10_000) < 1e-300);
    }
}
