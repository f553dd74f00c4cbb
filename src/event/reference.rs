//! `Reference`: a profile that windows of a model are compared with, from some event time on.

use super::{Millis, Profile, ReferenceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A reference, and from when on it is in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its profile's id.
    pub id: ReferenceId,
    /// Event time from which on it is in force; `None`: from the beginning.
    pub from_ms: Option<Millis>,
    /// Its profile; `None` where only the id is of interest.
    pub profile: Option<Arc<Profile>>,
}

impl Reference {
    /// Event time from which on it is in force.
    pub fn begins(&self) -> Millis {
        self.from_ms.unwrap_or(Millis::MIN)
    }
}

/// The id says what the profile is.
impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.from_ms) == (other.id, other.from_ms)
    }
}

/// A reference that was announced while the service runs, on a topic that all of its processes read.
#[derive(Debug, Clone, PartialEq)]
pub struct AnnouncedReference {
    /// The model that it is for.
    pub model_id: Arc<str>,
    /// Event time from which on it is to be in force; `None`: from the beginning.
    pub from_ms: Option<Millis>,
    /// What its windows are to be compared with.
    pub profile: Arc<Profile>,
}
