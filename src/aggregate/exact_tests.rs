//! `ExactSum` against big integers: values, rounding, and the carries that wait.

use super::*;
use num_traits::{One, Zero};
use proptest::prelude::*;

/// The reference: an integer in units of 2^-2148, the square of the smallest double.
fn integer(x: f64) -> BigInt {
    let bits = x.to_bits();
    let field = (bits >> 52 & 0x7ff) as usize;
    let fraction = bits & ((1 << 52) - 1);
    let magnitude = if field == 0 { fraction } else { fraction | 1 << 52 };
    let magnitude = BigInt::from(magnitude) << (field.max(1) - 1);
    if x < 0.0 { -magnitude } else { magnitude }
}

const UNIT: i64 = 2148;

fn reference(terms: &[(f64, f64)]) -> Rational {
    let total: BigInt = terms.iter().map(|&(a, b)| integer(a) * integer(b)).sum();
    Rational::dyadic(total, -UNIT)
}

/// The nearest double by search among neighbours: `guess`, moved until no neighbour is nearer, ties to the even one.
fn nearest(exact: &Rational, guess: f64) -> f64 {
    let value = |x: f64| Rational::dyadic(integer(x), -1074);
    let distance = |x: f64| (&value(x) - exact).abs();
    let mut best = guess;
    loop {
        let better =
            [best.next_up(), best.next_down()].into_iter().filter(|x| x.is_finite()).find(|&x| {
                match distance(x).cmp(&distance(best)) {
                    std::cmp::Ordering::Less => true,
                    std::cmp::Ordering::Equal => x.to_bits() & 1 == 0 && best.to_bits() & 1 == 1,
                    std::cmp::Ordering::Greater => false,
                }
            });
        match better {
            Some(x) => best = x,
            None => return best,
        }
    }
}

fn sum_of(values: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    values.iter().for_each(|&x| sum.add(x));
    sum
}

/// Doubles of every magnitude, and many that cancel or meet at limb borders.
fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()),
        0.0..1.0f64,
        -1e6..1e6f64,
        (-1074i32..=1023, any::<bool>()).prop_map(|(e, negative)| {
            let power = libm::ldexp(1.0, e);
            if negative { -power } else { power }
        }),
        (0u64..1 << 52).prop_map(f64::from_bits),
    ]
}

/// As `double`, but such that a product of two is a finite multiple of the reference's unit.
fn factor() -> impl Strategy<Value = f64> {
    double().prop_map(|x| if x.abs() < 1e19 { x } else { x / 1e290 })
}

#[test]
fn tenths_do_not_add_up_to_one_by_chance() {
    let mut tenths = ExactSum::default();
    (0..10).for_each(|_| tenths.add(0.1));
    // Ten times the double nearest to 0.1 is 1 + 5.55e-17, which rounds to 1, whatever the order.
    assert_eq!(tenths.to_f64(), 1.0);
    assert_ne!(tenths, sum_of(&[1.0]));
    tenths.sub(1.0);
    assert_eq!(tenths.to_f64(), 2f64.powi(-54));
}

#[test]
fn what_doubles_swallow_is_kept() {
    assert_eq!(sum_of(&[1e300, 1.0, -1e300]).to_f64(), 1.0);
    assert_eq!(sum_of(&[1e300, 5e-324, -1e300]), sum_of(&[5e-324]));
}

#[test]
fn the_smallest_square_is_exact() {
    let mut sum = ExactSum::default();
    sum.add_product(5e-324, 5e-324, 1);
    assert_eq!(sum.to_rational(), Rational::dyadic(BigInt::one(), -UNIT));
    assert_eq!(sum.to_f64(), 0.0);
    assert!(!sum.is_zero());
}

#[test]
fn halves_round_to_even() {
    let ulp = 2f64.powi(-52);
    assert_eq!(sum_of(&[1.0, ulp / 2.0]).to_f64(), 1.0);
    assert_eq!(sum_of(&[1.0 + ulp, ulp / 2.0]).to_f64(), 1.0 + 2.0 * ulp);
    assert_eq!(sum_of(&[1.0, ulp / 2.0, 5e-324]).to_f64(), 1.0 + ulp);
    assert_eq!(sum_of(&[1.0 + ulp, ulp / 2.0, -5e-324]).to_f64(), 1.0 + ulp);
    assert_eq!(sum_of(&[-1.0 - ulp, -ulp / 2.0]).to_f64(), -1.0 - 2.0 * ulp);
}

#[test]
fn halves_of_the_smallest_double_round_to_even() {
    let mut sum = ExactSum::default();
    sum.add_product(5e-324, 0.5, 1);
    assert_eq!(sum.to_f64(), 0.0);
    sum.add(5e-324);
    assert_eq!(sum.to_f64(), 1e-323);
    sum.add_product(5e-324, 2f64.powi(-900), -1);
    assert_eq!(sum.to_f64(), 5e-324);
}

#[test]
fn rounding_carries_into_the_next_binade_and_out_of_range() {
    let below_two = 2f64.next_down();
    assert_eq!(sum_of(&[below_two, 2f64.powi(-53)]).to_f64(), 2.0);
    let largest_subnormal = f64::MIN_POSITIVE.next_down();
    assert_eq!(sum_of(&[largest_subnormal, 5e-324]).to_f64(), f64::MIN_POSITIVE);
    assert_eq!(sum_of(&[f64::MAX, f64::MAX]).to_f64(), f64::INFINITY);
    assert_eq!(sum_of(&[f64::MAX, f64::MAX, -f64::MAX]).to_f64(), f64::MAX);
}

#[test]
fn carries_are_propagated_before_a_limb_overflows() {
    // Doubling by merging: 2^80 times a number whose limbs are all ones, far beyond what waiting limbs can hold.
    let x = f64::from_bits(1023 << 52 | ((1 << 52) - 1));
    let mut sum = sum_of(&[x]);
    for _ in 0..80 {
        let copy = sum.clone();
        sum.merge(&copy);
    }
    assert_eq!(sum.to_rational(), Rational::dyadic(integer(x), 80 - 1074));
    sum.load = MAX_LOAD;
    sum.add(-x);
    assert!(sum.load < MAX_LOAD);
    let expected = (integer(x) << 80u32) - integer(x);
    assert_eq!(sum.to_rational(), Rational::dyadic(expected, -1074));
}

#[test]
fn zero_leaves_nothing_behind() {
    let sum = sum_of(&[0.0, -0.0]);
    assert!(sum.limbs.is_empty());
    assert_eq!(sum.to_f64().to_bits(), 0);
    assert!(sum_of(&[1e10, -1e10]).is_zero());
    assert!(sum.to_rational().is_zero());
}

proptest! {
    #[test]
    fn a_sum_is_that_of_big_integers(values in prop::collection::vec(double(), 0..20)) {
        let terms: Vec<_> = values.iter().map(|&x| (x, 1.0)).collect();
        prop_assert_eq!(sum_of(&values).to_rational(), reference(&terms));
    }

    #[test]
    fn a_sum_of_products_is_that_of_big_integers(terms in prop::collection::vec((factor(), factor()), 0..20)) {
        let mut sum = ExactSum::default();
        terms.iter().for_each(|&(a, b)| sum.add_product(a, b, 1));
        prop_assert_eq!(sum.to_rational(), reference(&terms));
        terms.iter().for_each(|&(a, b)| sum.add_product(a, b, -1));
        prop_assert!(sum.is_zero());
    }

    #[test]
    fn a_sum_rounds_to_the_nearest_double(values in prop::collection::vec(double(), 1..6)) {
        let sum = sum_of(&values);
        let rounded = sum.to_f64();
        if rounded.is_finite() {
            prop_assert_eq!(rounded, nearest(&sum.to_rational(), rounded));
        } else {
            let half_above_max = Rational::dyadic((BigInt::one() << 54) - BigInt::one(), 970);
            prop_assert!(sum.to_rational().abs() >= half_above_max);
        }
    }

    #[test]
    fn a_halfway_case_rounds_to_the_even_neighbour(
        x in double(), nudge in prop_oneof![Just(0.0), Just(5e-324), Just(-5e-324)]
    ) {
        // The middle between a double and its neighbour, and just beside it.
        let y = x.next_up();
        prop_assume!(y.is_finite() && x != 0.0 && y != 0.0);
        let mut sum = ExactSum::default();
        sum.add_product(x, 0.5, 1);
        sum.add_product(y, 0.5, 1);
        sum.add_product(nudge, 5e-324, 1);
        let even = if x.to_bits() & 1 == 0 { x } else { y };
        let expected = if nudge > 0.0 { y } else if nudge < 0.0 { x } else { even };
        prop_assert_eq!(sum.to_f64(), expected);
    }

    #[test]
    fn rounding_agrees_with_the_quotient_by_one(values in prop::collection::vec(double(), 0..6)) {
        let sum = sum_of(&values);
        prop_assert_eq!(sum.to_f64().to_bits(), sum.to_rational().to_f64().to_bits());
    }

    #[test]
    fn the_canonical_form_round_trips(values in prop::collection::vec(double(), 0..6)) {
        let digits = sum_of(&values).digits();
        prop_assert_eq!(ExactSum::from_digits(&digits).digits(), digits.clone());
        prop_assert!(digits.digits.first() != Some(&0) && digits.digits.last() != Some(&0));
        prop_assert_eq!(digits.digits.is_empty(), reference(&[]) == sum_of(&values).to_rational());
    }
}

#[test]
fn the_reference_itself_is_right() {
    assert!(integer(0.0).is_zero());
    assert_eq!(Rational::dyadic(integer(-1.5), -1074), Rational::dyadic(BigInt::from(-3), -1));
}
