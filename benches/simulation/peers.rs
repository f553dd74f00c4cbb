//! The rules of other tools, as they are by default, on the same rows.
//!
//! * *PSI*: above 0.2, over the deciles of the reference or its categories.
//! * *NannyML*: the Jensen-Shannon distance of each column is above 0.1; of numbers over NumPy's bins ("doane"; of at most
//!   50 different ones, over these), of categories over their values. Values that the reference lacks are one bin.
//! * *Evidently*, from more than 1,000 rows of the reference on: the Wasserstein distance divided by the reference's
//!   standard deviation is at least 0.1, of categories the Jensen-Shannon distance. Up to 1,000 rows: the p-value of
//!   Kolmogorov and Smirnov, of categories that of χ² against the reference's shares, is below 0.05. A data set has drifted
//!   where at least half of its columns have.
//!
//! Missing values are left out by both. Where numbers are counts between cuts, so is the Wasserstein distance.

use super::reference::{Kept, Reference, bin_between};
use super::window::{Seen, Window};
use postdict::drift::distribution::chi_square_upper;
use postdict::drift::kolmogorov::two_sample_p_value;
use postdict::drift::methods::{jensen_shannon, wasserstein};
use postdict::drift::{OrderedSamples, TwoSamples};

/// Up to so many rows of the reference, Evidently tests.
const TESTED_ROWS: i64 = 1_000;

/// NannyML calls it drift.
pub fn nannyml(reference: &Reference, window: &Window) -> bool {
    let (theirs, current) = match (&reference.kept, &window.seen) {
        (Kept::Values { tally, .. }, Seen::Tally(current)) => only_known(tally, current),
        (Kept::Numbers { edges, counts, .. }, Seen::Numbers(numbers)) => {
            let mut current = vec![0; counts.len() + 1];
            numbers.iter().for_each(|&x| current[bin_between(edges, x).unwrap_or(counts.len())] += 1);
            (counts.iter().copied().chain([0]).collect(), current)
        }
        (Kept::Cells { cuts, counts, edges }, Seen::Cells(cells)) => {
            let of_cells = |cells: &[i64]| {
                let mut bins = vec![0; edges.len()];
                bins[edges.len() - 1] += cells[0];
                for (&cut, &rows) in cuts.iter().zip(&cells[1..]) {
                    bins[bin_between(edges, cut).unwrap_or(edges.len() - 1)] += rows;
                }
                bins
            };
            (of_cells(counts), of_cells(cells))
        }
        _ => panic!("a window of another reference"),
    };
    TwoSamples::new(&theirs, &current).is_ok_and(|samples| jensen_shannon(&samples) > 0.1)
}

/// Rows of each value that the reference has, and at the end of all others.
fn only_known(reference: &[i64], current: &[i64]) -> (Vec<i64>, Vec<i64>) {
    let pairs = || reference.iter().copied().zip(current.iter().copied());
    let known = pairs().filter(|(theirs, _)| *theirs > 0);
    let other = pairs().filter(|(theirs, _)| *theirs == 0).map(|(_, rows)| rows).sum();
    known.chain([(0, other)]).unzip()
}

/// Evidently calls it drift of the column.
pub fn evidently(reference: &Reference, window: &Window) -> bool {
    let rows: i64 = reference.feature.counts.iter().sum();
    let std = reference.feature.moments.map_or(0.0, |moments| moments.std.max(0.001));
    match (&reference.kept, &window.seen) {
        (Kept::Values { tally, .. }, Seen::Tally(current)) if reference.deciles.is_some() => {
            let expand =
                |tally: &[i64]| -> Vec<(f64, i64)> { (0..).map(f64::from).zip(tally.iter().copied()).collect() };
            of_numbers(&expand(tally), &expand(current), rows, std)
        }
        (Kept::Values { tally, .. }, Seen::Tally(current)) if rows <= TESTED_ROWS => of_shares(tally, current) < 0.05,
        (Kept::Values { tally, .. }, Seen::Tally(current)) => {
            TwoSamples::new(tally, current).is_ok_and(|samples| jensen_shannon(&samples) >= 0.1)
        }
        (Kept::Numbers { sorted, .. }, Seen::Numbers(numbers)) => {
            let single = |sorted: &[f64]| -> Vec<(f64, i64)> { sorted.iter().map(|&x| (x, 1)).collect() };
            of_numbers(&single(sorted), &single(numbers), rows, std)
        }
        (Kept::Cells { cuts, counts, .. }, Seen::Cells(cells)) => {
            let (lowest, highest) = window.range.unwrap_or((cuts[0], cuts[0]));
            let ends = (lowest.min(cuts[0]), highest.next_up().max(cuts[cuts.len() - 1]));
            let edges: Vec<f64> = [ends.0].into_iter().chain(cuts.iter().copied()).chain([ends.1]).collect();
            let samples = OrderedSamples::new(&edges, counts, cells).expect("there are rows");
            wasserstein(&samples).is_ok_and(|distance| distance.value >= 0.1 * std)
        }
        _ => panic!("a window of another reference"),
    }
}

/// Of numbers, ascending, with their rows.
fn of_numbers(reference: &[(f64, i64)], current: &[(f64, i64)], rows: i64, std: f64) -> bool {
    let all = |numbers: &[(f64, i64)]| numbers.iter().map(|(_, rows)| rows).sum::<i64>();
    let (n, m) = (all(reference), all(current));
    let (mut theirs, mut ours) = (reference.iter().peekable(), current.iter().peekable());
    let (mut gap, mut largest, mut distance, mut before) = (0_i64, 0_i64, 0.0, None);
    while let Some(at) = [theirs.peek(), ours.peek()].into_iter().flatten().map(|(x, _)| *x).reduce(f64::min) {
        distance += before.map_or(0.0, |before| (at - before) * gap.abs() as f64);
        while let Some((_, rows)) = theirs.next_if(|(x, _)| *x == at) {
            gap += rows * m;
        }
        while let Some((_, rows)) = ours.next_if(|(x, _)| *x == at) {
            gap -= rows * n;
        }
        largest = largest.max(gap.abs());
        before = Some(at);
    }
    if rows <= TESTED_ROWS {
        two_sample_p_value(i128::from(largest), n, m) < 0.05
    } else {
        distance / (n as f64 * m as f64) >= 0.1 * std
    }
}

/// p-value of the window against the shares of the reference, taken to be known.
fn of_shares(reference: &[i64], current: &[i64]) -> f64 {
    let (n, m) = (reference.iter().sum::<i64>() as f64, current.iter().sum::<i64>() as f64);
    let occupied = || reference.iter().zip(current).filter(|(theirs, rows)| **theirs + **rows > 0);
    let statistic: f64 = occupied()
        .map(|(&theirs, &rows)| {
            let expected = theirs as f64 * m / n;
            (rows as f64 - expected) * (rows as f64 - expected) / expected
        })
        .sum();
    match occupied().count() {
        _ if statistic.is_infinite() => 0.0,
        0 | 1 => 1.0,
        values => chi_square_upper(statistic, values - 1),
    }
}
