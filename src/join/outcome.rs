//! What a prediction and a label say together: from a pending row and a truth to an outcome that can be folded.

use super::labels::{LabelRow, LabelTruth};
use super::pending::{PendingRow, RowKind, RowRef};
use super::rules::TruthReader;
use super::series::{SeriesId, SeriesRegistry};
use super::texts::LabelTexts;
use crate::aggregate::{BinaryOutcome, ClassId, LabelFact, MulticlassOutcome, QualityOutcome, RegressionOutcome};
use crate::event::label::{binary_class, number_as_class};

/// Largest magnitude of a number that sums are exact for: 2⁵³·10³.
const MAX_NUMBER: f64 = 9_007_199_254_740_992_000.0;

/// Buffers that are reused from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    pub labels: Vec<LabelRow>,
    pub rows: Vec<RowRef>,
    pub scores: Vec<(ClassId, f64)>,
}

/// The label in text form, as classes compare.
pub fn truth_text(texts: &LabelTexts, truth: LabelTruth) -> String {
    match truth {
        LabelTruth::Number(number) => number_as_class(number),
        LabelTruth::Text(id) => texts.get(id).to_owned(),
        LabelTruth::Deleted => String::new(),
    }
}

/// True if `truth` is the positive class of `series`.
fn is_positive(registry: &SeriesRegistry, series: SeriesId, texts: &LabelTexts, truth: LabelTruth) -> bool {
    match truth {
        LabelTruth::Number(number) => registry.positive_number(series) == Some(number),
        LabelTruth::Text(id) => binary_class(texts.get(id)) == registry.settings_of(series).positive_label,
        LabelTruth::Deleted => false,
    }
}

/// A label as a number, if it is one that sums are exact for.
fn number(texts: &LabelTexts, truth: LabelTruth) -> Option<f64> {
    let number = match truth {
        LabelTruth::Number(number) => number,
        LabelTruth::Text(id) => texts.get(id).trim().parse().ok()?,
        LabelTruth::Deleted => return None,
    };
    (number.abs() <= MAX_NUMBER).then_some(number)
}

/// Reads labels as the task of one pending row does.
pub struct RowReader<'a> {
    pub texts: &'a LabelTexts,
    pub kind: RowKind,
}

impl TruthReader for RowReader<'_> {
    fn is_readable(&self, truth: LabelTruth) -> bool {
        self.kind != RowKind::Regression || number(self.texts, truth).is_some()
    }

    fn is_same(&self, one: LabelTruth, other: LabelTruth) -> bool {
        let text = |truth| truth_text(self.texts, truth);
        match self.kind {
            _ if one == other => true,
            RowKind::Binary => binary_class(&text(one)) == binary_class(&text(other)),
            RowKind::Regression => number(self.texts, one) == number(self.texts, other),
            RowKind::Multiclass | RowKind::Failed => false,
        }
    }
}

/// What `row` (with `scores`) and `truth` say together; `None` for a failed request.
///
/// The rules have asked [`RowReader::is_readable`] before.
pub fn outcome<'a>(
    registry: &mut SeriesRegistry,
    texts: &LabelTexts,
    row: &PendingRow,
    scores: &'a [(ClassId, f64)],
    truth: LabelTruth,
) -> Option<QualityOutcome<'a>> {
    let model = registry.series(row.series).model;
    match row.kind {
        RowKind::Failed => None,
        RowKind::Binary => Some(QualityOutcome::Binary(BinaryOutcome {
            score: (!row.output.is_nan()).then_some(row.output),
            predicted: row.class == 1,
            actual: is_positive(registry, row.series, texts, truth),
        })),
        RowKind::Multiclass => {
            let classes = &mut registry.model_mut(model).classes;
            let actual = match truth {
                LabelTruth::Text(id) => classes.intern(texts.get(id)),
                other => classes.intern(&truth_text(texts, other)),
            };
            Some(QualityOutcome::Multiclass(MulticlassOutcome { predicted: ClassId(row.class), actual, scores }))
        }
        RowKind::Regression => {
            let actual = number(texts, truth)?;
            Some(QualityOutcome::Regression(RegressionOutcome { predicted: row.output, actual }))
        }
    }
}

/// The fact that a cell takes note of.
pub fn fact<'a>(row: &PendingRow, time: i64, outcome: QualityOutcome<'a>) -> LabelFact<QualityOutcome<'a>> {
    LabelFact { time, delay_ms: time - row.time, outcome }
}
