//! A window of a column, in the bins of a reference: rows one by one, or drawn as counts.

use super::law::{Law, Values};
use super::random::Random;
use super::reference::{Kept, Reference, binned, place_of, sums};
use postdict::event::FeatureValue;

/// From so many rows on, values are drawn as counts.
pub const COUNTED_ROWS: i64 = 10_000;

/// One column of a window.
pub struct Window {
    /// Rows per bin of the profile.
    pub counts: Vec<i64>,
    /// Smallest and largest number, if there is one; of counts, where they are outside the reference's.
    pub range: Option<(f64, f64)>,
    /// As the peers see it.
    pub seen: Seen,
}

/// A window as the peers see it, in the form that their reference has.
pub enum Seen {
    /// Numbers, ascending.
    Numbers(Vec<f64>),
    /// Rows between the cuts of the reference.
    Cells(Vec<i64>),
    /// Rows of each value.
    Tally(Vec<i64>),
}

impl Window {
    /// `rows` rows of `law`.
    pub fn draw(law: &Law, reference: &Reference, rows: i64, random: &mut Random) -> Window {
        match (&law.values, &reference.kept) {
            (Values::Weights { weights, .. }, Kept::Values { place, .. }) => {
                of_values(weights, place, reference, rows, random)
            }
            (Values::Curve { .. }, Kept::Cells { cuts, .. }) => of_cells(law, cuts, reference, rows, random),
            (Values::Curve { .. }, Kept::Numbers { .. }) => of_numbers(law, reference, rows, random),
            _ => panic!("a reference of another law"),
        }
    }
}

fn of_values(weights: &[f64], place: &[usize], reference: &Reference, rows: i64, random: &mut Random) -> Window {
    let tally = if rows >= COUNTED_ROWS {
        random.multinomial(rows, weights)
    } else {
        let (sums, mut tally) = (sums(weights), vec![0; weights.len()]);
        (0..rows).for_each(|_| tally[place_of(&sums, random)] += 1);
        tally
    };
    let mut counts = vec![0; reference.feature.bins.len()];
    place.iter().zip(&tally).for_each(|(&bin, &rows)| counts[bin] += rows);
    let ends = (tally.iter().position(|&n| n > 0), tally.iter().rposition(|&n| n > 0));
    let range = ends.0.zip(ends.1).map(|(low, high)| (low as f64, high as f64));
    Window { counts, range, seen: Seen::Tally(tally) }
}

fn of_numbers(law: &Law, reference: &Reference, rows: i64, random: &mut Random) -> Window {
    let bins = &reference.feature.bins;
    let mut counts = vec![0; bins.len()];
    let mut numbers = Vec::with_capacity(rows as usize);
    for _ in 0..rows {
        let is_missing = law.missing > 0.0 && random.uniform() < law.missing;
        let value =
            if is_missing { FeatureValue::Missing } else { FeatureValue::Number(law.quantile(random.uniform())) };
        counts[bins.bin_of(value)] += 1;
        if let FeatureValue::Number(number) = value {
            numbers.push(number);
        }
    }
    numbers.sort_unstable_by(f64::total_cmp);
    let range = numbers.first().copied().zip(numbers.last().copied());
    Window { counts, range, seen: Seen::Numbers(numbers) }
}

fn of_cells(law: &Law, cuts: &[f64], reference: &Reference, rows: i64, random: &mut Random) -> Window {
    let missing = random.binomial(rows, law.missing);
    let levels: Vec<f64> = cuts.iter().map(|&cut| law.cdf(cut)).collect();
    let (first, last) = (levels[0], levels[levels.len() - 1]);
    let starts = [0.0].into_iter().chain(levels.iter().copied());
    let shares: Vec<f64> = starts.zip(levels.iter().copied().chain([1.0])).map(|(from, to)| to - from).collect();
    let cells = random.multinomial(rows - missing, &shares);
    // Least of so many uniform draws.
    let mut least = |count: i64| 1.0 - random.uniform().powf(1.0 / count as f64);
    let lowest = if cells[0] > 0 { law.quantile(first * least(cells[0])) } else { cuts[0] };
    let above = cells[cells.len() - 1];
    let highest =
        if above > 0 { law.quantile(1.0 - (1.0 - last) * least(above)) } else { cuts[cuts.len() - 1].next_down() };
    let bins = &reference.feature.bins;
    let mut counts = binned(bins, cuts, &cells);
    counts[bins.bin_of(FeatureValue::Missing)] += missing;
    let range = (rows > missing).then_some((lowest, highest));
    Window { counts, range, seen: Seen::Cells(cells) }
}
