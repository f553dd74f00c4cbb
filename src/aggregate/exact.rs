//! `ExactSum`: the sum of doubles, and of products of two doubles, without any rounding.
//!
//! A double is an integer of 53 bits times a power of two, so a sum of doubles is one long integer. It is kept as signed
//! base-2³² digits in `i64` limbs, only those between the lowest and highest bit in use. A limb has 31 bits to spare, so
//! an addition touches three limbs (a product five) and carries wait; they are propagated before a limb can overflow.
//! Addition of integers is associative, commutative and has an inverse, and that is why merging in any order and taking
//! back a row leave no trace in the result.

use super::linear::Linear;
use super::rational::Rational;
use super::round::round_to_f64;
use num_bigint::{BigInt, BigUint, Sign};
use smallvec::SmallVec;

/// Inline room for sums of squares of scores down to 10⁻⁶; a wider range moves to the heap.
type Limbs = SmallVec<[i64; 6]>;

const LIMB_BITS: u32 = 32;
const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;

/// One addition changes a limb by less than 2³³, so that after this many it is still below 2⁶².
const MAX_LOAD: u32 = 1 << 28;

/// Exact sum of finite doubles and of products of two finite doubles.
#[derive(Debug, Clone, Default)]
pub struct ExactSum {
    /// The value is Σ `limbs[i]` · 2^(32·(`low` + i)).
    limbs: Limbs,
    low: i32,
    /// Additions since carries were propagated: each |limb| is below (`load` + 1) · 2³³.
    load: u32,
}

/// The canonical form of a value: its sign and magnitude as base-2³² digits without zeros at either end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Digits {
    pub negative: bool,
    /// Least significant first; empty for zero.
    pub digits: SmallVec<[u32; 8]>,
    /// The least significant digit's weight is 2^(32·`low`); 0 for zero.
    pub low: i32,
}

impl ExactSum {
    /// Adds a finite double.
    #[inline]
    pub fn add(&mut self, x: f64) {
        self.add_signed(x, 1);
    }

    /// Subtracts a finite double.
    #[inline]
    pub fn sub(&mut self, x: f64) {
        self.add_signed(x, -1);
    }

    /// Adds `sign · x`; `sign` is 1 or −1, `x` finite.
    #[inline]
    pub fn add_signed(&mut self, x: f64, sign: i64) {
        let x = Parts::of(x, sign);
        if x.mantissa == 0 {
            return;
        }
        let (index, shift) = (x.exponent >> 5, x.exponent & 31);
        let wide = u128::from(x.mantissa) << shift;
        let limbs = self.limbs_from::<3>(index);
        limbs[0] += x.sign * (wide as i64 & LIMB_MASK);
        limbs[1] += x.sign * ((wide >> 32) as i64 & LIMB_MASK);
        limbs[2] += x.sign * (wide >> 64) as i64;
    }

    /// Adds `sign · a · b`; `sign` is 1 or −1, `a` and `b` finite.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64, sign: i64) {
        let (a, b) = (Parts::of(a, sign), Parts::of(b, 1));
        if a.mantissa == 0 || b.mantissa == 0 {
            return;
        }
        let sign = a.sign * b.sign;
        let exponent = a.exponent + b.exponent;
        let (index, shift) = (exponent >> 5, exponent & 31);
        // 106 bits, shifted by up to 31: more than 128, so the halves are shifted apart and overlap in the third limb.
        let product = u128::from(a.mantissa) * u128::from(b.mantissa);
        let lower = u128::from(product as u64) << shift;
        let upper = (product >> 64) << shift;
        let limbs = self.limbs_from::<5>(index);
        limbs[0] += sign * (lower as i64 & LIMB_MASK);
        limbs[1] += sign * ((lower >> 32) as i64 & LIMB_MASK);
        limbs[2] += sign * ((lower >> 64) as i64 + (upper as i64 & LIMB_MASK));
        limbs[3] += sign * ((upper >> 32) as i64 & LIMB_MASK);
        limbs[4] += sign * (upper >> 64) as i64;
    }

    /// The double nearest to the sum, ties to even; infinite beyond the largest double; zero is `+0.0`.
    pub fn to_f64(&self) -> f64 {
        let Digits { negative, digits, low } = self.digits();
        // Four digits hold at least 97 significant bits; of the rest only whether there is any matters.
        let (rest, top) = digits.split_at(digits.len().saturating_sub(4));
        let mantissa = top.iter().rev().fold(0u128, |mantissa, &digit| mantissa << LIMB_BITS | u128::from(digit));
        let exponent = 32 * (i64::from(low) + rest.len() as i64);
        // The lowest digit is not zero, so there is a rest exactly if there are digits.
        round_to_f64(negative, mantissa, exponent, !rest.is_empty())
    }

    /// The sum as an exact number to calculate with.
    pub fn to_rational(&self) -> Rational {
        let Digits { negative, digits, low } = self.digits();
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        let integer = BigInt::from_biguint(sign, BigUint::from_slice(&digits));
        Rational::dyadic(integer, i64::from(low) * i64::from(LIMB_BITS))
    }

    /// Turns a negative sum into its opposite.
    pub fn into_magnitude(mut self) -> Self {
        if self.digits().negative {
            self.negate();
        }
        self
    }

    /// The canonical form: equal sums have equal digits.
    pub(super) fn digits(&self) -> Digits {
        let (mut limbs, mut carry) = propagate(&self.limbs, 1);
        let negative = carry < 0;
        if negative {
            (limbs, carry) = propagate(&self.limbs, -1);
        }
        debug_assert_eq!(carry, 0, "a magnitude has no carry left");
        let Some(first) = limbs.iter().position(|&limb| limb != 0) else {
            return Digits::default();
        };
        let end = limbs.iter().rposition(|&limb| limb != 0).map_or(0, |last| last + 1);
        Digits {
            negative,
            digits: limbs[first..end].iter().map(|&limb| limb as u32).collect(),
            low: self.low + first as i32,
        }
    }

    /// The sum with this canonical form.
    pub(super) fn from_digits(digits: &Digits) -> Self {
        let sign = if digits.negative { -1 } else { 1 };
        let limbs = digits.digits.iter().map(|&digit| sign * i64::from(digit)).collect();
        ExactSum { limbs, low: digits.low, load: 0 }
    }

    /// The `N` limbs from `index` on, for one addition.
    #[inline]
    fn limbs_from<const N: usize>(&mut self, index: i32) -> &mut [i64; N] {
        let start = i64::from(index) - i64::from(self.low);
        if start < 0 || start as usize + N > self.limbs.len() || self.load >= MAX_LOAD {
            self.make_room(index, N);
        }
        self.load += 1;
        let start = (index - self.low) as usize;
        self.limbs[start..].first_chunk_mut().expect("make_room left N limbs from index on")
    }

    /// Propagates carries if it is time, and covers the limbs `index .. index + count`.
    #[cold]
    fn make_room(&mut self, index: i32, count: usize) {
        if self.load >= MAX_LOAD {
            *self = Self::from_digits(&self.digits());
        }
        if self.limbs.is_empty() {
            self.low = index;
        }
        if index < self.low {
            let missing = (self.low - index) as usize;
            self.limbs.insert_many(0, std::iter::repeat_n(0, missing));
            self.low = index;
        }
        let end = (index - self.low) as usize + count;
        if end > self.limbs.len() {
            self.limbs.resize(end, 0);
        }
    }
}

/// Digits in `0..2³²` of `sign` times the value of `limbs`, and the carry out of the highest, which is negative exactly
/// if the value is and zero otherwise.
fn propagate(limbs: &[i64], sign: i64) -> (Limbs, i64) {
    let mut carry = 0;
    let mut digits = Limbs::with_capacity(limbs.len() + 1);
    for &limb in limbs {
        let sum = sign * limb + carry;
        digits.push(sum & LIMB_MASK);
        carry = sum >> LIMB_BITS;
    }
    if carry > 0 {
        // A carry is below 2³¹: one digit holds it.
        digits.push(carry);
        carry = 0;
    }
    (digits, carry)
}

/// A double taken apart: `sign · mantissa · 2^exponent`.
struct Parts {
    sign: i64,
    mantissa: u64,
    exponent: i32,
}

impl Parts {
    #[inline]
    fn of(x: f64, sign: i64) -> Self {
        debug_assert!(x.is_finite(), "only finite numbers have an exact sum");
        debug_assert!(sign == 1 || sign == -1, "a sign is 1 or -1");
        let bits = x.to_bits();
        let field = (bits >> 52) as i32 & 0x7ff;
        // Subnormals have the exponent of field 1 and no implicit bit.
        let implicit = u64::from(field != 0);
        Parts {
            sign: sign * (1 - 2 * (bits >> 63) as i64),
            mantissa: bits & ((1 << 52) - 1) | implicit << 52,
            exponent: field.max(1) - 1075,
        }
    }
}

impl Linear for ExactSum {
    fn merge(&mut self, other: &Self) {
        if other.limbs.is_empty() {
            return;
        }
        if self.load + other.load >= MAX_LOAD {
            *self = Self::from_digits(&self.digits());
            if other.load >= MAX_LOAD / 2 {
                return self.merge(&Self::from_digits(&other.digits()));
            }
        }
        self.make_room(other.low, other.limbs.len());
        // Both sums' limbs may hold one unit of load more than `load` says.
        self.load += other.load + 1;
        let start = (other.low - self.low) as usize;
        for (mine, theirs) in self.limbs[start..].iter_mut().zip(&other.limbs) {
            *mine += theirs;
        }
    }

    fn negate(&mut self) {
        self.limbs.iter_mut().for_each(|limb| *limb = -*limb);
    }

    fn is_zero(&self) -> bool {
        self.limbs.iter().all(|&limb| limb == 0) || self.digits().digits.is_empty()
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.digits() == other.digits()
    }
}

impl Eq for ExactSum {}

#[cfg(test)]
#[path = "exact_tests.rs"]
mod tests;
