//! Moving references: windows of a model compared with other windows of the same model. Their features were counted in the
//! bins of one profile, and sums of panes are exact, so what is compared is the same however records came.
//!
//! Each series is compared with itself: a version with the same version, all together with all together. A window is
//! looked at again when the features of what it is compared with change. They can until the watermark has passed them,
//! which it has before the window is final; what comes behind the watermark later still, changes no final window.

use super::cells::VersionId;
use super::features;
use super::merged::{GroupWindow, PaneState};
use super::model::ModelAssess;
use super::names::{FEATURES, GroupKind, Names};
use super::publish::Publisher;
use super::rows::Rows;
use super::window::Window;
use crate::aggregate::Features;
use crate::drift;
use crate::event::{Comparison, MetricRow, Millis, ModelSettings, ReferenceId, WindowSpec};
use crate::metrics::{MetricValue, Undefined};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

impl ModelAssess {
    /// Has the windows looked at again that are compared with `pane`; true if some of them are final, which changes no more.
    pub(super) fn mark_compared(&mut self, pane: Millis) -> bool {
        let mut has_final = false;
        for comparison in self.settings.drift.moving() {
            for windows in self.windows.iter_mut().filter(|windows| comparison.suits(windows.spec)) {
                let spec = windows.spec;
                let Some(starts) = comparison.referring(spec, pane) else { continue };
                let refers = |start: Millis| comparison.refers(spec, start, pane);
                for (_, window) in windows.open.range_mut(starts.clone()).filter(|(start, _)| refers(**start)) {
                    window.changed.insert(FEATURES);
                }
                has_final |= windows.any_final(starts, refers);
            }
        }
        has_final
    }
}

/// What a window is compared with.
struct Reference<'a> {
    features: GroupWindow<'a>,
    span: Range<Millis>,
}

impl<'a> Publisher<'a> {
    /// Publishes how far the features of a window have moved from other windows, comparison by comparison.
    pub(super) fn moved(
        &mut self,
        merged: &GroupWindow<'a>,
        spec: WindowSpec,
        start: Millis,
        window: &mut Window,
        rows: &mut Rows<'_>,
    ) {
        let settings = self.settings;
        let mut told = BTreeSet::new();
        for comparison in settings.drift.moving().filter(|comparison| comparison.suits(spec)) {
            let kind: Arc<str> = comparison.kind().into();
            let group = self.names.moving(&kind);
            told.insert(group);
            let reference = self.reference(comparison, &kind, spec, start);
            let all: Vec<(Option<VersionId>, &Features)> =
                self.series(merged).map(|(version, series)| (version, &series.cell.features)).collect();
            for (version, current) in all {
                let past = reference.as_ref().map(|reference| (self.features_of(reference, version), &reference.span));
                let mut values = Vec::new();
                let Some(id) = compare(current, past, settings, self.names, &mut values) else { continue };
                let columns = MetricRow {
                    reference_id: id.map(|id| id.to_string().into()),
                    reference_kind: Some(Arc::clone(&kind)),
                    ..self.columns((FEATURES, version), spec, start, None, rows.texts)
                };
                self.publish(window, (group, version), columns, &values, rows);
            }
        }
        let is_gone = |group| self.names.group(group).kind == GroupKind::Moving && !told.contains(&group);
        let gone: Vec<_> = window.published.keys().copied().filter(|(group, _)| is_gone(*group)).collect();
        for (group, version) in gone {
            let columns = MetricRow {
                reference_kind: Some(Arc::clone(&self.names.group(group).value)),
                ..self.columns((FEATURES, version), spec, start, None, rows.texts)
            };
            self.publish(window, (group, version), columns, &[], rows);
        }
    }

    /// What the window at `start` is compared with; `None` if there is nothing, or not all of it is known.
    fn reference(
        &self,
        comparison: &Comparison,
        kind: &Arc<str>,
        spec: WindowSpec,
        start: Millis,
    ) -> Option<Reference<'a>> {
        let spans = comparison.spans(spec, start);
        let span = spans.first()?.start..spans.last()?.end;
        if !self.past.is_complete(spec, kind, span.start) {
            return None;
        }
        let (past, panes) = (self.past, self.panes);
        let all = spans.into_iter().flat_map(|span| {
            let held = panes.range(span.clone()).map(|(_, pane)| pane);
            past.range(span).chain(held)
        });
        // Features wait for nothing.
        let state = PaneState { is_expired: false, is_orphaned: false };
        Some(Reference { features: GroupWindow::read(FEATURES, all.map(|pane| (pane, state)), false), span })
    }

    fn features_of<'w>(&self, reference: &'w Reference<'a>, version: Option<VersionId>) -> Option<&'w Features> {
        let mut series = self.series(&reference.features);
        series.find(|(of, _)| *of == version).map(|(_, series)| &series.cell.features)
    }
}

/// Appends how far `current` has moved from `past`, features and the span that they are of; gives the id of the reference,
/// if there is one. `None` where the profile whose bins they were counted in is known no more.
fn compare(
    current: &Features,
    past: Option<(Option<&Features>, &Range<Millis>)>,
    settings: &ModelSettings,
    names: &mut Names,
    values: &mut Vec<MetricValue>,
) -> Option<Option<ReferenceId>> {
    let [(counted_by, of)] = current.by_reference() else {
        features::read_each(current, settings, names, values, |profile, list, values| {
            drift::read_out_moved(profile, list, &settings.drift, values);
        });
        features::none_of(values, Undefined::ReferenceChanged);
        return (!values.is_empty()).then_some(None);
    };
    let profile = features::profile(settings, *counted_by)?;
    let past = past.and_then(|(past, span)| Some((past?.by_reference(), span)));
    let id = match past {
        None | Some(([], _)) => {
            drift::read_out_nothing(profile, &of.list, values);
            None
        }
        Some(([(id, past)], span)) if id == counted_by => {
            let reference = drift::profile_of(profile, &past.list, span);
            drift::read_out_moved(&reference, &of.list, &settings.drift, values);
            Some(reference.id)
        }
        Some(_) => {
            drift::read_out_moved(profile, &of.list, &settings.drift, values);
            features::none_of(values, Undefined::ReferenceChanged);
            None
        }
    };
    features::name(profile, names, values);
    Some(id)
}
