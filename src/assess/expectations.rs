//! What the labels of the reference let expect of the whole model, and how the labels that came compare with it: estimated
//! performance, how far estimates were off, how labels are distributed, and what made accuracy other than it was.

use super::cells::VersionId;
use super::features::{estimate, in_force, none_of};
use super::merged::GroupWindow;
use super::names::{EXPECTATIONS, FEATURES};
use super::past_errors::{ESTIMATED, SeriesOfErrors};
use super::publish::{OverGroups, Publisher, coverage};
use super::rows::Rows;
use super::window::{Window, revisable_ms};
use crate::aggregate::{Expected, Quality};
use crate::drift;
use crate::event::{
    AccuracyGroup, Comparison, FeatureValue, MetricRow, Millis, ModelSettings, Profile, ReferenceId, ReferenceLabels,
    TaskKind, WindowSpec,
};
use crate::metrics::change::{RightRows, accuracy_change, by_predicted_class};
use crate::metrics::estimated::{estimation_error, widened_by_past_errors};
use crate::metrics::{MetricValue, Undefined};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Values, and the reference that they are of if there is only one.
pub(super) type Compared = (Option<ReferenceId>, Vec<MetricValue>);

impl<'a> Publisher<'a> {
    /// Publishes the expectations of a window, per version and together; `whole` is all of the model in it.
    pub(super) fn expectations(
        &mut self,
        whole: &GroupWindow<'a>,
        spec: WindowSpec,
        start: Millis,
        window: &mut Window,
        rows: &mut Rows<'_>,
    ) {
        let expected = self.read_group(EXPECTATIONS, spec, start);
        let counted = OnceCell::new();
        let versions: BTreeSet<_> = self.series(&expected).chain(self.series(whole)).map(|(told, _)| told).collect();
        for version in versions {
            let labelled = self.series(whole).find(|(told, _)| *told == version).map(|(_, series)| series);
            let mut realized = Vec::new();
            if let Some(series) = labelled {
                self.read_out(series, spec, false, &mut realized);
            }
            let quality = labelled.map(|series| &series.cell.quality);
            let references = self.compared_with(version, &expected, &counted, spec, start);
            let has_one = references.len() == 1;
            let mut values = Vec::new();
            for (of, profile) in &references {
                let Some(labels) = &profile.labels else { continue };
                let mut estimated = Vec::new();
                estimate(profile, of, &mut estimated);
                let series = SeriesOfErrors { spec, version, reference: profile.id };
                let known = self.past_errors.before(series, start - revisable_ms(self.settings));
                values.extend(estimated.iter().map(|value| widen(*value, &known)));
                let errors = self.estimation_errors(&estimated, &realized, &mut values);
                if self.is_final && has_one {
                    self.past_errors.add(series, start, errors);
                }
                if let Some(quality) = quality {
                    self.compare_labels(profile, labels, quality, &mut values);
                }
            }
            if !has_one {
                none_of(&mut values, Undefined::ReferenceChanged);
            }
            if values.is_empty() {
                continue;
            }
            let coverage = labelled.and_then(|series| coverage(&series.cell));
            let columns = self.columns((EXPECTATIONS, version), spec, start, coverage, rows.texts);
            let reference = references.first().filter(|_| has_one);
            let reference_id = reference.map(|(_, profile)| profile.id.to_string().into());
            let reference_kind = Some(Comparison::Fixed.kind().into());
            self.publish(
                window,
                (EXPECTATIONS, version),
                MetricRow { reference_id, reference_kind, ..columns },
                &values,
                rows,
            );
        }
    }

    /// Appends how far estimates are off, and gives that by their place.
    fn estimation_errors(
        &mut self,
        estimated: &[MetricValue],
        realized: &[MetricValue],
        values: &mut Vec<MetricValue>,
    ) -> [Option<f64>; ESTIMATED.len()] {
        ESTIMATED.map(|(estimate, of, name)| {
            let find = |values: &[MetricValue], wanted| {
                values.iter().find(|value| value.metric == wanted && value.class.is_none()).copied()
            };
            let error = estimation_error(&find(realized, of)?, &find(estimated, estimate)?);
            values.push(error.of_feature(self.names.feature_number(&name.into())));
            error.value.ok()
        })
    }

    /// What is expected of a version in a window, by the profiles that say so: those that its predictions were read under.
    /// Where none of them had a score, those are known by their features, which are read into `counted` then.
    fn compared_with(
        &self,
        version: Option<VersionId>,
        expected: &GroupWindow<'a>,
        counted: &OnceCell<GroupWindow<'a>>,
        spec: WindowSpec,
        start: Millis,
    ) -> Vec<(Expected, &'a Profile)> {
        let of = |group: &GroupWindow<'a>| {
            let found = self.series(group).find(|(known, _)| *known == version);
            found.map(|(_, series)| {
                let known = in_force(&series.cell.features, self.settings);
                known.map(|(of, profile)| (of.expected.clone(), profile)).collect()
            })
        };
        of(expected).or_else(|| of(counted.get_or_init(|| self.read_group(FEATURES, spec, start)))).unwrap_or_default()
    }

    /// What of a change of accuracy comes from other shares of the values of a segment set, per version with a reference
    /// that knows it.
    pub(super) fn changes_by_segment(
        &self,
        set: u16,
        spec: WindowSpec,
        start: Millis,
        by_version: &BTreeMap<Option<VersionId>, OverGroups>,
    ) -> BTreeMap<Option<VersionId>, Compared> {
        let expected = self.read_group(EXPECTATIONS, spec, start);
        let counted = OnceCell::new();
        let changes = by_version.iter().map(|(version, over)| {
            let references = self.compared_with(*version, &expected, &counted, spec, start);
            let key = &self.names.segment_keys[usize::from(set)];
            let mut values = Vec::new();
            for labels in references.iter().filter_map(|(_, profile)| profile.labels.as_ref()) {
                let groups = labels.accuracy_by(Some(key));
                if !groups.is_empty() {
                    values.extend(accuracy_change(&paired(groups, &over.right)));
                }
            }
            let reference = match &references[..] {
                [(_, profile)] => Some(profile.id),
                _ => {
                    none_of(&mut values, Undefined::ReferenceChanged);
                    None
                }
            };
            (*version, (reference, values))
        });
        changes.collect()
    }

    /// How labels have moved, and what made accuracy other than it was: of models that predict classes.
    fn compare_labels(
        &mut self,
        profile: &Profile,
        labels: &ReferenceLabels,
        quality: &Quality,
        values: &mut Vec<MetricValue>,
    ) {
        let task = self.settings.task.unwrap_or(profile.task);
        let classes = self.names.classes.names();
        if let Some(counts) = label_counts(labels, quality, task, self.settings, classes) {
            let first = values.len();
            // Of a binary model there is one class and its opposite, whatever the reference holds.
            let others = (task == TaskKind::Multiclass).then(|| labels.bins.len() - 3);
            drift::read_out_labels(&labels.counts, &counts, others, &self.settings.drift, values);
            let label = self.names.feature_number(&"label".into());
            values[first..].iter_mut().for_each(|value| value.feature = Some(label));
        }
        if task != TaskKind::Regression {
            let classes = self.names.classes.names();
            let now = by_predicted_class(quality, task, &self.settings.positive_label, classes);
            let change = accuracy_change(&paired(labels.accuracy_by(None), &now));
            let predicted = self.names.feature_number(&"predicted_label".into());
            values.extend(change.map(|value| value.of_feature(predicted)));
        }
    }
}

/// The estimate with an interval that covers what its like were off by.
fn widen(value: MetricValue, past: &[Vec<f64>; ESTIMATED.len()]) -> MetricValue {
    let place = ESTIMATED.iter().position(|(metric, ..)| *metric == value.metric).filter(|_| value.class.is_none());
    place.map_or(value, |place| widened_by_past_errors(value, &past[place]))
}

/// Labels of a window in the bins of the reference's; `None` where they are numbers, whose bins no window has.
fn label_counts(
    labels: &ReferenceLabels,
    quality: &Quality,
    task: TaskKind,
    settings: &ModelSettings,
    classes: &[Arc<str>],
) -> Option<Vec<i64>> {
    let mut counts = vec![0; labels.bins.len()];
    match task {
        TaskKind::Binary => {
            let confusion = quality.binary.as_deref().map(|binary| binary.confusion).unwrap_or_default();
            let positives = confusion.true_positives + confusion.false_negatives;
            counts[labels.bins.bin_of(FeatureValue::Text(&settings.positive_label))] += positives;
            // No label is the empty text, so this is the bin of what has none of its own.
            counts[labels.bins.bin_of(FeatureValue::Text(""))] += confusion.rows() - positives;
        }
        TaskKind::Multiclass => {
            for ((actual, _), rows) in quality.multiclass.iter().flat_map(|multiclass| &multiclass.confusion) {
                let class = classes.get(usize::from(actual.0)).map_or("", |name| name);
                counts[labels.bins.bin_of(FeatureValue::Text(class))] += rows;
            }
        }
        TaskKind::Regression => return None,
    }
    Some(counts)
}

/// The groups of a reference beside those of a window.
fn paired(reference: &[AccuracyGroup], window: &BTreeMap<Arc<str>, RightRows>) -> Vec<(RightRows, RightRows)> {
    let mut pairs: BTreeMap<&str, (RightRows, RightRows)> = BTreeMap::new();
    for group in reference {
        pairs.entry(&group.value).or_default().0 = RightRows { rows: group.rows, right: group.right };
    }
    for (value, group) in window {
        pairs.entry(value).or_default().1 = *group;
    }
    pairs.into_values().collect()
}
