//! The interval in which a further value of a history was to be expected, and whether one lies in it.
//!
//! From n windows with median m and scale Qn = q (see `spread`), a value is bad that is further from m than
//!
//! ```text
//! t(α, ν) · √(max(q², τ² + e²) + max(q², s²) · π / 2n)      or than `least`, if that is more
//! ```
//!
//! * s² is what sampling alone does to the windows of the history: the median of (half interval / 1.96)². τ² = max(0, q² − s²)
//!   is the rest: by how much the process itself moves. e² is this window's own sampling variance, from the half of its interval
//!   that looks to m. So a window of few rows is given more room than those before it had, and none less than chance alone
//!   takes. Without intervals s and e are 0.
//! * π / 2n is the variance of a median.
//! * t(α, ν) is a quantile of Student's distribution, which has the tails that a prediction from few windows has (for mean and
//!   standard deviation: Whitmore, "Prediction limits for a univariate normal observation", American Statistician 40, 1986;
//!   for robust estimates: Horn, Britton and Lewis, "On the prediction of a single future observation from a possibly noisy
//!   sample", The Statistician 37, 1988). Of normal values ν = 0.85 · 2⌊n/2⌋ − 2 is right for m and q, by simulation of n from 4
//!   to 100 and α from 5 % to 0.1 %. But processes have heavier tails than normal values, which so few windows cannot show:
//!   those of Student's distribution with 5 degrees are allowed for by adding r⁴ / 7² to 1/ν², where r is τ²'s
//!   share of the variance. Sampling error has no such tails.
//! * As far as e² makes the variance larger than q², it is known, not estimated, and ν grows by the square of that
//!   (Satterthwaite 1946), to at most 100.
//!
//! Where half of the windows have the same value, q is 0. Then what more than a quarter of the windows had, at either side, was
//! to be expected as well.
//!
//! # False alarms and power
//!
//! Simulated, % of windows without change that are found, for α = 1 % and 0.1 %:
//!
//! | | 8 windows | 14 | 28 |
//! | --- | --- | --- | --- |
//! | normal | 0.57, 0.035 | 0.38, 0.014 | 0.18, 0.001 |
//! | Student's, 5 degrees | 1.2, 0.13 | 1.3, 0.21 | 1.3, 0.20 |
//! | a rate of 80 %, 50 to 400 rows | 0.16, 0.009 | 0.24, 0.013 | 0.33, 0.018 |
//! | a rate of 98 %, 50 to 400 rows | 0.15, 0.002 | 0.22, 0.005 | 0.27, 0.005 |
//! | a rate around 80 ± 3 %, 200 rows | 0.84, 0.15 | 0.92, 0.13 | 1.1, 0.19 |
//! | a rate around 80 ± 3 %, 400 rows, now 40 | 0.76, 0.057 | 0.75, 0.057 | 0.79, 0.061 |
//!
//! % of normal windows that are found, moved by so many standard deviations:
//!
//! | | 8 windows | 14 | 28 |
//! | --- | --- | --- | --- |
//! | 5 σ | 50, 9 | 76, 22 | 87, 30 |
//! | 6 σ | 68, 16 | 91, 40 | 98, 58 |
//! | 8 σ | 92, 34 | 100, 78 | 100, 95 |
//!
//! A rate of 80 % in 400 rows that falls by so many of its sampling errors, at α = 0.1 %: by 5, 31, 55 and 75 %; by 6, 46, 77
//! and 92 %; by 8, 74, 97 and 100 %.
//!
//! With 1 of 8, 2 of 14 or 3 of 28 windows far off, the interval is 1.4, 1.4 and 1.2 times as wide.
//!
//! Nothing finds 5 σ nearly always at α = 0.1 % from 14 windows: the best there is for normal values, mean and standard
//! deviation, finds 68 %. Windows that depend on each other (trends, windows that overlap) are not what this is made for: a
//! season as the history, or a fixed limit, is.

use super::baseline::{self, ON_STACK};
use super::finite;
use super::spread::{median, median_of, qn};
use super::student::upper_quantile;
use crate::alert::{Earlier, Judgement, Point, Verdict};
use crate::event::Millis;
use crate::event::alert::{Baseline, BySeverity, Limits, Side};
use smallvec::SmallVec;
use std::f64::consts::FRAC_PI_2;

/// Φ⁻¹(0.975): half of a 95 % interval in standard errors.
const Z: f64 = 1.959_963_984_540_054;

/// What ν of many windows tends to.
const HEAVY_TAILS: f64 = 7.0;
/// More degrees of freedom make no difference.
const MOST_FREEDOM: f64 = 100.0;
/// A quarter of the windows at either side may be outliers, where the scale is 0.
const OUTLIERS: usize = 4;

/// What a history lets expect of a further value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expected {
    /// Windows.
    n: f64,
    /// Their median.
    centre: f64,
    /// Least and greatest value that are no outliers where the scale is 0; else the median.
    usual: (f64, f64),
    /// q².
    variance: f64,
    /// s²; 0 if few of them have an interval.
    sampling: f64,
}

impl Expected {
    /// From the windows of `baseline`; `None` if they are too few.
    pub fn of(baseline: &Baseline, least: usize, start: Millis, earlier: Earlier<'_>) -> Option<Expected> {
        let windows = baseline::windows(baseline, start, earlier);
        if windows.len() < least {
            return None;
        }
        let mut values: SmallVec<[f64; ON_STACK]> = windows.iter().filter_map(|point| point.value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let centre = median(&values)?;
        let scale = qn(&values);
        let outliers = values.len() / OUTLIERS;
        let usual =
            if scale > 0.0 { (centre, centre) } else { (values[outliers], values[values.len() - 1 - outliers]) };
        let mut errors: SmallVec<[f64; ON_STACK]> =
            windows.iter().filter_map(|point| sampling_variance(point)).collect();
        let sampling = if 2 * errors.len() >= windows.len() { median_of(&mut errors).unwrap_or(0.0) } else { 0.0 };
        let n = values.len() as f64;
        Some(Expected { n, centre, usual, variance: finite(scale * scale), sampling })
    }

    /// Half of the interval's width at one-sided `alpha`, for a window whose own sampling variance is `own`.
    fn half_width(&self, alpha: f64, own: f64) -> f64 {
        let process = (self.variance - self.sampling).max(0.0);
        let variance = self.variance.max(finite(process + own));
        let centre = self.variance.max(self.sampling) * FRAC_PI_2 / self.n;
        let freedom = self.freedom(process / variance, variance / self.variance);
        finite(upper_quantile(alpha, freedom) * finite(variance + centre).sqrt())
    }

    /// ν, where so much of the variance is the process's, and it is so many times as large as the estimated one.
    fn freedom(&self, process_share: f64, times: f64) -> f64 {
        let normal = (1.7 * (0.5 * self.n).floor() - 2.0).max(2.0);
        // Of a variance of 0 there is no share.
        let heavy = if process_share > 0.0 { normal * process_share * process_share / HEAVY_TAILS } else { 0.0 };
        let freedom = normal / (1.0 + heavy * heavy).sqrt();
        if times > 1.0 { (freedom * times * times).min(MOST_FREEDOM) } else { freedom.min(MOST_FREEDOM) }
    }

    /// Judges `value`, that of `point`.
    pub fn judge(
        &self,
        alpha: &BySeverity<f64>,
        side: Side,
        least: f64,
        clear_limits: Option<&Limits>,
        value: f64,
        point: &Point,
    ) -> Judgement {
        let limits = |alpha: &f64| {
            let alpha = if side == Side::Both { 0.5 * alpha } else { *alpha };
            let half_width = |end: Option<f64>| self.half_width(alpha, own_variance(end, value)).max(least);
            // A value that is too low is near to its median by the upper end of its interval.
            let lower = || finite(self.usual.0 - half_width(point.upper));
            let upper = || finite(self.usual.1 + half_width(point.lower));
            Limits { min: (side != Side::Above).then(lower), max: (side != Side::Below).then(upper) }
        };
        let mildest = alpha.mildest().map(|(_, alpha)| limits(alpha)).unwrap_or_default();
        // What does not pass the mildest limits passes none.
        let worst = || alpha.0.iter().rev().map(|(severity, alpha)| (*severity, limits(alpha)));
        let passed =
            if mildest.are_passed_by(value) { worst().find(|(_, limits)| limits.are_passed_by(value)) } else { None };
        let verdict = match passed {
            Some((severity, _)) => Verdict::Bad(severity),
            None if clear_limits.is_some_and(|limits| limits.are_passed_by(value)) => Verdict::Between,
            None => Verdict::Good,
        };
        let told = passed.map_or(mildest, |(_, limits)| limits);
        Judgement {
            verdict,
            judged: Some(value),
            baseline: Some(self.centre),
            threshold_lower: told.min,
            threshold_upper: told.max,
        }
    }
}

/// Of a whole 95 % interval.
fn sampling_variance(point: &Point) -> Option<f64> {
    let error = finite(point.upper? - point.lower?) / (2.0 * Z);
    (error >= 0.0).then(|| finite(error * error))
}

/// Of the half of a 95 % interval that ends with `end`; 0 where there is none.
fn own_variance(end: Option<f64>, value: f64) -> f64 {
    let error = end.map_or(0.0, |end| finite((end - value).abs()) / Z);
    if error > 0.0 { finite(error * error) } else { 0.0 }
}

/// Half of the interval's width by `n` windows without intervals whose scale is 1.
#[cfg(test)]
pub(super) fn factor(n: usize, alpha: f64) -> f64 {
    let n = n as f64;
    Expected { n, centre: 0.0, usual: (0.0, 0.0), variance: 1.0, sampling: 0.0 }.half_width(alpha, 0.0)
}
