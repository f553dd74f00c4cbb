//! Isotonic regression: of all functions that never fall, the one nearest to the outcomes of the reference.
//!
//! Rows with equal scores are one group with the mean of their outcomes. Neighbouring groups whose means fall are pooled
//! until none does (pool adjacent violators; Ayer et al. 1955). A pool is a level stretch from its lowest to its highest
//! score; between stretches the function is a straight line, outside it keeps the first or last value. That is what
//! scikit-learn's `IsotonicRegression(out_of_bounds="clip")` does with unit weights.

use serde::{Deserialize, Serialize};

/// A probability that never falls as the score rises; kept as the ends of its level stretches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct Isotonic {
    /// (score, probability); at least one, scores rising, probabilities never falling, within [0, 1].
    points: Vec<(f64, f64)>,
}

/// Why points are no isotonic function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an isotonic function needs points with rising scores and with probabilities in [0, 1] that never fall")]
pub struct NotIsotonic;

/// Rows with neighbouring scores.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pool {
    lowest: f64,
    highest: f64,
    rows: u64,
    positives: u64,
}

impl Pool {
    fn mean(&self) -> f64 {
        self.positives as f64 / self.rows as f64
    }

    /// Compared as fractions of integers: no rounding decides what is pooled.
    fn is_below(&self, next: &Pool) -> bool {
        u128::from(self.positives) * u128::from(next.rows) < u128::from(next.positives) * u128::from(self.rows)
    }

    fn absorb(&mut self, next: &Pool) {
        self.highest = next.highest;
        self.rows += next.rows;
        self.positives += next.positives;
    }
}

impl Isotonic {
    /// Of rows in any order: a finite score, and whether it came true. `None` where there is no row.
    pub fn fit(rows: &[(f64, bool)]) -> Option<Isotonic> {
        let mut rows = rows.to_vec();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Isotonic::fit_sorted(rows.iter().copied())
    }

    /// Of rows that are sorted by score.
    pub(super) fn fit_sorted(rows: impl Iterator<Item = (f64, bool)>) -> Option<Isotonic> {
        let mut groups: Vec<Pool> = Vec::new();
        for (score, came_true) in rows {
            debug_assert!(score.is_finite(), "scores are finite");
            let row = Pool { lowest: score, highest: score, rows: 1, positives: u64::from(came_true) };
            match groups.last_mut() {
                Some(group) if group.highest == score => group.absorb(&row),
                _ => groups.push(row),
            }
        }
        let mut points = Vec::new();
        for pool in pooled(groups) {
            points.push((pool.lowest, pool.mean()));
            if pool.lowest != pool.highest {
                points.push((pool.highest, pool.mean()));
            }
        }
        (!points.is_empty()).then_some(Isotonic { points })
    }

    /// The probability at `score`; never falls as the score rises.
    pub fn probability(&self, score: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 <= score);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (None, Some(first)) => first.1,
            (Some((left, low)), Some(&(right, high))) => {
                // Each operation is monotone, rounding too; only the end may be passed by a rounding.
                (low + (high - low) * ((score - left) / (right - left))).min(high)
            }
            (Some(last), None) => last.1,
            (None, None) => 0.0,
        }
    }

    /// (score, probability) at every end of a level stretch, in order.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

/// Pools neighbours until means rise strictly from pool to pool.
fn pooled(groups: Vec<Pool>) -> Vec<Pool> {
    let mut pools: Vec<Pool> = Vec::with_capacity(groups.len());
    for group in groups {
        let mut last = group;
        while let Some(before) = pools.pop_if(|before| !before.is_below(&last)) {
            let mut merged = before;
            merged.absorb(&last);
            last = merged;
        }
        pools.push(last);
    }
    pools
}

impl TryFrom<Vec<(f64, f64)>> for Isotonic {
    type Error = NotIsotonic;

    fn try_from(points: Vec<(f64, f64)>) -> Result<Isotonic, NotIsotonic> {
        let in_range = points.iter().all(|(score, p)| score.is_finite() && (0.0..=1.0).contains(p));
        let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if points.is_empty() || !in_range || !rises {
            return Err(NotIsotonic);
        }
        Ok(Isotonic { points })
    }
}

impl From<Isotonic> for Vec<(f64, f64)> {
    fn from(isotonic: Isotonic) -> Vec<(f64, f64)> {
        isotonic.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few distinct scores, so that ties are common.
    fn rows() -> impl Strategy<Value = Vec<(f64, bool)>> {
        let score = prop_oneof![(0u8..=20).prop_map(|n| f64::from(n) / 20.0), 0.0..=1.0f64];
        prop::collection::vec((score, any::<bool>()), 1..60)
    }

    /// The value at `score` by its definition: the largest, over all beginnings, of the smallest mean to any end.
    fn by_definition(rows: &[(f64, bool)], score: f64) -> f64 {
        let mut scores: Vec<f64> = rows.iter().map(|row| row.0).collect();
        scores.sort_by(f64::total_cmp);
        scores.dedup();
        let mean = |from: f64, to: f64| {
            let inside = rows.iter().filter(|row| from <= row.0 && row.0 <= to);
            let (rows, positives) = inside.fold((0.0, 0.0), |(n, k), row| (n + 1.0, k + f64::from(u8::from(row.1))));
            positives / rows
        };
        let smallest = |from: f64| {
            let ends = scores.iter().filter(|&&to| to >= score);
            ends.map(|&to| mean(from, to)).fold(f64::INFINITY, f64::min)
        };
        scores.iter().filter(|&&from| from <= score).map(|&from| smallest(from)).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn by_hand() {
        // 0.1 → 1, 0.2 → 0 fall and are pooled to 1/2; the tie at 0.6 has the mean 2/3.
        let rows = [(0.6, true), (0.2, false), (0.1, true), (0.6, false), (0.6, true), (0.9, true)];
        let isotonic = Isotonic::fit(&rows).unwrap();
        assert_eq!(isotonic.points(), [(0.1, 0.5), (0.2, 0.5), (0.6, 2.0 / 3.0), (0.9, 1.0)]);
        assert_eq!((isotonic.probability(0.0), isotonic.probability(1.0)), (0.5, 1.0));
        assert!((isotonic.probability(0.4) - (0.5 + 1.0 / 12.0)).abs() < 1e-15);
        assert_eq!(Isotonic::fit(&[]), None);
    }

    #[test]
    fn points_that_are_no_isotonic_function_are_refused() {
        for text in ["[]", "[[0.1,0.5],[0.1,0.6]]", "[[0.1,0.5],[0.2,0.4]]", "[[0.1,1.5]]", "[[0.2,0.1],[0.1,0.2]]"] {
            assert!(serde_json::from_str::<Isotonic>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(rows in rows()) {
            let isotonic = Isotonic::fit(&rows).unwrap();
            for &(score, _) in &rows {
                let expected = by_definition(&rows, score);
                prop_assert!((isotonic.probability(score) - expected).abs() < 1e-12, "{} {}", score, expected);
            }
        }

        #[test]
        fn it_never_falls_and_stays_in_range(rows in rows(), mut scores in prop::collection::vec(-0.1..1.1f64, 2..50)) {
            let isotonic = Isotonic::fit(&rows).unwrap();
            scores.extend(rows.iter().map(|row| row.0));
            scores.sort_by(f64::total_cmp);
            let found: Vec<f64> = scores.iter().map(|&score| isotonic.probability(score)).collect();
            prop_assert!(found.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", found);
            prop_assert!(found.iter().all(|p| (0.0..=1.0).contains(p)));
        }

        #[test]
        fn pools_are_pooled_once_and_for_all(rows in rows()) {
            let mut rows = rows;
            rows.sort_by(|a, b| a.0.total_cmp(&b.0));
            let row = |&(score, y): &(f64, bool)| Pool { lowest: score, highest: score, rows: 1, positives: u64::from(y) };
            let once = pooled(rows.iter().map(row).collect());
            prop_assert_eq!(pooled(once.clone()), once);
        }

        #[test]
        fn the_order_of_rows_does_not_matter((rows, shuffled) in
            rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())))
        {
            let isotonic = Isotonic::fit(&rows).unwrap();
            prop_assert_eq!(&Isotonic::fit(&shuffled).unwrap(), &isotonic);
            let text = serde_json::to_string(&isotonic).unwrap();
            prop_assert_eq!(serde_json::from_str::<Isotonic>(&text).unwrap(), isotonic);
        }
    }
}
