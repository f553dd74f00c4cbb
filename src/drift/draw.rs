//! Seeded random draws for tests of what chance does.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Draw(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number less than `n` > 0. Only what simulates the service draws any.
    #[cfg(feature = "kafka")]
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of `rows` rows fall into bins of these shares, which sum to 1.
    pub fn multinomial(&mut self, shares: &[f64], rows: usize) -> Vec<i64> {
        let mut upper = Vec::new();
        let mut sum = 0.0;
        for share in shares {
            sum += share;
            upper.push(sum);
        }
        let mut counts = vec![0; shares.len()];
        for _ in 0..rows {
            let u = self.uniform();
            counts[upper.partition_point(|&upper| upper <= u).min(shares.len() - 1)] += 1;
        }
        counts
    }
}
