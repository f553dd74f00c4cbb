//! The order in which detectors read: outcomes come from several partitions in any order, wait in a [`Sorter`] until the
//! watermark has passed them, and leave sorted.
//!
//! So what leaves does not depend on how outcomes were partitioned, interleaved or batched, as long as the watermark keeps
//! its promise. An outcome whose time the watermark has already passed is *late*: the detectors have gone on without it,
//! so it is skipped and counted.
//!
//! A sorter holds a limited number of outcomes. Of more, those that are *furthest ahead* are dropped and counted: what
//! waits is always the first of all that came since the watermark last moved, in whatever order they came, so what leaves
//! next has no gaps that the watermark has passed. (Dropping the newest to arrive would make the result depend on the
//! interleaving; releasing the first before their time would make the partition that is behind late, and drop all that
//! it has.) What is dropped still depends on how often the watermark moves: the limit is a limit of what is promised, not
//! a setting to tune.

use super::bytes::{take_count, take_u32};
use crate::aggregate::wire::{
    Wire, WireError, put_signed, put_varint, take_byte, take_bytes, take_length, take_signed, take_varint,
};
use crate::event::Millis;
pub use crate::event::detectors::OutcomeOrder as Order;
use std::collections::BTreeMap;

/// A prediction that has met its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// When the label became known.
    pub label_time: Millis,
    /// When the prediction was made.
    pub prediction_time: Millis,
    /// Request id, as bytes.
    pub request_id: Box<[u8]>,
    /// How wrong the prediction was.
    pub loss: f64,
    /// Whose it is, by a number that the sorter gives back. It says nothing of the order: outcomes that are equal in all
    /// above come in any.
    pub source: u32,
}

/// An outcome with its fields in the order in which they are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// The time that the watermark is about.
    time: Millis,
    /// Prediction time, where outcomes are ordered by label time.
    then: Millis,
    request_id: Box<[u8]>,
    /// Label time, where outcomes are ordered by prediction time.
    last: Millis,
    /// Bits of the loss.
    loss: u64,
    source: u32,
}

/// Outcomes that wait for the watermark.
#[derive(Debug, Clone, PartialEq)]
pub struct Sorter {
    order: Order,
    capacity: u64,
    /// With how often each came; almost always once.
    waiting: BTreeMap<Rank, u64>,
    waiting_count: u64,
    /// Times before it have been released.
    watermark: Millis,
    late: u64,
    dropped: u64,
}

impl Rank {
    fn of(outcome: Outcome, order: Order) -> Rank {
        let Outcome { label_time, prediction_time, request_id, loss, source } = outcome;
        let loss = loss.to_bits();
        match order {
            Order::LabelTime => Rank { time: label_time, then: prediction_time, request_id, last: 0, loss, source },
            Order::PredictionTime => {
                Rank { time: prediction_time, then: 0, request_id, last: label_time, loss, source }
            }
        }
    }

    fn outcome(self, order: Order) -> Outcome {
        let Rank { time, then, request_id, last, loss, source } = self;
        let (label_time, prediction_time) = match order {
            Order::LabelTime => (time, then),
            Order::PredictionTime => (last, time),
        };
        Outcome { label_time, prediction_time, request_id, loss: f64::from_bits(loss), source }
    }
}

impl Sorter {
    /// A sorter that holds at most `capacity` outcomes, and at least one.
    pub fn new(order: Order, capacity: u32) -> Sorter {
        let capacity = u64::from(capacity.max(1));
        let waiting = BTreeMap::new();
        Sorter { order, capacity, waiting, waiting_count: 0, watermark: Millis::MIN, late: 0, dropped: 0 }
    }

    /// Takes an outcome, unless it is late. Where there is no room, the one that is furthest ahead goes.
    pub fn insert(&mut self, outcome: Outcome) {
        let rank = Rank::of(outcome, self.order);
        if rank.time < self.watermark {
            self.late += 1;
            return;
        }
        *self.waiting.entry(rank).or_default() += 1;
        self.waiting_count += 1;
        if self.waiting_count > self.capacity {
            self.drop_furthest();
        }
    }

    fn drop_furthest(&mut self) {
        let Some(mut furthest) = self.waiting.last_entry() else { return };
        *furthest.get_mut() -= 1;
        if *furthest.get() == 0 {
            furthest.remove();
        }
        self.waiting_count -= 1;
        self.dropped += 1;
    }

    /// Gives `each` the outcomes whose time (by which they are ordered) is before `watermark`, in their order. From now on
    /// such an outcome is late. A watermark that is behind an earlier one does nothing.
    pub fn release(&mut self, watermark: Millis, mut each: impl FnMut(Outcome)) {
        self.watermark = self.watermark.max(watermark);
        while let Some(first) = self.waiting.first_entry()
            && first.key().time < self.watermark
        {
            let (rank, times) = first.remove_entry();
            self.waiting_count -= times;
            let outcome = rank.outcome(self.order);
            (1..times).for_each(|_| each(outcome.clone()));
            each(outcome);
        }
    }

    /// By what it sorts.
    pub fn order(&self) -> Order {
        self.order
    }

    /// How many outcomes wait.
    pub fn waiting(&self) -> u64 {
        self.waiting_count
    }

    /// How many came too late.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// How many there was no room for.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Order, capacity, watermark and counts; then what waits, in order, times as distances.
impl Wire for Sorter {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.order as u8);
        put_varint(out, self.capacity);
        put_signed(out, self.watermark);
        put_varint(out, self.late);
        put_varint(out, self.dropped);
        put_varint(out, self.waiting.len() as u64);
        let mut previous = self.watermark;
        for (rank, &times) in &self.waiting {
            put_varint(out, rank.time.wrapping_sub(previous) as u64);
            previous = rank.time;
            put_varint(out, times);
            let other = if self.order == Order::LabelTime { rank.then } else { rank.last };
            put_signed(out, rank.time.wrapping_sub(other));
            put_varint(out, rank.request_id.len() as u64);
            out.extend_from_slice(&rank.request_id);
            // Bits at the end of a fraction are often zero; turned round they need no bytes.
            put_varint(out, rank.loss.swap_bytes());
            put_varint(out, u64::from(rank.source));
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let order = match take_byte(input)? {
            0 => Order::LabelTime,
            1 => Order::PredictionTime,
            _ => return Err(WireError::Malformed("an unknown order")),
        };
        let capacity =
            u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a capacity is too large"))?;
        if capacity == 0 {
            return Err(WireError::Malformed("no capacity"));
        }
        let watermark = take_signed(input)?;
        let (late, dropped) = (take_count(input)?, take_count(input)?);
        let mut sorter = Sorter { watermark, late, dropped, ..Sorter::new(order, capacity) };
        let mut previous = watermark;
        for _ in 0..take_length(input)? {
            let (rank, times) = take_rank(input, order, previous)?;
            previous = rank.time;
            sorter.waiting_count += times;
            let in_order = sorter.waiting.last_key_value().is_none_or(|(last, _)| *last < rank);
            if !in_order || sorter.waiting_count > sorter.capacity {
                return Err(WireError::Malformed("outcomes that no sorter holds"));
            }
            sorter.waiting.insert(rank, times);
        }
        Ok(sorter)
    }
}

/// Reads an outcome that waits, and how often it came. `previous` is the time of the one before.
fn take_rank(input: &mut &[u8], order: Order, previous: Millis) -> Result<(Rank, u64), WireError> {
    let distance = take_varint(input)?;
    let time = previous.checked_add_unsigned(distance).ok_or(WireError::Malformed("a time is too large"))?;
    let times = take_count(input)?;
    if times == 0 {
        return Err(WireError::Malformed("an outcome that never came"));
    }
    let other = time.wrapping_sub(take_signed(input)?);
    let length = take_length(input)?;
    let request_id = Box::from(take_bytes(input, length)?);
    let loss = take_varint(input)?.swap_bytes();
    let source = take_u32(input)?;
    let (then, last) = if order == Order::LabelTime { (other, 0) } else { (0, other) };
    Ok((Rank { time, then, request_id, last, loss, source }, times))
}
