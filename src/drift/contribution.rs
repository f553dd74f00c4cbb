//! What each feature has to do with a change of the model's output: by how much its mean moved because the feature's bins have
//! other shares, and by how much because the model gives out something else in the same bins.

use crate::aggregate::{OutputSum, OutputSums};
use crate::event::FeatureProfile;
use crate::metrics::MetricValue;
use crate::metrics::change::output_change;

/// Appends the parts of the change that one feature has; nothing where the reference has no outputs.
pub fn read_out(feature: &FeatureProfile, window: &OutputSums, out: &mut Vec<MetricValue>) {
    let Some(reference) = &feature.outputs else { return };
    let coarse = feature.bins.coarse();
    let (rows, sums) = (coarse.sum(&reference.rows), coarse.sum(&reference.sums));
    let before = rows.into_iter().zip(sums).map(|(rows, sum)| OutputSum { rows, sum });
    let groups: Vec<(OutputSum, OutputSum)> = before.zip(window.dense(coarse.len())).collect();
    out.extend(output_change(&groups, reference.unit()));
}
