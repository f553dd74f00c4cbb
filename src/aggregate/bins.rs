//! `ScoreBins`: how many scores fell where, fine enough to read ROC and precision-recall curves from.
//!
//! Bins are of equal width in log-odds, because models crowd their scores near 0 and 1: 1000 bins of 0.024 over
//! [−12, 12] (scores from 6·10⁻⁶ to 1 − 6·10⁻⁶; what is beyond falls into the outermost), and exactly 0 and exactly 1
//! in bins of their own, because thresholded models give those to many rows at once.
//!
//! The edges are mirror images of each other to the last bit (each is a multiple of 2⁻⁵³, so 1 − edge is exact). So
//! `bin_of(1 − s)` is the mirror of `bin_of(s)`, except that a score on an edge belongs to the bin above it both times.

use super::counts::SortedCounts;
use super::linear::Linear;
use std::sync::LazyLock;

/// Number of bins: exactly 0, a thousand of equal width in log-odds, exactly 1.
pub const SCORE_BINS: usize = 1002;
const LAST: u16 = SCORE_BINS as u16 - 1;
/// Log-odds of the outermost computed edges are ∓ this.
const LOG_ODDS_MAX: f64 = 12.0;
/// Edges below one half.
const LOWER_EDGES: usize = 499;

/// Beyond this many bins in use, an array over all of them is faster and not much larger per row.
const SPARSE_MAX: usize = 128;

/// Counts per score bin.
#[derive(Debug, Clone)]
pub struct ScoreBins {
    counts: Counts,
}

#[derive(Debug, Clone)]
enum Counts {
    Sparse(SortedCounts<u16>),
    Dense(Box<Dense>),
}

#[derive(Debug, Clone)]
struct Dense {
    counts: [i64; SCORE_BINS],
    /// Bins whose count is not zero.
    used: usize,
}

impl ScoreBins {
    /// The bin of a score in [0, 1]: 0 for exactly 0, 1001 for exactly 1, else 1 to 1000.
    #[inline]
    pub fn bin_of(score: f64) -> u16 {
        debug_assert!((0.0..=1.0).contains(&score), "a score is in [0, 1]");
        if score <= 0.0 {
            0
        } else if score >= 1.0 {
            LAST
        } else if score < 0.5 {
            1 + EDGES.at_or_below(score)
        } else {
            // The bin starts at 1 − edge ≤ score, that is edge ≥ 1 − score, which is exact from one half on.
            1000 - EDGES.below(1.0 - score)
        }
    }

    /// Lower and upper edge of `bin`: it holds the scores in `[lower, upper)`; bin 1 without exactly 0. The outer two hold
    /// one score each, given as both edges.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn edges(bin: u16) -> (f64, f64) {
        match bin {
            0 => (0.0, 0.0),
            LAST => (1.0, 1.0),
            _ => (EDGES.edge(bin - 1), EDGES.edge(bin)),
        }
    }

    /// Adds `n` scores to `bin`.
    ///
    /// # Panics
    /// If there is no such bin.
    #[inline]
    pub fn add(&mut self, bin: u16, n: i64) {
        assert!(bin <= LAST, "a score bin is at most {LAST}");
        match &mut self.counts {
            Counts::Dense(dense) => {
                dense.add(bin, n);
                if dense.used == 0 {
                    *self = ScoreBins::default();
                }
            }
            Counts::Sparse(sparse) => {
                sparse.add(bin, n);
                if sparse.len() > SPARSE_MAX {
                    self.densify();
                }
            }
        }
    }

    /// The count of `bin`.
    pub fn get(&self, bin: u16) -> i64 {
        match &self.counts {
            Counts::Sparse(sparse) => sparse.get(bin),
            Counts::Dense(dense) => dense.counts.get(usize::from(bin)).copied().unwrap_or(0),
        }
    }

    /// `(bin, count)` of the bins that are not zero, in order of score.
    pub fn iter(&self) -> impl Iterator<Item = (u16, i64)> + '_ {
        let (sparse, dense): (&[(u16, i64)], &[i64]) = match &self.counts {
            Counts::Sparse(sparse) => (sparse, &[]),
            Counts::Dense(dense) => (&[], &dense.counts),
        };
        let dense = (0..).zip(dense).map(|(bin, &n)| (bin, n)).filter(|&(_, n)| n != 0);
        sparse.iter().copied().chain(dense)
    }

    /// Bins that are not zero.
    pub fn used(&self) -> usize {
        match &self.counts {
            Counts::Sparse(sparse) => sparse.len(),
            Counts::Dense(dense) => dense.used,
        }
    }

    /// Sum of all counts.
    pub fn total(&self) -> i64 {
        self.iter().map(|(_, n)| n).sum()
    }

    fn densify(&mut self) -> &mut Dense {
        if let Counts::Sparse(sparse) = &self.counts {
            let mut dense = Box::new(Dense { counts: [0; SCORE_BINS], used: 0 });
            sparse.iter().for_each(|&(bin, n)| dense.add(bin, n));
            self.counts = Counts::Dense(dense);
        }
        match &mut self.counts {
            Counts::Dense(dense) => dense,
            Counts::Sparse(_) => unreachable!("made dense above"),
        }
    }
}

impl Dense {
    #[inline]
    fn add(&mut self, bin: u16, n: i64) {
        let count = &mut self.counts[usize::from(bin)];
        self.used -= usize::from(*count != 0);
        *count += n;
        self.used += usize::from(*count != 0);
    }
}

impl Default for ScoreBins {
    fn default() -> Self {
        ScoreBins { counts: Counts::Sparse(SortedCounts::default()) }
    }
}

/// From counts per bin.
///
/// # Panics
/// If there is no such bin.
impl From<SortedCounts<u16>> for ScoreBins {
    fn from(counts: SortedCounts<u16>) -> Self {
        let mut bins = ScoreBins { counts: Counts::Sparse(counts) };
        if bins.used() > SPARSE_MAX {
            bins.densify();
        }
        bins
    }
}

/// Equal counts, however they are held.
impl PartialEq for ScoreBins {
    fn eq(&self, other: &Self) -> bool {
        self.used() == other.used() && self.iter().eq(other.iter())
    }
}

impl Eq for ScoreBins {}

impl Linear for ScoreBins {
    fn merge(&mut self, other: &Self) {
        match (&mut self.counts, &other.counts) {
            (Counts::Sparse(mine), Counts::Sparse(theirs)) => {
                mine.merge(theirs);
                if mine.len() > SPARSE_MAX {
                    self.densify();
                }
            }
            _ => {
                let dense = self.densify();
                other.iter().for_each(|(bin, n)| dense.add(bin, n));
                if dense.used == 0 {
                    *self = ScoreBins::default();
                }
            }
        }
    }

    fn negate(&mut self) {
        match &mut self.counts {
            Counts::Sparse(sparse) => sparse.negate(),
            Counts::Dense(dense) => dense.counts.iter_mut().for_each(|n| *n = -*n),
        }
    }

    fn is_zero(&self) -> bool {
        self.used() == 0
    }
}

/// The edges below one half, and a guide to them: for each value of a double's leading bits (exponent and six bits of
/// the fraction, so an interval no wider than 1/64 of its start) how many edges lie below that interval. Edges are
/// further apart than that, so at most one is inside, and a lookup is one step and one comparison.
struct Edges {
    /// Ascending; the last is followed by one half and infinity as sentinels.
    lower: [f64; LOWER_EDGES + 2],
    guide: Vec<u16>,
    /// Leading bits of the interval before the first edge's.
    first: u64,
}

static EDGES: LazyLock<Edges> = LazyLock::new(Edges::new);

/// A double's exponent and first six bits of its fraction.
#[inline]
fn leading_bits(x: f64) -> u64 {
    x.to_bits() >> 46
}

impl Edges {
    fn new() -> Self {
        let lower: [f64; LOWER_EDGES + 2] = std::array::from_fn(|place| match place {
            LOWER_EDGES => 0.5,
            place if place > LOWER_EDGES => f64::INFINITY,
            _ => {
                let odds = libm::exp(LOG_ODDS_MAX * (2.0 * (place + 1) as f64 / 1000.0 - 1.0));
                // Subtracting from one twice rounds to a multiple of 2⁻⁵³.
                1.0 - (1.0 - odds / (1.0 + odds))
            }
        });
        let first = leading_bits(lower[0]) - 1;
        let guide = (first..=leading_bits(0.5))
            .map(|bits| lower.partition_point(|&edge| edge < f64::from_bits(bits << 46)) as u16)
            .collect();
        Edges { lower, guide, first }
    }

    /// Edges below the interval that `x` ≤ 1/2 is in; at most one more is below `x`.
    #[inline]
    fn guess(&self, x: f64) -> u16 {
        self.guide[leading_bits(x).saturating_sub(self.first) as usize]
    }

    /// How many edges are ≤ `x`, for `x` < 1/2.
    #[inline]
    fn at_or_below(&self, x: f64) -> u16 {
        let guess = self.guess(x);
        guess + u16::from(self.lower[usize::from(guess)] <= x)
    }

    /// How many edges are < `x`, for `x` ≤ 1/2.
    #[inline]
    fn below(&self, x: f64) -> u16 {
        let guess = self.guess(x);
        guess + u16::from(self.lower[usize::from(guess)] < x)
    }

    /// The edge between bins `index` and `index + 1`, 0 and 1 being the outermost (`index` ≤ 1000).
    fn edge(&self, index: u16) -> f64 {
        match usize::from(index) {
            0 => 0.0,
            index @ 1..=500 => self.lower[index - 1],
            index @ 501..=999 => 1.0 - self.lower[999 - index],
            1000 => 1.0,
            _ => panic!("a score bin is at most {LAST}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The plain way: binary search over all edges.
    fn searched(score: f64) -> u16 {
        let edges: Vec<f64> = (1..=999).map(|index| EDGES.edge(index)).collect();
        match score {
            0.0 => 0,
            1.0 => LAST,
            _ => 1 + edges.partition_point(|&edge| edge <= score) as u16,
        }
    }

    fn score() -> impl Strategy<Value = f64> {
        prop_oneof![
            0.0..=1.0f64,
            (-40.0..40.0f64).prop_map(|log_odds| 1.0 / (1.0 + libm::exp(-log_odds))),
            (0u64..=1.0f64.to_bits()).prop_map(f64::from_bits),
            (1u16..=1000, -1i64..=1).prop_map(|(bin, step)| {
                let edge = ScoreBins::edges(bin).0;
                f64::from_bits((edge.to_bits() as i64 + step).max(0) as u64)
            }),
        ]
    }

    #[test]
    fn edges_are_ascending_mirrored_and_equally_wide_in_log_odds() {
        for bin in 1..=1000 {
            let (lower, upper) = ScoreBins::edges(bin);
            assert!(lower < upper);
            let (mirror_lower, mirror_upper) = ScoreBins::edges(LAST - bin);
            assert_eq!((1.0 - upper, 1.0 - lower), (mirror_lower, mirror_upper));
            if (2..=999).contains(&bin) {
                let width = (upper / (1.0 - upper)).ln() - (lower / (1.0 - lower)).ln();
                assert!((width - 0.024).abs() < 1e-9, "bin {bin} is {width} wide");
            }
        }
        assert_eq!(ScoreBins::edges(501).0, 0.5);
        assert_eq!(ScoreBins::edges(0), (0.0, 0.0));
        assert_eq!(ScoreBins::edges(LAST), (1.0, 1.0));
    }

    #[test]
    fn the_guide_leaves_at_most_one_edge_to_compare() {
        for pair in EDGES.guide.windows(2) {
            assert!(pair[1] - pair[0] <= 1);
        }
    }

    #[test]
    fn outermost_scores_have_their_places() {
        let bins = [0.0, 5e-324, 1e-9, 0.5f64.next_down(), 0.5, 1.0f64.next_down(), 1.0].map(ScoreBins::bin_of);
        assert_eq!(bins, [0, 1, 1, 500, 501, 1000, 1001]);
    }

    #[test]
    fn bins_grow_dense_and_shrink_to_nothing() {
        let mut bins = ScoreBins::default();
        (0..=LAST).for_each(|bin| bins.add(bin, 1));
        assert!(matches!(bins.counts, Counts::Dense(_)));
        assert_eq!((bins.used(), bins.total()), (SCORE_BINS, SCORE_BINS as i64));
        (1..=LAST).for_each(|bin| bins.add(bin, -1));
        let mut one = ScoreBins::default();
        one.add(0, 1);
        assert_eq!(bins, one);
        bins.add(0, -1);
        assert!(bins.is_zero() && bins == ScoreBins::default());
    }

    proptest! {
        #[test]
        fn lookup_is_binary_search(score in score()) {
            prop_assert_eq!(ScoreBins::bin_of(score), searched(score));
        }

        #[test]
        fn a_score_is_within_its_bin(score in score()) {
            let (lower, upper) = ScoreBins::edges(ScoreBins::bin_of(score));
            prop_assert!(lower <= score && (score < upper || lower == upper && score == lower));
        }

        #[test]
        fn the_complement_is_in_the_mirrored_bin(score in score().prop_filter("its complement is exact", |&s| s >= 0.5)) {
            let bin = ScoreBins::bin_of(score);
            let on_edge = (1..=1000).contains(&bin) && ScoreBins::edges(bin).0 == score;
            prop_assert_eq!(ScoreBins::bin_of(1.0 - score), LAST - bin + u16::from(on_edge));
        }

        #[test]
        fn sparse_and_dense_agree(bins in prop::collection::vec((0u16..=LAST, -1i64..=2), 0..400)) {
            let (mut sparse, mut dense) = (ScoreBins::default(), ScoreBins::default());
            dense.densify();
            for &(bin, n) in &bins {
                sparse.add(bin, n);
                dense.densify().add(bin, n);
            }
            prop_assert_eq!(&sparse, &dense);
            prop_assert_eq!(sparse.total(), bins.iter().map(|entry| entry.1).sum::<i64>());
            (0..=LAST).for_each(|bin| assert_eq!(sparse.get(bin), dense.get(bin)));
        }
    }
}
