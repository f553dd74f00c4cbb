//! The distribution of Kolmogorov's statistic: one sample against the continuous distribution that it comes from.

/// Up to so many rows the exact matrix is used wherever the one-sided tail does not do.
const MATRIX_ROWS: f64 = 140.0;
/// Up to so many rows it is used near 0 too, where it is small and the expansion is at its worst.
const SMALL_MATRIX_ROWS: f64 = 10_000.0;
/// Beyond this many rows the terms of Smirnov's sum are not added one by one.
const SUMMED_ROWS: f64 = 100_000.0;

/// P(D ≥ `d`) of one sample of `rows` ≥ 1 rows; the method by region as Simard and L'Ecuyer 2011 ("Computing the two-sided
/// Kolmogorov-Smirnov distribution") recommend: twice Smirnov's one-sided tail where the other side hardly matters, else
/// Durbin's matrix, else the expansion of Pelz and Good, which is off by 1e-6 at 200 rows and 1e-8 at 4000.
pub fn one_sample_upper(d: f64, rows: f64) -> f64 {
    if d >= 1.0 {
        return 0.0;
    }
    let squared = rows * d * d;
    let other_side_matters = if rows <= MATRIX_ROWS { 4.0 } else { 2.2 };
    let upper = if squared >= other_side_matters || d >= 0.5 {
        2.0 * smirnov_upper(d, rows)
    } else if rows <= MATRIX_ROWS || rows <= SMALL_MATRIX_ROWS && rows * d * d.sqrt() <= 1.4 {
        1.0 - durbin(d, rows)
    } else {
        1.0 - pelz_good(d, rows)
    };
    upper.clamp(0.0, 1.0)
}

/// P(D < d), exactly, by Durbin's matrix as Marsaglia, Tsang and Wang 2003 give it ("Evaluating Kolmogorov's
/// distribution"): an entry of its power, here by as many products with a vector.
fn durbin(d: f64, rows: f64) -> f64 {
    let scaled = rows * d;
    if scaled <= 0.5 {
        return 0.0;
    }
    let k = scaled as usize + 1;
    let (size, h) = (2 * k - 1, k as f64 - scaled);
    // 1 / i! without the corrections of the first column and the last row.
    let mut inverse_factorial = vec![1.0; size + 2];
    for i in 1..inverse_factorial.len() {
        inverse_factorial[i] = inverse_factorial[i - 1] / i as f64;
    }
    // (1 − h^i) / i!, and (1 − 2 h^size + max(0, 2h − 1)^size) / size! in the corner where they meet.
    let power = |x: f64, n: usize| libm::pow(x, n as f64);
    let border = |i: usize| (1.0 - power(h, i)) * inverse_factorial[i];
    let corner = (1.0 - 2.0 * power(h, size) + power((2.0 * h - 1.0).max(0.0), size)) * inverse_factorial[size];
    let entry = |i: usize, j: usize| match (i, j) {
        _ if i + 1 < j => 0.0,
        (i, 0) if i + 1 == size => corner,
        (i, 0) => border(i + 1),
        (i, j) if i + 1 == size => border(size - j),
        (i, j) => inverse_factorial[i + 1 - j],
    };
    let matrix: Vec<Vec<f64>> = (0..size).map(|j| (0..size).map(|i| entry(i, j)).collect()).collect();
    // rows! / rows^rows, spread over the products so that nothing under- or overflows.
    let factor = libm::exp(libm::lgamma(rows + 1.0) / rows - libm::log(rows));
    let mut vector = vec![0.0; size];
    vector[k - 1] = 1.0;
    for _ in 0..rows as usize {
        let product = |column: &Vec<f64>| column.iter().zip(&vector).map(|(m, v)| m * v).sum::<f64>() * factor;
        vector = matrix.iter().map(product).collect();
    }
    vector[k - 1]
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
            * (h * h * h * (5.0 - 30.0 * z2) + h * h * (-60.0 * z2 + 212.0 * z4) + h * (135.0 * z4 - 96.0 * z6)
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

    /// The first is printed by Marsaglia, Tsang and Wang; the others are their matrix in rational numbers.
    #[test]
    fn exact_values() {
        assert!((durbin(0.274, 10.0) - 0.628479615).abs() < 1e-8, "{}", durbin(0.274, 10.0));
        assert!((durbin(0.25, 20.0) - 0.8623743016328238).abs() < 1e-13);
        assert!((durbin(0.5, 5.0) - 0.888).abs() < 1e-13);
        assert!((durbin(0.06, 10.0) / 3.7158912e-11 - 1.0).abs() < 1e-10);
        assert_eq!((durbin(0.05, 10.0), durbin(0.04, 10.0)), (0.0, 0.0), "no sample is that close");
    }

    #[test]
    fn three_ways_agree() {
        for (rows, tolerance) in [(200.0, 2e-6), (1000.0, 1e-7), (2000.0, 3e-8)] {
            for z in [0.5, 0.7, 0.9, 1.2, 1.4, 1.6f64] {
                let d = z / f64::sqrt(rows);
                let exact = durbin(d, rows);
                let difference = pelz_good(d, rows) - exact;
                assert!(difference.abs() < tolerance, "{z}, {rows}: {difference:e}");
                if z > 1.5 {
                    assert!((2.0 * smirnov_upper(d, rows) - (1.0 - exact)).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn the_sum_and_its_limit_meet() {
        let many = one_sample_upper(1.5 / f64::sqrt(99_999.0), 99_999.0);
        let more = one_sample_upper(1.5 / f64::sqrt(100_001.0), 100_001.0);
        assert!((many - more).abs() < 1e-4 * many, "{many}, {more}");
    }

    #[test]
    fn extremes_have_their_limits() {
        assert_eq!(one_sample_upper(1e-9, 1e6), 1.0);
        assert_eq!(one_sample_upper(1.0, 10.0), 0.0);
        assert_eq!(one_sample_upper(0.3, 1e9), 0.0);
    }
}
