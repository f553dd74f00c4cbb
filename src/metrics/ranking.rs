//! How well scores rank positives above negatives: ROC AUC, average precision and the Kolmogorov-Smirnov statistic, from
//! counts per score bin, each with a rigorous bound of what the order inside the bins can change.
//!
//! Rows of different bins are ordered by their bins, exactly. Inside a bin anything is possible, ties included, except
//! in the two bins of exactly 0 and exactly 1, whose rows are tied. Each statistic is computed as if every bin were one
//! tie; its bound is the distance to the best and the worst order, which can both happen:
//!
//! * *ROC AUC*: a pair inside a bin counts half and could count 0 or 1, so the bound is Σ pos·neg / (2·P·N).
//! * *Average precision*, from high scores to low, with T positives and F negatives above the bin of p and q. A positive
//!   has precision (T + a) / (T + F + a + b), a ≤ p and b ≤ q being those at or above it inside the bin. Best is a = p,
//!   b = 0 for all: the positives first, tied. Worst is a = k, b = q for the k-th of them: all negatives first, then the
//!   positives one by one, Σ (T + k) / (T + k + D) with D = F + q, which is p − D·Σ 1/(T + D + k). As 1/x is convex, that
//!   sum is at most ln((m + p + ½) / (m + ½)) with m = T + D: no loop over rows.
//! * *KS*: the difference of the shares passed so far is exact at the edges of bins; inside, it reaches at most what it
//!   reaches with all positives or all negatives of the bin first.

use super::Undefined;
use super::interval::{self, Interval};
use crate::aggregate::bins::SCORE_BINS;
use crate::aggregate::{ScoreBins, ratio_to_f64};

/// The bin of exactly 1; that of exactly 0 is the first.
const LAST_BIN: u16 = SCORE_BINS as u16 - 1;

/// A statistic, its sampling interval (widened by the bound) and the bound of binning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub value: f64,
    pub interval: Option<Interval>,
    pub error_bound: f64,
}

/// Positives and negatives per occupied bin, from low scores to high.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranking {
    bins: Vec<Bin>,
    positives: i64,
    negatives: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bin {
    /// All rows of the bin have the same score.
    tied: bool,
    positives: i64,
    negatives: i64,
}

impl Ranking {
    /// Merges the two lists of bins.
    pub fn new(positives: &ScoreBins, negatives: &ScoreBins) -> Ranking {
        let (mut left, mut right) = (positives.iter().peekable(), negatives.iter().peekable());
        let mut ranking = Ranking { bins: Vec::new(), positives: 0, negatives: 0 };
        while let Some(bin) = [left.peek(), right.peek()].into_iter().flatten().map(|&(bin, _)| bin).min() {
            let take =
                |of: &mut std::iter::Peekable<_>| of.next_if(|&(next, _)| next == bin).map_or(0, |(_, rows)| rows);
            let (positives, negatives) = (take(&mut left), take(&mut right));
            ranking.bins.push(Bin { tied: bin == 0 || bin == LAST_BIN, positives, negatives });
            ranking.positives += positives;
            ranking.negatives += negatives;
        }
        ranking
    }

    /// Scored rows.
    pub fn rows(&self) -> i64 {
        self.positives + self.negatives
    }

    /// Why there is nothing to rank, if so.
    fn comparable(&self) -> Result<(), Undefined> {
        match (self.positives, self.negatives) {
            (0, 0) => Err(Undefined::NoScores),
            (0, _) | (_, 0) => Err(Undefined::SingleClass),
            _ => Ok(()),
        }
    }

    /// P·N, below 2¹²⁶.
    fn pairs(&self) -> i128 {
        i128::from(self.positives) * i128::from(self.negatives)
    }

    /// Area under the ROC curve, ties half.
    pub fn roc_auc(&self) -> Result<Estimate, Undefined> {
        self.comparable()?;
        let value = ratio_to_f64(&self.twice_ordered_pairs().into(), &(2 * self.pairs()).into());
        let error_bound = self.roc_auc_bound();
        let interval = self.delong(value).map(|interval| interval.widened(error_bound).clipped(0.0, 1.0));
        Ok(Estimate { value, interval, error_bound })
    }

    /// 2·AUC − 1.
    pub fn gini(&self) -> Result<Estimate, Undefined> {
        let auc = self.roc_auc()?;
        let value = ratio_to_f64(&(self.twice_ordered_pairs() - self.pairs()).into(), &self.pairs().into());
        let interval = auc.interval.map(|interval| interval.map(|auc| 2.0 * auc - 1.0));
        Ok(Estimate { value, interval, error_bound: 2.0 * auc.error_bound })
    }

    /// Pairs in the right order, twice, plus tied pairs, once; below 2¹²⁷.
    fn twice_ordered_pairs(&self) -> i128 {
        let (mut ordered, mut below) = (0, 0);
        for bin in &self.bins {
            ordered += i128::from(bin.positives) * (2 * below + i128::from(bin.negatives));
            below += i128::from(bin.negatives);
        }
        ordered
    }

    fn roc_auc_bound(&self) -> f64 {
        let undecided: i128 = self.untied().map(|bin| i128::from(bin.positives) * i128::from(bin.negatives)).sum();
        rounded_up(undecided as f64 / (2.0 * self.pairs() as f64))
    }

    fn untied(&self) -> impl Iterator<Item = &Bin> {
        self.bins.iter().filter(|bin| !bin.tied)
    }

    /// DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988): how much the share of rows of the other class that a
    /// row beats varies among the rows of its class. `None` below two rows of either class.
    fn delong(&self, auc: f64) -> Option<Interval> {
        if self.positives < 2 || self.negatives < 2 {
            return None;
        }
        let (positives, negatives) = (self.positives as f64, self.negatives as f64);
        let (mut positives_below, mut negatives_below) = (0.0, 0.0);
        let (mut of_positives, mut of_negatives) = (0.0, 0.0);
        for bin in &self.bins {
            let (p, q) = (bin.positives as f64, bin.negatives as f64);
            let beaten = (negatives_below + q / 2.0) / negatives - auc;
            let beating = (positives - positives_below - p / 2.0) / positives - auc;
            of_positives += p * beaten * beaten;
            of_negatives += q * beating * beating;
            positives_below += p;
            negatives_below += q;
        }
        let variance = of_positives / (positives - 1.0) / positives + of_negatives / (negatives - 1.0) / negatives;
        interval::normal(auc, variance)
    }

    /// Average precision: Σ over distinct scores of (growth of recall) · precision; 1 where no row is negative.
    pub fn average_precision(&self) -> Result<Estimate, Undefined> {
        match (self.positives, self.negatives) {
            (0, 0) => return Err(Undefined::NoScores),
            (0, _) => return Err(Undefined::SingleClass),
            _ => {}
        }
        let (mut value, mut worst, mut best) = (0.0, 0.0, 0.0);
        let (mut above_positives, mut above_negatives) = (0.0, 0.0);
        for bin in self.bins.iter().rev() {
            let (p, q) = (bin.positives as f64, bin.negatives as f64);
            let passed = above_positives + p;
            if p > 0.0 {
                let as_one_tie = p * (passed / (passed + above_negatives + q));
                value += as_one_tie;
                if bin.tied {
                    worst += as_one_tie;
                    best += as_one_tie;
                } else {
                    let negatives = above_negatives + q;
                    worst += p - negatives * libm::log1p(p / (above_positives + negatives + 0.5));
                    best += p * (passed / (passed + above_negatives));
                }
            }
            above_positives = passed;
            above_negatives += q;
        }
        let positives = self.positives as f64;
        let value = (value / positives).min(1.0);
        // Every term is at most p and carries a handful of roundings, every addition one more.
        let rounding = (self.bins.len() + 16) as f64 * f64::EPSILON;
        let error_bound = (best / positives - value).max(value - worst / positives).max(0.0) + rounding;
        let interval = interval::logit(value, self.positives);
        let interval = interval.map(|interval| interval.widened(error_bound).clipped(0.0, 1.0));
        Ok(Estimate { value, interval, error_bound })
    }

    /// Largest distance between the shares of positives and negatives at or below a score.
    pub fn kolmogorov_smirnov(&self) -> Result<Estimate, Undefined> {
        self.comparable()?;
        let (p_total, q_total) = (i128::from(self.positives), i128::from(self.negatives));
        // Distances are kept times P·N, as integers.
        let (mut distance, mut at_edges, mut anywhere) = (0i128, 0i128, 0i128);
        for bin in &self.bins {
            let (rise, fall) = (i128::from(bin.positives) * q_total, i128::from(bin.negatives) * p_total);
            if !bin.tied {
                anywhere = anywhere.max((distance + rise).abs()).max((distance - fall).abs());
            }
            distance += rise - fall;
            at_edges = at_edges.max(distance.abs());
        }
        let value = ratio_to_f64(&at_edges.into(), &self.pairs().into());
        let error_bound = rounded_up((anywhere - at_edges).max(0) as f64 / self.pairs() as f64);
        let half_width = interval::dkw_half_width(self.positives, self.negatives) + error_bound;
        let interval = Interval::around(value, half_width).map(|interval| interval.clipped(0.0, 1.0));
        Ok(Estimate { value, interval, error_bound })
    }
}

/// A bound computed with three roundings at most, moved to the safe side of them; 0 stays 0.
fn rounded_up(bound: f64) -> f64 {
    bound * (1.0 + 4.0 * f64::EPSILON)
}

#[cfg(test)]
#[path = "ranking_tests.rs"]
mod tests;
