//! Windows that are final as profiles: what was counted of their features in the bins of one reference. Nothing changes
//! them any more, so each is given out once, with the last rows of its window, and nothing is remembered of it.

use super::features;
use super::identity::row_id;
use super::merged::GroupWindow;
use super::names::FEATURES;
use super::publish::Publisher;
use super::rows::Rows;
use crate::drift;
use crate::event::{MetricRow, Millis, ProfileWindow, WindowSpec};

/// What takes the place of a metric's name in the ids of profiles: no metric has it.
const PROFILE: &str = "profile";

impl<'a> Publisher<'a> {
    /// Gives out the features of the whole model in a window that is final: of all versions together, and of each. Of rows
    /// that were counted in the bins of several references there is no profile, nor where theirs is known no more.
    pub(super) fn closed(&self, merged: &GroupWindow<'a>, spec: WindowSpec, start: Millis, rows: &mut Rows<'_>) {
        if !self.is_final || !rows.takes_profiles() {
            return;
        }
        for (version, series) in self.series(merged) {
            let [(reference_id, of)] = series.cell.features.by_reference() else { continue };
            let Some(reference) = features::profile(self.settings, *reference_id) else { continue };
            // What is declared without a profile has the task that the configuration says; a profile must not say a wrong one.
            if !reference.is_fitted() && self.settings.task.is_none() {
                continue;
            }
            let span = start..start + spec.size_ms;
            let profile = drift::profile_of(reference, &of.list, &span);
            if profile.rows == 0 {
                continue;
            }
            let columns = self.columns((FEATURES, version), spec, start, None, rows.texts);
            let window = ProfileWindow {
                id: row_id(&MetricRow { metric: PROFILE.into(), ..columns.clone() }).into(),
                model_version: columns.model_version,
                start_ms: span.start,
                end_ms: span.end,
                size_ms: spec.size_ms,
                advance_ms: spec.advance_ms,
                reference_id: *reference_id,
                part: 1,
                parts: 1,
            };
            rows.profile(profile, window);
        }
    }
}
