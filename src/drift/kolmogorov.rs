//! The distribution of the Kolmogorov-Smirnov statistic of two samples where both come from one continuous distribution.
//!
//! Small samples (up to 10,000 rows each, as SciPy's `ks_2samp` decides too) by counting lattice paths, exactly; larger
//! ones by the statistic of one sample of nm / (n + m) rows, the usual approximation. Where values are tied the p-values
//! are at most too large: ties only keep the statistic from its larger values.

/// Largest sample for which paths are counted.
const EXACT_ROWS: i64 = 10_000;
/// Most lattice points that are visited (a tenth of a second at most). It is exceeded by large statistics of large
/// samples alone, where the approximation is as good.
const EXACT_POINTS: i128 = 20_000_000;
/// Beyond this many rows the terms of Smirnov's sum are not added one by one.
const SUMMED_ROWS: f64 = 100_000.0;

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
    for i in 0..=n {
        let lowest = ((i * m - gap).div_euclid(n) + 1).clamp(0, m + 1);
        let beyond = ((i * m + gap - 1).div_euclid(n) + 1).clamp(lowest, m + 1);
        let mut below = 1.0;
        for j in lowest..beyond {
            let here = &mut touched[j as usize];
            let (left, down) = (if i > 0 { *here } else { 0.0 }, if j > 0 { below } else { 0.0 });
            below = if i + j == 0 { 0.0 } else { (i as f64 * left + j as f64 * down) / (i + j) as f64 };
            *here = below;
        }
    }
    touched[m as usize]
}

/// P(D ≥ `d`) of one sample of `rows` rows against its distribution; the method by region as Simard and L'Ecuyer 2011
/// ("Computing the two-sided Kolmogorov-Smirnov distribution") recommend: twice Smirnov's one-sided tail where the other
/// side hardly matters, else the expansion of Pelz and Good.
pub fn one_sample_upper(d: f64, rows: f64) -> f64 {
    if d >= 1.0 {
        return 0.0;
    }
    let squared = rows * d * d;
    let upper = if squared >= 2.2 || d >= 0.5 { 2.0 * smirnov_upper(d, rows) } else { 1.0 - pelz_good(d, rows) };
    upper.clamp(0.0, 1.0)
}

/// One-sided tail P(D⁺ ≥ d): the exact sum of Birnbaum and Tingey 1951, or Smirnov's asymptotic form for many rows.
fn smirnov_upper(d: f64, rows: f64) -> f64 {
    if rows > SUMMED_ROWS {
        let z = d * rows.sqrt() + 1.0 / (6.0 * rows.sqrt());
        return libm::exp(-2.0 * z * z);
    }
    let log_factorial = libm::lgamma(rows + 1.0);
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= rows * (1.0 - d) {
        let (at, rest) = (d + j / rows, 1.0 - d - j / rows);
        let remaining = rows - j;
        if rest > 0.0 {
            let choose = log_factorial - libm::lgamma(j + 1.0) - libm::lgamma(remaining + 1.0);
            sum += libm::exp(choose + (j - 1.0) * libm::log(at) + remaining * libm::log(rest));
        }
        j += 1.0;
    }
    d * sum
}

/// P(D < d) by Pelz and Good 1976, up to the term in rows^(−3/2).
fn pelz_good(d: f64, rows: f64) -> f64 {
    const PI2: f64 = std::f64::consts::PI * std::f64::consts::PI;
    let z = d * rows.sqrt();
    let z2 = z * z;
    if z2 < 1e-3 {
        // e^−π²/8z² is below 10⁻⁵⁰⁰.
        return 0.0;
    }
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let mut terms = [0.0; 4];
    // Both signs of k + ½ and of k give equal terms. Twenty are more than enough where z² < 2.2.
    for k in 0..20 {
        let h = (f64::from(k) + 0.5) * (f64::from(k) + 0.5) * PI2;
        let weight = 2.0 * libm::exp(-h / (2.0 * z2));
        terms[0] += weight;
        terms[1] += weight * (h - z2);
        terms[2] += weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * h + (1.0 - 2.0 * z2) * h * h);
        terms[3] += weight
            * (h * h * h * (5.0 - 30.0 * z2)
                + h * h * (-60.0 * z2 + 212.0 * z4)
                + h * (135.0 * z4 - 96.0 * z6)
                - 30.0 * z6
                - 90.0 * z4 * z4);
    }
    let (mut second, mut third) = (0.0, 0.0);
    for k in 1..20 {
        let h = f64::from(k) * f64::from(k) * PI2;
        let weight = 2.0 * libm::exp(-h / (2.0 * z2));
        second += weight * h;
        third += weight * (3.0 * h * z2 - h * h);
    }
    let root = std::f64::consts::FRAC_PI_2.sqrt();
    let sum = terms[0] / z
        + terms[1] / (6.0 * z4) / rows.sqrt()
        + (terms[2] / (72.0 * z6 * z) - second / (36.0 * z2 * z)) / rows
        + (terms[3] / (6480.0 * z4 * z6) + third / (216.0 * z6)) / (rows * rows.sqrt());
    (root * sum).clamp(0.0, 1.0)
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

    /// P(D < d) of few rows by Durbin's matrix, as Marsaglia, Tsang and Wang 2003 give it: an independent way.
    fn durbin(d: f64, rows: usize) -> f64 {
        let k = (rows as f64 * d) as usize + 1;
        let (size, h) = (2 * k - 1, k as f64 - rows as f64 * d);
        let power = |x: f64, n: usize| (0..n).fold(1.0, |product, _| product * x);
        let mut step = vec![vec![0.0; size]; size];
        for (i, row) in step.iter_mut().enumerate() {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell = if i + 1 >= j { 1.0 } else { 0.0 };
            }
        }
        for i in 0..size {
            step[i][0] -= power(h, i + 1);
            step[size - 1][i] -= power(h, size - i);
        }
        step[size - 1][0] += if 2.0 * h > 1.0 { power(2.0 * h - 1.0, size) } else { 0.0 };
        for i in 0..size {
            for j in 0..size {
                for g in 1..=(i + 1).saturating_sub(j) {
                    step[i][j] /= g as f64;
                }
            }
        }
        let mut vector = vec![0.0; size];
        vector[k - 1] = 1.0;
        for row in 1..=rows {
            let next = (0..size).map(|j| (0..size).map(|i| vector[i] * step[i][j]).sum::<f64>());
            vector = next.map(|x| x * row as f64 / rows as f64).collect();
        }
        vector[k - 1]
    }

    #[test]
    fn one_sample_is_durbins() {
        for (rows, tolerance) in [(200usize, 1e-6), (1000, 5e-8), (4000, 5e-9)] {
            for z in [0.5, 0.7, 0.9, 1.2, 1.4, 1.6, 2.0] {
                let d = z / (rows as f64).sqrt();
                let difference = one_sample_upper(d, rows as f64) - (1.0 - durbin(d, rows));
                assert!(difference.abs() < tolerance, "{z}, {rows}: {difference:e}");
            }
        }
    }

    #[test]
    fn exact_and_approximate_meet() {
        let (n, m) = (4000, 1000);
        let gap: i128 = 180_000;
        let exact = two_sample_p_value(gap, n, m);
        let approximate = one_sample_upper(gap as f64 / 4e6, 800.0);
        assert!((exact - approximate).abs() < 0.01 * exact, "{exact}, {approximate}");
        let many = one_sample_upper(1.5 / 99_999f64.sqrt(), 99_999.0);
        let more = one_sample_upper(1.5 / 100_001f64.sqrt(), 100_001.0);
        assert!((many - more).abs() < 1e-4 * many, "{many}, {more}");
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
    fn extremes_have_their_limits() {
        assert_eq!(one_sample_upper(1e-9, 1e6), 1.0);
        assert_eq!(one_sample_upper(1.0, 10.0), 0.0);
        assert_eq!(one_sample_upper(0.3, 1e9), 0.0);
        assert!(two_sample_p_value(10_000 * 10_000, 10_000, 10_000) < 1e-300);
    }
}
