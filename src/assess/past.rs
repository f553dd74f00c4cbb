//! Features of panes that no window holds any more, kept for the windows that are compared with them.
//!
//! A pane's features stay until every window that is compared with them is final; so memory grows with how far back the
//! comparisons reach, and with how long windows stay open (one that never had a record is final only by its age). What was
//! dropped before a comparison was configured is gone: which windows that leaves without a reference is kept, too.

use super::cells::Pane;
use super::names::FEATURES;
use super::window::Windows;
use crate::aggregate::wire::{WireError, put_signed, put_text, put_varint, take_length, take_signed, take_text};
use crate::event::{Comparison, Millis, ModelSettings, WindowSpec};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The panes that are kept, and of what they are all.
#[derive(Debug)]
pub struct Past {
    /// With their features alone, packed.
    panes: BTreeMap<Millis, Pane>,
    /// End of the newest pane whose features were dropped.
    dropped_until: Millis,
    /// By window size and kind of comparison: from when on nothing was dropped that it may refer to.
    complete_from: BTreeMap<(WindowSpec, Arc<str>), Millis>,
}

impl Past {
    /// Nothing was dropped yet.
    pub fn new(settings: &ModelSettings) -> Past {
        let mut past = Past { panes: BTreeMap::new(), dropped_until: Millis::MIN, complete_from: BTreeMap::new() };
        past.begin(settings, settings.windows.iter().copied());
        past
    }

    /// Takes up comparisons of windows of `specs` that are new, and forgets those that are no more.
    fn begin(&mut self, settings: &ModelSettings, specs: impl Iterator<Item = WindowSpec>) {
        let before = std::mem::take(&mut self.complete_from);
        for spec in specs {
            for comparison in settings.drift.moving() {
                let key = (spec, comparison.kind().into());
                let from = before.get(&key).copied().unwrap_or(self.dropped_until);
                self.complete_from.insert(key, from);
            }
        }
    }

    /// Takes over a pane that no window holds any more.
    pub fn take(&mut self, start: Millis, pane: Pane, windows: &[Windows], settings: &ModelSettings) {
        let Some(features) = pane.into_group(FEATURES) else { return };
        if is_referred_to(start, windows, settings) {
            self.panes.insert(start, features);
        } else {
            self.dropped_until = self.dropped_until.max(start + settings.pane_ms);
        }
    }

    /// Drops what no window can be compared with any more.
    pub fn drop_final(&mut self, windows: &[Windows], settings: &ModelSettings) {
        self.complete_from.retain(|(spec, _), _| windows.iter().any(|windows| windows.spec == *spec));
        let is_kept = |pane: Millis| is_referred_to(pane, windows, settings);
        let dropped: Vec<Millis> = self.panes.keys().copied().filter(|pane| !is_kept(*pane)).collect();
        for pane in dropped {
            self.panes.remove(&pane);
            self.dropped_until = self.dropped_until.max(pane + settings.pane_ms);
        }
    }

    /// The panes that start in `span`.
    pub fn range(&self, span: Range<Millis>) -> impl Iterator<Item = &Pane> {
        self.panes.range(span).map(|(_, pane)| pane)
    }

    /// True if nothing that starts at `from` or later was dropped that windows of `spec` are compared with in this way.
    pub fn is_complete(&self, spec: WindowSpec, kind: &Arc<str>, from: Millis) -> bool {
        self.complete_from.get(&(spec, Arc::clone(kind))).is_some_and(|complete| *complete <= from)
    }

    /// How many panes there are.
    pub fn len(&self) -> usize {
        self.panes.len()
    }

    /// Appends it to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.panes.len() as u64);
        for (start, pane) in &self.panes {
            put_signed(out, *start);
            pane.encode(out);
        }
        put_signed(out, self.dropped_until);
        put_varint(out, self.complete_from.len() as u64);
        for ((spec, kind), from) in &self.complete_from {
            [spec.size_ms, spec.advance_ms, *from].into_iter().for_each(|number| put_signed(out, number));
            put_text(out, kind);
        }
    }

    /// From what [`Self::encode`] wrote, for windows of `specs` under `settings`.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn decode(
        input: &mut &[u8],
        settings: &ModelSettings,
        specs: impl Iterator<Item = WindowSpec>,
    ) -> Result<Past, WireError> {
        let mut panes = BTreeMap::new();
        for _ in 0..take_length(input)? {
            panes.insert(take_signed(input)?, Pane::decode(input)?);
        }
        let dropped_until = take_signed(input)?;
        let mut complete_from = BTreeMap::new();
        for _ in 0..take_length(input)? {
            let spec = WindowSpec { size_ms: take_signed(input)?, advance_ms: take_signed(input)? };
            let from = take_signed(input)?;
            complete_from.insert((spec, take_text(input)?), from);
        }
        let mut past = Past { panes, dropped_until, complete_from };
        past.begin(settings, specs);
        Ok(past)
    }
}

/// True if some window that is not final, or one to come, is compared with `pane`.
fn is_referred_to(pane: Millis, windows: &[Windows], settings: &ModelSettings) -> bool {
    let by = |windows: &Windows, comparison: &Comparison| {
        let spec = windows.spec;
        let starts = comparison.referring(spec, pane).filter(|_| comparison.suits(spec));
        starts.is_some_and(|starts| windows.any_not_final(starts, |start| comparison.refers(spec, start, pane)))
    };
    settings.drift.moving().any(|comparison| windows.iter().any(|windows| by(windows, comparison)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Cell;
    use crate::aggregate::Features;
    use crate::aggregate::features::feature_mut;
    use crate::assess::cells::VersionId;
    use crate::assess::names::WHOLE;
    use crate::event::{DriftSettings, ReferenceId};

    const TUMBLING: WindowSpec = WindowSpec { size_ms: 10, advance_ms: 10 };

    fn settings(compare_with: Vec<Comparison>) -> ModelSettings {
        ModelSettings {
            windows: vec![TUMBLING],
            pane_ms: 10,
            label_horizon_ms: 50,
            correction_horizon_ms: 0,
            early_label_retention_ms: 0,
            allowed_lateness_ms: 0,
            revise_for_ms: 50,
            drift: DriftSettings { compare_with, ..DriftSettings::default() },
            ..ModelSettings::default()
        }
    }

    fn pane() -> Pane {
        let mut features = Features::default();
        feature_mut(&mut features.of_mut(ReferenceId(1)).list, 0).add(3, None);
        let mut pane = Pane::default();
        pane.merge(FEATURES, VersionId(0), &Cell::of_features(features));
        pane.merge(WHOLE, VersionId(0), &Cell::default());
        pane.unmatched = 3;
        pane
    }

    /// A past that took over panes 0, 10, … below `until`, whose windows are final.
    fn past(settings: &ModelSettings, until: Millis) -> (Past, Windows) {
        let (mut past, mut windows) = (Past::new(settings), Windows::new(TUMBLING));
        for start in (0..until).step_by(10) {
            windows.close(start);
            past.take(start, pane(), std::slice::from_ref(&windows), settings);
            past.drop_final(std::slice::from_ref(&windows), settings);
        }
        (past, windows)
    }

    fn kept(past: &Past) -> Vec<Millis> {
        past.panes.keys().copied().collect()
    }

    #[test]
    fn what_is_kept_is_as_much_as_the_longest_comparison_reaches() {
        let fixed = settings(vec![Comparison::Fixed]);
        assert_eq!(kept(&past(&fixed, 100).0), [] as [Millis; 0]);
        let previous = settings(vec![Comparison::Previous]);
        assert_eq!(kept(&past(&previous, 100).0), [90]);
        let trailing = Comparison::Trailing { windows: 3, except: Vec::new() };
        assert_eq!(kept(&past(&settings(vec![Comparison::Previous, trailing]), 100).0), [70, 80, 90]);
        assert_eq!(kept(&past(&settings(vec![Comparison::Ago { ms: 40 }]), 100).0), [60, 70, 80, 90]);
        let span = Comparison::Span { from_ms: 20, to_ms: 40 };
        assert_eq!(kept(&past(&settings(vec![span]), 100).0), [20, 30]);
    }

    #[test]
    fn a_window_that_may_still_open_keeps_what_it_would_be_compared_with() {
        let settings = settings(vec![Comparison::Previous]);
        let (mut past, mut windows) = past(&settings, 50);
        // Of the window at 50 nothing is known; it can open until it is final by its age.
        windows.close(60);
        past.take(60, pane(), std::slice::from_ref(&windows), &settings);
        past.drop_final(std::slice::from_ref(&windows), &settings);
        assert_eq!(kept(&past), [40, 60]);
        windows.close_by_age(&settings, 60 + 50);
        past.drop_final(std::slice::from_ref(&windows), &settings);
        assert_eq!(kept(&past), [60]);
        windows.close_by_age(&settings, Millis::MAX);
        past.drop_final(std::slice::from_ref(&windows), &settings);
        assert_eq!(past.len(), 0);
    }

    #[test]
    fn labels_are_not_kept() {
        let settings = settings(vec![Comparison::Previous]);
        let (past, _) = past(&settings, 10);
        let pane = &past.panes[&0];
        assert_eq!((pane.groups().collect::<Vec<_>>(), pane.unmatched), (vec![FEATURES], 0));
    }

    #[test]
    fn a_comparison_that_is_new_has_what_was_kept_and_no_more() {
        let before = settings(vec![Comparison::Previous]);
        let (past, _) = past(&before, 100);
        let mut bytes = Vec::new();
        past.encode(&mut bytes);
        let trailing = Comparison::Trailing { windows: 3, except: Vec::new() };
        let after = settings(vec![trailing.clone(), Comparison::Previous]);
        let read = Past::decode(&mut bytes.as_slice(), &after, std::iter::once(TUMBLING)).unwrap();
        let is_complete = |comparison: &Comparison, from| read.is_complete(TUMBLING, &comparison.kind().into(), from);
        assert!(is_complete(&trailing, 90) && !is_complete(&trailing, 80));
        assert!(is_complete(&Comparison::Previous, 0), "it had all that it refers to");
        assert!(!is_complete(&Comparison::Ago { ms: 10 }, 90), "it is not configured");
        let mut again = Vec::new();
        let same = Past::decode(&mut bytes.as_slice(), &before, std::iter::once(TUMBLING)).unwrap();
        same.encode(&mut again);
        assert_eq!(again, bytes);
    }
}
