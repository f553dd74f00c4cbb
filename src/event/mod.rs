//! The values that flow between the stages: columns of decoded records, settings that a model was given, the reference
//! profiles and bins that they name, rejects.
//!
//! Every stage imports this module and none of its neighbours. Nothing here decides anything.

pub mod alert;
pub mod bins;
pub mod calibration;
pub mod comparison;
pub mod detectors;
pub mod drift;
pub mod feature;
pub mod label;
pub mod output;
pub mod prediction;
pub mod profile;
pub mod record;
pub mod reference;
pub mod reject;
pub mod row_id;
pub mod segment;
pub mod settings;
pub mod text_hash;
pub mod time;
pub mod unknown;

pub use alert::{AlertRow, AlertSettings};
pub use calibration::Calibration;
pub use comparison::{Comparison, Weekday};
pub use detectors::{DetectorKind, DetectorParameters, Detectors, LossKind, OutcomeOrder};
pub use drift::{DRIFT_METHOD_IN_UNITS, DRIFT_METHODS, DriftSettings, Smoothing};
pub use feature::{FeatureColumn, FeatureSource, FeatureValue};
pub use label::{LabelBatch, LabelValue};
pub use output::{DeadLetterRow, LabelledRow, MetricRow};
pub use prediction::{PredictionBatch, PredictionColumns};
pub use profile::{
    AccuracyBy, AccuracyGroup, BinnedOutputs, ClassCalibration, FeatureBins, FeatureKind, FeatureProfile, Moments,
    OutputUnit, Profile, ProfileError, ProfileWindow, ReferenceId, ReferenceLabels, ReferenceMetric, Sketches,
};
pub use record::{Origin, Role};
pub use reference::{AnnouncedReference, Reference};
pub use reject::{Reason, Reject};
pub use segment::SegmentColumn;
pub use settings::{BusinessValue, Caps, ModelSettings, ReviseAfter, SegmentSet, Settings, TaskKind, WindowSpec};
pub use time::{MAX_TIME_MS, Millis};
