//! A window of the newest values as an exponential histogram: what ADWIN decides by, and what every detector finds the
//! place of a change in.
//!
//! Values are summed up in buckets of 1, 2, 4 … values. Of each size there are at most `max_buckets`; one more, and the
//! two oldest become one of the next size. So a window of n values takes O(`max_buckets` · log n) memory, and the older
//! values are, the coarser the places where it can be cut.
//!
//! Sums of squared deviations follow Babcock, Datar, Motwani, O'Callaghan: Maintaining variance and k-medians over data
//! stream windows, PODS 2003. Operations and their order are River's, so that the bits are too.

use super::cut::{Cut, Part};
use crate::aggregate::wire::{
    Wire, WireError, put_double, put_signed, put_varint, take_double, take_length, take_signed,
};
use crate::event::Millis;
use smallvec::SmallVec;

/// Sizes of buckets that a state may have: windows of less than 2⁴⁸ values.
const SIZES_MAX: usize = 48;

/// Buckets of a size that can be configured; with it, the width of a decoded state does not overflow.
pub(super) const BUCKETS_MAX: usize = 64;

/// The newest values, summed up.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Window {
    /// Buckets of 2ⁱ values, oldest first. The last is not empty.
    sizes: Vec<Buckets>,
    width: u64,
    total: f64,
    deviation: f64,
}

type Buckets = SmallVec<[Bucket; 6]>;

/// Neighbouring values.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    total: f64,
    /// Sum of squared deviations from their mean.
    deviation: f64,
    /// Time of the first.
    began: Millis,
}

impl Window {
    /// How many values.
    pub(super) fn width(&self) -> u64 {
        self.width
    }

    /// Their mean; 0 of none.
    pub(super) fn mean(&self) -> f64 {
        if self.width == 0 { 0.0 } else { self.total / self.width as f64 }
    }

    /// Sum of their squared deviations from the mean.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Adds a value. `max_buckets` ≥ 2.
    pub(super) fn insert(&mut self, value: f64, time: Millis, max_buckets: usize) {
        self.width += 1;
        if self.width > 1 {
            let n = self.width as f64;
            let from_mean = value - self.total / (n - 1.0);
            self.deviation += (n - 1.0) * from_mean * from_mean / n;
        }
        self.total += value;
        self.push(0, Bucket { total: value, deviation: 0.0, began: time });
        self.merge(max_buckets);
    }

    fn push(&mut self, size: usize, bucket: Bucket) {
        if size == self.sizes.len() {
            self.sizes.push(Buckets::new());
        }
        self.sizes[size].push(bucket);
    }

    fn merge(&mut self, max_buckets: usize) {
        let mut size = 0;
        while size < self.sizes.len() && self.sizes[size].len() > max_buckets {
            let (first, second) = (self.sizes[size][0], self.sizes[size][1]);
            self.sizes[size].drain(..2);
            let n = (1u64 << size) as f64;
            let apart = first.total / n - second.total / n;
            let between = n * 0.5 * apart * apart;
            let (total, deviation) = (first.total + second.total, first.deviation + second.deviation + between);
            self.push(size + 1, Bucket { total, deviation, began: first.began });
            size += 1;
        }
    }

    /// Drops the oldest bucket. Another must be left.
    pub(super) fn drop_oldest(&mut self) {
        let Some(largest) = self.sizes.last_mut() else { return };
        let dropped = largest.remove(0);
        let nothing_left = largest.is_empty();
        let size = 1u64 << (self.sizes.len() - 1);
        if nothing_left {
            self.sizes.pop();
        }
        self.width -= size;
        self.total -= dropped.total;
        let (n, rest) = (size as f64, self.width as f64);
        let apart = dropped.total / n - self.total / rest;
        self.deviation -= dropped.deviation + n * rest * apart * apart / (n + rest);
    }

    /// True if [`Window::insert`] with `max_buckets` can have made it.
    pub(super) fn is_of(&self, max_buckets: usize) -> bool {
        self.sizes.iter().all(|buckets| (1..=max_buckets).contains(&buckets.len()))
    }

    /// All buckets with their sizes, oldest first.
    fn buckets(&self) -> impl Iterator<Item = (u64, &Bucket)> {
        self.sizes.iter().enumerate().rev().flat_map(|(size, buckets)| buckets.iter().map(move |b| (1u64 << size, b)))
    }

    /// All ways to cut it in two, the oldest first.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut> {
        let mut older = Part { width: 0, total: 0.0 };
        let mut newer = Part { width: self.width, total: self.total };
        self.buckets().zip(self.buckets().skip(1)).map(move |((size, bucket), (_, next))| {
            older = Part { width: older.width + size, total: older.total + bucket.total };
            newer = Part { width: newer.width - size, total: newer.total - bucket.total };
            Cut { older, newer, began: next.began }
        })
    }
}

/// Buckets, oldest first, with times as distances; then sums. The width follows from the buckets.
impl Wire for Window {
    fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.sizes.len() as u64);
        let mut previous: Millis = 0;
        for buckets in self.sizes.iter().rev() {
            put_varint(out, buckets.len() as u64);
            for bucket in buckets {
                put_double(out, bucket.total);
                put_double(out, bucket.deviation);
                put_signed(out, bucket.began.wrapping_sub(previous));
                previous = bucket.began;
            }
        }
        put_double(out, self.total);
        put_double(out, self.deviation);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let sizes = take_length(input)?;
        if sizes > SIZES_MAX {
            return Err(WireError::Malformed("a window is too wide"));
        }
        let mut window = Window { sizes: vec![Buckets::new(); sizes], ..Window::default() };
        let mut previous: Millis = 0;
        for size in (0..sizes).rev() {
            let buckets = take_length(input)?;
            if buckets > BUCKETS_MAX {
                return Err(WireError::Malformed("too many buckets"));
            }
            for _ in 0..buckets {
                let (total, deviation) = (take_double(input)?, take_double(input)?);
                previous = previous.wrapping_add(take_signed(input)?);
                window.sizes[size].push(Bucket { total, deviation, began: previous });
                window.width += 1 << size;
            }
        }
        window.total = take_double(input)?;
        window.deviation = take_double(input)?;
        Ok(window)
    }
}
