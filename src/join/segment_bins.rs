//! `SegmentBins`: segments that are the bins of a number. Which bin a prediction lies in is told by the reference that is in
//! force when it was made, as a code; the bins' names are written once, when the model is made.

use super::features::Place;
use crate::event::segment::{INVALID, MISSING, bin_names, coarse_bins};
use crate::event::{FeatureValue, Millis, ModelSettings, PredictionBatch, Profile};

/// Code of a prediction without a value, or without a reference in force.
const NO_VALUE: u32 = 0;
/// Code of one with something else than a number.
const NO_NUMBER: u32 = 1;

/// Numbers whose bins are segments of one model.
#[derive(Debug, Default)]
pub struct SegmentBins {
    /// How many numbers there are.
    features: usize,
    /// By when they come into force, ascending.
    references: Vec<(Millis, Vec<Option<Divided>>)>,
    /// Names of all bins of all references, by code.
    names: Vec<String>,
}

/// One number in the bins of one reference.
#[derive(Debug)]
struct Divided {
    place: Place,
    /// Inner edges of the bins, ascending.
    cuts: Vec<f64>,
    /// Code of the lowest bin; the others follow.
    first: u32,
}

impl SegmentBins {
    /// Of a model with these `settings`; batches have the features `columns`. What a reference has no bins for is missing.
    pub fn new(settings: &ModelSettings, columns: &[String]) -> SegmentBins {
        let features = settings.binned_features();
        let mut bins = SegmentBins { features: features.len(), ..SegmentBins::default() };
        if features.is_empty() {
            return bins;
        }
        bins.names = [MISSING, INVALID].map(str::to_owned).to_vec();
        for reference in &settings.references {
            let Some(profile) = &reference.profile else { continue };
            let divided = features.iter().map(|feature| bins.divide(profile, feature, columns)).collect();
            bins.references.push((reference.begins(), divided));
        }
        bins
    }

    fn divide(&mut self, profile: &Profile, feature: &str, columns: &[String]) -> Option<Divided> {
        let bins = coarse_bins(profile, feature).ok()?;
        let known = profile.features.iter().find(|known| *known.name == *feature)?;
        let first = self.names.len() as u32;
        self.names.extend(bin_names(bins));
        Some(Divided { place: Place::of(known, columns), cuts: bins.coarse_cuts().to_vec(), first })
    }

    /// True of a model that has no such segments.
    pub fn is_empty(&self) -> bool {
        self.features == 0
    }

    /// Of each number, in the order of [`ModelSettings::binned_features`], the code of the bin that `row` lies in.
    pub fn codes<'a>(&'a self, batch: &'a PredictionBatch, row: usize) -> impl Iterator<Item = u32> + 'a {
        let begun = self.references.partition_point(|(from_ms, _)| *from_ms <= batch.time(row));
        let divided = begun.checked_sub(1).map(|place| &self.references[place].1);
        (0..self.features).map(move |feature| {
            let divided = divided.and_then(|divided| divided[feature].as_ref());
            divided.map_or(NO_VALUE, |divided| divided.code(batch, row))
        })
    }

    /// What the bin with this code is called.
    pub fn name(&self, code: u32) -> &str {
        self.names.get(code as usize).map_or(MISSING, |name| name)
    }
}

impl Divided {
    fn code(&self, batch: &PredictionBatch, row: usize) -> u32 {
        match self.place.value(batch, row) {
            FeatureValue::Missing => NO_VALUE,
            FeatureValue::Number(number) => self.first + self.cuts.partition_point(|&cut| cut <= number) as u32,
            FeatureValue::Text(_) | FeatureValue::Invalid => NO_NUMBER,
        }
    }
}
