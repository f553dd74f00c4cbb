//! Outcomes leave in one order, whatever the way in which they came.

use super::order::*;
use crate::aggregate::wire::Wire;
use proptest::prelude::*;

/// Few values of each field, so that ties are common.
fn outcome() -> impl Strategy<Value = Outcome> {
    let id = prop::collection::vec(0..3u8, 0..3).prop_map(Vec::into_boxed_slice);
    (0..40i64, 0..8i64, id, prop_oneof![Just(0.0), Just(1.0), Just(-0.0)]).prop_map(|(time, before, id, loss)| {
        let source = id.len() as u32;
        Outcome { label_time: time, prediction_time: time - before, request_id: id, loss, source }
    })
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::LabelTime), Just(Order::PredictionTime)]
}

fn time(outcome: &Outcome, order: Order) -> i64 {
    match order {
        Order::LabelTime => outcome.label_time,
        Order::PredictionTime => outcome.prediction_time,
    }
}

/// Sorted by the definition, written down again.
fn sorted(mut outcomes: Vec<Outcome>, order: Order) -> Vec<Outcome> {
    outcomes.sort_by(|a, b| {
        let ids = a.request_id.cmp(&b.request_id);
        let by = match order {
            Order::LabelTime => {
                a.label_time.cmp(&b.label_time).then(a.prediction_time.cmp(&b.prediction_time)).then(ids)
            }
            Order::PredictionTime => {
                a.prediction_time.cmp(&b.prediction_time).then(ids).then(a.label_time.cmp(&b.label_time))
            }
        };
        by.then(a.loss.to_bits().cmp(&b.loss.to_bits()))
    });
    outcomes
}

/// Bits, because −0 and 0 are equal but not the same.
fn bits(outcomes: &[Outcome]) -> Vec<(i64, i64, &[u8], u64)> {
    let bits = |o: &Outcome| (o.label_time, o.prediction_time, o.loss.to_bits());
    outcomes.iter().map(|o| (bits(o).0, bits(o).1, &*o.request_id, bits(o).2)).collect()
}

fn restored(sorter: &Sorter) -> Sorter {
    let mut bytes = Vec::new();
    sorter.encode(&mut bytes);
    let mut input = &bytes[..];
    let restored = Sorter::decode(&mut input).unwrap();
    assert!(input.is_empty());
    restored
}

proptest! {
    /// Outcomes in partitions, each read at its own speed; after each batch the watermark is the least time that any
    /// partition can still bring.
    #[test]
    fn any_partitioning_and_interleaving_gives_the_same(
        outcomes in prop::collection::vec((outcome(), 0..8usize), 0..120),
        order in order(),
        partitions in 1..=8usize,
        turns in prop::collection::vec((0..8usize, 1..9usize), 0..200),
        every in 1..20usize,
    ) {
        let mut inputs = vec![Vec::new(); partitions];
        for (outcome, place) in &outcomes {
            inputs[place % partitions].push(outcome.clone());
        }
        let mut read = vec![0; partitions];
        let mut sorter = Sorter::new(order, 1000);
        let mut released = Vec::new();
        let rest = (0..partitions).map(|partition| (partition, outcomes.len().max(1)));
        for (turn, (partition, batch)) in turns.into_iter().chain(rest).enumerate() {
            let partition = partition % partitions;
            let input = &inputs[partition];
            let end = (read[partition] + batch).min(input.len());
            input[read[partition]..end].iter().for_each(|outcome| sorter.insert(outcome.clone()));
            read[partition] = end;
            let unread = (0..partitions).flat_map(|p| &inputs[p][read[p]..]);
            let watermark = unread.map(|outcome| time(outcome, order)).min().unwrap_or(i64::MAX);
            sorter.release(watermark, |outcome| released.push(outcome));
            if turn.is_multiple_of(every) {
                sorter = restored(&sorter);
            }
        }
        let all = sorted(outcomes.into_iter().map(|(outcome, _)| outcome).collect(), order);
        prop_assert_eq!(bits(&released), bits(&all));
        prop_assert_eq!((sorter.late(), sorter.dropped(), sorter.waiting()), (0, 0, 0));
    }

    /// With the same moves of the watermark: whatever is late, whatever is dropped, each is counted, and the order in
    /// which they came between two moves does not show.
    #[test]
    fn late_and_dropped_are_counted_and_order_does_not_show(
        batches in prop::collection::vec((prop::collection::vec(outcome(), 0..30), 0..45i64), 0..8),
        order in order(),
        capacity in 1..20u32,
    ) {
        let (mut one, mut other) = (Sorter::new(order, capacity), Sorter::new(order, capacity));
        let (mut of_one, mut of_other, mut came) = (Vec::new(), Vec::new(), 0);
        for (batch, watermark) in batches {
            came += batch.len() as u64;
            batch.iter().for_each(|outcome| one.insert(outcome.clone()));
            sorted(batch, order).into_iter().rev().for_each(|outcome| other.insert(outcome));
            prop_assert!(one.waiting() <= u64::from(capacity));
            one.release(watermark, |outcome| of_one.push(outcome));
            other.release(watermark, |outcome| of_other.push(outcome));
            prop_assert_eq!(restored(&one), other.clone());
        }
        prop_assert_eq!(bits(&of_one), bits(&of_other));
        let in_order = sorted(of_one.clone(), order);
        prop_assert_eq!(bits(&of_one), bits(&in_order));
        prop_assert_eq!(came, of_one.len() as u64 + one.late() + one.dropped() + one.waiting());
    }

    #[test]
    fn damaged_bytes_do_no_harm(
        outcomes in prop::collection::vec(outcome(), 0..20),
        order in order(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut sorter = Sorter::new(order, 15);
        outcomes.into_iter().for_each(|outcome| sorter.insert(outcome));
        sorter.release(10, |_| {});
        let mut bytes = Vec::new();
        sorter.encode(&mut bytes);
        for cut in 0..bytes.len() {
            prop_assert!(Sorter::decode(&mut &bytes[..cut]).is_err(), "cut at {}", cut);
        }
        let place = at.index(bytes.len());
        bytes[place] = byte;
        let mut input = &bytes[..];
        if let Ok(mut sorter) = Sorter::decode(&mut input) {
            let mut again = Vec::new();
            sorter.encode(&mut again);
            prop_assert_eq!(&again[..], &bytes[..bytes.len() - input.len()]);
            sorter.release(i64::MAX, |_| {});
        }
    }
}

#[test]
fn times_at_the_watermark_wait() {
    let at =
        |time| Outcome { label_time: time, prediction_time: 0, request_id: Box::from(*b"a"), loss: 1.0, source: 0 };
    let mut sorter = Sorter::new(Order::LabelTime, 10);
    sorter.insert(at(5));
    sorter.insert(at(6));
    let mut released = Vec::new();
    sorter.release(6, |outcome| released.push(outcome.label_time));
    assert_eq!(released, [5]);
    sorter.insert(at(5));
    sorter.insert(at(6));
    assert_eq!((sorter.late(), sorter.waiting()), (1, 2));
    // A watermark does not go back.
    sorter.release(2, |outcome| released.push(outcome.label_time));
    sorter.insert(at(5));
    sorter.release(7, |outcome| released.push(outcome.label_time));
    assert_eq!(released, [5, 6, 6]);
    assert_eq!(sorter.late(), 2);
}

#[test]
fn the_furthest_ahead_is_dropped() {
    let mut sorter = Sorter::new(Order::PredictionTime, 2);
    for time in [3, 9, 1, 7] {
        let (label_time, prediction_time) = (100 - time, time);
        sorter.insert(Outcome { label_time, prediction_time, request_id: Box::default(), loss: 0.0, source: 3 });
    }
    let mut released = Vec::new();
    sorter.release(i64::MAX, |outcome| released.push(outcome.prediction_time));
    assert_eq!((released, sorter.dropped()), (vec![1, 3], 2));
}
