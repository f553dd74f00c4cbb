//! What a value costs a detector of concept drift, what its state costs as bytes, and what sorting outcomes costs.
//!
//! The stream is zeros and ones with a share of ones that does not change, from a fixed sequence, so that runs compare.

mod draws;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use draws::draws;
use postdict::aggregate::Wire;
use postdict::drift::detectors::{Detector, DetectorKind, Order, Outcome, Sorter};
use std::hint::black_box;

const VALUES: usize = 100_000;

/// Zeros and ones; one in five is a one.
fn losses() -> Vec<f64> {
    draws().take(VALUES).map(|draw| f64::from(u8::from(draw.is_multiple_of(5)))).collect()
}

fn detector(kind: DetectorKind) -> Detector {
    Detector::try_new(kind.defaults()).expect("defaults are in range")
}

fn fed(kind: DetectorKind, losses: &[f64]) -> Detector {
    let mut detector = detector(kind);
    (0..).zip(losses).for_each(|(time, &loss)| {
        black_box(detector.update(loss, time));
    });
    detector
}

fn update(c: &mut Criterion) {
    let losses = losses();
    let mut group = c.benchmark_group("update");
    group.throughput(Throughput::Elements(VALUES as u64));
    for kind in DetectorKind::ALL {
        group.bench_function(kind.name(), |b| b.iter(|| fed(kind, &losses)));
    }
    group.finish();
}

fn state(c: &mut Criterion) {
    let losses = losses();
    let mut group = c.benchmark_group("state");
    for kind in DetectorKind::ALL {
        let detector = fed(kind, &losses);
        let mut bytes = Vec::new();
        detector.encode(&mut bytes);
        group.bench_function(format!("pack {} ({} bytes)", kind.name(), bytes.len()), |b| {
            b.iter(|| {
                bytes.clear();
                detector.encode(&mut bytes);
            });
        });
        group.bench_function(format!("unpack {}", kind.name()), |b| b.iter(|| Detector::decode(&mut &bytes[..])));
    }
    group.finish();
}

/// Outcomes that come up to 1,000 places out of order, released a thousand at a time.
fn sort(c: &mut Criterion) {
    let outcome = |(place, draw): (i64, u64)| Outcome {
        label_time: place + (draw % 1000) as i64,
        prediction_time: place,
        request_id: format!("request-{draw:016x}").into_bytes().into_boxed_slice(),
        loss: 1.0,
        source: 0,
    };
    let outcomes: Vec<Outcome> = (0..VALUES as i64).zip(draws()).map(outcome).collect();
    let mut group = c.benchmark_group("sort");
    group.throughput(Throughput::Elements(VALUES as u64));
    group.bench_function("outcomes", |b| {
        b.iter_batched(
            || outcomes.clone(),
            |outcomes| {
                let mut sorter = Sorter::new(Order::LabelTime, 100_000);
                for outcome in outcomes {
                    let place = outcome.prediction_time;
                    sorter.insert(outcome);
                    if place % 1000 == 0 {
                        sorter.release(place, |outcome| {
                            black_box(outcome);
                        });
                    }
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, update, state, sort);
criterion_main!(benches);
