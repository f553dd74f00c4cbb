//! Bins of a number of which no reference says where it lies: the same for every feature, over all numbers that there are.
//!
//! Each octave (from one power of two to the next) is cut into equally wide bins, 16 where the numbers of most features lie,
//! from 2⁻¹⁰ to 2²⁰, and 4 from there to 2⁻³⁰ and to 2⁶³; and likewise below zero. So a bin is at most a sixteenth as wide as
//! the numbers in it are large (a quarter in the outer octaves), and what moves within one is not seen. Whole numbers up to
//! 32 have bins of their own, from themselves to the next double: flags, grades and small counts do not blur anything.
//!
//! There are as many bins however the data are; those without a row take no memory.

use super::numeric::NumericBins;

/// Octaves from 2 to this power on are cut finely.
const FINE_FROM: i32 = -10;
/// Up to 2 to this power.
const FINE_TO: i32 = 20;
/// The smallest magnitude with an octave is 2 to this power.
const FIRST: i32 = -30;
/// No number of a record is as large as 2 to this power: magnitudes end at 2⁵³ · 10³.
const END: i32 = 63;
/// Bins of a fine octave, and of another one.
const BINS: [u32; 2] = [16, 4];
/// Largest whole number with a bin of its own.
const LARGEST_POINT: i32 = 32;
/// Coarse bins of equal mass.
const GROUPS: i128 = 10;

impl NumericBins {
    /// The bins of a number of which nothing is known; without coarse ones, which are made of what was counted:
    /// [`Self::grouped_by`].
    pub fn log_linear() -> NumericBins {
        let octaves = (FIRST..END).flat_map(|octave| {
            let bins = BINS[usize::from(!(FINE_FROM..FINE_TO).contains(&octave))];
            let start = libm::ldexp(1.0, octave);
            (0..bins).map(move |bin| start + start * f64::from(bin) / f64::from(bins))
        });
        let magnitudes: Vec<f64> = octaves.chain([libm::ldexp(1.0, END)]).collect();
        let points = (-LARGEST_POINT..=LARGEST_POINT).map(f64::from).flat_map(|point| [point, point.next_up()]);
        let mut edges: Vec<f64> =
            magnitudes.iter().map(|edge| -edge).chain(points).chain(magnitudes.iter().copied()).collect();
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        NumericBins { edges, decile_cuts: Vec::new() }
    }

    /// True if no number of any record is outside the edges: they are not those of a reference.
    pub fn hold_every_number(&self) -> bool {
        let end = libm::ldexp(1.0, END);
        self.edges.first().is_some_and(|first| *first <= -end) && self.edges.last().is_some_and(|last| *last >= end)
    }

    /// The same bins, with coarse ones that hold about a tenth each of the numbers of `counts`, rows per bin: a bin belongs
    /// to the tenth that its middle row is in, so one with a fifth of the rows is alone.
    pub fn grouped_by(&self, counts: &[i64]) -> NumericBins {
        let counts = counts.iter().take(self.ordered_len());
        let rows: i128 = counts.clone().map(|count| i128::from(*count)).sum();
        let mut below = 0;
        let groups = counts.map(|count| {
            // In half rows, so that a middle is whole.
            let middle = 2 * below + i128::from(*count);
            below += i128::from(*count);
            (GROUPS * middle / (2 * rows).max(1)).min(GROUPS - 1)
        });
        let groups: Vec<i128> = groups.collect();
        // Bin i + 1 starts at edge i.
        let starts = groups.windows(2).zip(&self.edges).filter(|(pair, _)| pair[0] != pair[1]);
        NumericBins { decile_cuts: starts.map(|(_, edge)| *edge).collect(), edges: self.edges.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Measurement;
    use super::*;
    use proptest::prelude::*;

    fn counted(bins: &NumericBins, numbers: &[f64]) -> Vec<i64> {
        let mut counts = vec![0; bins.bins()];
        numbers.iter().for_each(|number| counts[bins.bin_of(Measurement::Number(*number))] += 1);
        counts
    }

    #[test]
    fn the_edges_are_pinned_because_stored_state_depends_on_them() {
        let bins = NumericBins::log_linear();
        let edges = bins.edges();
        let around = |number: f64| edges.iter().position(|edge| *edge == number).expect("an edge");
        assert_eq!((edges.len(), edges[0]), (1_532, -libm::ldexp(1.0, 63)));
        assert_eq!(edges[around(100.0)..][..3], [100.0, 104.0, 108.0]);
        assert_eq!(edges[around(2_097_152.0)..][..2], [2_097_152.0, 2_621_440.0]);
        assert_eq!(edges[around(0.5)..][..2], [0.5, 0.53125]);
        assert_eq!(edges[around(7.0)..][..4], [7.0, 7.0f64.next_up(), 7.25, 7.5]);
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(bins.hold_every_number());
        assert!(!NumericBins::of_reference(&[-9.0e18, 9.0e18]).expect("values").hold_every_number());
    }

    #[test]
    fn small_whole_numbers_are_points() {
        let bins = NumericBins::log_linear();
        let bin = |number| bins.bin_of(Measurement::Number(number));
        for number in (-32..=32).map(f64::from) {
            assert!(bin(number) != bin(number.next_up()) && bin(number) != bin(number.next_down()), "{number}");
        }
        assert_eq!((bin(0.0), bin(-0.0)), (bin(0.0), bin(0.0)));
        assert_ne!(bin(f64::MIN_POSITIVE), bin(0.0));
    }

    #[test]
    fn a_tenth_of_the_rows_is_in_each_group() {
        let bins = NumericBins::log_linear();
        let numbers: Vec<f64> = (0..10_000).map(|i| f64::from(i) / 100.0).collect();
        let counts = counted(&bins, &numbers);
        let coarse = bins.grouped_by(&counts).coarse();
        let rows = coarse.sum(&counts);
        assert_eq!(rows.len(), 12, "with missing and invalid");
        assert!(rows[..10].iter().all(|rows| (600..1_400).contains(rows)), "{rows:?}");
        // A constant, and nothing.
        for numbers in [&[7.0][..], &[]] {
            let counts = counted(&bins, numbers);
            assert!(bins.grouped_by(&counts).coarse().len() <= 5, "{numbers:?}");
        }
    }

    proptest! {
        #[test]
        fn a_bin_is_narrow_for_what_is_in_it(exponent in -30.0..62.9f64, is_negative in any::<bool>()) {
            let bins = NumericBins::log_linear();
            let number = libm::exp2(exponent) * if is_negative { -1.0 } else { 1.0 };
            let bin = bins.bin_of(Measurement::Number(number));
            let width = bins.edges()[bin] - bins.edges()[bin - 1];
            let is_fine = (2.0f64.powi(-10)..2.0f64.powi(20)).contains(&number.abs());
            let most = number.abs() * if is_fine { 1.0 / 16.0 } else { 0.25 };
            prop_assert!(width <= most, "{width} at {number}");
        }

        #[test]
        fn a_frequent_number_is_alone(
            numbers in prop::collection::vec(0i32..40, 1..200), often in 0i32..32, with in 0usize..200
        ) {
            let bins = NumericBins::log_linear();
            let mut all: Vec<f64> = numbers.iter().map(|number| f64::from(*number)).collect();
            all.extend(std::iter::repeat_n(f64::from(often), with));
            let counts = counted(&bins, &all);
            let grouped = bins.grouped_by(&counts);
            let coarse = grouped.coarse();
            prop_assert!(coarse.len() <= 12);
            prop_assert_eq!(coarse.sum(&counts).iter().sum::<i64>(), all.len() as i64);
            let of_it = all.iter().filter(|number| **number == f64::from(often)).count() as i64;
            if of_it * 5 >= all.len() as i64 {
                prop_assert!(coarse.sum(&counts).contains(&of_it));
            }
        }
    }
}
