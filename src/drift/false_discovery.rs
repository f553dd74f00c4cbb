//! False-discovery control over the features of one window: Benjamini and Hochberg's step-up procedure (1995).
//!
//! Of what is called drifted, at most the share α is expected to be a false alarm; and where nothing changed at all, the
//! probability of any alarm is at most α. It holds for independent features and for those that depend positively
//! (Benjamini and Yekutieli 2001).

/// Adjusted p-value of each p-value, in the order given: the least α at which it is still rejected (Yekutieli and Benjamini
/// 1999): min over ranks j ≥ its own of p₍ⱼ₎ · tests / j. Equal p-values get equal ones.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let tests = p_values.len();
    let mut order: Vec<usize> = (0..tests).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; tests];
    let mut least: f64 = 1.0;
    for (place, &test) in order.iter().enumerate().rev() {
        least = least.min(p_values[test] * (tests as f64 / (place + 1) as f64));
        adjusted[test] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of Benjamini and Hochberg 1995, section 3.2: of 15 p-values, the four smallest are rejected at 5 %.
    #[test]
    fn the_published_example() {
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        let adjusted = benjamini_hochberg(&p_values);
        let rejected = adjusted.iter().filter(|&&p| p <= 0.05).count();
        assert_eq!(rejected, 4);
        assert!((adjusted[3] - 0.0095 * 15.0 / 4.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_and_one() {
        assert!(benjamini_hochberg(&[]).is_empty());
        assert_eq!(benjamini_hochberg(&[0.03]), [0.03]);
    }

    proptest! {
        /// The step-up rule as it is usually told: reject the k smallest, k the last with p₍ₖ₎ ≤ α k / tests.
        #[test]
        fn adjusted_values_reject_as_the_rule_does(p_values in prop::collection::vec(0.0f64..0.2, 1..40), alpha in 0.01f64..0.2) {
            let mut sorted = p_values.clone();
            sorted.sort_by(f64::total_cmp);
            let tests = sorted.len() as f64;
            let last = (1..=sorted.len()).rev().find(|&k| sorted[k - 1] * (tests / k as f64) <= alpha).unwrap_or(0);
            let rejected = benjamini_hochberg(&p_values).into_iter().filter(|&p| p <= alpha).count();
            prop_assert_eq!(rejected, last);
        }
    }
}
