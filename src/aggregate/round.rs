//! The one place where exact numbers become doubles: rounding to nearest, ties to even.

/// The double nearest to `± (mantissa + rest) · 2^exponent`, ties to even, where `rest` is in (0, 1) if `inexact`, else 0.
///
/// An inexact `mantissa` must have at least 55 significant bits, so that the rest only decides ties. Subnormal results
/// are rounded at their own precision; what is beyond the largest double is infinite; a result of zero is `+0.0`.
pub(super) fn round_to_f64(negative: bool, mantissa: u128, exponent: i64, inexact: bool) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let bits = i64::from(u128::BITS - mantissa.leading_zeros());
    debug_assert!(!inexact || bits >= 55, "too few bits to round correctly");
    // Exponent of the result's last place: 52 below its first bit, but never below the subnormals' last place.
    let last_place = (exponent + bits - 53).max(-1074);
    let dropped = last_place - exponent;
    let significand = if dropped <= 0 {
        mantissa << -dropped
    } else if dropped > bits {
        0 // less than half of the last place
    } else {
        // `dropped` ≤ 128; a shift by 128 is not defined, hence in two steps.
        let kept = (mantissa >> (dropped - 1)) >> 1;
        let half = 1u128 << (dropped - 1);
        let rest = mantissa & (half | (half - 1));
        let up = rest > half || (rest == half && (inexact || kept & 1 == 1));
        kept + u128::from(up)
    };
    if significand == 0 {
        return 0.0;
    }
    // A significand with its implicit bit (≥ 2^52) raises the exponent field by one as it is added, a carry to 2^53 by
    // one more, and a subnormal's has no implicit bit: one addition serves all three.
    let field = last_place + 1074;
    let magnitude = if field + (significand >> 52) as i64 >= 0x7ff {
        f64::INFINITY
    } else {
        f64::from_bits(((field as u64) << 52) + significand as u64)
    };
    if negative { -magnitude } else { magnitude }
}
