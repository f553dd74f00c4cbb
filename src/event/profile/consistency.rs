//! What has to hold inside a profile, beyond the types of its members.

use super::file::ProfileError;
use super::{FeatureBins, FeatureProfile, Profile};
use crate::event::time::is_plausible;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Most features of a profile: partials number them in two bytes.
pub(super) const MAX_FEATURES: usize = 4096;

impl Profile {
    /// The first thing that cannot be, other than the id.
    pub(super) fn check(&self) -> Result<(), ProfileError> {
        let is_possible = self.rows >= 0
            && is_plausible(self.first_ms)
            && is_plausible(self.last_ms)
            && self.first_ms <= self.last_ms
            && !self.model_id.is_empty();
        if !is_possible {
            return Err(ProfileError::Heading);
        }
        if self.features.len() > MAX_FEATURES {
            return Err(ProfileError::TooManyFeatures(self.features.len()));
        }
        if let Some(pair) = self.features.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return Err(ProfileError::Order { feature: pair[1].name.clone() });
        }
        self.features.iter().try_for_each(|feature| feature.check(self.rows))?;
        if self.window.as_ref().is_some_and(|window| !window.is_possible()) {
            return Err(ProfileError::Window);
        }
        let totals = |feature: &FeatureProfile| feature.outputs.as_ref().map(|outputs| outputs.totals());
        if let Some(other) = self.features.windows(2).find(|pair| totals(&pair[0]) != totals(&pair[1])) {
            return Err(ProfileError::Outputs { feature: other[1].name.clone() });
        }
        let inconsistency = self.labels.as_ref().and_then(|labels| labels.inconsistency(self.rows));
        inconsistency.map_or(Ok(()), |why| Err(ProfileError::Labels { why }))
    }
}

impl FeatureProfile {
    fn check(&self, rows: i64) -> Result<(), ProfileError> {
        let feature = || self.name.clone();
        let (counts, bins) = (self.counts.len(), self.bins.len());
        if counts != bins {
            return Err(ProfileError::BinCount { feature: feature(), counts, bins });
        }
        if self.counts.iter().any(|&count| count < 0) {
            return Err(ProfileError::NegativeCount { feature: feature() });
        }
        let counted: i128 = self.counts.iter().map(|&count| i128::from(count)).sum();
        if counted != i128::from(rows) {
            return Err(ProfileError::RowCount { feature: feature(), counted, rows });
        }
        if !self.has_possible_moments() {
            return Err(ProfileError::Moments { feature: feature() });
        }
        if self.outputs.as_ref().is_some_and(|outputs| !outputs.is_possible(&self.counts)) {
            return Err(ProfileError::Outputs { feature: feature() });
        }
        let sketches = self
            .sketches
            .iter()
            .flat_map(|sketches| [&sketches.quantiles, &sketches.distinct, &sketches.frequent].into_iter().flatten());
        let is_base64 = |text: &String| BASE64.decode(text).is_ok();
        if !sketches.into_iter().all(is_base64) {
            return Err(ProfileError::Sketch { feature: feature() });
        }
        Ok(())
    }

    fn has_possible_moments(&self) -> bool {
        let Some(moments) = self.moments else { return true };
        let numbers = [moments.mean, moments.std, moments.min, moments.max];
        matches!(self.bins, FeatureBins::Numeric(_))
            && numbers.iter().all(|number| number.is_finite())
            && moments.std >= 0.0
            && moments.min <= moments.mean
            && moments.mean <= moments.max
    }
}
