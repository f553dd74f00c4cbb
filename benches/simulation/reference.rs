//! A reference and its profile: made of rows by the library's builder, or drawn as counts.
//!
//! References of a pool are made of rows. Windows that are not much smaller than their reference need a new one each, or
//! all of them would show the same deviation of the reference: these are drawn as order statistics at the quantiles that
//! bins are made of, and as multinomial counts between them, which is the same distribution.

use super::law::{Curve, Law, Values};
use super::random::Random;
use arrow_array::types::UInt32Type;
use arrow_array::{BooleanArray, DictionaryArray, Float64Array, StringArray, UInt32Array};
use postdict::drift::profile::{ColumnType, MAX_CATEGORIES, ProfileBuilder};
use postdict::event::bins::{CategoryBins, FINE_BINS, Grouping, NumericBins};
use postdict::event::prediction::TextColumn;
use postdict::event::{
    FeatureBins, FeatureColumn, FeatureProfile, FeatureSource, FeatureValue, Moments, Origin, PredictionBatch, Role,
};
use std::sync::{Arc, OnceLock};

/// Numbers that are kept of a reference for the peers, at most: of more, every so manieth.
const KEPT: usize = 10_000;

/// One column of a reference.
pub struct Reference {
    /// Its part of the profile.
    pub feature: FeatureProfile,
    /// Deciles as sums of the profile's bins, and the rows in them; of numbers.
    pub deciles: Option<(Grouping, Vec<i64>)>,
    /// What the peers keep.
    pub kept: Kept,
}

/// What the peers keep of a reference; nothing that is missing.
pub enum Kept {
    /// Numbers, ascending, and edges of NumPy's bins with the rows in them.
    Numbers { sorted: Vec<f64>, edges: Vec<f64>, counts: Vec<i64> },
    /// Rows between cuts: those of the profile's bins and those of NumPy's.
    Cells { cuts: Vec<f64>, counts: Vec<i64>, edges: Vec<f64> },
    /// Rows of each value, and the bin of the profile that it is in.
    Values { tally: Vec<i64>, place: Vec<usize> },
}

/// `replicates` references of `rows` rows per law, by law.
pub fn pool(laws: &[Law], rows: usize, replicates: usize, random: &mut Random) -> Vec<Vec<Reference>> {
    let columns: Vec<(&Law, FeatureColumn)> = laws
        .iter()
        .flat_map(|law| (0..replicates).map(move |_| law))
        .map(|law| (law, column(law, rows, random)))
        .collect();
    let names: Vec<String> = (0..columns.len()).map(|place| format!("f{place:05}")).collect();
    let column_type = |law: &Law| match &law.values {
        Values::Weights { are_numbers: false, .. } => ColumnType::Categorical,
        _ => ColumnType::Numeric,
    };
    let types = names.iter().cloned().zip(columns.iter().map(|(law, _)| column_type(law))).collect();
    let mut builder = ProfileBuilder::new(None, &names, types, MAX_CATEGORIES);
    let batch = batch(rows, columns.iter().map(|(_, column)| column.clone()).collect());
    builder.add(&batch).expect("there are not too many numbers");
    let (profile, _) = builder.finish(false).expect("a profile");
    let mut features = profile.features.into_iter().zip(columns);
    let mut replicate = |law: &Law| {
        let (feature, (_, column)) = features.next().expect("a feature of each column");
        let kept = kept(law, &feature, (0..rows).map(|row| column.value(row)));
        Reference::new(feature, kept)
    };
    laws.iter().map(|law| (0..replicates).map(|_| replicate(law)).collect()).collect()
}

impl Reference {
    fn new(feature: FeatureProfile, kept: Kept) -> Reference {
        let deciles = match &feature.bins {
            FeatureBins::Numeric(bins) => Some(bins.coarse()),
            FeatureBins::Categorical(_) => None,
        };
        let deciles = deciles.map(|deciles| {
            let counts = deciles.sum(&feature.counts);
            (deciles, counts)
        });
        Reference { feature, deciles, kept }
    }

    /// One of `rows` rows, drawn as counts.
    pub fn drawn(law: &Law, rows: i64, random: &mut Random) -> Reference {
        let missing = random.binomial(rows, law.missing);
        match &law.values {
            Values::Curve { curve, .. } => drawn_curve(*curve, rows - missing, missing, random),
            Values::Weights { weights, are_numbers } => {
                let tally = random.multinomial(rows, weights);
                let bins = if *are_numbers { integer_bins(&tally) } else { category_bins(&tally) };
                let place = places(&bins, *are_numbers, tally.len());
                let mut counts = vec![0; bins.len()];
                place.iter().zip(&tally).for_each(|(&bin, &rows)| counts[bin] += rows);
                let moments = are_numbers.then(|| integer_moments(&tally));
                Reference::new(feature(bins, counts, moments), Kept::Values { tally, place })
            }
        }
    }
}

fn feature(bins: FeatureBins, counts: Vec<i64>, moments: Option<Moments>) -> FeatureProfile {
    FeatureProfile {
        name: "f".into(),
        source: FeatureSource::Feature,
        bins,
        counts,
        moments,
        sketches: None,
        outputs: None,
    }
}

/// The texts of values 0, 1, …
pub fn texts() -> &'static [String] {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| (0..=1000).map(|value| format!("v{value}")).collect())
}

/// The bin of each of `count` values.
fn places(bins: &FeatureBins, are_numbers: bool, count: usize) -> Vec<usize> {
    let value = |value: usize| match are_numbers {
        true => FeatureValue::Number(value as f64),
        false => FeatureValue::Text(&texts()[value]),
    };
    (0..count).map(|place| bins.bin_of(value(place))).collect()
}

/// A place drawn with these weights, summed up.
pub fn place_of(sums: &[f64], random: &mut Random) -> usize {
    let at = random.uniform() * sums[sums.len() - 1];
    sums.partition_point(|&sum| sum <= at)
}

/// Weights, summed up.
pub fn sums(weights: &[f64]) -> Vec<f64> {
    weights
        .iter()
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect()
}

fn column(law: &Law, rows: usize, random: &mut Random) -> FeatureColumn {
    let present = |random: &mut Random| law.missing == 0.0 || random.uniform() >= law.missing;
    match &law.values {
        Values::Curve { .. } => {
            let number = (0..rows).map(|_| present(random).then(|| law.quantile(random.uniform()))).collect();
            FeatureColumn { number, text: no_text(rows) }
        }
        Values::Weights { weights, are_numbers } => {
            let sums = sums(weights);
            let values: Vec<u32> = (0..rows).map(|_| place_of(&sums, random) as u32).collect();
            if *are_numbers {
                let number = values.iter().map(|&value| Some(f64::from(value))).collect();
                return FeatureColumn { number, text: no_text(rows) };
            }
            FeatureColumn { number: Float64Array::new_null(rows), text: text_column(values.into(), texts()) }
        }
    }
}

fn text_column(keys: UInt32Array, values: &[String]) -> TextColumn {
    let values: StringArray = values.iter().map(Some).collect();
    DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(values)).expect("keys are below their number")
}

fn no_text(rows: usize) -> TextColumn {
    text_column(UInt32Array::new_null(rows), &[])
}

/// Predictions that have nothing but these features, and what each must have.
fn batch(rows: usize, features: Vec<FeatureColumn>) -> PredictionBatch {
    let same = |text: &str| text_column(vec![0; rows].into(), &[text.to_owned()]);
    PredictionBatch {
        origin: Origin { role: Role::Predictions, topic: "reference".into(), partition: 0 },
        offset: (0..rows as i64).collect::<Vec<_>>().into(),
        request_id: (0..rows).map(|_| Some("id")).collect(),
        model_id: same("model"),
        model_version: same(""),
        time: vec![1_760_000_000_000; rows].into(),
        score: Float64Array::new_null(rows),
        predicted_label: no_text(rows),
        scores: None,
        predicted_value: Float64Array::new_null(rows),
        latency_ms: Float64Array::new_null(rows),
        failed: BooleanArray::from(vec![false; rows]),
        segments: Vec::new(),
        features,
        unknown: postdict::event::unknown::UnknownFeatures::default(),
    }
}

fn kept<'v>(law: &Law, feature: &FeatureProfile, values: impl Iterator<Item = FeatureValue<'v>>) -> Kept {
    if let Values::Weights { weights, are_numbers } = &law.values {
        let mut tally = vec![0; weights.len()];
        for value in values {
            match value {
                FeatureValue::Number(number) => tally[number as usize] += 1,
                FeatureValue::Text(text) => tally[text[1..].parse::<usize>().expect("a value")] += 1,
                _ => {}
            }
        }
        return Kept::Values { tally, place: places(&feature.bins, *are_numbers, weights.len()) };
    }
    let number = |value| match value {
        FeatureValue::Number(number) => Some(number),
        _ => None,
    };
    let mut sorted: Vec<f64> = values.filter_map(number).collect();
    sorted.sort_by(f64::total_cmp);
    let rows = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / rows;
    let moment = |power: i32| sorted.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / rows;
    let edges = doane(sorted[0], sorted[sorted.len() - 1], rows, moment(3) / moment(2).powf(1.5));
    let mut counts = vec![0; edges.len() - 1];
    sorted.iter().filter_map(|&x| bin_between(&edges, x)).for_each(|bin| counts[bin] += 1);
    let step = sorted.len().div_ceil(KEPT);
    let sorted = sorted.into_iter().skip(step / 2).step_by(step).collect();
    Kept::Numbers { sorted, edges, counts }
}

/// The edges that `numpy.histogram_bin_edges` makes with `bins="doane"`.
fn doane(lowest: f64, highest: f64, rows: f64, skewness: f64) -> Vec<f64> {
    let deviation = (6.0 * (rows - 2.0) / ((rows + 1.0) * (rows + 3.0))).sqrt();
    let bins = (1.0 + rows.log2() + (1.0 + skewness.abs() / deviation).log2()).ceil();
    (0..=bins as usize).map(|k| lowest + (highest - lowest) * k as f64 / bins).collect()
}

/// The bin of `x` between `edges`, of which the last is closed.
pub fn bin_between(edges: &[f64], x: f64) -> Option<usize> {
    let last = edges.len() - 1;
    match edges.partition_point(|&edge| edge <= x) {
        0 => None,
        place if place <= last => Some(place - 1),
        _ => (x == edges[last]).then_some(last - 1),
    }
}

/// Bins of numbers whose quantiles at every 1/200 are these.
fn bins_of_quantiles(rows: i64, at_rank: impl Fn(i64) -> f64) -> NumericBins {
    let quantile = |place: usize| {
        let rank = (rows - 1) as f64 * place as f64 / FINE_BINS as f64;
        let (below, weight) = (rank as i64, rank.fract());
        let lower = at_rank(below);
        if weight == 0.0 { lower } else { lower + (at_rank(below + 1) - lower) * weight }
    };
    let quantiles: Vec<f64> = (0..=FINE_BINS).map(quantile).collect();
    NumericBins::of_reference(&quantiles).expect("there are rows")
}

fn integer_bins(tally: &[i64]) -> FeatureBins {
    let sums: Vec<i64> = tally
        .iter()
        .scan(0, |sum, rows| {
            *sum += rows;
            Some(*sum)
        })
        .collect();
    let at_rank = |rank: i64| sums.partition_point(|&sum| sum <= rank) as f64;
    FeatureBins::Numeric(bins_of_quantiles(tally.iter().sum(), at_rank))
}

fn integer_moments(tally: &[i64]) -> Moments {
    let rows = tally.iter().sum::<i64>() as f64;
    let mean_of =
        |f: &dyn Fn(f64) -> f64| tally.iter().zip(0..).map(|(&n, v)| n as f64 * f(f64::from(v))).sum::<f64>() / rows;
    let mean = mean_of(&|x| x);
    let std = mean_of(&|x| (x - mean) * (x - mean)).sqrt();
    let present = |place: Option<usize>| place.expect("there are rows") as f64;
    let (min, max) = (tally.iter().position(|&n| n > 0), tally.iter().rposition(|&n| n > 0));
    Moments { mean, std, min: present(min), max: present(max) }
}

fn category_bins(tally: &[i64]) -> FeatureBins {
    let counted = texts().iter().map(String::as_str).zip(tally.iter().copied()).filter(|(_, rows)| *rows > 0);
    FeatureBins::Categorical(CategoryBins::of_reference(counted, MAX_CATEGORIES))
}

/// Order statistics at the ranks that quantiles need, by sums of exponential draws, and what lies between them.
fn drawn_curve(curve: Curve, rows: i64, missing: i64, random: &mut Random) -> Reference {
    let mut ranks: Vec<i64> = (0..=FINE_BINS as i64)
        .flat_map(|place| {
            let below = ((rows - 1) as f64 * place as f64 / FINE_BINS as f64) as i64;
            [below, (below + 1).min(rows - 1)]
        })
        .collect();
    ranks.dedup();
    let mut before = -1;
    let mut sum = 0.0;
    let mut levels: Vec<f64> = Vec::with_capacity(ranks.len());
    for &rank in &ranks {
        sum += random.gamma((rank - before) as f64);
        before = rank;
        levels.push(sum);
    }
    let all = sum + random.gamma(1.0);
    levels.iter_mut().for_each(|level| *level /= all);
    let numbers: Vec<f64> = levels.iter().map(|&level| curve.quantile(level)).collect();
    let at_rank = |rank: i64| numbers[ranks.binary_search(&rank).expect("a rank that is known")];
    let bins = bins_of_quantiles(rows, at_rank);
    let (min, max) = (numbers[0], numbers[numbers.len() - 1]);
    let edges = doane(min, max, rows as f64, curve.skewness());
    let mut cuts: Vec<f64> = bins.edges().iter().chain(&edges[1..edges.len() - 1]).copied().collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    let below = rows_below(&cuts, curve, rows, &ranks, &levels, &numbers, random);
    let ends = below.iter().copied().chain([rows]);
    let counts: Vec<i64> = [0].into_iter().chain(below.iter().copied()).zip(ends).map(|(from, to)| to - from).collect();
    let bins = FeatureBins::Numeric(bins);
    let mut binned = binned(&bins, &cuts, &counts);
    binned[bins.bin_of(FeatureValue::Missing)] += missing;
    let (mean, std) = curve.moments();
    let moments = Moments { mean, std, min, max };
    Reference::new(feature(bins, binned, Some(moments)), Kept::Cells { cuts, counts, edges })
}

/// Rows below each of the ascending `cuts`: those known, and of those between two known ones a binomial share.
fn rows_below(
    cuts: &[f64],
    curve: Curve,
    rows: i64,
    ranks: &[i64],
    levels: &[f64],
    numbers: &[f64],
    random: &mut Random,
) -> Vec<i64> {
    // The last level up to which the rows below are known, and how many they are.
    let (mut known, mut level) = (0, 0.0);
    let mut below = |&cut: &f64| {
        let place = numbers.partition_point(|&number| number < cut);
        if place == 0 || place == numbers.len() {
            return if place == 0 { 0 } else { rows };
        }
        if levels[place - 1] >= level {
            (known, level) = (ranks[place - 1] + 1, levels[place - 1]);
        }
        let at = curve.cdf(cut).clamp(level, levels[place]);
        let open = ranks[place] - known;
        known += random.binomial(open, if open > 0 { (at - level) / (levels[place] - level) } else { 0.0 });
        level = at;
        known
    };
    cuts.iter().map(&mut below).collect()
}

/// Rows per bin of the profile from rows between cuts; a cell starts at a cut, and the lowest is below all.
pub fn binned(bins: &FeatureBins, cuts: &[f64], cells: &[i64]) -> Vec<i64> {
    let mut counts = vec![0; bins.len()];
    counts[0] += cells[0];
    for (&cut, &rows) in cuts.iter().zip(&cells[1..]) {
        counts[bins.bin_of(FeatureValue::Number(cut))] += rows;
    }
    counts
}
