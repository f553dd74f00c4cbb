//! Bins of a feature: fixed by the reference, the same for every window that is compared with it.
//!
//! Missing, invalid, below, above and unseen values always have bins of their own, because a column that turns to null is
//! drift. Numbers lie in about 200 fine bins ([`NumericBins`]); the binned methods read the reference's deciles, which
//! are sums of fine bins ([`Grouping`]). Categories are their own bins ([`CategoryBins`]). Without a reference, bins are fixed
//! for all numbers and all texts alike (`log_linear`, [`CategoryBins::hashed`]).

mod category;
mod grouping;
mod log_linear;
mod numeric;
mod quantile;

pub use category::{Category, CategoryBins, SPREAD};
pub use grouping::Grouping;
pub use numeric::{FINE_BINS, Measurement, NumericBins, equal_width_edges};
pub use quantile::quantile;
