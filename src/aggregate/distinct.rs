//! `Distinct`: about how many different texts there were. HyperLogLog (Flajolet et al. 2007) with 256 registers, read by
//! Ertl's improved raw estimator (2017), which needs neither thresholds nor corrections of a bias.
//!
//! A register keeps the largest rank of the hashes that fall to it, so texts may come in any order, repeatedly, and spread
//! over accumulators that are merged later. The standard error is 1.04/√256 = 6.5 %. At most 512 bytes.

use crate::event::text_hash::TextHash;
use std::fmt::Write;

/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 8;
/// Bits that are left for the rank.
const RANK_BITS: u32 = 64 - INDEX_BITS;
/// Largest rank: all bits that are left are zero.
const MAX_RANK: u8 = RANK_BITS as u8 + 1;
const REGISTERS: f64 = (1u32 << INDEX_BITS) as f64;
/// 1 / (2 · ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// Largest ranks, by register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distinct {
    /// Ascending by register; those that no text fell to are left out.
    registers: Vec<(u8, u8)>,
}

impl Distinct {
    /// Standard deviation of the estimate, as a share of the truth.
    pub const STANDARD_ERROR: f64 = 0.065;
    /// Keys of the hash. State refers to hashes made with them: changed, the same text would be two.
    const KEYS: (u64, u64) = (0x706f_7374_6469_6374, 0x6469_7374_696e_6374);

    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.add_hash(TextHash::of(Self::KEYS, |hash| hash.write_str(text)));
    }

    /// Adds the text of a number, as `number_as_class` writes it.
    pub fn add_number(&mut self, number: f64) {
        self.add_hash(TextHash::of(Self::KEYS, |hash| hash.write_number(number)));
    }

    fn add_hash(&mut self, hash: u64) {
        let rank = ((hash << INDEX_BITS).leading_zeros().min(RANK_BITS) + 1) as u8;
        self.raise((hash >> RANK_BITS) as u8, rank);
    }

    /// Adds everything that was added to `other`.
    pub fn merge(&mut self, other: &Distinct) {
        other.registers.iter().for_each(|&(register, rank)| self.raise(register, rank));
    }

    fn raise(&mut self, register: u8, rank: u8) {
        match self.registers.binary_search_by_key(&register, |(register, _)| *register) {
            Ok(place) => self.registers[place].1 = self.registers[place].1.max(rank),
            Err(place) => self.registers.insert(place, (register, rank)),
        }
    }

    /// Registers with their ranks.
    pub fn registers(&self) -> &[(u8, u8)] {
        &self.registers
    }

    /// Of registers with their ranks; `None` if they are none.
    pub fn of_registers(registers: Vec<(u8, u8)>) -> Option<Distinct> {
        let ascend = registers.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let are_ranks = registers.iter().all(|(_, rank)| (1..=MAX_RANK).contains(rank));
        (ascend && are_ranks).then_some(Distinct { registers })
    }

    /// About how many different texts were added. It takes no function of the platform, so equal registers give equal bits.
    pub fn estimate(&self) -> f64 {
        let mut with_rank = [0.0; MAX_RANK as usize + 1];
        self.registers.iter().for_each(|(_, rank)| with_rank[usize::from(*rank)] += 1.0);
        with_rank[0] = REGISTERS - self.registers.len() as f64;
        if self.registers.is_empty() {
            return 0.0;
        }
        let highest = with_rank[usize::from(MAX_RANK)];
        let mut sum = REGISTERS * tau(1.0 - highest / REGISTERS);
        for count in with_rank[1..usize::from(MAX_RANK)].iter().rev() {
            sum = 0.5 * (sum + count);
        }
        ALPHA * REGISTERS * REGISTERS / (sum + REGISTERS * sigma(with_rank[0] / REGISTERS))
    }
}

/// x + Σ x^(2^k) · 2^(k − 1) over k ≥ 1, for x in [0, 1).
fn sigma(mut x: f64) -> f64 {
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² · 2^−k over k ≥ 1) / 3, for x in [0, 1].
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(numbers: impl IntoIterator<Item = u32>) -> Distinct {
        let mut distinct = Distinct::default();
        numbers.into_iter().for_each(|number| distinct.add(&number.to_string()));
        distinct
    }

    #[test]
    fn the_hash_is_pinned_because_stored_state_depends_on_it() {
        assert_eq!(of([1, 2]).registers().len(), 2);
        assert_eq!(of([]).estimate(), 0.0);
        assert_eq!(of([7]).estimate().round(), 1.0);
    }

    #[test]
    fn estimates_are_as_near_as_their_standard_error_says() {
        let mut squares = 0.0;
        let sizes = [3u32, 10, 50, 200, 1_000, 20_000];
        for (first, size) in (0u32..).step_by(1_000_000).zip(sizes.iter().cycle()).take(60) {
            let relative = of(first..first + size).estimate() / f64::from(*size) - 1.0;
            assert!(relative.abs() < 4.5 * Distinct::STANDARD_ERROR, "{size}: {relative}");
            squares += relative * relative;
        }
        let error = (squares / 60.0).sqrt();
        assert!(error < 1.2 * Distinct::STANDARD_ERROR, "{error}");
    }

    #[test]
    fn a_number_is_its_text() {
        for number in [0.0, -0.0, 7.0, -2.5, 1e300, 0.1] {
            let (mut by_text, mut by_number) = (Distinct::default(), Distinct::default());
            by_text.add(&crate::event::label::number_as_class(number));
            by_number.add_number(number);
            assert_eq!(by_text, by_number, "{number}");
        }
    }

    proptest! {
        #[test]
        fn merging_is_adding_in_any_order(a in prop::collection::vec(0u32..600, 0..300), b in prop::collection::vec(0u32..600, 0..300)) {
            let (x, y) = (of(a.iter().copied()), of(b.iter().copied()));
            let merged = |x: &Distinct, y: &Distinct| {
                let mut sum = x.clone();
                sum.merge(y);
                sum
            };
            let all = of(b.iter().chain(&a).copied());
            prop_assert_eq!(&merged(&x, &y), &all);
            prop_assert_eq!(&merged(&y, &x), &all);
            prop_assert_eq!(&merged(&all, &x), &all);
            prop_assert_eq!(merged(&x, &y).estimate().to_bits(), all.estimate().to_bits());
            prop_assert_eq!(Distinct::of_registers(all.registers().to_vec()), Some(all));
        }
    }
}
