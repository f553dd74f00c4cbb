//! The laws that every accumulator obeys, as a trait: a commutative group under `merge`.

/// A commutative group: `merge` is associative and commutative, `default()` is its identity, `negate` gives the inverse.
///
/// One property test proves the laws for every implementation. Equality is equality of the remembered value, so
/// implementations keep (or compare) a canonical form: `a.merge(&b)` equals `b.merge(&a)`, and `a` merged with its
/// negation equals `default()`.
pub trait Linear: Default + Clone + PartialEq {
    /// Adds everything that `other` remembers.
    fn merge(&mut self, other: &Self);

    /// Turns every contribution into its opposite.
    fn negate(&mut self);

    /// True if nothing is remembered: equal to `default()`.
    fn is_zero(&self) -> bool;
}
