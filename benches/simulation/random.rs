//! Draws from a fixed sequence, so that runs compare.

use statrs::distribution::{ContinuousCDF, Normal};

/// A sequence of draws.
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// One of `n` > 0 places.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A sum of `shape` ≥ 1 exponential draws (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape == 1.0 {
            return -self.uniform().ln();
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let z = normal_quantile(self.uniform());
            let v = 1.0 + z / (9.0 * d).sqrt();
            if v > 0.0 && self.uniform().ln() < 0.5 * z * z + d - d * v * v * v + 3.0 * d * v.ln() {
                return d * v * v * v;
            }
        }
    }

    /// How many of `n` rows have something that each has with probability `p`.
    pub fn binomial(&mut self, n: i64, p: f64) -> i64 {
        if n == 0 || p <= 0.0 {
            return 0;
        }
        if p >= 1.0 {
            return n;
        }
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        if n as f64 * p < 10.0 { self.few(n, p) } else { self.many(n, p) }
    }

    /// By the gaps between those that have it.
    fn few(&mut self, n: i64, p: f64) -> i64 {
        let (mut count, mut row) = (0, 0.0);
        let scale = (-p).ln_1p();
        loop {
            row += (self.uniform().ln() / scale).floor() + 1.0;
            if row > n as f64 {
                return count;
            }
            count += 1;
        }
    }

    /// By rejection (Hörmann 1993, BTRS).
    fn many(&mut self, n: i64, p: f64) -> i64 {
        let rows = n as f64;
        let deviation = (rows * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let center = rows * p + 0.5;
        let squeeze = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * deviation;
        let mode = ((rows + 1.0) * p).floor();
        let log_ways = |k: f64| libm::lgamma(k + 1.0) + libm::lgamma(rows - k + 1.0);
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + center).floor();
            if us >= 0.07 && v <= squeeze {
                return k as i64;
            }
            if k < 0.0 || k > rows {
                continue;
            }
            let v = (v * alpha / (a / (us * us) + b)).ln();
            if v <= log_ways(mode) - log_ways(k) + (k - mode) * (p / (1.0 - p)).ln() {
                return k as i64;
            }
        }
    }

    /// How `n` rows fall into places of these weights.
    pub fn multinomial(&mut self, n: i64, weights: &[f64]) -> Vec<i64> {
        let mut left = n;
        let mut weight_left: f64 = weights.iter().sum();
        let mut draw = |&weight: &f64| {
            let count = self.binomial(left, (weight / weight_left).clamp(0.0, 1.0));
            left -= count;
            weight_left -= weight;
            count
        };
        let mut counts: Vec<i64> = weights.iter().map(&mut draw).collect();
        // Rounding may leave a weight of almost nothing at the end.
        if let Some(last) = weights.iter().rposition(|&weight| weight > 0.0) {
            counts[last] += n - counts.iter().sum::<i64>();
        }
        counts
    }
}

/// The standard normal value below which a share of `u` lies.
pub fn normal_quantile(u: f64) -> f64 {
    Normal::standard().inverse_cdf(u)
}
