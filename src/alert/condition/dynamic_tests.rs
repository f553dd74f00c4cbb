//! What chance does to the interval of what was to be expected: false alarms, outliers, power; and the laws that it keeps.

use super::*;
use crate::alert::Verdict;
use crate::drift::draw::Draw;
use crate::event::alert::{Baseline, BySeverity, Severity, Side};
use proptest::prelude::*;
use statrs::distribution::{Binomial, ContinuousCDF, Discrete, Normal, StudentsT};

const ALL: &dyn Fn(&Point) -> bool = &|_| true;
const WINDOWS: [usize; 3] = [8, 14, 28];
const ALPHA: [f64; 2] = [0.01, 0.001];

fn condition(windows: usize, alpha: f64, side: Side) -> Condition {
    Condition::Dynamic {
        baseline: Baseline::Trailing { windows: windows as u32 },
        alpha: BySeverity(vec![(Severity::Warning, alpha)]),
        side,
        least: 0.0,
    }
}

fn plain(value: f64) -> Point {
    Point { value: Some(value), ..Point::default() }
}

/// Limits for a window without interval.
fn limits(history: &[f64], alpha: f64) -> (f64, f64) {
    let points: Vec<Point> = history.iter().copied().map(plain).collect();
    let condition = condition(history.len(), alpha, Side::Both);
    let judgement = judge(&condition, None, &plain(0.0), Earlier::new(&points, ALL), None);
    (judgement.threshold_lower.unwrap(), judgement.threshold_upper.unwrap())
}

fn width(history: &[f64], alpha: f64) -> f64 {
    let (lower, upper) = limits(history, alpha);
    upper - lower
}

fn normal(draw: &mut Draw) -> f64 {
    (-2.0 * (1.0 - draw.uniform()).ln()).sqrt() * (std::f64::consts::TAU * draw.uniform()).cos()
}

fn student_5(draw: &mut Draw) -> f64 {
    let z = normal(draw);
    let squares: f64 = (0..5).map(|_| normal(draw)).map(|z| z * z).sum();
    z / (squares / 5.0).sqrt()
}

/// Mean over histories of how probable it is that a further value, by `upper_tail`, lies outside.
fn outside(n: usize, alpha: f64, one: fn(&mut Draw) -> f64, upper_tail: impl Fn(f64) -> f64) -> f64 {
    const HISTORIES: usize = 5_000;
    let mut draw = Draw::new(n as u64);
    let probability = |_| {
        let history: Vec<f64> = (0..n).map(|_| one(&mut draw)).collect();
        let (lower, upper) = limits(&history, alpha);
        upper_tail(upper) + 1.0 - upper_tail(lower)
    };
    (0..HISTORIES).map(probability).sum::<f64>() / HISTORIES as f64
}

#[test]
fn false_alarms_of_normal_values_are_rarer_than_alpha() {
    let law = Normal::standard();
    for n in WINDOWS {
        for alpha in ALPHA {
            let rate = outside(n, alpha, normal, |x| law.sf(x));
            println!("normal: {n} windows, {alpha}: {:.3} %", 100.0 * rate);
            assert!(rate < 1.2 * alpha, "{n} {alpha}: {rate}");
        }
    }
}

#[test]
fn false_alarms_of_heavy_tails_are_about_alpha() {
    let law = StudentsT::new(0.0, 1.0, 5.0).unwrap();
    for n in WINDOWS {
        for alpha in ALPHA {
            let rate = outside(n, alpha, student_5, |x| law.sf(x));
            println!("Student, 5 degrees: {n} windows, {alpha}: {:.3} %", 100.0 * rate);
            assert!(rate < 2.2 * alpha, "{n} {alpha}: {rate}");
        }
    }
}

/// A rate with Wilson's interval.
fn rate(successes: u64, rows: u64) -> Point {
    let (n, z) = (rows as f64, 1.959_963_984_540_054);
    let p = successes as f64 / n;
    let scale = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / scale;
    let half_width = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / scale;
    let (lower, upper) = ((centre - half_width).clamp(0.0, p), (centre + half_width).clamp(p, 1.0));
    Point { value: Some(p), lower: Some(lower), upper: Some(upper), count: rows as i64, ..Point::default() }
}

/// A window of `rows` rows whose rate is `mean`, or moves around it by `deviation`.
fn window(draw: &mut Draw, mean: f64, deviation: f64, rows: u64) -> Point {
    let p = (mean + deviation * normal(draw)).clamp(0.0, 1.0);
    rate((0..rows).filter(|_| draw.uniform() < p).count() as u64, rows)
}

/// Alarms per window of rates around `mean`, from windows of `rows`, for one around `now` whose rows are drawn likewise or are
/// `own`: over histories, the mean of the chances of all that the window can be.
fn alarms(n: usize, alpha: f64, [mean, now]: [f64; 2], deviation: f64, rows: [u64; 2], own: Option<u64>) -> f64 {
    const HISTORIES: usize = 400;
    let mut draw = Draw::new(n as u64 + rows[0]);
    let mut sum = 0.0;
    for _ in 0..HISTORIES {
        let mut drawn = || rows[0] + (draw.uniform() * (rows[1] - rows[0] + 1) as f64) as u64;
        let counts: Vec<u64> = (0..=n).map(|_| drawn()).collect();
        let history: Vec<Point> = counts[..n].iter().map(|&rows| window(&mut draw, mean, deviation, rows)).collect();
        let own = own.unwrap_or(counts[n]);
        let p = (now + deviation * normal(&mut draw)).clamp(1e-9, 1.0 - 1e-9);
        let law = Binomial::new(p, own).unwrap();
        let condition = condition(n, alpha, Side::Both);
        for successes in 0..=own {
            let chance = law.pmf(successes);
            if chance > 1e-9 {
                let judgement = judge(&condition, None, &rate(successes, own), Earlier::new(&history, ALL), None);
                sum += if judgement.verdict == Verdict::Good { 0.0 } else { chance };
            }
        }
    }
    sum / HISTORIES as f64
}

#[test]
fn false_alarms_of_rates_are_about_alpha() {
    for (name, mean, deviation, rows, own) in [
        ("80 % of 50 to 400 rows", 0.8, 0.0, [50, 400], None),
        ("98 % of 50 to 400 rows", 0.98, 0.0, [50, 400], None),
        ("80 % of 400 rows, now of 40", 0.8, 0.0, [400, 400], Some(40)),
        ("80 % of 200 rows, moving by 3 %", 0.8, 0.03, [200, 200], None),
        ("80 % of 400 rows, moving by 3 %, now of 40", 0.8, 0.03, [400, 400], Some(40)),
    ] {
        for n in WINDOWS {
            for alpha in ALPHA {
                let rate = alarms(n, alpha, [mean, mean], deviation, rows, own);
                println!("{name}: {n} windows, {alpha}: {:.3} %", 100.0 * rate);
                assert!(rate < 2.2 * alpha, "{name}: {n} {alpha}: {rate}");
            }
        }
    }
}

#[test]
fn one_in_ten_windows_may_be_anything() {
    for (n, outliers) in [(8, 1), (14, 1), (14, 2), (28, 3), (100, 10)] {
        let mut draw = Draw::new(17);
        let (mut clean, mut dirty) = (0.0, 0.0);
        for _ in 0..500 {
            let mut history: Vec<f64> = (0..n).map(|_| normal(&mut draw)).collect();
            clean += width(&history, 0.001);
            history[..outliers].fill(1e6);
            dirty += width(&history, 0.001);
        }
        println!("{outliers} outliers of {n} windows: {:.2} times as wide", dirty / clean);
        assert!(dirty < 2.0 * clean, "{n}: {}", dirty / clean);
    }
}

/// How often normal values that move by so many deviations are found.
fn power(n: usize, alpha: f64, shift: f64) -> f64 {
    let law = Normal::standard();
    outside(n, alpha, normal, |x| law.sf(x - shift))
}

#[test]
fn large_shifts_are_found() {
    for n in WINDOWS {
        for alpha in ALPHA {
            let found = [4.0, 5.0, 6.0, 8.0, 10.0].map(|shift| (100.0 * power(n, alpha, shift)).round());
            println!("{n} windows, {alpha}: of 4, 5, 6, 8, 10 deviations {found:?} %");
        }
    }
    assert!(power(14, 0.01, 6.0) > 0.85 && power(28, 0.01, 6.0) > 0.95);
    assert!(power(14, 0.001, 8.0) > 0.75 && power(28, 0.001, 8.0) > 0.9);
}

#[test]
fn a_rate_that_falls_by_eight_sampling_errors_is_found() {
    for (n, least) in [(8, 0.65), (14, 0.85), (28, 0.95)] {
        let deviation = (0.8f64 * 0.2 / 400.0).sqrt();
        let found = |times| alarms(n, 0.001, [0.8, 0.8 - times * deviation], 0.0, [400, 400], None);
        println!(
            "80 % of 400 rows: {n} windows, 0.001: of 4, 5, 6, 8 errors {:.0?} %",
            [4.0, 5.0, 6.0, 8.0].map(|times| 100.0 * found(times))
        );
        assert!(found(8.0) > least, "{n}");
    }
}

proptest! {
    #[test]
    fn the_order_of_the_history_is_irrelevant(
        (history, shuffled) in prop::collection::vec(-1e3f64..1e3, 8..40)
            .prop_flat_map(|history| (Just(history.clone()), Just(history).prop_shuffle())),
    ) {
        prop_assert_eq!(limits(&history, 0.01), limits(&shuffled, 0.01));
    }

    /// By a power of two, so that nothing is rounded.
    #[test]
    fn limits_scale_with_the_values(history in prop::collection::vec(-1e3f64..1e3, 8..40), power in -20i32..20) {
        let factor = 2f64.powi(power);
        let scaled: Vec<f64> = history.iter().map(|value| value * factor).collect();
        let (lower, upper) = limits(&history, 0.01);
        prop_assert_eq!(limits(&scaled, 0.01), (lower * factor, upper * factor));
    }

    #[test]
    fn limits_shift_with_the_values(history in prop::collection::vec(-1e3f64..1e3, 8..40), shift in -1e3f64..1e3) {
        let shifted: Vec<f64> = history.iter().map(|value| value + shift).collect();
        let (before, after) = (limits(&history, 0.01), limits(&shifted, 0.01));
        prop_assert!((after.0 - before.0 - shift).abs() < 1e-6 && (after.1 - before.1 - shift).abs() < 1e-6);
    }

    #[test]
    fn what_is_rarer_is_farther(history in prop::collection::vec(-1e3f64..1e3, 8..40), alpha in 1e-6f64..0.5, part in 0.01f64..1.0) {
        prop_assert!(width(&history, alpha * part) >= width(&history, alpha));
    }

    /// The same values twice over have nearly the same scale, and are known better.
    #[test]
    fn more_windows_are_narrower(history in prop::collection::vec(-1e3f64..1e3, 12..40)) {
        let few = super::dynamic::factor(history.len(), 0.01);
        let many = super::dynamic::factor(2 * history.len(), 0.01);
        prop_assert!(many < few);
    }

    #[test]
    fn whatever_the_numbers_are_what_comes_out_is_finite(
        history in prop::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::ZERO, 4..20),
        value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
        ends in prop::option::of((proptest::num::f64::ANY, proptest::num::f64::ANY)),
        alpha in 1e-12f64..=0.5,
    ) {
        let points: Vec<Point> = history.iter().map(|&value| plain(value)).collect();
        let point = Point { lower: ends.map(|ends| ends.0), upper: ends.map(|ends| ends.1), ..plain(value) };
        for side in [Side::Below, Side::Above, Side::Both] {
            let judgement = judge(&condition(4, alpha, side), None, &point, Earlier::new(&points, ALL), None);
            for number in [judgement.judged, judgement.baseline, judgement.threshold_lower, judgement.threshold_upper] {
                prop_assert!(number.is_none_or(f64::is_finite), "{judgement:?}");
            }
            prop_assert_eq!(judgement.threshold_lower.is_none(), side == Side::Above);
            prop_assert_eq!(judgement.threshold_upper.is_none(), side == Side::Below);
        }
    }

    /// Never narrower than what chance alone does to the window itself.
    #[test]
    fn a_value_whose_interval_holds_the_median_is_good(history in prop::collection::vec(0.0f64..1.0, 8..40), value in 0.0f64..1.0, alpha in 1e-6f64..0.025) {
        let points: Vec<Point> = history.iter().map(|&value| plain(value)).collect();
        let condition = condition(history.len(), alpha, Side::Both);
        let earlier = Earlier::new(&points, ALL);
        let centre = judge(&condition, None, &plain(value), earlier, None).baseline.unwrap();
        let point = Point { lower: Some(value.min(centre)), upper: Some(value.max(centre)), ..plain(value) };
        prop_assert_eq!(judge(&condition, None, &point, earlier, None).verdict, Verdict::Good);
    }
}

#[test]
fn one_side_alone_has_all_of_alpha() {
    let history: Vec<Point> = (0..14).map(|value| plain(f64::from(value))).collect();
    let limits = |alpha, side| {
        let judgement = judge(&condition(14, alpha, side), None, &plain(6.0), Earlier::new(&history, ALL), None);
        (judgement.threshold_lower, judgement.threshold_upper)
    };
    let (lower, upper) = limits(0.02, Side::Both);
    assert_eq!(limits(0.01, Side::Below), (lower, None));
    assert_eq!(limits(0.01, Side::Above), (None, upper));
}

#[test]
fn worse_severities_take_rarer_values() {
    let history: Vec<Point> = (0..28).map(|value| plain(f64::from(value % 7))).collect();
    let condition = Condition::Dynamic {
        baseline: Baseline::Trailing { windows: 28 },
        alpha: BySeverity(vec![(Severity::Warning, 0.01), (Severity::Critical, 0.0001)]),
        side: Side::Above,
        least: 0.0,
    };
    let judged = |value| judge(&condition, None, &plain(value), Earlier::new(&history, ALL), None);
    let warning = judged(3.0).threshold_upper.unwrap();
    assert_eq!(judged(warning).verdict, Verdict::Good);
    assert_eq!(judged(warning + 0.1).verdict, Verdict::Bad(Severity::Warning));
    let critical = judged(1e3).threshold_upper.unwrap();
    assert!(critical > warning);
    assert_eq!(judged(critical + 0.1).verdict, Verdict::Bad(Severity::Critical));
}

#[test]
fn what_a_third_of_the_windows_had_was_to_be_expected() {
    let history: Vec<Point> = (0..15).map(|place| plain(if place % 3 == 0 { 1.0 } else { 0.0 })).collect();
    let verdict =
        |value| judge(&condition(15, 0.01, Side::Both), None, &plain(value), Earlier::new(&history, ALL), None).verdict;
    assert_eq!([0.0, 1.0].map(verdict), [Verdict::Good; 2]);
    assert_eq!([-0.1, 1.1].map(verdict), [Verdict::Bad(Severity::Warning); 2]);
}

#[test]
fn a_window_of_few_rows_is_given_more_room() {
    let history: Vec<Point> = (0..14).map(|place| rate(780 + place * 3, 1_000)).collect();
    let lower = |point| {
        let judgement = judge(&condition(14, 0.01, Side::Both), None, &point, Earlier::new(&history, ALL), None);
        judgement.threshold_lower.unwrap()
    };
    assert!(lower(rate(16, 20)) < lower(rate(160, 200)) - 0.05);
}
