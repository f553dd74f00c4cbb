//! Where goes what is published: metric rows, alerts, and closed windows as profiles where somebody takes them.

use crate::event::{AlertRow, MetricRow, Profile, ProfileWindow};

/// Takes what is published, one thing after the other.
pub trait Outlet {
    /// A row of `metrics`.
    fn row(&mut self, row: &MetricRow);

    /// True if it takes profiles; none is made for one that does not. Nothing else depends on it.
    fn takes_profiles(&self) -> bool {
        false
    }

    /// A window that is final, of one version or of all together, with its rows.
    fn profile(&mut self, _profile: Profile, _window: ProfileWindow) {}

    /// An alert changed, by rows that went out before.
    fn alert(&mut self, _alert: &AlertRow) {}
}

/// Takes rows alone.
impl<F: FnMut(&MetricRow)> Outlet for F {
    fn row(&mut self, row: &MetricRow) {
        self(row);
    }
}
