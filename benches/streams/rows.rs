//! Predictions and labels of a simulated stream, window by window.

use super::{Course, HOUR, REFERENCE_WINDOWS, Stream};
use postdict::event::TaskKind;
use std::f64::consts::TAU;

/// 2025-01-01, the start of the reference.
const START: i64 = 1_735_689_600_000;
/// Features: two that move with the time of day, three that do not, and a category.
pub const FEATURES: usize = 6;
/// Values of the category.
pub const CATEGORIES: usize = 5;

/// One prediction and what became of it.
#[derive(Debug, Clone)]
pub struct Row {
    pub number: u64,
    pub time: i64,
    /// Probability of the positive class, or the predicted number.
    pub output: f64,
    /// Predicted class of three, where there are.
    pub class: usize,
    pub features: [f64; FEATURES],
    /// Class or number that came true.
    pub label: f64,
    pub label_time: i64,
}

/// A sequence of draws (SplitMix64).
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }

    /// Of 1,000 and more, as a rounded normal value.
    fn poisson(&mut self, mean: f64) -> usize {
        if mean > 1_000.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as usize;
        }
        let (mut count, mut left) = (0, mean);
        loop {
            left += self.uniform().ln();
            if left < 0.0 {
                return count;
            }
            count += 1;
        }
    }
}

/// Windows one after the other, the reference's first.
pub struct Rows {
    stream: Stream,
    draws: Draws,
    next: usize,
    number: u64,
    wander: f64,
}

impl Rows {
    /// From the reference's first window on.
    pub fn new(stream: Stream) -> Rows {
        Rows { stream, draws: Draws(stream.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), next: 0, number: 0, wander: 0.0 }
    }

    /// The next window.
    pub fn window(&mut self) -> Vec<Row> {
        let window = self.next;
        self.next += 1;
        let hour = window % 24;
        let phase = TAU * hour as f64 / 24.0;
        let Stream { course, harm, moved, .. } = self.stream;
        let is_daily = course != Course::Even;
        let is_night = course == Course::Nightly && (2..5).contains(&hour);
        // From 2/7 of the mean at night to 12/7 by day.
        let volume = if is_daily { (1.0 - phase.cos() * 5.0 / 7.0) * if is_night { 3.0 } else { 1.0 } } else { 1.0 };
        self.wander = 0.9 * self.wander + (1.0 - 0.81_f64).sqrt() * self.draws.normal();
        let is_harmed = window >= self.stream.harmed_from.saturating_add(REFERENCE_WINDOWS);
        let mut hard = 0.1;
        hard += if is_daily { 0.04 * phase.sin() } else { 0.0 };
        hard += if is_night { 0.2 } else { 0.0 };
        hard += if course == Course::Wandering { 0.03 * self.wander } else { 0.0 };
        hard += if is_harmed { harm } else { 0.0 };
        let shift = if is_daily { phase.sin() } else { 0.0 };
        let moved = if is_harmed { moved } else { 0.0 };
        let count = self.draws.poisson(self.stream.rows * volume);
        (0..count).map(|place| self.row(window, (place, count), hard.max(0.0), shift, moved)).collect()
    }

    fn row(&mut self, window: usize, (place, count): (usize, usize), hard: f64, shift: f64, moved: f64) -> Row {
        let draws = &mut self.draws;
        let mut features = [0.0; FEATURES];
        for (number, feature) in features.iter_mut().enumerate().take(FEATURES - 1) {
            *feature = draws.normal() + moved + if number < 2 { 0.6 * shift } else { 0.0 };
        }
        features[FEATURES - 1] = (draws.uniform() * draws.uniform() * CATEGORIES as f64).floor();
        let is_by_chance = draws.uniform() < hard;
        let (output, class, label) = match self.stream.task {
            TaskKind::Binary => {
                let logit = -0.8 + 0.5 * shift + 2.2 * draws.normal();
                let score = 1.0 / (1.0 + (-logit).exp());
                let chance = if is_by_chance { 0.4 } else { score };
                (score, 0, f64::from(draws.uniform() < chance))
            }
            TaskKind::Multiclass => {
                let class = (3.0 * draws.uniform() * (0.9 + 0.1 * draws.uniform())) as usize;
                let is_wrong = draws.uniform() < if is_by_chance { 2.0 / 3.0 } else { 0.12 };
                let other = (class + 1 + usize::from(draws.uniform() < 0.5)) % 3;
                (0.0, class, if is_wrong { other } else { class } as f64)
            }
            TaskKind::Regression => {
                let predicted = 30.0 + 10.0 * shift + 12.0 * draws.normal();
                let spread = (0.6 * draws.normal()).exp() * if is_by_chance { 2.5 } else { 1.0 };
                (predicted, 0, predicted + 4.0 * spread * draws.normal())
            }
        };
        let time = START + window as i64 * HOUR + place as i64 * HOUR / count as i64;
        let delay = -draws.uniform().ln() * self.stream.delay_hours * HOUR as f64;
        self.number += 1;
        Row { number: self.number, time, output, class, features, label, label_time: time + 1 + delay as i64 }
    }
}
