//! The features of predictions: which columns of a batch they are, and the bins of the reference that is in force; and what
//! of a prediction is expected to come true by the reference's calibration.

use super::pending::{PendingRow, RowKind};
use crate::aggregate::expected::calibrate_classes;
use crate::aggregate::features::feature_mut;
use crate::aggregate::{ClassId, ClassNames, Distinct, Expected, Features};
use crate::event::label::class_as_number;
use crate::event::{
    FeatureBins, FeatureProfile, FeatureSource, FeatureValue, Millis, ModelSettings, OutputUnit, PredictionBatch,
    Profile, ReferenceId, ReferenceLabels,
};
use smallvec::SmallVec;
use std::sync::Arc;

/// What one model's predictions are compared with.
#[derive(Debug, Default)]
pub struct ModelFeatures {
    /// By when they come into force, ascending.
    references: Vec<InForce>,
}

/// A reference, from some time on.
#[derive(Debug)]
struct InForce {
    from_ms: Millis,
    id: ReferenceId,
    profile: Arc<Profile>,
    /// In which outputs are added up, where that is asked for and the profile has them.
    unit: Option<OutputUnit>,
    /// Per feature of the profile.
    features: Vec<Place>,
    /// Columns of the batch that only other references have, with their names.
    others: Vec<(usize, String)>,
}

/// Where a feature is found, and the numbers among its categories.
#[derive(Debug)]
pub(super) struct Place {
    source: FeatureSource,
    /// Of a feature, which of the batch's columns; `None` where no batch has it.
    column: Option<usize>,
    /// Categories that are the text of a number, ascending, with their bins: numbers are looked up without being written.
    numbers: Vec<(f64, u16)>,
    /// By bin, the coarse bin in which outputs are added up; none where they are not.
    coarse: Vec<u16>,
}

impl ModelFeatures {
    /// Of a model with these `settings`; batches have the features `columns`.
    pub fn new(settings: &ModelSettings, columns: &[String]) -> Self {
        let references = settings.references.iter().filter_map(|reference| {
            let profile = Arc::clone(reference.profile.as_ref()?);
            let place = |feature| Place { coarse: coarse(feature, settings), ..Place::of(feature, columns) };
            let features: Vec<Place> = profile.features.iter().map(place).collect();
            let outputs = profile.features.iter().find_map(|feature| feature.outputs.as_ref());
            let unit = outputs.filter(|_| settings.drift.contributions).map(|outputs| outputs.unit());
            let is_other = |place: &usize| features.iter().all(|feature| feature.column != Some(*place));
            let others = (0..columns.len()).filter(is_other).map(|place| (place, columns[place].clone())).collect();
            let from_ms = reference.begins();
            Some(InForce { from_ms, id: reference.id, profile, unit, features, others })
        });
        ModelFeatures { references: references.collect() }
    }

    /// True if a reference is in force at `time`.
    pub fn is_in_force(&self, time: Millis) -> bool {
        self.references.first().is_some_and(|first| first.from_ms <= time)
    }

    /// Adds the features of `row`, and what is expected of the output that it has; `known` is of this batch.
    pub fn observe(
        &self,
        batch: &PredictionBatch,
        known: &mut KnownBins,
        row: usize,
        output: Output<'_>,
        features: &mut Features,
    ) {
        let begun = self.references.partition_point(|reference| reference.from_ms <= output.row.time);
        let Some(reference) = begun.checked_sub(1).map(|place| &self.references[place]) else { return };
        let of = features.of_mut(reference.id);
        if let Some(labels) = &reference.profile.labels {
            output.expect(labels, &mut of.expected);
        }
        let units = reference
            .unit
            .and_then(|unit| batch.added_output(reference.profile.task, row).map(|output| unit.units(output)));
        let known = known.of(reference.id, reference.features.len());
        let places = reference.features.iter().zip(known);
        for ((number, (place, known)), feature) in (0..).zip(places).zip(&reference.profile.features) {
            let value = place.value(batch, row);
            let bin = match (&feature.bins, value, place.column) {
                // The texts of a batch are few beside its rows, so each is looked up once.
                (FeatureBins::Categorical(_), FeatureValue::Text(_), Some(column)) => {
                    let code = batch.features[column].text.key(row).expect("a text has a code");
                    known_bin(known, code, || place.bin_of(&feature.bins, value))
                }
                _ => place.bin_of(&feature.bins, value),
            };
            let number_of = match (&feature.bins, value) {
                (FeatureBins::Numeric(_), FeatureValue::Number(value)) => Some(value),
                _ => None,
            };
            let accumulator = feature_mut(&mut of.list, number);
            accumulator.add(bin as u16, number_of);
            if let Some(units) = units
                && let Some(coarse) = place.coarse.get(bin)
            {
                accumulator.outputs.add(*coarse, units);
            }
            if feature.bins.is_unseen(bin) {
                add_unseen(&mut accumulator.unseen, value);
            }
        }
        // What was declared is all that is to be watched: what else there is, is nothing new.
        if !reference.profile.is_fitted() {
            return;
        }
        if let Some(names) = batch.unknown.of(row) {
            of.unknown.merge(names);
        }
        for (column, name) in &reference.others {
            if batch.features[*column].value(row) != FeatureValue::Missing {
                of.unknown.add(name);
            }
        }
    }
}

fn add_unseen(unseen: &mut Distinct, value: FeatureValue<'_>) {
    match value {
        FeatureValue::Text(text) => unseen.add(text),
        FeatureValue::Number(number) => unseen.add_number(number),
        FeatureValue::Missing | FeatureValue::Invalid => {}
    }
}

/// The bins of a batch's texts, as far as they were looked up.
#[derive(Debug, Default)]
pub struct KnownBins {
    /// Per feature of the reference, by the text's code in the batch. There are as many references as models in a batch.
    by_reference: Vec<(ReferenceId, Vec<Vec<u16>>)>,
}

/// No reference has so many bins.
const UNKNOWN: u16 = u16::MAX;

impl KnownBins {
    fn of(&mut self, reference: ReferenceId, features: usize) -> &mut [Vec<u16>] {
        let place = self.by_reference.iter().position(|(id, _)| *id == reference).unwrap_or_else(|| {
            self.by_reference.push((reference, vec![Vec::new(); features]));
            self.by_reference.len() - 1
        });
        &mut self.by_reference[place].1
    }
}

#[inline]
fn known_bin(known: &mut Vec<u16>, code: usize, look_up: impl FnOnce() -> usize) -> usize {
    if known.len() <= code {
        known.resize(code + 1, UNKNOWN);
    }
    if known[code] == UNKNOWN {
        known[code] = look_up() as u16;
    }
    usize::from(known[code])
}

/// What the model gave out.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// The prediction as it waits for its label.
    pub row: &'a PendingRow,
    /// A score per class; of a model of many classes.
    pub scores: &'a [(ClassId, f64)],
    /// The model's classes.
    pub classes: &'a ClassNames,
}

/// Classes whose probabilities are on the stack.
const FEW_CLASSES: usize = 16;

impl Output<'_> {
    /// Adds what is expected by the calibrations of `labels`; a prediction without scores promises nothing.
    fn expect(self, labels: &ReferenceLabels, expected: &mut Expected) {
        if labels.calibrations.is_empty() {
            return;
        }
        match self.row.kind {
            RowKind::Binary if !self.row.output.is_nan() => {
                let probability = labels.calibrations[0].calibration.probability(self.row.output);
                expected.confusion.add(1, self.row.class == 1, probability);
            }
            RowKind::Multiclass if !self.scores.is_empty() => {
                let names = self.classes.names();
                let mut probabilities: SmallVec<[(ClassId, f64); FEW_CLASSES]> = self.scores.into();
                calibrate_classes(&mut probabilities, |class| labels.calibration(&names[usize::from(class.0)]));
                expected.classes.add(1, ClassId(self.row.class), &probabilities);
            }
            _ => {}
        }
    }
}

impl Place {
    /// Of a feature; batches have the features `columns`.
    pub(super) fn of(feature: &FeatureProfile, columns: &[String]) -> Place {
        let (source, column) = (feature.source, feature.column(columns));
        Place { source, column, numbers: numbers(&feature.bins), coarse: Vec::new() }
    }

    /// What a row has of the feature.
    #[inline]
    pub(super) fn value<'b>(&self, batch: &'b PredictionBatch, row: usize) -> FeatureValue<'b> {
        batch.value(self.column, self.source, row)
    }

    #[inline]
    fn bin_of(&self, bins: &FeatureBins, value: FeatureValue<'_>) -> usize {
        let (FeatureBins::Categorical(categories), FeatureValue::Number(number)) = (bins, value) else {
            return bins.bin_of(value);
        };
        let known = self.numbers.binary_search_by(|(known, _)| known.total_cmp(&(number + 0.0)));
        known.map_or_else(|_| categories.bin_of_other_number(number), |place| usize::from(self.numbers[place].1))
    }
}

/// Per bin of a feature its coarse bin, where outputs are added up in them.
fn coarse(feature: &FeatureProfile, settings: &ModelSettings) -> Vec<u16> {
    if !settings.drift.contributions || feature.outputs.is_none() {
        return Vec::new();
    }
    let coarse = feature.bins.coarse();
    (0..feature.bins.len()).filter_map(|bin| coarse.of(bin).map(|bin| bin as u16)).collect()
}

/// The categories that are numbers, with their bins.
fn numbers(bins: &FeatureBins) -> Vec<(f64, u16)> {
    let FeatureBins::Categorical(categories) = bins else { return Vec::new() };
    let with_bins = categories.values().iter().zip(0u16..);
    let mut numbers: Vec<(f64, u16)> =
        with_bins.filter_map(|(value, bin)| class_as_number(value).map(|number| (number, bin))).collect();
    numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::bins::CategoryBins;
    use crate::event::label::number_as_class;
    use proptest::prelude::*;

    fn place_of(bins: &FeatureBins) -> Place {
        Place { source: FeatureSource::Feature, column: None, numbers: numbers(bins), coarse: Vec::new() }
    }

    proptest! {
        #[test]
        fn a_number_is_in_the_bin_of_its_text(numbers_known in prop::collection::vec(-3i32..4, 0..5), halves in -8i32..8) {
            let texts: Vec<String> = numbers_known.iter().map(|number| number_as_class(f64::from(*number) / 2.0)).collect();
            let counts = texts.iter().map(|text| (text.as_str(), 1)).chain([("other", 1)]);
            let bins = FeatureBins::Categorical(CategoryBins::of_reference(counts, 10));
            let place = place_of(&bins);
            let value = FeatureValue::Number(f64::from(halves) / 2.0);
            prop_assert_eq!(place.bin_of(&bins, value), bins.bin_of(value));
            let hashed = FeatureBins::Categorical(CategoryBins::hashed());
            let text = number_as_class(f64::from(halves) / 2.0);
            prop_assert_eq!(place_of(&hashed).bin_of(&hashed, value), hashed.bin_of(FeatureValue::Text(&text)));
        }
    }
}
