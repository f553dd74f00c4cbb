//! What segments are made of: columns, and bins of numbers; and the values that stand for something else than a value.

use super::bins::NumericBins;
use super::label::number_as_class;
use super::{FeatureBins, Profile};
use serde::{Deserialize, Serialize};

/// Value of a row that has none.
pub const MISSING: &str = "__missing__";

/// Bin of a row that has something else than a number.
pub const INVALID: &str = "__invalid__";

/// Bin of every number, where the reference has but one value.
const ANY_NUMBER: &str = "any number";

/// Longest name of a model, version, segment value or class, in bytes. Names are part of the state, of partials and of
/// rows, each of which must fit a record: one of a megabyte would stop the service for good.
pub const MAX_NAME_BYTES: usize = 512;

/// What a cap folded: segment values, versions and classes over their maxima, or longer than [`MAX_NAME_BYTES`].
pub const OTHER: &str = "__other__";

/// What gives a segment its value, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum SegmentColumn {
    /// The column of this name: its value.
    Column(String),
    /// A number: the coarse bin of the reference in force that it lies in.
    Bins {
        /// Name of the feature, as the reference has it.
        bins_of: String,
    },
}

impl SegmentColumn {
    /// Its part of `segment_key`: the column's name, or `bins_of(NAME)`.
    pub fn key(&self) -> String {
        match self {
            SegmentColumn::Column(name) => name.clone(),
            SegmentColumn::Bins { bins_of } => format!("bins_of({bins_of})"),
        }
    }

    /// The name of the column; `None` of bins.
    pub fn column(&self) -> Option<&str> {
        match self {
            SegmentColumn::Column(name) => Some(name),
            SegmentColumn::Bins { .. } => None,
        }
    }

    /// The feature that is in bins; `None` of a column.
    pub fn binned(&self) -> Option<&str> {
        match self {
            SegmentColumn::Column(_) => None,
            SegmentColumn::Bins { bins_of } => Some(bins_of),
        }
    }
}

impl std::fmt::Display for SegmentColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key())
    }
}

impl From<&str> for SegmentColumn {
    /// The column of this name.
    fn from(name: &str) -> Self {
        SegmentColumn::Column(name.to_owned())
    }
}

/// Why the bins of a feature are no segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBins {
    /// The reference does not have the feature.
    Unknown,
    /// It is a category there.
    Category,
}

/// The coarse bins of `feature` in `profile`.
///
/// # Errors
/// If it has none: also where no reference made the bins.
pub fn coarse_bins<'p>(profile: &'p Profile, feature: &str) -> Result<&'p NumericBins, NoBins> {
    let place = profile.features.binary_search_by(|known| (*known.name).cmp(feature)).map_err(|_| NoBins::Unknown)?;
    match &profile.features[place].bins {
        FeatureBins::Numeric(_) if !profile.is_fitted() => Err(NoBins::Unknown),
        FeatureBins::Numeric(bins) => Ok(bins),
        FeatureBins::Categorical(_) => Err(NoBins::Category),
    }
}

/// What the coarse bins of numbers are called, ascending: `< 12.5`, `[12.5, 20)`, `>= 20`. Cuts are written so that they are
/// read back as they are.
pub fn bin_names(bins: &NumericBins) -> Vec<String> {
    let cuts: Vec<String> = bins.coarse_cuts().iter().map(|cut| number_as_class(*cut)).collect();
    let (Some(first), Some(last)) = (cuts.first(), cuts.last()) else { return vec![ANY_NUMBER.to_owned()] };
    let between = cuts.windows(2).map(|pair| format!("[{}, {})", pair[0], pair[1]));
    std::iter::once(format!("< {first}")).chain(between).chain([format!(">= {last}")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::profile::samples::profile;

    #[test]
    fn columns_are_written_as_they_were_before_there_were_bins() {
        let columns = [SegmentColumn::from("country"), SegmentColumn::Bins { bins_of: "amount".to_owned() }];
        let text = r#"["country",{"bins_of":"amount"}]"#;
        assert_eq!(serde_json::to_string(&columns).unwrap(), text);
        assert_eq!(serde_json::from_str::<[SegmentColumn; 2]>(text).unwrap(), columns);
        assert!(serde_json::from_str::<SegmentColumn>(r#"{"bins_of":"amount","of":1}"#).is_err());
        assert_eq!(columns.map(|column| column.key()), ["country", "bins_of(amount)"]);
    }

    #[test]
    fn bins_are_called_by_their_cuts() {
        let names = |cuts: &[f64]| bin_names(&NumericBins::between(cuts.to_vec()));
        assert_eq!(names(&[-0.5, 12.5, 20.0]), ["< -0.5", "[-0.5, 12.5)", "[12.5, 20)", ">= 20"]);
        assert_eq!(bin_names(&NumericBins::of_reference(&[7.0; 20]).unwrap()), ["any number"]);
    }

    #[test]
    fn only_numbers_of_the_reference_have_bins() {
        let profile = profile();
        assert!(coarse_bins(&profile, "amount").is_ok());
        assert_eq!(coarse_bins(&profile, "country"), Err(NoBins::Category));
        assert_eq!(coarse_bins(&profile, "colour"), Err(NoBins::Unknown));
    }
}
