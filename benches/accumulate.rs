//! What folding a labelled row costs, per task, and what merging, packing and unpacking a pane's cell costs.
//!
//! Rows are drawn from a fixed sequence, so that runs compare. Sorted scores walk through the bins in order, unsorted
//! ones jump; real traffic is in between.

mod draws;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use draws::draws;
use postdict::aggregate::{
    BinaryAccumulator, BinaryOutcome, Cell, ClassId, ExactSum, Linear, MulticlassAccumulator, MulticlassOutcome,
    QualityOutcome, RegressionAccumulator, RegressionOutcome, ScoreBins, Wire,
};
use std::hint::black_box;

const ROWS: usize = 10_000;

/// Doubles in (0, 1) with all their bits in use.
fn uniform() -> impl Iterator<Item = f64> {
    draws().map(|draw| (draw >> 11) as f64 / (1u64 << 53) as f64)
}

/// Scores and whether they came true, as a calibrated model has them.
fn binary_rows() -> Vec<BinaryOutcome> {
    let mut draws = uniform();
    let mut draw = || draws.next().unwrap_or_default();
    let mut row = || {
        let score = draw();
        BinaryOutcome { score: Some(score), predicted: score >= 0.5, actual: draw() < score }
    };
    (0..ROWS).map(|_| row()).collect()
}

fn sorted_by_score(mut rows: Vec<BinaryOutcome>) -> Vec<BinaryOutcome> {
    rows.sort_by(|a, b| a.score.partial_cmp(&b.score).expect("scores are numbers"));
    rows
}

fn sums(c: &mut Criterion) {
    let numbers: Vec<f64> = uniform().take(ROWS).collect();
    let mut group = c.benchmark_group("sum");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("add", |b| {
        let mut sum = ExactSum::default();
        b.iter(|| numbers.iter().for_each(|&x| sum.add(x)));
        black_box(sum.to_f64());
    });
    group.bench_function("add_product", |b| {
        let mut sum = ExactSum::default();
        b.iter(|| numbers.iter().for_each(|&x| sum.add_product(x, x, 1)));
        black_box(sum.to_f64());
    });
    group.bench_function("score_bin", |b| {
        b.iter(|| numbers.iter().map(|&x| u64::from(ScoreBins::bin_of(x))).sum::<u64>())
    });
    group.finish();
}

fn rows(c: &mut Criterion) {
    let mut group = c.benchmark_group("row");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, rows) in [("binary unsorted", binary_rows()), ("binary sorted", sorted_by_score(binary_rows()))] {
        group.bench_function(name, |b| {
            let mut accumulator = BinaryAccumulator::default();
            b.iter(|| rows.iter().for_each(|&row| accumulator.add(1, row)));
        });
    }
    group.bench_function("binary into a new pane", |b| {
        let rows = binary_rows();
        b.iter_batched_ref(
            BinaryAccumulator::default,
            |accumulator| rows.iter().for_each(|&row| accumulator.add(1, row)),
            BatchSize::SmallInput,
        );
    });

    let scores: Vec<[(ClassId, f64); 3]> = uniform()
        .zip(uniform().skip(ROWS))
        .take(ROWS)
        .map(|(a, b)| [(ClassId(0), a * b), (ClassId(1), a * (1.0 - b)), (ClassId(2), 1.0 - a)])
        .collect();
    group.bench_function("multiclass of three", |b| {
        let mut accumulator = MulticlassAccumulator::default();
        b.iter(|| {
            for (number, scores) in scores.iter().enumerate() {
                let (predicted, actual) = (ClassId((number % 3) as u16), ClassId((number % 2) as u16));
                accumulator.add(1, MulticlassOutcome { predicted, actual, scores });
            }
        });
    });

    let values: Vec<RegressionOutcome> = uniform()
        .zip(uniform().skip(ROWS))
        .take(ROWS)
        .map(|(a, b)| RegressionOutcome { predicted: 1000.0 * a, actual: 1000.0 * a + 100.0 * (b - 0.5) })
        .collect();
    let mut by_error = values.clone();
    by_error.sort_by(|a, b| (a.predicted - a.actual).total_cmp(&(b.predicted - b.actual)));
    for (name, values) in [("regression unsorted", values), ("regression sorted", by_error)] {
        group.bench_function(name, |b| {
            let mut accumulator = RegressionAccumulator::default();
            b.iter(|| values.iter().for_each(|&row| accumulator.add(1, row)));
        });
    }
    group.finish();
}

/// A cell of `rows` binary rows with their latencies and label delays.
fn cell(rows: usize) -> Cell {
    let mut cell = Cell::default();
    for (row, draw) in binary_rows().into_iter().zip(uniform()).take(rows) {
        cell.latency.add(5.0 + 20.0 * draw);
        cell.add_match(1, QualityOutcome::Binary(row), (draw * 1e7) as i64, 1_760_000_000_000);
    }
    cell
}

fn cells(c: &mut Criterion) {
    let mut group = c.benchmark_group("cell");
    for rows in [1, 100, ROWS] {
        let cell = cell(rows);
        group.bench_function(format!("merge {rows} rows"), |b| {
            let mut sum = cell.clone();
            b.iter(|| sum.merge(&cell));
        });
        let mut bytes = Vec::new();
        cell.encode(&mut bytes);
        group.bench_function(format!("encode {rows} rows, {} bytes", bytes.len()), |b| {
            let mut out = Vec::with_capacity(bytes.len());
            b.iter(|| {
                out.clear();
                cell.encode(&mut out);
            });
        });
        group.bench_function(format!("decode {rows} rows"), |b| b.iter(|| Cell::decode(&mut &bytes[..])));
    }
    let full = binary_rows().into_iter().fold(BinaryAccumulator::default(), |mut accumulator, row| {
        accumulator.add(1, row);
        accumulator
    });
    group.bench_function("negate", |b| b.iter_batched_ref(|| full.clone(), Linear::negate, BatchSize::SmallInput));
    group.finish();
}

criterion_group!(benches, sums, rows, cells);
criterion_main!(benches);
