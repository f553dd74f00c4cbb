//! What the probability given to the truth costs: the one definition of log loss for binary and multiclass rows.

/// Probabilities are clipped to `[2⁻⁵², 1 − 2⁻⁵²]`, as scikit-learn's `log_loss` does for doubles.
const CLIP: f64 = f64::EPSILON;

/// −ln of the clipped probability of what came true, in (0, 36.05], from a portable logarithm, rounded once.
#[inline]
pub(super) fn log_loss(probability: f64) -> f64 {
    -libm::log(probability.clamp(CLIP, 1.0 - CLIP))
}
