//! What ASSESS publishes, on its way into the next transaction; or into nothing, where it was published before.

use super::work::{Outgoing, OutputId};
use crate::assess::Outlet;
use crate::codec::{MAX_PROFILE_BYTES, RowEncoder, profile_records};
use crate::event::{MetricRow, Profile, ProfileWindow};

const METRICS: OutputId = OutputId(0);
const PROFILES: OutputId = OutputId(1);

/// Records for the output topics.
#[derive(Debug, Default)]
pub struct Outbox {
    /// In the order in which they were published.
    pub outputs: Vec<Outgoing>,
    /// Features that are larger than a record each, and are in no profile.
    pub left_out: u64,
}

/// One publication.
pub struct Publishing<'p> {
    /// Writes rows.
    pub encoder: &'p RowEncoder,
    /// There is a topic for profiles.
    pub has_profiles: bool,
    /// `None`: into nothing.
    pub outbox: Option<&'p mut Outbox>,
    /// Rows so far.
    pub rows: usize,
}

impl Outlet for Publishing<'_> {
    fn row(&mut self, row: &MetricRow) {
        self.rows += 1;
        if let Some(outbox) = &mut self.outbox {
            outbox.outputs.push(record(METRICS, row.id.clone(), self.encoder.metric(row)));
        }
    }

    fn takes_profiles(&self) -> bool {
        self.has_profiles && self.outbox.is_some()
    }

    fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        if let Some(outbox) = &mut self.outbox {
            let made = profile_records(profile, window, MAX_PROFILE_BYTES);
            outbox.left_out += made.left_out;
            let records = made.records.into_iter();
            outbox.outputs.extend(records.map(|made| record(PROFILES, made.key, made.value.into_bytes())));
        }
    }
}

fn record(output: OutputId, key: String, value: Vec<u8>) -> Outgoing {
    let (key, value) = (Some(key.into_bytes()), Some(value));
    Outgoing { output, partition: None, timestamp: None, key, value, headers: Vec::new() }
}
