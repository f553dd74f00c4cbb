//! The laws of [`Linear`], proven once for every accumulator by the same property test, and the generators of rows that
//! this module's tests share.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Debug;

/// An accumulator, and the rows that are folded into it.
pub(super) trait Folds: Linear + Debug {
    type Row: Clone + Debug;
    fn row() -> BoxedStrategy<Self::Row>;
    fn fold(&mut self, sign: i64, row: &Self::Row);
}

fn folded<'a, A: Folds>(rows: impl IntoIterator<Item = &'a A::Row>) -> A
where
    A::Row: 'a,
{
    let mut accumulator = A::default();
    rows.into_iter().for_each(|row| accumulator.fold(1, row));
    accumulator
}

fn merged<A: Folds>(a: &A, b: &A) -> A {
    let mut sum = a.clone();
    sum.merge(b);
    sum
}

fn negated<A: Folds>(a: &A) -> A {
    let mut opposite = a.clone();
    opposite.negate();
    opposite
}

/// A commutative group, of which adding rows is the merging of one row at a time, in any order.
fn obeys_the_laws<A: Folds>() {
    let rows = || prop::collection::vec(A::row(), 0..12);
    let shuffled =
        prop::collection::vec(A::row(), 0..12).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()));
    let result = TestRunner::new(Config::with_cases(200)).run(
        &(rows(), rows(), shuffled),
        |(rows_a, rows_b, (rows_c, shuffled_c))| {
            let [a, b, c] = [&rows_a, &rows_b, &rows_c].map(|rows| folded::<A>(rows));
            let zero = A::default();
            prop_assert_eq!(merged(&a, &merged(&b, &c)), merged(&merged(&a, &b), &c), "associative");
            prop_assert_eq!(merged(&a, &b), merged(&b, &a), "commutative");
            prop_assert_eq!(&merged(&a, &zero), &a, "identity on the right");
            prop_assert_eq!(&merged(&zero, &a), &a, "identity on the left");
            let nothing = merged(&a, &negated(&a));
            prop_assert!(nothing.is_zero(), "inverse");
            prop_assert_eq!(&nothing, &zero, "what is zero is the default");
            prop_assert_eq!(a.is_zero(), a == zero, "and nothing else is zero");
            prop_assert_eq!(negated(&merged(&a, &b)), merged(&negated(&a), &negated(&b)), "negation is linear");

            prop_assert_eq!(&folded::<A>(&shuffled_c), &c, "the order of rows leaves no trace");
            prop_assert_eq!(folded::<A>(rows_a.iter().chain(&rows_b)), merged(&a, &b), "adding is merging");
            let mut without_c = merged(&a, &c);
            shuffled_c.iter().for_each(|row| without_c.fold(-1, row));
            prop_assert_eq!(&without_c, &a, "what is taken back leaves no trace");
            let mut only_taken = zero;
            rows_a.iter().for_each(|row| only_taken.fold(-1, row));
            prop_assert_eq!(only_taken, negated(&a), "taking back is adding the opposite");
            Ok(())
        },
    );
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

macro_rules! laws {
    ($($name:ident: $accumulator:ty),* $(,)?) => {$(
        #[test]
        fn $name() {
            obeys_the_laws::<$accumulator>();
        }
    )*};
}

laws! {
    exact_sums_are_linear: ExactSum,
    sorted_counts_are_linear: SortedCounts<i8>,
    score_bins_are_linear: ScoreBins,
    histograms_are_linear: Histogram,
    binary_accumulators_are_linear: BinaryAccumulator,
    multiclass_accumulators_are_linear: MulticlassAccumulator,
    regression_accumulators_are_linear: RegressionAccumulator,
    qualities_are_linear: Quality,
    label_delays_are_linear: LabelDelay,
    expected_confusions_are_linear: ExpectedConfusion,
    expected_classes_are_linear: ExpectedClasses,
}

/// Scores as models give them: anywhere, on the edges, written with two decimals, and next to certain.
pub(super) fn score() -> BoxedStrategy<f64> {
    prop_oneof![
        0.0..=1.0f64,
        (0u8..=100).prop_map(|percent| f64::from(percent) / 100.0),
        (-40.0..40.0f64).prop_map(|log_odds| 1.0 / (1.0 + libm::exp(-log_odds))),
    ]
    .boxed()
}

/// Numbers as labels and predictions have them, up to the largest that is valid.
pub(super) fn number() -> BoxedStrategy<f64> {
    const LARGEST: f64 = 9_007_199_254_740_992e3;
    prop_oneof![
        -100.0..100.0f64,
        (-5i32..=5).prop_map(f64::from),
        -LARGEST..=LARGEST,
        any::<f64>().prop_filter("valid", |x| x.abs() <= LARGEST),
    ]
    .boxed()
}

/// An owned multiclass row.
#[derive(Debug, Clone)]
pub(super) struct MulticlassRow {
    predicted: ClassId,
    actual: ClassId,
    scores: Vec<(ClassId, f64)>,
}

impl MulticlassRow {
    fn outcome(&self) -> MulticlassOutcome<'_> {
        MulticlassOutcome { predicted: self.predicted, actual: self.actual, scores: &self.scores }
    }
}

/// A row of any task.
#[derive(Debug, Clone)]
pub(super) enum AnyRow {
    Binary(BinaryOutcome),
    Multiclass(MulticlassRow),
    Regression(RegressionOutcome),
}

impl AnyRow {
    pub(super) fn outcome(&self) -> QualityOutcome<'_> {
        match self {
            AnyRow::Binary(row) => QualityOutcome::Binary(*row),
            AnyRow::Multiclass(row) => QualityOutcome::Multiclass(row.outcome()),
            AnyRow::Regression(row) => QualityOutcome::Regression(*row),
        }
    }
}

impl Folds for ExactSum {
    type Row = (f64, Option<f64>);
    fn row() -> BoxedStrategy<Self::Row> {
        (number(), prop::option::of(number())).boxed()
    }
    fn fold(&mut self, sign: i64, &(a, b): &Self::Row) {
        match b {
            Some(b) => self.add_product(a, b, sign),
            None => self.add_signed(a, sign),
        }
    }
}

impl Folds for SortedCounts<i8> {
    type Row = (i8, i64);
    fn row() -> BoxedStrategy<Self::Row> {
        (-8i8..8, -2i64..=2).boxed()
    }
    fn fold(&mut self, sign: i64, &(key, n): &Self::Row) {
        self.add(key, sign * n);
    }
}

impl Folds for ScoreBins {
    /// A run of neighbouring bins: some rows are long enough to make the counts dense.
    type Row = (u16, u16);
    fn row() -> BoxedStrategy<Self::Row> {
        (0u16..SCORE_BINS as u16, prop_oneof![4 => Just(1u16), 1 => 2u16..300]).boxed()
    }
    fn fold(&mut self, sign: i64, &(first, length): &Self::Row) {
        (first..(first + length).min(SCORE_BINS as u16)).for_each(|bin| self.add(bin, sign));
    }
}

impl Folds for Histogram {
    type Row = f64;
    fn row() -> BoxedStrategy<f64> {
        number()
    }
    fn fold(&mut self, sign: i64, x: &f64) {
        self.add(*x, sign);
    }
}

impl Folds for BinaryAccumulator {
    type Row = BinaryOutcome;
    fn row() -> BoxedStrategy<Self::Row> {
        (prop::option::weighted(0.9, score()), any::<bool>(), any::<bool>())
            .prop_map(|(score, predicted, actual)| BinaryOutcome { score, predicted, actual })
            .boxed()
    }
    fn fold(&mut self, sign: i64, row: &Self::Row) {
        self.add(sign, *row);
    }
}

impl Folds for MulticlassAccumulator {
    type Row = MulticlassRow;
    fn row() -> BoxedStrategy<Self::Row> {
        let class = || (0u16..5).prop_map(ClassId);
        let scores =
            prop::collection::btree_map(class(), score(), 0..5).prop_map(|scores| scores.into_iter().collect());
        (class(), class(), scores)
            .prop_map(|(predicted, actual, scores)| MulticlassRow { predicted, actual, scores })
            .boxed()
    }
    fn fold(&mut self, sign: i64, row: &Self::Row) {
        self.add(sign, row.outcome());
    }
}

impl Folds for RegressionAccumulator {
    type Row = RegressionOutcome;
    fn row() -> BoxedStrategy<Self::Row> {
        (number(), number()).prop_map(|(predicted, actual)| RegressionOutcome { predicted, actual }).boxed()
    }
    fn fold(&mut self, sign: i64, row: &Self::Row) {
        self.add(sign, *row);
    }
}

impl Folds for Quality {
    type Row = AnyRow;
    fn row() -> BoxedStrategy<Self::Row> {
        prop_oneof![
            BinaryAccumulator::row().prop_map(AnyRow::Binary),
            MulticlassAccumulator::row().prop_map(AnyRow::Multiclass),
            RegressionAccumulator::row().prop_map(AnyRow::Regression),
        ]
        .boxed()
    }
    fn fold(&mut self, sign: i64, row: &Self::Row) {
        self.add(sign, row.outcome());
    }
}

impl Folds for LabelDelay {
    type Row = i64;
    fn row() -> BoxedStrategy<i64> {
        prop_oneof![-1000i64..1000, (-MAX_DELAY..MAX_DELAY)].boxed()
    }
    fn fold(&mut self, sign: i64, delay_ms: &i64) {
        self.add(sign, *delay_ms);
    }
}

impl Folds for ExpectedConfusion {
    type Row = (bool, f64);
    fn row() -> BoxedStrategy<Self::Row> {
        (any::<bool>(), score()).boxed()
    }
    fn fold(&mut self, sign: i64, &(predicted, probability): &Self::Row) {
        self.add(sign, predicted, probability);
    }
}

impl Folds for ExpectedClasses {
    type Row = (ClassId, Vec<(ClassId, f64)>);
    fn row() -> BoxedStrategy<Self::Row> {
        MulticlassAccumulator::row().prop_map(|row| (row.predicted, row.scores)).boxed()
    }
    fn fold(&mut self, sign: i64, (predicted, probabilities): &Self::Row) {
        self.add(sign, *predicted, probabilities);
    }
}

/// No two plausible times are further apart.
const MAX_DELAY: i64 = crate::event::MAX_TIME_MS;

/// A cell of a few records of every kind, some of them taken back.
pub(super) fn cell() -> BoxedStrategy<Cell> {
    let counts = prop::collection::vec((0..Count::LEN, -2i64..100), 0..4);
    let latencies = prop::collection::vec(0.0..1e6f64, 0..4);
    let matches = prop::collection::vec((prop_oneof![Just(1i64), Just(-1)], Quality::row(), LabelDelay::row()), 0..4);
    let on_expiry = prop::collection::vec(Quality::row(), 0..3);
    (counts, latencies, matches, on_expiry)
        .prop_map(|(counts, latencies, matches, on_expiry)| {
            let mut cell = Cell::default();
            counts.iter().for_each(|&(count, n)| cell.add_count(Count::ALL[count], n));
            latencies.iter().for_each(|&latency_ms| cell.latency.add(latency_ms));
            for (sign, row, delay_ms) in &matches {
                cell.add_match(*sign, row.outcome(), *delay_ms, delay_ms.abs());
            }
            on_expiry.iter().for_each(|row| cell.on_expiry.add(1, row.outcome()));
            cell
        })
        .boxed()
}

proptest! {
    #[test]
    fn cells_merge_in_any_order(a in cell(), b in cell(), c in cell()) {
        let merged = |a: &Cell, b: &Cell| {
            let mut sum = a.clone();
            sum.merge(b);
            sum
        };
        prop_assert_eq!(merged(&a, &merged(&b, &c)), merged(&merged(&a, &b), &c));
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(&merged(&a, &Cell::default()), &a);
        prop_assert_eq!(&merged(&Cell::default(), &a), &a);
        prop_assert_eq!(a.is_zero(), a == Cell::default());
    }
}
