//! Exact arithmetic for reading metrics out: what is calculated from exact sums is rounded once, at the end.
//!
//! A variance is a small difference of large numbers; calculated in doubles it loses its digits, and the loss depends on
//! the order. Here nothing is lost until [`Rational::to_f64`].

use super::round::round_to_f64;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Signed, Zero};
use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

/// An exact quotient of integers times a power of two.
#[derive(Debug, Clone)]
pub struct Rational {
    /// The value is `numerator / denominator · 2^exponent`; not reduced.
    numerator: BigInt,
    /// Not zero.
    denominator: BigUint,
    exponent: i64,
}

impl Rational {
    /// `integer · 2^exponent`.
    pub(super) fn dyadic(integer: BigInt, exponent: i64) -> Self {
        Rational { numerator: integer, denominator: BigUint::one(), exponent }
    }

    /// Zero.
    pub fn zero() -> Self {
        Rational::from(0i64)
    }

    /// True for zero.
    pub fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// −1, 0 or 1.
    pub fn signum(&self) -> i32 {
        match self.numerator.sign() {
            Sign::Minus => -1,
            Sign::NoSign => 0,
            Sign::Plus => 1,
        }
    }

    /// The magnitude.
    pub fn abs(&self) -> Self {
        Rational { numerator: self.numerator.abs(), ..self.clone() }
    }

    /// The exact quotient; `None` if `divisor` is zero.
    pub fn checked_div(&self, divisor: &Rational) -> Option<Rational> {
        if divisor.is_zero() {
            return None;
        }
        let sign = BigInt::from(divisor.signum());
        Some(Rational {
            numerator: &self.numerator * BigInt::from(divisor.denominator.clone()) * sign,
            denominator: &self.denominator * divisor.numerator.magnitude(),
            exponent: self.exponent - divisor.exponent,
        })
    }

    /// The nearest double, ties to even; infinite beyond the largest double; zero is `+0.0`.
    pub fn to_f64(&self) -> f64 {
        rounded_quotient(self.signum() < 0, self.numerator.magnitude(), &self.denominator, self.exponent)
    }

    /// Numerator and denominator at a common power of two with `other`'s: `(self, other)` as `a·2^e / b`, `c·2^e / d`.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        (&self.numerator << (self.exponent - exponent), &other.numerator << (other.exponent - exponent), exponent)
    }
}

/// The double nearest to `num / den`, ties to even. `den` must not be zero: a caller that may meet one uses
/// [`Rational::checked_div`].
///
/// # Panics
/// If `den` is zero.
pub fn ratio_to_f64(num: &Rational, den: &Rational) -> f64 {
    if num.denominator.is_one() && den.denominator.is_one() && !den.is_zero() {
        let negative = num.signum() * den.signum() < 0;
        let exponent = num.exponent - den.exponent;
        return rounded_quotient(negative, num.numerator.magnitude(), den.numerator.magnitude(), exponent);
    }
    num.checked_div(den).expect("the denominator is not zero").to_f64()
}

/// Divisors of no more bits are divided by in 128 bits.
const SMALL_DIVISOR_BITS: u64 = 62;

/// The double nearest to ±`dividend / divisor · 2^exponent`.
fn rounded_quotient(negative: bool, dividend: &BigUint, divisor: &BigUint, exponent: i64) -> f64 {
    // Scaled so that the integer quotient has 65 or 66 bits; the remainder only decides ties.
    let shift = 65 + divisor.bits() as i64 - dividend.bits() as i64;
    let (mantissa, inexact) = match u128::try_from(divisor) {
        Ok(small) if divisor.bits() <= SMALL_DIVISOR_BITS => {
            let (scaled, cut_off) = shifted(dividend, shift);
            (scaled / small, cut_off || scaled % small != 0)
        }
        _ => {
            let (scaled, divisor) =
                if shift >= 0 { (dividend << shift, divisor.clone()) } else { (dividend.clone(), divisor << -shift) };
            let quotient = &scaled / &divisor;
            let inexact = &quotient * &divisor != scaled;
            (quotient.iter_u64_digits().rev().fold(0u128, |high, low| high << 64 | u128::from(low)), inexact)
        }
    };
    round_to_f64(negative, mantissa, exponent - shift, inexact)
}

/// `number · 2^shift` without its fraction, and whether it has one. The result must fit.
fn shifted(number: &BigUint, shift: i64) -> (u128, bool) {
    let (mut whole, mut cut_off) = (0, false);
    for (digit, place) in number.iter_u64_digits().zip((shift..).step_by(64)) {
        let digit = u128::from(digit);
        if place >= 0 {
            whole |= digit << place;
        } else if place > -64 {
            whole |= digit >> -place;
            cut_off |= digit & ((1 << -place) - 1) != 0;
        } else {
            cut_off |= digit != 0;
        }
    }
    (whole, cut_off)
}

impl From<i64> for Rational {
    fn from(integer: i64) -> Self {
        Rational::dyadic(BigInt::from(integer), 0)
    }
}

impl From<i128> for Rational {
    fn from(integer: i128) -> Self {
        Rational::dyadic(BigInt::from(integer), 0)
    }
}

impl Add for &Rational {
    type Output = Rational;
    fn add(self, other: &Rational) -> Rational {
        let (a, b, exponent) = self.aligned(other);
        if self.denominator == other.denominator {
            return Rational { numerator: a + b, denominator: self.denominator.clone(), exponent };
        }
        let numerator = a * BigInt::from(other.denominator.clone()) + b * BigInt::from(self.denominator.clone());
        Rational { numerator, denominator: &self.denominator * &other.denominator, exponent }
    }
}

impl Neg for &Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        Rational { numerator: -&self.numerator, ..self.clone() }
    }
}

impl Sub for &Rational {
    type Output = Rational;
    fn sub(self, other: &Rational) -> Rational {
        self + &-other
    }
}

impl Mul for &Rational {
    type Output = Rational;
    fn mul(self, other: &Rational) -> Rational {
        Rational {
            numerator: &self.numerator * &other.numerator,
            denominator: &self.denominator * &other.denominator,
            exponent: self.exponent + other.exponent,
        }
    }
}

/// The operators on values, so that formulas read as formulas.
macro_rules! by_value {
    ($($operator:ident $method:ident),*) => {$(
        impl $operator for Rational {
            type Output = Rational;
            fn $method(self, other: Rational) -> Rational {
                (&self).$method(&other)
            }
        }
    )*};
}
by_value!(Add add, Sub sub, Mul mul);

impl Neg for Rational {
    type Output = Rational;
    fn neg(self) -> Rational {
        -&self
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        (self - other).signum().cmp(&0)
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rational {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rational {}

impl Default for Rational {
    fn default() -> Self {
        Rational::zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::ExactSum;
    use proptest::prelude::*;

    fn rational(x: f64) -> Rational {
        let mut sum = ExactSum::default();
        sum.add(x);
        sum.to_rational()
    }

    #[test]
    fn compares_and_signs() {
        assert_eq!(rational(0.5), &Rational::from(1i64) - &rational(0.5));
        assert!(rational(-0.1) < Rational::zero());
        assert_eq!(rational(-3.0).signum(), -1);
        assert!((rational(0.1) - rational(0.1)).is_zero());
        assert_eq!(rational(-0.1).abs(), rational(0.1));
        assert!(Rational::from(1i64).checked_div(&Rational::zero()).is_none());
    }

    #[test]
    fn a_variance_far_from_zero_keeps_its_digits() {
        // Values 10⁹ + {0, 1, 2}: variance 2/3, of which naive double arithmetic keeps nothing.
        let values = [1e9, 1e9 + 1.0, 1e9 + 2.0];
        let (mut sum, mut squares) = (ExactSum::default(), ExactSum::default());
        for value in values {
            sum.add(value);
            squares.add_product(value, value, 1);
        }
        let (n, sum) = (Rational::from(3i64), sum.to_rational());
        let variance = &n * &squares.to_rational() - &sum * &sum;
        assert_eq!(ratio_to_f64(&variance, &(&n * &n)), 2.0 / 3.0);
    }

    proptest! {
        #[test]
        fn a_quotient_of_doubles_rounds_as_the_processor_does(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite() && b != 0.0);
            // `+ 0.0`: a zero is `+0.0` here.
            prop_assert_eq!(ratio_to_f64(&rational(a), &rational(b)) + 0.0, a / b + 0.0);
        }

        #[test]
        fn a_quotient_of_integers_rounds_as_the_processor_does(a in -(1i64 << 53)..1 << 53, b in 1i64..1 << 53) {
            prop_assert_eq!(ratio_to_f64(&Rational::from(a), &Rational::from(b)), a as f64 / b as f64);
        }

        #[test]
        fn small_and_large_divisors_round_alike(
            digits in prop::collection::vec(prop_oneof![Just(0u32), any::<u32>()], 1..9),
            divisor in 1u64..1 << 62,
            halved in 0u32..62,
            exponent in -1200i64..1000,
        ) {
            let dividend = BigUint::from_slice(&digits);
            let divisor = BigUint::from(divisor >> halved | 1);
            // The same quotient with a divisor that is not small.
            let long = (&dividend << 70, &divisor << 70);
            let expected = rounded_quotient(true, &long.0, &long.1, exponent);
            prop_assert_eq!(rounded_quotient(true, &dividend, &divisor, exponent).to_bits(), expected.to_bits());
        }

        #[test]
        fn arithmetic_is_that_of_a_field(a in -999i64..999, b in -999i64..999, c in 1i64..999, d in 1i64..999) {
            let x = Rational::from(a).checked_div(&Rational::from(c)).unwrap();
            let y = Rational::from(b).checked_div(&Rational::from(d)).unwrap();
            let over = Rational::from(c * d);
            prop_assert_eq!(&(&x + &y) * &over, Rational::from(a * d + b * c));
            prop_assert_eq!(&(&x - &y) * &over, Rational::from(a * d - b * c));
            prop_assert_eq!(&(&x * &y) * &over, Rational::from(a * b));
            prop_assert_eq!(x.cmp(&y), (a * d).cmp(&(b * c)));
        }
    }
}
