//! The windows of one size: which are open, what finality and pacing need to know of each, and which are closed for good.

use super::cells::{GroupId, VersionId};
use crate::event::row_id::RowId;
use crate::event::{Millis, ModelSettings, WindowSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// What was last published of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Which row of its series: metric, class and predicted class.
    pub row: u64,
    /// Hash of everything in the row but its revision.
    pub content: u64,
    /// How often it was published.
    pub revision: i32,
    /// Its id: a hash that is dearer to make than to keep.
    pub id: RowId,
}

/// A series as rows are published: a group, and one version of it or (`None`) all versions together.
pub type PublishedSeries = (GroupId, Option<VersionId>);

/// One window that can still change.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Predictions without a label, over its panes.
    pub unmatched: i64,
    /// Labels that no prediction has met.
    pub unmet: i64,
    /// Latest time of a label that changed it.
    pub last_label_time: Option<Millis>,
    /// Groups in which something changed since the last revision.
    pub changed: BTreeSet<GroupId>,
    /// Event time, and the clock handed to the task, of the last revision.
    pub revised_at: Option<(Millis, Millis)>,
    /// It was published in this step.
    pub just_published: bool,
    /// Rows published so far, sorted by row.
    pub published: BTreeMap<PublishedSeries, Vec<Published>>,
}

/// All windows of one size of one model.
#[derive(Debug, Clone)]
pub struct Windows {
    /// Size and advance.
    pub spec: WindowSpec,
    /// By start.
    pub open: BTreeMap<Millis, Window>,
    /// Starts of windows that became final before the last moment.
    closed: BTreeSet<Millis>,
    /// Windows that start before are final, whether they ever had a record or not.
    closed_below: Millis,
    /// Of windows that start before, those that are open stay so until they are final, and no other is opened: of what was
    /// in them, not everything is known. `Millis::MAX` if the configuration does not have this size any more.
    pub opens_from: Millis,
}

impl Windows {
    /// No window is open or closed.
    pub fn new(spec: WindowSpec) -> Self {
        Windows {
            spec,
            open: BTreeMap::new(),
            closed: BTreeSet::new(),
            closed_below: Millis::MIN,
            opens_from: Millis::MIN,
        }
    }

    /// Which windows are final: all that start before the first, and the others.
    pub fn closed(&self) -> (Millis, &BTreeSet<Millis>) {
        (self.closed_below, &self.closed)
    }

    /// Declares final what [`Self::closed`] gave.
    pub fn restore_closed(&mut self, below: Millis, closed: BTreeSet<Millis>) {
        (self.closed_below, self.closed) = (below, closed);
    }

    /// True if no window is open and none will be.
    pub fn is_done(&self) -> bool {
        self.opens_from == Millis::MAX && self.open.is_empty()
    }

    /// Starts of the windows that `pane` lies in, newest first.
    pub fn starts(&self, pane: Millis) -> impl Iterator<Item = Millis> + use<> {
        let WindowSpec { size_ms, advance_ms } = self.spec;
        let newest = pane - pane.rem_euclid(advance_ms);
        (0..).map(move |i| newest - i * advance_ms).take_while(move |start| start + size_ms > pane)
    }

    /// True if nothing can change the window at `start` any more, or it is never opened.
    pub fn is_closed(&self, start: Millis) -> bool {
        let is_final = start < self.closed_below || self.closed.contains(&start);
        is_final || start < self.opens_from && !self.open.contains_key(&start)
    }

    /// True if every window that `pane` lies in is final.
    pub fn all_closed(&self, pane: Millis) -> bool {
        self.starts(pane).all(|start| self.is_closed(start))
    }

    /// True if one of the windows that start in `starts`, and are `wanted`, is open or may still be opened.
    pub fn any_not_final(&self, starts: RangeInclusive<Millis>, wanted: impl Fn(Millis) -> bool) -> bool {
        let (first, last) = starts.clone().into_inner();
        if self.open.range(starts).any(|(start, _)| wanted(*start)) {
            return true;
        }
        let first = first.max(self.closed_below).max(self.opens_from);
        let newest = last - last.rem_euclid(self.spec.advance_ms);
        let mut starts = (0..).map(|i| newest - i * self.spec.advance_ms).take_while(|start| *start >= first);
        starts.any(|start| !self.closed.contains(&start) && wanted(start))
    }

    /// True if one of the windows that start in `starts`, and are `wanted`, is final.
    pub fn any_final(&self, starts: RangeInclusive<Millis>, wanted: impl Fn(Millis) -> bool) -> bool {
        let (first, last) = starts.clone().into_inner();
        let newest = last.min(self.closed_below.saturating_sub(1));
        let newest = newest.saturating_sub(newest.rem_euclid(self.spec.advance_ms));
        let mut by_age = (0..).map(|i| newest - i * self.spec.advance_ms).take_while(|start| *start >= first);
        self.closed.range(starts).any(|start| wanted(*start)) || by_age.any(wanted)
    }

    /// Makes the window at `start` final and gives it out.
    pub fn close(&mut self, start: Millis) -> Option<Window> {
        if start >= self.closed_below {
            self.closed.insert(start);
        }
        self.open.remove(&start)
    }

    /// Starts of the open windows that are final at `watermark`, oldest first.
    pub fn due_for_closing(&self, settings: &ModelSettings, watermark: Millis) -> Vec<Millis> {
        let ended = self.open.range(..=watermark.saturating_sub(self.spec.size_ms));
        ended
            .filter(|(start, window)| self.is_final(**start, window, settings, watermark))
            .map(|(start, _)| *start)
            .collect()
    }

    /// Final: nothing can change it any more. Either nothing is pending, no label waits for a prediction of the window,
    /// and the last label is beyond correction; or its time to be revised is over.
    fn is_final(&self, start: Millis, window: &Window, settings: &ModelSettings, watermark: Millis) -> bool {
        let end = start + self.spec.size_ms;
        let nothing_pends = window.unmatched == 0 || watermark >= end.saturating_add(settings.label_horizon_ms);
        let no_label_waits = window.unmet == 0 || watermark >= end.saturating_add(settings.early_label_retention_ms);
        let nothing_comes = nothing_pends
            && no_label_waits
            && watermark >= end + settings.allowed_lateness_ms
            && window.last_label_time.is_none_or(|label| watermark > label + settings.correction_horizon_ms);
        nothing_comes || watermark >= end.saturating_add(revisable_ms(settings))
    }

    /// Forgets about single windows that are final by age at `watermark`; true if there are more of them than before.
    pub fn close_by_age(&mut self, settings: &ModelSettings, watermark: Millis) -> bool {
        let newest_final = watermark - revisable_ms(settings) - self.spec.size_ms;
        let last_start = |below: Millis| below.saturating_sub(1).div_euclid(self.spec.advance_ms);
        let before = last_start(self.closed_below);
        self.closed_below = self.closed_below.max(newest_final + 1);
        self.closed = self.closed.split_off(&self.closed_below);
        last_start(self.closed_below) > before
    }
}

/// How long after its end a window stays revisable: a label in it may wait for its prediction longer than `revise_for`.
pub(super) fn revisable_ms(settings: &ModelSettings) -> Millis {
    settings.revise_for_ms.max(settings.early_label_retention_ms)
}

impl Window {
    /// Versions of `group` that rows were published of.
    pub fn published_versions(&self, group: GroupId) -> impl Iterator<Item = Option<VersionId>> + use<> {
        let all = (group, None)..=(group, Some(VersionId(u32::MAX)));
        self.published.range(all).map(|((_, version), _)| *version).collect::<Vec<_>>().into_iter()
    }

    /// True if it may be published again: a window is revised no sooner than a fraction of its age after its last
    /// revision, and no sooner than the emit interval by the clock. A clock that was set back says nothing of that
    /// interval: waiting until it is again where it was could take years.
    pub fn is_due(
        &self,
        start: Millis,
        settings: &ModelSettings,
        event_time: Millis,
        now: Millis,
        interval: Millis,
    ) -> bool {
        let Some((revised_at, revised_now)) = self.revised_at else { return true };
        let age = (revised_at - start).max(0) as f64;
        let pause = settings.revise_after.min_ms.max((age * settings.revise_after.growth) as Millis);
        event_time >= revised_at + pause && (now >= revised_now + interval || now < revised_now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOPPING: WindowSpec = WindowSpec { size_ms: 30, advance_ms: 10 };

    #[test]
    fn a_pane_lies_in_every_window_that_covers_it() {
        let windows = Windows::new(HOPPING);
        assert_eq!(windows.starts(40).collect::<Vec<_>>(), [40, 30, 20]);
        assert_eq!(windows.starts(-10).collect::<Vec<_>>(), [-10, -20, -30]);
    }

    #[test]
    fn a_window_is_final_once_nothing_is_pending_and_corrections_are_over_or_its_time_is() {
        let settings = ModelSettings {
            allowed_lateness_ms: 5,
            early_label_retention_ms: 0,
            correction_horizon_ms: 20,
            revise_for_ms: 100,
            ..ModelSettings::default()
        };
        let mut windows = Windows::new(WindowSpec { size_ms: 10, advance_ms: 10 });
        windows.open.insert(0, Window { last_label_time: Some(30), ..Window::default() });
        assert_eq!(windows.due_for_closing(&settings, 50), [] as [i64; 0], "a correction may come");
        assert_eq!(windows.due_for_closing(&settings, 51), [0]);
        windows.open.insert(0, Window { unmatched: 1, ..Window::default() });
        assert_eq!(windows.due_for_closing(&settings, 109), [] as [i64; 0]);
        assert_eq!(windows.due_for_closing(&settings, 110), [0]);
        assert!(windows.close(0).is_some() && windows.is_closed(0) && !windows.is_closed(10));
        windows.close_by_age(&settings, 110);
        assert!(windows.is_closed(0) && windows.is_closed(-10) && !windows.is_closed(10));
    }

    #[test]
    fn revisions_grow_apart_with_age() {
        let settings = ModelSettings::default();
        let window = |revised_at| Window { revised_at: Some((revised_at, 0)), ..Window::default() };
        let due = |window: &Window, time| window.is_due(0, &settings, time, time, 0);
        assert!(due(&Window::default(), 0));
        assert!(!due(&window(60_000), 119_999) && due(&window(60_000), 120_000), "the minimum is a minute");
        assert!(!due(&window(6_000_000), 6_599_999) && due(&window(6_000_000), 6_600_000), "then 10 % of the age");
        assert!(!window(60_000).is_due(0, &settings, 120_000, 5, 10), "and the emit interval");
        assert!(window(60_000).is_due(0, &settings, 120_000, -1, 10), "unless the clock was set back");
    }
}
