//! What the detectors of a series found in a window, as metric values.

use super::detection::Tally;
use super::merged::SeriesWindow;
use super::names::GroupKind;
use super::publish::Publisher;
use super::window::PublishedSeries;
use crate::aggregate::Count;
use crate::event::{Millis, WindowSpec};
use crate::metrics::{Metric, MetricValue, Undefined};

impl Publisher<'_> {
    /// What the detectors of a series found in a window.
    pub(super) fn detected(
        &mut self,
        of: PublishedSeries,
        series: &SeriesWindow,
        spec: WindowSpec,
        start: Millis,
        values: &mut Vec<MetricValue>,
    ) {
        let Some(detection) = self.detection else { return };
        if !detection.covers(of.0, self.names.group(of.0).kind == GroupKind::Comparison)
            || series.cell.count(Count::Predictions) == 0
        {
            return;
        }
        let tallies = detection.tallies(of, start, start + spec.size_ms);
        let missing = match &tallies {
            Some(_) => Undefined::NoScores,
            None if self.is_final || series.cell.count(Count::Matched) == 0 => Undefined::NoLabels,
            None => Undefined::BeforeWatermark,
        };
        let methods = &detection.settings().methods;
        let tallies = tallies.unwrap_or_else(|| vec![Tally::default(); methods.len()]);
        for (method, Tally { read, fired, last }) in methods.iter().zip(tallies) {
            let value = if read > 0 { Ok(fired as f64) } else { Err(missing) };
            values.push(MetricValue::new(Metric::of_detector(method.kind()), value, read as i64));
            let Some(firing) = last else { continue };
            let name = self.names.feature_number(&method.kind().name().into());
            let evidence = [
                (Metric::ChangePointMs, firing.began as f64),
                (Metric::LevelBefore, firing.before),
                (Metric::LevelAfter, firing.after),
            ];
            let value = |(metric, value)| MetricValue::new(metric, Ok(value), read as i64).of_feature(name);
            values.extend(evidence.map(value));
        }
    }
}
