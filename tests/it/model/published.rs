//! What ASSESS gives out while it is driven.

use postdict::assess::Outlet;
use postdict::codec::{MAX_PROFILE_BYTES, profile_records};
use postdict::event::{AlertRow, MetricRow, Profile, ProfileWindow};
use std::collections::BTreeMap;

/// What ASSESS gives out.
#[derive(Default)]
pub struct Published {
    pub rows: Vec<MetricRow>,
    pub profiles: BTreeMap<String, String>,
    pub alerts: Vec<AlertRow>,
}

impl Outlet for Published {
    fn row(&mut self, row: &MetricRow) {
        self.rows.push(row.clone());
    }

    fn takes_profiles(&self) -> bool {
        true
    }

    fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        for record in profile_records(profile, window, MAX_PROFILE_BYTES).records {
            let before = self.profiles.insert(record.key, record.value);
            assert_eq!(before, None, "a window is final once");
        }
    }

    fn alert(&mut self, alert: &AlertRow) {
        self.alerts.push(alert.clone());
    }
}
