//! `OutputsBuilder`: the predictions of a reference a second time, once its bins are known: what the model gave out, added up per
//! bin of each feature. Sums are of integers, so the order of the rows leaves no trace.

use crate::event::prediction::text;
use crate::event::profile::outputs::{BinnedOutputs, OutputUnit, added_output};
use crate::event::{PredictionBatch, Profile, TaskKind};

/// Adds up the outputs of the predictions that a profile was made of.
#[derive(Debug)]
pub struct OutputsBuilder {
    profile: Profile,
    unit: OutputUnit,
    /// Per feature of the profile, which of the batch's columns it is.
    columns: Vec<Option<usize>>,
    /// Per feature.
    outputs: Vec<BinnedOutputs>,
}

impl OutputsBuilder {
    /// Of the predictions that `profile` was made of; batches have the features `columns`, sorted.
    ///
    /// # Errors
    /// The profile as it was, if the model gives out nothing that can be added up: it has many classes, or its numbers are in
    /// no feature of the profile, so that their size is not known.
    pub fn try_new(profile: Profile, columns: &[String]) -> Result<OutputsBuilder, Box<Profile>> {
        let Some(unit) = unit(&profile) else { return Err(Box::new(profile)) };
        let columns = profile.features.iter().map(|feature| feature.column(columns)).collect();
        let none = |bins| BinnedOutputs { exponent: unit.exponent(), rows: vec![0; bins], sums: vec![0; bins] };
        let outputs = profile.features.iter().map(|feature| none(feature.bins.len())).collect();
        Ok(OutputsBuilder { profile, unit, columns, outputs })
    }

    /// Adds the predictions of a batch.
    pub fn add(&mut self, batch: &PredictionBatch) {
        for row in (0..batch.len()).filter(|row| !batch.failed.value(*row)) {
            if text(&batch.model_id, row).unwrap_or_default() != &*self.profile.model_id {
                continue;
            }
            if let Some(output) = batch.added_output(self.profile.task, row) {
                self.add_row(batch, row, self.unit.units(output));
            }
        }
    }

    fn add_row(&mut self, batch: &PredictionBatch, row: usize, units: i64) {
        let features = self.profile.features.iter().zip(&self.columns);
        for ((feature, column), outputs) in features.zip(&mut self.outputs) {
            let bin = feature.bins.bin_of(batch.value(*column, feature.source, row));
            outputs.rows[bin] += 1;
            outputs.sums[bin] += units;
        }
    }

    /// The profile with the outputs of its features, and the id of that.
    pub fn finish(self) -> Profile {
        let mut profile = self.profile;
        for (feature, outputs) in profile.features.iter_mut().zip(self.outputs) {
            feature.outputs = Some(outputs);
        }
        profile.with_id()
    }
}

/// The unit that suits the outputs of a reference.
fn unit(profile: &Profile) -> Option<OutputUnit> {
    let source = added_output(profile.task)?;
    if profile.task == TaskKind::Binary {
        return Some(OutputUnit::of_probabilities());
    }
    let output = profile.features.iter().find(|feature| feature.source == source)?;
    let moments = output.moments?;
    Some(OutputUnit::of_numbers(moments.min.abs().max(moments.max.abs())))
}
